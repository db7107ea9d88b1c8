"""What becomes of a connection that a function takes, as far as it is certain."""

from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.flow.graph import Kind, Way
from poolcheck.read.python.leaks.flow.raised import Raised
from poolcheck.read.python.leaks.following.apart import are_apart
from poolcheck.read.python.leaks.following.deed import Deed, Use
from poolcheck.read.python.leaks.following.deeds import Uses
from poolcheck.read.python.leaks.following.dependencies import dependent, is_closed_by_dependents
from poolcheck.read.python.leaks.following.owners import is_never_closed
from poolcheck.read.python.leaks.following.roles import is_dependency, lends, raises_at_yield, yields
from poolcheck.read.python.leaks.following.silences import Reason, Silence, where_it_went
from poolcheck.read.python.leaks.following.surroundings import Surroundings, surroundings
from poolcheck.read.python.leaks.following.walk import Exit, Start, Walk, Walked
from poolcheck.read.python.leaks.following.words import SETTING_UP
from poolcheck.read.python.leaks.following.wrappers import effects
from poolcheck.read.python.libraries.terms import Dropped, Terms
from poolcheck.read.python.syntax.bindings import dotted, inside, last_name
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
    LEFT_BY_DEPENDENCY = "left by dependency"
    RETURNED_TO_REQUEST = "returned to request"
    CANCELLED = "left by what is cancelled"
    SET_UP_UNGUARDED = "set up unguarded"
    KEPT_WITHOUT_CLOSE = "kept without close"
    RELEASED_ELSEWHERE = "released elsewhere"


_ADVICE = frozenset({Outcome.CANCELLED, Outcome.KEPT_WITHOUT_CLOSE, Outcome.SET_UP_UNGUARDED})


class Leaving(StrEnum):
    """How the connection is left behind."""

    RETURNING = "returning"
    RAISING = "raising"
    LOOPING = "looping"
    OVERWRITING = "overwriting"
    ENDING = "ending"


class Answer(StrEnum):
    """What a test has answered on the way."""

    TRUE = "true"
    FALSE = "false"
    MATCH = "match"
    NO_MATCH = "no match"
    MORE = "more"
    NO_MORE = "no more"


class Turn(NamedTuple):
    """A test whose answer leads away from what gives back; its other answers do not."""

    span: Span
    answer: Answer


class Left(NamedTuple):
    """A place where it is left behind, and where the way to it turns away from what gives back."""

    span: Span
    how: Leaving
    turn: Turn | None = None


class Fate(NamedTuple):
    """What becomes of a connection, what decides it, where it is given back otherwise, and where it is left.

    What decides it is what releases it in vain, or what raises. Where a function is called for each request, it
    is `asked_by` what says so; None where the function's shape tells. The `handler` ends the exception.
    """

    outcome: Outcome
    decided_at: Span | None = None
    release: Span | None = None
    left: tuple[Left, ...] = ()
    asked_by: Span | None = None
    handler: Span | None = None

    @property
    def is_advice(self) -> bool:
        """Whether that is no fault, and worth a thought only."""
        return self.outcome in _ADVICE


class Taken(NamedTuple):
    """A call that takes a connection, the function that makes it, and the terms.

    What a function of the project returns may be a tuple: the connection is at the `position` in it, and what is
    `derived` from it at others.
    """

    call: cst.Call
    terms: Terms
    function: cst.FunctionDef
    scope: Scope
    position: int | None = None
    derived: tuple[int, ...] = ()


def fate_of(taken: Taken) -> Fate | Silence:
    """What becomes of a connection; or why nothing is said of it, as it is well, or that is not certain."""
    start, walked = _walk(taken)
    if start is None or walked is None:
        return Silence(Reason.NOT_AWAITED)
    if walked.given_up:
        return Silence(Reason.GIVEN_UP)
    if found := _returned_to_request(walked, taken):
        return found
    if not start.use.names and not _is_lost_nameless(start.use, taken.terms):
        return _kept(walked, taken) or _silence(walked, taken)
    fate = _judged(start, walked, taken) or _advised(start, walked, taken)
    if fate is None:
        return _silence(walked, taken)
    return _of_dependency(fate, taken) if _is_for_requests(fate, taken) else fate


def _silence(walked: Walked, taken: Taken) -> Silence:
    """Why nothing is said of a connection whose ways are all known."""
    scope = taken.scope
    if walked.ended:
        gone = min(walked.ended, key=lambda use: scope.span(use.node))
        around = surroundings(taken.function)
        reason = where_it_went(gone, around, around.awaited(taken.call))
        return Silence(reason, scope.span(gone.node))
    if walked.released:
        return Silence(Reason.RELEASED, min(scope.span(use.node) for use in walked.released))
    is_dropped = any(each.raising is None for each in walked.exits)
    return Silence(Reason.DROPPED if is_dropped else Reason.ENDLESS)


