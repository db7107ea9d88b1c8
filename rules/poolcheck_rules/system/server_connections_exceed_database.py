"""Poolers and workloads that together may want more connections than their server accepts."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.loads import loads, worst
from poolcheck.rule import Rule
from poolcheck.system import System, operands


class ServerConnectionsExceedDatabase(Rule[System]):
    id = "server-connections-exceed-database"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for server in system.servers:
            pooled = (demand.part for demand in system.demands if demand.server is server)
            direct = (client.part for client in system.direct_clients_of(server))
            found = worst(loads([*pooled, *direct]), server.accepts)
            places = (reason.span for reason in (found[0].connections.because if found else ()) if reason.span)
            if found and (place := server.place or next(places, None)):
                load, over = found
                message = (
                    f"{server.name} accepts {over.allowed_written} connections, "
                    f"{load.who} may open {over.wanted_written}{over.provided}"
                )
                notes = operands([*server.accepts.because, *load.connections.because], place)
                severity = None if over.certain else Severity.WARNING
                yield self.finding(place, message, notes=notes, severity=severity)
