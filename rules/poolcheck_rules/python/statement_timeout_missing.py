"""A web application whose queries nothing ends: no limit in its driver, and none that it asks the server for."""

import re
from collections.abc import Iterator, Mapping

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.compose.facts import ComposeFile
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.syntax.edits import with_argument
from poolcheck.rule import Rule
from poolcheck.system.clients import Client
from poolcheck.system.whole import System
from poolcheck.value import Known, by_default, text_of

LIMITS: Mapping[str, str] = {
    "asyncpg": "command_timeout",
    "psycopg": "statement_timeout",
    "psycopg2": "statement_timeout",
    "pymysql": "read_timeout",
    "asyncmy": "read_timeout",
    "mysqldb": "read_timeout",
}
"""The drivers that are judged, each with what is usually set for it."""
MENTIONED = (
    "command_timeout", "max_execution_time", "max_statement_time", "PGOPTIONS", "read_timeout",
    "statement_timeout", "STATEMENT_TIMEOUT", "transaction_timeout",
)  # fmt: skip
"""What a project mentions that sets a limit to queries, in whatever way."""
OF_WEB = re.compile(
    rb"^\s*(?:from|import)\s+(?:aiohttp\.web|blacksheep|bottle|django|falcon|fastapi|flask|litestar|pyramid|quart|sanic"
    rb"|starlette|tornado)\b",
    re.MULTILINE,
)


class StatementTimeoutMissing(Rule[System]):
    id = "statement-timeout-missing"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        kept = {each.pool.span: each.pool for each in system.clients if is_of_the_application(each)}
        modules = [each for each in system.documents if isinstance(each, PythonModule)]
        if not kept or mentions_a_limit(modules) or is_limited_elsewhere(system):
            return
        if modules[0].module.project.mentions.matching("import", OF_WEB):
            for pool in kept.values():
                limit = LIMITS[pool.driver or ""]
                message = f"nothing ends a query of {pool.title}, however long it takes: it has no {limit}"
                yield self.finding(pool.callee, message, fix=limited(pool, system))


def mentions_a_limit(modules: list[PythonModule]) -> bool:
    """Whether any module has to do with a limit, also where it is not known whether it does."""
    if any(word in each.module.source.text for word in MENTIONED for each in modules):
        return True
    return any(modules[0].module.project.mentions.of(word) for word in MENTIONED)


def is_limited_elsewhere(system: System) -> bool:
    """Whether a pooler ends queries, or may, or what starts a program or a server has to do with a limit."""
    configs = [each.config for each in system.poolers if each.config]
    timeouts = [config.effective_seconds("query_timeout") for config in configs]
    if any(timeout is None or timeout.value for timeout in timeouts) or any(
        each.pgoptions for each in system.clients
    ):
        return True
    return any(name in word for word in words_of_commands(system) for name in MENTIONED)


def words_of_commands(system: System) -> Iterator[str]:
    """The words that containers are started with."""
    for each in system.documents:
        if isinstance(each, Manifest):
            containers = (container for workload in each.workloads for container in workload.containers)
            for container in containers:
                yield from (word.value for word in (*(container.command or ()), *(container.args or ())))
        elif isinstance(each, ComposeFile):
            for service in each.services:
                yield from (text_of(word) for word in (*(service.entrypoint or ()), *(service.command or ())))


def is_of_the_application(client: Client) -> bool:
    """Whether a pool is kept for requests, and all that it is told is seen."""
    pool, address = client.pool, client.pool.address
    if not client.is_in_use or (pool.driver or "") not in LIMITS:
        return False
    is_kept = pool.constructor.is_pool and (pool.function is None or not (pool.name or "").isidentifier())
    is_made_elsewhere = any(name in pool.arguments for name in ("creator", "async_creator", "pool"))
    is_known = pool.all_known and address is not None and address.options_known
    return is_kept and is_known and not is_made_elsewhere and not is_closed(pool)


def is_closed(pool: ClientPool) -> bool:
    """Whether Django closes the connections behind each request, or may."""
    if pool.constructor.library is not Library.DJANGO or pool.constructor.size:
        return False
    age, _ = by_default(pool.effective("CONN_MAX_AGE"))
    return not (isinstance(age, Known) and age.scalar != 0)


def limited(pool: ClientPool, system: System) -> Fix | None:
    """A limit of half a minute for asyncpg, which needs nothing of the server or a pooler."""
    module = system.module(pool.span.path)
    if module is None or pool.constructor.library is not Library.ASYNCPG:
        return None
    edit = with_argument(module.module, pool.span, "command_timeout=30")
    return Fix("End a query after half a minute", (edit,), safe=False) if edit else None
