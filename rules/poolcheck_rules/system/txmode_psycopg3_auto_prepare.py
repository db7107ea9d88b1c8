"""psycopg preparing statements by itself on connections that a pooler hands from client to client."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.constructors import Library
from poolcheck.rule import Rule
from poolcheck.system import Client, System, one_for_each_place, sharing
from poolcheck.value import Known

if TYPE_CHECKING:
    from poolcheck.read.python.pools import ClientPool

SETS_THRESHOLD = re.compile(r"\.\s*prepare_threshold\s*=(?!=)")
"""Code that changes the threshold of a connection."""


class TxmodePsycopg3AutoPrepare(Rule[System]):
    id = "txmode-psycopg3-auto-prepare"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        clients = [client for client in system.clients if client.is_in_use and prepares(client.pool)]
        left = [client for client in clients if not sets_threshold(client.pool, system)]
        yield from one_for_each_place(found for client in left for found in self.of_client(client))

    def of_client(self, client: Client) -> Iterator[Finding]:
        """What is wrong with one pool in one workload."""
        pool, target, shared = client.pool, client.target, sharing(client.target)
        if target and shared:
            message = (
                f"{pool.title} prepares what it executes more than five times, on server connections that "
                f"{target.name} gives to other clients in between{shared.provided}"
            )
            notes = [Note(reason.span, reason.text) for reason in shared.because if reason.span]
            severity = None if shared.is_certain and lasts(pool) else Severity.WARNING
            yield self.finding(pool.callee, message, notes=notes, severity=severity)


def prepares(pool: "ClientPool") -> bool:
    """Whether psycopg 3 is left to its default; any other threshold is a matter of prepare-threshold-zero.

    What opens a connection for each checkout hardly executes anything so often on one.
    """
    # Django has no statement prepared unless it is told a threshold.
    if pool.driver not in {"psycopg", "psycopg_async"} or pool.constructor.library is Library.DJANGO:
        return False
    kind = pool.given("poolclass")
    is_kept = "Null" not in pool.constructor.name and (
        kind is None or (isinstance(kind, Known) and kind.scalar != "NullPool")
    )
    is_left = pool.driver_argument("prepare_threshold") is None and pool.given("configure") is None
    return is_kept and is_left


def sets_threshold(pool: "ClientPool", system: System) -> bool:
    """Whether code beside the pool sets the threshold of its connections."""
    module = system.module(pool.span.path)
    return module is not None and SETS_THRESHOLD.search(module.module.masked.text) is not None


def lasts(pool: "ClientPool") -> bool:
    """Whether connections are kept for more than what one function does with them."""
    return pool.constructor.is_pool or pool.function is None or "." in (pool.name or "")
