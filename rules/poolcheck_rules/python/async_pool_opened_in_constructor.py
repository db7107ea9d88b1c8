"""A pool that is opened where it must not be, or that nothing ever opens."""

import re
from collections.abc import Iterator, Sequence

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.uses import How, Placed, Use, placed, uses_of
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.syntax.edits import with_argument
from poolcheck.rule import Rule
from poolcheck.value import Known

NEEDS_A_LOOP = "opens itself where it is made, which raises a RuntimeError unless an event loop runs"
RUNS_A_LOOP = re.compile(r"\b(?:asyncio|anyio|uvloop|trio)\s*\.\s*run\s*\(|\brun_until_complete\s*\(")
"""Code that starts a loop, so that none ran before it."""
DEPRECATED = "which psycopg_pool warns of and is to stop"
DEPRECATED_SINCE = (3, 2)
OPENING = frozenset({"__aenter__", "__enter__", "open"})
LENDING = frozenset({"connection", "getconn"})
OF_ASYNCPG = frozenset(
    {"acquire", "copy_from_query", "execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval"}
)


class AsyncPoolOpenedInConstructor(Rule[PythonModule]):
    id = "async-pool-opened-in-constructor"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for pool in module.pools:
            if pool.role is Role.TEST or not pool.constructor.is_pool:
                continue
            if pool.constructor.library is Library.ASYNCPG:
                yield from self.of_asyncpg(pool, module)
            elif pool.constructor.library is Library.PSYCOPG:
                yield from self.of_psycopg(pool, module)

    def of_psycopg(self, pool: ClientPool, module: PythonModule) -> Iterator[Finding]:
        """A psycopg_pool that opens itself in a constructor that is to stop it, or that stays closed."""
        given, call = pool.given("open"), placed(module.module, pool.span)
        if call is None or not (given is None or (isinstance(given, Known) and isinstance(given.scalar, bool))):
            return
        if given is None and not call.is_entered and pool.constructor.is_async:
            yield from self.by_default(pool, call, module)
        elif given and given.scalar is True and pool.constructor.is_async:
            yield from self.on_demand(pool, call, module)
        elif given and given.scalar is False and not call.is_entered:
            yield from self.never_opened(pool, call, module)

    def by_default(self, pool: ClientPool, call: Placed, module: PythonModule) -> Iterator[Finding]:
        """An asynchronous pool that is not told whether to open itself."""
        uses = uses_of(pool.name, module.module, pool.span) if pool.name and call.is_assigned else None
        if not call.is_deferred:
            yield self.finding(
                pool.callee,
                f"{pool.title} {NEEDS_A_LOOP}",
                fix=closed(pool, uses, module),
                severity=at_import(module),
            )
            return
        is_entered = uses is None or any(use.how is How.ENTERED for use in uses)
        if not is_entered and not pool.version().is_before(*DEPRECATED_SINCE):
            message = f"{pool.title} opens itself where it is made, {DEPRECATED}"
            yield self.finding(pool.callee, message, fix=closed(pool, uses, module), severity=severity_of(pool))

    def on_demand(self, pool: ClientPool, call: Placed, module: PythonModule) -> Iterator[Finding]:
        """An asynchronous pool that is told to open itself."""
        given = pool.arguments["open"]
        if not call.is_deferred:
            yield self.finding(pool.used_at(given), f"{pool.title} {NEEDS_A_LOOP}", severity=at_import(module))
        elif not pool.version().is_before(*DEPRECATED_SINCE):
            message = f"open=True has {pool.title} open itself where it is made, {DEPRECATED}"
            yield self.finding(pool.used_at(given), message, severity=severity_of(pool))

    def never_opened(self, pool: ClientPool, call: Placed, module: PythonModule) -> Iterator[Finding]:
        """A pool that is made closed, and lends connections to code that nothing opens it for."""
        uses = uses_of(pool.name, module.module, pool.span) if pool.name and call.is_assigned else None
        given = pool.given("open")
        if uses and given and is_used_by_methods_only(uses, OPENING) and is_asked(uses, LENDING):
            message = f"nothing opens {pool.title}, which raises PoolClosed when it is asked for a connection"
            yield self.finding(pool.used_at(given), message, severity=Severity.ERROR)

    def of_asyncpg(self, pool: ClientPool, module: PythonModule) -> Iterator[Finding]:
        """A pool of asyncpg's that is used as create_pool() returns it, and nothing initializes."""
        call = placed(module.module, pool.span)
        if call is None or call.is_awaited or call.is_entered or not (pool.name and call.is_assigned):
            return
        uses = uses_of(pool.name, module.module, pool.span)
        if (
            uses
            and is_used_by_methods_only(uses, frozenset({"_async__init__", *OPENING}))
            and is_asked(uses, OF_ASYNCPG)
        ):
            message = (
                f"{pool.title} is neither awaited nor entered, and raises InterfaceError (pool is not initialized)"
                " when it is used"
            )
            yield self.finding(pool.callee, message, severity=Severity.ERROR)


def is_used_by_methods_only(uses: Sequence[Use], opening: frozenset[str]) -> bool:
    """Whether all that is done with a pool is seen, and nothing of it opens the pool."""
    closed = {How.ENTERED, How.AWAITED, How.OTHER}
    return not any(use.how in closed or use.method in opening for use in uses)


def is_asked(uses: Sequence[Use], methods: frozenset[str]) -> bool:
    """Whether the pool is asked for a connection."""
    return any(use.method in methods for use in uses)


def closed(pool: ClientPool, uses: Sequence[Use] | None, module: PythonModule) -> Fix | None:
    """The argument that leaves it to be opened, where that is what the code goes on to do."""
    is_opened = uses is not None and any(use.method == "open" for use in uses)
    edit = with_argument(module.module, pool.span, "open=False") if is_opened else None
    return Fix("Leave it closed until open() is awaited", (edit,)) if edit else None


def at_import(module: PythonModule) -> Severity | None:
    """An error where the module starts the loop itself; some servers import an application while theirs runs."""
    runs = RUNS_A_LOOP.search(module.module.masked.text) is not None
    severity = Severity.ERROR if runs else Severity.WARNING
    return severity if module.role is Role.APPLICATION else severity.milder


def severity_of(pool: ClientPool) -> Severity | None:
    """Milder in an example."""
    return None if pool.role is Role.APPLICATION else Severity.INFO
