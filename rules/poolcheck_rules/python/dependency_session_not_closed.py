"""A session or a connection that a dependency hands to a request and does not close behind it."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.following.outcome import Fate, Outcome
from poolcheck.read.python.leaks.mending.fixes import fix_of
from poolcheck.read.python.leaks.taking.checkouts import Checkout
from poolcheck.read.python.libraries.terms import Dropped
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule


class DependencySessionNotClosed(Rule[PythonModule]):
    id = "dependency-session-not-closed"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for checkout in module.checkouts:
            fate = checkout.fate
            if fate is None or checkout.role is Role.TEST:
                continue
            if fate.outcome is Outcome.RETURNED_TO_REQUEST:
                message = returned(checkout)
            elif fate.outcome is Outcome.LEFT_BY_DEPENDENCY:
                message = skipped(checkout) if fate.release else never_closed(checkout)
            else:
                continue
            fix = fix_of(checkout, module.module, module.checkouts)
            severity = severity_of(checkout, fate)
            yield self.finding(checkout.span, message, notes=notes(fate), fix=fix, severity=severity)


def returned(checkout: Checkout) -> str:
    """What a dependency that returns leaves to nobody."""
    what = f"{checkout.title} {makes(checkout)}"
    return f"{checkout.function}() returns what {what} to each request, and nothing closes it{cost(checkout)}"


def skipped(checkout: Checkout) -> str:
    """What does not happen where a request fails."""
    what = f"{checkout.title} {makes(checkout)}"
    return f"a request that raises keeps {checkout.function}() from closing what {what}{cost(checkout)}"


def never_closed(checkout: Checkout) -> str:
    """What happens in no request."""
    what = f"{checkout.title} {makes(checkout)}"
    return f"nothing in {checkout.function}() closes what {what} once the request is done{cost(checkout)}"


def makes(checkout: Checkout) -> str:
    """What the call does."""
    if checkout.is_opened:
        return "opens"
    return "makes" if checkout.terms and checkout.terms.is_session else "takes"


def cost(checkout: Checkout) -> str:
    """What comes of it."""
    if checkout.consequence:
        return f": {checkout.consequence}"
    terms = checkout.terms
    if terms is None or terms.dropped is Dropped.RETURNED:
        return ""
    if terms.is_lost:
        return ": the pool never gets its connection back"
    return ": the pool misses its connection until the garbage collector comes"


def notes(fate: Fate) -> Iterator[Note]:
    """What has it called for each request, and where it comes out of reach."""
    if fate.asked_by:
        yield Note(fate.asked_by, "each such request gets it")
    if fate.outcome is Outcome.LEFT_BY_DEPENDENCY and fate.release and fate.decided_at:
        yield Note(fate.decided_at, "what the request raises is raised here")
        yield Note(fate.release, "this does not happen")


def severity_of(checkout: Checkout, fate: Fate) -> Severity:
    """Certain where somebody asks for it, and a pool misses the connection until its collection at least."""
    is_missed = checkout.terms is not None and checkout.terms.dropped is not Dropped.RETURNED
    severity = Severity.ERROR if fate.asked_by and is_missed else Severity.WARNING
    return severity.milder if checkout.runs_once else severity
