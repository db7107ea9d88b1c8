"""Where a module takes connections from pools and engines, or straight from a driver."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.fate import Fate, Outcome, Taken, fate_of, walk_of
from poolcheck.read.python.leaks.walk import Walked
from poolcheck.read.python.leaks.wrappers import fresh
from poolcheck.read.python.libraries.constructors import BY_NAME, Constructor, Holds, Library
from poolcheck.read.python.libraries.terms import (
    ASYNC_SESSION,
    CLOSES_RETURN,
    SESSION,
    UNKNOWN_POOL,
    WAITS,
    Terms,
    With,
    of_driver,
    of_method,
)
from poolcheck.read.python.pools.client_pools import constructor_called
from poolcheck.read.python.pools.provenance import Made, made_by
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.syntax.arguments import passed
from poolcheck.read.python.syntax.bindings import annotation_of, bound_in, dotted, inside, last_name_behind
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.trees import children, walk
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.names import class_of, definitions, functions_called, in_class
from poolcheck.read.python.values.scope import Call, Class, Definition, Scope, qualified
from poolcheck.source import Span
from poolcheck.value import Value, number_of

_ENDINGS = r"acquire|checkout|conn|connect|connection|_db|(?:create|get|make|new|open)_(?:\w+_)?session"
_SESSION_ENDINGS = r"(?:async|db|local)_session|Session(?:Factory|Local|Maker)?|[Ss]ession_?(?:factory|maker)"
_TAKING = re.compile(rf"(?:{_ENDINGS}|{_SESSION_ENDINGS})\s*\(")
"""What code mentions that takes a connection."""
_ENTERED = re.compile(r"[ \t]*(?:async[ \t]+)?with[ \t]+[\w.]*[Ss]ession\w*[ \t]*\(")
"""A `with` statement over a session, up to where the session is made."""
_OPENING = re.compile(rf"(?:{_ENDINGS})$", re.IGNORECASE)
"""What functions are called that take a connection for their caller."""

SHORTCUTS = frozenset({"execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval"})
"""Methods of asyncpg's pool that take a connection for one statement."""
_SHORTCUT = re.compile(rf"\.\s*(?:{'|'.join(sorted(SHORTCUTS))})\s*\(")

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

_COMMAND = re.compile(r"(?!.*(?:bot|commands)\.)(?:\w+\.)*command")
"""What functions are decorated with that are commands of a shell, and not of a chat."""

_ENGINE_PACKAGES = frozenset({"alembic", "flask_sqlalchemy", "sqlalchemy", "sqlalchemy_utils", "sqlmodel"})


