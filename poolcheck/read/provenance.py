"""Which library made the object that an expression stands for."""

from collections.abc import Iterable, Iterator, Mapping

import libcst as cst

from poolcheck.read.constructors import BY_NAME, Constructor
from poolcheck.read.names import (
    Definition,
    Scope,
    annotation_of,
    bound_in,
    definitions,
    functions_called,
    qualified,
    returned,
)
from poolcheck.read.pools import constructor_called

DEEPEST = 20
"""So many names and functions an object is followed through."""

_SYNC_ENGINE = BY_NAME["sqlalchemy.create_engine"]
_ASYNC_ENGINE = BY_NAME["sqlalchemy.ext.asyncio.create_async_engine"]
_TYPES: Mapping[str, Constructor] = {
    "sqlalchemy.Engine": _SYNC_ENGINE,
    "sqlalchemy.engine.Engine": _SYNC_ENGINE,
    "sqlalchemy.engine.base.Engine": _SYNC_ENGINE,
    "sqlalchemy.ext.asyncio.AsyncEngine": _ASYNC_ENGINE,
    "sqlalchemy.ext.asyncio.engine.AsyncEngine": _ASYNC_ENGINE,
    "asyncpg.Pool": BY_NAME["asyncpg.create_pool"],
    "asyncpg.pool.Pool": BY_NAME["asyncpg.create_pool"],
    "aiopg.Pool": BY_NAME["aiopg.create_pool"],
    "aiomysql.Pool": BY_NAME["aiomysql.create_pool"],
    "psycopg2.pool.AbstractConnectionPool": BY_NAME["psycopg2.pool.ThreadedConnectionPool"],
}
"""Types that are not called what makes their objects."""

_WRAPPERS = frozenset({"typing.Optional", "typing.Annotated", "typing.Final", "typing.ClassVar"})


def made_by(node: cst.CSTNode, scope: Scope, steps: int = 0) -> Constructor | None:
    """What made the object that an expression stands for; None where that is not known, or not one thing only."""
    if steps > DEEPEST:
        return None
    match node:
        case cst.Await(expression=expression):
            return made_by(expression, scope, steps + 1)
        case cst.Call():
            return constructor_called(node, scope) or _returned_by(node.func, scope, steps)
        case cst.Name() | cst.Attribute():
            return _bound_to(node, scope, steps)
        case _:
            return None


def type_named(annotation: cst.CSTNode, scope: Scope) -> Constructor | None:
    """What makes the objects of the type that an annotation names, be it written as text or with `| None`."""
    if isinstance(annotation, cst.SimpleString):
        try:
            annotation = cst.parse_expression(str(annotation.evaluated_value))
        except cst.ParserSyntaxError:
            return None
    if isinstance(annotation, cst.BinaryOperation):
        return type_named(annotation.left, scope) or type_named(annotation.right, scope)
    if isinstance(annotation, cst.Subscript):
        inner = [each.slice.value for each in annotation.slice if isinstance(each.slice, cst.Index)]
        is_wrapped = qualified(annotation.value, scope) in _WRAPPERS and inner
        return type_named(inner[0] if is_wrapped else annotation.value, scope)
    name = qualified(annotation, scope) or ""
    return _TYPES.get(name) or BY_NAME.get(name)


def _bound_to(node: cst.Name | cst.Attribute, scope: Scope, steps: int) -> Constructor | None:
    if isinstance(node, cst.Name):
        for function in reversed(scope.functions):
            if (annotation := annotation_of(node.value, function)) and len(bound_in(function)[node.value]) == 1:
                return type_named(annotation, scope)
    found = definitions(node, scope)
    return _only(_made(each, steps) for each in found.definitions if not _is_none(each.node))


def _made(definition: Definition, steps: int) -> Constructor | None:
    node, scope = definition
    match node:
        case cst.FunctionDef():
            return None
        case cst.AnnAssign(annotation=annotation, value=value):
            declared = type_named(annotation.annotation, scope)
            return declared or (made_by(value, scope, steps + 1) if value else None)
        case cst.WithItem(item=item):
            return made_by(item, scope, steps + 1)
        case _:
            return made_by(node, scope, steps + 1)


def _returned_by(func: cst.BaseExpression, scope: Scope, steps: int) -> Constructor | None:
    return _only(
        maker for function in functions_called(func, scope) for maker in _makers_returned(function, steps)
    )


def _makers_returned(function: Definition, steps: int) -> Iterator[Constructor | None]:
    node, scope = function
    if not isinstance(node, cst.FunctionDef):
        return
    if node.returns and (declared := type_named(node.returns.annotation, scope)):
        yield declared
        return
    for value in returned(node):
        if not _is_none(value):
            yield made_by(value, scope.inside(node), steps + 1)


def _only(makers: Iterable[Constructor | None]) -> Constructor | None:
    """The maker, where there is one and the same."""
    found = {maker.name if maker else "": maker for maker in makers}
    return found.popitem()[1] if len(found) == 1 else None


def _is_none(node: cst.CSTNode) -> bool:
    return (isinstance(node, cst.Name) and node.value == "None") or (
        isinstance(node, cst.AnnAssign) and node.value is not None and _is_none(node.value)
    )
