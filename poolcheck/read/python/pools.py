"""The client pools and connections that a module makes, with what is known of their arguments."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

import libcst as cst

from poolcheck.amount import Amount, Reason, amount_of, between, exactly, total
from poolcheck.read.python.bindings import bound_in, dotted
from poolcheck.read.python.constructors import BY_NAME, LIBRARY_NAMES, Constructor, Library
from poolcheck.read.python.evaluate import evaluate
from poolcheck.read.python.module import Module
from poolcheck.read.python.names import definitions
from poolcheck.read.python.scope import Class, Scope, qualified
from poolcheck.read.python.trees import children
from poolcheck.read.python.url import Address, known, known_host, parse
from poolcheck.source import Span
from poolcheck.value import (
    Known,
    Lookup,
    Table,
    Unknown,
    Value,
    either,
    entry_of,
    options_of,
    origin_of,
    resolve,
    scalars_of,
    text_of,
)

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
        arguments = self.given(self.constructor.driver_arguments)
        if isinstance(arguments, Known) and arguments.scalar is None:
            return None
        return arguments and entry_of(arguments, name)

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
        read = None if written is None else _only([parse(text_of(each)) for each in options_of(written)])
        if self.constructor.driver_arguments == "connect_args" or (written is not None and read is None):
            return read
        stated = read or Address(self.constructor.dialect, self.constructor.driver, "", "", "", "", {})
        return stated._replace(
            user=self._part(("user",), stated.user),
            host=self._part(("host",), stated.host),
            port=self._part(("port",), stated.port),
            database=self._part(("dbname", "database", "db"), stated.database),
            options_known=stated.options_known and self.all_known,
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

    def used_at(self, value: Value) -> Span:
        """Where the module uses a value for the pool: the value itself, or the call where it stands elsewhere."""
        return value.places[0] if value.places[0].path == self.span.path else self.callee

    def written_at(self, value: Value) -> tuple[Span, ...]:
        """Where a value is written, if that is not where it is used."""
        return () if value.places[-1] == self.used_at(value) else (value.places[-1],)

    def _part(self, names: tuple[str, ...], stated: str | None) -> str | None:
        """A part of an address: from a keyword, else as the connection string has it; "" where neither does."""
        given = [value for value in map(self.driver_argument, names) if value is not None]
        if not given or (stated and all(isinstance(value, Unknown) for value in given)):
            return stated
        texts = {text_of(option) for option in options_of(given[0])}
        if names == ("host",) and all(text.startswith("/") for text in texts):
            return known_host(min(texts))
        return known(texts.pop()) if len(texts) == 1 else None


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


def _only(addresses: list[Address | None]) -> Address | None:
    """The address, where all of them are the same."""
    return addresses[0] if all(each == addresses[0] for each in addresses) else None


def _size(pool: ClientPool, name: str) -> Amount:
    """What one of the parameters that make up a pool's size comes to."""
    given, effective = pool.given(name), pool.effective(name)
    if isinstance(effective, Known) and effective.scalar is None and name == "max_size":
        # psycopg_pool without max_size holds min_size connections, all the time.
        return _size(pool, "min_size")
    if given is None and isinstance(effective, Known) and isinstance(effective.scalar, int):
        return exactly(effective.scalar, Reason(f"{name} {effective.scalar} by default", pool.callee))
    return amount_of(given, name)


_TESTS = frozenset({"test", "tests", "testing"})
_TEST_FILES = frozenset({"conftest.py", "test.py", "testing.py", "tests.py"})
_MIGRATIONS = frozenset({"alembic", "migrations"})
_EXAMPLES = frozenset(
    {
        "benchmark", "benchmarks", "demo", "demos", "docs", "docs_src", "example", "examples", "notebooks",
        "sample", "samples", "scripts", "tutorial", "tutorials",
    }
)  # fmt: skip


def role_of(path: str) -> Role:
    """What a file is for."""
    *folders, name = path.lower().split("/")
    is_test = name in _TEST_FILES or name.startswith("test_") or name.endswith("_test.py")
    if is_test or not _TESTS.isdisjoint(folders):
        return Role.TEST
    if not _MIGRATIONS.isdisjoint(folders):
        return Role.MIGRATION
    return Role.APPLICATION if _EXAMPLES.isdisjoint(folders) else Role.EXAMPLE


