"""What a `with` statement lends for its block, and what that is good for behind it."""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.taking.sources import Source, source_of
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.terms import With
from poolcheck.read.python.pools.provenance import made_by
from poolcheck.read.python.syntax.bindings import dotted, inside, last_name
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Definition, Scope, qualified


class Lent(StrEnum):
    """What is lent, by what becomes of it at the end of the block.

    Observed with PostgreSQL 15. `SHARED`: a connection of psycopg_pool's or aiopg's goes on working and is lent to
    another at the same time. `RELEASED`: one of asyncpg's pool raises InterfaceError. `CLOSED`: a driver's own is.
    `CONNECTION`: one of SQLAlchemy's raises ResourceClosedError. `SESSION`: one of SQLAlchemy's takes a connection
    anew.
    """

    SHARED = "shared"
    RELEASED = "released"
    CLOSED = "closed"
    CONNECTION = "connection"
    SESSION = "session"


_POOLED = {
    Library.AIOMYSQL: Lent.SHARED,
    Library.AIOPG: Lent.SHARED,
    Library.ASYNCMY: Lent.SHARED,
    Library.ASYNCPG: Lent.RELEASED,
    Library.PSYCOPG: Lent.SHARED,
    Library.PSYCOPG2: Lent.SHARED,
    Library.SQLALCHEMY: Lent.CONNECTION,
}
_SESSION_MAKERS = frozenset(
    {
        "sqlalchemy.ext.asyncio.async_sessionmaker",
        "sqlalchemy.ext.asyncio.session.async_sessionmaker",
        "sqlalchemy.orm.session.sessionmaker",
        "sqlalchemy.orm.sessionmaker",
    }
)
_MANAGING = frozenset({"asynccontextmanager", "contextmanager"})
_RELEASING = frozenset({"aclose", "close", "putconn", "release"})
MOST_STEPS = 4


def lent_by(item: cst.BaseExpression, scope: Scope, steps: int = MOST_STEPS) -> Lent | None:
    """What is lent by what a `with` statement is over; None where it is no connection, or not known."""
    call = item.expression if isinstance(item, cst.Await) else item
    if not isinstance(call, cst.Call) or not steps:
        return None
    if last_name(call.func) in {"aclosing", "closing"} and len(call.args) == 1:
        inner = call.args[0].value
        source = source_of(inner, scope) if isinstance(inner, cst.Call) else None
        return _closed(source) if source and source.terms and "close" in source.terms.closing else None
    if isinstance(call.func, cst.Attribute) and (found := _by_method(call.func, scope)):
        return found
    if source := source_of(call, scope):
        return _of_source(source)
    return _by_function(call, scope, steps)


def _closed(source: Source) -> Lent | None:
    """What becomes of what is closed."""
    made = source.made.constructor if source.made else None
    if source.terms and source.terms.is_session:
        return Lent.SESSION
    if made is None or made.library is Library.SQLALCHEMY:
        return Lent.CONNECTION if source.asked == "connect" else None
    return Lent.CLOSED if not made.is_pool else None


def _by_method(method: cst.Attribute, scope: Scope) -> Lent | None:
    """What `pool.connection()` of psycopg_pool lends, and `begin()` of an engine or of a maker of sessions."""
    name = method.attr.value
    if name not in {"begin", "connection"}:
        return None
    made = made_by(method.value, scope)
    if made and made.constructor.is_pool:
        library = made.constructor.library
        if name == "connection":
            return Lent.SHARED if library is Library.PSYCOPG else None
        return Lent.CONNECTION if library is Library.SQLALCHEMY else None
    found = definitions(method.value, scope).definitions if name == "begin" else ()
    calls = [(each.node, each.scope) for each in found if isinstance(each.node, cst.Call)]
    is_maker = calls and len(calls) == len(found)
    return Lent.SESSION if is_maker and all(qualified(c.func, s) in _SESSION_MAKERS for c, s in calls) else None


def _of_source(source: Source) -> Lent | None:
    """What a `with` statement over a call that takes a connection lends."""
    terms = source.terms
    if terms is None or source.is_wrapped:
        return None
    if terms.is_session:
        return Lent.SESSION
    made = source.made.constructor if source.made else None
    if made is None or made.library is Library.SQLALCHEMY:
        return Lent.CONNECTION if source.asked == "connect" else None
    if not made.is_pool:
        is_closing = terms.entered is With.GIVES_BACK and made.library is not Library.PSYCOPG2
        return Lent.CLOSED if is_closing else None
    return _POOLED.get(made.library) if source.asked == "acquire" else None


def _by_function(call: cst.Call, scope: Scope, steps: int) -> Lent | None:
    """What a context manager of the project lends."""
    functions = [*functions_called(call.func, scope)]
    return _yielded(functions[0], steps) if len(functions) == 1 else None


class _Named(NamedTuple):
    """What a name is bound to, and whether a `with` statement binds it."""

    value: cst.BaseExpression
    is_entered: bool


@lru_cache(maxsize=64)
def _yielded(function: Definition, steps: int) -> Lent | None:
    node, outside = function
    if not isinstance(node, cst.FunctionDef) or len(node.decorators) != 1:
        return None
    if last_name(node.decorators[0].decorator) not in _MANAGING:
        return None
    yielded = [each.value for each in inside(node) if isinstance(each, cst.Yield)]
    names = {each.value for each in yielded if isinstance(each, cst.Name)}
    if len(yielded) != 1 or len(names) != 1:
        return None
    name = names.pop()
    scope = outside.inside(node)
    bound = [found for each in inside(node) if (found := _bound(each, name))]
    if len(bound) != 1:
        return None
    value, is_entered = bound[0]
    if is_entered:
        return lent_by(value, scope, steps - 1)
    call = value.expression if isinstance(value, cst.Await) else value
    source = source_of(call, scope) if isinstance(call, cst.Call) and _is_released(node, name) else None
    return _released(source) if source else None


def _bound(node: cst.CSTNode, name: str) -> _Named | None:
    match node:
        case cst.WithItem(item=item, asname=cst.AsName(name=cst.Name(value=bound))) if bound == name:
            return _Named(item, is_entered=True)
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=bound))], value=value) if bound == name:
            return _Named(value, is_entered=False)
        case _:
            return None


def _is_released(function: cst.FunctionDef, name: str) -> bool:
    """Whether a `finally` gives back what a name stands for."""
    for final in inside(function):
        for node in walk(final) if isinstance(final, cst.Finally) else ():
            if isinstance(node, cst.Call) and last_name(node.func) in _RELEASING:
                owner = dotted(node.func.value) if isinstance(node.func, cst.Attribute) else None
                if owner == name or any(dotted(each.value) == name for each in node.args):
                    return True
    return False


def _released(source: Source) -> Lent | None:
    """What becomes of what a context manager of the project gives back."""
    made = source.made.constructor if source.made else None
    if made and made.is_pool and source.asked in {"acquire", "getconn"}:
        return _POOLED.get(made.library)
    return _closed(source)
