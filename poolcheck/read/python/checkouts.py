"""Where a module takes connections from pools and engines, or straight from a driver."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.bindings import annotation_of, bound_in, dotted
from poolcheck.read.python.constructors import Constructor, Library
from poolcheck.read.python.evaluate import evaluate
from poolcheck.read.python.fate import Fate, Outcome, Terms, fate_of
from poolcheck.read.python.module import Module
from poolcheck.read.python.names import class_of, definitions, functions_called
from poolcheck.read.python.pools import Role, constructor_called, role_of
from poolcheck.read.python.provenance import Made, made_by
from poolcheck.read.python.scope import Class, Scope
from poolcheck.read.python.trees import children, walk
from poolcheck.source import Span
from poolcheck.value import Value

_TAKING = re.compile(r"(?:acquire|connect|getconn|raw_connection)\s*\(")
"""What code mentions that takes a connection."""

SHORTCUTS = frozenset({"execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval"})
"""Methods of asyncpg's pool that take a connection for one statement."""
_SHORTCUT = re.compile(rf"\.\s*(?:{'|'.join(sorted(SHORTCUTS))})\s*\(")

GETCONN = Terms(returning=frozenset({"putconn"}), useless=frozenset({"close"}), is_lost=True)
GETCONN_CLOSABLE = GETCONN._replace(closing=frozenset({"close"}), useless=frozenset())
CLOSED = Terms(closing=frozenset({"close"}), is_kept_by_cursors=True)
CLOSED_BY_WITH = CLOSED._replace(with_gives_back=True)
RAW = CLOSED_BY_WITH._replace(is_kept_by_cursors=False)
ENGINE = RAW._replace(is_lost_in_use=True)
TERMINABLE = Terms(closing=frozenset({"close", "terminate"}), with_gives_back=True)
ACQUIRED = TERMINABLE._replace(returning=frozenset({"release"}), is_lost=True)

_DRIVERS: Mapping[Library, Terms] = {
    Library.PSYCOPG2: CLOSED,
    Library.PSYCOPG: CLOSED_BY_WITH,
    Library.ASYNCPG: TERMINABLE,
}
_METHODS: Mapping[Library, Mapping[str, Terms]] = {
    Library.SQLALCHEMY: {"connect": ENGINE, "raw_connection": RAW},
    Library.ASYNCPG: {"acquire": ACQUIRED},
    Library.AIOPG: {"acquire": ACQUIRED},
    Library.AIOMYSQL: {"acquire": ACQUIRED},
}
"""On what terms connections are taken. Observed with PostgreSQL 15, SQLAlchemy 2.0, psycopg2 2.9, psycopg 3.3,
asyncpg 0.32 and aiopg 1.4. Whether close() returns aiopg's and aiomysql's depends on what made the pool."""

_WAITING: Mapping[Library, frozenset[str]] = {
    Library.ASYNCPG: frozenset({"acquire", *SHORTCUTS}),
    Library.AIOPG: frozenset({"acquire"}),
    Library.AIOMYSQL: frozenset({"acquire"}),
    Library.ASYNCMY: frozenset({"acquire"}),
    Library.ORACLEDB: frozenset({"acquire"}),
}
"""Other methods of pools that wait for a connection."""

_BOUNDING = frozenset({"timeout", "timeout_at", "fail_after", "move_on_after", "wait_for"})
"""Functions of asyncio, async_timeout and anyio that bound what is done in them."""

_COUNTS = re.compile(r"semaphore|(?:^|_)sem(?:$|_)|limiter", re.IGNORECASE)
"""How things are called that let only so many in, who then find a connection each."""

_ANSWERING = frozenset({"delete", "get", "patch", "post", "put", "route", "task", "websocket"})
"""What functions are decorated with that are called again and again, be they called main."""

_ENGINE_PACKAGES = frozenset({"alembic", "flask_sqlalchemy", "sqlalchemy", "sqlalchemy_utils", "sqlmodel"})


