import sys
import tomllib
from pathlib import Path

import pytest

from poolcheck.catalog import installed
from poolcheck.config import BadConfiguration, Configurations, FailOn, Settings, check_names, nearest, parse, read
from poolcheck.finding import Severity
from poolcheck.stated import StatedDatabase, StatedPooler, StatedWorkload
from poolcheck.toml import written
from poolcheck.typed import is_like

PACKS = Path(__file__).parent / "packs"


def mistakes(text: str, path: str = "poolcheck.toml") -> list[tuple[str, str]]:
    """What is wrong with a configuration: the text at each place, and the message."""
    with pytest.raises(BadConfiguration) as caught:
        check_names(parse(path, text), installed())
    return [(text[mistake.span.start : mistake.span.end], mistake.value) for mistake in caught.value.mistakes]


def test_settings_are_read_into_their_types() -> None:
    settings = parse(
        "poolcheck.toml",
        """
        select = ["pgbouncer"]
        min-severity = "info"
        fail-on = "never"
        per-file-ignores = { "legacy/**" = ["inline-comment"] }
        [target]
        pgbouncer = "1.22"
        [databases.orders]
        hosts = ["db1", "db1.internal"]
        max_connections = 200
        [poolers.main]
        pool_mode = "transaction"
        [workloads.api]
        source = ["services/api"]
        replicas = 6
        """,
    ).settings

    assert settings.select == ("pgbouncer",)
    assert (settings.min_severity, settings.fail_on) == (Severity.INFO, FailOn.NEVER)
    assert settings.per_file_ignores == {"legacy/**": ("inline-comment",)}
    assert settings.target.pgbouncer == "1.22"
    assert settings.databases == {"orders": StatedDatabase(("db1", "db1.internal"), 200)}
    assert settings.poolers == {"main": StatedPooler(pool_mode="transaction")}
    assert settings.workloads == {"api": StatedWorkload(("services/api",), 6)}


def test_in_pyproject_settings_stand_under_tool_poolcheck() -> None:
    text = '[project]\nname = "shop"\n[tool.poolcheck]\nignore = ["recycle-zero"]\n'

    assert parse("pyproject.toml", text).settings.ignore == ("recycle-zero",)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('selct = ["a"]', "selct", "unknown setting 'selct'; did you mean 'select'?"),
        (
            "[databases.orders]\nmax-connections = 5",
            "max-connections",
            "unknown setting 'max-connections' in databases.orders; did you mean 'max_connections'?",
        ),
        ("select = 'pgbouncer'", "select", "select must be a list of strings, not 'pgbouncer'"),
        ('min-severity = "high"', "min-severity", "min-severity must be one of error, warning, info, not 'high'"),
        (
            "[target]\npgbouncer = 1.22",
            "pgbouncer",
            'target.pgbouncer must be a version in quotes, such as "1.22", not 1.22',
        ),
        (
            "[workloads.api]\nreplicas = true",
            "replicas",
            "workloads.api.replicas must be a whole number, not True",
        ),
        ("target = 3", "target", "target must be a table, not 3"),
        ('select = ["pgbuncer"]', "select", "no rule or group is called 'pgbuncer'; did you mean 'pgbouncer'?"),
        (
            "[rules.inline-coment]\nx = 1",
            "rules.inline-coment",
            "no rule is called 'inline-coment'; did you mean 'inline-comment'?",
        ),
        ("[rules.inline-comment]\nstrict = true", "strict", "inline-comment has no option 'strict'"),
        ('exclude = ["old", "!"]', "exclude", "'!' is no pattern"),
        ('per-file-ignores = { "[z-a]" = ["python"] }', "per-file-ignores", "'[z-a]' is no pattern"),
        ('folder = "x"', "folder", "unknown setting 'folder'; did you mean 'poolers'?"),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, place: str, message: str) -> None:
    assert mistakes(text) == [(place, message)]


def test_all_mistakes_are_told_at_once() -> None:
    assert [place for place, _ in mistakes("a = 1\nb = 2\n[target]\nc = 3\n")] == ["a", "b", "c"]


