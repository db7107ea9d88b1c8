"""The client pools and connections that a module makes, with what is known of their arguments."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

import libcst as cst

from poolcheck.amount import Amount, Reason, amount_of, between, exactly, total
from poolcheck.read.constructors import BY_NAME, LIBRARY_NAMES, Constructor
from poolcheck.read.evaluate import evaluate
from poolcheck.read.module import Module
from poolcheck.read.names import Class, Scope, dotted, qualified
from poolcheck.read.trees import children
from poolcheck.read.url import Address, parse
from poolcheck.source import Span
from poolcheck.value import HOLE, Known, Lookup, Table, Unknown, Value, origin_of, resolve, scalars_of, text_of

DEFAULT_DRIVERS: Mapping[str, str] = {"mysql": "mysqldb", "mariadb": "mysqldb", "mssql": "pyodbc"}
"""SQLAlchemy's drivers for URLs that name none. For postgresql it is psycopg2 before 2.1 and psycopg since."""

SINGLE = frozenset({"StaticPool", "AssertionPool"})
UNLIMITED = frozenset({"NullPool", "SingletonThreadPool"})
"""SQLAlchemy's pool classes that hold one connection, and those that open one whenever one is wanted."""


class Role(StrEnum):
    """What a file is for, as its path tells."""

    APPLICATION = "application"
    TEST = "test"
    MIGRATION = "migration"
    EXAMPLE = "example"


class ClientPool(NamedTuple):
    """A call that makes a pool or a connection.

    `arguments` are those that are written, by name; there may be others, from `*` or `**`, unless they are
    `all_known`. `name` is the variable or attribute that the call's value is assigned to, `function` the function
    that makes the call; None where the module itself does.
    """

    constructor: Constructor
    span: Span
    callee: Span
    arguments: Mapping[str, Value]
    all_known: bool
    name: str | None
    function: str | None
    role: Role

    @property
    def title(self) -> str:
        """What to call it in a message."""
        return self.name or f"{self.constructor.name.rpartition('.')[2]}()"

    def given(self, name: str | None) -> Value | None:
        """An argument as it is written; None where it surely is not given, Unknown where it may be."""
        if name is None:
            return None
        return self.arguments.get(name) or (None if self.all_known else Unknown((self.callee,)))

    def effective(self, name: str | None) -> Value | None:
        """An argument, or the parameter's default; None where it has none."""
        given = self.given(name)
        if given is None and name is not None and name in self.constructor.defaults:
            return Known(self.constructor.defaults[name], (self.callee,))
        return given

    def driver_argument(self, name: str) -> Value | None:
        """An argument that the driver's own connect function gets; None where it surely is not given."""
        if not self.constructor.driver_arguments:
            return self.given(name)
        match self.given(self.constructor.driver_arguments):
            case None:
                return None
            case Table(items, is_complete, places):
                return dict(items).get(name) or (None if is_complete else Unknown(places))
            case unknown:
                return Unknown(unknown.places)

    def option(self, name: str) -> Value | None:
        """A setting of the connection, given to the driver or written in the URL; None where it surely is not."""
        argument = self.driver_argument(name)
        written = self.given(self.constructor.address)
        if written is None or isinstance(argument, Known):
            return argument
        address = self.address
        if address and address.options.get(name) is not None:
            return Known(address.options[name], written.places)
        is_certain = address and address.options_known and name not in address.options
        return argument if is_certain else Unknown(written.places)

    @property
    def address(self) -> Address | None:
        """Where it connects to, as far as that is known: from a URL, a libpq string or keyword arguments."""
        written = self.given(self.constructor.address)
        if written is not None:
            return parse(text_of(written))
        if self.constructor.driver_arguments == "connect_args":
            return None
        known = {name: self._part(name) for name in ("user", "host", "port", "database", "dbname")}
        return Address(
            dialect=self.constructor.dialect,
            driver=self.constructor.driver,
            user=known["user"],
            host=known["host"],
            port=known["port"],
            database=known["dbname"] or known["database"],
            options={},
            options_known=self.all_known,
        )

    @property
    def driver(self) -> str | None:
        """The driver that talks to the server; None where it is not known."""
        if self.constructor.driver:
            return self.constructor.driver
        address = self.address
        if address is None or address.driver is None or address.dialect is None:
            return None
        return address.driver or DEFAULT_DRIVERS.get(address.dialect)

    def place_of(self, part: str, *names: str) -> Span:
        """Where a part of the address is written, in the connection string or in one of these keywords."""
        for name in (self.constructor.address, *names):
            if value := self.given(name):
                return origin_of(part, value)
        return self.callee

    def _part(self, name: str) -> str | None:
        """A part of an address among the keywords, "" where it is not given."""
        value = self.driver_argument(name)
        text = "" if value is None else text_of(value)
        return None if HOLE in text else text


def resolved(pool: ClientPool, environment: Lookup) -> ClientPool:
    """A pool as it is made in an environment."""
    return pool._replace(arguments={name: resolve(value, environment) for name, value in pool.arguments.items()})