def _advised(start: Start, walked: Walked, taken: Taken) -> Fate | None:
    """What is worth a thought where a connection is well otherwise."""
    if walked.ended:
        return _kept(walked, taken)
    if not any(use.deed is Deed.RELEASED for use in walked.released):
        return None
    return _cancelled(start, taken) or _set_up(walked, taken)


def _kept(walked: Walked, taken: Taken) -> Fate | None:
    """A connection that an object keeps for good, by one assignment. A session that is kept holds none at rest."""
    if taken.terms.is_session:
        return None
    around = surroundings(taken.function)
    kept: list[cst.Assign] = []
    for use in walked.ended:
        match around.parent(use.node):
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Attribute(value=cst.Name("self")))]) as kept_by:
                kept.append(kept_by)
            case _:
                return None
    target = kept[0].targets[0].target if len(kept) == 1 else None
    if not isinstance(target, cst.Attribute) or walked.released or walked.exits:
        return None
    if not is_never_closed(target.attr.value, taken.scope):
        return None
    return Fate(Outcome.KEPT_WITHOUT_CLOSE, taken.scope.span(target))


def _cancelled(start: Start, taken: Taken) -> Fate | None:
    """A connection that is not given back where the task is cancelled, or nobody goes on with the generator."""
    function, scope = taken.function, taken.scope
    is_generator = _is_generator(function, scope)
    if not (function.asynchronous or is_generator) or (
        lends(function, scope) and not raises_at_yield(function, scope)
    ):
        return None
    uses = _uses(function, taken.terms, scope)
    walked = Walk(function, uses, start._replace(is_ended=True), lends=raises_at_yield(function, scope)).walked()
    ended = [each for each in walked.exits if each.exception == Raised.CANCELLED]
    if walked.given_up or walked.ended or not ended:
        return None
    return _skipped(ended, walked, scope)._replace(outcome=Outcome.CANCELLED)


def _set_up(walked: Walked, taken: Taken) -> Fate | None:
    """A connection that is set up before the `try` whose end gives it back."""
    scope, around = taken.scope, surroundings(taken.function)
    tries = [
        scope.span(outer)
        for use in walked.released
        for inner, outer in pairwise((use.node, *around.ancestors(use.node)))
        if isinstance(outer, cst.Try) and inner is not outer.body
    ]
    if not walked.set_up or not tries:
        return None
    spans = sorted(scope.span(each) for each in walked.set_up if _sets_up(each, around))
    first = next((span for span in spans if span.end <= min(tries).start), None)
    if first is None:
        return None
    release = min(scope.span(use.node) for use in walked.released)
    return Fate(Outcome.SET_UP_UNGUARDED, first, release)


_SETTING_UP = SETTING_UP & {
    "begin", "cursor", "set_autocommit", "set_client_encoding", "set_isolation_level", "set_session", "transaction"
}  # fmt: skip
"""Those that a connection may refuse."""


def _sets_up(node: cst.CSTNode, around: Surroundings) -> bool:
    """Whether a method is called to set a connection up, or an attribute of it is set."""
    match node:
        case cst.Await(expression=cst.Call() as call) | (cst.Call() as call):
            return last_name(call.func) in _SETTING_UP
        case cst.Attribute():
            return isinstance(around.parent(node), cst.AssignTarget)
        case _:
            return False


def walk_of(taken: Taken) -> Walked | None:
    """The walk of a connection; None where none is taken."""
    return _walk(taken)[1]


def _walk(taken: Taken) -> tuple[Start | None, Walked | None]:
    function, terms, scope = taken.function, taken.terms, taken.scope
    uses = _uses(function, terms, scope)
    site = uses.around.awaited(taken.call)
    if terms.takes_when_awaited and site is taken.call and not uses.is_awaited_by_another(site):
        return None, None
    if taken.position is None:
        use = uses.of(site, is_derived=False)
    else:
        use = uses.of_position(site, taken.position, taken.derived)
    start = Start(site, use, rests=terms.is_session)
    return start, Walk(function, uses, start, lends=raises_at_yield(function, scope)).walked()


def _returned_to_request(walked: Walked, taken: Taken) -> Fate | None:
    """A connection that a function hands to each request that asks for it, if nobody may close it there."""
    function, scope = taken.function, taken.scope
    is_only_returned = all(use.deed is Deed.RETURNED and use.position is None for use in walked.ended)
    is_well = any(each.raising is None for each in walked.exits) or walked.released
    if not walked.ended or not is_only_returned or is_well or yields(function) or not _is_plain(function):
        return None
    asked_by = dependent(function, scope)
    if asked_by is None or is_closed_by_dependents(function, scope):
        return None
    place = min(scope.span(use.node) for use in walked.ended)
    return Fate(Outcome.RETURNED_TO_REQUEST, place, asked_by=asked_by)


