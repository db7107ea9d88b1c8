"""A connection that is waited for without end, because its driver knows no limit and is given none."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.constructors import Library
from poolcheck.read.pools import ClientPool, Role
from poolcheck.read.python import PythonModule
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span

LIMITS = {
    "psycopg2": ("connect_timeout",),
    "pg8000": ("timeout",),
    "mysqldb": ("connect_timeout",),
    "mysqlconnector": ("connection_timeout", "connect_timeout"),
    "aiomysql": ("connect_timeout",),
}
"""Drivers that wait for ever, each with what sets a limit. Observed with a server that accepts and is silent."""

NEAR = frozenset({"", "localhost", "127.0.0.1", "::1"})
"""Hosts that answer, or refuse, at once."""


class ConnectTimeoutMissing(Rule[PythonModule]):
    id = "connect-timeout-missing"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        text = module.module.source.text
        if module.role is not Role.APPLICATION or "PGCONNECT_TIMEOUT" in text:
            return
        for pool in module.pools:
            driver = pool.driver or ""
            limits = LIMITS.get(driver, ())
            if limits and is_far(pool) and not any(pool.option(limit) for limit in limits):
                message = (
                    f"{pool.title} has no {limits[0]}: {driver} waits without end for a server that is silent"
                )
                yield self.finding(pool.callee, message, fix=fix(pool, limits[0], text))


def is_far(pool: ClientPool) -> bool:
    """Whether the server may be on another machine, and the driver is asked for the connection itself."""
    address = pool.address
    is_near = address is None or address.host in NEAR or (address.host or "").startswith("/")
    return not is_near and pool.given("creator") is None


def fix(pool: ClientPool, limit: str, text: str) -> Fix | None:
    """A limit behind the last argument of a driver's own connect."""
    if pool.constructor.library is Library.SQLALCHEMY or not pool.arguments:
        return None
    end = max(value.places[0].end for value in pool.arguments.values())
    if text[end : pool.span.end].replace(",", "").strip() != ")":
        return None
    edit = Edit(Span(pool.span.path, end, end), f", {limit}=10")
    return Fix("Wait for ten seconds at most", (edit,), safe=False)
