"""A connection that is given back in a way that does not give it back."""

from collections.abc import Iterator, Mapping

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.following.outcome import Outcome
from poolcheck.read.python.leaks.mending.fixes import fix_of
from poolcheck.read.python.leaks.outliving.drawn import Drawn, drawn_in
from poolcheck.read.python.leaks.taking.checkouts import Checkout
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.terms import With
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule
from poolcheck.source import Span

IN_VAIN = frozenset({Outcome.RELEASED_IN_VAIN, Outcome.RELEASED_ELSEWHERE})

REFUSALS: Mapping[Library, str] = {
    Library.ASYNCPG: "raises InterfaceError: not a member of this pool",
    Library.PSYCOPG: "raises ValueError: can't return connection to pool",
    Library.PSYCOPG2: "raises PoolError: trying to put unkeyed connection",
}
"""What pools do that are given a connection of another."""


class ReleaseWithoutEffect(Rule[PythonModule]):
    id = "release-without-effect"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for checkout in module.checkouts:
            fate = checkout.fate
            if fate is None or fate.outcome not in IN_VAIN or checkout.role is Role.TEST:
                continue
            place = fate.decided_at or checkout.span
            is_with = place.end == checkout.span.end or place.start == checkout.span.start
            notes = [] if place.start <= checkout.span.start else [Note(checkout.span, "taken here")]
            if fate.outcome is Outcome.RELEASED_ELSEWHERE:
                message = to_another(checkout, place, module)
            else:
                message = in_with(checkout) if is_with else by_close(checkout)
            fix = fix_of(checkout, module.module, module.checkouts)
            yield self.finding(place, message, notes=notes, fix=fix, severity=severity_of(checkout))
        for drawn in drawn_in(module.module) if module.role is not Role.TEST else ():
            severity = Severity.ERROR if drawn.is_async or drawn.function is None else Severity.WARNING
            severity = severity if module.role is Role.APPLICATION else severity.milder
            notes = [Note(drawn.closed_at, "closed here")]
            yield self.finding(drawn.span, too_early(drawn), notes=notes, severity=severity)


def to_another(checkout: Checkout, place: Span, module: PythonModule) -> str:
    """What a pool says to a connection of another."""
    called = module.module.source.text[place.start : place.end].partition("(")[0]
    refusal = REFUSALS.get(checkout.maker.library, "fails") if checkout.maker else "fails"
    return f"{called}() {refusal}, as {checkout.title} takes from another pool: {lost(checkout)}"


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


def too_early(drawn: Drawn) -> str:
    """When a generator closes the session that was drawn out of it."""
    user = f"{drawn.function}() uses it" if drawn.function else "the request uses it"
    if drawn.is_async:
        return (
            f"nothing keeps {drawn.generator}(), which closes its session while {user}, and nothing closes it then"
        )
    return f"nothing keeps {drawn.generator}(), which closes its session before {user}, and nothing closes it then"