def most_connections(pool: ClientPool) -> Amount:
    """The most connections that the pool holds in one process; for a single connection, that one."""
    constructor = pool.constructor
    if not constructor.is_pool:
        return exactly(1, Reason("one connection", pool.callee))
    kind = scalars_of(pool.given("poolclass"))
    if kind is None and pool.given("poolclass") is not None:
        return between(0, None)
    if kind and kind[0] in SINGLE:
        return exactly(1, Reason(f"{kind[0]} holds one connection", pool.callee))
    if (kind and kind[0] in UNLIMITED) or is_unlimited(pool):
        return between(0, None)
    return total(_size(pool, name) for name in constructor.size)


def is_unlimited(pool: ClientPool) -> bool:
    """Whether an argument, or its default, lifts the limit of a pool that can have one."""
    for name, lifting in pool.constructor.unlimited.items():
        scalars = scalars_of(pool.effective(name))
        if scalars and all(any(scalar is each or scalar == each for each in lifting) for scalar in scalars):
            return True
    return False


def _size(pool: ClientPool, name: str) -> Amount:
    """What one of the parameters that make up a pool's size comes to."""
    given, effective = pool.given(name), pool.effective(name)
    if isinstance(effective, Known) and effective.scalar is None and name == "max_size":
        # psycopg_pool without max_size holds min_size connections, all the time.
        return _size(pool, "min_size")
    if given is None and isinstance(effective, Known) and isinstance(effective.scalar, int):
        return exactly(effective.scalar, Reason(f"{name} {effective.scalar} by default", pool.callee))
    return amount_of(given, name)


def role_of(path: str) -> Role:
    """What a file is for."""
    *folders, name = path.lower().split("/")
    is_test = name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py")
    if is_test or {"tests", "test"} & {*folders}:
        return Role.TEST
    if {"migrations", "alembic"} & {*folders}:
        return Role.MIGRATION
    if {"examples", "example", "docs", "scripts", "benchmarks", "notebooks"} & {*folders}:
        return Role.EXAMPLE
    return Role.APPLICATION


def pools_of(module: Module) -> Iterator[ClientPool]:
    """The pools and connections that a module makes, in order."""
    mention = _handles(module)
    role = role_of(module.path)
    for piece in module.mentioning(mention) if mention else ():
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            for call, name, scope in _calls(statement, Scope(module, tree, owner=owner)):
                if constructor := constructor_called(call, scope):
                    yield _pool(call, name, constructor, scope, role)


def constructor_called(call: cst.Call, scope: Scope) -> Constructor | None:
    """What a call makes, if it makes a pool or a connection."""
    # `ConnectionPool[Connection](…)` says what the pool holds.
    func = call.func.value if isinstance(call.func, cst.Subscript) else call.func
    return BY_NAME.get(qualified(func, scope) or "")


_LAST_NAMES = frozenset(name.rpartition(".")[2] for name in BY_NAME)


def _handles(module: Module) -> re.Pattern[str] | None:
    """What code that makes pools must mention: the names that libraries and constructors are imported as."""
    names = {each.name for each in module.imports if _leads_to_a_constructor(each.target)}
    if "*" in names:
        names = names - {"*"} | _LAST_NAMES
    return re.compile(rf"\b(?:{'|'.join(sorted(names))})\b") if names else None


def _leads_to_a_constructor(target: str) -> bool:
    return target.partition(".")[0] in LIBRARY_NAMES or target.rpartition(".")[2] in _LAST_NAMES


def _calls(root: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.Call, str | None, Scope]]:
    """The calls in a statement, each with the name that its value is assigned to, and its scope."""
    waiting: list[tuple[cst.CSTNode, str | None, Scope]] = [(root, None, scope)]
    while waiting:
        node, name, around = waiting.pop()
        if isinstance(node, cst.Call):
            yield node, name, around
        within = around.inside(node) if isinstance(node, cst.FunctionDef) else around
        waiting += [(child, _name_for(child, node, name), within) for child in children(node)][::-1]


def _name_for(child: cst.CSTNode, parent: cst.CSTNode, name: str | None) -> str | None:
    """The name that the value of a node is assigned to by what is around it."""
    match parent:
        case cst.Assign(targets=[cst.AssignTarget(target=target)]) if child is parent.value:
            return dotted(target)
        case cst.AnnAssign(target=target) if child is parent.value:
            return dotted(target)
        case cst.WithItem(asname=cst.AsName(name=target)) if child is parent.item:
            return dotted(target)
        case cst.Await():
            return name
        case _:
            return None


def _pool(call: cst.Call, name: str | None, constructor: Constructor, scope: Scope, role: Role) -> ClientPool:
    arguments: dict[str, Value] = {}
    all_known = True
    for at, argument in enumerate(call.args):
        value = evaluate(argument.value, scope)
        if argument.star == "**" and isinstance(value, Table):
            arguments |= dict(value.items)
            all_known = all_known and value.is_complete
        elif argument.star or (argument.keyword is None and at >= len(constructor.parameters)):
            all_known = False
        else:
            parameter = argument.keyword.value if argument.keyword else constructor.parameters[at]
            arguments[parameter] = value if parameter != "poolclass" else _class_name(argument.value, scope)
    return ClientPool(
        constructor,
        scope.span(call),
        scope.span(call.func),
        arguments,
        all_known,
        name,
        scope.functions[-1].name.value if scope.functions else None,
        role,
    )


def _class_name(node: cst.BaseExpression, scope: Scope) -> Value:
    """A class that is handed over, by the last part of its name."""
    place = (scope.span(node),)
    name = qualified(node, scope)
    return Known(name.rpartition(".")[2], place) if name else Unknown(place)
