"""Which calls take connections from which pool: by themselves, or through functions that lend them."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.following.roles import yields
from poolcheck.read.python.leaks.following.surroundings import surroundings
from poolcheck.read.python.leaks.taking.sessions import (
    ASYNC_SESSION_MAKERS,
    ASYNC_SESSIONS,
    SESSION_MAKERS,
    SESSIONS,
)
from poolcheck.read.python.leaks.taking.sources import ENGINE_PACKAGES, may_be_source, source_of
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.terms import SESSION, Terms, of_method
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.client_pools import pools_of
from poolcheck.read.python.pools.provenance import Made, made_by
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.syntax.bindings import bound_in, dotted, inside, last_name, last_name_behind, parameters
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.names import definitions, functions_called
from poolcheck.read.python.values.scope import Definition, Scope, decorator_of, qualified
from poolcheck.source import Span

DEEPEST = 3
"""So many functions that lend what they are lent are followed."""

_LENDING = frozenset({"contextlib.asynccontextmanager", "contextlib.contextmanager"})
_LENT_ONLY = frozenset({(Library.PSYCOPG, "connection"), (Library.SQLALCHEMY, "begin")})
"""Methods of pools and engines that take nothing before a `with` statement enters what they return."""
_OTHERS = frozenset({"open", "suppress", "urlopen"})
"""What many `with` statements are over that take no connection."""


_SERVERS = frozenset(
    {None, "", "cockroachdb", "mariadb", "mssql", "mysql", "oracle", "postgres", "postgresql", "redshift"}
)
_KEEPING_NONE = frozenset({"AssertionPool", "NullPool", "SingletonThreadPool", "StaticPool"})
"""Classes of SQLAlchemy's that keep no more than the connections that are in use."""


class Origin(NamedTuple):
    """The pool that a connection is from, as far as it is seen.

    `name` is what it is called in the code, `home` where that is a name of, and `root` the call that has made it,
    or whatever else has its name, if it is made once in a process.
    """

    made: Made | None = None
    name: str = ""
    home: tuple[str, str] = ("", "")
    root: Span | None = None

    @property
    def pool(self) -> ClientPool | None:
        """All that is known of the pool."""
        call = self.made.calls[0] if self.made and len(self.made.calls) == 1 else None
        place = call.scope.span(call.node) if call and call.node else None
        made = _pools_in(call.scope.module) if call else ()
        return next((each for each in made if each.span == place), None)

    @property
    def is_of_server(self) -> bool:
        """Whether it may be a pool that keeps connections to a server, as far as it is known."""
        pool = self.pool
        if pool is None:
            return True
        dialect = pool.address.dialect if pool.address else None
        return pool.role is Role.APPLICATION and dialect in _SERVERS and pool.pool_class not in _KEEPING_NONE

    def is_made_in(self, function: cst.FunctionDef) -> bool:
        """Whether a function makes the pool itself, and another one the next time."""
        calls = self.made.calls if self.made else ()
        return any(function in call.scope.functions for call in calls)

    def is_same(self, other: "Origin") -> bool:
        """Whether two are certainly one pool, where both are asked in one module or object."""
        if self.root and other.root:
            return self.root == other.root
        return bool(self.name) and self.name == other.name and self.home == other.home


@lru_cache(maxsize=64)
def _pools_in(module: Module) -> tuple[ClientPool, ...]:
    return tuple(pools_of(module))


class Taking(NamedTuple):
    """A call that takes a connection, from where, and on what terms.

    It `is_lent` where only a `with` statement over the call takes it, and `is_short` where the call gives it
    back itself. A `session` takes it with its first statement. `is_guess`: only names tell.
    """

    call: cst.Call
    title: str
    origin: Origin
    terms: Terms | None
    is_session: bool = False
    is_lent: bool = False
    is_short: bool = False
    is_guess: bool = False


def taking_of(call: cst.Call, scope: Scope, depth: int = DEEPEST) -> Taking | None:
    """What a call takes; None where it takes nothing from a pool."""
    title = f"{dotted(call.func) or last_name_behind(call.func)}()"
    if found := _lent_by_method(call, title, scope):
        return found
    if source := source_of(call, scope):
        if source.made and not source.made.constructor.is_pool:
            return None
        is_session = source.terms is not None and source.terms.is_session
        if is_session and _commits_by_itself(call, scope):
            return None
        origin = Origin() if source.is_wrapped else _origin(call, scope, source.made, is_session=is_session)
        is_short = source.terms is None
        return Taking(
            call, title, origin, source.terms, is_session=is_session, is_short=is_short, is_guess=source.is_guess
        )
    if not depth or not isinstance(_directly_around(call, scope), cst.WithItem):
        return None
    functions = [*functions_called(call.func, scope)]
    is_given = bool(call.args)
    found = lent_by(plain(functions[0]), depth - 1, is_given=is_given) if len(functions) == 1 else None
    return found._replace(call=call, title=title, is_lent=True) if found else None


