"""A driver that would cancel a query later than PgBouncer drops its connection, so that nobody cancels it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig, Version
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.clients import Client, operands
from poolcheck.system.targets import Target
from poolcheck.system.whole import SystemWithLinks
from poolcheck.value import by_default, number_of

COMMAND_TIMEOUT = "command_timeout"
"""After so many seconds asyncpg has a query cancelled."""
DROPPING: Mapping[str, Version] = {"query_timeout": (1, 0), "transaction_timeout": (1, 25)}
"""What has PgBouncer close both connections while a query runs, and since when."""


class Limit(NamedTuple):
    """A timeout of PgBouncer's that is on."""

    name: str
    seconds: float
    span: Span | None


class AppTimeoutAbovePoolerTimeout(Rule[SystemWithLinks]):
    id = "app-timeout-above-pooler-timeout"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        clients = (client for client in system.clients if client.is_in_use and client.pool.driver == "asyncpg")
        yield from one_for_each_place(found for client in clients for found in self.of_client(client))

    def of_client(self, client: Client) -> Iterator[Finding]:
        """What is wrong with the timeout of one pool in one workload."""
        pool, target = client.pool, client.target
        given = pool.driver_argument(COMMAND_TIMEOUT)
        own, unless = by_default(given)
        seconds, limit = number_of(own), first_limit(target)
        if given is None or own is None or seconds is None or target is None or limit is None:
            return
        if seconds > limit.seconds:
            message = (
                f"{pool.title} cancels a query after {seconds:.15g} s ({COMMAND_TIMEOUT}), {target.name} drops "
                f"the client after {limit.seconds:.15g} s ({limit.name}), and PostgreSQL goes on with the query"
                f"{unless}"
            )
            place = pool.used_at(own)
            notes = [Note(each, "the number is written here") for each in pool.written_at(own)]
            notes += [Note(limit.span, "drops clients")] if limit.span else []
            yield self.finding(place, message, notes=[*notes, *operands(target.because, place)])


def first_limit(target: Target | None) -> Limit | None:
    """What comes first while a client's query runs; None where nothing does, or not all of that is known."""
    if target is None or not target.is_certain or target.pooler is None or target.pooler.config is None:
        return None
    config, user = target.pooler.config, user_of(target)
    limits = [limit_of(name, config, user) for name, since in DROPPING.items() if not config.is_before(since)]
    found = [each for each in limits if each]
    if len(found) < len(limits) or not may_tell_users_apart(config, user):
        return None
    return min((each for each in found if each.seconds > 0), key=lambda each: each.seconds, default=None)


def user_of(target: Target) -> str | None:
    """Whose the server connections are."""
    forced = target.entry.parameter("user") if target.entry else None
    return forced.value if forced else target.user


def may_tell_users_apart(config: PgBouncerConfig, user: str | None) -> bool:
    """Whether it is known which user's limits count, if any user has some."""
    others = (own for own in config.users_in_effect.values() if any(map(own.parameter, DROPPING)))
    return user is not None or not any(others)


def limit_of(name: str, config: PgBouncerConfig, user: str | None) -> Limit | None:
    """A timeout as it is for a user, 0 where it is off; None where that is not known."""
    entry: Entry | None = config.users_in_effect.get(user) if user else None
    own = entry.parameter(name) if entry else None
    if own and config.is_filled_in(own.value):
        return None
    if own and (seconds := c_number.leading(own.value)) > 0:
        return Limit(name, seconds, own.span)
    general = config.effective_seconds(name)
    return Limit(name, general.value, general.span) if general else None
