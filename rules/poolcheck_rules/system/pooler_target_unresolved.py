"""The address of a database at which nobody listens."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.rule import Rule
from poolcheck.system.whole import System
from poolcheck.system.wiring import Unanswered


class PoolerTargetUnresolved(Rule[System]):
    id = "pooler-target-unresolved"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        told: set[tuple[object, ...]] = set()
        for each in system.wiring.unanswered:
            if (key := (each.place, each.host, each.port)) not in told:
                told.add(key)
                yield self.finding(
                    each.place,
                    message(each),
                    notes=notes(each),
                    severity=None if each.listens else Severity.WARNING,
                )


def message(each: Unanswered) -> str:
    """Where an address leads, and what there is instead."""
    leads = f"{each.whose} leads to {each.host}"
    if each.listens:
        ports = " and ".join(map(str, each.listens))
        return f"{leads}:{each.port}, where nobody listens: {each.found} listens on {ports}"
    if each.namespace:
        return f"{leads}, but {each.found} is in the namespace {each.namespace}, and not in {each.own}"
    return f"{leads}, and no service is called that; there is one called {each.found}"


def notes(each: Unanswered) -> Iterator[Note]:
    """Where that is written."""
    if each.at != each.place:
        yield Note(each.at, f"{each.found} listens here" if each.listens else f"{each.found} is this")
