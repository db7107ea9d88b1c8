"""Engines or pools that are kept one for each tenant, and never closed."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

import libcst as cst

from poolcheck.finding import Finding, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.following.surroundings import surroundings
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.capacity import most_connections
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.uses import Placed, placed
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.running.recurring import callers_of, requested
from poolcheck.read.python.running.varying import depends_on_parameters
from poolcheck.read.python.syntax.bindings import bound_in, dotted, parameters
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.names import definitions
from poolcheck.read.python.values.scope import Scope, decorator_of
from poolcheck.rule import Rule

JUDGED = frozenset({Library.ASYNCPG, Library.PSYCOPG, Library.PSYCOPG2, Library.SQLALCHEMY})
SERVERS = frozenset({None, "", "cockroachdb", "mariadb", "mssql", "mysql", "oracle", "postgres", "postgresql"})
KEEPING = frozenset({"", "AsyncAdaptedQueuePool", "QueuePool"})
TENANT = re.compile(
    r"(?:^|_)(?:account|client|company|customer|merchant|org|organi[sz]ation|school|shop|store|tenant|user|workspace)"
    r"(?:_|s?$|id$)",
    re.IGNORECASE,
)
"""Names of what there are more and more of."""
OF_TENANTS = re.compile(r"(?:^|_)tenants?(?:_|$)", re.IGNORECASE)
"""Names of what has to do with tenants."""
FUNCTIONS = frozenset({"cache", "functools.cache", "functools.lru_cache", "lru_cache"})
FOR_EVER = "takes none out again"
DROPPED = "closes none that it drops"


class Kept(NamedTuple):
    """What keeps engines, by what, and what it does with those that are not used any more."""

    holder: str
    key: str
    fate: str = FOR_EVER


class UnboundedEngineCache(Rule[PythonModule]):
    id = "unbounded-engine-cache"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        if module.role is not Role.APPLICATION:
            return
        for pool in module.pools:
            made = placed(module.module, pool.span) if is_judged(pool) else None
            kept = next(filter(None, map(kept_by_key, (made, *callers_of(made)))), None) if made else None
            if kept:
                most = most_connections(pool)
                size = "" if most.is_open else f" of up to {most.most} connections"
                message = f"{kept.holder} keeps {thing(pool)}{size} for each {kept.key}, and {kept.fate}"
                yield self.finding(pool.callee, message)


def is_judged(pool: ClientPool) -> bool:
    """Whether it is a pool that keeps connections to a server."""
    constructor = pool.constructor
    address = pool.address
    is_server = address is None or address.dialect in SERVERS
    is_pool = constructor.is_pool and constructor.library in JUDGED
    return is_pool and is_server and pool.role is Role.APPLICATION and pool.pool_class in KEEPING


def thing(pool: ClientPool) -> str:
    """What is made."""
    return "an engine" if pool.constructor.library is Library.SQLALCHEMY else "a pool"


def kept_by_key(made: Placed) -> Kept | None:
    """What keeps what a call makes by a key of which there are more and more."""
    if not made.scope.functions:
        return None
    function = made.scope.functions[-1]
    is_other_each_time = depends_on_parameters(made.call, made.scope)
    if not is_other_each_time or has_fixed_keys(function) or is_looked_up(made):
        return None
    for decorator in function.decorators:
        name = decorator_of(decorator, made.scope.outside) or ""
        if name in FUNCTIONS:
            own = [each.name.value for each in parameters(function) if each.name.value not in {"cls", "self"}]
            key = key_among(own, made)
            is_endless = name.endswith("lru_cache") is False or is_unlimited(decorator)
            fate = FOR_EVER if is_endless else DROPPED
            return Kept(f"@{name.rpartition('.')[2]}", key, fate) if key and not keeps_one(decorator) else None
    return in_dictionary(made, function)


def key_among(names: list[str], made: Placed) -> str | None:
    """The name that says, or that calls for requests show, that there are more and more of it."""
    if tenant := next(filter(is_tenant, names), None):
        return tenant
    told = {node.value for each in made.call.args for node in walk(each.value) if isinstance(node, cst.Name)}
    # What is looked up by the key may have few entries, and the call for all else be refused.
    own = next((name for name in names if name in told), None)
    is_many = own and (is_for_tenants(made) or any(found.varies and found.entry for found in requested(made)))
    return own if is_many else None


def is_for_tenants(made: Placed) -> bool:
    """Whether the function, or the file, is called after tenants: `tenant_engine.py`."""
    file = PurePosixPath(made.scope.module.path).stem
    return any(OF_TENANTS.search(name) for name in (made.scope.functions[-1].name.value, file))


def has_fixed_keys(function: cst.FunctionDef) -> bool:
    """Whether the type of a parameter says which values there are."""
    types = (each.annotation.annotation for each in parameters(function) if each.annotation)
    return any(
        isinstance(each, cst.Subscript) and (dotted(each.value) or "").endswith("Literal") for each in types
    )


def is_looked_up(made: Placed) -> bool:
    """Whether an argument is looked up in a dictionary that is written out."""
    return any(
        isinstance(bound.value if isinstance(bound, cst.AnnAssign) else bound, cst.Dict)
        for table in tables_in(made)
        for bound, _ in definitions(table, made.scope).definitions
    )


def tables_in(made: Placed) -> Iterator[cst.BaseExpression]:
    """What the arguments of a call, and the values of the names in them, are taken out of by a key."""
    bound = bound_in(made.scope.functions[-1])
    roots: list[cst.CSTNode] = [argument.value for argument in made.call.args]
    names = [node.value for root in roots for node in walk(root) if isinstance(node, cst.Name)]
    roots += [value for name in names for value in bound.get(name, ()) if isinstance(value, cst.BaseExpression)]
    for node in (node for root in roots for node in walk(root)):
        match node:
            case cst.Subscript(value=table):
                yield table
            case cst.Call(func=cst.Attribute(value=table, attr=cst.Name("get"))):
                yield table
            case _:
                pass


def is_unlimited(decorator: cst.Decorator) -> bool:
    """Whether a cache drops nothing."""
    call = decorator.decorator
    sizes = [each.value for each in call.args] if isinstance(call, cst.Call) else []
    return any(isinstance(each, cst.Name) and each.value == "None" for each in sizes)


def keeps_one(decorator: cst.Decorator) -> bool:
    """Whether a cache drops everything for what comes next."""
    call = decorator.decorator
    sizes = [each.value for each in call.args] if isinstance(call, cst.Call) else []
    return any(isinstance(each, cst.Integer) and int(each.value) <= 1 for each in sizes)


def is_tenant(name: str) -> bool:
    """Whether a name is that of what there are more and more of."""
    return TENANT.search(name) is not None


def in_dictionary(made: Placed, function: cst.FunctionDef) -> Kept | None:
    """The dictionary that keeps what a call makes: `engines[tenant] = create_engine(…)`, or by a variable."""
    around = surroundings(function)
    value = around.awaited(made.call)
    statement = around.parent(value)
    nodes: list[cst.CSTNode] = [value]
    if isinstance(statement, cst.Assign):
        names = [each.target.value for each in statement.targets if isinstance(each.target, cst.Name)]
        nodes += [node for name in names for node in around.names.get(name, ())]
    for node in nodes:
        parent = around.parent(node)
        if isinstance(parent, cst.Assign) and parent.value is node:
            for target in parent.targets:
                if isinstance(target.target, cst.Subscript) and (kept := by_key(target.target, made)):
                    return kept
    return None


def by_key(target: cst.Subscript, made: Placed) -> Kept | None:
    """What an element of a dictionary is kept by, unless the module takes elements out again."""
    name, scope = dotted(target.value), made.scope
    if name is None or (name in bound_in(scope.functions[-1]) and "." not in name):
        return None
    names = [*dict.fromkeys(names_in(target, scope.functions[-1]))]
    key = None if is_evicted(name, scope) else key_among(names, made)
    return Kept(name.rpartition(".")[2], key) if key else None


def names_in(target: cst.Subscript, function: cst.FunctionDef) -> Iterator[str]:
    """The names that make up the key of an element, and those that what they are bound to is made of."""
    own = [node.value for each in target.slice for node in walk(each) if isinstance(node, cst.Name)]
    yield from own
    for name in own:
        for bound in bound_in(function).get(name, ()):
            if isinstance(bound, cst.BaseExpression):
                yield from (node.value for node in walk(bound) if isinstance(node, cst.Name))


def is_evicted(name: str, scope: Scope) -> bool:
    """Whether the module takes elements out of a dictionary, or counts them."""
    last = re.escape(name.rpartition(".")[2])
    evicting = re.compile(
        rf"\b{last}\s*\.\s*(?:pop|popitem|move_to_end)\s*\(|\bdel\s+(?:\w+\s*\.\s*)*{last}\s*\[|\blen\(\s*(?:\w+\s*\.\s*)*{last}\s*\)"
        rf"|\b{last}\b[^=\n]*=\s*\w*(?:LRU|TTL|Bounded|Weak|Ordered)\w*"
    )
    return evicting.search(scope.module.masked.text) is not None
