"""What a parameter stands for: the expressions whose values FastAPI, an event, a pool or the callers give it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.pools.client_pools import constructor_called
from poolcheck.read.python.syntax.arguments import order_of, passed
from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.names import definitions, parameters_given
from poolcheck.read.python.values.scope import Definition, Scope, Trail, qualified

_CALLED_BACK = frozenset({"after_connect", "configure", "init", "on_connect", "setup"})
"""Arguments that name a function which is called with each new connection."""
_TELLING = re.compile(rf"\blisten\s*\(|\b(?:{'|'.join(sorted(_CALLED_BACK))})\s*=")


class Handed(NamedTuple):
    """An expression whose value a parameter is given.

    Where it `is_provider` it names a function, and the value is what that hands out. `event` is what has the
    parameter's function called: an event of SQLAlchemy's, or `connect` for what a pool does to new connections.
    """

    node: cst.BaseExpression
    scope: Scope
    is_provider: bool = False
    event: str | None = None


def handed_in(parameter: cst.Param, scope: Scope, trail: Trail) -> Iterator[Handed]:
    """What a parameter of the inmost function of a scope is given, as far as it is seen."""
    function, outside = scope.functions[-1], scope.outside
    if depended := _dependency(parameter, outside, trail):
        node, around = depended
        yield Handed(node, around, is_provider=True)
    elif listened := _listened_to(function, outside):
        yield listened
    elif maker := _calling_back(function, scope):
        yield maker
    else:
        yield from _passed(parameter, scope, trail)


def _dependency(parameter: cst.Param, scope: Scope, trail: Trail) -> tuple[cst.BaseExpression, Scope] | None:
    """What FastAPI calls for a parameter: `db = Depends(get_db)`, `db: Annotated[Session, Depends(get_db)]`."""
    candidates = [(parameter.default, scope)] if parameter.default else []
    annotation = parameter.annotation.annotation if parameter.annotation else None
    types = [(annotation, scope)]
    if isinstance(annotation, cst.Name | cst.Attribute):
        found = definitions(annotation, scope, trail).definitions
        types = [(each.node, each.scope) for each in found if isinstance(each.node, cst.BaseExpression)]
    for each, there in types:
        if isinstance(each, cst.Subscript):
            inner = [part.slice.value for part in each.slice if isinstance(part.slice, cst.Index)]
            candidates += [(part, there) for part in inner[1:]]
    for each, there in candidates:
        if isinstance(each, cst.Call) and each.args and _last_name(each.func) in {"Depends", "Security"}:
            return each.args[0].value, there
    return None


def _listened_to(function: cst.FunctionDef, scope: Scope) -> Handed | None:
    """Whose event it is that a function is decorated to be called at: `@event.listens_for(engine, "connect")`."""
    for decorator in function.decorators:
        if isinstance(decorator.decorator, cst.Call) and (found := _event(decorator.decorator, scope)):
            return found
    return None


def _event(call: cst.Call, scope: Scope) -> Handed | None:
    """The object of SQLAlchemy's whose event is listened to by a call of `listens_for` or `listen`."""
    match call.args:
        case [target, cst.Arg(value=cst.SimpleString(evaluated_value=str() as name)), *_] if _last_name(
            call.func
        ) in {"listen", "listens_for"} and "sqlalchemy" in (qualified(call.func, scope) or ""):
            return Handed(target.value, scope, event=name)
        case _:
            return None


def _calling_back(function: cst.FunctionDef, scope: Scope) -> Handed | None:
    """What is told to call a function: `create_pool(…, init=function)`, `listen(engine, "connect", function)`."""
    name = function.name.value
    for piece in scope.module.mentioning(re.compile(rf"[=,]\s*(?:\w+\s*\.\s*)*{re.escape(name)}\b(?!\s*[(.\[=])")):
        if not _TELLING.search(scope.module.code(piece)):
            continue
        for tree, statement in scope.module.statements(piece):
            around = Scope(scope.module, tree)
            for call in walk(statement):
                if isinstance(call, cst.Call) and (argument := _told(name, call)):
                    is_pools = argument.keyword and argument.keyword.value in _CALLED_BACK
                    if is_pools and constructor_called(call, around):
                        return Handed(call, around, event="connect")
                    if not is_pools and (found := _event(call, around)):
                        return found
    return None


def _told(name: str, call: cst.Call) -> cst.Arg | None:
    """The argument of a call that is a function of a name."""
    return next((each for each in call.args if _last_name(each.value) == name), None)


def _passed(parameter: cst.Param, scope: Scope, trail: Trail) -> Iterator[Handed]:
    """What the calls of the function pass."""
    for call in parameters_given(Definition(parameter, scope), trail).found:
        order = order_of(parameter, scope.functions[-1], call.node, is_method=scope.is_method)
        if given := passed(call.node, *order).node:
            yield Handed(given, call.scope)


def _last_name(node: cst.CSTNode) -> str:
    return (dotted(node) or "").rpartition(".")[2]
