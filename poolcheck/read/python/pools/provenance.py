"""Which library made the object that an expression stands for."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.libraries.constructor import Constructor
from poolcheck.read.python.libraries.constructors import BY_NAME
from poolcheck.read.python.pools.client_pools import constructor_called
from poolcheck.read.python.syntax.bindings import annotation_of, bound_in, returned
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Call, Definition, Scope, qualified

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
_SAME = frozenset({"execution_options"})
"""Methods of an engine that return it with other options."""


MOST_BINDINGS = 32
"""What is bound to more things is not asked for what made them all."""


class Made(NamedTuple):
    """What made an object, and which arguments it was given by name; None where that is not seen.

    `calls` are the calls that may have made it.
    """

    constructor: Constructor
    keywords: frozenset[str] | None = None
    calls: tuple[Call, ...] = ()


def made_by(node: cst.CSTNode, scope: Scope) -> Made | None:
    """What made the object that an expression stands for; None where that is not known, or not one thing only."""
    return _only(_makers(node, scope, set()))


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


def _makers(node: cst.CSTNode, scope: Scope, seen: set[cst.CSTNode]) -> Iterator[Made | None]:
    """What may have made the object, None for what is not known; nothing for a node that was `seen` before."""
    if node in seen or _is_none(node):
        return
    seen.add(node)
    match node:
        case cst.Await(expression=expression):
            yield from _makers(expression, scope, seen)
        case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value=name))) if name in _SAME:
            yield from _makers(value, scope, seen)
        case cst.Call():
            made = constructor_called(node, scope)
            if made:
                yield Made(made, _keywords(node), (Call(node, scope),))
            else:
                yield from _returned_by(node.func, scope, seen)
        case cst.Name() | cst.Attribute():
            yield from _bound_to(node, scope, seen)
        case _:
            yield None


def _keywords(call: cst.Call) -> frozenset[str] | None:
    """The names of a call's arguments, where all are written out."""
    if any(argument.star for argument in call.args):
        return None
    return frozenset(argument.keyword.value for argument in call.args if argument.keyword)


def _bound_to(node: cst.Name | cst.Attribute, scope: Scope, seen: set[cst.CSTNode]) -> Iterator[Made | None]:
    if isinstance(node, cst.Name):
        for function in reversed(scope.functions):
            if (annotation := annotation_of(node.value, function)) and len(bound_in(function)[node.value]) == 1:
                declared = type_named(annotation, scope)
                yield Made(declared) if declared else None
                return
    found = definitions(node, scope).definitions
    if len(found) > MOST_BINDINGS:
        yield None
        return
    makers = [made for definition in found for made in _made(definition, seen)]
    if declared := next(filter(None, map(_declared, found)), None):
        yield from [made or Made(declared) for made in makers] or [Made(declared)]
    else:
        yield from makers if found else [None]


def _made(definition: Definition, seen: set[cst.CSTNode]) -> Iterator[Made | None]:
    node, scope = definition
    match node:
        case cst.FunctionDef():
            yield None
        case cst.AnnAssign(value=value):
            yield from _makers(value, scope, seen) if value else ()
        case cst.WithItem(item=item):
            yield from _makers(item, scope, seen)
        case _:
            yield from _makers(node, scope, seen)


def _declared(definition: Definition) -> Constructor | None:
    """What makes objects of the type that a name is declared to have."""
    node, scope = definition
    return type_named(node.annotation.annotation, scope) if isinstance(node, cst.AnnAssign) else None


def _returned_by(func: cst.BaseExpression, scope: Scope, seen: set[cst.CSTNode]) -> Iterator[Made | None]:
    functions = [*functions_called(func, scope)]
    if not functions:
        yield None
    for function, around in functions:
        if isinstance(function, cst.FunctionDef):
            yield from _makers_returned(function, around, seen)


def _makers_returned(function: cst.FunctionDef, scope: Scope, seen: set[cst.CSTNode]) -> Iterator[Made | None]:
    if function.returns and (declared := type_named(function.returns.annotation, scope)):
        yield Made(declared)
        return
    for value in returned(function):
        yield from _makers(value, scope.inside(function), seen)


def _only(makers: Iterable[Made | None]) -> Made | None:
    """The maker, where there is one and the same."""
    found = [*makers]
    known = [made for made in found if made]
    if len(known) < len(found) or len({made.constructor.name for made in known}) != 1:
        return None
    keywords = [made.keywords for made in known if made.keywords is not None]
    together = frozenset[str]().union(*keywords) if len(keywords) == len(known) else None
    return Made(known[0].constructor, together, tuple(call for made in known for call in made.calls))


def _is_none(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Name) and node.value == "None"
