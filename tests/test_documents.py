"""What README and CONTRIBUTING show is true."""

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from poolcheck.cli import main
from poolcheck.config import parse
from poolcheck.source import Span
from poolcheck.suppress import suppressions
from poolcheck.testing import faults

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language, in order; of blocks inside blocks, the outer."""
    found = re.finditer(
        r"^(?P<fence>`{3,})(?P<language>\w+)\n(?P<code>.*?)^(?P=fence)$", text, re.MULTILINE | re.DOTALL
    )
    return [block["code"] for block in found if block["language"] == language]


@pytest.mark.parametrize("shown", [block for block in blocks(README, "text") if block.startswith("error")])
def test_the_output_that_the_readme_shows_is_real(shown: str) -> None:
    assert shown in (ROOT / "fixtures" / "shop.out").read_text(encoding="utf-8")


def test_the_configuration_that_the_readme_shows_is_accepted() -> None:
    [configuration, entry_point] = blocks(README, "toml")

    settings = parse("pyproject.toml", configuration).settings

    assert settings.databases["orders"].max_connections == 200
    assert "poolcheck.rules" in tomllib.loads(entry_point)["project"]["entry-points"]


@pytest.mark.parametrize("language", ["python", "ini"])
def test_the_suppressions_that_the_readme_shows_are_understood(language: str) -> None:
    [shown] = blocks(README, language)
    comment = next(re.finditer(r"[#;] poolcheck.*", shown))

    [found] = suppressions("a", shown, [Span("a", *comment.span())])

    assert [rule.value for rule in found.rules] in (["connection-never-released"], ["query-wait-timeout-off"])


def test_the_problem_matcher_of_the_readme_reads_concise_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    [tasks] = [json.loads(block) for block in blocks(README, "json")]
    pattern = tasks["tasks"][0]["problemMatcher"]["pattern"]
    monkeypatch.chdir(ROOT)

    main([*tasks["tasks"][0]["command"].split()[1:], "--isolated", "fixtures/shop"])

    lines = capsys.readouterr().out.splitlines()
    matches = [re.fullmatch(pattern["regexp"], line) for line in lines]
    assert len(lines) >= 20
    assert all(match and match[pattern["file"]].startswith("fixtures/shop/") for match in matches)


def test_the_hook_that_the_readme_shows_exists() -> None:
    shown = re.search(r"- id: (\S+)", README)

    assert shown
    assert f"- id: {shown[1]}\n" in (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")


def test_every_dependency_is_named_with_its_reason() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    needed = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]

    missing = [name for each in needed if (name := re.split(r"[\[<>=]", each)[0]) not in README.lower()]

    assert missing == []


def test_the_rule_that_contributing_shows_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [page] = blocks(CONTRIBUTING, "markdown")
    [rule] = blocks(CONTRIBUTING, "python")
    folder = tmp_path / "contributed_rules" / "pgbouncer"
    folder.mkdir(parents=True)
    for name, text in {"../__init__.py": "", "__init__.py": "", "log_not_collected.py": rule}.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "log_not_collected.md").write_text(page, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    assert list(faults("contributed_rules")) == []
