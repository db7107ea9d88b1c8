"""A proxy that opens a connection for each of its clients is called a pooler."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.rule import Rule
from poolcheck.system.whole import System
from poolcheck.system.wiring import Proxied


class AuthProxyTreatedAsPooler(Rule[System]):
    id = "auth-proxy-treated-as-pooler"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for each in system.wiring.proxied for found in self.of_one(each))

    def of_one(self, each: Proxied) -> Iterator[Finding]:
        """What is said of one address."""
        name, address = each.address.workload.name.value, each.address
        notes = [Note(each.image, f"{each.proxy} pools nothing")]
        if address.place != each.at:
            notes.append(Note(address.place, f"{address.by} of {name} leads here"))
        yield self.finding(
            each.at,
            f"{each.called} is {each.proxy}, which opens a connection to the database for each client",
            notes=notes,
        )
