import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from poolcheck.catalog import BrokenRulePack, installed
from poolcheck.config import Configurations, Settings
from poolcheck.finding import Finding, Severity
from poolcheck.judge import Judge, RuleFailed
from poolcheck.read.fault import SyntaxFault
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.load import read_pgbouncer
from poolcheck.source import Source, Span

PACKS = Path(__file__).parent / "packs"
DEFAULTS = Settings()
INI = "[pgbouncer]\nlisten_port = 5432\npool_mode = session ; for now\n"


def judge(settings: Settings = DEFAULTS) -> Judge:
    rules = installed()
    return Judge(rules, Configurations(rules, isolated=True, override=lambda _: settings))


def config() -> PgBouncerConfig:
    [read] = read_pgbouncer(Source("pgbouncer.ini", INI))
    assert isinstance(read, PgBouncerConfig)
    return read


def rules_that_find(subject: object, settings: Settings = DEFAULTS) -> set[str]:
    return {finding.rule for finding in judge(settings).findings(subject, "pgbouncer.ini")}


def test_a_subject_is_judged_by_the_rules_that_look_at_such_subjects() -> None:
    assert rules_that_find(config()) == {"inline-comment"}
    assert rules_that_find(SyntaxFault(Span("pgbouncer.ini", 0, 1), "not an ini")) == {"invalid-syntax"}


def test_only_rules_that_are_selected_judge() -> None:
    assert rules_that_find(config(), Settings(ignore=("inline-comment",))) == set()


def test_rules_of_others_judge_whatever_group_they_are_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(PACKS / "acme"), *sys.path])

    assert rules_that_find(config()) == {"inline-comment", "port-not-ours"}


def test_a_rule_of_others_may_call_its_group_like_one_of_ours(
    put_rule: Callable[[str, str], None], tmp_path: Path
) -> None:
    """What our groups look at says nothing about theirs."""
    put_rule("PgBouncerConfig", "yield self.finding(subject.span, 'seen')")
    package = tmp_path / "site" / "house_rules"
    (package / "python").mkdir()
    (package / "house_rule.py").rename(package / "python" / "house_rule.py")

    assert "house-rule" in rules_that_find(config())


def test_a_rule_is_given_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(PACKS / "acme"), *sys.path])

    found = rules_that_find(config(), Settings(rules={"port-not-ours": {"port": 5432}}))

    assert "port-not-ours" not in found


@pytest.mark.parametrize(
    "check", ["raise KeyError('x')", "return None", "yield self.finding(subject.nothing, 'found')"]
)
def test_a_rule_that_fails_is_named(check: str, put_rule: Callable[[str, str], None]) -> None:
    put_rule("PgBouncerConfig", check)

    with pytest.raises(RuleFailed, match=r"rule house-rule failed on pgbouncer\.ini: \w+Error\("):
        rules_that_find(config())


def test_a_rule_that_fails_on_the_whole_is_named_too(put_rule: Callable[[str, str], None]) -> None:
    put_rule("PgBouncerConfig", "raise KeyError('x')")

    with pytest.raises(RuleFailed, match="rule house-rule failed on the system: KeyError"):
        list(judge().findings(config(), ""))


def test_a_rule_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(PACKS / "broken"), *sys.path])

    with pytest.raises(BrokenRulePack, match=r"rule pack 'broken': cannot import broken_rules\.never_ready"):
        rules_that_find(config())


@pytest.mark.parametrize(
    ("severity", "settings", "expected"),
    [
        (Severity.WARNING, Settings(), True),
        (Severity.INFO, Settings(), False),
        (Severity.INFO, Settings(min_severity=Severity.INFO), True),
        (Severity.ERROR, Settings(ignore=("pgbouncer",)), False),
        (Severity.ERROR, Settings(per_file_ignores={"deploy/*": ("inline-comment",)}), False),
        (Severity.ERROR, Settings(per_file_ignores={"other/*": ("inline-comment",)}), True),
    ],
)
def test_a_finding_is_asked_for_or_not(severity: Severity, settings: Settings, expected: bool) -> None:
    finding = Finding("inline-comment", "pgbouncer", severity, Span("deploy/pgbouncer.ini", 0, 0), "found")

    assert judge(settings).is_asked_for(finding) == expected


def test_the_rules_that_are_active_in_a_file_are_known() -> None:
    settings = Settings(select=("engine", "time-with-unit"), per_file_ignores={"*.py": ("invalid-syntax",)})

    in_ini, in_python = judge(settings).active("a.ini"), judge(settings).active("a.py")

    assert in_ini - in_python == {"invalid-syntax"}
    assert "time-with-unit" in in_ini
