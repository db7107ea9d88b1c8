"""`python -m poolcheck.testing`, as who writes a rule pack meets it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from poolcheck.testing import examples, expected, found

PACKS = Path(__file__).parent / "packs"
PAGE = "acme_rules/pgbouncer/port_not_ours.md"


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """A pack of somebody else's, to be changed."""
    shutil.copytree(PACKS / "acme", tmp_path, dirs_exist_ok=True)
    return tmp_path


def run(folder: Path, *packages: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "poolcheck.testing", *packages],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_pack_whose_pages_are_true_passes() -> None:
    ran = run(PACKS / "acme", "acme_rules")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "acme_rules: rules: 1, faults: 0\n"


def test_a_mark_at_another_place_is_shown_with_what_the_rule_finds(acme: Path) -> None:
    rewrite(acme / PAGE, "              ^^^^ this pooler", "               ^^^ this pooler")

    ran = run(acme, "acme_rules")

    assert ran.returncode == 1
    assert ran.stdout == (
        "port-not-ours: Bad: drawn, and not found:\n"
        "    pgbouncer.ini:2:16: warning: this pooler listens on 5432, the house on 6432\n"
        "      listen_port = 5432\n"
        "                     ^^^ this pooler listens on 5432, the house on 6432\n"
        "port-not-ours: Bad: found, and not drawn:\n"
        "    pgbouncer.ini:2:15: warning: this pooler listens on 5432, the house on 6432\n"
        "      listen_port = 5432\n"
        "                    ^^^^ this pooler listens on 5432, the house on 6432\n"
        "acme_rules: rules: 1, faults: 2\n"
    )


def test_what_the_rule_finds_in_a_good_case_is_shown(acme: Path) -> None:
    rewrite(acme / PAGE, "## Good\n\n```ini pgbouncer.ini\n[pgbouncer]\nlisten_port = 6432", "## Good\n\n"
            "```ini pgbouncer.ini\n[pgbouncer]\nlisten_port = 6433")  # fmt: skip

    ran = run(acme, "acme_rules")

    assert ran.returncode == 1
    assert "port-not-ours: Good: found, and not drawn:\n    pgbouncer.ini:2:15: warning: " in ran.stdout


def test_a_severity_that_is_not_the_rules_own_is_drawn_before_the_message(acme: Path) -> None:
    rewrite(acme / PAGE, "^^^^ this pooler", "^^^^ error: this pooler")

    ran = run(acme, "acme_rules")

    assert "              ^^^^ error: this pooler listens on 5432" in ran.stdout
    assert "              ^^^^ this pooler listens on 5432" in ran.stdout


def test_what_the_fixes_make_is_compared_with_what_the_page_says(acme: Path) -> None:
    rewrite(acme / PAGE, "## Fixed\n\n```ini pgbouncer.ini\n[pgbouncer]\nlisten_port = 6432", "## Fixed\n\n"
            "```ini pgbouncer.ini\n[pgbouncer]\nlisten_port = 6000")  # fmt: skip

    ran = run(acme, "acme_rules")

    assert ran.returncode == 1
    assert "port-not-ours: Fixed: the fixes make something else of pgbouncer.ini:\n" in ran.stdout
    assert "    -listen_port = 6000\n    +listen_port = 6432\n" in ran.stdout


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("# port-not-ours\n", "# Ports\n", "the page's title is not port-not-ours"),
        ("## Bad\n", "## Wrong\n", "the page shows nothing under Bad"),
        ("## Good", "## Right", "the page shows nothing under Good"),
        ("## Sources\n", "## See also\n", "the page has no section Sources"),
    ],
)
def test_what_a_page_lacks_is_told(acme: Path, old: str, new: str, told: str) -> None:
    rewrite(acme / PAGE, old, new)

    ran = run(acme, "acme_rules")

    assert ran.returncode == 1
    assert f"port-not-ours: {told}\n" in ran.stdout


def test_a_missing_page_is_named(acme: Path) -> None:
    (acme / PAGE).unlink()

    ran = run(acme, "acme_rules")

    assert ran.returncode == 1
    assert ran.stdout.startswith(f"port-not-ours: there is no page {PAGE}: No such file or directory\n")


