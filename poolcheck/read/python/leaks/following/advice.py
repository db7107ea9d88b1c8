"""What is worth a thought where a connection is well otherwise: cancelled tasks, set-up, owners that keep it."""

from itertools import pairwise

import libcst as cst

from poolcheck.read.python.leaks.flow.raised import Raised
from poolcheck.read.python.leaks.following.deed import Deed
from poolcheck.read.python.leaks.following.left import skipped
from poolcheck.read.python.leaks.following.outcome import Fate, Outcome
from poolcheck.read.python.leaks.following.owners import is_never_closed
from poolcheck.read.python.leaks.following.roles import is_generator, lends, raises_at_yield
from poolcheck.read.python.leaks.following.surroundings import Surroundings, surroundings
from poolcheck.read.python.leaks.following.taken import Taken, uses_of
from poolcheck.read.python.leaks.following.walk import Walk
from poolcheck.read.python.leaks.following.walked import Start, Walked
from poolcheck.read.python.leaks.following.words import SETTING_UP
from poolcheck.read.python.syntax.bindings import last_name


def advised(start: Start, walked: Walked, taken: Taken) -> Fate | None:
    """What is worth a thought where a connection is well otherwise."""
    if walked.ended:
        return kept_for_good(walked, taken)
    if not any(use.deed is Deed.RELEASED for use in walked.released):
        return None
    return _cancelled(start, taken) or _set_up(walked, taken)


def kept_for_good(walked: Walked, taken: Taken) -> Fate | None:
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
    if not (function.asynchronous or is_generator(function, scope)) or (
        lends(function, scope) and not raises_at_yield(function, scope)
    ):
        return None
    uses = uses_of(function, taken.terms, scope)
    walked = Walk(function, uses, start._replace(is_ended=True), lends=raises_at_yield(function, scope)).walked()
    ended = [each for each in walked.exits if each.exception == Raised.CANCELLED]
    if walked.given_up or walked.ended or not ended:
        return None
    return skipped(ended, walked, scope)._replace(outcome=Outcome.CANCELLED)


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
