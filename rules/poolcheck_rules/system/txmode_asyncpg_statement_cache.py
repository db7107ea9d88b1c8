"""asyncpg's cache of prepared statements on connections that a pooler hands from client to client."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pools import Role
from poolcheck.rule import Rule
from poolcheck.system import Client, System, sharing
from poolcheck.value import Unknown, number_of


class TxmodeAsyncpgStatementCache(Rule[System]):
    id = "txmode-asyncpg-statement-cache"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            shared = sharing(client.target)
            if shared is None or not caches_statements(client) or client.pool.role is Role.TEST:
                continue
            where = client.target.pooler.name if client.target and client.target.pooler else "a pooler"
            seems = "" if shared.is_certain else ", as it seems,"
            message = (
                f"{client.pool.title} caches prepared statements on server connections that {where}{seems} "
                "gives to other clients in between"
            )
            notes = [Note(reason.span, reason.text) for reason in shared.because if reason.span]
            severity = None if shared.is_certain else Severity.WARNING
            yield self.finding(client.pool.callee, message, notes=notes, severity=severity)


def caches_statements(client: Client) -> bool:
    """Whether asyncpg keeps prepared statements, which it does unless it is told to keep none."""
    size = client.pool.option("statement_cache_size")
    is_off = isinstance(size, Unknown) or number_of(size) == 0
    return client.pool.driver == "asyncpg" and not is_off