class Checkout(NamedTuple):
    """A call that takes a connection.

    `title` is the call in short, `pool.getconn()`. `maker` is what made the pool, or makes the connection where a
    driver is asked; None where only names tell that a pool is meant. `function` is the function that makes the
    call. The call `is_bounded` where what is around it sets a limit to its time, and `runs_once` in a script, a
    migration or an example, where less is at stake. `pool_is_local` where the same function makes the pool.
    """

    span: Span
    title: str
    method: str
    maker: Constructor | None
    arguments: Mapping[str, Value]
    function: str | None
    is_bounded: bool
    role: Role
    runs_once: bool
    pool_is_local: bool
    fate: Fate | None

    @property
    def is_pooled(self) -> bool:
        """Whether a pool is known to count the connection."""
        return self.maker is not None and self.maker.is_pool

    @property
    def is_opened(self) -> bool:
        """Whether it is a driver that opens a connection, and no pool that lends one."""
        return self.maker is not None and not self.maker.is_pool


def checkouts_of(module: Module) -> Iterator[Checkout]:
    """The calls in a module that take connections, in order."""
    role = role_of(module.path)
    uses_asyncpg = any(each.target.partition(".")[0] == "asyncpg" for each in module.imports)
    for piece in module.pieces:
        code = module.code(piece)
        if _TAKING.search(code) or (uses_asyncpg and _SHORTCUT.search(code)):
            owner = Class(module, piece.scope) if piece.scope else None
            for tree, statement in module.statements(piece):
                for call, scope, is_bounded in _calls(statement, Scope(module, tree, owner=owner)):
                    if found := _checkout(call, scope, role):
                        yield found._replace(is_bounded=is_bounded)


def _calls(root: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.Call, Scope, bool]]:
    """The calls in a statement, each with its scope and with whether its duration is bounded by what is around."""
    waiting = [(root, scope, False)]
    while waiting:
        node, around, is_bounded = waiting.pop()
        if isinstance(node, cst.Call):
            yield node, around, is_bounded
        within = around.inside(node) if isinstance(node, cst.FunctionDef) else around
        bounded = is_bounded or _bounds(node)
        waiting += [(child, within, bounded) for child in children(node)][::-1]


def _bounds(node: cst.CSTNode) -> bool:
    """Whether a node sets a limit to the time of what is in it, or to how many do it at once."""
    if isinstance(node, cst.With):
        return any(_bounds(item.item) or _COUNTS.search(_last_name(item.item)) for item in node.items)
    return isinstance(node, cst.Call) and _last_name(node.func) in _BOUNDING


def _last_name(node: cst.CSTNode) -> str:
    match node:
        case cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name):
            return name
        case cst.Call(func=func):
            return _last_name(func)
        case _:
            return ""


def _checkout(call: cst.Call, scope: Scope, role: Role) -> Checkout | None:
    if connects := constructor_called(call, scope):
        terms = _DRIVERS.get(connects.library)
        if terms and any(each.keyword and each.keyword.value == "connection_factory" for each in call.args):
            # Of a class of one's own, which may well close the connection in a `with` statement.
            terms = terms._replace(with_gives_back=True)
        return None if connects.is_pool else _taken(call, Made(connects), terms, scope, role)
    if not isinstance(call.func, cst.Attribute):
        return None
    pool, method = call.func.value, call.func.attr.value
    if method == "getconn":
        return _lent(call, pool, scope, role)
    if method not in {"connect", "raw_connection", "acquire", *SHORTCUTS}:
        return None
    made = made_by(pool, scope)
    if made is None:
        return _from_likely_engine(call, pool, scope, role)
    library = made.constructor.library
    terms = _METHODS.get(library, {}).get(method)
    if made.constructor.is_pool and (terms or method in _WAITING.get(library, ())):
        return _taken(call, made, terms, scope, role)
    return None


def _lent(call: cst.Call, pool: cst.BaseExpression, scope: Scope, role: Role) -> Checkout | None:
    """A connection from a psycopg or psycopg2 pool, unless a method of the project's own is called that.

    One that is asked for by a key is the same as before.
    """
    is_keyed = any(argument.keyword is None or argument.keyword.value == "key" for argument in call.args)
    if is_keyed or any(functions_called(call.func, scope)):
        return None
    made = made_by(pool, scope)
    if made is None and ("pool" not in _last_name(pool).lower() or _is_typed(pool, scope)):
        return None
    if made and made.constructor.library not in {Library.PSYCOPG, Library.PSYCOPG2}:
        return None
    terms = GETCONN_CLOSABLE if made is None or _closes_into(made) else GETCONN
    return _taken(call, made, terms, scope, role)


def _closes_into(made: Made) -> bool:
    """Whether closing a connection of the pool may return it, as since psycopg_pool 3.3 it can be told to."""
    is_told = made.keywords is None or "close_returns" in made.keywords
    return made.constructor.library is Library.PSYCOPG and is_told


