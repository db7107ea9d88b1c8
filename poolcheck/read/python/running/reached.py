"""What a function uses when it runs, in the functions of the project that it calls as well."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.libraries.constructor import Constructor
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.client_pools import constructor_called, pools_of
from poolcheck.read.python.syntax.bindings import bound_in, dotted, last_name
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Definition, Scope, decorator_of, qualified

DEEPEST = 5
MOST_FUNCTIONS = 60
MOST_STEPS = 6
"""So deep calls are followed, through so many functions, and so many names that stand for one another."""

SESSION_MAKERS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "sqlalchemy.ext.asyncio.AsyncSession", "sqlalchemy.ext.asyncio.async_sessionmaker",
            "sqlalchemy.ext.asyncio.session.AsyncSession", "sqlalchemy.ext.asyncio.session.async_sessionmaker",
            "sqlalchemy.orm.Session", "sqlalchemy.orm.session.Session", "sqlalchemy.orm.session.sessionmaker",
            "sqlalchemy.orm.sessionmaker", "sqlmodel.Session", "sqlmodel.ext.asyncio.session.AsyncSession",
        ),
        "bind",
    ),
    **dict.fromkeys(
        (
            "sqlalchemy.ext.asyncio.async_scoped_session", "sqlalchemy.ext.asyncio.scoping.async_scoped_session",
            "sqlalchemy.orm.scoped_session", "sqlalchemy.orm.scoping.scoped_session",
        ),
        "session_factory",
    ),
}  # fmt: skip
"""What makes sessions, or makes what makes them, with the parameter that leads to their engine."""

_CACHES = frozenset({"async_lru.alru_cache", "functools.cache", "functools.lru_cache"})
_LIKELY = re.compile(r"engine|session|pool|maker|factory|conn|db|database", re.IGNORECASE)
"""What engines, pools and what makes sessions of them are called."""


class Function(NamedTuple):
    """A function that runs, and the scope of its own statements."""

    node: cst.FunctionDef
    scope: Scope


class Kept(NamedTuple):
    """A pool that outlives the functions that use it: the call that makes it, and the scope of that."""

    call: cst.Call
    scope: Scope
    constructor: Constructor

    @property
    def pool(self) -> ClientPool | None:
        """All that is known of the pool."""
        place = self.scope.span(self.call)
        return next((pool for pool in _pools_in(self.scope.module) if pool.span == place), None)


def reached(definition: Definition) -> Iterator[Function]:
    """A function, and those of the project that it calls, each once, as far as they are seen."""
    seen: set[cst.FunctionDef] = set()
    waiting = [(definition, 0)]
    while waiting and len(seen) < MOST_FUNCTIONS:
        (node, scope), depth = waiting.pop(0)
        if not isinstance(node, cst.FunctionDef) or node in seen:
            continue
        seen.add(node)
        function = Function(node, scope.inside(node))
        yield function
        if depth < DEEPEST:
            calls = (each for each in nodes_of(function) if isinstance(each, cst.Call))
            waiting += [(each, depth + 1) for call in calls for each in _called(call, function.scope)]


def _called(call: cst.Call, scope: Scope) -> Iterator[Definition]:
    if _is_near(call.func, scope) and qualified(call.func, scope) is None:
        yield from functions_called(call.func, scope)


def _is_near(func: cst.BaseExpression, scope: Scope) -> bool:
    """Whether a function is called by its name, or as a method of `self` or of what a module has.

    What the objects in local variables are objects of would take long to find out.
    """
    first, dot, rest = (dotted(func) or "").partition(".")
    if not dot:
        return bool(first)
    if first in {"self", "cls"}:
        return "." not in rest
    return not any(first in bound_in(function) for function in scope.functions)


def nodes_of(function: Function) -> Iterator[cst.CSTNode]:
    """The nodes in the statements of a function, but for those of functions and classes inside of it."""
    waiting = [*children(function.node.body)][::-1]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, cst.FunctionDef | cst.ClassDef):
            waiting += children(node)[::-1]


def kept_in(function: Function) -> Iterator[tuple[cst.BaseExpression, Kept]]:
    """The expressions in a function that lead to a pool that outlives it, each with the pool."""
    is_cached = any(decorator_of(each, function.scope.outside) in _CACHES for each in function.node.decorators)
    for node in nodes_of(function):
        match node:
            case cst.Call() if is_cached and (made := constructor_called(node, function.scope)):
                yield node, Kept(node, function.scope, made)
            case cst.Name() | cst.Attribute():
                if _LIKELY.search(last_name(node)) and (found := kept(node, function.scope)):
                    yield node, found
            case _:
                pass


def kept(node: cst.CSTNode, scope: Scope, steps: int = MOST_STEPS) -> Kept | None:
    """The pool that a name of a module leads to, by itself or as what its sessions are made of."""
    if not isinstance(node, cst.Name | cst.Attribute) or not steps:
        return None
    first = (dotted(node) or "").partition(".")[0]
    if not first or any(first in bound_in(function) for function in scope.functions):
        return None
    found = definitions(node, scope)
    makers = [each for each in found.definitions if not _is_none(each.node)]
    if len(makers) != 1:
        return None
    bound, around = makers[0]
    value = bound.value if isinstance(bound, cst.AnnAssign) else bound
    value = value.expression if isinstance(value, cst.Await) else value
    if isinstance(value, cst.Name | cst.Attribute):
        return kept(value, around, steps - 1)
    if not isinstance(value, cst.Call):
        return None
    if made := constructor_called(value, around):
        return Kept(value, around, made)
    parameter = SESSION_MAKERS.get(qualified(value.func, around) or "")
    argument = _engine_in(value, parameter) if parameter else None
    return kept(argument, around, steps - 1) if argument else None


def _engine_in(call: cst.Call, parameter: str) -> cst.BaseExpression | None:
    """The argument of a maker of sessions that is the engine, or else what makes sessions of it."""
    named = [each.value for each in call.args if each.keyword and each.keyword.value in {parameter, "bind"}]
    first = [each.value for each in call.args[:1] if each.keyword is None and not each.star]
    return next(iter((*named, *first)), None)


@lru_cache(maxsize=64)
def _pools_in(module: Module) -> tuple[ClientPool, ...]:
    return tuple(pools_of(module))


def _is_none(node: cst.CSTNode | None) -> bool:
    value = node.value if isinstance(node, cst.AnnAssign) else node
    return value is None or (isinstance(value, cst.Name) and value.value == "None")
