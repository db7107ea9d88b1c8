"""A pool of SQLAlchemy's on top of another pool, of which it keeps the connections for itself."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.stacked import Inner, inner_pool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.syntax.edits import with_argument
from poolcheck.rule import Rule
from poolcheck.value import Value

KEEPING = frozenset({"AsyncAdaptedQueuePool", "QueuePool"})
LOSING = frozenset({Library.PSYCOPG, Library.PSYCOPG2})
"""Libraries whose pools do not get a connection back that is closed, unless they are told so."""
OF_DRIVER = ("pool_name", "pool_size")


class StackedPools(Rule[PythonModule]):
    id = "stacked-pools"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for pool in module.pools:
            is_engine = pool.constructor.library is Library.SQLALCHEMY and pool.constructor.address
            if is_engine and pool.role is Role.APPLICATION:
                yield from self.by_creator(pool, module)
                yield from self.in_driver(pool)

    def by_creator(self, pool: ClientPool, module: PythonModule) -> Iterator[Finding]:
        """An engine whose connections are another pool's."""
        inner = inner_pool(pool, module.module)
        if inner is None:
            return
        if pool.pool_class in KEEPING:
            message = (
                f"{pool.title} keeps what it takes from {inner.name}: of two pools, the inner one does nothing"
            )
            yield self.finding(inner.place, message, fix=without_pool(pool, module))
        elif pool.pool_class == "NullPool" and loses(inner):
            message = (
                f"{pool.title} closes what it takes from {inner.name}, which does not get it back: "
                "when all have been used, there is none left"
            )
            yield self.finding(inner.place, message, severity=Severity.ERROR)

    def in_driver(self, pool: ClientPool) -> Iterator[Finding]:
        """An engine whose driver has a pool as well."""
        if pool.driver != "mysqlconnector" or pool.pool_class not in KEEPING:
            return
        asked = {name: pool.option(name) for name in OF_DRIVER}
        certain = {name: value for name, value in asked.items() if value and is_written(pool, name)}
        if certain:
            name, value = next(iter(certain.items()))
            message = (
                f"{name} has mysql-connector keep a pool beneath that of {pool.title}, which keeps its connections"
            )
            notes = [Note(place, "it is written here") for place in pool.written_at(value)]
            yield self.finding(pool.used_at(value), message, notes=notes)


def is_written(pool: ClientPool, name: str) -> bool:
    """Whether an option is certainly given to the driver, in its arguments or in the URL."""
    address = pool.address
    if address and name in address.options:
        return True
    table: Value | None = pool.arguments.get(pool.constructor.driver_arguments)
    return name in dict(getattr(table, "items", ()))


def loses(inner: Inner) -> bool:
    """Whether the inner pool counts a connection as taken for ever that is closed."""
    is_told = inner.keywords is None or "close_returns" in inner.keywords
    return inner.constructor.library in LOSING and not is_told


def without_pool(pool: ClientPool, module: PythonModule) -> Fix | None:
    """An engine that keeps nothing itself, where the class is at hand and the inner pool gets connections back."""
    is_at_hand = module.module.imported("NullPool") is not None
    sizes = {"poolclass", "pool_size", "max_overflow", "pool_timeout", "pool_use_lifo"} & pool.arguments.keys()
    edit = with_argument(module.module, pool.span, "poolclass=NullPool") if is_at_hand and not sizes else None
    return Fix("Keep no connections in the engine", (edit,), safe=False) if edit else None
