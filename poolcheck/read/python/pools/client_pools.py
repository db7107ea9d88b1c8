"""The client pools and connections that a module makes, with what is known of their arguments."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.functions import Scalar
from poolcheck.read.python.libraries.constructors import (
    BY_NAME,
    DJANGO,
    FLASK,
    LIBRARY_NAMES,
    MYSQL_POOL,
    Constructor,
    Library,
)
from poolcheck.read.python.libraries.drivers import driver_named
from poolcheck.read.python.pools.url import Address, known, known_host, parse
from poolcheck.read.python.project.versions import Bounds, Versions
from poolcheck.read.python.syntax.bindings import bound_in, dotted
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.names import definitions
from poolcheck.read.python.values.scope import Class, Scope, qualified
from poolcheck.source import Span
from poolcheck.value import (
    HOLE,
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
    text_of,
)

DEFAULT_DRIVERS: Mapping[str, str] = {"mysql": "mysqldb", "mariadb": "mysqldb", "mssql": "pyodbc"}
"""SQLAlchemy's drivers for URLs that name none. For the others it is a matter of the version."""
DRIVERS_SINCE_2_1: Mapping[str, tuple[str, str]] = {
    "postgresql": ("psycopg2", "psycopg"),
    "oracle": ("cx_oracle", "oracledb"),
}
"""The drivers before SQLAlchemy 2.1, and since."""


class Role(StrEnum):
    """What a file is for, as its path tells."""

    APPLICATION = "application"
    TEST = "test"
    MIGRATION = "migration"
    EXAMPLE = "example"


