"""Calls that run at the same time as one another: children of gather() and task groups, functions in threads."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.pools.uses import calls_in
from poolcheck.read.python.syntax.bindings import bound_in, inside, last_name
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.names import definitions
from poolcheck.read.python.values.scope import Class, Scope, qualified
from poolcheck.source import Span

_WORDS = ("gather", "create_task", "start_soon", "ensure_future", "submit", "Thread")
_MENTION = re.compile("|".join(rf"{word}(?<!\w{word})\b" for word in _WORDS))
"""To look back from each word takes a third of the time that `\\b` takes at every character."""
_GATHERS = frozenset({"asyncio.gather", "asyncio.tasks.gather"})
_WRAPPERS = frozenset(
    {
        "asyncio.create_task",
        "asyncio.ensure_future",
        "asyncio.shield",
        "asyncio.tasks.create_task",
        "asyncio.wait_for",
    }
)
_GROUPS = frozenset({"anyio.create_task_group", "asyncio.TaskGroup", "asyncio.taskgroups.TaskGroup"})
_EXECUTORS = frozenset({"concurrent.futures.ThreadPoolExecutor", "concurrent.futures.thread.ThreadPoolExecutor"})
_THREADS = frozenset({"threading.Thread"})
_STARTING = frozenset({"Thread", "create_task", "start_soon", "submit"})
_LOOPS = (cst.For, cst.While)
_COMPREHENSIONS = (cst.GeneratorExp, cst.ListComp, cst.SetComp)
MOST_STEPS = 4


class Child(NamedTuple):
    """A call that runs beside others, and its scope; `loop` is what has several of it run."""

    func: cst.BaseExpression
    args: Sequence[cst.Arg]
    scope: Scope
    loop: Span | None
    within: tuple[cst.CSTNode, ...] = ()


class Group(NamedTuple):
    """Calls that run at the same time, and what has them run, in short and by its place."""

    title: str
    place: Span
    start: int
    is_threads: bool
    children: tuple[Child, ...]


def groups_in(module: Module) -> Iterator[Group]:
    """What runs at the same time in the functions of a module."""
    if not module.has(_MENTION):
        return
    for piece in module.mentioning(_MENTION):
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            calls = [*calls_in(statement, Scope(module, tree, owner=owner))]
            gathered: set[cst.CSTNode] = set()
            for call, scope, _ in calls:
                if last_name(call.func) == "gather" and qualified(call.func, scope) in _GATHERS:
                    found = tuple(_gathered(call, scope, gathered))
                    place = scope.span(call.func)
                    yield Group("gather()", place, place.start, is_threads=False, children=found)
            yield from _started(calls, gathered)


def _gathered(call: cst.Call, scope: Scope, gathered: set[cst.CSTNode]) -> Iterator[Child]:
    for argument in call.args:
        if argument.keyword is None:
            yield from _coroutines(argument.value, scope, None, gathered, MOST_STEPS)


def _coroutines(
    node: cst.CSTNode, scope: Scope, loop: Span | None, gathered: set[cst.CSTNode], steps: int
) -> Iterator[Child]:
    """The calls that an expression is, or is a list of."""
    if not steps:
        return
    if isinstance(node, cst.Call):
        gathered.add(node)
        yield from _coroutines_of(node, scope, loop, gathered, steps)
        return
    match node:
        case cst.ListComp(elt=elt) | cst.GeneratorExp(elt=elt) | cst.SetComp(elt=elt):
            yield from _coroutines(elt, scope, scope.span(node), gathered, steps - 1)
        case cst.List(elements=elements) | cst.Tuple(elements=elements):
            for element in elements:
                yield from _coroutines(element.value, scope, loop, gathered, steps - 1)
        case cst.BinaryOperation(left=left, operator=cst.Add(), right=right):
            yield from _coroutines(left, scope, loop, gathered, steps - 1)
            yield from _coroutines(right, scope, loop, gathered, steps - 1)
        case cst.Name(value=name) if scope.functions and name in bound_in(scope.functions[-1]):
            yield from _collected(name, node, scope, gathered, steps - 1)
        case _:
            pass


def _coroutines_of(
    call: cst.Call, scope: Scope, loop: Span | None, gathered: set[cst.CSTNode], steps: int
) -> Iterator[Child]:
    """The call itself, or what it makes a task or a list of."""
    name = qualified(call.func, scope)
    is_task = name in _WRAPPERS or (name is None and last_name(call.func) in {"create_task", "ensure_future"})
    if is_task or (name in {"list", "tuple"} and call.args):
        for argument in call.args[:1]:
            yield from _coroutines(argument.value, scope, loop, gathered, steps - 1)
    else:
        yield Child(call.func, call.args, scope, loop)


def _collected(name: str, node: cst.Name, scope: Scope, gathered: set[cst.CSTNode], steps: int) -> Iterator[Child]:
    """What a function puts into a list of its own."""
    for bound in definitions(node, scope).definitions:
        if isinstance(bound.node, cst.BaseExpression):
            yield from _coroutines(bound.node, bound.scope, None, gathered, steps)
    function = scope.functions[-1]
    loops = [scope.span(each) for each in inside(function) if isinstance(each, _LOOPS)]
    for call in inside(function):
        if isinstance(call, cst.Call) and len(call.args) == 1 and _is_put_into(name, call):
            place = scope.span(call)
            around = [span for span in loops if span.start <= place.start and place.end <= span.end]
            loop = min(around, key=lambda span: span.end - span.start, default=None)
            yield from _coroutines(call.args[0].value, scope, loop, gathered, steps)


def _is_put_into(name: str, call: cst.Call) -> bool:
    """Whether a call puts something into a list."""
    match call.func:
        case cst.Attribute(value=cst.Name(value=own), attr=cst.Name("append" | "extend")):
            return own == name
        case _:
            return False


def _started(
    calls: Sequence[tuple[cst.Call, Scope, tuple[cst.CSTNode, ...]]], gathered: set[cst.CSTNode]
) -> Iterator[Group]:
    """Tasks of a task group, tasks that a loop makes, and functions that are handed to threads."""
    groups: dict[tuple[str, int], list[tuple[Child, Span]]] = {}
    for call, scope, around in calls:
        if call in gathered or not scope.functions or last_name(call.func) not in _STARTING:
            continue
        for title, owner, child in _starting(call, scope, around):
            groups.setdefault((title, owner), []).append((child, scope.span(call.func)))
    for (title, _), found in groups.items():
        children_of = tuple(child for child, _ in found)
        yield Group(title, found[-1][1], found[0][1].start, title in {"submit()", "Thread()"}, children_of)


def _starting(call: cst.Call, scope: Scope, around: tuple[cst.CSTNode, ...]) -> Iterator[tuple[str, int, Child]]:
    """What a call starts to run beside others, with what it is called, and which others those are."""
    inner = around[: next((at for at, each in enumerate(around) if isinstance(each, cst.FunctionDef)), None)]
    repeating = next((each for each in inner if isinstance(each, (*_LOOPS, *_COMPREHENSIONS))), None)
    loop = scope.span(repeating) if repeating else None
    if repeating is not None and _is_waited_for(around, scope.span(repeating), scope):
        return
    function = id(scope.functions[-1])
    name, method = qualified(call.func, scope), last_name(call.func)
    if name in _THREADS:
        yield from (("Thread()", function, child) for child in _in_thread(call, scope, loop))
        return
    if not isinstance(call.func, cst.Attribute) or not call.args:
        return
    if method == "submit" and _is_made_by(call.func.value, scope, _EXECUTORS) and not _is_alone(call, scope):
        yield "submit()", function, Child(call.args[0].value, call.args[1:], scope, loop)
    elif method in {"create_task", "start_soon"}:
        first = call.args[0].value
        if _is_made_by(call.func.value, scope, _GROUPS):
            manager = next((id(each) for each in inner if isinstance(each, cst.With)), 0)
            if method == "start_soon":
                yield "start_soon()", manager, Child(first, call.args[1:], scope, loop)
            elif isinstance(first, cst.Call):
                yield "create_task()", manager, Child(first.func, first.args, scope, loop)
        elif name in _WRAPPERS and isinstance(first, cst.Call) and loop:
            yield "create_task()", id(repeating), Child(first.func, first.args, scope, loop)


def _in_thread(call: cst.Call, scope: Scope, loop: Span | None) -> Iterator[Child]:
    """What a thread is made to call."""
    if target := _argument(call, "target", 1):
        handed = _argument(call, "args", 3)
        args = [cst.Arg(each.value) for each in handed.elements] if isinstance(handed, cst.Tuple) else []
        yield Child(target, args, scope, loop)


def _is_waited_for(around: tuple[cst.CSTNode, ...], loop: Span, scope: Scope) -> bool:
    """Whether a round of a loop waits for what it starts, so that there is one at a time."""
    code = scope.module.masked.text[loop.start : loop.end]
    match around[:1]:
        case (cst.Await() | cst.Attribute(attr=cst.Name("result")),):
            return True
        case (cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]),):
            waits = rf"\bawait\s+(?:[\w.]+\s*\(\s*)?{name}\b|\b{name}\s*\.\s*(?:join|result)\s*\("
            return re.search(waits, code) is not None
        case _:
            return False


def _is_alone(submit: cst.Call, scope: Scope) -> bool:
    """Whether the executor has one thread only."""
    for made in (
        definitions(submit.func.value, scope).definitions if isinstance(submit.func, cst.Attribute) else ()
    ):
        call = made.node.item if isinstance(made.node, cst.WithItem) else made.node
        if isinstance(call, cst.Call):
            workers = _argument(call, "max_workers", 0)
            return isinstance(workers, cst.Integer) and workers.value == "1"
    return False


def _argument(call: cst.Call, name: str, position: int) -> cst.BaseExpression | None:
    named = next((each.value for each in call.args if each.keyword and each.keyword.value == name), None)
    if named is not None or len(call.args) <= position or call.args[position].keyword:
        return named
    return call.args[position].value


def _is_made_by(node: cst.BaseExpression, scope: Scope, makers: frozenset[str]) -> bool:
    """Whether an object is made by one of these classes of libraries."""
    found = definitions(node, scope).definitions
    values = [each.node.item if isinstance(each.node, cst.WithItem) else each.node for each in found]
    return bool(found) and all(
        isinstance(value, cst.Call) and qualified(value.func, each.scope) in makers
        for value, each in zip(values, found, strict=True)
    )
