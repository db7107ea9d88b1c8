"""What becomes of a connection that a function takes, as far as it is certain."""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.deeds import Deed, Use, Uses
from poolcheck.read.python.leaks.graph import Kind
from poolcheck.read.python.leaks.roles import lends, raises_at_yield, yields
from poolcheck.read.python.leaks.walk import Exit, Start, Walk, Walked
from poolcheck.read.python.leaks.wrappers import effects
from poolcheck.read.python.libraries.terms import Dropped, Terms
from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.values.scope import Scope
from poolcheck.source import Span

MOST_EXITS = 5
"""So many ways out are told."""


class Outcome(StrEnum):
    """What is certain to go wrong."""

    NEVER_RELEASED = "never released"
    RELEASED_IN_VAIN = "released in vain"
    LEFT_EARLY = "left early"
    SKIPPED_ON_EXCEPTION = "skipped on exception"


class Leaving(StrEnum):
    """How the connection is left behind."""

    RETURNING = "returning"
    RAISING = "raising"
    LOOPING = "looping"
    OVERWRITING = "overwriting"
    ENDING = "ending"


class Left(NamedTuple):
    """A place where it is left behind."""

    span: Span
    how: Leaving


class Fate(NamedTuple):
    """What becomes of a connection, what decides it, where it is given back otherwise, and where it is left.

    What decides it is what releases it in vain, or what raises.
    """

    outcome: Outcome
    decided_at: Span | None = None
    release: Span | None = None
    left: tuple[Left, ...] = ()


class Taken(NamedTuple):
    """A call that takes a connection, the function that makes it, and the terms.

    What a function of the project returns may be a tuple: the connection is at the `position` in it.
    """

    call: cst.Call
    terms: Terms
    function: cst.FunctionDef
    scope: Scope
    position: int | None = None


def fate_of(taken: Taken) -> Fate | None:
    """What becomes of a connection; None where it is well, or not certain."""
    start, walked = _walk(taken)
    if start is None or walked is None or walked.given_up:
        return None
    if not start.use.names and not _is_lost_nameless(start.use, taken.terms):
        return None
    return _judged(start, walked, taken)


def walk_of(taken: Taken) -> Walked | None:
    """The walk of a connection; None where none is taken."""
    return _walk(taken)[1]


def _walk(taken: Taken) -> tuple[Start | None, Walked | None]:
    function, terms, scope = taken.function, taken.terms, taken.scope
    uses = _uses(function, terms, scope)
    site = uses.around.awaited(taken.call)
    if terms.takes_when_awaited and site is taken.call and not uses.is_awaited_by_another(site):
        return None, None
    use = uses.of_position(site, taken.position) if taken.position is not None else uses.of(site, is_derived=False)
    start = Start(site, use, rests=terms.is_session)
    return start, Walk(function, uses, start, lends=raises_at_yield(function, scope)).walked()


@lru_cache(maxsize=8)
def _uses(function: cst.FunctionDef, terms: Terms, scope: Scope) -> Uses:
    return Uses(function, terms, effects(scope, terms), lends=lends(function, scope))


def _is_lost_nameless(use: Use, terms: Terms) -> bool:
    """Whether a connection is lost that is used where it is taken, and is out of reach then."""
    if use.deed is Deed.IN_VAIN:
        return True
    if terms.dropped is Dropped.COLLECTED:
        return use.deed in {Deed.ASKED, Deed.LENT}
    return terms.is_lost or (bool(use.derived) and terms.is_kept_by_cursors)


def _judged(start: Start, walked: Walked, taken: Taken) -> Fate | None:
    scope = taken.scope
    ways = [each for each in walked.exits if each.raising is None and not _is_forgotten(each, taken.terms)]
    raised = [each for each in walked.exits if each.raising is not None]
    released = any(use.deed is Deed.RELEASED for use in walked.releases)
    ended = bool(walked.ended)
    if vain := _in_vain(start, walked, ways, raised):
        return Fate(Outcome.RELEASED_IN_VAIN, scope.span(vain))
    left = tuple(dict.fromkeys(_left(each, scope) for each in ways))[:MOST_EXITS]
    if ways and not released and not ended:
        return Fate(Outcome.NEVER_RELEASED, left=left)
    is_returned = ended and all(use.deed is Deed.RETURNED for use in walked.ended)
    if ways and (released or (is_returned and taken.terms.is_lost)):
        release = min((scope.span(use.node) for use in walked.releases), default=None)
        return Fate(Outcome.LEFT_EARLY, None, release, left)
    is_entering = any(each.is_owned for each in raised)
    if raised and (released or is_entering) and not ended and not _is_generator(taken.function, scope):
        return _skipped(raised, walked, scope)
    return None


def _is_forgotten(way: Exit, terms: Terms) -> bool:
    """Whether a connection is forgotten in so many words, where that closes it."""
    syntax = way.node.syntax
    is_said = isinstance(syntax, cst.Del) or (isinstance(syntax, cst.Assign) and dotted(syntax.value) == "None")
    return way.is_overwritten and is_said and terms.dropped is Dropped.RETURNED


def _in_vain(start: Start, walked: Walked, ways: list[Exit], raised: list[Exit]) -> cst.CSTNode | None:
    """What should release a connection that is still held at the end.

    What raises inside of a `with` statement over it is another story, where something behind it does release it.
    """
    if walked.ended and not ways:
        return None
    own = start.use.node if start.use.deed is Deed.IN_VAIN else None
    late = [each.vain for each in raised if each.vain and each.vain is not own and not walked.ended]
    return next((each.vain for each in ways if each.vain), None) or next(iter(late), None)


def _left(way: Exit, scope: Scope) -> Left:
    syntax = way.node.syntax
    if isinstance(syntax, cst.Break | cst.Continue):
        how = Leaving.LOOPING
    elif way.is_overwritten:
        how = Leaving.OVERWRITING
    elif isinstance(syntax, cst.Return):
        how = Leaving.RETURNING
    else:
        how = Leaving.RAISING if isinstance(syntax, cst.Raise) else Leaving.ENDING
    return Left(_place(way, scope), how)


def _place(way: Exit, scope: Scope) -> Span:
    syntax = way.node.syntax
    if isinstance(syntax, cst.For) and way.node.kind is Kind.NEXT:
        syntax = syntax.target
    return scope.span(syntax) if syntax else scope.span(scope.functions[-1].name)


def _skipped(raised: list[Exit], walked: Walked, scope: Scope) -> Fate:
    first = min(scope.span(each.raising) for each in raised if each.raising)
    ways = (each for each in raised if each.raising and scope.span(each.raising) == first)
    left = tuple(_left(each, scope) for each in ways if not each.left_by_raise)
    releases = sorted(scope.span(use.node) for use in walked.released)
    behind = [span for span in releases if span.start > first.start]
    return Fate(Outcome.SKIPPED_ON_EXCEPTION, first, next(iter(behind or releases), None), left[:1])


def _is_generator(function: cst.FunctionDef, scope: Scope) -> bool:
    """Whether a function yields to who may not come back."""
    return yields(function) > 0 and not lends(function, scope)
