"""What an expression is a session or a connection of: the kinds of which one must not be used by two at once."""

import re
from enum import StrEnum
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pools import constructor_called
from poolcheck.read.python.pools.provenance import made_by
from poolcheck.read.python.syntax.bindings import bound_in, dotted, inside
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.names import definitions, in_module
from poolcheck.read.python.values.scope import Bindings, Definition, Scope, qualified
from poolcheck.source import Span

MOST_STEPS = 6
"""So many names that stand for one another are followed."""


class Kind(StrEnum):
    """What is used: a session of SQLAlchemy's, or a connection of a driver's."""

    ASYNC_SESSION = "AsyncSession"
    SESSION = "Session"
    ASYNCPG = "asyncpg"
    CONNECTION = "connection"

    @property
    def is_async(self) -> bool:
        """Whether its methods are awaited."""
        return self in {Kind.ASYNC_SESSION, Kind.ASYNCPG}


class Session(NamedTuple):
    """A session or a connection, and the places where it is taken or declared.

    It is `made_here` where the function itself takes it.
    """

    kind: Kind
    places: tuple[Span, ...]
    made_here: bool


_TYPES = {
    "asyncpg.Connection": Kind.ASYNCPG,
    "asyncpg.connection.Connection": Kind.ASYNCPG,
    "sqlalchemy.ext.asyncio.AsyncSession": Kind.ASYNC_SESSION,
    "sqlalchemy.ext.asyncio.session.AsyncSession": Kind.ASYNC_SESSION,
    "sqlalchemy.orm.Session": Kind.SESSION,
    "sqlalchemy.orm.session.Session": Kind.SESSION,
    "sqlmodel.Session": Kind.SESSION,
    "sqlmodel.ext.asyncio.session.AsyncSession": Kind.ASYNC_SESSION,
}
_MAKERS = {
    "sqlalchemy.ext.asyncio.async_sessionmaker": Kind.ASYNC_SESSION,
    "sqlalchemy.ext.asyncio.session.async_sessionmaker": Kind.ASYNC_SESSION,
    "sqlalchemy.orm.session.sessionmaker": Kind.SESSION,
    "sqlalchemy.orm.sessionmaker": Kind.SESSION,
}
_LIBRARIES = {
    Library.ASYNCPG: Kind.ASYNCPG,
    Library.MYSQL_CONNECTOR: Kind.CONNECTION,
    Library.MYSQLCLIENT: Kind.CONNECTION,
    Library.PSYCOPG: Kind.CONNECTION,
    Library.PSYCOPG2: Kind.CONNECTION,
    Library.PYMYSQL: Kind.CONNECTION,
}
_MANAGING = frozenset(
    {"asynccontextmanager", "contextlib.asynccontextmanager", "contextlib.contextmanager", "contextmanager"}
)
_TRANSPARENT = re.compile(r"^(?:typing|typing_extensions)\.(?:Annotated|Optional)$")


def session_of(node: cst.CSTNode, scope: Scope, steps: int = MOST_STEPS) -> Session | None:
    """What a name or an attribute is a session or a connection of; None where that is not certain."""
    if not isinstance(node, cst.Name | cst.Attribute) or not steps:
        return None
    found = definitions(node, scope)
    if isinstance(node, cst.Name) and not found.is_complete:
        return None
    session = _bound_to(found, steps)
    is_local = isinstance(node, cst.Name) and any(node.value in bound_in(each) for each in scope.functions)
    is_given = any(isinstance(each.node, cst.Param) for each in found.definitions)
    return session and session._replace(made_here=is_local and not is_given)


def session_in(module: Module, name: str) -> Session | None:
    """What a name of a module is a session or a connection of."""
    found = in_module(module, name)
    return _bound_to(found, MOST_STEPS) if found.is_complete else None


def _bound_to(found: Bindings, steps: int) -> Session | None:
    bound = [each for each in found.definitions if not _is_none(each.node)]
    kinds = {_kind(each, steps) for each in bound}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None:
        return None
    return Session(kind, tuple(each.scope.span(_shown(each.node)) for each in bound), made_here=False)


def _shown(node: cst.CSTNode) -> cst.CSTNode:
    return node.item if isinstance(node, cst.WithItem) else node


def _is_none(node: cst.CSTNode) -> bool:
    value = node.value if isinstance(node, cst.AnnAssign) else node
    return isinstance(value, cst.Name) and value.value == "None"


def _kind(definition: Definition, steps: int) -> Kind | None:
    node, scope = definition
    match node:
        case cst.Param(annotation=cst.Annotation(annotation=annotation)):
            return kind_of_type(annotation, scope.outside)
        case cst.AnnAssign(annotation=cst.Annotation(annotation=annotation), value=value):
            declared = kind_of_type(annotation, scope)
            return declared or (kind_of_call(value, scope, steps) if value else None)
        case cst.WithItem(item=item):
            return kind_of_call(item, scope, steps)
        case cst.Name() | cst.Attribute():
            found = session_of(node, scope, steps - 1)
            return found.kind if found else None
        case cst.BaseExpression():
            return kind_of_call(node, scope, steps)
        case _:
            return None


