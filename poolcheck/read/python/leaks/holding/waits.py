"""What functions wait for while they hold a connection of a pool."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.surroundings import surroundings
from poolcheck.read.python.leaks.holding.held import Held, Hold, calls_in, held_within, holds_of
from poolcheck.read.python.leaks.holding.slow import Slow, Step, called, is_waited_for, slow, slow_within
from poolcheck.read.python.syntax.bindings import inside, last_name
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.names import functions_called
from poolcheck.read.python.values.scope import Definition, Scope
from poolcheck.source import Span

_STREAMING = frozenset({"EventSourceResponse", "StreamingResponse"})
_RELEASED_BEFORE = ((0, 106), (0, 118))
"""From the first release of FastAPI on, but before the second, what dependencies yield is closed before the
response is sent. Observed."""


class Wait(NamedTuple):
    """A call that waits while a connection is held: its place, and where a session has taken the connection.

    `steps` are the calls inside of it that lead to what waits. It is `in_loop` where it comes again and again
    while the connection is held, and `is_streamed` where a response waits that is sent while it is held.
    """

    hold: Hold
    place: Span
    slow: Slow
    taken_at: Span | None
    in_loop: bool
    is_streamed: bool = False


def waits_of(module: Module) -> Iterator[Wait]:
    """What the functions of a module wait for, the first for each connection."""
    for hold in holds_of(module):
        if hold.taking.origin.is_of_server and not hold.is_dedicated:
            yield from sorted(_waits_of(hold), key=_order)[:1]


def _order(wait: Wait) -> tuple[bool, bool, Span]:
    return wait.slow.sleeps and wait.in_loop, bool(wait.slow.steps), wait.place


def _waits_of(hold: Hold) -> Iterator[Wait]:
    known = _slow_in(hold.function, hold.scope)
    if not known and not (hold.is_of_request and any(map(_is_stream, hold.calls))):
        return
    for held in hold.held():
        found = known.get(held.call)
        if found and (not found.steps or _is_still_held(hold, held.call, found)):
            yield _wait(hold, held, found)
        elif hold.is_of_request and _is_stream(held.call) and (streamed := _streamed(held.call, hold)):
            yield _wait(hold, held, streamed)._replace(is_streamed=True)


@lru_cache(maxsize=8)
def _slow_in(function: cst.FunctionDef, scope: Scope) -> Mapping[cst.Call, Slow]:
    """What the calls of a function wait for, whatever is held."""
    found = ((call, slow(call, scope) or slow_within(call, scope)) for call in calls_in(function))
    return {call: each for call, each in found if each}


def _is_stream(call: cst.Call) -> bool:
    return last_name(call.func) in _STREAMING


def _wait(hold: Hold, held: Held, found: Slow) -> Wait:
    taken_at = hold.scope.span(held.taken_at) if held.taken_at and hold.taking.is_session else None
    return Wait(hold, hold.scope.span(held.call), found, taken_at, hold.is_repeated_within(held.call))


def _is_still_held(hold: Hold, call: cst.Call, found: Slow) -> bool:
    """Whether what is called does not give the connection of a session back before it waits."""
    function = called(call, hold.scope) if hold.taking.is_session else None
    inner = held_within(hold, call, function) if function else None
    return inner is None or found.first in inner


def _streamed(call: cst.Call, hold: Hold) -> Slow | None:
    """What a generator waits for whose values are streamed to the client."""
    if not call.args or not _is_open_while_sent(hold.scope.module):
        return None
    made = call.args[0].value
    if not isinstance(made, cst.Call):
        return None
    functions = [*functions_called(made.func, hold.scope)]
    found = _in_generator(functions[0]) if len(functions) == 1 else None
    if found is None:
        return None
    given = held_within(hold, made, functions[0])
    if given is not None and found.call not in given:
        return None
    step = Step(functions[0].scope.span(found.call), found.title)
    return Slow(call, f"{last_name(call.func)}()", found.waits, (step,), found.call)


def _in_generator(function: Definition) -> Slow | None:
    node, scope = function
    if not isinstance(node, cst.FunctionDef):
        return None
    within: Scope = scope.inside(node)
    for each in inside(node):
        if isinstance(each, cst.Call) and (found := slow(each, within)):
            is_done = is_waited_for(each, surroundings(node), is_called=not node.asynchronous)
            if is_done or found.sleeps:
                return found
    return None


def _is_open_while_sent(module: Module) -> bool:
    """Whether FastAPI keeps open what dependencies yield until a response is sent."""
    first, second = _RELEASED_BEFORE
    version = module.project.versions.of("fastapi", module.path)
    return version.is_before(*first) or not version.is_before(*second)
