"""Prepared statements of SQLAlchemy on asyncpg, of which too little is switched off behind a pooler."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Fix, Severity, one_for_each_place
from poolcheck.read.python.pools.prepared import (
    ANY_VERSION,
    OF_ASYNCPG,
    OF_SQLALCHEMY,
    UNNAMED_SINCE,
    Remedies,
    is_behind_sqlalchemy,
    remedies_of,
)
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.clients import Client, operands
from poolcheck.system.targets import Target, sharing
from poolcheck.system.whole import System, SystemWithLinks
from poolcheck.value import Table

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool


class TxmodeSaAsyncpgPartialFix(Rule[SystemWithLinks]):
    id = "txmode-sa-asyncpg-partial-fix"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        clients = [client for client in system.clients if client.is_in_use]
        yield from one_for_each_place(found for client in clients for found in self.of_client(client, system))

    def of_client(self, client: Client, system: System) -> Iterator[Finding]:
        """What is wrong with one engine in one workload."""
        pool, target = client.pool, client.target
        remedies = best_of(pool)
        if target is None or remedies is None or not remedies.told or is_enough(remedies, pool):
            return
        if is_forgotten(remedies, target):
            return
        if shared := sharing(target):
            is_certain = remedies.enough_since is None or pool.version("asyncpg").is_before(*UNNAMED_SINCE)
            message = (
                f"{pool.title}{' in AUTOCOMMIT' * remedies.autocommit} has prepared statements on server "
                f"connections that {shared.pooler} gives to other clients in between, in spite of "
                f"{listed(remedies.told)}"
            )
            older = "" if remedies.enough_since is None else ", with asyncpg before 0.31"
            yield self.finding(
                pool.callee,
                f"{message}{older}{shared.provided}",
                notes=operands(shared.because, pool.callee),
                fix=completed(pool, remedies, system, is_certain=is_certain and shared.is_certain),
                severity=None if is_certain and shared.is_certain else Severity.WARNING,
            )


def best_of(pool: "ClientPool") -> Remedies | None:
    """What the engine is told, on the branch where that does most; None where that is not known."""
    if pool.driver != "asyncpg" or not is_behind_sqlalchemy(pool):
        return None
    worth = {ANY_VERSION: 2, UNNAMED_SINCE: 1, None: 0}
    return max(remedies_of(pool), key=lambda each: worth[each.enough_since], default=None)


def is_enough(remedies: Remedies, pool: "ClientPool") -> bool:
    """Whether they do with the asyncpg that the project has."""
    since = remedies.enough_since
    return since is not None and (since == ANY_VERSION or pool.version("asyncpg").is_since(*since))


def is_forgotten(remedies: Remedies, target: Target) -> bool:
    """Whether the server is told to forget what a transaction prepared, and no other comes back to it."""
    config = target.pooler.config if target.pooler else None
    always = config and config.effective_integer("server_reset_query_always")
    is_used_once = (remedies.uncached_above or remedies.unpooled) and not remedies.autocommit
    return bool(always and always.value) and is_used_once


def listed(told: tuple[str, ...]) -> str:
    """Names as words of a sentence."""
    *others, last = told
    return f"{', '.join(others)} and {last}" if others else last


def completed(pool: "ClientPool", remedies: Remedies, system: System, *, is_certain: bool) -> Fix | None:
    """The caches switched off that are not, where no function for names is wanting, and none is too much."""
    from poolcheck.read.python.syntax.edits import with_argument, with_entry

    module = system.module(pool.span.path)
    is_named_by_asyncpg = not remedies.named and not pool.version("asyncpg").is_since(*UNNAMED_SINCE)
    if module is None or is_named_by_asyncpg or (remedies.named and remedies.autocommit):
        return None
    wanting = [f'"{OF_ASYNCPG}": 0'] if not remedies.uncached else []
    if remedies.named and not remedies.uncached_above:
        wanting.append(f'"{OF_SQLALCHEMY}": 0')
    entries, arguments = ", ".join(wanting), pool.arguments.get("connect_args")
    edit: Edit | None = None
    if isinstance(arguments, Table) and len(arguments.places) == 1:
        edit = with_entry(module.module, arguments.places[0], entries)
    elif arguments is None and not pool.constructor.spread and not pool.is_setting:
        edit = with_argument(module.module, pool.span, f"connect_args={{{entries}}}")
    return (
        Fix("Switch off both caches" if len(wanting) == 2 else "Switch off the cache", (edit,), is_certain)
        if edit
        else None
    )
