"""A connection that is taken in a function and that nothing in it gives back."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.following.outcome import Outcome
from poolcheck.read.python.leaks.mending.fixes import fix_of
from poolcheck.read.python.leaks.taking.checkouts import Checkout
from poolcheck.read.python.leaks.taking.ways_out import where_it_is_left
from poolcheck.read.python.libraries.terms import Dropped
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule


class ConnectionNeverReleased(Rule[PythonModule]):
    id = "connection-never-released"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for checkout in module.checkouts:
            fate = checkout.fate
            if fate and fate.outcome is Outcome.NEVER_RELEASED and checkout.role is not Role.TEST:
                notes, fix = [*where_it_is_left(checkout)], fix_of(checkout, module.module, module.checkouts)
                yield self.finding(
                    checkout.span, message(checkout), notes=notes, fix=fix, severity=severity_of(checkout)
                )
            if fate and fate.outcome is Outcome.KEPT_WITHOUT_CLOSE and checkout.role is not Role.TEST:
                notes = [Note(fate.decided_at, "kept here")] if fate.decided_at else []
                yield self.finding(checkout.span, kept(checkout), notes=notes, severity=Severity.INFO)


def message(checkout: Checkout) -> str:
    """What is missing, and what comes of it."""
    function, title = f"{checkout.function}()", checkout.title
    if checkout.is_opened:
        return f"nothing in {function} closes what {title} opens, which stays open while anything refers to it"
    if checkout.asked == "connect":
        return f"nothing in {function} closes what {title} takes, and the pool waits for the garbage collector"
    if checkout.asked == "raw_connection":
        return f"nothing in {function} closes what {title} takes, and the pool waits until nothing refers to it"
    if checkout.terms and checkout.terms.is_session:
        return f"nothing in {function} closes the session of {title}, which keeps its connection"
    if checkout.terms and checkout.terms.dropped is Dropped.RETURNED:
        return (
            f"nothing in {function} gives back what {title} takes, and the pool waits until nothing refers to it"
        )
    consequence = f": {checkout.consequence}" if checkout.consequence else ", and the pool never gets it back"
    return f"nothing in {function} gives back what {title} takes{consequence}"


def kept(checkout: Checkout) -> str:
    """What an object keeps."""
    if checkout.is_opened:
        return f"{checkout.function}() keeps what {checkout.title} opens, and nothing in its class closes it"
    return f"{checkout.function}() keeps what {checkout.title} takes, and nothing in its class gives it back"


def goes_back(checkout: Checkout) -> bool:
    """Whether the pool gets it back without the garbage collector, or soon with it, as with a session."""
    terms = checkout.terms
    return terms is not None and (terms.dropped is Dropped.RETURNED or (terms.is_session and not terms.is_lost))


def severity_of(checkout: Checkout) -> Severity:
    """A pool loses the connection, or does for long; one that Python closes when it forgets it is milder.

    So it does with a pool that is the function's own, and with all its connections.
    """
    is_lost = checkout.is_pooled and not checkout.pool_is_local and not goes_back(checkout)
    severity = Severity.ERROR if is_lost else Severity.WARNING
    return severity.milder if checkout.runs_once else severity
