"""A server_reset_query that PostgreSQL refuses, or that resets nothing: sessions go from client to client."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, PoolMode
from poolcheck.read.pgbouncer.sql import Statement, comment_behind, is_reset, statements
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_QUOTED = re.compile(r"""(?P<quote>['"`])(?P<inside>[^'"`]*)(?P=quote)[ \t]*;?""")

_COMMAND = re.compile(
    r"""\(|ABORT|ALTER|ANALY[SZ]E|BEGIN|CALL|CHECKPOINT|CLOSE|CLUSTER|COMMENT|COMMIT|COPY|CREATE|DEALLOCATE|DECLARE
    |DELETE|DISCARD|DO|DROP|END|EXECUTE|EXPLAIN|FETCH|GRANT|IMPORT|INSERT|LISTEN|LOAD|LOCK|MERGE|MOVE|NOTIFY|PREPARE
    |REASSIGN|REFRESH|REINDEX|RELEASE|REPACK|RESET|REVOKE|ROLLBACK|SAVEPOINT|SECURITY|SELECT|SET|SHOW|START|TABLE
    |TRUNCATE|UNLISTEN|UPDATE|VACUUM|VALUES|WITH""",
    re.VERBOSE,
)
"""PostgreSQL's manual, SQL Commands."""

_DISCARD_ALL = ("DISCARD", "ALL")
_ENDS = frozenset({"ABORT", "COMMIT", "END", "ROLLBACK"})
_UNDO = frozenset({"ABORT", "ROLLBACK"})
_UNDONE = frozenset({*_ENDS, "RESET", "SET"})
_INCLUDED = re.compile(
    r"(?:ABORT|CLOSE|COMMIT|DEALLOCATE|DISCARD|END|RESET|ROLLBACK|UNLISTEN)\b.*"
    r"|SET SESSION AUTHORIZATION DEFAULT|SELECT PG_ADVISORY_UNLOCK_ALL \( \)"
)
"""Statements to which DISCARD ALL leaves nothing to do."""


class BrokenResetQuery(Rule[PgBouncerConfig]):
    id = "broken-reset-query"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        query = config.setting("server_reset_query")
        fault = fault_of(query.value) if query else None
        if query and fault and is_sent(config) and not comment_behind(query.value, is_reset_query=True):
            yield self.finding(query.span, f"{fault}: nothing is reset", fix=mended(query))


def fault_of(query: str) -> str | None:
    """Why a query resets nothing; None where it is not known to."""
    found = statements(query)
    if _QUOTED.fullmatch(query):
        return "PgBouncer sends server_reset_query with its quotes, and PostgreSQL refuses it"
    if found is None or any(map(is_refused, found)):
        return "PostgreSQL refuses server_reset_query as a syntax error"
    if _DISCARD_ALL in found and len(found) > 1:
        return "PostgreSQL refuses DISCARD ALL together with other statements"
    if found and all(statement[0] in _ENDS for statement in found):
        return f"{found[0][0]} ends a transaction, and none is open here"
    if found and found[-1][0] in _UNDO and all(statement[0] in _UNDONE for statement in found):
        return f"{found[-1][0]} undoes what stands before it"
    return None


def is_refused(statement: Statement) -> bool:
    """Whether PostgreSQL cannot read it: no command, or one that resets something and takes other words."""
    return not _COMMAND.fullmatch(statement[0]) or is_reset(statement) is False


def is_sent(config: PgBouncerConfig) -> bool:
    """Whether PgBouncer is seen to send the query: in session mode, or because it always does."""
    always = config.integer("server_reset_query_always")
    in_session = any(mode and mode.value is PoolMode.SESSION for mode in config.pool_modes())
    return in_session or bool(always and always.value)


def mended(query: Located[str]) -> Fix | None:
    """The query without its quotes, or DISCARD ALL where nothing else can be meant."""
    if quoted := _QUOTED.fullmatch(query.value):
        inside = quoted["inside"].strip()
        is_right = statements(inside) and not fault_of(inside)
        return Fix("Remove the quotes", (Edit(query.span, inside),)) if is_right else None
    found = statements(query.value) or ()
    if not found or any(is_refused(each) or not _INCLUDED.fullmatch(" ".join(each)) for each in found):
        return None
    is_meant = _DISCARD_ALL in found
    return Fix("Write DISCARD ALL alone", (Edit(query.span, "DISCARD ALL"),), safe=is_meant)
