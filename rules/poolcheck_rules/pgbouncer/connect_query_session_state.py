"""A connect_query that sets up a session, which the reset query takes down again before the second client."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig, PoolMode, Version
from poolcheck.read.pgbouncer.sql import statements
from poolcheck.rule import Rule

_DISCARD_ALL = ("DISCARD", "ALL")
_RESET_ALL = ("RESET", "ALL")
_SET = re.compile(
    r"SET (?:SESSION )?(?!ROLE )(?P<name>TIME ZONE|NAMES|[\w$]+(?: \. [\w$]+)*(?= (?:=|TO) ))"
    r"(?! (?:=|TO) DEFAULT$)"
)
_SET_CONFIG = re.compile(r"SET_CONFIG \( '(?P<name>[\w.]+)' ,")
_OTHERWISE_CALLED = {"NAMES": "client_encoding", "TIME ZONE": "timezone"}
_OTHERS = (
    (re.compile(r"SET (?:SESSION )?ROLE (?!NONE$)"), "the role"),
    (re.compile(r"SET (?:SESSION )?SESSION AUTHORIZATION (?!DEFAULT$)"), "session_authorization"),
    (re.compile(r"PREPARE "), "prepared statements"),
    (re.compile(r"CREATE (?:GLOBAL |LOCAL )?TEMP(?:ORARY)? "), "temporary tables"),
)
"""What DISCARD ALL takes away and RESET ALL does not."""

_TRACKED: tuple[tuple[Version, frozenset[str]], ...] = (
    (
        (),
        frozenset({"application_name", "client_encoding", "datestyle", "standard_conforming_strings", "timezone"}),
    ),
    ((1, 20), frozenset({"intervalstyle"})),
    ((1, 26), frozenset({"default_transaction_read_only", "session_authorization"})),
)
"""What PgBouncer sets again for each client, and since when."""
_LIST_ADDS: Version = (1, 26)
"""The first in which track_extra_parameters takes nothing away; before, it replaced the default list."""
_DEFAULT_LIST = frozenset({"intervalstyle"})
_TRACKED_SOMETIMES = "search_path"
"""By PgBouncer 1.26 where PostgreSQL reports it, from 18 on."""


class ConnectQuerySessionState(Rule[PgBouncerConfig]):
    id = "connect-query-session-state"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        reset = config.effective_text("server_reset_query")
        tracked = tracked_by(config)
        if reset is None or tracked is None:
            return
        for entry in config.databases:
            query, unit = entry.parameter("connect_query"), unit_of(entry, config)
            if not query or not unit or not entry.in_effect or config.is_filled_in(query.value):
                continue
            lost = [each for each in taken_away(query.value, reset.value) if each not in tracked]
            if lost:
                severity, things = told(lost, config)
                yield self.finding(
                    query.span,
                    "PgBouncer sends connect_query once: "
                    f"after the first {unit} {reset.value} takes away {things}",
                    notes=[Note(reset.span, "this takes it away")] if reset.span else [],
                    severity=severity,
                )


def tracked_by(config: PgBouncerConfig) -> frozenset[str] | None:
    """The parameters that PgBouncer sets again for clients after a reset; None where they are not known."""
    extra = config.words("track_extra_parameters")
    if extra is None:
        return None
    built_in = (names for since, names in _TRACKED if not config.is_before(since))
    listed = frozenset(word.value.lower() for word in extra)
    is_replaced = config.setting("track_extra_parameters") is not None and config.is_before(_LIST_ADDS)
    replaced = _DEFAULT_LIST if is_replaced else frozenset[str]()
    return listed.union(frozenset[str]().union(*built_in) - replaced)


def unit_of(entry: Entry, config: PgBouncerConfig) -> str | None:
    """What the reset query is sent after, for the pools of a database; None where it is not seen to be sent."""
    mode = config.pool_mode(entry)
    always = config.integer("server_reset_query_always")
    if mode and mode.value is PoolMode.SESSION:
        return "client"
    return mode.value.value if mode and always and always.value else None


def taken_away(query: str, reset: str) -> Iterator[str]:
    """What a connect_query sets up that the reset query takes down."""
    resetting = statements(reset) or ()
    is_all = resetting == (_DISCARD_ALL,)
    for statement in statements(query) or ():
        text = " ".join(statement)
        if is_all or _RESET_ALL in resetting:
            yield from parameters_of(text)
        if is_all:
            yield from (name for pattern, name in _OTHERS if pattern.match(text))


def parameters_of(statement: str) -> Iterator[str]:
    """The parameters that a statement sets for the session."""
    if found := _SET.match(statement):
        yield _OTHERWISE_CALLED.get(found["name"]) or found["name"].replace(" ", "").lower()
    if statement.startswith("SELECT ") and " TRUE " not in statement:
        yield from (found["name"].lower() for found in _SET_CONFIG.finditer(statement))


def told(lost: list[str], config: PgBouncerConfig) -> tuple[Severity, str]:
    """What is certainly lost, and where nothing is, what may be."""
    if sure := [each for each in lost if each != _TRACKED_SOMETIMES or config.is_before((1, 26))]:
        return Severity.WARNING, " and ".join(dict.fromkeys(sure))
    return Severity.INFO, f"{_TRACKED_SOMETIMES}, unless PgBouncer is 1.26 and PostgreSQL 18 or newer"
