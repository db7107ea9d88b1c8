"""A pool that keeps connections for longer than the other end does, and hands out dead ones."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.constructors import Library
from poolcheck.read.pgbouncer import Effective, PoolMode
from poolcheck.read.pools import Role
from poolcheck.rule import Rule
from poolcheck.system import Client, System, Target
from poolcheck.value import Known, number_of

NEVER = -1


class RecycleAboveServerTimeout(Rule[System]):
    id = "recycle-above-server-timeout"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            yield from self.of_client(client)

    def of_client(self, client: Client) -> Iterator[Finding]:
        """What is wrong with the age limit of one pool."""
        pool = client.pool
        name = pool.constructor.recycle
        age, limit = pool.effective(name), closes_idle(client.target)
        seconds = number_of(age)
        if age is None or seconds is None or limit is None or limit.span is None:
            return
        if pool.role is not Role.APPLICATION or is_checked(client) or NEVER < seconds < limit.value:
            return
        kept = f"for up to {seconds:g} s" if seconds > NEVER else "for ever"
        by_default = "" if pool.given(name) else " by default"
        message = (
            f"{pool.title} keeps connections {kept} ({name}={seconds:g}{by_default}), "
            f"the other end closes them after {limit.value:g} s of rest"
        )
        notes = [Note(limit.span, "closes connections that rest")]
        notes += (
            [Note(reason.span, reason.text) for reason in client.target.because if reason.span]
            if client.target
            else []
        )
        severity = None if pool.given(name) else Severity.WARNING
        yield self.finding(age.places[0], message, notes=notes, severity=severity)


def closes_idle(target: Target | None) -> Effective[float] | None:
    """When the other end of a client's connection closes it for being idle; None where that is not known.

    PgBouncer's server_lifetime and server_idle_timeout are about its own connections to the server.
    """
    if target is None or not target.is_certain:
        return None
    if target.pooler is None:
        return target.server.idle_session_timeout_s if target.server else None
    config, mode = target.pooler.config, target.mode
    # In session mode a client that has run a query is never closed.
    if config is None or mode is None or mode.value is PoolMode.SESSION:
        return None
    timeout = config.seconds("client_idle_timeout")
    return Effective(timeout.value, timeout.span) if timeout and timeout.value > 0 else None


def is_checked(client: Client) -> bool:
    """Whether dead connections are found before they are handed out, or may be: by a test, or by the library."""
    pool = client.pool
    match pool.constructor.library:
        case Library.SQLALCHEMY:
            test = pool.effective("pool_pre_ping")
            return not (isinstance(test, Known) and test.scalar is False) or pool.given("poolclass") is not None
        case Library.PSYCOPG:
            return not pool.constructor.is_pool or pool.given("check") is not None
        case _:
            return True
