"""Poolers and workloads that together may want more connections than their server accepts."""

from collections.abc import Iterator, Sequence

from poolcheck.amount import Amount, overrun, total
from poolcheck.finding import Finding, Severity
from poolcheck.rule import Rule
from poolcheck.system import System, operands


class ServerConnectionsExceedDatabase(Rule[System]):
    id = "server-connections-exceed-database"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for server in system.servers:
            pooled = [demand.connections for demand in system.demands if demand.server is server]
            direct = [client.connections for client in system.direct_clients_of(server)]
            pooled, direct = ([part for part in parts if part.low or part.high] for parts in (pooled, direct))
            wanted = total([*pooled, *direct])
            found = overrun(wanted, server.accepts)
            places = (reason.span for reason in wanted.because if reason.span)
            if found and (place := server.place or next(places, None)):
                message = (
                    f"{server.name} accepts {found.allowed_written} connections, "
                    f"{who(pooled, direct)} may open {found.wanted_written}"
                )
                notes = operands([*server.accepts.because, *wanted.because], place)
                severity = None if found.certain else Severity.WARNING
                yield self.finding(place, message, notes=notes, severity=severity)


def who(pooled: Sequence[Amount], direct: Sequence[Amount]) -> str:
    """Who opens connections to the server."""
    return " and ".join(["its poolers"] * bool(pooled) + ["workloads"] * bool(direct))
