"""What becomes of a connection that a function takes, as far as it is certain."""

import libcst as cst

from poolcheck.read.python.leaks.following.advice import advised, kept_for_good
from poolcheck.read.python.leaks.following.apart import are_apart
from poolcheck.read.python.leaks.following.deed import Deed, Use
from poolcheck.read.python.leaks.following.dependencies import dependent, is_closed_by_dependents
from poolcheck.read.python.leaks.following.left import all_left, skipped
from poolcheck.read.python.leaks.following.outcome import Fate, Outcome
from poolcheck.read.python.leaks.following.roles import is_dependency, is_generator, yields
from poolcheck.read.python.leaks.following.silences import Reason, Silence, where_it_went
from poolcheck.read.python.leaks.following.surroundings import surroundings
from poolcheck.read.python.leaks.following.taken import Taken, walk
from poolcheck.read.python.leaks.following.walked import Exit, Start, Walked
from poolcheck.read.python.libraries.terms import Dropped, Terms
from poolcheck.read.python.syntax.bindings import dotted, inside, last_name
from poolcheck.source import Span


def fate_of(taken: Taken) -> Fate | Silence:
    """What becomes of a connection; or why nothing is said of it, as it is well, or that is not certain."""
    start, walked = walk(taken)
    if start is None or walked is None:
        return Silence(Reason.NOT_AWAITED)
    if walked.given_up:
        return Silence(Reason.GIVEN_UP)
    if found := _returned_to_request(walked, taken):
        return found
    if not start.use.names and not _is_lost_nameless(start.use, taken.terms):
        return kept_for_good(walked, taken) or _silence(walked, taken)
    fate = _judged(start, walked, taken) or advised(start, walked, taken)
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
    left = all_left(ways, scope)
    if ways and not released and not ended:
        return Fate(Outcome.NEVER_RELEASED, left=left)
    is_returned = ended and all(use.deed is Deed.RETURNED for use in walked.ended)
    is_repeated = all(_is_taken_again(each, start) for each in ways)
    if ways and (released or (is_returned and (taken.terms.is_lost or is_repeated))):
        release = min((scope.span(use.node) for use in walked.releases), default=None)
        return Fate(Outcome.LEFT_EARLY, None, release, left)
    is_entering = any(each.is_owned for each in raised)
    is_skipped = (released or is_entering) if not ended else (is_returned and taken.terms.is_lost)
    if raised and is_skipped and not is_generator(taken.function, scope):
        return skipped(raised, walked, scope)
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
