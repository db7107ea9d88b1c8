"""A pool for one thread or one file, in front of a database server."""

from collections.abc import Iterator, Mapping

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.syntax.edits import without_argument
from poolcheck.rule import Rule
from poolcheck.system.whole import System
from poolcheck.value import Known

OUTCOMES: Mapping[str, str] = {
    "SingletonThreadPool": "closes other threads' connections while in use, once there are more than {size}",
    "StaticPool": "has one connection for all threads and tasks at once",
}
SERVERS = frozenset({"mariadb", "mssql", "mysql", "oracle", "postgresql"})
SEVERAL = frozenset(
    {
        "aiohttp", "asyncio", "bottle", "celery", "concurrent", "django", "dramatiq", "fastapi", "flask",
        "litestar", "pyramid", "quart", "rq", "sanic", "starlette", "threading", "tornado",
    }
)  # fmt: skip
"""Packages of programs that do several things at once."""


class SingletonThreadPoolOnServer(Rule[System]):
    id = "singleton-thread-pool-on-server"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            pool = client.pool
            is_engine = pool.constructor.library in {Library.SQLALCHEMY, Library.FLASK_SQLALCHEMY}
            given, address = pool.arguments.get("poolclass"), pool.address
            if not (is_engine and client.is_in_use and address and address.dialect in SERVERS):
                continue
            if isinstance(given, Known) and given.scalar in OUTCOMES and "poolclass" not in pool.partly:
                yield self.of_engine(pool, given, system)

    def of_engine(self, pool: ClientPool, given: Known, system: System) -> Finding:
        """What comes of the pool class of one engine."""
        size = pool.effective("pool_size")
        number = size.scalar if isinstance(size, Known) else "its size"
        message = f"{given.scalar} of {pool.title} {OUTCOMES[str(given.scalar)].format(size=number)}"
        module = system.module(pool.span.path)
        packages = {each.target.partition(".")[0] for each in module.module.imports} if module else set[str]()
        severity = None if packages & SEVERAL else Severity.WARNING
        edit = without_argument(module.module, pool.span, "poolclass") if module else None
        fix = Fix("Leave the choice of the pool to SQLAlchemy", (edit,), safe=False) if edit else None
        return self.finding(pool.used_at(given), message, fix=fix, severity=severity)
