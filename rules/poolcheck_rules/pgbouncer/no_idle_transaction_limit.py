"""Transaction mode with nothing that ends a transaction left open, which keeps a server connection for good."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig, PoolMode
from poolcheck.rule import Rule

_LIMITS = ("idle_transaction_timeout", "transaction_timeout", "query_timeout")
"""What ends an idle transaction: query_timeout up to 1.25.2."""

_OF_POSTGRESQL = re.compile(r"\b(?:idle_in_transaction_session_timeout|transaction_timeout)\b", re.IGNORECASE)


class NoIdleTransactionLimit(Rule[PgBouncerConfig]):
    id = "no-idle-transaction-limit"
    severity = Severity.INFO
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        entry = next(without_limit(config), None)
        if entry and all(is_off(config, name) for name in _LIMITS):
            zero, mode = config.setting("idle_transaction_timeout"), config.pool_mode(entry)
            place = zero.span if zero else mode and mode.span
            if place:
                yield self.finding(
                    place,
                    "idle_transaction_timeout is 0: a transaction left open keeps"
                    f" {one_of(entry, config)} for good, unless PostgreSQL ends it",
                )


def is_off(config: PgBouncerConfig, name: str) -> bool:
    """Whether a timeout of [pgbouncer] is known to be 0."""
    timeout = config.effective_seconds(name)
    return timeout is not None and timeout.value == 0


def without_limit(config: PgBouncerConfig) -> Iterator[Entry]:
    """The databases in transaction mode that are not seen to end open transactions themselves."""
    for entry in config.databases:
        mode = config.pool_mode(entry)
        if entry.in_effect and mode and mode.value is PoolMode.TRANSACTION and entry.is_complete:
            query = entry.parameter("connect_query")
            is_ended = query and (config.is_filled_in(query.value) or _OF_POSTGRESQL.search(query.value))
            if not is_ended and not any(is_limited(user, config) for user in users_of(entry, config)):
                yield entry


def users_of(entry: Entry, config: PgBouncerConfig) -> Iterator[Entry]:
    """Those of [users] who may own the server connections of a database: the one that it names, or all."""
    named = entry.parameter("user")
    for user in config.users:
        if named is None or config.is_filled_in(named.value) or user.name.value == named.value:
            yield user


def is_limited(user: Entry, config: PgBouncerConfig) -> bool:
    """Whether a user's open transactions come, or may come, to an end."""
    written = [value.value for name in _LIMITS if (value := user.parameter(name))]
    is_ended = any(config.is_filled_in(text) or c_number.leading(text) != 0 for text in written)
    return user.in_effect and (is_ended or not user.is_complete)


def one_of(entry: Entry, config: PgBouncerConfig) -> str:
    """A server connection of the pool, and how many that has where it is known."""
    size = config.pool_size(entry)
    return f"one of {size.value} server connections" if size and size.value > 1 else "a server connection"
