import pytest

from poolcheck.read.template import is_filled_in_yaml, is_placeholder


@pytest.mark.parametrize("line", ["__DATABASES__", "@DATABASES@", "@@db_list@@", "%DATABASES%"])
def test_a_name_between_signs_is_a_placeholder(line: str) -> None:
    assert is_placeholder(line)


@pytest.mark.parametrize("line", ["DATABASES", "_", "@admins", "50%", "__init__ = 1", "-- databases --"])
def test_a_word_alone_is_no_placeholder(line: str) -> None:
    assert not is_placeholder(line)


@pytest.mark.parametrize(
    "lines", ["image: @IMAGE@", "  - %ARGUMENT%", "a: 1\n  ${EXTRA_ENV}\n", "$(\nif x; then", "  __SIDECARS__\r\n"]
)
def test_yaml_is_filled_in_where_a_placeholder_stands_for_a_value_or_for_lines(lines: str) -> None:
    assert is_filled_in_yaml(lines)


@pytest.mark.parametrize(
    "lines", ["host: ${HOST}", "- $(POD_IP):6432", "share: 50%", "mail: ops@example.org", 'x: "@IMAGE@"', "b: `a`"]
)
def test_yaml_that_holds_references_is_yaml_as_it_is(lines: str) -> None:
    assert not is_filled_in_yaml(lines)
