"""The flow graph of a function: which statement may come after which, with and without an exception.

Built statement by statement from a list of what is left to do, so that no nesting is too deep for it. A `finally`
is copied for each way that leads through it (at its end, by an exception, by return, break and continue), and so
is what leaving a `with` statement does. In a `finally` inside of two others all ways share one copy: a graph is
never more than so many times as large as its source.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, auto
from functools import partial

import libcst as cst

from poolcheck.read.python.leaks.flow.handlers import catches_all
from poolcheck.read.python.leaks.flow.levels import level_of, matches_all
from poolcheck.read.python.leaks.flow.nodes import Edge, Graph, Kind, Node, Way
from poolcheck.read.python.syntax.bindings import dotted, last_name_behind


def graph_of(function: cst.FunctionDef) -> Graph:
    """The flow graph of a function's own statements."""
    return _Builder().graph(function.body)


class _Leaving(StrEnum):
    """How a statement can be left."""

    AT_ITS_END = auto()
    RAISE = auto()
    RETURN = auto()
    BREAK = auto()
    CONTINUE = auto()


@dataclass(eq=False, slots=True)
class _Layer:
    """What is around a statement and is passed, or reached, when the statement is left.

    `ends` are the nodes that it is reached by, for each way of leaving. What else there is tells what it does:
    `finalbody` is executed, and `item` left, in between; its other ways lead to what is `outer`. `after` is the
    node behind the statement that the layer belongs to. `depth` counts the copies of `finally` around it, and
    `handler` is the handler.
    """

    outer: "_Layer | None"
    ends: dict[_Leaving, int] = field(default_factory=dict[_Leaving, int])
    finalbody: cst.Finally | None = None
    item: cst.WithItem | None = None
    after: int | None = None
    depth: int = 0
    handler: cst.CSTNode | None = None
    merged: int | None = None


MOST_COPIED = 2
"""A `finally` inside so many others is not copied for each way through it."""

SWALLOWING = frozenset({"AsyncExitStack", "ExitStack", "assertRaises", "assertRaisesRegex", "raises", "suppress"})
"""Context managers that may end an exception."""

_ENDING = frozenset(
    {
        "exit", "os._exit", "os.abort", "os.execl", "os.execle", "os.execlp", "os.execv", "os.execve",
        "os.execvp", "os.execvpe", "parser.error", "parser.exit", "pytest.exit", "pytest.fail", "pytest.skip",
        "quit", "sys.exit",
    }
)  # fmt: skip
"""Functions that end the process, or the test."""


