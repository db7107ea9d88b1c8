"""A client pool that opens as many connections as are asked for, or whose size is no size."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.constructors import Library
from poolcheck.read.pools import ClientPool, Role
from poolcheck.read.python import PythonModule
from poolcheck.rule import Rule
from poolcheck.value import Known, number_of

QUEUES = frozenset({"QueuePool", "AsyncAdaptedQueuePool"})
"""SQLAlchemy's pool classes that heed pool_size and max_overflow."""

IMPOSSIBLE = {
    Library.SQLALCHEMY: (
        ("max_overflow", -1, "ends in a RecursionError once the pool is used up"),
        ("pool_size", 0, "is taken off max_overflow, and every connection is kept"),
    ),
    Library.ASYNCMY: (("maxsize", 1, "makes a pool of no connections, and acquire() waits for ever"),),
}
"""Parameters, the least number that makes sense, and what comes of smaller ones. Observed."""


class UnboundedPool(Rule[PythonModule]):
    id = "unbounded-pool"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for pool in module.pools:
            if pool.constructor.is_pool and pool.role is Role.APPLICATION and is_a_queue(pool):
                yield from self.without_limit(pool)
                yield from self.impossible(pool)

    def without_limit(self, pool: ClientPool) -> Iterator[Finding]:
        """The arguments, or defaults, that lift the limit."""
        for name, lifting in pool.constructor.unlimited.items():
            value = pool.effective(name)
            if not isinstance(value, Known) or isinstance(value.scalar, bool) or value.scalar not in lifting:
                continue
            why = f"{name}={value.scalar}" if pool.given(name) else f"it has no {name}"
            message = f"{pool.title} opens another connection whenever none is free: {why}"
            yield self.finding(value.places[0], message, severity=severity_of(pool))

    def impossible(self, pool: ClientPool) -> Iterator[Finding]:
        """Numbers that are accepted and do something else than anybody meant."""
        for name, least, outcome in IMPOSSIBLE.get(pool.constructor.library, ()):
            value, number = pool.given(name), number_of(pool.given(name))
            if value and number is not None and number < least:
                message = f"{name}={number} of {pool.title} {outcome}"
                yield self.finding(value.places[0], message, severity=Severity.ERROR)


def is_a_queue(pool: ClientPool) -> bool:
    """Whether the pool keeps connections by number; SQLAlchemy's other pool classes do not."""
    kind = pool.given("poolclass")
    return kind is None or (isinstance(kind, Known) and kind.scalar in QUEUES)


def severity_of(pool: ClientPool) -> Severity | None:
    """Advice only for a pool that keeps nothing: it is made for a pooler behind it, which has the limit."""
    return Severity.INFO if "Null" in pool.constructor.name else None
