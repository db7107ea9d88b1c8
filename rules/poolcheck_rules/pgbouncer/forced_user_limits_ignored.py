"""What [users] says of a user whom a database names: before PgBouncer 1.23 it does not count for that database."""

from collections.abc import Iterator, Sequence

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import FALLBACK, Entry, PgBouncerConfig, PoolMode
from poolcheck.rule import Rule

_HEEDS_USERS = (1, 23)
"""The first in which it counts. NEWS, 1.23.0."""


class ForcedUserLimitsIgnored(Rule[PgBouncerConfig]):
    id = "forced-user-limits-ignored"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        if not config.is_before(_HEEDS_USERS):
            return
        for name, user in config.users_in_effect.items():
            databases = [entry for entry in config.databases if entry.in_effect and names(entry, name)]
            yield from self._of_mode(config, user, databases)
            yield from self._of_limit(config, user, databases)

    def _of_mode(self, config: PgBouncerConfig, user: Entry, databases: Sequence[Entry]) -> Iterator[Finding]:
        own = user.parameter("pool_mode")
        if own is None or own.value.lower() not in set(PoolMode):
            return
        modes = [(entry, mode) for entry in databases if (mode := config.pool_mode(entry))]
        others = [(entry, mode.value) for entry, mode in modes if mode.value != own.value.lower()]
        if others:
            entries = [entry for entry, _ in others]
            message = (
                f"PgBouncer before 1.23 ignores this for {enumeration(entries)}, "
                f"whose user {user.name.value} gets {others[0][1]} mode"
            )
            yield self.finding(own.span, message, notes=notes(entries))

    def _of_limit(self, config: PgBouncerConfig, user: Entry, databases: Sequence[Entry]) -> Iterator[Finding]:
        own = user.parameter("max_user_connections")
        if own is None or not databases or config.is_filled_in(own.value):
            return
        limit, wanted = c_number.leading(own.value), server_connections(config, databases)
        if 0 < limit < (wanted or 0):
            message = (
                f"PgBouncer before 1.23 ignores this for {enumeration(databases)}, "
                f"whose user {user.name.value} may have {wanted} server connections"
            )
            yield self.finding(own.span, message, notes=notes(databases))


def names(entry: Entry, user: str) -> bool:
    """Whether all clients of a database are this user of the server."""
    named = entry.parameter("user")
    return named is not None and named.value == user


def server_connections(config: PgBouncerConfig, databases: Sequence[Entry]) -> int | None:
    """The most that the pools of these databases have together; None where it is unknown, or there is none."""
    numbers = [most_of(config, entry) for entry in databases]
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def most_of(config: PgBouncerConfig, entry: Entry) -> int | None:
    """The most server connections of the one pool of a database that names its user."""
    size, reserve = config.pool_size(entry), config.reserve_pool_size(entry)
    timeout = config.effective_seconds("reserve_pool_timeout")
    if entry.name.value == FALLBACK or size is None or reserve is None or timeout is None:
        return None
    pool = max(size.value, 1) + (max(reserve.value, 0) if timeout.value > 0 else 0)
    of_all_users, of_all_databases = (
        config.effective_integer(name) for name in ("max_user_connections", "max_db_connections")
    )
    own = entry.parameter("max_db_connections")
    if of_all_users is None or of_all_databases is None or (own and config.is_filled_in(own.value)):
        return None
    of_database = c_number.leading(own.value) if own else 0
    limits = [of_all_users.value, of_database if of_database > 0 else of_all_databases.value]
    return min([pool, *(limit for limit in limits if limit > 0)])


def enumeration(databases: Sequence[Entry]) -> str:
    """The names of databases, of which there is one at least, in a sentence."""
    first, *others = (entry.name.value for entry in databases)
    match others:
        case []:
            return first
        case [second]:
            return f"{first} and {second}"
        case _:
            return f"{first} and {len(others)} more"


def notes(databases: Sequence[Entry]) -> Iterator[Note]:
    """Where databases name their user."""
    for entry in databases:
        if user := entry.parameter("user"):
            yield Note(user.span, f"{entry.name.value} names the user")
