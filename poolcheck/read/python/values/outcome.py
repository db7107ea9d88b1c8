"""What a function returns, branch by branch."""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import TypeAlias

import libcst as cst

from poolcheck.read.python.syntax.bindings import inside
from poolcheck.read.python.values.flow import Worth
from poolcheck.read.python.values.scope import Scope
from poolcheck.value import Either, Known, Places, Unknown, Value, compute, either

MOST_ENDS = 64
MOST_TURNS = 8
"""A function of more ways through it, or a loop of more turns, is not followed."""


class _End(Enum):
    """How statements end that return nothing: they go on, or an exception is raised."""

    ON = auto()
    RAISED = auto()


_Result: TypeAlias = Value | _End


def outcome(function: cst.FunctionDef, scope: Scope, worth: Worth) -> Value:
    """What a function is worth that is called; `scope` is that of its statements."""
    place = (scope.span(function.name),)
    if any(isinstance(node, cst.Yield) for node in inside(function)):
        return Unknown(place)
    body = function.body.body if isinstance(function.body, cst.IndentedBlock) else [function.body]
    result = _Ways(worth, place).of([*_steps(body, scope)])
    if result is _End.ON:
        return Known(None, place)
    return Unknown(place) if isinstance(result, _End) else result


_Step: TypeAlias = tuple[cst.CSTNode, Scope]
"""A statement, and the scope that it is to be read in."""


class _Ways:
    """The ways through a function."""

    def __init__(self, worth: Worth, place: Places) -> None:
        self._worth = worth
        self._place = place
        self._left = MOST_ENDS

    def of(self, steps: Sequence[_Step]) -> _Result:
        """How statements end."""
        self._left -= 1
        if self._left < 0:
            return Unknown(self._place)
        for at, (statement, scope) in enumerate(steps):
            rest = steps[at + 1 :]
            match statement:
                case cst.Return(value=value):
                    return self._worth(value, scope) if value else Known(None, self._place)
                case cst.Raise():
                    return _End.RAISED
                case cst.SimpleStatementLine(body=body) | cst.SimpleStatementSuite(body=body):
                    if any(isinstance(each, cst.Return | cst.Raise) for each in body):
                        return self.of([*_steps(body, scope), *rest])
                case _ if _leaves(statement):
                    return self._behind(statement, scope, rest)
                case _:
                    pass
        return _End.ON

    def _behind(self, statement: cst.CSTNode, scope: Scope, rest: Sequence[_Step]) -> _Result:
        """How a statement that may return ends, with what follows it where it does not."""

        def on(*blocks: cst.CSTNode | None) -> _Result:
            return self.of([*(step for block in blocks for step in _steps(_body(block), scope)), *rest])

        match statement:
            case cst.If(test=test, body=body, orelse=orelse):
                return self._either_way(test, scope, on(body), on(orelse))
            case cst.With(body=body):
                return on(body)
            case cst.Try(body=body, orelse=orelse, handlers=handlers, finalbody=None):
                return self._one_of([on(body, orelse), *map(on, handlers)])
            case cst.For(
                target=cst.Name(value=name), iter=cst.Tuple() | cst.List() as listed, body=body, orelse=None
            ):
                # What is gone through is written out, so it can be gone through here.
                turns = [
                    (step, scope._replace(values=(*scope.values, (name, self._worth(element.value, scope)))))
                    for element in listed.elements[:MOST_TURNS]
                    for step in _body(body)
                ]
                return self.of([*turns, *rest]) if len(listed.elements) <= MOST_TURNS else Unknown(self._place)
            case cst.For(body=body) | cst.While(body=body):
                found = [node for node in inside(body) if isinstance(node, cst.Return | cst.Raise)]
                return self._one_of([*(self.of([(node, scope)]) for node in found), self.of(rest)])
            case _:
                return Unknown(self._place)

    def _either_way(self, test: cst.BaseExpression, scope: Scope, then: _Result, otherwise: _Result) -> _Result:
        if then is otherwise:
            return then
        decision = self._worth(test, scope)
        if isinstance(decision, Unknown | Either) and (then is _End.RAISED or otherwise is _End.RAISED):
            return otherwise if then is _End.RAISED else then
        return compute("if", [decision, self._valued(then), self._valued(otherwise)], ())

    def _one_of(self, ways: Sequence[_Result]) -> _Result:
        """One of several ways, of which it is not known which it is."""
        ends = [way for way in ways if way is not _End.RAISED]
        if all(end is _End.ON for end in ends):
            return _End.ON if ends else _End.RAISED
        return either(map(self._valued, ends), ())

    def _valued(self, result: _Result) -> Value:
        if result is _End.ON:
            return Known(None, self._place)
        return Unknown(self._place) if isinstance(result, _End) else result


def _steps(statements: Iterable[cst.CSTNode], scope: Scope) -> Iterator[_Step]:
    return ((statement, scope) for statement in statements)


def _leaves(statement: cst.CSTNode) -> bool:
    """Whether a statement may return or raise."""
    if isinstance(statement, cst.FunctionDef | cst.ClassDef):
        return False
    return any(isinstance(node, cst.Return | cst.Raise) for node in inside(statement))


def _body(block: cst.CSTNode | None) -> list[cst.CSTNode]:
    """The statements of a block; an `elif` is one of its own."""
    match block:
        case cst.IndentedBlock(body=body):
            return [*body]
        case cst.If():
            return [block]
        case cst.Else(body=body) | cst.ExceptHandler(body=body):
            return _body(body)
        case cst.SimpleStatementSuite():
            return [block]
        case _:
            return []
