import sys
from pathlib import Path

import pytest

from poolcheck.catalog import installed
from poolcheck.cli import main

PACKS = Path(__file__).parent / "packs"


def test_a_page_is_printed_with_the_facts_that_the_rule_knows_best(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(installed()["inline-comment"].page).read_text(encoding="utf-8")

    status = main(["explain", "inline-comment"])

    facts = "\n## Facts\n\n- Group: `pgbouncer`\n- Severity: error\n- Since: 0.1\n"
    assert (status, capsys.readouterr().out) == (0, page + facts)


def test_options_are_explained_as_settings_are_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(PACKS / "acme"), *sys.path])

    main(["explain", "port-not-ours"])

    told = "- Option `port`, by default `6432`: The port that every pooler of the house listens on.\n"
    assert capsys.readouterr().out.endswith(told)


@pytest.mark.parametrize("rule", ["inline-comment", "unknown-setting"])
def test_colour_renders_the_page(rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["explain", "--color", "always", rule])

    out = capsys.readouterr().out
    assert status == 0
    assert f"\x1b[1;4m{rule}\x1b[0m" in out
    assert "```" not in out


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("inline-coment", "no rule is called 'inline-coment'; did you mean 'inline-comment'?"),
        ("pgbouncer", "pgbouncer is a group of rules: see poolcheck rules"),
        ("xyz", "no rule is called 'xyz'"),
    ],
)
def test_a_rule_that_does_not_exist_is_refused(rule: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["explain", rule])

    assert (status, *capsys.readouterr()) == (2, "", f"poolcheck: {told}\n")
