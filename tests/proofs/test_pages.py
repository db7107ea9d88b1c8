"""What the pages about pgbouncer.ini show, on the real PgBouncer: what starts, what it refuses, what mending does.

Each configuration is run as it stands, and, where it is an excerpt, also with what it leaves out.
"""

import os
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from poolcheck.catalog import RuleFile, rules_of
from poolcheck.config import parse
from poolcheck.finding import Finding
from poolcheck.fix import mend
from poolcheck.read.pgbouncer import effective
from poolcheck.read.pgbouncer.c_number import leading
from poolcheck.read.pgbouncer.config import FALLBACK, PgBouncerConfig
from poolcheck.read.pgbouncer.effective import EntryInEffect, InEffect, Origin
from poolcheck.read.pgbouncer.needs import Kind as NeedKind
from poolcheck.read.pgbouncer.needs import needs
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import NEWEST, Kind, Scope, Version, known, written
from poolcheck.read.template import has_template
from poolcheck.source import Edit
from poolcheck.testing import SETTINGS, Example, examples_of, mended, page_of, report_on
from proofs.pages import (
    COLUMNS,
    PACKAGED,
    Line,
    Run,
    Shown,
    Tables,
    blamed,
    changed,
    completed,
    in_whole_seconds,
    is_at,
    is_late,
    line_of,
    read,
    run,
    shown,
    without,
)
from servers.client import Refused, Row
from servers.pgbouncer import CONSOLE, Room

GROUPS = {"engine", "pgbouncer", "system"}
RULES = [
    rule for rule in rules_of("builtin", "poolcheck_rules") if rule.group in GROUPS and os.path.isfile(rule.page)
]
ABOUT_PGBOUNCER = [rule for rule in RULES if rule.group == "pgbouncer"]
EXAMPLES = [example for rule in RULES for example in examples_of(rule)]
SHOWN = [one for example in EXAMPLES for one in shown(example)]
COMPLETED = [completed(one) for one in SHOWN]
FORMS = [*SHOWN, *(whole for one, whole in zip(SHOWN, COMPLETED, strict=True) if one != whole)]
RIGHT = [
    one
    for one in COMPLETED
    if one.example.rule.group == "pgbouncer"
    and not one.example.title.startswith("Bad")
    and not any(map(has_template, one.texts.values()))
]
MENDED = [
    (before, fixed)
    for rule in RULES
    for before, fixed in pairwise(examples_of(rule))
    if fixed.title.startswith("Fixed") and not any(path.endswith((".py", ".yaml")) for path in before.sources)
]
OF_INI = [one for one in COMPLETED if not any(path.endswith(".yaml") for path in one.example.sources)]

REFUSED_ALL_THE_SAME = {
    "bad-section-name: Good: another program's settings, with some about PgBouncer (settings.ini)",
    "bad-section-name: Good: parts that another file includes (pgbouncer-tuning.ini)",
    "client-idle-timeout-user-bug: Good: a version that refuses the line (pgbouncer.ini)",
    "client-tls-incomplete: Good: an include may name the files (pgbouncer.ini)",
    "fallback-entry-invalid: Good: other names with a star (pgbouncer.ini)",
    "host-with-port: Fixed: another port, and a URI (pgbouncer.ini)",
    "lenient-entry-number: Good: a version that refuses the key (pgbouncer.ini)",
    "number-syntax: Fixed (pgbouncer.ini)",
    "quoted-name-version: Fixed (pgbouncer.ini)",
    "setting-needs-newer-version: Fixed (pgbouncer.ini)",
    "unknown-setting: Good: a fork's own setting (pgbouncer.ini)",
    "unknown-setting: Good: a setting of another section, or of another release (pgbouncer.ini)",
}
"""What is no matter of the page's rule, and what it cannot mend."""

ENDS_THE_START = re.compile(r"does not start|refuses this")
TURNS_CLIENTS_AWAY = re.compile(r"refuses the clients it is for|turns away every client that needs this entry")
CLOSES_THE_CONSOLE = ("listen_port", "max_packet_size", "unix_socket_dir", "unix_socket_mode")
"""With some values of these, nobody can be asked what a PgBouncer works with."""

COUNTED = re.compile(r"current_.*|paused|disabled|name|peer_id")
"""Columns of what is, and not of what is set."""

COMMENT = re.compile(r"[ \t]*[;#]+[ \t]*(.*)")
NOTE = re.compile(r"; (?:line \d+|end)\n")

