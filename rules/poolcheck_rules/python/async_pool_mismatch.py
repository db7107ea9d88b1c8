"""An asynchronous engine with a pool or a driver that is not, or the other way round."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.drivers import driver_named
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.syntax.edits import without_argument
from poolcheck.rule import Rule
from poolcheck.system.whole import System
from poolcheck.value import Known

BLOCKING = frozenset({"QueuePool", "SingletonThreadPool"})
"""Pools whose waits stop an event loop."""
WRAPS = re.compile(r"\bAsyncEngine\s*\(")
"""Code that makes an asynchronous engine of another."""
CHECKED_SINCE = (2, 0, 28)


class AsyncPoolMismatch(Rule[System]):
    id = "async-pool-mismatch"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool = client.pool
            # What is no engine has no dialect of its own.
            if pool.constructor.library is Library.SQLALCHEMY and pool.constructor.address:
                module = system.module(pool.span.path)
                is_wrapped = module is not None and module.module.has(WRAPS)
                if pool.role is not Role.TEST and not is_wrapped:
                    yield from self.by_class(pool, system)
                    yield from self.by_driver(pool)

    def by_class(self, pool: ClientPool, system: System) -> Iterator[Finding]:
        """A pool class of the other kind."""
        given = pool.arguments.get("poolclass")
        if not isinstance(given, Known) or "poolclass" in pool.partly:
            return
        driver = driver_named(pool.driver)
        if pool.constructor.is_async and given.scalar in BLOCKING:
            outcome = "blocks the event loop of an asynchronous engine, as SQLAlchemy before 2.0.28 lets it"
            if not pool.version().is_before(*CHECKED_SINCE):
                outcome = (
                    f"is refused by {maker(pool)} since SQLAlchemy 2.0.28, and before that it blocks the loop"
                )
        elif (
            not pool.constructor.is_async and given.scalar == "AsyncAdaptedQueuePool" and driver and driver.is_sync
        ):
            if pool.version().is_before(2, 0):
                return
            refuses = "is refused" if pool.version().is_since(2, 0) else "is refused since SQLAlchemy 2.0"
            outcome = f"{refuses} by {maker(pool)}, whose driver {driver.name} is not asynchronous"
        else:
            return
        module = system.module(pool.span.path)
        edit = without_argument(module.module, pool.span, "poolclass") if module else None
        fix = Fix("Leave the choice of the pool to SQLAlchemy", (edit,)) if edit else None
        yield self.finding(pool.used_at(given), f"{given.scalar} {outcome}", fix=fix)

    def by_driver(self, pool: ClientPool) -> Iterator[Finding]:
        """A driver of the other kind."""
        written, driver = pool.given(pool.constructor.address), driver_named(pool.driver)
        if written is None or driver is None:
            return
        if pool.constructor.is_async and not driver.is_async:
            message = f"{driver.name} is not asynchronous: {maker(pool)} raises an InvalidRequestError"
        elif not pool.constructor.is_async and not driver.is_sync:
            message = f"{driver.name} is asynchronous: the first use of {pool.title} raises MissingGreenlet"
        else:
            return
        yield self.finding(pool.used_at(written), message)


def maker(pool: ClientPool) -> str:
    """The function that is called, as in a message."""
    return f"{pool.constructor.name.rpartition('.')[2]}()"
