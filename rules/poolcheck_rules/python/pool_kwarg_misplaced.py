"""An argument of another library, or of the driver, where the pool wants its own."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.libraries.constructor import Constructor, Library
from poolcheck.read.python.libraries.drivers import driver_named
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.syntax.edits import renamed_argument, replaced_argument
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.whole import System
from poolcheck.value import Known, Table, Value

OF_POOLS = frozenset(
    {
        "acquire_timeout", "idle_timeout", "max_connections", "max_idle", "max_inactive_connection_lifetime",
        "max_lifetime", "max_overflow", "max_queries", "max_size", "max_waiting", "maxconn", "maxconnections",
        "maxsize", "min_size", "minconn", "minsize", "pool_class", "pool_max_overflow", "pool_max_size",
        "pool_min_size", "pool_pre_ping", "pool_recycle", "pool_size", "pool_timeout", "pool_use_lifo",
        "poolclass", "pre_ping", "recycle", "stale_timeout", "use_lifo",
    }
)  # fmt: skip
OF_DRIVERS = frozenset(
    {
        "check_same_thread", "command_timeout", "connect_timeout", "connection_timeout", "keepalives",
        "keepalives_count", "keepalives_idle", "keepalives_interval", "options", "prepare_threshold",
        "prepared_statement_cache_size", "read_timeout", "server_settings", "sslmode", "statement_cache_size",
        "statement_timeout", "timeout", "write_timeout",
    }
)  # fmt: skip
"""Names that libraries have for these things. What is not among them may be anything."""

DIALECTS = frozenset({"mariadb", "mssql", "mysql", "oracle", "postgresql", "sqlite"})
"""Those that come with SQLAlchemy."""

RENAMED: Mapping[str, str] = {
    "pool_class": "poolclass",
    "pool_max_overflow": "max_overflow",
    "pre_ping": "pool_pre_ping",
    "recycle": "pool_recycle",
    "use_lifo": "pool_use_lifo",
}
"""What SQLAlchemy's engines call what its own pools, and others, call so."""


class Misplaced(NamedTuple):
    """An argument in the wrong place: what takes no such thing, its name, its value, and what comes of it."""

    taker: str
    name: str
    value: Value
    outcome: str


class PoolKwargMisplaced(Rule[System]):
    id = "pool-kwarg-misplaced"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool = client.pool
            if pool.role is Role.TEST or pool.constructor.name == "django.DATABASES":
                continue
            for found in (*in_call(pool), *in_driver_arguments(pool)):
                message = f"{found.taker} takes no {found.name}: {found.outcome}"
                notes = [Note(place, "it is written here") for place in pool.written_at(found.value)]
                place = pool.used_at(found.value)
                yield self.finding(place, message, notes=notes, fix=moved(pool, found, system))


def in_call(pool: ClientPool) -> Iterator[Misplaced]:
    """Arguments of the call that neither the pool nor, where they go on to it, the driver knows."""
    known = accepted(pool)
    for name, value in pool.arguments.items():
        is_other = name in OF_POOLS | OF_DRIVERS and name not in known and not is_told_elsewhere(pool, name)
        if known and is_other and name not in pool.partly:
            taker = pool.constructor.name.rpartition(".")[2]
            yield Misplaced(f"{taker}()", name, value, outcome_of(pool.constructor))


def is_told_elsewhere(pool: ClientPool, name: str) -> bool:
    """Whether it is prepare-threshold-on-psycopg2 that tells of it."""
    return name == "prepare_threshold" and pool.driver == "psycopg2"


def accepted(pool: ClientPool) -> frozenset[str]:
    """The arguments that a call takes; nothing where that is not known."""
    constructor, driver = pool.constructor, driver_named(pool.constructor.driver)
    own = constructor.keywords.union(constructor.defaults, constructor.size, constructor.parameters)
    match constructor.library:
        case Library.SQLALCHEMY if constructor.keywords:
            # Other dialects, and plugins, may take more.
            is_known = pool.address is None or pool.address.dialect in {*DIALECTS, None}
            return own if is_known and "plugins" not in pool.arguments else frozenset()
        case Library.PSYCOPG if constructor.keywords:
            return own
        case Library.ASYNCPG | Library.AIOPG | Library.AIOMYSQL | Library.ASYNCMY | Library.PSYCOPG2 if driver:
            return own | driver.keywords
        case Library.PSYCOPG if driver and not constructor.is_pool:
            return own | driver.keywords
        case _:
            return frozenset()


def outcome_of(constructor: Constructor) -> str:
    """What comes of an argument that nobody knows."""
    if constructor.driver in {"aiopg", "psycopg2"} or (
        constructor.driver == "psycopg" and not constructor.is_pool
    ):
        return "it goes to libpq, which refuses to connect"
    return "it raises a TypeError"


def in_driver_arguments(pool: ClientPool) -> Iterator[Misplaced]:
    """Arguments for the driver that it does not know."""
    driver = driver_named(pool.driver)
    table = pool.arguments.get(pool.constructor.driver_arguments or "")
    if driver is None or not driver.keywords or not isinstance(table, Table):
        return
    is_sqlalchemy = pool.constructor.library in {Library.SQLALCHEMY, Library.FLASK_SQLALCHEMY}
    known = driver.keywords | driver.through_sqlalchemy if is_sqlalchemy else driver.keywords
    if any(name in pool.arguments for name in ("creator", "async_creator", "pool")):
        return
    for name, value in table.items:
        # psycopg2 drops what is None.
        is_dropped = driver.name == "psycopg2" and isinstance(value, Known) and value.scalar is None
        is_told = is_dropped or is_told_elsewhere(pool, name)
        if name in OF_POOLS | OF_DRIVERS and name not in known and not is_told:
            raises = "it raises a TypeError when it connects"
            outcome = "it refuses to connect" if driver.name in {"psycopg", "psycopg2"} else raises
            yield Misplaced(driver.name, name, value, outcome)


def moved(pool: ClientPool, found: Misplaced, system: System) -> Fix | None:
    """The argument under its name, or among those of the driver."""
    module = system.module(pool.span.path)
    if module is None or found.name not in pool.arguments or not is_inside(found.value.places[0], pool.span):
        return None
    new = RENAMED.get(found.name) if pool.constructor.library is Library.SQLALCHEMY else None
    if new and new not in pool.arguments:
        edit = renamed_argument(module.module, pool.span, found.name, new)
        return Fix(f"Call it {new}", (edit,)) if edit else None
    driver, keyword = driver_named(pool.driver), pool.constructor.driver_arguments
    if driver and found.name in driver.keywords and keyword and keyword not in pool.arguments:
        edit = replaced_argument(module.module, pool.span, found.name, f'{keyword}={{"{found.name}": {{}}}}')
        return Fix(f"Hand it to {driver.name}", (edit,)) if edit else None
    return None


def is_inside(place: Span, call: Span) -> bool:
    """Whether something is written in a call."""
    return place.path == call.path and call.start <= place.start and place.end <= call.end
