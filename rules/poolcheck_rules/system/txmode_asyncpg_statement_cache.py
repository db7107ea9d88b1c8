"""Cached prepared statements of asyncpg on connections that a pooler hands from client to client."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.constructors import Library
from poolcheck.rule import Rule
from poolcheck.system import Client, System, one_for_each_place, sharing
from poolcheck.value import Known, Value, number_of

if TYPE_CHECKING:
    from poolcheck.read.python.pools import ClientPool


class TxmodeAsyncpgStatementCache(Rule[System]):
    id = "txmode-asyncpg-statement-cache"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for client in system.clients for found in self.of_client(client))

    def of_client(self, client: Client) -> Iterator[Finding]:
        """What is wrong with one pool in one workload."""
        pool, target, shared = client.pool, client.target, sharing(client.target)
        if target and shared and client.is_in_use and caches_statements(pool):
            message = (
                f"{pool.title} caches prepared statements on server connections that {target.name} "
                f"gives to other clients in between{shared.provided}"
            )
            notes = [Note(reason.span, reason.text) for reason in shared.because if reason.span]
            severity = None if shared.is_certain else Severity.WARNING
            yield self.finding(pool.callee, message, notes=notes, severity=severity)


def caches_statements(pool: "ClientPool") -> bool:
    """Whether prepared statements are kept under names, whatever version of asyncpg it is.

    SQLAlchemy has a cache of its own in front of asyncpg's, and may be told how to name the statements in it.
    """
    is_off = is_none(pool.driver_argument("statement_cache_size"))
    if pool.driver != "asyncpg" or pool.constructor.library is not Library.SQLALCHEMY:
        return pool.driver == "asyncpg" and not is_off
    if pool.driver_argument("prepared_statement_name_func") is None:
        return not is_off
    kind = pool.given("poolclass")
    is_kept = kind is None or (isinstance(kind, Known) and kind.scalar != "NullPool")
    return is_kept and not is_none(pool.option("prepared_statement_cache_size"))


def is_none(size: Value | None) -> bool:
    """Whether the size of a cache is 0, or may be. Both caches have a size unless they are told otherwise."""
    return size is not None and (number_of(size) or 0) <= 0
