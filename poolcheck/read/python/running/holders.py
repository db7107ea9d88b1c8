"""Who has an engine, a pool or a connection when the function is done that made it or got it."""

from collections.abc import Sequence
from enum import StrEnum
from itertools import takewhile

import libcst as cst

from poolcheck.read.python.leaks.following.surroundings import Surroundings, surroundings
from poolcheck.read.python.leaks.following.words import BORROWING, DERIVING
from poolcheck.read.python.pools.uses import Placed
from poolcheck.read.python.syntax.arguments import order_of, passed
from poolcheck.read.python.syntax.bindings import bound_in, last_name_behind, parameters
from poolcheck.read.python.values.names import functions_called
from poolcheck.read.python.values.scope import Definition, Scope

MOST_LENDERS = 3
"""So many functions inside each other that are given an object are followed."""


class Holder(StrEnum):
    """Who has an object when the function is done that got it.

    `NOBODY`: it was only used there. `CALLER`: it is returned. `USER`: something is returned that uses it, such as
    a session. `OTHERS`: it is stored or handed on, or that is not certain. `CLOSED`: it was closed.
    """

    NOBODY = "nobody"
    CALLER = "caller"
    USER = "user"
    OTHERS = "others"
    CLOSED = "closed"


def holder_of(made: Placed) -> Holder:
    """Who has the object that a call in a function makes, when the function is done."""
    return holder(made.call, made.around, made.scope)


CLOSING = frozenset(
    {"aclose", "close", "close_all", "closeall", "disconnect", "dispose", "shutdown", "terminate", "wait_closed"}
)
"""Methods that close what an engine or a pool has opened."""


def holder(node: cst.CSTNode, around: Sequence[cst.CSTNode], scope: Scope, *, is_user: bool = False) -> Holder:
    """Who has the value of a node, or what `is_user` of the object, with the nodes around it, inmost first."""
    function = scope.functions[-1] if scope.functions else None
    if function is None:
        return Holder.OTHERS
    inside = takewhile(lambda each: each is not function, around)
    if any(isinstance(each, _DOUBTFUL) for each in inside):
        return Holder.OTHERS
    return _Following(function, scope).of(node, is_derived=is_user)


_DOUBTFUL = (cst.BaseComp, cst.BooleanOperation, cst.CompFor, cst.IfExp, cst.Lambda)
"""What is around an object that is made later, or not always, or many times."""


class _Following:
    """What is done with an object in a function, under all names that it gets there."""

    def __init__(self, function: cst.FunctionDef, scope: Scope, depth: int = 0) -> None:
        self._function = function
        self._scope = scope
        self._depth = depth
        self._around: Surroundings = surroundings(function)
        self._seen: set[str] = set()

    def of(self, node: cst.CSTNode, *, is_derived: bool = False) -> Holder:
        """Who has the value of an expression in the end."""
        parent = self._around.parent(node)
        match parent:
            case cst.Await() | cst.BooleanOperation():
                return self.of(parent, is_derived=is_derived)
            case cst.IfExp(test=test):
                return Holder.NOBODY if test is node else self.of(parent, is_derived=is_derived)
            case cst.Return():
                return Holder.USER if is_derived else Holder.CALLER
            case cst.WithItem(asname=asname):
                return self._of_with(asname, is_derived=is_derived)
            case (
                cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))])
                | cst.AnnAssign(target=cst.Name(value=name))
                | cst.NamedExpr(target=cst.Name(value=name))
            ):
                return self.of_name(name, is_derived=is_derived)
            case cst.Attribute(attr=cst.Name(value=name)) if parent.value is node:
                return self._of_attribute(parent, name, is_derived=is_derived)
            case cst.Arg():
                return self._of_argument(parent)
            case cst.Call(func=func) if func is node:
                return self.of(parent, is_derived=True)
            case cst.CompFor() | cst.Subscript():
                return Holder.NOBODY if is_derived else Holder.OTHERS
            case _:
                return Holder.NOBODY if isinstance(parent, _LOOKING) else Holder.OTHERS

    def of_name(self, name: str, *, is_derived: bool) -> Holder:
        """Who has what a local variable is given."""
        bound = bound_in(self._function).get(name)
        if bound is None or any(isinstance(each, cst.Param) for each in bound):
            return Holder.OTHERS
        if name in self._seen:
            return Holder.NOBODY
        self._seen.add(name)
        found = {self._of_use(node, is_derived=is_derived) for node in self._around.names.get(name, ())}
        return next((each for each in _STRONGEST if each in found), Holder.NOBODY)

    def _of_use(self, node: cst.Name | cst.Attribute, *, is_derived: bool) -> Holder:
        parent = self._around.parent(node)
        match parent:
            case cst.AssignTarget() | cst.AsName() | cst.AnnAssign(target=cst.Name()) if _is_target(node, parent):
                return Holder.NOBODY
            case cst.Arg(keyword=keyword) if keyword is node:
                return Holder.NOBODY
            case cst.Attribute(attr=attr) if attr is node:
                return Holder.NOBODY
            case cst.NamedExpr(target=target) if target is node:
                return Holder.NOBODY
            case _:
                pass
        for each in self._around.ancestors(node):
            if each is self._function:
                break
            if isinstance(each, cst.FunctionDef | cst.Lambda | cst.ClassDef):
                return Holder.OTHERS
        return self.of(node, is_derived=is_derived)

    def _of_with(self, asname: cst.AsName | None, *, is_derived: bool) -> Holder:
        """Of what a `with` statement enters: a pool is closed by it, a session or connection gives itself back."""
        if not is_derived:
            return Holder.CLOSED
        if asname and isinstance(asname.name, cst.Name):
            return self.of_name(asname.name.value, is_derived=True)
        return Holder.NOBODY

    def _of_attribute(self, attribute: cst.Attribute, name: str, *, is_derived: bool) -> Holder:
        called = self._around.parent(attribute)
        if isinstance(called, cst.AssignTarget):
            return Holder.NOBODY
        if not isinstance(called, cst.Call) or called.func is not attribute:
            # `engine.sync_engine`, `engine.url`; or a method that somebody is to call.
            return self.of(attribute, is_derived=True)
        if name == "dispose" or (name in CLOSING and not is_derived):
            return Holder.CLOSED
        # What else a session or a connection is asked for are values.
        return self.of(called, is_derived=True) if name in _OPENING else Holder.NOBODY

    def _of_argument(self, argument: cst.Arg) -> Holder:
        call = self._around.parent(argument)
        if not isinstance(call, cst.Call):
            return Holder.OTHERS
        name = last_name_behind(call.func)
        if argument.star or name in _KEEPING:
            return Holder.OTHERS
        if name in {"aclosing", "closing"}:
            return Holder.CLOSED
        if name in DERIVING or name in _WRAPPING:
            return self.of(call, is_derived=True)
        if name in BORROWING or name in _BORROWING:
            return Holder.NOBODY
        return self._of_lent(call, argument)

    def _of_lent(self, call: cst.Call, argument: cst.Arg) -> Holder:
        """Of what a function of the project is given."""
        functions = [*functions_called(call.func, self._scope)] if self._depth < MOST_LENDERS else []
        found = {_lent_to(each, call, argument, self._depth + 1) for each in functions}
        if not found or Holder.OTHERS in found:
            return Holder.OTHERS
        if found & {Holder.CALLER, Holder.USER}:
            return self.of(call, is_derived=True)
        return Holder.CLOSED if Holder.CLOSED in found else Holder.NOBODY


