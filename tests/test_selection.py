import pytest

from poolcheck.catalog import RuleFile
from poolcheck.config import Settings
from poolcheck.selection import is_ignored_in, is_selected

RULE = RuleFile("inline-comment", "pgbouncer", "builtin", "", "")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(), True),
        (Settings(select=("inline-comment",)), True),
        (Settings(select=("pgbouncer",)), True),
        (Settings(select=("python",)), False),
        (Settings(select=("python",), extend_select=("pgbouncer",)), True),
        (Settings(extend_select=("python",)), True),
        (Settings(ignore=("inline-comment",)), False),
        (Settings(ignore=("pgbouncer",)), False),
        (Settings(ignore=("boolean-word", "python")), True),
        (Settings(select=("inline-comment",), ignore=("pgbouncer",)), True),
        (Settings(extend_select=("inline-comment",), ignore=("pgbouncer",)), True),
        (Settings(select=("pgbouncer",), ignore=("inline-comment",)), False),
        (Settings(select=("inline-comment",), ignore=("inline-comment",)), False),
        (Settings(select=("pgbouncer",), ignore=("pgbouncer",)), False),
    ],
)
def test_what_says_more_of_a_rule_holds(settings: Settings, expected: bool) -> None:
    assert is_selected(RULE, settings) == expected


@pytest.mark.parametrize(
    ("pattern", "names", "expected"),
    [
        ("legacy/**", ("inline-comment",), True),
        ("legacy/", ("pgbouncer",), True),
        ("*.ini", ("pgbouncer",), True),
        ("*.ini", ("boolean-word", "python"), False),
        ("*.yaml", ("inline-comment",), False),
        ("/pooler.ini", ("inline-comment",), False),
    ],
)
def test_rules_are_ignored_in_files_by_pattern(pattern: str, names: tuple[str, ...], expected: bool) -> None:
    assert is_ignored_in("legacy/pooler.ini", RULE, Settings(per_file_ignores={pattern: names})) == expected


def test_patterns_count_from_the_folder_of_the_settings() -> None:
    settings = Settings(per_file_ignores={"/pooler.ini": ("inline-comment",)}, folder="deploy")

    assert is_ignored_in("deploy/pooler.ini", RULE, settings)
    assert not is_ignored_in("pooler.ini", RULE, settings._replace(folder=".."))
