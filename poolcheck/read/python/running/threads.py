"""Functions of the project that run in threads of their own, or of an executor."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.pools.uses import calls_in
from poolcheck.read.python.syntax.arguments import passed
from poolcheck.read.python.syntax.bindings import last_name
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Class, Definition, Scope, qualified
from poolcheck.source import Span

_STARTING = re.compile(r"\bThread\s*\(|\.\s*(?:submit|map|run_in_executor)\s*\(|\bto_thread\s*\(")
_EXECUTORS = frozenset({"concurrent.futures.ThreadPoolExecutor", "concurrent.futures.thread.ThreadPoolExecutor"})
_PARTIAL = frozenset({"functools.partial"})


class Started(NamedTuple):
    """A function that a thread runs, and what has it run: the call in short, its place, and where it stands."""

    function: Definition
    title: str
    place: Span
    starter: Scope


def started_in(module: Module) -> Iterator[Started]:
    """The functions that a module has threads run, as far as it is certain which they are."""
    if not module.has(_STARTING):
        return
    for piece in module.mentioning(_STARTING):
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            for call, scope, _ in calls_in(statement, Scope(module, tree, owner=owner)):
                if found := _started(call, scope):
                    yield found


def _started(call: cst.Call, scope: Scope) -> Started | None:
    target = _target(call, scope)
    if isinstance(target, cst.Call) and qualified(target.func, scope) in _PARTIAL and target.args:
        target = target.args[0].value
    functions = [*functions_called(target, scope)] if target else []
    if len(functions) != 1:
        return None
    return Started(functions[0], f"{last_name(call.func)}()", scope.span(call.func), scope)


def _target(call: cst.Call, scope: Scope) -> cst.BaseExpression | None:
    """What a call has a thread run."""
    name = last_name(call.func)
    if name == "Thread" and qualified(call.func, scope) == "threading.Thread":
        return passed(call, "target", 1).node
    if name == "to_thread" and qualified(call.func, scope) == "asyncio.to_thread":
        return passed(call, None, 0).node
    if not isinstance(call.func, cst.Attribute):
        return None
    if name in {"map", "submit"} and _is_executor(call.func.value, scope):
        return passed(call, "fn", 0).node
    executor = passed(call, "executor", 0).node if name == "run_in_executor" else None
    is_of_threads = isinstance(executor, cst.Name) and executor.value == "None"
    if executor and (is_of_threads or _is_executor(executor, scope)):
        return passed(call, "func", 1).node
    return None


def _is_executor(node: cst.BaseExpression, scope: Scope) -> bool:
    """Whether an object is made by the class of executors that have threads."""
    found = definitions(node, scope).definitions
    values = [(each.node.item if isinstance(each.node, cst.WithItem) else each.node, each.scope) for each in found]
    return bool(values) and all(
        isinstance(value, cst.Call) and qualified(value.func, around) in _EXECUTORS for value, around in values
    )
