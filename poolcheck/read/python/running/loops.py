"""Where coroutines are run in event loops of their own, and how often the function around does so."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.pools.uses import calls_in
from poolcheck.read.python.running.entry_points import entry_point
from poolcheck.read.python.running.occasions import EntryPoint
from poolcheck.read.python.syntax.arguments import order_of, passed
from poolcheck.read.python.syntax.bindings import bound_in, last_name, parameters
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Class, Definition, Scope, loop_around, qualified
from poolcheck.source import Span

RUNNING = frozenset({"anyio.run", "asyncio.run", "asyncio.runners.run", "uvloop.run"})
BRIDGES = frozenset({"asgiref.sync.AsyncToSync", "asgiref.sync.async_to_sync"})
_NEW_LOOPS = frozenset({"asyncio.new_event_loop", "uvloop.new_event_loop"})
_WORDS = ("run", "run_until_complete", "async_to_sync", "AsyncToSync")
_MENTION = re.compile("|".join(rf"{word}(?<!\w{word})\s*\(" for word in _WORDS))
"""To look back from each word takes a quarter of the time that `\\b` takes at every character."""


_LEAVES = re.compile(r"\b(?:break|return)\b")
"""What ends a loop that only tries again."""


class Run(NamedTuple):
    """A call that runs a coroutine function in a loop of its own.

    `given` are the arguments of the coroutine function. `again` says for what it is called again and again in one
    process; "" where it is not seen to be. `block` is what holds the statement that the call is in.
    """

    call: cst.Call
    scope: Scope
    title: str
    runs: Definition
    given: tuple[cst.BaseExpression, ...]
    again: str
    block: cst.CSTNode | None
    function: Definition | None

    @property
    def span(self) -> Span:
        """The place of the call."""
        return self.scope.span(self.call)


def runs_in(module: Module) -> Iterator[Run]:
    """The calls in a module that start loops, in order."""
    if not _starts_loops(module):
        return
    for piece in module.pieces:
        owner = Class(module, piece.scope) if piece.scope else None
        if not _may_run(module.code(piece)):
            continue
        for tree, statement in module.statements(piece):
            for call, scope, around in calls_in(statement, Scope(module, tree, owner=owner)):
                yield from _run(call, scope, around)


def _starts_loops(module: Module) -> bool:
    return module.has(_MENTION) or any("async" in each.target and "run" in each.name for each in module.imports)


def _may_run(code: str) -> bool:
    """Whether a piece runs something, be it by what the module has or imports for that."""
    return _MENTION.search(code) is not None or _HELPER.search(code) is not None


_HELPER = re.compile(r"\b\w*(?:run|sync)\w*\s*\(")
"""How functions are called that run coroutines for others."""


def _run(call: cst.Call, scope: Scope, around: tuple[cst.CSTNode, ...]) -> Iterator[Run]:
    found = coroutine_run(call, scope)
    if found is None:
        found = _run_by_helper(call, scope)
    if found is None:
        return
    coroutine, title = found
    func = coroutine.func if isinstance(coroutine, cst.Call) else coroutine
    given = tuple(each.value for each in coroutine.args) if isinstance(coroutine, cst.Call) else ()
    block = next((each for each in around if isinstance(each, cst.BaseSuite)), None)
    function = Definition(scope.functions[-1], scope.outside) if scope.functions else None
    for runs in functions_called(func, scope):
        yield Run(call, scope, title, runs, given, _again(call, scope, function), block, function)
        return


def coroutine_run(call: cst.Call, scope: Scope) -> tuple[cst.BaseExpression, str] | None:
    """The coroutine, or what makes it, that a call runs in a loop of its own; None where it runs none."""
    name = qualified(call.func, scope)
    first = next((each.value for each in call.args if each.keyword is None and not each.star), None)
    if name in RUNNING and first is not None:
        return first, f"{name}()"
    match call.func:
        case cst.Call(func=bridge, args=[cst.Arg(value=function), *_]) if qualified(bridge, scope) in BRIDGES:
            return function, "async_to_sync()"
        case cst.Attribute(value=cst.Name() as loop, attr=cst.Name("run_until_complete")) if first is not None:
            return (first, "run_until_complete()") if _is_new(loop, scope) else None
        case _:
            return None


def _is_new(loop: cst.Name, scope: Scope) -> bool:
    """Whether a function makes the loop itself."""
    if not scope.functions or loop.value not in bound_in(scope.functions[-1]):
        return False
    found = definitions(loop, scope)
    return (
        bool(found.definitions)
        and found.is_complete
        and all(
            isinstance(each.node, cst.Call) and qualified(each.node.func, each.scope) in _NEW_LOOPS
            for each in found.definitions
        )
    )


def _run_by_helper(call: cst.Call, scope: Scope) -> tuple[cst.BaseExpression, str] | None:
    """What a function of the project is given that runs it."""
    name = last_name(call.func)
    if not call.args or not _HELPER.match(f"{name}("):
        return None
    for helper, around in functions_called(call.func, scope):
        if isinstance(helper, cst.FunctionDef):
            within = around.inside(helper)
            for each, inner, _ in calls_in(helper.body, within):
                found = coroutine_run(each, inner) if inner.functions == within.functions else None
                given = found and _given(found[0], helper, call, is_method=within.is_method)
                if given:
                    return given, f"{name}()"
    return None


def _given(
    coroutine: cst.BaseExpression, helper: cst.FunctionDef, call: cst.Call, *, is_method: bool
) -> cst.BaseExpression | None:
    """The argument for the parameter that a helper runs."""
    named = coroutine.func if isinstance(coroutine, cst.Call) else coroutine
    if not isinstance(named, cst.Name) or len(bound_in(helper).get(named.value, ())) != 1:
        return None
    for parameter in parameters(helper):
        if parameter.name.value == named.value:
            return passed(call, *order_of(parameter, helper, call, is_method=is_method)).node
    return None


def _again(call: cst.Call, scope: Scope, function: Definition | None) -> str:
    entry: EntryPoint | None = entry_point(function) if function else None
    if entry and entry.kind.is_repeated:
        return entry.occasion
    loop = loop_around(scope.span(call), scope)
    is_left = loop and _LEAVES.search(scope.module.masked.text, loop.start, loop.end)
    return "round of the loop" if loop and not is_left else ""
