"""What a call takes a connection from: a driver, a pool, an engine, a session, or a function that does."""

import re
from collections.abc import Mapping
from functools import lru_cache, reduce
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.taken import Taken, walk_of
from poolcheck.read.python.leaks.following.walked import Walked
from poolcheck.read.python.leaks.following.wrappers import fresh, functions_meant
from poolcheck.read.python.leaks.taking.sessions import session_made
from poolcheck.read.python.libraries.constructor import Constructor, Library
from poolcheck.read.python.libraries.constructors import BY_NAME
from poolcheck.read.python.libraries.terms import (
    ASYNC_SESSION,
    CLOSES_RETURN,
    UNKNOWN_POOL,
    Terms,
    With,
    either,
    of_driver,
    of_method,
)
from poolcheck.read.python.pools.client_pools import constructor_called
from poolcheck.read.python.pools.provenance import Made, made_by
from poolcheck.read.python.syntax.bindings import annotation_of, inside, last_name_behind
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.names import class_of, definitions, functions_called
from poolcheck.read.python.values.scope import Definition, Scope, qualified

ENDINGS = r"acquire\w*|checkout|[Cc]onn\w*|cursor|[Dd]b|DB|[Dd]atabase|[Mm]aker|open_\w+|[Ss]ession\w*"
"""How functions and methods are called that take a connection."""
_OPENING = re.compile(rf"(?:{ENDINGS}|open)$", re.IGNORECASE)
"""What functions are called that take a connection for their caller."""

_HOOKS: Mapping[str, Constructor] = {
    "MySqlHook": BY_NAME["MySQLdb.connect"],
    "PostgresHook": BY_NAME["psycopg2.connect"],
}
"""Hooks of Airflow's, and what they open connections with."""

SHORTCUTS = frozenset({"execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval"})
"""Methods of asyncpg's pool that take a connection for one statement."""

_WAITING: Mapping[Library, frozenset[str]] = {
    Library.ASYNCPG: frozenset({"acquire", *SHORTCUTS}),
    Library.AIOPG: frozenset({"acquire"}),
    Library.AIOMYSQL: frozenset({"acquire"}),
    Library.ASYNCMY: frozenset({"acquire"}),
    Library.ORACLEDB: frozenset({"acquire"}),
}
"""Other methods of pools that wait for a connection."""

ENGINE_PACKAGES = frozenset({"alembic", "flask_sqlalchemy", "sqlalchemy", "sqlalchemy_utils", "sqlmodel"})


class Source(NamedTuple):
    """What a call takes a connection from, and on what terms, None where nothing is known of them.

    `position` is the place of the connection in the tuple that a function of the project returns, `derived` the
    places of cursors of it and the like.
    """

    made: Made | None
    terms: Terms | None
    is_wrapped: bool = False
    position: int | None = None
    derived: tuple[int, ...] = ()
    is_guess: bool = False
    asked: str = ""


DEEPEST = 3
"""So many functions that take connections for each other are followed."""


def source_of(call: cst.Call, scope: Scope) -> Source | None:
    """What a call takes a connection from; None where it takes none."""
    return _source(call, scope, DEEPEST)


def may_be_source(name: str) -> bool:
    """Whether what is called so may be one, if it opens no connection of a driver's itself."""
    is_session = "session" in name.lower() or "maker" in name.lower()
    return is_session or name in _METHODS or _OPENING.search(name) is not None


def _source(call: cst.Call, scope: Scope, depth: int) -> Source | None:
    """What a call takes a connection from; None where it takes none."""
    method = last_name_behind(call.func)
    if connects := constructor_called(call, scope):
        return Source(Made(connects), _of_driver(call, connects)) if not connects.is_pool else None
    if session := session_made(call, scope):
        return Source(Made(_ASYNC_ENGINE if session is ASYNC_SESSION else _ENGINE), session)
    if method == "get_conn" and (hook := _of_hook(call, scope)):
        return hook
    is_method = isinstance(call.func, cst.Attribute) and method in _METHODS
    if is_method and (found := _of_pool(call, call.func, method, scope)):
        return found._replace(asked=method)
    return _wrapped(call, scope, depth) if depth and _OPENING.search(method) else None


_METHODS = frozenset(
    {"acquire", "connect", "connection", "get_connection", "getconn", "raw_connection", *SHORTCUTS}
)


def _of_driver(call: cst.Call, connects: Constructor) -> Terms | None:
    names = {each.keyword.value for each in call.args if each.keyword}
    if connects.library is Library.MYSQL_CONNECTOR and names & {*connects.pooled_by}:
        return of_method(Library.MYSQL_CONNECTOR, "get_connection")
    terms = of_driver(connects.library, is_async=connects.is_async)
    if terms and "connection_factory" in names:
        # Of a class of one's own, which may well close the connection in a `with` statement.
        return terms._replace(entered=With.GIVES_BACK)
    return terms


def _of_hook(call: cst.Call, scope: Scope) -> Source | None:
    """A driver's connection that a hook of Airflow's opens."""
    hook = call.func.value if isinstance(call.func, cst.Attribute) else None
    made: list[tuple[cst.CSTNode, Scope]] = [(hook, scope)] if isinstance(hook, cst.Call) else []
    if isinstance(hook, cst.Name | cst.Attribute):
        made = [(each.node, each.scope) for each in definitions(hook, scope).definitions]
    names = {qualified(each.func, around) or "" if isinstance(each, cst.Call) else "" for each, around in made}
    first, _, last = (names.pop() if len(names) == 1 else "").partition(".")
    driver = _HOOKS.get(last.rpartition(".")[2]) if first == "airflow" else None
    terms = of_driver(driver.library) if driver else None
    # Which psycopg it is, and with it what a `with` statement does, depends on the version.
    return Source(Made(driver), terms._replace(entered=With.GIVES_BACK)) if driver and terms else None


