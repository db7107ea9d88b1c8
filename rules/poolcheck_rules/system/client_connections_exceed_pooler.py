"""Workloads that may open more client connections than their pooler accepts."""

from collections.abc import Iterator

from poolcheck.amount import overrun, total
from poolcheck.finding import Finding, Severity
from poolcheck.rule import Rule
from poolcheck.system import System, operands


class ClientConnectionsExceedPooler(Rule[System]):
    id = "client-connections-exceed-pooler"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for pooler in system.poolers:
            clients = list(system.clients_of(pooler))
            wanted = total(client.connections for client in clients)
            found = overrun(wanted, pooler.accepts)
            if found:
                place = pooler.place or clients[0].pool.callee
                message = (
                    f"{pooler.name} accepts {found.allowed_written} client connections, "
                    f"its workloads may open {found.wanted_written}"
                )
                notes = operands([*pooler.accepts.because, *wanted.because], place)
                severity = None if found.certain else Severity.WARNING
                yield self.finding(place, message, notes=notes, severity=severity)