_STRONGEST = (Holder.OTHERS, Holder.CLOSED, Holder.CALLER, Holder.USER)
_OPENING = frozenset(
    {
        "begin", "bind", "configure", "connect", "cursor", "execute", "execution_options", "get_bind",
        "raw_connection", "session", "transaction",
    }
)  # fmt: skip
"""Methods whose value has the engine, or the connection, still."""
_LOOKING = (
    cst.Assert, cst.Comparison, cst.ComparisonTarget, cst.Del, cst.Expr, cst.For, cst.FormattedStringExpression,
    cst.If, cst.UnaryOperation, cst.While, cst.Yield,
)  # fmt: skip
"""What is around an expression that is only looked at, or lent."""
_WRAPPING = frozenset({"MetaData", "SQLDatabase", "Database", "AsyncConnection", "create_session", "PGVector"})
_BORROWING = frozenset(
    {
        "bind", "create_all", "create_database", "database_exists", "drop_all", "drop_database", "has_table",
        "init_beanie", "instrument", "listen", "listens_for", "read_sql", "read_sql_query", "read_sql_table",
        "reflect", "run_sync", "to_sql",
    }
)  # fmt: skip
"""More functions that use an engine and do not keep it."""
_KEEPING = frozenset({"add", "append", "callback", "partial", "put", "register", "set", "setattr", "setdefault"})


def _is_target(node: cst.CSTNode, parent: cst.CSTNode) -> bool:
    return not isinstance(parent, cst.AnnAssign) or parent.target is node


def _lent_to(function: Definition, call: cst.Call, argument: cst.Arg, depth: int) -> Holder:
    """Who has what a function of the project is given, when the function is done."""
    node, scope = function
    name = _parameter_of(node, scope, call, argument) if isinstance(node, cst.FunctionDef) else None
    if name is None or not isinstance(node, cst.FunctionDef):
        return Holder.OTHERS
    return _Lent(node, scope.inside(node), depth).of_parameter(name)


def _parameter_of(function: cst.FunctionDef, scope: Scope, call: cst.Call, argument: cst.Arg) -> str | None:
    """The parameter that an argument is passed as."""
    inner = scope.inside(function)
    for parameter in parameters(function):
        order = order_of(parameter, function, call, is_method=inner.is_method)
        if passed(call, *order).node is argument.value:
            return parameter.name.value
    return None


class _Lent(_Following):
    """What is done with what a function is given."""

    def of_parameter(self, name: str) -> Holder:
        """Who has it besides the caller."""
        self._seen.add(name)
        found = {self._of_use(node, is_derived=False) for node in self._around.names.get(name, ())}
        return next((each for each in _STRONGEST if each in found), Holder.NOBODY)

    def _of_use(self, node: cst.Name | cst.Attribute, *, is_derived: bool) -> Holder:
        if isinstance(self._around.parent(node), cst.Param):
            return Holder.NOBODY
        return super()._of_use(node, is_derived=is_derived)
