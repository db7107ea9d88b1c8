"""Cached prepared statements of asyncpg on connections that a pooler hands from client to client."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Fix, Severity, one_for_each_place
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.prepared import (
    OF_ASYNCPG,
    UNNAMED_SINCE,
    caches_by_itself,
    is_behind_sqlalchemy,
    remedies_of,
)
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.clients import Client, operands
from poolcheck.system.targets import sharing
from poolcheck.system.whole import System, SystemWithLinks
from poolcheck.value import Table

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool


class TxmodeAsyncpgStatementCache(Rule[SystemWithLinks]):
    id = "txmode-asyncpg-statement-cache"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        clients = [client for client in system.clients if client.is_in_use and caches_statements(client.pool)]
        yield from one_for_each_place(found for client in clients for found in self.of_client(client, system))

    def of_client(self, client: Client, system: System) -> Iterator[Finding]:
        """What is wrong with one pool in one workload."""
        pool, target, shared = client.pool, client.target, sharing(client.target)
        if target and shared:
            message = (
                f"{pool.title} caches prepared statements on server connections that {shared.pooler} "
                f"gives to other clients in between{shared.provided}"
            )
            edit = without_cache(pool, system)
            yield self.finding(
                pool.callee,
                message,
                notes=operands(shared.because, pool.callee),
                fix=Fix("Have asyncpg cache no statements", (edit,), safe=shared.is_certain) if edit else None,
                severity=shared.severity,
            )


def caches_statements(pool: "ClientPool") -> bool:
    """Whether prepared statements are kept, and nothing is done about it.

    Of engines about which too little is done, txmode-sa-asyncpg-partial-fix tells.
    """
    if pool.driver != "asyncpg":
        return False
    if is_behind_sqlalchemy(pool):
        remedies = remedies_of(pool)
        return bool(remedies) and not any(each.told for each in remedies)
    return caches_by_itself(pool)


def without_cache(pool: "ClientPool", system: System) -> Edit | None:
    """The argument that switches the cache off; None where that takes more than one."""
    from poolcheck.read.python.syntax.edits import replaced_argument, with_argument, with_entry

    module = system.module(pool.span.path)
    if module is None:
        return None
    if is_behind_sqlalchemy(pool):
        arguments, entry = pool.arguments.get("connect_args"), f'"{OF_ASYNCPG}": 0'
        if not pool.version("asyncpg").is_since(*UNNAMED_SINCE) or pool.constructor.spread or pool.is_setting:
            return None
        if arguments is None:
            return with_argument(module.module, pool.span, f"connect_args={{{entry}}}")
        is_plain = isinstance(arguments, Table) and len(arguments.places) == 1
        return with_entry(module.module, arguments.places[0], entry) if is_plain else None
    if pool.constructor.library not in {Library.ASYNCPG, Library.DATABASES}:
        return None
    if OF_ASYNCPG in pool.arguments:
        return replaced_argument(module.module, pool.span, OF_ASYNCPG, f"{OF_ASYNCPG}=0")
    return with_argument(module.module, pool.span, f"{OF_ASYNCPG}=0")
