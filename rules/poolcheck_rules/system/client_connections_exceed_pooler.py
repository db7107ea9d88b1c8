"""Workloads that may open more client connections than their pooler accepts."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.loads import loads, worst
from poolcheck.rule import Rule
from poolcheck.system import System, operands


class ClientConnectionsExceedPooler(Rule[System]):
    id = "client-connections-exceed-pooler"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for pooler in system.poolers:
            clients = list(system.clients_of(pooler))
            # Where each pod has a pooler of its own, its number is the same on both sides.
            in_pod = all(client.target and client.target.in_pod for client in clients)
            parts = (client.part_in_pod if in_pod else client.part for client in clients)
            accepts = pooler.each_accepts if in_pod else pooler.accepts
            found = worst(loads(parts), accepts)
            if found:
                load, over = found
                place = pooler.place or clients[0].pool.callee
                each = " in each pod" if in_pod else ""
                message = (
                    f"{pooler.name} accepts {over.allowed_written} client connections{each}, "
                    f"{load.who} may open {over.wanted_written}{over.provided}"
                )
                notes = operands([*accepts.because, *load.connections.because], place)
                severity = None if over.certain else Severity.WARNING
                yield self.finding(place, message, notes=notes, severity=severity)
