"""A connection that is given back in a way that does not give it back."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.checkouts import Checkout
from poolcheck.read.python.leaks.fate import Outcome
from poolcheck.read.python.libraries.terms import With
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule


class ReleaseWithoutEffect(Rule[PythonModule]):
    id = "release-without-effect"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for checkout in module.checkouts:
            fate = checkout.fate
            if fate is None or fate.outcome is not Outcome.RELEASED_IN_VAIN or checkout.role is Role.TEST:
                continue
            place = fate.decided_at or checkout.span
            is_with = place.end == checkout.span.end
            notes = [] if place.start <= checkout.span.start else [Note(checkout.span, "taken here")]
            message = in_with(checkout) if is_with else by_close(checkout)
            yield self.finding(place, message, notes=notes, severity=severity_of(checkout))


def in_with(checkout: Checkout) -> str:
    """What leaving a `with` statement does instead."""
    if checkout.is_opened and checkout.terms and checkout.terms.entered is With.REFUSES:
        return (
            f"with raises TypeError, as no connection of asyncpg is a context manager; {checkout.title} stays open"
        )
    if checkout.is_opened:
        return f"leaving the with block ends the transaction and leaves {checkout.title} open"
    if checkout.terms and checkout.terms.is_session:
        return f"leaving the with block ends something of the session, and {checkout.title} stays open"
    if checkout.terms and checkout.terms.entered is With.REFUSES:
        return f"with raises TypeError, as no connection of asyncpg is a context manager: {lost(checkout)}"
    if checkout.terms and checkout.terms.entered is With.CLOSES:
        return f"leaving the with block ends the connection and gives nothing back: {lost(checkout)}"
    return f"leaving the with block ends the transaction and gives nothing back: {lost(checkout)}"


def lost(checkout: Checkout) -> str:
    """What comes of it."""
    return checkout.consequence or f"the pool never gets back what {checkout.title} takes"


def by_close(checkout: Checkout) -> str:
    """What `close()` does instead."""
    counted = f"close() ends the connection, and the pool goes on counting what {checkout.title} takes as in use"
    return f"{counted}: {checkout.consequence}" if checkout.consequence else counted


def severity_of(checkout: Checkout) -> Severity:
    """A slot of a pool is lost for good; a driver's own connection is closed when Python forgets it."""
    severity = Severity.ERROR if checkout.is_pooled else Severity.WARNING
    return severity.milder if checkout.runs_once else severity
