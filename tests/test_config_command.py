import json
from pathlib import Path

import pytest

from poolcheck.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(*arguments: str, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    """The value of each setting, and where it is from."""
    assert main(["config", *arguments]) == 0
    parted = [line.partition("  # ") for line in capsys.readouterr().out.splitlines()]
    pairs = [(setting.partition(" = "), origin) for setting, _, origin in parted]
    return {name: (value.strip(), origin) for (name, _, value), origin in pairs}


def test_without_a_file_all_settings_are_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    settings = printed(capsys=capsys)

    assert settings["min-severity"] == ('"warning"', "default")
    assert {origin for _, origin in settings.values()} == {"default"}


def test_what_is_usually_excluded_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert '".venv"' in printed(capsys=capsys)["exclude"][0]


def test_every_setting_is_shown_with_the_line_it_is_from(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text(
        """\
[project]
name = "shop"
[tool.poolcheck]
select = ["pgbouncer", "python"]
[tool.poolcheck.databases.orders]
hosts = ["db1"]
max_connections = 200
"""
    )

    settings = printed(capsys=capsys)

    assert settings["select"] == ('["pgbouncer", "python"]', "pyproject.toml:4")
    assert settings["databases.orders.hosts"] == ('["db1"]', "pyproject.toml:6")
    assert settings["databases.orders.max_connections"] == ("200", "pyproject.toml:7")
    assert settings["ignore"] == ("[]", "default")
    assert "folder" not in settings


def test_the_settings_that_hold_for_a_path_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Path("legacy").mkdir()
    Path("legacy", "app.py").touch()
    Path("legacy", "poolcheck.toml").write_text('min-severity = "error"\n')

    assert printed(capsys=capsys)["min-severity"] == ('"warning"', "default")
    for path in ("legacy", "legacy/app.py"):
        assert printed(path, capsys=capsys)["min-severity"] == ('"error"', "legacy/poolcheck.toml:1")


def test_a_file_can_be_named_and_all_can_be_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("poolcheck.toml").write_text('min-severity = "error"\n')
    Path("ours.toml").write_text('min-severity = "info"\n')

    assert printed("--config", "ours.toml", capsys=capsys)["min-severity"] == ('"info"', "ours.toml:1")
    assert printed("--isolated", capsys=capsys)["min-severity"] == ('"warning"', "default")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        (["--config", "no.toml"], "no.toml: cannot be read: No such file or directory"),
        (["bad"], "bad/poolcheck.toml:1:1: unknown setting 'selct'; did you mean 'select'?"),
    ],
)
def test_what_cannot_be_shown_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad").mkdir()
    Path("bad", "poolcheck.toml").write_text("selct = []\n")

    status = main(["config", *arguments])

    assert (status, *capsys.readouterr()) == (2, "", f"poolcheck: {told}\n")


def test_the_schema_describes_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)

    assert set(schema["properties"]) == {name.partition(".")[0] for name in printed(capsys=capsys)}
    assert schema["additionalProperties"] is False
    assert schema["properties"]["fail-on"]["enum"] == ["error", "warning", "info", "never"]
    assert schema["properties"]["databases"]["additionalProperties"]["properties"]["max_connections"] == {
        "description": "Its max_connections",
        "type": "integer",
    }
