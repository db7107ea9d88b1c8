"""The calls in a module that make client pools and connections."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.libraries.constructor import Constructor, Library
from poolcheck.read.python.libraries.constructors import BY_NAME, LIBRARY_NAMES, MYSQL_POOL
from poolcheck.read.python.pools.call_arguments import arguments_of
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.tortoise import connections
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.syntax.bindings import bound_in, dotted
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.names import definitions
from poolcheck.read.python.values.scope import Class, Scope, qualified
from poolcheck.value import Known, Value, compute

_FOR_TESTS = re.compile(r"_?test(?:ing)?_", re.IGNORECASE)
"""How names begin of what only tests use, though it stands beside what the application does."""


def pools_of(module: Module) -> Iterator[ClientPool]:
    """The pools and connections that a module makes, in order."""
    mention = _handles(module)
    role = role_of(module.path)
    for piece in module.mentioning(mention) if mention else ():
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            # What only runs where the module itself is run tries it out.
            runs_as = Role.EXAMPLE if role is Role.APPLICATION and _is_main_guard(statement) else role
            for called in _calls(statement, Scope(module, tree, owner=owner)):
                if constructor := constructor_called(called.node, called.scope):
                    yield from _pools(called, constructor, runs_as)


def constructor_called(call: cst.Call, scope: Scope) -> Constructor | None:
    """What a call makes, if it makes a pool or a connection."""
    # `ConnectionPool[Connection](…)` says what the pool holds.
    func = call.func.value if isinstance(call.func, cst.Subscript) else call.func
    found = BY_NAME.get(qualified(func, scope) or "") or _starred(func, scope)
    return None if found and _is_ambiguous(func, scope) else found


def _starred(func: cst.BaseExpression, scope: Scope) -> Constructor | None:
    """What a name stands for that nothing binds but `from sqlalchemy import *`."""
    if not isinstance(func, cst.Name):
        return None
    stars = (beginning + func.value for beginning in scope.module.starred)
    found = next((BY_NAME[name] for name in stars if name in BY_NAME), None)
    if found is None or any(func.value in bound_in(function) for function in scope.functions):
        return None
    return None if scope.module.imported(func.value) or definitions(func, scope).definitions else found


def _is_ambiguous(func: cst.BaseExpression, scope: Scope) -> bool:
    """Whether a name is imported from several places, as where one library stands in for another."""
    first, dot, rest = (dotted(func) or "").partition(".")
    piece = scope.tree.piece
    everywhere = [each for each in scope.module.imports if each.name == first]
    here = [each for each in everywhere if piece.start <= each.start < piece.end]
    makers = (BY_NAME.get(f"{each.target}{dot}{rest}") for each in here or everywhere)
    return len({maker and maker.name for maker in makers}) > 1


def _is_main_guard(statement: cst.BaseStatement) -> bool:
    """`if __name__ == "__main__":`."""
    match statement:
        case cst.If(test=cst.Comparison(left=cst.Name(value="__name__"))):
            return True
        case _:
            return False


_LAST_NAMES = frozenset(name.rpartition(".")[2] for name in BY_NAME)
_LEADING = _LAST_NAMES | LIBRARY_NAMES
_BEGINNINGS = frozenset(".".join(name.split(".")[:count]) for name in BY_NAME for count in range(1, 5))
"""All that constructors can be reached through: `sqlalchemy`, `sqlalchemy.engine`, …"""


def _handles(module: Module) -> re.Pattern[str] | None:
    """What code that makes pools must mention: the names that libraries and constructors are imported as."""
    names = {each.name for each in module.imports if _leads_to_a_constructor(each.target)}
    if "*" in names:
        names = names - {"*"} | _LAST_NAMES
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\b") if names else None


def _leads_to_a_constructor(target: str) -> bool:
    return target.removesuffix(".*") in _BEGINNINGS or target.rpartition(".")[2] in _LEADING


_DIALECT = re.compile(r"sqlite|postgres|mysql|mariadb|oracle|mssql", re.IGNORECASE)


class _Test(NamedTuple):
    """What is asked of a dialect before something is done, and whether that has to be true."""

    node: cst.BaseExpression
    is_true: bool
    scope: Scope


class _Called(NamedTuple):
    """A call with the name that its value is assigned to, its scope, and what is asked before."""

    node: cst.Call
    name: str | None
    scope: Scope
    tests: tuple[_Test, ...]


def _calls(root: cst.CSTNode, scope: Scope) -> Iterator[_Called]:
    """The calls in a statement."""
    waiting: list[tuple[cst.CSTNode, str | None, Scope, tuple[_Test, ...]]] = [(root, None, scope, ())]
    while waiting:
        node, name, around, tests = waiting.pop()
        if isinstance(node, cst.Call):
            yield _Called(node, name, around, tests)
        within = around.inside(node) if isinstance(node, cst.FunctionDef) else around
        below: list[tuple[cst.CSTNode, str | None, Scope, tuple[_Test, ...]]] = []
        for child in children(node):
            asked = _asked_around(child, node, within)
            below.append((child, _name_for(child, node, name), within, (*tests, *asked)))
            if isinstance(node, cst.IndentedBlock) and isinstance(child, cst.If) and _leaves(child):
                tests = (*tests, *_asked(child.test, within, is_true=False))
        waiting += below[::-1]


def _asked_around(child: cst.CSTNode, parent: cst.CSTNode, scope: Scope) -> Iterator[_Test]:
    """What a branch asks."""
    if isinstance(parent, cst.If | cst.IfExp) and child is not parent.test:
        yield from _asked(parent.test, scope, is_true=child is parent.body)


def _asked(test: cst.BaseExpression, scope: Scope, *, is_true: bool) -> Iterator[_Test]:
    place = scope.span(test)
    if _DIALECT.search(scope.module.source.text, place.start, place.end):
        yield _Test(test, is_true, scope)


def _leaves(statement: cst.If) -> bool:
    """Whether nothing goes on behind a branch that has no other."""
    match statement:
        case cst.If(
            body=cst.IndentedBlock(body=[*_, cst.SimpleStatementLine(body=[*_, cst.Return() | cst.Raise()])]),
            orelse=None,
        ):
            return True
        case _:
            return False


def _condition(test: _Test) -> Value:
    """What must be true for a call to be made."""
    place = (test.scope.span(test.node),)
    answers = [Known(test.is_true, place), Known(not test.is_true, place)]
    return compute("if", [evaluate(test.node, test.scope), *answers], place)


def _name_for(child: cst.CSTNode, parent: cst.CSTNode, name: str | None) -> str | None:
    """The name that the value of a node is assigned to by what is around it."""
    match parent:
        case cst.Assign(targets=[cst.AssignTarget(target=target), *_]) if child is parent.value:
            return dotted(target)
        case cst.AnnAssign(target=target) | cst.NamedExpr(target=target) if child is parent.value:
            return dotted(target)
        case cst.WithItem(asname=cst.AsName(name=target)) if child is parent.item:
            return dotted(target)
        case cst.Await():
            return name
        case _:
            return None


def _pools(called: _Called, constructor: Constructor, role: Role) -> Iterator[ClientPool]:
    """What a call makes: one pool, or for Tortoise one for each connection that it is told."""
    call, name, scope, tests = called
    given = arguments_of(call, constructor, scope)
    if not given.values.keys().isdisjoint(constructor.pooled_by):
        constructor = MYSQL_POOL._replace(names=constructor.names)
    all_known = given.is_complete and constructor.is_counted and not _is_told_more(constructor, given.values)
    pool = ClientPool(
        constructor,
        scope.span(call),
        scope.span(call.func),
        given.values,
        all_known,
        name,
        scope.functions[-1].name.value if scope.functions else None,
        Role.TEST if _FOR_TESTS.match((name or "").rpartition(".")[2]) else role,
        scope.module.project.versions,
        given.partly,
        tuple(map(_condition, tests)),
        _launcher_of(scope),
    )
    if constructor.library is Library.TORTOISE and "config" in given.values:
        yield from connections(pool)
    else:
        yield pool


_OF_CELERY = frozenset(f"celery.signals.{name}" for name in ("worker_init", "worker_process_init", "worker_ready"))


def _launcher_of(scope: Scope) -> str:
    """The launcher whose workers alone run the functions around, as their decorators say; "" where none does."""
    for at, function in enumerate(scope.functions):
        outside = scope._replace(functions=scope.functions[:at], values=())
        for decorator in function.decorators:
            match decorator.decorator:
                case (
                    cst.Attribute(value=signal, attr=cst.Name("connect"))
                    | cst.Call(func=cst.Attribute(value=signal, attr=cst.Name("connect")))
                ) if qualified(signal, outside) in _OF_CELERY:
                    return "celery worker"
                case cst.Call(args=[cst.Arg(value=cst.Attribute(attr=cst.Name(value="WORKER_STARTUP")))]):
                    return "taskiq worker"
                case _:
                    pass
    return ""


def _is_told_more(constructor: Constructor, arguments: Mapping[str, Value]) -> bool:
    """Whether arguments come from an object or a file that one of them names, or later, for peewee's `init()`."""
    if not arguments.keys().isdisjoint(constructor.more):
        return True
    database = arguments.get("database")
    return constructor.library is Library.PEEWEE and isinstance(database, Known) and database.scalar is None
