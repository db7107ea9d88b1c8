"""An option that the chosen pool class of SQLAlchemy does not take, so that no engine is made."""

from collections.abc import Iterator, Mapping

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.syntax.edits import without_argument, without_entry
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.whole import System
from poolcheck.value import Known

QUEUED = ("max_overflow", "pool_timeout", "pool_use_lifo")
"""What only a pool with a queue takes."""
REJECTED: Mapping[str, tuple[str, ...]] = {
    "AssertionPool": ("pool_size", *QUEUED),
    "NullPool": ("pool_size", *QUEUED),
    "SingletonThreadPool": QUEUED,
    "StaticPool": ("pool_size", *QUEUED),
}
WITHOUT_EFFECT = ("pool_pre_ping", "pool_recycle")
"""What a pool takes that keeps no connection, and never uses."""
OF_POOL = ("pool_size", "pool_recycle", "pool_pre_ping", "pool_reset_on_return", *QUEUED)


class PoolClassRejectsOption(Rule[System]):
    id = "pool-class-rejects-option"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool = client.pool
            is_sqlalchemy = pool.constructor.library in {Library.SQLALCHEMY, Library.FLASK_SQLALCHEMY}
            if is_sqlalchemy and "pool_size" in pool.constructor.defaults and pool.role is not Role.TEST:
                yield from self.of_pool(pool, system)

    def of_pool(self, pool: ClientPool, system: System) -> Iterator[Finding]:
        """What one engine is told that its pool refuses."""
        kind, what = pool.pool_class or "", "an engine that is given its pool"
        rejected = written(pool, REJECTED.get(kind, ()))
        if is_given_a_pool(pool):
            rejected = written(pool, OF_POOL)
        else:
            what = kind if "poolclass" in pool.arguments else f"{kind}, the default here,"
        if rejected:
            told = " (alembic.ini)" if is_told_by_alembic(pool, rejected[0]) else ""
            message = f"{what} takes no {' and no '.join(rejected)}{told}: {maker(pool)} raises a TypeError"
            fix = without(pool, rejected, system)
            yield self.finding(pool.used_at(pool.arguments[rejected[0]]), message, fix=fix)
        elif is_idle(pool) and (idle := written(pool, WITHOUT_EFFECT)):
            verb = "do" if len(idle) > 1 else "does"
            message = f"{' and '.join(idle)} {verb} nothing: NullPool opens a connection for every checkout"
            yield self.finding(pool.used_at(pool.arguments[idle[0]]), message, severity=Severity.INFO)


def is_idle(pool: ClientPool) -> bool:
    """Whether an application's engine is told to keep no connections."""
    return pool.pool_class == "NullPool" and "poolclass" in pool.arguments and pool.role is Role.APPLICATION


def is_told_by_alembic(pool: ClientPool, name: str) -> bool:
    """Whether an option is in alembic.ini, and in the module only the call that asks for what is there."""
    asked = pool.arguments.get("configuration")
    return asked is not None and pool.arguments[name].places[0] == asked.places[0]


def is_given_a_pool(pool: ClientPool) -> bool:
    """Whether an engine gets a pool that was made before."""
    value = pool.arguments.get("pool")
    return value is not None and not isinstance(value, Known) and "pool" not in pool.partly


def written(pool: ClientPool, names: tuple[str, ...]) -> list[str]:
    """Those of the options that are given on every branch that makes the engine."""
    if "poolclass" in pool.partly:
        return []
    return [name for name in names if name in pool.arguments and name not in pool.partly]


def maker(pool: ClientPool) -> str:
    """What raises the error."""
    is_flask = pool.constructor.library is Library.FLASK_SQLALCHEMY
    return "Flask-SQLAlchemy" if is_flask else f"{pool.constructor.name.rpartition('.')[2]}()"


def without(pool: ClientPool, names: list[str], system: System) -> Fix | None:
    """The engine without the options; another engine may need those of a dictionary."""
    module = system.module(pool.span.path)
    if module is None:
        return None
    edits: list[Edit] = []
    is_safe = True
    for name in names:
        if is_told_by_alembic(pool, name):
            return None
        edit = without_argument(module.module, pool.span, name)
        if edit is None:
            is_safe, value = False, pool.arguments[name].places[0]
            edit = without_entry(module.module, value) if value.path == pool.span.path else None
        if edit is None:
            return None
        edits.append(edit)
    return Fix(f"Remove {' and '.join(names)}", tuple(edits), safe=is_safe)