of_every_form = pytest.mark.parametrize("one", FORMS, ids=str)
of_everything_completed = pytest.mark.parametrize("one", COMPLETED, ids=str)
of_everything_right = pytest.mark.parametrize("one", RIGHT, ids=str)
of_every_ini = pytest.mark.parametrize("one", OF_INI, ids=str)
of_everything_mended = pytest.mark.parametrize(
    ("before", "fixed"), MENDED, ids=[str(before) for before, _ in MENDED]
)

_runs: dict[tuple[str, str, tuple[str, ...]], Run] = {}


def run_once(one: Shown, room: Room) -> Run:
    """What PgBouncer makes of it, for all tests that ask."""
    key = one.path, str(room.program), tuple(text for named in sorted(one.texts.items()) for text in named)
    if key not in _runs:
        _runs[key] = run(one, room)
    return _runs[key]


def lacks_support(made: Run) -> bool:
    """Whether this PgBouncer was built without what is asked for, and says so."""
    asked = [need.value.value for need in needs(made.config) if need.kind is NeedKind.BUILD]
    return any(
        line.startswith(f'ERROR invalid value "{word}" for parameter auth_type ')
        for line in made.log
        for word in asked
    )


# What is refused


@of_every_form
def test_pgbouncer_starts_unless_the_reader_knows_why_not(one: Shown, room: Room) -> None:
    made = run_once(one, room)

    reasons = [refusal.reason for refusal in made.config.refusals]
    assert made.started == (not reasons) or lacks_support(made), (reasons, made.log)


@of_every_form
def test_pgbouncer_stops_where_the_reader_says(one: Shown, room: Room) -> None:
    made = run_once(one, room)

    if not made.started and not lacks_support(made):
        assert_blamed(made, room)


def assert_blamed(made: Run, room: Room) -> None:
    blame, refusals = blamed(made.log, room), made.config.refusals
    early = [refusal for refusal in refusals if not is_late(refusal, made.config)]
    evidence = (blame, [(refusal.written, refusal.reason) for refusal in refusals])
    if blame.line is None:
        causes = {refusal.cause for refusal in refusals}
        assert not early, evidence
        assert causes & late_causes(blame.words), evidence
    elif "nesting level too deep" in blame.words:
        # The file that includes itself, ten levels down, may be another than the one that first includes it again.
        assert any(refusal.cause is Cause.INCLUDE for refusal in early), evidence
    else:
        assert any(is_at(refusal, blame.line, made.config) for refusal in early), evidence


def late_causes(words: str) -> set[Cause]:
    """What PgBouncer complains of when it has read everything."""
    causes = {
        "main section missing": {Cause.SECTION},
        "could not find user": {Cause.COMMENT},
        "TLS setup failed": {Cause.TLS},
        "nowhere to listen on": {Cause.LISTENING},
        "failed to listen on": {Cause.LISTENING},
        "getaddrinfo": {Cause.LISTENING, Cause.COMMENT},
    }
    return {cause for said, found in causes.items() if said in words for cause in found}


@of_everything_completed
def test_each_refusal_alone_keeps_it_from_starting(one: Shown, room: Room) -> None:
    version = room.program.version
    for line in refused_lines(one, version):
        alone = without(one, refused_lines(one, version) - {line})
        left = refused_lines(alone, version)

        assert line in left
        if left == {line}:  # without its header, more of a section may be refused
            made = run_once(alone, room)
            assert not made.started, line
            assert_blamed(made, room)


def refused_lines(one: Shown, version: Version) -> set[Line]:
    """The lines on which something is refused; what is lacking altogether is on none."""
    config = read(one, version)
    return {line_of(refusal.written.span, one) for refusal in config.refusals if refusal.written.span.end > 0}


# What is in effect


@of_every_form
def test_pgbouncer_works_with_what_the_reader_says(one: Shown, room: Room) -> None:
    made = run_once(one, room)

    if made.tables:
        assert_settings(made.config, made.tables["CONFIG"])
        assert_entries(effective.databases(made.config), made.tables["DATABASES"], "name")
        assert_entries(effective.peers(made.config), made.tables.get("PEERS", ()), "peer_id")
        assert_users(made.config, made.tables["USERS"])
    elif made.started:
        assert any(made.config.setting(name) for name in CLOSES_THE_CONSOLE)


def assert_settings(config: PgBouncerConfig, rows: tuple[Row, ...]) -> None:
    real = {row["key"]: row["value"] or "" for row in rows}
    found = {each.name: each for each in effective.settings(config) if is_told(each)}
    assert {name: shown_value(each) for name, each in found.items()} == {name: real[name] for name in found}


def is_told(value: InEffect) -> bool:
    is_of_build = value.name in PACKAGED and value.origin is Origin.DEFAULT
    return not is_of_build and value.name not in {"conffile", "verbose"}