class ClientPool(NamedTuple):
    """A call that makes a pool or a connection, or the settings that make one.

    `arguments` are those that are written, by name; there may be others, from `*` or `**`, unless they are
    `all_known`. Those that are given `partly` are given on some branches only. `name` is the variable or attribute
    that the call's value is assigned to, `function` the function that makes the call; None where the module itself
    does.
    """

    constructor: Constructor
    span: Span
    callee: Span
    arguments: Mapping[str, Value]
    all_known: bool
    name: str | None
    function: str | None
    role: Role
    versions: Versions
    partly: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """What to call it in a message."""
        return self.name or f"{self.constructor.name.rpartition('.')[2]}()"

    @property
    def is_setting(self) -> bool:
        """Whether settings say it and the framework makes it, of all the settings in a process only one."""
        return self.constructor.name in {DJANGO.name, FLASK.name}

    def version(self, package: str = "") -> Bounds:
        """What is known of the version of a package, by default of the one that makes the pool."""
        return self.versions.of(package or self.constructor.package, self.span.path)

    def given(self, name: str | None) -> Value | None:
        """An argument as it is written; None where it surely is not given, Unknown where it may be."""
        if name is None:
            return None
        found = self.arguments.get(name)
        if found is None and name in self.constructor.in_url:
            found = self._in_url(name)
        if found is None:
            return None if self.all_known else Unknown((self.callee,))
        return _converted(found) if name in self.constructor.converted else found

    def effective(self, name: str | None) -> Value | None:
        """An argument, or the parameter's default; None where it has none."""
        given = self.given(name)
        if given is None and name is not None and name in (defaults := self.defaults):
            return Known(defaults[name], (self.callee,))
        return given

    @property
    def defaults(self) -> Mapping[str, Scalar]:
        """The defaults of the parameters, in the version that is known, or else in the newest."""
        constructor = self.constructor
        if not (constructor.for_dialect or constructor.earlier):
            return constructor.defaults
        address = self.address
        dialect = (address.dialect if address else None) or ""
        found = {**constructor.defaults, **constructor.for_dialect.get(dialect, {})}
        for each in constructor.earlier:
            if each.dialect in {"", dialect} and self.version().is_before(*each.before):
                found |= each.defaults
        return found

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
        constructor = self.constructor
        written = self.given(constructor.address)
        read = None if written is None else _only([parse(text_of(each)) for each in options_of(written)])
        if read and read.driver == "" and (scheme := constructor.schemes.get(read.dialect or "")):
            read = read._replace(dialect=scheme[0], driver=scheme[1])
        if not constructor.parts or (written is not None and read is None):
            return read
        stated = read or Address(constructor.dialect, constructor.driver, "", "", "", "", {})
        return stated._replace(
            user=self._part("user", stated.user),
            host=self._part("host", stated.host),
            port=self._part("port", stated.port),
            database=self._part("database", stated.database),
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
        return address.driver or DEFAULT_DRIVERS.get(address.dialect) or self._default_driver(address.dialect)

    def _default_driver(self, dialect: str) -> str | None:
        """SQLAlchemy's driver for a dialect, where its version tells, or else what the project has installed."""
        before, since = DRIVERS_SINCE_2_1.get(dialect, ("", ""))
        if self.constructor.library not in _OF_SQLALCHEMY or not before:
            return None
        version = self.version("sqlalchemy")
        if version.is_before(2, 1):
            return before
        if version.is_since(2, 1):
            return since
        has = [name for name in (before, since) if self.declares(name)]
        return has[0] if len(has) == 1 and not self.constructor.is_async else None

    def declares(self, driver: str) -> bool:
        """Whether the requirements of the project name a driver."""
        known_driver = driver_named(driver)
        packages = {known_driver.package, *_OTHER_PACKAGES.get(driver, ())} if known_driver else set[str]()
        return any(self.version(package).is_declared for package in packages)

    @property
    def pool_class(self) -> str | None:
        """What SQLAlchemy calls the pool; "" where it is not SQLAlchemy's, None where that is not known."""
        if self.constructor.library not in _OF_SQLALCHEMY:
            return ""
        kind = self.given("poolclass")
        if kind is not None and not (isinstance(kind, Known) and kind.scalar is None):
            return kind.scalar if isinstance(kind, Known) and isinstance(kind.scalar, str) else None
        address, driver = self.address, driver_named(self.driver)
        is_async = self.constructor.is_async or bool(driver and not driver.is_sync)
        if address and address.dialect == "sqlite":
            return self._class_for_sqlite(address, is_async=is_async)
        return "AsyncAdaptedQueuePool" if is_async else "QueuePool"

    def _class_for_sqlite(self, address: Address, *, is_async: bool) -> str | None:
        version = self.version("sqlalchemy")
        if address.database in {"", ":memory:"}:
            return "StaticPool" if is_async else "SingletonThreadPool"
        since = (2, 0, 38) if is_async else (2, 0)
        if version.is_before(*since):
            return "NullPool"
        queue = "AsyncAdaptedQueuePool" if is_async else "QueuePool"
        return queue if version.is_since(*since) and address.database else None

    def place_of(self, part: str, *names: str) -> Span:
        """Where a part of the address is written, in the connection string or in one of these keywords."""
        keywords = [each for name in names for each in self.constructor.parts.get(name, (name,))]
        for name in (self.constructor.address, *keywords):
            if value := self.given(name):
                return origin_of(part, value)
        return self.callee

    def used_at(self, value: Value) -> Span:
        """Where the module uses a value for the pool: the value itself, or the call where it stands elsewhere."""
        return value.places[0] if value.places[0].path == self.span.path else self.callee

    def written_at(self, value: Value) -> tuple[Span, ...]:
        """Where a value is written, if that is not where it is used."""
        return () if value.places[-1] == self.used_at(value) else (value.places[-1],)

    def _part(self, part: str, stated: str | None) -> str | None:
        """A part of an address: from a keyword, else as the connection string has it; "" where neither does."""
        names = self.constructor.parts[part]
        asked = (value for name in names for value in (self.arguments.get(name), self.driver_argument(name)))
        given = [value for value in asked if value is not None]
        if not given or (stated and all(isinstance(value, Unknown) for value in given)):
            return stated
        texts = {text_of(option) for option in options_of(given[0])}
        if part == "host" and all(text.startswith("/") for text in texts):
            return known_host(min(texts))
        return known(texts.pop()) if len(texts) == 1 else None

    def _in_url(self, name: str) -> Value | None:
        """An argument that the query of the URL has; Unknown where it may have it."""
        written, address = self.given(self.constructor.address), self.address
        if written is None:
            return None
        if address and name in address.options:
            text = address.options[name]
            return Unknown(written.places) if text is None else Known(text, written.places)
        return None if address and address.options_known else Unknown(written.places)


_OF_SQLALCHEMY = frozenset({Library.SQLALCHEMY, Library.FLASK_SQLALCHEMY})
_OTHER_PACKAGES: Mapping[str, tuple[str, ...]] = {"psycopg2": ("psycopg2-binary", "psycopg2cffi")}
"""Under which other names drivers are installed."""


def resolved(pool: ClientPool, environment: Lookup) -> ClientPool:
    """A pool as it is made in an environment."""
    return pool._replace(arguments={name: resolve(value, environment) for name, value in pool.arguments.items()})


def _only(addresses: list[Address | None]) -> Address | None:
    """The address, where all of them are the same."""
    return addresses[0] if all(each == addresses[0] for each in addresses) else None


def _converted(value: Value) -> Value:
    """A number, where the text of a number is given for one."""
    is_number = isinstance(value, Known) and isinstance(value.scalar, str) and value.scalar.strip().isdecimal()
    return Known(int(str(value.scalar)), value.places) if isinstance(value, Known) and is_number else value


_TESTS = frozenset({"test", "tests", "testing"})
_TEST_FILES = frozenset({"conftest.py", "test.py", "testing.py", "tests.py"})
_FOR_TESTS = re.compile(r"_?test(?:ing)?_", re.IGNORECASE)
"""How names begin of what only tests use, though it stands beside what the application does."""
_MIGRATIONS = frozenset({"alembic", "migrations"})
_EXAMPLES = frozenset(
    {
        "benchmark", "benchmarks", "demo", "demos", "docs", "docs_src", "example", "examples", "notebooks",
        "sample", "samples", "scripts", "tutorial", "tutorials",
    }
)  # fmt: skip


@lru_cache(maxsize=4096)
def role_of(path: str) -> Role:
    """What a file is for."""
    *folders, name = path.lower().split("/")
    is_test = name in _TEST_FILES or name.startswith("test_") or name.endswith("_test.py")
    if is_test or not _TESTS.isdisjoint(folders):
        return Role.TEST
    is_of_alembic = name == "env.py" and any("migration" in each or "revision" in each for each in folders)
    if is_of_alembic or not _MIGRATIONS.isdisjoint(folders):
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
                    yield from _pools(call, name, constructor, scope, runs_as)


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
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\b") if names else None


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


def _pools(
    call: cst.Call, name: str | None, constructor: Constructor, scope: Scope, role: Role
) -> Iterator[ClientPool]:
    """What a call makes: one pool, or for Tortoise one for each connection that it is told."""
    given = _arguments(call, constructor, scope)
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
    )
    if constructor.library is Library.TORTOISE and "config" in given.values:
        yield from connections(pool)
    else:
        yield pool


