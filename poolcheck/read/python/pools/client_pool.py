"""A client pool, or a connection, that a call or settings make, and what is known of its arguments."""

from collections.abc import Mapping
from typing import NamedTuple

from poolcheck.functions import Scalar
from poolcheck.read.python.libraries.constructor import Constructor, Library
from poolcheck.read.python.libraries.constructors import DJANGO, FLASK
from poolcheck.read.python.libraries.drivers import driver_named
from poolcheck.read.python.pools.url import Address, known, known_host, parse
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.project.versions import Bounds, Versions
from poolcheck.source import Span
from poolcheck.value import Known, Lookup, Unknown, Value, entry_of, options_of, origin_of, resolve, text_of

DEFAULT_DRIVERS: Mapping[str, str] = {"mysql": "mysqldb", "mariadb": "mysqldb", "mssql": "pyodbc"}
"""SQLAlchemy's drivers for URLs that name none. For the others it is a matter of the version."""
DRIVERS_SINCE_2_1: Mapping[str, tuple[str, str]] = {
    "postgresql": ("psycopg2", "psycopg"),
    "oracle": ("cx_oracle", "oracledb"),
}
"""The drivers before SQLAlchemy 2.1, and since."""


class ClientPool(NamedTuple):
    """A call that makes a pool or a connection, or the settings that make one.

    `arguments` are those that are written, by name; there may be others, from `*` or `**`, unless they are
    `all_known`. Those that are given `partly` are given on some branches only. `name` is the variable or attribute
    that the call's value is assigned to, `function` the function that makes the call; None where the module itself
    does. The `conditions` are what must be true of the dialect for the call to be made. `only_in` is the launcher
    whose processes alone run that function, "" where others may.
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
    conditions: tuple[Value, ...] = ()
    only_in: str = ""

    @property
    def is_never_made(self) -> bool:
        """Whether it is known by now that it is on a branch for another dialect."""
        return any(isinstance(each, Known) and each.scalar is False for each in self.conditions)

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
        # With None for a URL nothing is made.
        options = [each for each in options_of(written) if not _is_none(each)] if written else []
        read = _only([parse(text_of(each)) for each in options])
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
    return pool._replace(
        arguments={name: resolve(value, environment) for name, value in pool.arguments.items()},
        conditions=tuple(resolve(each, environment) for each in pool.conditions),
    )


def _is_none(value: Value) -> bool:
    return isinstance(value, Known) and value.scalar is None


def _only(addresses: list[Address | None]) -> Address | None:
    """The address, where all of them are the same."""
    return addresses[0] if addresses and all(each == addresses[0] for each in addresses) else None


def _converted(value: Value) -> Value:
    """A number, where the text of a number is given for one."""
    is_number = isinstance(value, Known) and isinstance(value.scalar, str) and value.scalar.strip().isdecimal()
    return Known(int(str(value.scalar)), value.places) if isinstance(value, Known) and is_number else value