def test_in_pyproject_a_mistake_is_placed_in_our_own_table() -> None:
    text = '[tool.other]\nselect = 1\n[tool.poolcheck]\n"select" = 1\n'

    assert [place for place, _ in mistakes(text, "pyproject.toml")] == ['"select"']


def test_what_is_no_toml_is_told_where_it_stops_being_toml() -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse("poolcheck.toml", "select = [\nignore = 1\n")

    (mistake,) = caught.value.mistakes
    assert mistake.value.startswith("not TOML: ")
    assert mistake.span.start == len("select = [\n")


def test_the_nearest_file_holds_and_our_own_is_stronger(tmp_path: Path) -> None:
    inner = tmp_path / "service" / "deploy"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.poolcheck]\n")
    (tmp_path / "service" / "pyproject.toml").write_text("[project]\n")

    assert nearest(str(inner)) == str(tmp_path / "pyproject.toml")

    (tmp_path / "poolcheck.toml").write_text("")

    assert nearest(str(inner)) == str(tmp_path / "poolcheck.toml")


def test_each_file_is_under_its_own_folders_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "legacy").mkdir()
    (tmp_path / "poolcheck.toml").write_text('ignore = ["recycle-zero"]')
    (tmp_path / "legacy" / "poolcheck.toml").write_text('select = ["python"]')

    configurations = Configurations(installed())

    assert configurations.of("a.py").ignore == ("recycle-zero",)
    assert configurations.of("legacy/a.py") == Settings(select=("python",), folder="legacy")


def test_without_files_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "poolcheck.toml").write_text('ignore = ["recycle-zero"]')

    assert Configurations(installed(), isolated=True).of("a.py") == Settings()


def test_a_file_that_is_named_holds_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "poolcheck.toml").write_text('ignore = ["recycle-zero"]')
    (tmp_path / "ours.toml").write_text('select = ["python"]')

    assert Configurations(installed(), only="ours.toml").of("a.py") == Settings(select=("python",))


def test_a_configuration_file_is_shown_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "poolcheck.toml").write_text("select = []")

    assert read(str(tmp_path / "poolcheck.toml")).path == "poolcheck.toml"


def test_source_is_placed_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "poolcheck.toml").write_text('[workloads.api]\nsource = ["services/api", "lib"]\n')
    (tmp_path / "services").mkdir()
    monkeypatch.chdir(tmp_path / "services")

    stated = Configurations(installed()).in_folder("").stated

    assert stated.workloads["api"].source == ("api", "../lib")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("'6432'", ["port must be a whole number, not '6432'"]),
        ("true", ["port must be a whole number, not True"]),
        ("5432", []),
    ],
)
def test_options_of_rules_have_the_type_of_their_default(
    value: str, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(PACKS / "acme"), *sys.path])
    configuration = parse("poolcheck.toml", f"[rules.port-not-ours]\nport = {value}\n")

    try:
        check_names(configuration, installed())
        found = []
    except BadConfiguration as error:
        found = [mistake.value for mistake in error.mistakes]

    assert found == told


@pytest.mark.parametrize(
    ("value", "example", "expected"),
    [
        (3, 2.5, True),
        (2.5, 3, False),
        (True, 3, False),
        (("a", "b"), ("c",), True),
        (("a", 1), ("c",), False),
        ("a", ("c",), False),
        ((), (), True),
    ],
)
def test_a_value_is_like_another_of_its_type(value: object, example: object, expected: bool) -> None:
    assert is_like(value, example) == expected


@pytest.mark.parametrize("value", ["plain", 'a "quote"', "back\\slash", True, False, 3, ("a", "b"), ()])
def test_a_value_is_written_as_toml_reads_it(value: str | bool | int | tuple[str, ...]) -> None:
    read = tomllib.loads(f"value = {written(value)}")["value"]

    assert read == (list(value) if isinstance(value, tuple) else value)


def test_settings_that_may_not_be_read_are_not_passed_over(tmp_path: Path) -> None:
    """Who may not read the settings must not be told that all is well."""
    (tmp_path / "poolcheck.toml").symlink_to("poolcheck.toml")

    assert nearest(str(tmp_path)) == str(tmp_path / "poolcheck.toml")
