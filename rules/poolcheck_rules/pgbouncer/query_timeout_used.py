"""A query_timeout, which drops the client and leaves its query running in PostgreSQL."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig, Version
from poolcheck.rule import Rule
from poolcheck.source import Span

_STATEMENT_TIMEOUT = re.compile(r"\bstatement_timeout\b", re.IGNORECASE)
_LEAVES_IDLE: Version = (1, 26)
"""The first in which it ends no idle transaction. https://github.com/pgbouncer/pgbouncer/pull/1395"""
_WAITS_OF_ENTRIES: Version = (1, 26)
"""The first with query_wait_timeout in entries."""


class Limit(NamedTuple):
    """A timeout in effect, as it is written."""

    name: str
    seconds: float
    text: str
    span: Span


class QueryTimeoutUsed(Rule[PgBouncerConfig]):
    id = "query-timeout-used"
    severity = Severity.INFO
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for limit, never in limits(config):
            if never:
                notes = [Note(late.span, "never comes") for late in never.values()]
                yield self.finding(limit.span, too(limit, never), notes=notes, severity=Severity.WARNING)
            elif not has_statement_timeout(config):
                yield self.finding(
                    limit.span,
                    f"after {limit.text} s PgBouncer drops the client, and PostgreSQL goes on with the query,"
                    " unless statement_timeout ends it first",
                )


def limits(config: PgBouncerConfig) -> Iterator[tuple[Limit, dict[str, Limit]]]:
    """Each query_timeout with the timeouts that it comes before, by the clients that those are about."""
    idle = of_all(config, "idle_transaction_timeout")
    if limit := of_all(config, "query_timeout"):
        later = (wait for wait in waits(config) if wait.seconds > limit.seconds)
        yield limit, late(limit, config, wait=next(later, None), idle=idle)
    for user in config.users if not config.is_before((1, 24)) else ():
        if limit := of_entry(user, "query_timeout", config):
            yield limit, late(limit, config, idle=of_entry(user, "idle_transaction_timeout", config) or idle)


def waits(config: PgBouncerConfig) -> Iterator[Limit]:
    """The times after which a wait for a server connection is to end: that of all, and those of entries."""
    if general := of_all(config, "query_wait_timeout"):
        yield general
    if not config.is_before(_WAITS_OF_ENTRIES):
        for entry in (*config.databases, *config.users):
            if own := of_entry(entry, "query_wait_timeout", config):
                yield own


def late(
    limit: Limit, config: PgBouncerConfig, *, wait: Limit | None = None, idle: Limit | None = None
) -> dict[str, Limit]:
    """What query_timeout comes before: a wait it ends in every version, an idle transaction up to 1.25.2."""
    is_idle_ended = config.is_before(_LEAVES_IDLE)
    found = {"wait for a server connection": wait, "are idle in a transaction": idle if is_idle_ended else None}
    return {who: other for who, other in found.items() if other and other.seconds > limit.seconds}


def of_all(config: PgBouncerConfig, name: str) -> Limit | None:
    """A timeout of [pgbouncer] that is set, and not to 0."""
    seconds, written = config.seconds(name), config.setting(name)
    if seconds is None or written is None or seconds.value == 0:
        return None
    return Limit(name, seconds.value, written.value, written.span)


def of_entry(entry: Entry, name: str, config: PgBouncerConfig) -> Limit | None:
    """A timeout above 0 of a user or a database, which takes the place of that of [pgbouncer]."""
    written = entry.parameter(name)
    if written is None or not entry.in_effect or config.is_filled_in(written.value):
        return None
    seconds = c_number.leading(written.value)
    return Limit(name, seconds, str(seconds), written.span) if seconds > 0 else None


def too(limit: Limit, never: dict[str, Limit]) -> str:
    """What the timeout ends besides queries, and what else was to end it."""
    others = " and ".join(f"{late.name} = {late.text}" for late in never.values())
    return f"query_timeout also drops clients that {' or '.join(never)}: after {limit.text} s, before {others}"


def has_statement_timeout(config: PgBouncerConfig) -> bool:
    """Whether all databases set a statement_timeout on their server connections."""
    queries = [entry.parameter("connect_query") for entry in config.databases if entry.in_effect]
    return bool(queries) and all(query and _STATEMENT_TIMEOUT.search(query.value) for query in queries)