class Checkout(NamedTuple):
    """A call that takes a connection.

    `title` is the call in short, `pool.getconn()`. `maker` is what made the pool, or makes the connection where
    a driver is asked; None where only names tell that a pool is meant. `function` is the function that makes the
    call, `asked` the method of the pool that takes, and `limit` the number of connections that it has. It
    `is_wrapped` where it is a function of the project that takes the connection for its caller. The call
    `is_bounded` where what is around it sets a limit to its time, and `runs_once` in a script, a migration or an
    example, where less is at stake. `pool_is_local` where the same function makes the pool.
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
    terms: Terms | None = None
    is_wrapped: bool = False
    asked: str = ""
    limit: int | None = None

    @property
    def consequence(self) -> str:
        """What comes of it when the pool does not get back one connection after the other; "" where it does."""
        terms = self.terms
        if terms is None or not (terms.is_lost and terms.exhausted) or self.pool_is_local:
            return ""
        exhausted = terms.exhausted
        if self.arguments.get("timeout") and exhausted == WAITS:
            exhausted = "raises TimeoutError"
        return f"after {self.limit or terms.limit} such calls {self.asked}() {exhausted}"

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
    uses_asyncpg = _uses_asyncpg(module)
    for piece in module.pieces:
        code = module.code(piece)
        if _takes(code) or (uses_asyncpg and _SHORTCUT.search(code)):
            owner = Class(module, piece.scope) if piece.scope else None
            for tree, statement in module.statements(piece):
                for call, scope, around in _calls(statement, Scope(module, tree, owner=owner)):
                    if found := _checkout(call, scope, role, around):
                        yield found


def _takes(code: str) -> bool:
    """Whether code may take a connection, other than by a `with` statement over a session, which most do."""
    for found in _TAKING.finditer(code):
        line = code.rfind("\n", 0, found.start()) + 1
        if not _ENTERED.fullmatch(code, line, found.end()) or "no_autoflush" in code:
            return True
    return False


@lru_cache(maxsize=8)
def _uses_asyncpg(module: Module) -> bool:
    return any(each.target.partition(".")[0] == "asyncpg" for each in module.imports)


class _Around(NamedTuple):
    """What is around a call: something that bounds its duration, and a `with` statement that is over it."""

    is_bounded: bool = False
    is_entered: bool = False


def _calls(root: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.Call, Scope, _Around]]:
    """The calls in a statement, each with its scope and what is around it."""
    waiting = [(root, scope, _Around())]
    while waiting:
        node, within, around = waiting.pop()
        if isinstance(node, cst.Call):
            yield node, within, around
        if isinstance(node, cst.FunctionDef):
            within = within.inside(node)
        inner = _Around(around.is_bounded or _bounds(node), is_entered=isinstance(node, cst.WithItem))
        waiting += [(child, within, inner) for child in children(node)][::-1]


def _bounds(node: cst.CSTNode) -> bool:
    """Whether a node sets a limit to the time of what is in it, or to how many do it at once."""
    if isinstance(node, cst.With):
        return any(_bounds(item.item) or _COUNTS.search(last_name_behind(item.item)) for item in node.items)
    return isinstance(node, cst.Call) and last_name_behind(node.func) in _BOUNDING


class _Source(NamedTuple):
    """What a call takes a connection from, and on what terms, None where nothing is known of them.

    `position` is the place of the connection in the tuple that a function of the project returns.
    """

    made: Made | None
    terms: Terms | None
    is_wrapped: bool = False
    position: int | None = None
    is_guess: bool = False
    asked: str = ""


def _checkout(call: cst.Call, scope: Scope, role: Role, around: _Around) -> Checkout | None:
    found = _source(call, scope, DEEPEST)
    if found is None:
        return None
    terms = found.terms
    is_left = terms is not None and (terms.takes_when_awaited or terms.entered is With.GIVES_BACK)
    fate = None if around.is_entered and is_left else _fate(call, found, scope)
    if fate is None and (found.is_wrapped or (terms is not None and terms.is_session)):
        # That is no call of a pool.
        return None
    return _taken(call, found, scope, role)._replace(fate=fate, is_bounded=around.is_bounded)


def _fate(call: cst.Call, source: _Source, scope: Scope) -> Fate | None:
    if source.terms is None or not scope.functions or _is_closed(call.func, scope):
        return None
    if source.made and source.made.constructor.library is not Library.SQLALCHEMY and _is_local(call.func, scope):
        return None
    fate = fate_of(Taken(call, source.terms, scope.functions[-1], scope, source.position))
    is_unsure = fate and fate.outcome in {Outcome.SKIPPED_ON_EXCEPTION, Outcome.LEFT_EARLY}
    return None if source.is_guess and is_unsure else fate


DEEPEST = 3
"""So many functions that take connections for each other are followed."""


def _source(call: cst.Call, scope: Scope, depth: int) -> _Source | None:
    """What a call takes a connection from; None where it takes none."""
    method = last_name_behind(call.func)
    if connects := constructor_called(call, scope):
        return _Source(Made(connects), _of_driver(call, connects)) if not connects.is_pool else None
    if session := _session(call, scope):
        return session
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


def _of_pool(call: cst.Call, func: cst.BaseExpression, method: str, scope: Scope) -> _Source | None:
    """A method of a pool, or of an engine."""
    pool = cst.ensure_type(func, cst.Attribute).value
    if method == "getconn":
        return _lent(call, pool, scope)
    if method in SHORTCUTS and not _uses_asyncpg(scope.module):
        return None
    made = made_by(pool, scope)
    if made is None:
        return _from_likely_engine(call, pool, method, scope)
    maker = made.constructor
    terms = of_method(maker.library, method, maker.name, is_async=maker.is_async)
    if maker.is_pool and (terms or method in _WAITING.get(maker.library, ())):
        return _Source(made, terms)
    return None


def _lent(call: cst.Call, pool: cst.BaseExpression, scope: Scope) -> _Source | None:
    """A connection from a psycopg or psycopg2 pool, unless a method of the project's own is called that.

    One that is asked for by a key is the same as before.
    """
    is_keyed = any(argument.keyword is None or argument.keyword.value == "key" for argument in call.args)
    if is_keyed or any(functions_called(call.func, scope)):
        return None
    made = made_by(pool, scope)
    if made is None and ("pool" not in last_name_behind(pool).lower() or _is_typed(pool, scope)):
        return None
    if made and made.constructor.library not in {Library.PSYCOPG, Library.PSYCOPG2}:
        return None
    if made is None:
        return _Source(None, UNKNOWN_POOL)
    maker = made.constructor
    terms = CLOSES_RETURN if _closes_into(made) else of_method(maker.library, "getconn")
    return _Source(made, terms._replace(takes_when_awaited=maker.is_async) if terms else None)


def _closes_into(made: Made) -> bool:
    """Whether closing a connection of the pool may return it, as since psycopg_pool 3.3 it can be told to."""
    is_told = made.keywords is None or "close_returns" in made.keywords
    return made.constructor.library is Library.PSYCOPG and is_told


def _from_likely_engine(call: cst.Call, engine: cst.BaseExpression, method: str, scope: Scope) -> _Source | None:
    """A connection from what is called an engine, in a module that uses SQLAlchemy."""
    terms = of_method(Library.SQLALCHEMY, method)
    if terms is None or not last_name_behind(engine).lower().endswith("engine"):
        return None
    packages = {each.target.partition(".")[0] for each in scope.module.imports}
    is_other = _is_typed(engine, scope) or any(functions_called(call.func, scope))
    if is_other or packages.isdisjoint(_ENGINE_PACKAGES):
        return None
    is_async = bool(scope.functions and scope.functions[-1].asynchronous)
    return _Source(None, terms._replace(takes_when_awaited=is_async), is_guess=True)


_SESSIONS = frozenset({"sqlalchemy.orm.Session", "sqlalchemy.orm.session.Session", "sqlmodel.Session"})
_ASYNC_SESSIONS = frozenset(
    {
        "sqlalchemy.ext.asyncio.AsyncSession", "sqlalchemy.ext.asyncio.session.AsyncSession",
        "sqlmodel.ext.asyncio.session.AsyncSession",
    }
)  # fmt: skip
_SESSION_MAKERS = frozenset({"sqlalchemy.orm.sessionmaker", "sqlalchemy.orm.session.sessionmaker"})
_ASYNC_SESSION_MAKERS = frozenset(
    {"sqlalchemy.ext.asyncio.async_sessionmaker", "sqlalchemy.ext.asyncio.session.async_sessionmaker"}
)
_ENGINE = BY_NAME["sqlalchemy.create_engine"]
_ASYNC_ENGINE = BY_NAME["sqlalchemy.ext.asyncio.create_async_engine"]


def _session(call: cst.Call, scope: Scope) -> _Source | None:
    """A session of SQLAlchemy's that takes its connections from an engine."""
    if "ession" not in last_name_behind(call.func) and "maker" not in last_name_behind(call.func).lower():
        return None
    name = qualified(call.func, scope) or ""
    if name in _SESSIONS | _ASYNC_SESSIONS:
        return (
            _of_session(is_async=name in _ASYNC_SESSIONS) if _binds_engine(call, scope, is_certain=False) else None
        )
    found = _bound_to(call.func, scope)
    makers = [each for each in found if isinstance(each.node, cst.Call)]
    names = {qualified(each.node.func, each.scope) for each in makers if isinstance(each.node, cst.Call)}
    if not makers or len(makers) < len(found):
        return None
    bound = [
        _binds_engine(each.node, each.scope, is_certain=True) for each in makers if isinstance(each.node, cst.Call)
    ]
    if not all(bound) or not _binds_engine(call, scope, is_certain=True):
        return None
    is_async = any(isinstance(each.node, cst.Call) and _makes_async(each.node, each.scope) for each in makers)
    if names <= _ASYNC_SESSION_MAKERS:
        return _of_session(is_async=True)
    return _of_session(is_async=is_async) if names <= _SESSION_MAKERS else None


