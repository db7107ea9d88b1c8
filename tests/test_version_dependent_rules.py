"""What the rules about pgbouncer.ini make of a version that is known."""

import pytest

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.read.pgbouncer.load import read_pgbouncer
from poolcheck.read.pgbouncer.startup import for_version
from poolcheck.rule import Rule
from poolcheck.source import Source
from poolcheck_rules.pgbouncer.prepared_statements_off import PreparedStatementsOff
from poolcheck_rules.pgbouncer.repeated_pgbouncer_section import RepeatedPgbouncerSection
from poolcheck_rules.pgbouncer.unknown_setting import UnknownSetting


def findings(rule: Rule[PgBouncerConfig], version: Version | None, text: str) -> list[Finding]:
    (config,) = read_pgbouncer(Source("pgbouncer.ini", text))

    assert isinstance(config, PgBouncerConfig)
    return list(rule.check(for_version(config, version)))


@pytest.mark.parametrize("version", [(1, 21), (1, 22, 1), (1, 23, 1)])
def test_before_1_24_prepared_statements_are_off_unless_they_are_set(version: Version) -> None:
    text = "[databases]\nshop = host=db\n[pgbouncer]\npool_mode = transaction\n"

    (finding,) = findings(PreparedStatementsOff(), version, text)

    assert text[finding.span.start : finding.span.end] == "transaction"
    assert finding.message.startswith("max_prepared_statements is unset, and 0 before PgBouncer 1.24")


@pytest.mark.parametrize("version", [None, (1, 18), (1, 20, 1), (1, 24), (1, 25, 2), (1, 26, 1)])
def test_otherwise_it_is_right_not_to_set_them(version: Version | None) -> None:
    assert findings(PreparedStatementsOff(), version, "[pgbouncer]\npool_mode = transaction\n") == []


def test_before_1_21_there_is_no_such_setting_to_judge() -> None:
    text = "[pgbouncer]\npool_mode = transaction\nmax_prepared_statements = 0\n"

    assert findings(PreparedStatementsOff(), (1, 20), text) == []


@pytest.mark.parametrize(
    ("version", "is_fixed"), [((1, 21), False), ((1, 22), True), ((1, 25), True), (None, True)]
)
def test_prepared_statements_are_switched_on_where_they_can_be_trusted(
    version: Version | None, is_fixed: bool
) -> None:
    text = "[pgbouncer]\npool_mode = transaction\nmax_prepared_statements = 0\n"

    (finding,) = findings(PreparedStatementsOff(), version, text)

    assert (finding.fix is not None) == is_fixed


def test_a_setting_that_is_unknown_may_be_newer_than_the_table() -> None:
    text = "[pgbouncer]\nwarp_speed = 9\n"

    (finding,) = findings(UnknownSetting(), (1, 27), text)

    assert finding.severity is Severity.INFO
    assert finding.message == "PgBouncer 1.26.1 does not start: there is no setting warp_speed in [pgbouncer]"


def test_what_a_header_undoes_is_lost_only_where_it_was_no_default() -> None:
    text = "[pgbouncer]\nserver_tls_sslmode = prefer\n[pgbouncer]\nlisten_port = 6432\n"

    assert findings(RepeatedPgbouncerSection(), (1, 20), text) == []
    assert len(findings(RepeatedPgbouncerSection(), (1, 19), text)) == 1


def test_what_builds_of_one_version_differ_about_is_not_told() -> None:
    text = "[pgbouncer]\nunix_socket_dir = /tmp\n[pgbouncer]\nlisten_port = 6432\n"

    (finding,) = findings(RepeatedPgbouncerSection(), (1, 25), text)

    assert [note.message for note in finding.notes] == ["unix_socket_dir = /tmp is lost"]
