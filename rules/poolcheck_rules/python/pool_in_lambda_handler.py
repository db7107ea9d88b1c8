"""A pool in AWS Lambda that is made for each invocation, or that is larger than the one it runs at a time."""

import re
from collections.abc import Iterator
from functools import lru_cache

import libcst as cst

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.capacity import most_connections
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.uses import placed
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.running.entry_points import adapted_to_lambda, lambda_handler
from poolcheck.read.python.running.occasions import EntryPoint, Occasion
from poolcheck.read.python.running.recurring import recurrences
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind as PieceKind
from poolcheck.read.python.values.scope import Definition, Scope
from poolcheck.rule import Rule

JUDGED = frozenset({Library.ASYNCPG, Library.PSYCOPG, Library.PSYCOPG2, Library.SQLALCHEMY})
SERVERS = frozenset({None, "", "cockroachdb", "mariadb", "mssql", "mysql", "oracle", "postgres", "postgresql"})
KEEPING = frozenset({"", "AsyncAdaptedQueuePool", "QueuePool"})
MOST_MODULES = 16
"""So many modules are asked whether they import another."""
SIGNATURE = re.compile(r"\bdef\s+\w+\s*\([^()]+,[^()]+\)")


class PoolInLambdaHandler(Rule[PythonModule]):
    id = "pool-in-lambda-handler"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        if module.role is not Role.APPLICATION:
            return
        for pool in module.pools:
            if is_judged(pool) and (made := placed(module.module, pool.span)):
                if made.is_deferred:
                    kinds = {each: each.entry.kind for each in recurrences(made) if each.entry}
                    found = [each for each, kind in kinds.items() if kind is Occasion.LAMBDA]
                    for recurrence in found[:1]:
                        notes = [Note(step.place, f"{step.callee}() is called here") for step in recurrence.steps]
                        yield self.finding(
                            pool.callee,
                            f"each {recurrence.occasion} makes {thing(pool)} of its own, and none uses the "
                            "connections of the last",
                            notes=notes,
                        )
                else:
                    yield from self.too_large(pool, module.module)

    def too_large(self, pool: ClientPool, module: Module) -> Iterator[Finding]:
        """A pool of an execution environment that may hold more than one connection."""
        most = most_connections(pool)
        if most.low > 1 and (handler := next(handlers_around(module), None)):
            yield self.finding(
                pool.callee,
                f"{pool.title} may hold {most.low} connections in each environment of {handler.name}(), "
                "which runs one invocation at a time",
                notes=[Note(handler.place, f"{handler.name}() is what Lambda calls")],
                severity=Severity.WARNING,
            )


def is_judged(pool: ClientPool) -> bool:
    """Whether it is a pool that keeps connections to a server."""
    constructor = pool.constructor
    address = pool.address
    is_server = address is None or address.dialect in SERVERS
    is_pool = constructor.is_pool and constructor.library in JUDGED
    return is_pool and is_server and pool.role is Role.APPLICATION and pool.pool_class in KEEPING


def handlers_around(module: Module) -> Iterator[EntryPoint]:
    """What Lambda calls in a module, and in modules that import from it; or what an adapter makes."""
    if handler := handler_of(module):
        yield handler
    stem = module.path.rpartition("/")[2].removesuffix(".py")
    mentions = [module.project.mentions.of(word) or () for word in (stem, "context", "event")]
    for path in sorted(set(mentions[0]).intersection(*mentions[1:]))[:MOST_MODULES]:
        other = None if role_of(path) is Role.TEST else module.project.module(path)
        if other and other is not module and imports_from(other, module) and (handler := handler_of(other)):
            yield handler
    if adapted := adapted_to_lambda(module):
        yield adapted


def imports_from(module: Module, other: Module) -> bool:
    """Whether a module imports from another."""
    found = (module.project.find(each.target, module.path) for each in module.imports)
    return any(each and each[0] is other for each in found)


@lru_cache(maxsize=64)
def handler_of(module: Module) -> EntryPoint | None:
    """The handler of Lambda's in a module."""
    for piece in module.pieces:
        if piece.kind is not PieceKind.FUNCTION or piece.scope or not is_of_two(module.code(piece)):
            continue
        if piece.name and not may_be_handler(piece.name, module):
            continue
        for tree, statement in module.statements(piece):
            handler = isinstance(statement, cst.FunctionDef) and lambda_handler(
                Definition(statement, Scope(module, tree))
            )
            if handler:
                return handler
    return None


def may_be_handler(function: str, module: Module) -> bool:
    """Whether Lambda may call a function of that name; most are not worth parsing."""
    return function.endswith("handler") or module.project.lambdas.names(module.path, function)


def is_of_two(code: str) -> bool:
    """Whether a function may have two parameters, as a handler has."""
    return SIGNATURE.search(code) is not None


def thing(pool: ClientPool) -> str:
    """What is made."""
    return "an engine" if pool.constructor.library is Library.SQLALCHEMY else "a pool"