def _is_plain(function: cst.FunctionDef) -> bool:
    """Whether nothing stands between a function and who calls it."""
    return all(last_name(each.decorator) in {"classmethod", "staticmethod"} for each in function.decorators)


def _is_for_requests(fate: Fate, taken: Taken) -> bool:
    """Whether a request gets what a function yields, and it is the request that keeps it from being closed."""
    if fate.outcome not in {Outcome.NEVER_RELEASED, Outcome.SKIPPED_ON_EXCEPTION} or not yields(taken.function):
        return False
    is_lent = any(
        isinstance(each, cst.Yield) and taken.scope.span(each) == fate.decided_at
        for each in inside(taken.function)
    )
    return (is_lent or fate.outcome is Outcome.NEVER_RELEASED) and is_dependency(taken.function, taken.scope)


def _of_dependency(fate: Fate, taken: Taken) -> Fate:
    return fate._replace(outcome=Outcome.LEFT_BY_DEPENDENCY, asked_by=dependent(taken.function, taken.scope))


@lru_cache(maxsize=8)
def _uses(function: cst.FunctionDef, terms: Terms, scope: Scope) -> Uses:
    return Uses(function, terms, effects(scope, terms), lends=lends(function, scope))


def _is_lost_nameless(use: Use, terms: Terms) -> bool:
    """Whether a connection is lost that is used where it is taken, and is out of reach then."""
    if use.deed is Deed.IN_VAIN:
        return True
    if terms.dropped is Dropped.COLLECTED:
        # A query refers to its session.
        return use.deed in {Deed.ASKED, Deed.LENT} or (terms.is_session and bool(use.derived))
    return terms.is_lost or (bool(use.derived) and terms.is_kept_by_cursors)


def _judged(start: Start, walked: Walked, taken: Taken) -> Fate | None:
    scope = taken.scope
    ways = [each for each in walked.exits if each.raising is None and not _is_forgotten(each, taken.terms)]
    raised = [each for each in walked.exits if each.raising is not None]
    released = any(use.deed is Deed.RELEASED for use in walked.releases)
    ended = bool(walked.ended)
    if vain := _in_vain(start, walked, ways, raised):
        return Fate(Outcome.RELEASED_IN_VAIN, scope.span(vain))
    if elsewhere := _elsewhere(walked, taken):
        return Fate(Outcome.RELEASED_ELSEWHERE, elsewhere)
    left = _all_left(ways, scope)
    if ways and not released and not ended:
        return Fate(Outcome.NEVER_RELEASED, left=left)
    is_returned = ended and all(use.deed is Deed.RETURNED for use in walked.ended)
    is_repeated = all(_is_taken_again(each, start) for each in ways)
    if ways and (released or (is_returned and (taken.terms.is_lost or is_repeated))):
        release = min((scope.span(use.node) for use in walked.releases), default=None)
        return Fate(Outcome.LEFT_EARLY, None, release, left)
    is_entering = any(each.is_owned for each in raised)
    is_skipped = (released or is_entering) if not ended else (is_returned and taken.terms.is_lost)
    if raised and is_skipped and not _is_generator(taken.function, scope):
        return _skipped(raised, walked, scope)
    return None


def _is_taken_again(way: Exit, start: Start) -> bool:
    """Whether the next connection takes the name of the last, as in a loop that goes on when it has one."""
    syntax = way.node.syntax
    return (
        way.is_overwritten and syntax is not None and any(each is start.site for each in (syntax, *inside(syntax)))
    )


def _elsewhere(walked: Walked, taken: Taken) -> Span | None:
    """What gives a connection to another pool than that which it is from, if that is all that is done."""
    pool = taken.call.func.value if isinstance(taken.call.func, cst.Attribute) else None
    calls = [use.node for use in walked.released]
    if pool is None or walked.ended or not calls:
        return None
    for call in calls:
        match call:
            case cst.Call(func=cst.Attribute(value=other, attr=cst.Name(value=name))):
                if name not in taken.terms.returning or not are_apart(pool, other, taken.scope):
                    return None
            case _:
                return None
    return min(map(taken.scope.span, calls))


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


def _all_left(ways: list[Exit], scope: Scope) -> tuple[Left, ...]:
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


def _skipped(raised: list[Exit], walked: Walked, scope: Scope) -> Fate:
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


def _is_generator(function: cst.FunctionDef, scope: Scope) -> bool:
    """Whether a function yields to who may not come back."""
    return yields(function) > 0 and not lends(function, scope)
