"""An engine or a pool that is made anew for each request, task or turn of a loop."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.constructors import MYSQL_POOL
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.uses import placed
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.running.occasions import Occasion
from poolcheck.read.python.running.recurring import Recurrence, recurrences
from poolcheck.rule import Rule
from poolcheck.value import number_of

JUDGED = frozenset({Library.SQLALCHEMY, Library.PSYCOPG, Library.PSYCOPG2, Library.ASYNCPG})
SERVERS = frozenset({None, "", "cockroachdb", "mariadb", "mssql", "mysql", "oracle", "postgres", "postgresql"})
KEEPING = frozenset({"", "AsyncAdaptedQueuePool", "QueuePool"})


class EngineCreatedPerCall(Rule[PythonModule]):
    id = "engine-created-per-call"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        if module.role is not Role.APPLICATION:
            return
        for pool in module.pools:
            made = placed(module.module, pool.span) if is_judged(pool) else None
            found = [*recurrences(made)] if made else []
            if found and not any(map(is_of_lambda, found)):
                yield self.finding(
                    pool.callee,
                    f"each {found[0].occasion} makes {outcome(pool)}",
                    notes=notes(found[0]),
                    severity=severity_of(pool, found[0]),
                )


def is_judged(pool: ClientPool) -> bool:
    """Whether it is a pool that keeps connections to a server, and nothing else keeps it."""
    constructor = pool.constructor
    if pool.role is not Role.APPLICATION or constructor.library not in JUDGED or not constructor.is_pool:
        return False
    address = pool.address
    is_server = address is None or address.dialect in SERVERS
    return is_server and pool.pool_class in KEEPING and constructor.name != MYSQL_POOL.name


def is_of_lambda(found: Recurrence) -> bool:
    """Whether another rule tells it."""
    return found.entry is not None and found.entry.kind is Occasion.LAMBDA


def outcome(pool: ClientPool) -> str:
    """What is made, and what becomes of it. Observed."""
    least = number_of(pool.effective(pool.constructor.least))
    match pool.constructor.library:
        case Library.SQLALCHEMY:
            left = "12 in a row may leave 12 open"
            return f"an engine of its own, whose connections stay until the garbage collector comes to it: {left}"
        case Library.ASYNCPG:
            left = f": 12 in a row leave {12 * least:g} connections open" if least else ""
            return f"a pool of its own, which nothing closes{left}"
        case _:
            opened = f"{least:g} connections" if least and least > 1 else "a connection"
            return f"a pool of its own, which opens {opened} and is thrown away"


def severity_of(pool: ClientPool, found: Recurrence) -> Severity | None:
    """Milder where its connections are closed with it, or it is seldom made, or another one each time."""
    is_left_open = pool.constructor.library in {Library.SQLALCHEMY, Library.ASYNCPG}
    is_seldom = found.entry is not None and found.entry.kind in {Occasion.SCHEDULED, Occasion.TOOL}
    return None if is_left_open and not is_seldom and not found.varies else Severity.WARNING


def notes(found: Recurrence) -> Iterator[Note]:
    """What runs it, and the calls from there."""
    if found.entry:
        yield Note(found.entry.place, f"{found.entry.name}() is a {found.entry.kind}")
    if found.loop:
        yield Note(found.loop, "the loop")
    for step in found.steps:
        yield Note(step.place, f"{step.callee}() is called here")