class _Given(NamedTuple):
    """The arguments of a call; they are all of them only where they are complete."""

    values: dict[str, Value]
    partly: frozenset[str]
    is_complete: bool


def _arguments(call: cst.Call, constructor: Constructor, scope: Scope) -> _Given:
    given = _Given({}, frozenset(), is_complete=True)
    for at, argument in enumerate(call.args):
        if argument.star == "**":
            given = _with(given, spread(evaluate(argument.value, scope), constructor, scope.module))
        elif argument.star or (argument.keyword is None and at >= len(constructor.parameters)):
            given = given._replace(is_complete=False)
        else:
            parameter = argument.keyword.value if argument.keyword else constructor.parameters[at]
            is_name = parameter in _NAMES_OF_THINGS
            given.values[parameter] = (_last_name if is_name else evaluate)(argument.value, scope)
    table = given.values.get(constructor.spread or "")
    if table is None:
        return given
    table = _of_alembic(table, scope) or table
    unprefixed = _without_prefix(table, given.values.get("prefix"), constructor)
    more = spread(unprefixed, constructor, scope.module)
    return _with(more, given)._replace(is_complete=given.is_complete and more.is_complete)


def _of_alembic(table: Value, scope: Scope) -> Value | None:
    """What alembic.ini has, where a module asks for its section; None where nobody asks."""
    place = table.places[-1]
    if not isinstance(table, Unknown) or place.path != scope.module.path:
        return None
    written = scope.module.source.text[place.start : place.end]
    return scope.module.project.alembic.configured(written, table.places[0])


def _with(given: _Given, more: _Given) -> _Given:
    """Arguments with others behind them, which come in place of the former."""
    partly = (given.partly - more.values.keys()) | more.partly
    return _Given(given.values | more.values, partly, given.is_complete and more.is_complete)