def _of_pool(call: cst.Call, func: cst.BaseExpression, method: str, scope: Scope) -> Source | None:
    """A method of a pool, or of an engine."""
    pool = cst.ensure_type(func, cst.Attribute).value
    if method == "getconn":
        return _lent(call, pool, scope)
    if method in SHORTCUTS and not uses_asyncpg(scope.module):
        return None
    made = made_by(pool, scope)
    if made is None:
        return _from_likely_engine(call, pool, method, scope)
    maker = made.constructor
    terms = of_method(maker.library, method, maker.name, is_async=maker.is_async)
    if maker.is_pool and (terms or method in _WAITING.get(maker.library, ())):
        return Source(made, terms)
    return None


def _lent(call: cst.Call, pool: cst.BaseExpression, scope: Scope) -> Source | None:
    """A connection from a psycopg or psycopg2 pool, unless a method of the project's own is called that.

    One that is asked for by a key is the same as before.
    """
    is_keyed = any(argument.keyword is None or argument.keyword.value == "key" for argument in call.args)
    if any(functions_called(call.func, scope)):
        return None
    made = made_by(pool, scope)
    if is_keyed and not (made and made.constructor.library is Library.PSYCOPG):
        # psycopg's pool has no keys, and is given a timeout.
        return None
    if made is None and ("pool" not in last_name_behind(pool).lower() or _is_typed(pool, scope)):
        return None
    if made and made.constructor.library not in {Library.PSYCOPG, Library.PSYCOPG2}:
        return None
    if made is None:
        return Source(None, UNKNOWN_POOL)
    maker = made.constructor
    terms = CLOSES_RETURN if _closes_into(made) else of_method(maker.library, "getconn")
    return Source(made, terms._replace(takes_when_awaited=maker.is_async) if terms else None)


def _closes_into(made: Made) -> bool:
    """Whether closing a connection of the pool may return it, as since psycopg_pool 3.3 it can be told to."""
    is_told = made.keywords is None or "close_returns" in made.keywords
    return made.constructor.library is Library.PSYCOPG and is_told


def _from_likely_engine(call: cst.Call, engine: cst.BaseExpression, method: str, scope: Scope) -> Source | None:
    """A connection from what is called an engine, in a module that uses SQLAlchemy."""
    terms = of_method(Library.SQLALCHEMY, method)
    if terms is None or not last_name_behind(engine).lower().endswith("engine"):
        return None
    packages = {each.target.partition(".")[0] for each in scope.module.imports}
    is_other = _is_typed(engine, scope) or any(functions_called(call.func, scope))
    if is_other or packages.isdisjoint(ENGINE_PACKAGES):
        return None
    is_async = bool(scope.functions and scope.functions[-1].asynchronous)
    return Source(None, terms._replace(takes_when_awaited=is_async), is_guess=True)


_ENGINE = BY_NAME["sqlalchemy.create_engine"]
_ASYNC_ENGINE = BY_NAME["sqlalchemy.ext.asyncio.create_async_engine"]


def _wrapped(call: cst.Call, scope: Scope, depth: int) -> Source | None:
    """What a function of the project takes for its caller."""
    functions = functions_meant(call.func, scope)
    return _taken_by(functions[0], depth) if len(functions) == 1 else None


@lru_cache(maxsize=128)
def _taken_by(function: Definition, depth: int) -> Source | None:
    """The same of one function, which many call."""
    found = _sources_in(function, depth - 1)
    terms = reduce(either, (source.terms for source, _ in found)) if found else None
    if terms is None:
        return None
    walks = [walked for _, walked in found]
    is_new = fresh(function, lambda _function, _scope: walks)
    if is_new is None:
        return None
    # What may come from a driver as well is no pool's.
    source = min(
        (source for source, _ in found), key=lambda each: bool(each.made and each.made.constructor.is_pool)
    )
    return source._replace(
        terms=terms._replace(takes_when_awaited=is_new.is_awaited),
        is_wrapped=True,
        position=is_new.position,
        derived=is_new.derived,
    )


def _sources_in(function: Definition, depth: int) -> list[tuple[Source, Walked]]:
    """What the calls in a function take, each with what becomes of it; nothing where that is not all known."""
    node, scope = function
    if not isinstance(node, cst.FunctionDef):
        return []
    around = scope.inside(node)
    found: list[tuple[Source, Walked]] = []
    for each in inside(node):
        if type(each) is cst.Call and (source := _source(each, around, depth)):
            taken = (
                Taken(each, source.terms, node, around, source.position, source.derived) if source.terms else None
            )
            walked = walk_of(taken) if taken else None
            if walked is None:
                return []
            found.append((source, walked))
    return found


def _is_typed(node: cst.BaseExpression, scope: Scope) -> bool:
    """Whether it is seen what something is, be it nothing that is known: it has a type, or a class makes it."""
    if class_of(node, scope) or any(
        annotation_of(last_name_behind(node), function) for function in scope.functions
    ):
        return True
    bound = [each.node for each in definitions(node, scope).definitions]
    return any(
        isinstance(each, cst.AnnAssign)
        or (isinstance(each, cst.Call) and last_name_behind(each.func)[:1].isupper())
        for each in bound
    )


@lru_cache(maxsize=8)
def uses_asyncpg(module: Module) -> bool:
    """Whether a module imports asyncpg, whose pools have more methods that take a connection."""
    return any(each.target.partition(".")[0] == "asyncpg" for each in module.imports)
