"""A server to which some workloads connect through a pooler, and some have a reason to connect directly."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.rule import Rule
from poolcheck.system.whole import System
from poolcheck.system.wiring import Fronted


class MixedDirectAndPooled(Rule[System]):
    id = "mixed-direct-and-pooled"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        told: set[int] = set()
        for fronted in system.wiring.fronted:
            place = fronted.server.place
            # What is seen of a client pool, the budget counts.
            is_uncounted = any(not each.is_of_source for each in fronted.apart)
            is_mixed = is_uncounted and any(not each.runs_once for each in fronted.pooled)
            if place and is_mixed and id(fronted.server) not in told:
                told.add(id(fronted.server))
                yield self.finding(place, message(fronted), notes=notes(fronted))


def message(fronted: Fronted) -> str:
    """Who shares the connections of the server."""
    *before, last = list(dict.fromkeys(each.workload.name.value for each in fronted.apart))
    direct = f"{', '.join(before)} and {last}, which connect" if before else f"{last}, which connects"
    accepts = fronted.server.accepts
    number = f"{accepts.low} " if accepts.low == accepts.high else ""
    return (
        f"the {number}connections of {fronted.server.name} are for {fronted.pooler.name} and for {direct} directly"
    )


def notes(fronted: Fronted) -> Iterator[Note]:
    """Where each is led to the server, and the first that is led to the pooler."""
    for each in fronted.apart:
        yield Note(each.place, f"{each.workload.name.value} connects to {fronted.server.name}")
    for each in fronted.pooled[:1]:
        yield Note(each.place, f"{each.workload.name.value} connects to {fronted.pooler.name}")
