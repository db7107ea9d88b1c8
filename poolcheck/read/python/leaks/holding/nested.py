"""Connections that a function takes from a pool while it holds one of the same pool already."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.surroundings import surroundings
from poolcheck.read.python.leaks.holding.held import Hold, calls_in, holds_in, holds_of
from poolcheck.read.python.leaks.holding.slow import Step, always, called, is_waited_for
from poolcheck.read.python.leaks.taking.sources import SHORTCUTS
from poolcheck.read.python.leaks.taking.takings import Origin, Taking, may_take, plain, taking_of
from poolcheck.read.python.syntax.bindings import last_name
from poolcheck.read.python.syntax.cached import is_cached_by_hand
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.scope import Definition, Scope
from poolcheck.source import Span

DEEPEST = 3
"""So many functions that call each other are followed."""


class Nested(NamedTuple):
    """A second connection that is taken while a first is held.

    `place` is the call in the function that holds the first, `title` what is called there. `steps` are the calls
    from there to what takes the second. It `is_certain` where no condition decides whether it is taken.
    """

    hold: Hold
    place: Span
    title: str
    steps: tuple[Step, ...]
    taken_at: Span | None
    is_certain: bool


def nested_in(module: Module) -> Iterator[Nested]:
    """The second connections that the functions of a module take, the first for each that they hold."""
    for hold in holds_of(module):
        is_of_interest = hold.taking.origin != Origin() and not hold.is_dedicated
        if is_of_interest and not is_cached_by_hand(hold.function, returns=False):
            yield from sorted(_nested(hold), key=lambda found: (not found.is_certain, found.place))[:1]


def _nested(hold: Hold) -> Iterator[Nested]:
    scope = hold.scope
    known = _takings_by(hold.function, scope)
    if not known.keys() - {hold.site}:
        return
    for held in hold.held():
        found = _second(held.call, known[held.call], hold) if held.call in known else None
        if found:
            taken_at = scope.span(held.taken_at) if held.taken_at and hold.taking.is_session else None
            yield Nested(hold, scope.span(held.call), found.title, found.steps, taken_at, found.is_certain)


class _Second(NamedTuple):
    """What a call takes a second connection by."""

    title: str
    steps: tuple[Step, ...]
    is_certain: bool


@lru_cache(maxsize=8)
def _takings_by(function: cst.FunctionDef, scope: Scope) -> "Mapping[cst.Call, Taking | tuple[_Inner, ...]]":
    """The calls of a function that take connections, by themselves or in what they call."""
    around = surroundings(function)
    found: dict[cst.Call, Taking | tuple[_Inner, ...]] = {}
    for call in calls_in(function):
        taking = taking_of(call, scope) if may_take(call, around.parent(call)) else None
        if taking and taking.origin != Origin():
            found[call] = taking
        inner = called(call, scope) if taking is None else None
        taken = _of_function(plain(inner), DEEPEST) if inner else ()
        if taken:
            found[call] = taken
    return found


def _second(call: cst.Call, taken: "Taking | tuple[_Inner, ...]", hold: Hold) -> _Second | None:
    origin = hold.taking.origin
    if isinstance(taken, Taking):
        is_same = origin.is_same(taken.origin) and _takes(call, taken, hold.scope)
        is_certain = not any(isinstance(each, cst.If | cst.IfExp) for each in _between(call, hold))
        return _Second(taken.title, (), is_certain) if is_same else None
    own = [each for each in taken if origin.is_same(each.origin)]
    found = min(own, key=lambda each: (not each.is_certain, len(each.steps)), default=None)
    if found is None or _is_handed(call, hold):
        return None
    return _Second(f"{last_name(call.func)}()", found.steps, found.is_certain)


def _between(call: cst.Call, hold: Hold) -> Iterator[cst.CSTNode]:
    """What is around a call inside of what is around the first connection."""
    around = surroundings(hold.function)
    outside = {*around.ancestors(hold.site)}
    return (each for each in around.ancestors(call) if each not in outside)


def _is_handed(call: cst.Call, hold: Hold) -> bool:
    """Whether the connection is handed on, so that no second may be wanted."""
    return bool(hold.name) and any(
        isinstance(each.value, cst.Name) and each.value.value == hold.name for each in call.args
    )


def _takes(call: cst.Call, taking: Taking, scope: Scope) -> bool:
    """Whether a call takes a connection when it is made; a session, when something is executed."""
    if taking.is_short:
        return is_waited_for(call, surroundings(scope.functions[-1]), is_called=False)
    own = _by_site(scope.functions[-1], scope).get(call)
    return own is not None and own.is_ever_held


@lru_cache(maxsize=8)
def _by_site(function: cst.FunctionDef, scope: Scope) -> Mapping[cst.CSTNode, Hold]:
    return {each.site: each for each in _holds(function, scope)}


@lru_cache(maxsize=64)
def _holds(function: cst.FunctionDef, scope: Scope) -> tuple[Hold, ...]:
    return tuple(holds_in(function, scope))


class _Inner(NamedTuple):
    origin: Origin
    steps: tuple[Step, ...]
    is_certain: bool


@lru_cache(maxsize=2048)
def _of_function(function: Definition, depth: int) -> tuple[_Inner, ...]:
    """The connections that a function takes, itself or in those that it calls."""
    node, scope = function
    if not isinstance(node, cst.FunctionDef) or is_cached_by_hand(node, returns=False):
        return ()
    within = scope.inside(node)
    always_made = dict.fromkeys(always(node))
    found = [
        _Inner(each.taking.origin, (Step(each.place, each.taking.title),), each.site in always_made)
        for each in _holds(node, within)
        if not each.is_of_request and each.is_ever_held and each.taking.origin != Origin()
    ]
    for call in always_made:
        taking = taking_of(call, within) if last_name(call.func) in SHORTCUTS else None
        if taking and taking.is_short and _takes(call, taking, within):
            found.append(_Inner(taking.origin, (Step(within.span(call), taking.title),), is_certain=True))
        elif depth > 1 and (inner := called(call, within)):
            step = Step(within.span(call), f"{last_name(call.func)}()")
            found += [each._replace(steps=(step, *each.steps)) for each in _of_function(plain(inner), depth - 1)]
    return tuple(found)
