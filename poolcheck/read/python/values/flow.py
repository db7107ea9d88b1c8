"""What a name is worth at a place, as the statements before it make it, one by one and branch by branch."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import libcst as cst

from poolcheck.read.python.syntax.bindings import bound_in, inside, names_bound
from poolcheck.read.python.syntax.bound import bound_at_top
from poolcheck.read.python.syntax.slices import Kind
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.scope import Scope
from poolcheck.source import Span
from poolcheck.value import Either, Table, Unknown, Value, compute, either, options_of

Worth: TypeAlias = Callable[[cst.CSTNode, Scope], Value]
"""What an expression, or what else binds a name, is worth in a scope."""


class _NotStraight(Exception):
    """The statements bind the name in a way that is not followed."""


class _State(NamedTuple):
    """What the name is worth behind some statements, None where it is not bound.

    It `is_there` where the place was reached, and the statements have an `end` where they return or raise.
    """

    value: Value | None
    is_there: bool = False
    end: str = ""


def value_at(name: cst.Name, scope: Scope, worth: Worth) -> Value | None:
    """What a name is worth where it stands; None where that is to be told from all that binds it."""
    if any(word == name.value for word, _ in scope.values):
        return dict(scope.values)[name.value]
    try:
        if scope.functions:
            return _in_function(name, scope, worth)
        return None if scope.owner else _at_top(name, scope, worth)
    except _NotStraight:
        return None


def _in_function(name: cst.Name, scope: Scope, worth: Worth) -> Value | None:
    function = scope.functions[-1]
    bound = bound_in(function).get(name.value, ())
    if len(bound) < 2 or None in bound:
        return None
    parameter = next((each for each in bound if isinstance(each, cst.Param)), None)
    value = worth(parameter, scope._replace(values=())) if parameter else None
    if value and any(isinstance(option, Table) for option in options_of(value)):
        return None
    state = _Flow(name.value, scope.span(name), worth).block(function.body, value, scope._replace(values=()))
    return state.value if state.is_there else None


def value_behind(name: str, value: Value | None, scope: Scope, worth: Worth) -> Value | None:
    """What a name is worth behind the function that a scope is inside of; None where that is not told so."""
    state = _run_whole(name, value, scope, worth)
    return state.value if state and not state.end else None


def _run_whole(name: str, value: Value | None, scope: Scope, worth: Worth) -> "_State | None":
    function = scope.functions[-1]
    if any(isinstance(node, cst.Return) and node.value is None for node in inside(function)):
        return None
    try:
        state = _Flow(name, None, worth).block(function.body, value, scope)
    except _NotStraight:
        return None
    # A validator returns its object.
    return state._replace(end="") if state.end == "return" else state


def _at_top(name: cst.Name, scope: Scope, worth: Worth) -> Value | None:
    module = scope.module
    bound = bound_at_top(name.value, module)
    is_odd = any(each.function or each.bound is None for each in bound) or module.imported(name.value)
    if len(bound) < 2 or is_odd:
        return None
    statements = [
        (statement, Scope(module, tree))
        for piece in module.naming(name.value)
        if piece.kind in {Kind.STATEMENT, Kind.FILE} and not piece.scope
        for tree, statement in module.statements(piece)
    ]
    state = _Flow(name.value, scope.span(name), worth).run(statements, None)
    return state.value if state.is_there else None


class _Flow:
    """The way through statements to the place of a name, or to their end."""

    def __init__(self, name: str, place: Span | None, worth: Worth) -> None:
        self._name = name
        self._place = place
        self._worth = worth

    def run(self, statements: Sequence[tuple[cst.BaseStatement, Scope]], value: Value | None) -> _State:
        """What is known behind statements."""
        for statement, scope in statements:
            state = self._behind(statement, value, scope)
            if state.is_there or state.end:
                return state
            value = state.value
        return _State(value)

    def block(self, body: cst.BaseSuite, value: Value | None, scope: Scope) -> _State:
        """What is known behind a block."""
        statements = [(statement, scope) for statement in _statements(body.body)]
        if isinstance(body, cst.SimpleStatementSuite):
            return self._simple(body.body, value, scope)
        return self.run(statements, value)

    def _behind(self, statement: cst.BaseStatement, value: Value | None, scope: Scope) -> _State:
        """What is known behind a statement."""
        is_here = self._holds(statement, scope)
        binds = self._name in bound_in(statement)
        match statement:
            case cst.SimpleStatementLine(body=body):
                return self._simple(body, value, scope)
            case cst.If():
                return self._branches(statement, value, scope, is_here=is_here, binds=binds)
            case cst.With(items=items, body=body) if is_here or binds:
                if any(self._holds(item, scope) for item in items):
                    return _State(value, is_there=True)
                if any(self._name in bound_in(item) for item in items):
                    raise _NotStraight
                state = self.block(body, value, scope)
                # What is raised inside may end there.
                return state if is_here else state._replace(value=self._one_of(value, state.value), end="")
            case cst.Try() if is_here or binds:
                return self._attempt(statement, value, scope, is_here=is_here)
            case cst.For() | cst.While() if is_here and not binds:
                return _State(value, is_there=True)
            case _ if is_here or binds:
                raise _NotStraight
            case _:
                return _State(value)

    def _simple(self, statements: Sequence[cst.BaseSmallStatement], value: Value | None, scope: Scope) -> _State:
        for each in statements:
            if self._holds(each, scope):
                return _State(value, is_there=True)
            if isinstance(each, cst.Return | cst.Raise | cst.Continue | cst.Break):
                return _State(value, end="raise" if isinstance(each, cst.Raise) else "return")
            if self._name in bound_in(each):
                value = self._bound(each, value, scope)
        return _State(value)

    def _bound(self, statement: cst.BaseSmallStatement, value: Value | None, scope: Scope) -> Value:
        bound = [bound for name, bound in names_bound(statement) if name == self._name]
        if len(bound) != 1 or bound[0] is None:
            raise _NotStraight
        found = self._worth(bound[0], self._knowing(scope, value))
        if any(isinstance(option, Table) for option in options_of(found)):
            # What is done to a dictionary is told by other means.
            raise _NotStraight
        return found

    def _branches(
        self, statement: cst.If, value: Value | None, scope: Scope, *, is_here: bool, binds: bool
    ) -> _State:
        if self._holds(statement.test, scope):
            return _State(value, is_there=True)
        if not is_here and not binds and not self._is_guard(statement):
            return _State(value)
        if any(isinstance(node, cst.NamedExpr) for node in walk(statement.test)):
            raise _NotStraight
        then = self.block(statement.body, value, scope)
        otherwise = _State(value)
        if isinstance(statement.orelse, cst.If):
            otherwise = self._behind(statement.orelse, value, scope)
        elif statement.orelse:
            otherwise = self.block(statement.orelse.body, value, scope)
        if then.is_there or otherwise.is_there:
            return then if then.is_there else otherwise
        return self._joined(statement, then, otherwise, self._knowing(scope, value))

    def _is_guard(self, statement: cst.If) -> bool:
        """Whether an `if` stops what cannot go on with the name as it is."""
        raises = any(isinstance(node, cst.Raise) for node in inside(statement))
        return raises and any(
            isinstance(node, cst.Name) and node.value == self._name for node in walk(statement.test)
        )

    def _joined(self, statement: cst.If, then: _State, otherwise: _State, scope: Scope) -> _State:
        if then.end and otherwise.end:
            return then if then.end == "return" else otherwise
        if "return" in {then.end, otherwise.end}:
            return otherwise if then.end else then
        if then.value is None or otherwise.value is None:
            return _State(then.value or otherwise.value)
        test = self._worth(statement.test, scope)
        place = (scope.span(statement.test),)
        if (then.end or otherwise.end) and isinstance(test, Unknown | Either):
            return otherwise if then.end else then
        parts = [Unknown(place) if state.end else state.value for state in (then, otherwise)]
        return _State(compute("if", [test, *(part for part in parts if part)], ()))

    def _attempt(self, statement: cst.Try, value: Value | None, scope: Scope, *, is_here: bool) -> _State:
        state = self.block(statement.body, value, scope)
        if state.is_there:
            return state
        if state.end == "" and statement.orelse:
            state = self.block(statement.orelse.body, state.value, scope)
            if state.is_there:
                return state
        ways = [state]
        before = self._one_of(value, state.value)
        for handler in statement.handlers:
            if handler.name and self._name in bound_in(handler):
                raise _NotStraight
            ways.append(self.block(handler.body, before, scope))
        here = next((way for way in ways if way.is_there), None)
        if here:
            return here
        left = [way.value for way in ways if not way.end]
        if is_here and statement.finalbody is None:
            raise _NotStraight
        after = _State(self._one_of(*left)) if left else ways[0]
        return self.block(statement.finalbody.body, after.value, scope) if statement.finalbody else after

    def _one_of(self, *values: Value | None) -> Value | None:
        known = [value for value in values if value is not None]
        return either(known, ()) if known else None

    def _holds(self, node: cst.CSTNode, scope: Scope) -> bool:
        piece = scope.tree.piece
        if (
            self._place is None
            or scope.tree.path != self._place.path
            or not piece.start <= self._place.start < piece.end
        ):
            return False
        span = scope.span(node)
        return span.start <= self._place.start and self._place.end <= span.end

    def _knowing(self, scope: Scope, value: Value | None) -> Scope:
        """The scope of an expression in which the name has its value."""
        others = tuple(each for each in scope.values if each[0] != self._name)
        return scope._replace(values=others if value is None else (*others, (self._name, value)))


def _statements(body: Sequence[cst.CSTNode]) -> Iterator[cst.BaseStatement]:
    return (statement for statement in body if isinstance(statement, cst.BaseStatement))