def _without_prefix(value: Value, prefix: Value | None, constructor: Constructor) -> Value:
    """A dictionary of arguments whose names begin with `sqlalchemy.`, or with what a call says."""
    if "prefix" not in constructor.parameters:
        return value
    begin = "sqlalchemy." if prefix is None else text_of(prefix)
    if HOLE in begin:
        return Unknown(value.places)
    tables = [
        each._replace(
            items=tuple((key.removeprefix(begin), item) for key, item in each.items if key.startswith(begin))
        )
        if isinstance(each, Table)
        else each
        for each in options_of(value)
    ]
    return either(tables, value.places)


_NAMES_OF_THINGS = frozenset({"getmode", "poolclass"})
"""Parameters that are given classes or constants of a library."""


def spread(value: Value, constructor: Constructor, module: Module) -> _Given:
    """The arguments that `**value` gives.

    What only some of several dictionaries have is one of their values or the parameter's default.
    """
    tables = [option for option in options_of(value) if isinstance(option, Table)]
    if len(tables) < len(options_of(value)):
        return _Given({}, frozenset(), is_complete=False)
    values: dict[str, Value] = {}
    partly: set[str] = set()
    is_complete = all(table.is_complete for table in tables)
    for name in dict.fromkeys(name for table in tables for name, _ in table.items):
        missing: Value = Unknown(value.places)
        if is_complete and name in constructor.defaults:
            missing = Known(constructor.defaults[name], value.places)
        found = [dict(table.items).get(name) for table in tables]
        if None in found:
            partly.add(name)
        values[name] = either([each or missing for each in found], value.places)
        if name in _NAMES_OF_THINGS:
            values[name] = _named_in_table(values[name], module)
    return _Given(values, frozenset(partly), is_complete)


def _named_in_table(value: Value, module: Module) -> Value:
    """A class that an entry of a dictionary of the same module names."""
    place = value.places[-1]
    written = module.source.text[place.start : place.end] if place.path == module.path else ""
    if not isinstance(value, Unknown) or not _DOTTED.fullmatch(written):
        return value
    first, dot, rest = written.partition(".")
    target = module.imported(first)
    return Known(f"{target}{dot}{rest}".rpartition(".")[2], value.places) if target else value


_DOTTED = re.compile(r"[A-Za-z_][\w.]*")


def connections(pool: ClientPool) -> Iterator[ClientPool]:
    """The pools that Tortoise's configuration makes, one for each of its connections."""
    # What is handed over may have been changed by who got it, and hardly ever is.
    told = (each for each in options_of(pool.arguments["config"]) if isinstance(each, Table))
    listed = next((dict(table.items).get("connections") for table in told), None)
    if not isinstance(listed, Table):
        yield pool._replace(all_known=False)
        return
    for alias, each in listed.items:
        found = entry_of(each, "credentials") if isinstance(each, Table) else None
        arguments = {"db_url": each} if found is None else dict(found.items) if isinstance(found, Table) else {}
        engine = text_of(entry_of(each, "engine")) if isinstance(each, Table) else ""
        dialect, driver = _ENGINES.get(engine.rpartition(".")[2], (None, None))
        constructor = pool.constructor
        if found is not None:
            constructor = constructor._replace(address=None, dialect=dialect or "", driver=driver)
        yield pool._replace(
            constructor=constructor,
            arguments=arguments,
            all_known=isinstance(found, Table) and found.is_complete if found is not None else True,
            name=f"connection {alias!r}",
        )


_ENGINES: Mapping[str, tuple[str, str]] = {
    "asyncpg": ("postgresql", "asyncpg"),
    "mysql": ("mysql", "asyncmy"),
    "psycopg": ("postgresql", "psycopg"),
}
"""The dialects and drivers of Tortoise's backends."""


def _is_told_more(constructor: Constructor, arguments: Mapping[str, Value]) -> bool:
    """Whether arguments come from an object or a file that one of them names, or later, for peewee's `init()`."""
    if not arguments.keys().isdisjoint(constructor.more):
        return True
    database = arguments.get("database")
    return constructor.library is Library.PEEWEE and isinstance(database, Known) and database.scalar is None


def _last_name(node: cst.BaseExpression, scope: Scope) -> Value:
    """A class or a constant that is handed over, by the last part of its name."""
    place = (scope.span(node),)
    if isinstance(node, cst.IfExp):
        return either([_last_name(node.body, scope), _last_name(node.orelse, scope)], place)
    if isinstance(node, cst.Name) and node.value == "None":
        return Known(None, place)
    name = qualified(node, scope)
    return Known(name.rpartition(".")[2], place) if name else Unknown(place)
