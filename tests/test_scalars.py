import pytest

from poolcheck.read.yaml.scalars import ScalarKind, integer_of, kind_of_plain


def kinds(texts: str) -> set[ScalarKind]:
    """The kinds of the words in a text."""
    return {kind_of_plain(text) for text in texts.split()}


def test_the_words_of_yaml_1_1_are_booleans() -> None:
    assert kinds("true True TRUE yes Yes YES on On ON y Y") == {ScalarKind.BOOLEAN}
    assert kinds("false False FALSE no No NO off Off OFF n N") == {ScalarKind.BOOLEAN}


def test_words_in_any_other_case_are_strings() -> None:
    assert kinds("tRUE yEs oN nULL .iNf inf NaN") == {ScalarKind.STRING}


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing_and_null_are_null(text: str) -> None:
    assert kind_of_plain(text) is ScalarKind.NULL


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("010", 8),
        ("-010", -8),
        ("0777", 511),
        ("0o17", 15),
        ("0O17", 15),
        ("0x1F", 31),
        ("-0x1F", -31),
        ("0b101", 5),
        ("1_000", 1000),
        ("1_", 1),
        ("-_1", -1),
        ("0x_1", 1),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_whole_numbers_come_in_several_bases(text: str, number: int) -> None:
    assert kind_of_plain(text) is ScalarKind.INTEGER
    assert integer_of(text) == number


def test_numbers_that_are_not_whole_or_too_large_are_floats() -> None:
    assert kinds("1.5 1. .5 +.5 1e3 1E+3 1.e3 1e_3 08 099 0_8 18446744073709551616") == {ScalarKind.FLOAT}
    assert kinds(".inf -.Inf +.INF .nan .NaN .NAN") == {ScalarKind.FLOAT}


def test_times_dates_addresses_versions_and_quantities_are_strings() -> None:
    assert kinds("12:30 12:30:45 2001-01-01T00:00:00Z 10.0.0.1 1.25.1 100m 1Gi 5s") == {ScalarKind.STRING}


def test_what_almost_is_a_number_is_a_string() -> None:
    assert kinds("_1 0o8 0xG 0b102 0x . + 1e 1-2 1,000 1e999 0x1FFFFFFFFFFFFFFFF") == {ScalarKind.STRING}


@pytest.mark.parametrize("text", ["1" * 1_000_000, "1_" * 1_000_000, "0x" + "f" * 1_000_000])
def test_a_million_digits_are_a_string(text: str) -> None:
    assert kind_of_plain(text) is ScalarKind.STRING