class _Builder:
    """A graph that is being built. What is left to do is done one after the other."""

    def __init__(self) -> None:
        self._kinds: list[Kind] = []
        self._syntax: list[cst.CSTNode | None] = []
        self._edges: list[list[Edge]] = []
        self._handlers: list[cst.CSTNode | None] = []
        self._left: list[Callable[[], None]] = []

    def graph(self, body: cst.BaseSuite) -> Graph:
        """The graph of a function with this body."""
        start, end, raised = self._new(Kind.ENTRY), self._new(Kind.END), self._new(Kind.RAISED)
        around = _Layer(None, {_Leaving.RETURN: end, _Leaving.RAISE: raised})
        self._block(body, start, end, around)
        while self._left:
            self._left.pop()()
        return Graph(self._finished())

    def _finished(self) -> tuple[Node, ...]:
        """The nodes without the joints that only lead on, in the order of the source as far as there is one."""
        targets = [self._beyond(at) for at in range(len(self._kinds))]
        for edges in self._edges:
            edges.sort(key=lambda edge: edge.way is Way.RAISE)
        kept: dict[int, int] = {}
        waiting = [0]
        while waiting:
            at = waiting.pop()
            if at not in kept:
                kept[at] = len(kept)
                waiting += [targets[edge.target] for edge in self._edges[at]][::-1]
        return tuple(
            Node(
                self._kinds[at],
                self._syntax[at],
                tuple(dict.fromkeys(Edge(kept[targets[edge.target]], edge.way) for edge in self._edges[at])),
                level_of(self._kinds[at], self._syntax[at]),
                self._handlers[at],
            )
            for at in kept
        )

    def _beyond(self, at: int) -> int:
        seen: set[int] = set()
        while self._kinds[at] is Kind.JOINT and len(self._edges[at]) == 1 and at not in seen:
            seen.add(at)
            at = self._edges[at][0].target
        return at

    def _new(self, kind: Kind = Kind.JOINT, syntax: cst.CSTNode | None = None, layer: _Layer | None = None) -> int:
        self._kinds.append(kind)
        self._syntax.append(syntax)
        self._edges.append([])
        self._handlers.append(layer.handler if layer else None)
        return len(self._kinds) - 1

    def _link(self, start: int, end: int, way: Way = Way.ON) -> None:
        self._edges[start].append(Edge(end, way))

    def _step(self, kind: Kind, syntax: cst.CSTNode, start: int, layer: _Layer) -> int:
        """A node that comes next, and that raises where its syntax may."""
        node = self._new(kind, syntax, layer)
        self._link(start, node)
        if level_of(kind, syntax):
            self._link(node, self._end(layer, _Leaving.RAISE), Way.RAISE)
        return node

    def _end(self, layer: _Layer, leaving: _Leaving) -> int:
        """The node that is reached when what is inside a layer is left."""
        while leaving not in layer.ends:
            if layer.finalbody is not None:
                layer.ends[leaving] = self._finally(layer, layer.finalbody, leaving)
            elif layer.item is not None:
                layer.ends[leaving] = self._leave(layer, layer.item, leaving)
            elif leaving is _Leaving.AT_ITS_END and layer.after is not None:
                return layer.after
            elif layer.outer is None:
                # What cannot be, such as a `break` outside of a loop.
                layer.ends[leaving] = layer.ends[_Leaving.RETURN]
            else:
                layer = layer.outer
        return layer.ends[leaving]

    def _beyond_layer(self, layer: _Layer, leaving: _Leaving, start: int, way: Way = Way.ON) -> None:
        """Links what was passed in a layer to where it leads."""
        outer = layer.outer
        if leaving is _Leaving.AT_ITS_END and layer.after is not None:
            self._link(start, layer.after, way)
        elif outer is not None:
            self._link(start, self._end(outer, leaving), way)

    def _finally(self, layer: _Layer, finalbody: cst.Finally, leaving: _Leaving) -> int:
        outer = layer.outer
        way = Way.RAISE if leaving is _Leaving.RAISE else Way.ON
        if layer.depth >= MOST_COPIED and layer.merged is not None:
            self._left.append(partial(self._beyond_layer, layer, leaving, layer.merged, way))
            return next(iter(layer.ends.values()))
        start, end = self._new(), self._new()
        around = _Layer(outer, depth=layer.depth + 1, handler=layer.handler)
        layer.merged = end
        self._left.append(partial(self._block, finalbody.body, start, end, around))
        self._left.append(partial(self._beyond_layer, layer, leaving, end, way))
        return start

    def _leave(self, layer: _Layer, item: cst.WithItem, leaving: _Leaving) -> int:
        node = self._new(Kind.LEAVE, item, layer)
        is_raising = leaving is _Leaving.RAISE
        self._left.append(partial(self._beyond_layer, layer, leaving, node, Way.RAISE if is_raising else Way.ON))
        if is_raising and last_name_behind(item.item) in SWALLOWING:
            self._left.append(partial(self._beyond_layer, layer, _Leaving.AT_ITS_END, node, Way.CAUGHT))
        elif not is_raising:
            self._left.append(partial(self._beyond_layer, layer, _Leaving.RAISE, node, Way.RAISE))
        return node

    def _block(self, body: cst.BaseSuite, start: int, end: int, layer: _Layer) -> None:
        """Links the statements of a block one behind the other."""
        for statement in _statements(body):
            after = self._new()
            self._statement(statement, start, after, layer)
            start = after
        self._link(start, end)

    def _statement(self, statement: cst.CSTNode, start: int, after: int, layer: _Layer) -> None:
        match statement:
            case cst.If():
                self._if(statement, start, after, layer)
            case cst.While():
                self._while(statement, start, after, layer)
            case cst.For():
                self._for(statement, start, after, layer)
            case cst.Try() | cst.TryStar():
                self._try(statement, start, after, layer)
            case cst.With():
                self._with(statement, start, after, layer)
            case cst.Match():
                self._match(statement, start, after, layer)
            case _:
                self._simple(statement, start, after, layer)

    def _simple(self, statement: cst.CSTNode, start: int, after: int, layer: _Layer) -> None:
        kind = Kind.TEST if isinstance(statement, cst.Assert) else Kind.STATEMENT
        node = self._step(kind, statement, start, layer)
        match statement:
            case cst.Return():
                self._link(node, self._end(layer, _Leaving.RETURN))
            case cst.Break():
                self._link(node, self._end(layer, _Leaving.BREAK))
            case cst.Continue():
                self._link(node, self._end(layer, _Leaving.CONTINUE))
            case cst.Assert():
                self._link(node, after, Way.YES)
            case cst.Raise():
                if _ends_process(statement.exc):
                    self._stop(node)
            case cst.Expr(value=value) if _ends_process(value):
                self._stop(node)
            case _:
                self._link(node, after)

    def _stop(self, node: int) -> None:
        self._edges[node].clear()
        self._link(node, self._new(Kind.STOPPED))

    def _if(self, statement: cst.If, start: int, after: int, layer: _Layer) -> None:
        branch: cst.If | cst.Else | None = statement
        while isinstance(branch, cst.If):
            node = self._step(Kind.TEST, branch.test, start, layer)
            then, start = self._new(), self._new()
            self._link(node, then, Way.YES)
            self._link(node, start, Way.NO)
            self._left.append(partial(self._block, branch.body, then, after, layer))
            branch = branch.orelse
        if branch:
            self._left.append(partial(self._block, branch.body, start, after, layer))
        else:
            self._link(start, after)

    def _while(self, loop: cst.While, start: int, after: int, layer: _Layer) -> None:
        node = self._step(Kind.TEST, loop.test, start, layer)
        self._loop(loop, node, after, layer, has_end=not is_always_true(loop.test))

    def _for(self, loop: cst.For, start: int, after: int, layer: _Layer) -> None:
        first = self._step(Kind.STATEMENT, loop.iter, start, layer)
        node = self._step(Kind.NEXT, loop, first, layer)
        self._loop(loop, node, after, layer, has_end=True)

    def _loop(self, loop: cst.For | cst.While, node: int, after: int, layer: _Layer, *, has_end: bool) -> None:
        ends = {_Leaving.BREAK: after, _Leaving.CONTINUE: node}
        around = _Layer(layer, ends, depth=layer.depth, handler=layer.handler)
        body, behind = self._new(), self._new()
        self._link(node, body, Way.YES)
        self._left.append(partial(self._block, loop.body, body, node, around))
        if has_end:
            self._link(node, behind, Way.NO)
        if loop.orelse:
            self._left.append(partial(self._block, loop.orelse.body, behind, after, layer))
        else:
            self._link(behind, after)

    def _try(self, statement: cst.Try | cst.TryStar, start: int, after: int, layer: _Layer) -> None:
        around = layer
        if statement.finalbody:
            around = _Layer(
                layer, finalbody=statement.finalbody, after=after, depth=layer.depth, handler=layer.handler
            )
        done = self._new()
        inner = around
        if statement.handlers:
            dispatch = self._new(Kind.DISPATCH, None, layer)
            inner = _Layer(around, {_Leaving.RAISE: dispatch}, depth=layer.depth, handler=layer.handler)
            self._left.append(partial(self._handlers_of, statement, dispatch, done, around))
        behind = self._new()
        self._left.append(partial(self._block, statement.body, start, behind, inner))
        if statement.orelse:
            self._left.append(partial(self._block, statement.orelse.body, behind, done, around))
        else:
            self._link(behind, done)
        self._left.append(partial(self._finish, done, after, around if statement.finalbody else None))

    def _finish(self, done: int, after: int, layer: _Layer | None) -> None:
        self._link(done, self._end(layer, _Leaving.AT_ITS_END) if layer else after)

    def _handlers_of(self, statement: cst.Try | cst.TryStar, dispatch: int, done: int, layer: _Layer) -> None:
        for handler in statement.handlers:
            around = _Layer(layer, depth=layer.depth, handler=handler)
            node = self._new(Kind.CATCH, handler, around)
            self._link(dispatch, node, Way.CAUGHT)
            self._block(handler.body, node, done, around)
        if not any(map(catches_all, statement.handlers)):
            self._link(dispatch, self._end(layer, _Leaving.RAISE), Way.RAISE)

    def _with(self, statement: cst.With, start: int, after: int, layer: _Layer) -> None:
        around = layer
        for at, item in enumerate(statement.items):
            start = self._step(Kind.ENTER, item, start, around)
            around = _Layer(
                around, item=item, after=None if at else after, depth=layer.depth, handler=layer.handler
            )
        done = self._new()
        self._left.append(partial(self._block, statement.body, start, done, around))
        self._left.append(partial(self._finish, done, after, around))

    def _match(self, statement: cst.Match, start: int, after: int, layer: _Layer) -> None:
        start = self._step(Kind.STATEMENT, statement.subject, start, layer)
        for case in statement.cases:
            node = self._step(Kind.TEST, case, start, layer)
            body, start = self._new(), self._new()
            self._link(node, body, Way.YES)
            self._left.append(partial(self._block, case.body, body, after, layer))
            if case.guard is None and matches_all(case.pattern):
                return
            self._link(node, start, Way.NO)
        self._link(start, after)


def is_always_true(test: cst.BaseExpression) -> bool:
    """Whether a loop's test never ends it."""
    return isinstance(test, cst.Name | cst.Integer) and test.value in {"True", "1"}


def _ends_process(value: cst.CSTNode | None) -> bool:
    match value:
        case cst.Call(func=func):
            return (dotted(func) or "") in _ENDING or dotted(func) == "SystemExit"
        case cst.Name(value="SystemExit"):
            return True
        case _:
            return False


def _statements(body: cst.BaseSuite) -> Sequence[cst.CSTNode]:
    """The statements of a block, those on one line one by one."""
    found: list[cst.CSTNode] = []
    for each in body.body:
        found += each.body if isinstance(each, cst.SimpleStatementLine) else [each]
    return found
