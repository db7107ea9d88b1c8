"""Pools that have connections open by the time their module is imported."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.uses import calls_in, placed
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.running.reached import kept
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind
from poolcheck.read.python.values.scope import Scope
from poolcheck.source import Span
from poolcheck.value import Known, by_default, number_of

_USING = re.compile(
    r"\.\s*(?:create_all|drop_all|reflect|connect|begin|execute|raw_connection)\s*\(|\binspect\s*\("
)
_ON_ENGINE = frozenset({"begin", "connect", "execute", "raw_connection"})
_WITH_ENGINE = frozenset({"create_all", "drop_all", "inspect", "reflect"})


class Opened(NamedTuple):
    """A pool, the module whose import opens connections of it, and the place where that happens."""

    pool: ClientPool
    opener: Module
    place: Span


def opened_at_import(pool: ClientPool, module: Module) -> Opened | None:
    """Where a pool is opened while modules are imported; None where it is not."""
    if (
        pool.role is not Role.APPLICATION
        or not pool.constructor.is_pool
        or pool.function
        or pool.constructor.is_async
    ):
        return None
    call = placed(module, pool.span)
    if call is None or call.is_deferred:
        return None
    if pool.constructor.library is Library.SQLALCHEMY:
        return next(_engine_used(pool, module), None)
    return Opened(pool, module, pool.callee) if _opens_itself(pool) else None


def _opens_itself(pool: ClientPool) -> bool:
    """Whether the call that makes a pool has it open connections, or start what opens them."""
    match pool.constructor.library:
        case Library.PSYCOPG2:
            return _is_positive(pool, "minconn")
        case Library.DBUTILS:
            return _is_positive(pool, "mincached")
        case Library.MYSQL_CONNECTOR:
            return True
        case Library.PSYCOPG:
            told = pool.given("open")
            return "Null" not in pool.constructor.name and (
                told is None or (isinstance(told, Known) and told.scalar in {None, True})
            )
        case _:
            return False


def _is_positive(pool: ClientPool, name: str) -> bool:
    number = number_of(by_default(pool.effective(name))[0])
    return number is not None and number > 0


def _engine_used(pool: ClientPool, home: Module) -> Iterator[Opened]:
    """The statements of modules that use an engine of SQLAlchemy's when they are imported."""
    if pool.pool_class != "QueuePool" or pool.name is None:
        return
    for module in _modules_naming(pool.name.rpartition(".")[2], home):
        for piece in module.members("") if module.has(_USING) else ():
            code = module.code(piece)
            if piece.kind is not Kind.STATEMENT or not _USING.search(code) or code.startswith("if __name__"):
                continue
            for tree, statement in module.statements(piece):
                for call, scope, _ in calls_in(statement, Scope(module, tree)):
                    if not scope.functions and _uses(call, scope, pool):
                        yield Opened(pool, module, scope.span(call.func))


def _modules_naming(name: str, home: Module) -> Iterator[Module]:
    yield home
    for path in home.project.mentions.of(name) or ():
        module = home.project.module(path) if path != home.path and role_of(path) is Role.APPLICATION else None
        if module:
            yield module


def _uses(call: cst.Call, scope: Scope, pool: ClientPool) -> bool:
    """Whether a call has an engine open a connection."""
    match call.func:
        case cst.Attribute(value=engine, attr=cst.Name(value=method)) if method in _ON_ENGINE:
            return _is_engine(engine, scope, pool)
        case cst.Attribute(attr=cst.Name(value=method)) | cst.Name(value=method) if method in _WITH_ENGINE:
            return any(_is_engine(each.value, scope, pool) for each in call.args)
        case _:
            return False


def _is_engine(node: cst.BaseExpression, scope: Scope, pool: ClientPool) -> bool:
    found = kept(node, scope)
    return (
        found is not None
        and found.scope.module.path == pool.span.path
        and found.scope.span(found.call) == pool.span
    )
