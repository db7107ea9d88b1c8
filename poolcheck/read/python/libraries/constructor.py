"""What is known of a call that makes a client pool or a connection: the library, and what its parameters mean."""

from collections.abc import Mapping
from enum import StrEnum, auto
from typing import NamedTuple

from poolcheck.functions import Scalar
from poolcheck.read.python.project.versions import Release


class Library(StrEnum):
    """Who makes the pool or the connection."""

    SQLALCHEMY = "SQLAlchemy"
    FLASK_SQLALCHEMY = "Flask-SQLAlchemy"
    DJANGO = "Django"
    PSYCOPG2 = "psycopg2"
    PSYCOPG = "psycopg"
    ASYNCPG = "asyncpg"
    AIOPG = "aiopg"
    AIOMYSQL = "aiomysql"
    ASYNCMY = "asyncmy"
    MYSQL_CONNECTOR = "mysql-connector"
    MYSQLCLIENT = "mysqlclient"
    PYMYSQL = "PyMySQL"
    PG8000 = "pg8000"
    DBUTILS = "DBUtils"
    PEEWEE = "peewee"
    TORTOISE = "Tortoise"
    DATABASES = "databases"
    ORACLEDB = "oracledb"


class Holds(StrEnum):
    """How many connections there may be at most.

    `ONE`: it is no pool. `SUM`: what the parameters of its size add up to. `LARGEST`: the largest of them.
    `FIRST`: the first of them that is not None. `EACH_THREAD`: one for each thread that asks.
    """

    ONE = auto()
    SUM = auto()
    LARGEST = auto()
    FIRST = auto()
    EACH_THREAD = auto()


class Earlier(NamedTuple):
    """What the defaults were before a release, for one dialect or for all."""

    before: Release
    defaults: Mapping[str, Scalar]
    dialect: str = ""


class Constructor(NamedTuple):
    """A function or class whose call makes a pool, or a single connection; or settings that make one.

    `size` are the parameters that say how many connections the pool `holds`, `unlimited` the values with which
    there is no such number, `least` the parameter that says how many it opens without being asked. `wait` is the
    parameter that bounds the wait for a connection, with the values with which it lasts for ever; `recycle` limits
    the age of connections, `test` has them tested before they are handed out, which a pool that `replaces_dead`
    ones does by itself.

    Some `defaults` are others `for_dialect`s. `driver_arguments` is the parameter whose dictionary goes to the
    driver; "" where the call's own keywords do. `spread` is one whose dictionary has more arguments, `more` are
    those whose values bring some that the call does not show, `in_url` those that the query of a URL may have as
    well, and `converted` those that are made numbers of when they are text. `schemes` are the dialects and drivers
    that URLs lead to, `parts` the keywords that have parts of the address. A connection that is given one of
    `pooled_by` comes from a pool instead. What is not `is_counted` speaks of a pool that something else makes.
    """

    names: tuple[str, ...]
    library: Library
    package: str = ""
    holds: Holds = Holds.SUM
    parameters: tuple[str, ...] = ()
    keywords: frozenset[str] = frozenset()
    defaults: Mapping[str, Scalar] = {}
    for_dialect: Mapping[str, Mapping[str, Scalar]] = {}
    earlier: tuple[Earlier, ...] = ()
    size: tuple[str, ...] = ()
    unlimited: Mapping[str, tuple[Scalar, ...]] = {}
    least: str | None = None
    wait: str | None = None
    waits_forever: tuple[Scalar, ...] = ()
    recycle: str | None = None
    test: str | None = None
    replaces_dead: bool = False
    address: str | None = None
    parts: Mapping[str, tuple[str, ...]] = {}
    schemes: Mapping[str, tuple[str, str]] = {}
    in_url: tuple[str, ...] = ()
    converted: tuple[str, ...] = ()
    driver_arguments: str = ""
    more: tuple[str, ...] = ()
    spread: str | None = None
    pooled_by: tuple[str, ...] = ()
    driver: str | None = None
    dialect: str = "postgresql"
    is_async: bool = False
    is_counted: bool = True

    @property
    def name(self) -> str:
        """The name it is best known by."""
        return self.names[0]

    @property
    def is_pool(self) -> bool:
        """Whether it is more than one connection."""
        return self.holds is not Holds.ONE
