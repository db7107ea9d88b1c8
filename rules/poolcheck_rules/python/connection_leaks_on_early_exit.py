"""A connection that some way out of a function does not give back, and another does."""

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


class ConnectionLeaksOnEarlyExit(Rule[PythonModule]):
    id = "connection-leaks-on-early-exit"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for checkout in module.checkouts:
            fate = checkout.fate
            if fate is None or fate.outcome is not Outcome.LEFT_EARLY or checkout.role is Role.TEST:
                continue
            notes = [*where_it_is_left(checkout)]
            if fate.release:
                notes.append(Note(fate.release, "is given back only here"))
            severity, fix = severity_of(checkout), fix_of(checkout, module.module, module.checkouts)
            yield self.finding(checkout.span, message(checkout), notes=notes, fix=fix, severity=severity)


def message(checkout: Checkout) -> str:
    """What does not happen, and what comes of it."""
    if checkout.is_opened:
        return f"{checkout.function}() does not close what {checkout.title} opens on every way out"
    consequence = f": {checkout.consequence}" if checkout.consequence else ""
    return f"{checkout.function}() does not give back what {checkout.title} takes on every way out{consequence}"


def severity_of(checkout: Checkout) -> Severity:
    """A pool loses the connection, or does for long; one that goes back when Python forgets it is milder."""
    terms = checkout.terms
    goes_back = terms is not None and (terms.dropped is Dropped.RETURNED or terms.is_session)
    is_lost = checkout.is_pooled and not checkout.pool_is_local and not goes_back
    severity = Severity.ERROR if is_lost else Severity.WARNING
    return severity.milder if checkout.runs_once else severity