def _directly_around(call: cst.Call, scope: Scope) -> cst.CSTNode | None:
    """What is directly around a call in the inmost function."""
    return surroundings(scope.functions[-1]).parent(call) if scope.functions else None


def _lent_by_method(call: cst.Call, title: str, scope: Scope) -> Taking | None:
    """`pool.connection()` of psycopg's, `engine.begin()`, `sessions.begin()`."""
    if not isinstance(call.func, cst.Attribute) or call.func.attr.value not in {"begin", "connection"}:
        return None
    pool, method = call.func.value, call.func.attr.value
    if made := made_by(pool, scope):
        if (made.constructor.library, method) not in _LENT_ONLY or not made.constructor.is_pool:
            return None
        terms = of_method(made.constructor.library, "connect" if method == "begin" else "getconn")
        return Taking(call, title, _origin(call, scope, made, is_session=False), terms, is_lent=True)
    if method == "begin":
        if engine := _sessions_engine(pool, scope):
            origin = _origin_of_maker(pool, engine[0], scope)
            return Taking(call, title, origin, SESSION, is_session=True, is_lent=True)
        if _is_called_an_engine(pool, scope):
            terms = of_method(Library.SQLALCHEMY, "connect")
            return Taking(call, title, _named(pool, None, scope), terms, is_lent=True, is_guess=True)
    return None


def _is_called_an_engine(pool: cst.BaseExpression, scope: Scope) -> bool:
    if not last_name_behind(pool).lower().endswith("engine"):
        return False
    packages = {each.target.partition(".")[0] for each in scope.module.imports}
    return not packages.isdisjoint(ENGINE_PACKAGES)


def _sessions_engine(maker: cst.BaseExpression, scope: Scope) -> tuple[Made | None] | None:
    """The engine of what makes sessions, if that is what an expression is."""
    if not isinstance(maker, cst.Name | cst.Attribute):
        return None
    found = definitions(maker, scope).definitions
    calls = [(each.node, each.scope) for each in found if isinstance(each.node, cst.Call)]
    if len(found) != 1 or len(calls) != 1:
        return None
    node, around = calls[0]
    if qualified(node.func, around) not in SESSION_MAKERS | ASYNC_SESSION_MAKERS:
        return None
    return (_bound_engine(node, around),)


def _bound_engine(call: cst.Call, scope: Scope) -> Made | None:
    """What made the engine that a session, or a maker of sessions, is given."""
    for argument in call.args:
        is_bind = argument.keyword is not None and argument.keyword.value == "bind"
        if not argument.star and (argument.keyword is None or is_bind):
            return made_by(argument.value, scope)
    return None


def _commits_by_itself(call: cst.Call, scope: Scope) -> bool:
    """Whether a session gives back its connection after each statement, as with autocommit before 2.0."""
    found = [each.node for each in definitions(call.func, scope).definitions]
    calls = (call, *(each for each in found if isinstance(each, cst.Call)))
    return any(
        each.keyword and each.keyword.value == "autocommit" and dotted(each.value) == "True"
        for made in calls
        for each in made.args
    )


def _origin(call: cst.Call, scope: Scope, made: Made | None, *, is_session: bool) -> Origin:
    if not is_session:
        pool = call.func.value if isinstance(call.func, cst.Attribute) else None
        return _named(pool, made, scope) if pool else Origin(made)
    if (qualified(call.func, scope) or "") in SESSIONS | ASYNC_SESSIONS:
        engines = [
            each.value
            for each in call.args
            if not each.star and (each.keyword is None or each.keyword.value == "bind")
        ]
        return _named(engines[0], made_by(engines[0], scope), scope) if engines else Origin()
    if call.args:
        # What it is told may be another engine.
        return Origin()
    found = _sessions_engine(call.func, scope)
    return _origin_of_maker(call.func, found[0] if found else None, scope)


def _origin_of_maker(maker: cst.BaseExpression, engine: Made | None, scope: Scope) -> Origin:
    origin = _named(maker, None, scope)
    root = _root_of(engine) if engine else None
    return origin._replace(made=engine, root=root or origin.root)


