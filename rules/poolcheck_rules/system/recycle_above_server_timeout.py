"""A pool that keeps connections for longer than the other end does, and hands out dead ones."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.read.pgbouncer.config import Effective, PoolMode
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.rule import Rule
from poolcheck.system.clients import Client
from poolcheck.system.poolers import Server
from poolcheck.system.targets import Target
from poolcheck.system.whole import SystemWithClients
from poolcheck.value import Known, by_default, number_of

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool

NEVER = -1
MYSQL = frozenset({"mariadb", "mysql"})
MYSQL_WAIT_TIMEOUT_S = 28_800
"""After so much rest MySQL and MariaDB close a session, unless they are told otherwise: wait_timeout."""


class Closing(NamedTuple):
    """Who closes connections that rest, and after how many seconds."""

    who: str
    after: Effective[float]


class RecycleAboveServerTimeout(Rule[SystemWithClients]):
    id = "recycle-above-server-timeout"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithClients) -> Iterator[Finding]:
        yield from one_for_each_place(
            found for client in system.clients for found in self.of_client(client, system)
        )
        yield from one_for_each_place(found for client in system.clients for found in self.by_default(client))

    def of_client(self, client: Client, system: SystemWithClients) -> Iterator[Finding]:
        """What is wrong with the age limit of one pool in one workload."""
        pool, target = client.pool, client.target
        name = pool.constructor.recycle
        age, closing = pool.effective(name), closes_idle(target, system)
        seconds = number_of(age)
        place = closing.after.span if closing else None
        if age is None or seconds is None or target is None or closing is None or place is None:
            return
        limit = closing.after
        if not client.is_in_use or is_checked(pool) or NEVER < seconds < limit.value:
            return
        kept = f"for up to {seconds:.15g} s" if seconds > NEVER else "for ever"
        by_default = "" if pool.given(name) else " by default"
        message = (
            f"{pool.title} keeps connections {kept} ({name}={seconds:.15g}{by_default}), "
            f"{closing.who} closes them after {limit.value:.15g} s of rest"
        )
        notes = [Note(place, "closes connections that rest")]
        notes += [Note(reason.span, reason.text) for reason in target.because if reason.span]
        severity = None if pool.given(name) else Severity.WARNING
        yield self.finding(age.places[0], message, notes=notes, severity=severity)

    def by_default(self, client: Client) -> Iterator[Finding]:
        """An age limit that is above what MySQL closes sessions after where nobody tells it otherwise."""
        pool, name = client.pool, client.pool.constructor.recycle
        dialect, given = pool.address.dialect if pool.address else None, pool.given(name)
        age, unless = by_default(given)
        seconds = number_of(age)
        if (
            dialect not in MYSQL
            or given is None
            or age is None
            or seconds is None
            or seconds < MYSQL_WAIT_TIMEOUT_S
        ):
            return
        if client.is_in_use and pool.all_known and not is_checked(pool):
            message = (
                f"{pool.title} keeps connections for up to {seconds:.15g} s ({name}={seconds:.15g}), MySQL by "
                f"default closes them after {MYSQL_WAIT_TIMEOUT_S} s of rest{unless}"
            )
            notes = [Note(place, "the number is written here") for place in pool.written_at(age)]
            yield self.finding(pool.used_at(age), message, notes=notes, severity=Severity.WARNING)


def closes_idle(target: Target | None, system: SystemWithClients) -> Closing | None:
    """Who closes a client's connection for being idle, and when; None where that is not known.

    PgBouncer's server_lifetime and server_idle_timeout are about its own connections to the server.
    """
    if target is None or not target.is_certain:
        return None
    if target.pooler is None:
        timeout = target.server.idle_session_timeout_s if target.server else None
        return Closing(target.name, timeout) if timeout else None
    config, mode = target.pooler.config, target.mode
    if config is None or mode is None:
        return None
    if mode.value is PoolMode.SESSION:
        return ended_by_server(target, system)
    after = config.seconds("client_idle_timeout")
    return Closing(target.name, Effective(after.value, after.span)) if after and after.value > 0 else None


def ended_by_server(target: Target, system: SystemWithClients) -> Closing | None:
    """In session mode PgBouncer closes no client that has run a query, unless the server ends its session."""
    if target.entry is None:
        return None
    for demand in system.demands:
        is_behind = demand.pooler is target.pooler and target.entry in demand.entries
        if is_behind and isinstance(demand.found, Server) and (after := demand.found.idle_session_timeout_s):
            return Closing(demand.found.name, after)
    return None


def is_checked(pool: "ClientPool") -> bool:
    """Whether dead connections are found before they are handed out, or may be: by a test, or by the library."""
    match pool.constructor.library:
        case Library.SQLALCHEMY:
            test = pool.effective("pool_pre_ping")
            return not (isinstance(test, Known) and test.scalar is False) or pool.given("poolclass") is not None
        case Library.PSYCOPG:
            return not pool.constructor.is_pool or pool.given("check") is not None
        case _:
            return True
