"""A client pool that opens as many connections as are asked for, or whose size is no size."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.capacity import is_size_zero_limited
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule
from poolcheck.system.clients import Client
from poolcheck.system.whole import System
from poolcheck.value import Known, Value, by_default, number_of

QUEUES = frozenset({"", "QueuePool", "AsyncAdaptedQueuePool"})
"""Pool classes that heed their size; those of other libraries have no name."""

OF_WEB = re.compile(r"\b(?:bottle|cherrypy|django|fastapi|flask|flask_sqlalchemy|pyramid|starlette)\b")
"""Packages of programs that answer many requests at once, in threads."""
OF_TASKS = re.compile(r"celery|dramatiq|lambda|mangum|worker|task|migrat|alembic", re.IGNORECASE)
"""What the names around an engine say that is not for requests."""

SINCE_2 = "is no limit since SQLAlchemy 2.0"
RECURSION = "ends in a RecursionError once the pool is used up"
TAKEN_OFF = "is taken off max_overflow, and every connection is kept"
NO_CONNECTION = "makes a pool of no connections, and acquire() waits for ever"


class UnboundedPool(Rule[System]):
    id = "unbounded-pool"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool = client.pool
            if pool.constructor.is_pool and pool.role is Role.APPLICATION and is_a_queue(pool):
                yield from self.without_limit(pool)
                yield from self.impossible(pool)
            elif pool.role is Role.APPLICATION and opens_for_each(client, system):
                yield self.of_requests(client)

    def without_limit(self, pool: ClientPool) -> Iterator[Finding]:
        """The arguments, or defaults, that lift the limit."""
        for name, lifting in pool.constructor.unlimited.items():
            value, unless = by_default(pool.effective(name))
            if not isinstance(value, Known) or isinstance(value.scalar, bool) or value.scalar not in lifting:
                continue
            if is_size_zero_limited(pool, name):
                continue
            why = f"{name}={value.scalar}" if pool.given(name) else f"it has no {name}"
            if name == "pool_size" and not pool.version("sqlalchemy").is_since(2, 0):
                why += f", which {SINCE_2}"
            message = f"{pool.title} opens another connection whenever none is free: {why}{unless}"
            yield self.finding(pool.used_at(value), message, notes=origin(pool, value), severity=severity_of(pool))

    def of_requests(self, client: Client) -> Finding:
        """An engine that keeps nothing, in a program that answers many requests at once."""
        given, target = client.pool.arguments["poolclass"], client.target
        message = f"{client.pool.title} opens a connection for each request at once, and has no limit: NullPool"
        # It is made for a pooler behind it, which has the limit.
        is_direct = target is not None and target.is_certain and target.server is not None
        severity = None if is_direct else Severity.INFO
        return self.finding(client.pool.used_at(given), message, severity=severity)

    def impossible(self, pool: ClientPool) -> Iterator[Finding]:
        """Numbers that are accepted and do something else than anybody meant."""
        for name, outcome in outcomes(pool):
            value, unless = by_default(pool.given(name))
            if value:
                message = f"{name}={number_of(value)} of {pool.title} {outcome}{unless}"
                notes = origin(pool, value)
                yield self.finding(pool.used_at(value), message, notes=notes, severity=Severity.ERROR)


def is_a_queue(pool: ClientPool) -> bool:
    """Whether the pool keeps connections to a server by number; SQLAlchemy's other pool classes do not."""
    address, database = pool.address, pool.arguments.get("database")
    # peewee's is told the database later, and then perhaps a size.
    is_told_later = isinstance(database, Known) and database.scalar is None
    is_server = address is None or address.dialect != "sqlite"
    return pool.pool_class in QUEUES and is_server and not is_told_later


def opens_for_each(client: Client, system: System) -> bool:
    """Whether an engine of a web application is surely told to keep no connections."""
    pool, module = client.pool, system.module(client.pool.span.path)
    given, address = pool.arguments.get("poolclass"), pool.address
    is_null = isinstance(given, Known) and given.scalar == "NullPool" and "poolclass" not in pool.partly
    is_engine = pool.constructor.library in {Library.SQLALCHEMY, Library.FLASK_SQLALCHEMY}
    is_server = address is not None and address.dialect not in {"sqlite", None}
    if not (is_null and is_engine and is_server and module) or (client.target and client.target.pooler):
        return False
    is_known = not (client.target and not client.target.is_certain)
    imported = any(OF_WEB.match(each.target) for each in module.module.imports)
    is_for_tasks = OF_TASKS.search(f"{pool.span.path} {pool.name} {pool.function}") is not None
    return imported and is_known and not is_for_tasks


def outcomes(pool: ClientPool) -> Iterator[tuple[str, str]]:
    """The parameters whose numbers make no sense, each with what comes of it. Observed."""
    least = {name: number_of(by_default(pool.given(name))[0]) for name in ("max_overflow", "pool_size", "maxsize")}
    match pool.constructor.library:
        case Library.SQLALCHEMY | Library.FLASK_SQLALCHEMY:
            if (number := least["max_overflow"]) is not None and number < -1:
                yield "max_overflow", RECURSION
            if (number := least["pool_size"]) is not None and number < 0:
                yield "pool_size", TAKEN_OFF
        case Library.ASYNCMY:
            # With the default minsize of 1 it refuses to be made.
            if least["maxsize"] == 0 and number_of(pool.given("minsize")) == 0:
                yield "maxsize", NO_CONNECTION
        case _:
            pass


def origin(pool: ClientPool, value: Value) -> list[Note]:
    """A note where the number is written, if that is elsewhere."""
    return [Note(place, "the number is written here") for place in pool.written_at(value)]


def severity_of(pool: ClientPool) -> Severity | None:
    """Advice only for a pool that keeps nothing: it is made for a pooler behind it, which has the limit."""
    return Severity.INFO if "Null" in pool.constructor.name else None
