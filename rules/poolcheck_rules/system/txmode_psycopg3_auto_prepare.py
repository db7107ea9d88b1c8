"""psycopg preparing statements by itself on connections that a pooler hands from client to client."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pools import Role
from poolcheck.rule import Rule
from poolcheck.system import Client, System, sharing


class TxmodePsycopg3AutoPrepare(Rule[System]):
    id = "txmode-psycopg3-auto-prepare"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            shared = sharing(client.target)
            if shared is None or not prepares(client) or client.pool.role is Role.TEST:
                continue
            where = client.target.pooler.name if client.target and client.target.pooler else "a pooler"
            seems = "" if shared.is_certain else ", as it seems,"
            message = (
                f"{client.pool.title} prepares what it executes more than five times, on server connections that "
                f"{where}{seems} gives to other clients in between"
            )
            notes = [Note(reason.span, reason.text) for reason in shared.because if reason.span]
            severity = None if shared.is_certain else Severity.WARNING
            yield self.finding(client.pool.callee, message, notes=notes, severity=severity)


def prepares(client: Client) -> bool:
    """Whether psycopg 3 is left to its default; any other threshold is a matter of prepare-threshold-zero."""
    return client.pool.driver == "psycopg" and client.pool.driver_argument("prepare_threshold") is None
