"""A pool that hands out connections without knowing whether the server still has them."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.running.scripts import is_script
from poolcheck.read.python.syntax.edits import with_argument
from poolcheck.rule import Rule
from poolcheck.system.whole import System
from poolcheck.value import Known, by_default

MYSQL = frozenset({"mariadb", "mysql"})
"""A server of theirs closes connections that have been idle for eight hours."""
SERVERS = MYSQL | {"mssql", "oracle", "postgresql"}


class PoolWithoutLiveness(Rule[System]):
    id = "pool-without-liveness"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool = client.pool
            if client.is_in_use and is_lasting(pool, system) and (lacking := lacks(pool)):
                dialect = pool.address.dialect if pool.address else None
                message = (
                    f"{pool.title} keeps connections and {lacking}: it hands out those that the server has closed"
                )
                if dialect in MYSQL:
                    message += ", by default after 8 h of rest"
                module = system.module(pool.span.path)
                is_common = dialect in MYSQL and not (module and is_script(module.module))
                severity = None if is_common else Severity.INFO
                age = pool.arguments.get("CONN_MAX_AGE")
                notes = [Note(pool.used_at(age), "connections are kept")] if age else []
                yield self.finding(pool.callee, message, notes=notes, severity=severity, fix=tested(pool, system))


def is_lasting(pool: ClientPool, system: System) -> bool:
    """Whether a pool keeps connections to a server for longer than a function runs, and all it is told is seen."""
    address, module = pool.address, system.module(pool.span.path)
    is_server = is_of_a_server(pool) and not is_for_tests(address.database if address else None)
    is_kept = pool.pool_class in {"", "AsyncAdaptedQueuePool", "QueuePool"} and "Null" not in pool.constructor.name
    if not (pool.constructor.is_pool and pool.all_known and is_server and is_kept) or module is None:
        return False
    is_local = pool.function is not None and pool.name is not None and pool.name.isidentifier()
    leaves = rf"\b(?:return|yield|global)\b[^\n]*\b{pool.name}\b|\.\w+\s*=\s*{pool.name}\b"
    return not is_local or any(
        re.search(leaves, module.module.code(each)) for each in module.module.around(pool.span)
    )


def is_of_a_server(pool: ClientPool) -> bool:
    """Whether what it connects to is a server: psycopg knows nothing else, whatever the URL is."""
    dialect = pool.address.dialect if pool.address else None
    return dialect in SERVERS or (dialect is None and pool.constructor.library is Library.PSYCOPG)


def is_for_tests(database: str | None) -> bool:
    """Whether a database is called so that nobody works with it for hours."""
    return bool(database) and re.search(r"(?:^|[_-])test(?:$|[_-])", database or "") is not None


def lacks(pool: ClientPool) -> str:
    """What a pool lacks; "" where it has it, replaces dead connections by itself, or it is not known."""
    constructor = pool.constructor
    if constructor.replaces_dead or any(name in pool.arguments for name in ("creator", "async_creator", "pool")):
        return ""
    match constructor.library:
        case Library.DJANGO:
            age, _ = by_default(pool.effective("CONN_MAX_AGE"))
            is_kept = bool(constructor.size) or (isinstance(age, Known) and age.scalar != 0)
            return "tests none (CONN_HEALTH_CHECKS)" if is_kept and is_off(pool, "CONN_HEALTH_CHECKS") else ""
        case Library.SQLALCHEMY | Library.FLASK_SQLALCHEMY:
            is_unlimited = number(pool, constructor.recycle) == -1
            is_untested = is_unlimited and is_off(pool, constructor.test)
            return (
                f"neither tests them ({constructor.test}) nor limits their age ({constructor.recycle})"
                * is_untested
            )
        case Library.PSYCOPG:
            return "tests none (check)" if is_off(pool, "check") else ""
        case Library.PEEWEE if constructor.recycle:
            # Since 4.0 it looks at each connection.
            is_old = pool.version().is_before(4)
            return "does not limit their age (stale_timeout)" if is_old and is_off(pool, "stale_timeout") else ""
        case _:
            return ""


def is_off(pool: ClientPool, name: str | None) -> bool:
    """Whether something is certainly not asked for."""
    value, _ = by_default(pool.effective(name))
    return isinstance(value, Known) and not value.scalar


def number(pool: ClientPool, name: str | None) -> object:
    """What a parameter is where no variable is set."""
    value, _ = by_default(pool.effective(name))
    return value.scalar if isinstance(value, Known) else None


def tested(pool: ClientPool, system: System) -> Fix | None:
    """The test, where a call can be told to make it."""
    module, library = system.module(pool.span.path), pool.constructor.library
    if module is None or library not in {Library.PSYCOPG, Library.SQLALCHEMY}:
        return None
    written = f"{pool.constructor.test}=True"
    if library is Library.PSYCOPG:
        callee = module.module.source.text[pool.callee.start : pool.callee.end]
        if not callee.replace(".", "").replace("_", "").isalnum():
            return None
        written = f"check={callee}.check_connection"
    edit = with_argument(module.module, pool.span, written)
    return Fix("Test each connection before it is handed out", (edit,), safe=False) if edit else None
