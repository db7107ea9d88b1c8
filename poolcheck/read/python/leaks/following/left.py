"""Where a connection is left behind, and where the way to it turns away from what gives it back."""

import libcst as cst

from poolcheck.read.python.leaks.flow.nodes import Kind, Way
from poolcheck.read.python.leaks.following.outcome import Answer, Fate, Leaving, Left, Outcome, Turn
from poolcheck.read.python.leaks.following.walked import Exit, Walked
from poolcheck.read.python.values.scope import Scope
from poolcheck.source import Span

MOST_EXITS = 5
"""So many ways out are told."""


def all_left(ways: list[Exit], scope: Scope) -> tuple[Left, ...]:
    """The places where a connection is left, each once."""
    found: dict[tuple[Span, Leaving], Left] = {}
    for each in (_left(way, scope) for way in ways):
        other = found.get((each.span, each.how))
        found[each.span, each.how] = each if other in {None, each} else each._replace(turn=None)
    return tuple(found.values())[:MOST_EXITS]


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
    return Left(_place(way, scope), how, _turn(way, scope))


def _turn(way: Exit, scope: Scope) -> Turn | None:
    if way.branch is None:
        return None
    is_yes = way.branch.way is Way.YES
    match way.branch.node.syntax:
        case cst.MatchCase(pattern=pattern):
            return Turn(scope.span(pattern), Answer.MATCH if is_yes else Answer.NO_MATCH)
        case cst.For(iter=iterated):
            return Turn(scope.span(iterated), Answer.MORE if is_yes else Answer.NO_MORE)
        case cst.Assert(test=test) | (cst.BaseExpression() as test):
            return Turn(scope.span(test), Answer.TRUE if is_yes else Answer.FALSE)
        case _:
            return None


def _place(way: Exit, scope: Scope) -> Span:
    syntax = way.node.syntax
    if isinstance(syntax, cst.For) and way.node.kind is Kind.NEXT:
        syntax = syntax.target
    return scope.span(syntax) if syntax else scope.span(scope.functions[-1].name)


def skipped(raised: list[Exit], walked: Walked, scope: Scope) -> Fate:
    """The fate of a connection that these exceptions keep from being given back: the first of them tells."""
    first = min(scope.span(each.raising) for each in raised if each.raising)
    ways = [each for each in raised if each.raising and scope.span(each.raising) == first]
    handlers = sorted(_head(each.handler, scope) for each in ways if each.handler and not each.left_by_raise)
    left = tuple(_left(each, scope) for each in ways if not each.left_by_raise)
    releases = sorted(scope.span(use.node) for use in walked.released)
    behind = [span for span in releases if span.start > first.start]
    release = next(iter(behind or releases), None)
    return Fate(Outcome.SKIPPED_ON_EXCEPTION, first, release, left[:1], handler=next(iter(handlers), None))


def _head(handler: cst.CSTNode, scope: Scope) -> Span:
    """What a handler says it catches; its first word where it says nothing."""
    if isinstance(handler, cst.ExceptHandler | cst.ExceptStarHandler) and handler.type:
        return scope.span(handler.type)
    span = scope.span(handler)
    return span._replace(end=span.start + len("except"))
