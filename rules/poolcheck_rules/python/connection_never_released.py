"""A connection that is taken in a function and that nothing in it gives back."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.checkouts import Checkout
from poolcheck.read.fate import Outcome
from poolcheck.read.pools import Role
from poolcheck.read.python import PythonModule
from poolcheck.rule import Rule


class ConnectionNeverReleased(Rule[PythonModule]):
    id = "connection-never-released"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for checkout in module.checkouts:
            if (
                checkout.fate
                and checkout.fate.outcome is Outcome.NEVER_RELEASED
                and checkout.role is not Role.TEST
            ):
                message = (
                    f"nothing in {checkout.function}() gives back what {checkout.title} takes{outcome(checkout)}"
                )
                yield self.finding(checkout.span, message, severity=severity_of(checkout))


def outcome(checkout: Checkout) -> str:
    """What comes of it."""
    if checkout.maker and not checkout.maker.is_pool:
        return ", which stays open as long as anything refers to it"
    if checkout.method == "getconn":
        return ", and the pool never gets it back"
    return ", and the pool waits for the garbage collector to get it back"


def severity_of(checkout: Checkout) -> Severity:
    """A pool loses the connection for good; one of a driver's own is closed when Python forgets it."""
    severity = Severity.ERROR if checkout.is_pooled else Severity.WARNING
    return severity.milder if checkout.runs_once else severity
