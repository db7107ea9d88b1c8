"""psycopg preparing statements by itself on connections that a pooler hands from client to client."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Fix, Severity, one_for_each_place
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.prepared import threshold_of
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.clients import Client, operands
from poolcheck.system.targets import Sharing, Target, exchange, sharing
from poolcheck.system.whole import System, SystemWithLinks
from poolcheck.value import Known, Table

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool

SETS_THRESHOLD = re.compile(r"\.\s*prepare(?:_threshold|d_max)\s*=(?!=)")
"""Code that changes what a connection prepares."""
OFF = "prepare_threshold"


class TxmodePsycopg3AutoPrepare(Rule[SystemWithLinks]):
    id = "txmode-psycopg3-auto-prepare"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        clients = [client for client in system.clients if client.is_in_use and prepares(client.pool)]
        left = [client for client in clients if not sets_threshold(client.pool, system)]
        yield from one_for_each_place(found for client in left for found in self.of_client(client, system))

    def of_client(self, client: Client, system: System) -> Iterator[Finding]:
        """What is wrong with one pool in one workload."""
        pool, target, shared = client.pool, client.target, sharing(client.target)
        is_certain = bool(shared and shared.is_certain and lasts(pool))
        often = f"prepares what it executes more than {times(threshold_of(pool))}"
        if target and shared:
            told = f"{often}, on server connections that {shared.pooler} gives to other clients in between"
        elif target and takes_back(pool) and (shared := keeping(target)):
            told = (
                f"{often}, and before psycopg 3.2 it takes back what is more than 100 statements by DEALLOCATE, "
                f"for which {shared.pooler} knows other names"
            )
        else:
            return
        edit = preparing_nothing(pool, system)
        yield self.finding(
            pool.callee,
            f"{pool.title} {told}{shared.provided}",
            notes=operands(shared.because, pool.callee),
            fix=Fix("Have psycopg prepare nothing", (edit,), is_certain) if edit else None,
            severity=None if is_certain else Severity.WARNING,
        )


def prepares(pool: "ClientPool") -> bool:
    """Whether psycopg 3 prepares what is executed often; what it does at once is told by prepare-threshold-zero.

    What opens a connection for each checkout hardly executes anything so often on one.
    """
    if pool.driver not in {"psycopg", "psycopg_async"} or any(
        name in pool.arguments for name in ("creator", "pool")
    ):
        return False
    kind = pool.given("poolclass")
    is_kept = "Null" not in pool.constructor.name and (
        kind is None or (isinstance(kind, Known) and kind.scalar != "NullPool")
    )
    return is_kept and pool.given("configure") is None and (threshold_of(pool) or 0) > 0


def takes_back(pool: "ClientPool") -> bool:
    """Whether psycopg is so old that it gives up statements with SQL, where the protocol has a message for it."""
    return pool.version("psycopg").is_before(3, 2) and lasts(pool)


def keeping(target: Target) -> Sharing | None:
    """Whether others get a client's server connection from a pooler that keeps statements apart."""
    kept = target.pooler.prepared_statements if target.pooler else None
    return exchange(target) if kept and kept.value > 0 else None


def sets_threshold(pool: "ClientPool", system: System) -> bool:
    """Whether code beside the pool sets the threshold of its connections."""
    module = system.module(pool.span.path)
    return module is not None and SETS_THRESHOLD.search(module.module.masked.text) is not None


def times(threshold: int | None) -> str:
    """How often, in words."""
    return {1: "once", 5: "five times"}.get(threshold or 0, f"{threshold} times")


def lasts(pool: "ClientPool") -> bool:
    """Whether connections are kept for more than what one function does with them."""
    return pool.constructor.is_pool or pool.function is None or "." in (pool.name or "")


def preparing_nothing(pool: "ClientPool", system: System) -> Edit | None:
    """The threshold that is none, where it is written or else behind what else the connections are told."""
    from poolcheck.read.python.syntax.edits import with_argument, with_entry

    module, keyword = system.module(pool.span.path), pool.constructor.driver_arguments
    given = pool.driver_argument(OFF)
    if given is not None:
        return Edit(given.places[0], "None") if isinstance(given, Known) and len(given.places) == 1 else None
    if (
        module is None
        or pool.is_setting
        or pool.constructor.spread
        or pool.constructor.library is Library.TORTOISE
    ):
        return None
    if not keyword:
        return with_argument(module.module, pool.span, f"{OFF}=None")
    arguments = pool.arguments.get(keyword)
    if arguments is None:
        return with_argument(module.module, pool.span, f'{keyword}={{"{OFF}": None}}')
    if isinstance(arguments, Table) and len(arguments.places) == 1:
        return with_entry(module.module, arguments.places[0], f'"{OFF}": None')
    return None
