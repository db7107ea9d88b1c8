"""A proxy that opens a connection for each of its clients is called a pooler."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.whole import System


class AuthProxyTreatedAsPooler(Rule[System]):
    id = "auth-proxy-treated-as-pooler"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        told: set[Span] = set()
        for each in system.wiring.proxied:
            if each.at not in told:
                told.add(each.at)
                name, address = each.address.workload.name.value, each.address
                notes = [Note(each.image, f"{each.proxy} pools nothing")]
                if address.place != each.at:
                    notes.append(Note(address.place, f"{address.by} of {name} leads here"))
                yield self.finding(
                    each.at,
                    f"{each.called} is {each.proxy}, which opens a connection to the database for each client",
                    notes=notes,
                )