def _bound_to(func: cst.BaseExpression, scope: Scope) -> tuple[Definition, ...]:
    match func:
        case cst.Attribute(value=cst.Name("self"), attr=cst.Name(name)) if scope.owner and scope.functions:
            return _set_in(scope.owner.itself, name)
        case _:
            return definitions(func, scope).definitions


@lru_cache(maxsize=64)
def _set_in(owner: Class, name: str) -> tuple[Definition, ...]:
    """What an attribute of a class is set to; many of its methods ask for it."""
    return in_class(owner, name).definitions


def _makes_async(maker: cst.Call, scope: Scope) -> bool:
    classes = (each.value for each in maker.args if each.keyword and each.keyword.value == "class_")
    return any(qualified(each, scope) in _ASYNC_SESSIONS for each in classes)


def _of_session(*, is_async: bool) -> _Source:
    return _Source(Made(_ASYNC_ENGINE if is_async else _ENGINE), ASYNC_SESSION if is_async else SESSION)


def _binds_engine(call: cst.Call, scope: Scope, *, is_certain: bool) -> bool:
    """Whether a session is bound to an engine, or to what it is bound to elsewhere where that is certain."""
    for argument in call.args:
        if argument.keyword is None or argument.keyword.value == "bind":
            made = made_by(argument.value, scope)
            return bool(made and made.constructor.is_pool) or (
                last_name_behind(argument.value).lower().endswith("engine")
            )
    return is_certain