def test_a_rule_that_fails_on_its_own_page_is_named(acme: Path) -> None:
    rewrite(acme / "acme_rules/pgbouncer/port_not_ours.py", "if port and", "if port.nothing and")

    ran = run(acme, "acme_rules")

    assert ran.returncode == 1
    assert "port-not-ours: Bad: rule port-not-ours failed on pgbouncer.ini: AttributeError(" in ran.stdout
    assert "Traceback" not in ran.stderr


def test_fixes_that_never_settle_are_told(acme: Path) -> None:
    rewrite(acme / "acme_rules/pgbouncer/port_not_ours.py", "str(self.port))", "str(port.value + 1))")

    ran = run(acme, "acme_rules")

    assert "port-not-ours: Fixed: after 10 rounds there is still something to fix\n" in ran.stdout


def test_an_unknown_option_on_a_page_is_told(acme: Path) -> None:
    rewrite(acme / PAGE, "port = 5432\n```\n\n```ini", "prt = 5432\n```\n\n```ini")

    ran = run(acme, "acme_rules")

    assert "another port was agreed on: port-not-ours has no option 'prt'; did you mean 'port'?\n" in ran.stdout


def test_a_pack_that_cannot_be_imported_is_named() -> None:
    ran = run(PACKS / "broken", "broken_rules")

    assert ran.returncode == 2
    assert ran.stderr.startswith("rule pack 'broken_rules': cannot import broken_rules.never_ready: ")
    assert "Traceback" not in ran.stderr


def test_a_pack_that_does_not_exist_is_named(tmp_path: Path) -> None:
    ran = run(tmp_path, "no_such_rules")

    assert (ran.returncode, ran.stderr) == (2, "rule pack 'no_such_rules': there is no package no_such_rules\n")


def test_without_a_pack_it_says_how_it_is_used(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 2
    assert "usage: python -m poolcheck.testing PACKAGE" in run(tmp_path).stderr


def test_a_suite_of_ones_own_can_run_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(PACKS / "acme"), *sys.path])

    shown = examples("acme_rules")

    assert [str(example) for example in shown if not example.title.startswith("Fixed")] == [
        "port-not-ours: Bad",
        "port-not-ours: Good",
        "port-not-ours: Good: another port was agreed on",
    ]
    assert all(found(example) == expected(example) for example in shown)


def test_adding_a_rule_is_adding_two_files(acme: Path) -> None:
    before = {path: path.read_bytes() for path in acme.rglob("*") if path.is_file()}
    folder = acme / "acme_rules" / "logging"
    folder.mkdir()
    (folder / "quiet_pooler.py").write_text(QUIET_POOLER)
    (folder / "quiet_pooler.md").write_text(QUIET_POOLER_PAGE)
    (acme / "pgbouncer.ini").write_text("[pgbouncer]\nlisten_port = 6432\nlog_connections = 0\n")

    pages = run(acme, "acme_rules")
    check = subprocess.run(
        [sys.executable, "-m", "poolcheck", "check", "--output-format", "concise", "pgbouncer.ini"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(acme), *sys.path])},
        cwd=acme,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (pages.returncode, pages.stdout) == (0, "acme_rules: rules: 2, faults: 0\n")
    assert check.returncode == 1
    assert check.stdout.startswith("pgbouncer.ini:3:19: warning quiet-pooler nobody gets to know who connects\n")
    assert {path: path.read_bytes() for path in before} == before


QUIET_POOLER = """\
\"\"\"A pooler that does not log who connects.\"\"\"

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.rule import Rule


class QuietPooler(Rule[PgBouncerConfig]):
    id = "quiet-pooler"
    severity = Severity.WARNING
    since = "1.0"

    def check(self, subject: PgBouncerConfig) -> Iterator[Finding]:
        setting = subject.setting("log_connections")
        if setting and setting.value == "0":
            yield self.finding(setting.span, "nobody gets to know who connects")
"""

QUIET_POOLER_PAGE = """\
# quiet-pooler

The log is where one looks first when clients are turned away.

## Bad

```ini pgbouncer.ini
[pgbouncer]
log_connections = 0
                  ^ nobody gets to know who connects
```

## Good

```ini pgbouncer.ini
[pgbouncer]
log_connections = 1
```

## Sources

The house's own rules.
"""