def _from_likely_engine(call: cst.Call, engine: cst.BaseExpression, scope: Scope, role: Role) -> Checkout | None:
    """A connection from what is called an engine, in a module that uses SQLAlchemy."""
    terms = _METHODS[Library.SQLALCHEMY].get(_last_name(call.func))
    if terms is None or not _last_name(engine).lower().endswith("engine"):
        return None
    packages = {each.target.partition(".")[0] for each in scope.module.imports}
    is_other = _is_typed(engine, scope) or any(functions_called(call.func, scope))
    if is_other or packages.isdisjoint(_ENGINE_PACKAGES):
        return None
    is_async = bool(scope.functions and scope.functions[-1].asynchronous)
    found = _taken(call, None, terms._replace(takes_when_awaited=is_async), scope, role)
    is_guess = found.fate and found.fate.outcome is Outcome.SKIPPED_ON_EXCEPTION
    return found._replace(fate=None) if is_guess else found


def _is_typed(node: cst.BaseExpression, scope: Scope) -> bool:
    """Whether it is seen what something is, be it nothing that is known: it has a type, or a class makes it."""
    if class_of(node, scope) or any(annotation_of(_last_name(node), function) for function in scope.functions):
        return True
    bound = [each.node for each in definitions(node, scope).definitions]
    return any(
        isinstance(each, cst.AnnAssign) or (isinstance(each, cst.Call) and _last_name(each.func)[:1].isupper())
        for each in bound
    )


def _taken(call: cst.Call, made: Made | None, terms: Terms | None, scope: Scope, role: Role) -> Checkout:
    function = scope.functions[-1] if scope.functions else None
    maker = made.constructor if made else None
    if terms and maker and maker.is_async:
        terms = terms._replace(takes_when_awaited=True, is_lost=terms.is_lost or terms.is_lost_in_use)
    is_local = _is_local(call.func, scope)
    dies = is_local and maker is not None and maker.library is not Library.SQLALCHEMY
    is_judged = not dies and not _is_closed(call.func, scope)
    return Checkout(
        span=scope.span(call),
        title=_in_short(call),
        method=_last_name(call.func),
        maker=maker,
        arguments={each.keyword.value: evaluate(each.value, scope) for each in call.args if each.keyword},
        function=function.name.value if function else None,
        is_bounded=False,
        role=role,
        runs_once=role is not Role.APPLICATION or (function is not None and _is_main(function)),
        pool_is_local=is_local,
        fate=fate_of(call, terms, function, scope) if terms and function and is_judged else None,
    )


def _in_short(node: cst.CSTNode) -> str:
    """An expression without arguments, which may be long or secret."""
    match node:
        case cst.Name(value=name):
            return name
        case cst.Attribute(value=value, attr=cst.Name(value=name)):
            return f"{_in_short(value)}.{name}"
        case cst.Call(func=func):
            return f"{_in_short(func)}()"
        case cst.Subscript(value=value):
            return f"{_in_short(value)}[...]"
        case _:
            return "(...)"


def _is_local(method: cst.BaseExpression, scope: Scope) -> bool:
    """Whether the pool that a method is of is made by the function itself."""
    if not scope.functions or not isinstance(method, cst.Attribute) or not isinstance(method.value, cst.Name):
        return False
    bound = bound_in(scope.functions[-1]).get(method.value.value, ())
    values = [each.item if isinstance(each, cst.WithItem) else each for each in bound]
    calls = [value.expression if isinstance(value, cst.Await) else value for value in values]
    return bool(calls) and all(isinstance(each, cst.Call) and constructor_called(each, scope) for each in calls)


def _is_closed(method: cst.BaseExpression, scope: Scope) -> bool:
    """Whether the function closes the pool that a method is of, and with it the connections that are out."""
    pool = dotted(method.value) if isinstance(method, cst.Attribute) else None
    if pool is None or _last_name(method) != "getconn" or not scope.functions:
        return False
    closing = {f"{pool}.close", f"{pool}.closeall"}
    return any(isinstance(each, cst.Call) and dotted(each.func) in closing for each in walk(scope.functions[-1]))


def _is_main(function: cst.FunctionDef) -> bool:
    """Whether a function is the one that a script consists of."""
    decorators = {_last_name(decorator.decorator) for decorator in function.decorators}
    return function.name.value == "main" and decorators.isdisjoint(_ANSWERING)