def _wrapped(call: cst.Call, scope: Scope, depth: int) -> _Source | None:
    """What a function of the project takes for its caller."""
    functions = [*functions_called(call.func, scope)]
    if len(functions) != 1:
        return None
    found = _sources_in(functions[0], depth - 1)
    terms = {source.terms for source, _ in found}
    if not found or len(terms) != 1:
        return None
    walks = [walked for _, walked in found]
    is_new = fresh(functions[0], lambda _function, _scope: walks)
    source = found[0][0]
    if is_new is None or source.terms is None:
        return None
    return source._replace(
        terms=source.terms._replace(takes_when_awaited=is_new.is_awaited),
        is_wrapped=True,
        position=is_new.position,
    )


def _sources_in(function: Definition, depth: int) -> list[tuple[_Source, Walked]]:
    """What the calls in a function take, each with what becomes of it; nothing where that is not all known."""
    node, scope = function
    if not isinstance(node, cst.FunctionDef):
        return []
    around = scope.inside(node)
    found: list[tuple[_Source, Walked]] = []
    for each in inside(node):
        if isinstance(each, cst.Call) and (source := _source(each, around, depth)):
            walked = walk_of(Taken(each, source.terms, node, around, source.position)) if source.terms else None
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


def _taken(call: cst.Call, source: _Source, scope: Scope, role: Role) -> Checkout:
    function = scope.functions[-1] if scope.functions else None
    maker = source.made.constructor if source.made else None
    return Checkout(
        span=scope.span(call),
        title=_in_short(call),
        method=last_name_behind(call.func),
        maker=maker,
        arguments={each.keyword.value: evaluate(each.value, scope) for each in call.args if each.keyword},
        function=function.name.value if function else None,
        is_bounded=False,
        role=role,
        runs_once=role is not Role.APPLICATION or (function is not None and _is_main(function)),
        pool_is_local=_is_local(call.func, scope),
        fate=None,
        terms=source.terms,
        is_wrapped=source.is_wrapped,
        asked=source.asked,
        limit=_limit(source.made) if source.made and source.terms else None,
    )


def _limit(made: Made) -> int | None:
    """How many connections the pool has, as far as the calls that make it tell the same."""
    found = {_limit_of(call, made.constructor) for call in made.calls}
    return found.pop() if len(found) == 1 else None


def _limit_of(call: Call, constructor: Constructor) -> int | None:
    if constructor.holds is Holds.SUM and len(constructor.size) > 1:
        return None
    for name in constructor.size:
        position = constructor.parameters.index(name) if name in constructor.parameters else None
        given = passed(call.node, name, position)
        if given.is_hidden or given.spread:
            return None
        number = number_of(evaluate(given.node, call.scope)) if given.node else None
        default = constructor.defaults.get(name)
        if given.node is None and isinstance(default, int):
            number = default
        if number is not None:
            return int(number) if number > 0 else None
        if given.node:
            return None
    return None


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
    if pool is None or last_name_behind(method) != "getconn" or not scope.functions:
        return False
    return not {f"{pool}.close", f"{pool}.closeall"}.isdisjoint(_called_in(scope.functions[-1]))


@lru_cache(maxsize=8)
def _called_in(function: cst.FunctionDef) -> frozenset[str]:
    """The names of what a function calls."""
    names = (dotted(each.func) for each in walk(function) if isinstance(each, cst.Call))
    return frozenset(name for name in names if name)


def _is_main(function: cst.FunctionDef) -> bool:
    """Whether a function is the one that a script consists of, or a command of the shell."""
    decorators = {last_name_behind(decorator.decorator) for decorator in function.decorators}
    commands = (
        each.decorator.func if isinstance(each.decorator, cst.Call) else each.decorator
        for each in function.decorators
    )
    is_command = any(_COMMAND.fullmatch(dotted(each) or "") for each in commands)
    return is_command or (function.name.value == "main" and decorators.isdisjoint(_ANSWERING))