def shown_value(value: InEffect) -> str:
    """A value as SHOW CONFIG has it, which cuts times to six digits."""
    fact = known(Scope.PGBOUNCER, value.name)
    if fact and fact.kind is Kind.SECONDS:
        return f"{float(value.value or 0):g}"
    return (value.value or "").strip()  # as the console's client does


def assert_entries(entries: Iterator[EntryInEffect], rows: tuple[Row, ...], key: str) -> None:
    found = {
        str(leading(entry.name.value)) if key == "peer_id" else entry.name.value: values_of(entry)
        for entry in entries
        if entry.name.value != FALLBACK
    }
    real = {str(row[key]): settings_in(row) for row in rows if row[key] != CONSOLE}
    assert {
        name: {column: values.get(column) for column in real.get(name, ())} for name, values in found.items()
    } == real


def settings_in(row: Row) -> dict[str, str | None]:
    """What a row shows that is set, by the names of the settings."""
    return {COLUMNS.get(name, name): value for name, value in row.items() if not COUNTED.fullmatch(name)}


def values_of(entry: EntryInEffect) -> dict[str, str | None]:
    """The values of an entry as the console has them: times in whole seconds."""
    values = {each.name: each.value for each in entry.values}
    if lifetime := values.get("server_lifetime"):
        values["server_lifetime"] = in_whole_seconds(lifetime)
    return values


def assert_users(config: PgBouncerConfig, rows: tuple[Row, ...]) -> None:
    real = {str(row["name"]): settings_in(row) for row in rows}
    for user in effective.users(config):
        values, row = values_of(user), real[user.name.value]
        assert {name: values.get(name) or none_set(name) for name in row} == {
            name: value or "" for name, value in row.items()
        }


def none_set(name: str) -> str:
    """What SHOW USERS has where nothing is set."""
    return "0" if name.startswith("max_") else ""


# What the findings say


def told(example: Example, version: Version) -> tuple[Finding, ...]:
    """What the page's rule finds for a release."""
    line = f'[target]\npgbouncer = "{written(version)}"\n'
    settings = re.sub(r"^pgbouncer = .*\n", "", example.sources.get(SETTINGS, ""), flags=re.MULTILINE)
    settings = settings.replace("[target]\n", line) if "[target]\n" in settings else settings + line
    return report_on(example._replace(sources={**example.sources, SETTINGS: settings})).findings


@of_every_ini
def test_what_is_said_not_to_start_does_not(one: Shown, room: Room) -> None:
    """On the line of a finding something is refused, which is enough, as another test shows."""
    version = room.program.version
    for finding in told(one.example, version):
        if ENDS_THE_START.search(finding.message) and finding.span.path in one.texts:
            # One tells what is missing, the other what is wrong with the lines below.
            is_of_line = finding.rule not in {"bad-section-name", "include-problems"}
            made = run_once(one if is_of_line else as_shown(one), room)
            assert not made.started, finding.message
            assert_blamed(made, room)
            assert not is_of_line or line_of(finding.span, as_shown(one)) in refused_lines(one, version)


def as_shown(one: Shown) -> Shown:
    """What is shown, without what completed it."""
    return next(each for each in SHOWN if each.example == one.example and each.path == one.path)


@of_every_ini
def test_clients_that_are_said_to_be_turned_away_are(one: Shown, room: Room) -> None:
    for finding in told(one.example, room.program.version):
        if TURNS_CLIENTS_AWAY.search(finding.message):
            number = line_of(finding.span, as_shown(one)).number
            entry = one.texts[one.path].splitlines()[number - 1]
            ini = f"[databases]\n{entry}\n[pgbouncer]\n{room.address}auth_type = trust\nauth_file = users.txt\n"
            with room.start(ini, {"users.txt": '"web" ""\n'}) as pooler:
                assert pooler.started, pooler.log
                with pytest.raises(Refused, match="no such database: shop"):
                    pooler.query("shop", "web", "select 1")


@of_everything_right
def test_what_is_right_or_mended_starts(one: Shown, room: Room) -> None:
    release = parse(SETTINGS, one.example.sources.get(SETTINGS, "")).settings.target.pgbouncer
    meant = tuple(map(int, release.split("."))) if release else NEWEST
    refusals = read(one, meant).refusals

    assert bool(refusals) == (str(one) in REFUSED_ALL_THE_SAME), refusals
    if room.program.version[: len(meant)] == meant and not refusals:
        made = run_once(one, room)
        assert made.started or lacks_support(made), made.log


# What mending does