def kind_of_type(annotation: cst.BaseExpression, scope: Scope, steps: int = MOST_STEPS) -> Kind | None:
    """The kind that a type names, be it an alias, optional, or annotated."""
    if not steps:
        return None
    match annotation:
        case cst.SimpleString(evaluated_value=str() as written):
            try:
                return _kind_written(cst.parse_expression(written), scope)
            except cst.ParserSyntaxError:
                return None
        case cst.BinaryOperation(left=left, right=right):
            return kind_of_type(left, scope, steps - 1) or kind_of_type(right, scope, steps - 1)
        case cst.Subscript(value=wrapper, slice=[cst.SubscriptElement(slice=cst.Index(value=inner)), *_]):
            is_transparent = _TRANSPARENT.match(qualified(wrapper, scope) or "")
            return kind_of_type(inner if is_transparent else wrapper, scope, steps - 1)
        case cst.Name() | cst.Attribute():
            if name := qualified(annotation, scope):
                return _TYPES.get(name)
            found = definitions(annotation, scope).definitions
            types = [(each.node, each.scope) for each in found]
            match types:
                case [(cst.BaseExpression() as value, around)]:
                    return kind_of_type(value, around, steps - 1)
                case _:
                    return None
        case _:
            return None


def _kind_written(annotation: cst.BaseExpression, scope: Scope) -> Kind | None:
    """The kind that a type names which is written as text."""
    match annotation:
        case cst.BinaryOperation(left=left, right=right):
            return _kind_written(left, scope) or _kind_written(right, scope)
        case cst.Subscript(value=wrapper, slice=[cst.SubscriptElement(slice=cst.Index(value=inner)), *_]):
            is_transparent = _TRANSPARENT.match(qualified(wrapper, scope) or "")
            return _kind_written(inner if is_transparent else wrapper, scope)
        case _:
            return _TYPES.get(qualified(annotation, scope) or "")


def kind_of_call(node: cst.CSTNode, scope: Scope, steps: int = MOST_STEPS) -> Kind | None:
    """The kind of what a call makes or takes."""
    node = node.expression if isinstance(node, cst.Await) else node
    if not isinstance(node, cst.Call) or not steps:
        return None
    if made := constructor_called(node, scope):
        return None if made.is_pool else _LIBRARIES.get(made.library)
    name = qualified(node.func, scope)
    if name:
        return _TYPES.get(name)
    match node.func:
        case cst.Call(func=maker):
            return _MAKERS.get(qualified(maker, scope) or "")
        case cst.Attribute(value=cst.Call() as manager, attr=cst.Name("__aenter__" | "__enter__")):
            return kind_of_call(manager, scope, steps - 1)
        case cst.Attribute(attr=cst.Name("enter_async_context" | "enter_context")) if node.args:
            return kind_of_call(node.args[0].value, scope, steps - 1)
        case cst.Attribute(value=pool, attr=cst.Name("acquire")):
            made_pool = made_by(pool, scope)
            return Kind.ASYNCPG if made_pool and made_pool.constructor.library is Library.ASYNCPG else None
        case _:
            pass
    found = definitions(node.func, scope).definitions
    kinds = {_kind_made(each, steps - 1) for each in found}
    return kinds.pop() if len(kinds) == 1 else None


def _kind_made(maker: Definition, steps: int) -> Kind | None:
    """The kind of what is made by what a name stands for: a maker of sessions, or a function."""
    node, scope = maker
    value = node.value if isinstance(node, cst.AnnAssign) else node
    if isinstance(value, cst.Call):
        return _MAKERS.get(qualified(value.func, scope) or "")
    if isinstance(node, cst.FunctionDef):
        return _kind_from(node, scope, steps)
    return None


def _kind_from(function: cst.FunctionDef, scope: Scope, steps: int) -> Kind | None:
    """The kind of what a function returns, or hands out as a context manager."""
    managed = [each for each in function.decorators if (dotted(each.decorator) or "") in _MANAGING]
    if len(managed) < len(function.decorators):
        return None
    within = scope.inside(function)
    if managed:
        yields = [each.value for each in inside(function) if isinstance(each, cst.Yield)]
        values = [each for each in yields if isinstance(each, cst.BaseExpression)]
    else:
        values = [each.value for each in inside(function) if isinstance(each, cst.Return) and each.value]
    kinds = {kind_of_value(each, within, steps) for each in values}
    return kinds.pop() if len(kinds) == 1 else None


def kind_of_value(node: cst.BaseExpression, scope: Scope, steps: int = MOST_STEPS) -> Kind | None:
    """The kind of a value, be it a name or a call."""
    if isinstance(node, cst.Name | cst.Attribute):
        found = session_of(node, scope, steps - 1)
        return found.kind if found else None
    return kind_of_call(node, scope, steps)