def pools_of(module: Module) -> Iterator[ClientPool]:
    """The pools and connections that a module makes, in order."""
    mention = _handles(module)
    role = role_of(module.path)
    for piece in module.mentioning(mention) if mention else ():
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            # What only runs where the module itself is run tries it out.
            runs_as = Role.EXAMPLE if role is Role.APPLICATION and _is_main_guard(statement) else role
            for call, name, scope in _calls(statement, Scope(module, tree, owner=owner)):
                if constructor := constructor_called(call, scope):
                    yield _pool(call, name, constructor, scope, runs_as)


def constructor_called(call: cst.Call, scope: Scope) -> Constructor | None:
    """What a call makes, if it makes a pool or a connection."""
    # `ConnectionPool[Connection](…)` says what the pool holds.
    func = call.func.value if isinstance(call.func, cst.Subscript) else call.func
    found = BY_NAME.get(qualified(func, scope) or "") or _starred(func, scope)
    return None if found and _is_ambiguous(func, scope) else found


def _starred(func: cst.BaseExpression, scope: Scope) -> Constructor | None:
    """What a name stands for that nothing binds but `from sqlalchemy import *`."""
    if not isinstance(func, cst.Name) or any(func.value in bound_in(function) for function in scope.functions):
        return None
    stars = (each.target.removesuffix("*") + func.value for each in scope.module.imports if each.name == "*")
    found = next((BY_NAME[name] for name in stars if name in BY_NAME), None)
    if found is None or scope.module.imported(func.value) or definitions(func, scope).definitions:
        return None
    return found


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
    return re.compile(rf"\b(?:{'|'.join(sorted(names))})\b") if names else None


def _leads_to_a_constructor(target: str) -> bool:
    return target.removesuffix(".*") in _BEGINNINGS or target.rpartition(".")[2] in _LEADING


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


def _pool(call: cst.Call, name: str | None, constructor: Constructor, scope: Scope, role: Role) -> ClientPool:
    arguments: dict[str, Value] = {}
    all_known = True
    for at, argument in enumerate(call.args):
        if argument.star == "**":
            spread, is_complete = _spread(evaluate(argument.value, scope), constructor)
            arguments |= spread
            all_known = all_known and is_complete
        elif argument.star or (argument.keyword is None and at >= len(constructor.parameters)):
            all_known = False
        else:
            parameter = argument.keyword.value if argument.keyword else constructor.parameters[at]
            is_name = parameter in _NAMES_OF_THINGS
            arguments[parameter] = (_last_name if is_name else evaluate)(argument.value, scope)
    return ClientPool(
        constructor,
        scope.span(call),
        scope.span(call.func),
        arguments,
        all_known and not _is_told_more(constructor, arguments),
        name,
        scope.functions[-1].name.value if scope.functions else None,
        role,
    )


_NAMES_OF_THINGS = frozenset({"getmode", "poolclass"})
"""Parameters that are given classes or constants of a library."""


def _spread(value: Value, constructor: Constructor) -> tuple[dict[str, Value], bool]:
    """The arguments that `**value` gives, and whether they are all that it gives.

    What only some of several dictionaries have is one of their values or the parameter's default.
    """
    tables = [option for option in options_of(value) if isinstance(option, Table)]
    if len(tables) < len(options_of(value)):
        return {}, False
    arguments: dict[str, Value] = {}
    is_complete = all(table.is_complete for table in tables)
    for name in dict.fromkeys(name for table in tables for name, _ in table.items):
        missing: Value = Unknown(value.places)
        if is_complete and name in constructor.defaults:
            missing = Known(constructor.defaults[name], value.places)
        arguments[name] = either([dict(table.items).get(name) or missing for table in tables], value.places)
    return arguments, is_complete


def _is_told_more(constructor: Constructor, arguments: Mapping[str, Value]) -> bool:
    """Whether arguments come from an object or a file that one of them names, or later, for peewee's `init()`."""
    if not arguments.keys().isdisjoint(constructor.more):
        return True
    database = arguments.get("database")
    return constructor.library is Library.PEEWEE and isinstance(database, Known) and database.scalar is None


def _last_name(node: cst.BaseExpression, scope: Scope) -> Value:
    """A class or a constant that is handed over, by the last part of its name."""
    place = (scope.span(node),)
    name = qualified(node, scope)
    return Known(name.rpartition(".")[2], place) if name else Unknown(place)