@of_everything_mended
def test_mending_changes_nothing_else_that_pgbouncer_works_with(
    before: Example, fixed: Example, room: Room
) -> None:
    """Where PgBouncer refuses something of what was there, it is asked about the rest."""
    if before.rule.id in {"bad-section-name", "include-problems"}:
        return  # lines that are not touched come into another section
    after = before._replace(sources=mended(before))
    for old, new in zip(map(completed, shown(before)), map(completed, shown(after)), strict=True):
        refused = refused_lines(old, room.program.version)
        one, other = run_once(without(old, refused), room), run_once(new, room)
        if one.tables and other.tables:
            said = "\n".join(what_is_said_of(before))
            assert [place for place in differences(one.tables, other.tables) if not is_told_of(place, said)] == []


def differences(one: Tables, other: Tables) -> set[tuple[str, str]]:
    """The settings that the console shows otherwise, each with the database that it is of."""
    values = [
        {("", str(row["key"])): row["value"] for row in tables["CONFIG"]}
        | {
            (str(row["name"]), name): value
            for row in tables["DATABASES"]
            if row["name"] != CONSOLE
            for name, value in settings_in(row).items()
        }
        for tables in (one, other)
    ]
    return {place for place in values[0] | values[1] if values[0].get(place) != values[1].get(place)}


def is_told_of(place: tuple[str, str], said: str) -> bool:
    database, setting = place
    return setting in said or (database != "" and database in said)


def what_is_said_of(example: Example) -> Iterator[str]:
    """The messages of findings and notes, the lines that they are about, and the titles of the fixes."""
    report = report_on(example)
    for finding in report.findings:
        yield finding.fix.title if finding.fix else ""
        for span, message in ((finding.span, finding.message), *finding.notes):
            text = report.texts[span.path]
            yield message
            yield text[text.rfind("\n", 0, span.start) + 1 :].partition("\n")[0]


@of_everything_mended
def test_only_what_is_edited_is_changed(before: Example, fixed: Example) -> None:
    report = report_on(before)
    for finding in report.findings:
        if finding.fix:
            expected = {**report.texts}
            for edit in sorted(finding.fix.edits, reverse=True):
                expected[edit.span.path] = spliced(expected[edit.span.path], edit)

            texts = mend([finding], report.texts, unsafe=True).texts
            assert {**report.texts, **texts} == expected


def spliced(text: str, edit: Edit) -> str:
    return text[: edit.span.start] + edit.text + text[edit.span.end :]


@of_everything_mended
def test_comments_stay(before: Example, fixed: Example) -> None:
    after = mended(before)
    for path, comment in comments_in(before):
        left = [found[1] for line in after[path].splitlines() if (found := COMMENT.fullmatch(line))]
        assert any(comment in words for words in left), comment


def comments_in(example: Example) -> Iterator[tuple[str, str]]:
    """The words of the comments, those too that are none to PgBouncer, with the paths of their files."""
    for path, text in example.sources.items():
        yield from ((path, found[1]) for line in text.splitlines() if (found := COMMENT.fullmatch(line)))
    if example.rule.id == "inline-comment":
        report = report_on(example)
        for finding in report.findings:
            path, start, end = finding.span
            if finding.fix and (found := COMMENT.fullmatch(report.texts[path][start:end])):
                yield path, found[1]


def with_crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


def with_open_end(text: str) -> str:
    return text.removesuffix("\n")


@of_everything_mended
@pytest.mark.parametrize("change", [with_crlf, with_open_end], ids=lambda change: change.__name__)
def test_line_ends_stay(before: Example, fixed: Example, change: Callable[[str], str]) -> None:
    assert mended(changed(before, change)) == changed(fixed, change).sources


@of_everything_mended
def test_comments_between_all_lines_stay(before: Example, fixed: Example) -> None:
    noted = changed(before, with_notes)
    after = mended(noted)

    assert {path: NOTE.sub("", text) for path, text in after.items()} == fixed.sources
    for path, text in noted.sources.items():
        assert sorted(NOTE.findall(after[path])) == sorted(NOTE.findall(text))


def with_notes(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(f"; line {number}\n{line}" for number, line in enumerate(lines)) + "; end\n"


# What the pages say of it


@pytest.mark.parametrize("rule", ABOUT_PGBOUNCER, ids=lambda rule: rule.id)
def test_every_page_about_pgbouncer_says_with_which_releases_it_was_proved(rule: RuleFile) -> None:
    proof = page_of(rule).partition("\n## Proof\n")[2].partition("\n## ")[0]

    assert re.search(r"\b1\.\d\d(\.\d)?\b", proof)
