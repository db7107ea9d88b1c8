"""A query_wait_timeout of 0: clients wait for a server connection without end."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_NAME = "query_wait_timeout"
_OF_ENTRIES = (1, 26)
"""The first in which a database and a user can have a time of their own."""
_WHOLE = re.compile(r"[+-]?[0-9]+")


class QueryWaitTimeoutOff(Rule[PgBouncerConfig]):
    id = "query-wait-timeout-off"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        timeout, of_queries = config.seconds(_NAME), config.effective_seconds("query_timeout")
        if of_queries is None or of_queries.value != 0:
            return
        if timeout and timeout.value == 0 and not has_every_database_a_limit(config):
            fix = Fix("Write 120, which is PgBouncer's default", (Edit(timeout.span, "120"),), safe=False)
            yield self.finding(
                timeout.span, f"a client waits for a server connection without end{limit(config)}", fix=fix
            )
        for whose, value in ends_of_entries(config):
            yield self.finding(
                value.span, f"a client of {whose} waits for a server connection without end{limit(config)}"
            )


def has_every_database_a_limit(config: PgBouncerConfig) -> bool:
    """Whether no database takes over that of [pgbouncer]. A user who does has that of the database."""
    entries = [entry for entry in config.databases if entry.in_effect]
    own = [entry.parameter(_NAME) for entry in entries]
    return bool(entries) and not config.is_before(_OF_ENTRIES) and all(own)


def ends_of_entries(config: PgBouncerConfig) -> Iterator[tuple[str, Located[str]]]:
    """The times of databases and users that end no wait, and whose they are."""
    if config.is_before(_OF_ENTRIES):
        return
    named: list[tuple[str, Entry]] = [(entry.name.value, entry) for entry in config.databases]
    named += [(f"user {user.name.value}", user) for user in config.users]
    for whose, entry in named:
        value = entry.parameter(_NAME) if entry.in_effect else None
        if value and _WHOLE.fullmatch(value.value) and c_number.leading(value.value) <= 0:
            yield whose, value


def limit(config: PgBouncerConfig) -> str:
    """What ends the queue when time does not."""
    clients = config.effective_integer("max_client_conn")
    return f", and the client after number {clients.value} is turned away" if clients and clients.value > 0 else ""