def _named(pool: cst.BaseExpression, made: Made | None, scope: Scope) -> Origin:
    """A pool by what it is called, and by where that name is from."""
    name = dotted(pool) or ""
    root = (_root_of(made) if made else None) or _root_named(pool, scope)
    first = name.partition(".")[0]
    module = scope.module.path
    if first in {"self", "cls"}:
        return Origin(made, name, (module, scope.owner.name if scope.owner else ""), root)
    for function in reversed(scope.functions):
        if first in bound_in(function):
            return Origin(made, name, (module, f"{scope.tree.piece.start} {function.name.value}"), root)
    return Origin(made, name, (module, ""), root)


def _root_of(made: Made) -> Span | None:
    """The one call that has made it, where a module makes it once."""
    if len(made.calls) != 1:
        return None
    call = made.calls[0]
    is_once = call.node is not None and not call.scope.functions
    return call.scope.span(call.node) if is_once and call.node else None


def _root_named(pool: cst.BaseExpression, scope: Scope) -> Span | None:
    """What has the name of a pool at the top of a module."""
    if not isinstance(pool, cst.Name | cst.Attribute):
        return None
    found = definitions(pool, scope)
    if len(found.definitions) != 1:
        return None
    node, around = found.definitions[0]
    return around.span(node) if not around.functions and isinstance(node, cst.BaseExpression) else None


def plain(function: Definition) -> Definition:
    """A function, whoever calls it."""
    return Definition(function.node, function.scope._replace(calls=(), this=None, values=()))


@lru_cache(maxsize=512)
def lent_by(
    function: Definition, depth: int, *, is_dependency: bool = False, is_given: bool = False
) -> Taking | None:
    """What a function lends that yields a connection, or a session, and gives it back afterwards.

    Where it `is_given` arguments, one of them may be what it yields.
    """
    node, scope = function
    if not isinstance(node, cst.FunctionDef) or not yields(node):
        return None
    decorators = {decorator_of(each, scope) for each in node.decorators}
    is_managed = decorators <= _LENDING and decorators
    if not (is_managed or (is_dependency and not decorators)):
        return None
    within = scope.inside(node)
    found = [*takings_in(node, within, depth)]
    if not found or any(each.origin != found[0][0].origin for each, _ in found):
        return None
    if len(found) > 1 and found[0][0].origin == Origin():
        return None
    names = {name for _, bound in found for name in bound}
    values = [each.value for each in inside(node) if isinstance(each, cst.Yield)]
    if is_given and not names.isdisjoint(each.name.value for each in parameters(node)):
        return None
    is_plain = all(isinstance(each, cst.Name) and each.value in names for each in values)
    return found[0][0] if is_plain else None


def takings_in(
    function: cst.FunctionDef, scope: Scope, depth: int = DEEPEST
) -> Iterator[tuple[Taking, tuple[str, ...]]]:
    """What a function takes and gives a name, or has a `with` statement give one."""
    around = surroundings(function)
    for call in inside(function):
        if not isinstance(call, cst.Call) or not may_take(call, around.parent(call)):
            continue
        outer = around.parent(around.awaited(call))
        match outer:
            case cst.WithItem(asname=cst.AsName(name=cst.Name(value=name))):
                names: tuple[str, ...] = (name,)
            case cst.WithItem(asname=None):
                names = ()
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
                names = (name,)
            case cst.AnnAssign(target=cst.Name(value=name)):
                names = (name,)
            case _:
                continue
        if found := taking_of(call, scope, depth):
            yield found, names


_TAKING = re.compile(
    r"(?:acquire|begin|checkout|conn|connect|connection|getconn|raw_connection|_db|session|execute|executemany|fetch"
    r"|fetchmany|fetchrow|fetchval|session_?(?:factory|local|maker)|(?:create|get|make|new|open)_\w+)$",
    re.IGNORECASE,
)


def may_take(call: cst.Call, parent: cst.CSTNode | None) -> bool:
    """Whether a call may take a connection, by its name or as what a `with` statement is over."""
    name = last_name(call.func)
    if isinstance(parent, cst.WithItem):
        return bool(name) and not is_other(name)
    return may_be_taking(name)


def may_be_taking(name: str) -> bool:
    """Whether what is called so may take a connection by itself."""
    return _TAKING.search(name) is not None and (name == "begin" or may_be_source(name))


def is_other(name: str) -> bool:
    """Whether what is called so takes none though a `with` statement is over it."""
    return name in _OTHERS
