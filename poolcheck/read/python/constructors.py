"""Calls that make client pools and connections: what they are called, and what their parameters mean.

Sources: the libraries' own signatures and behaviour, observed with SQLAlchemy 1.4 to 2.1, psycopg2 2.9,
psycopg 3.0 to 3.3, psycopg_pool 3.0 to 3.3, asyncpg 0.27 to 0.32, aiopg 1.4, aiomysql 0.3, asyncmy 0.2,
mysql-connector 8 to 26, PyMySQL 1.2, mysqlclient 2.3, pg8000, DBUtils 3.2, peewee 3 and 4 and oracledb 1.4 to 26.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from poolcheck.functions import Scalar


class Library(StrEnum):
    """Who makes the pool or the connection."""

    SQLALCHEMY = "SQLAlchemy"
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
    ORACLEDB = "oracledb"


class Constructor(NamedTuple):
    """A function or class whose call makes a pool, or (`is_pool` False) a single connection.

    `size` are the parameters whose values add up to the most connections the pool holds, `unlimited` the values
    with which there is no such number. `wait` is the parameter that bounds the wait for a connection, with the
    values with which it lasts for ever. `driver_arguments` is the parameter whose dictionary goes to the driver;
    "" where the call's own keywords do. `more` are parameters whose values bring arguments that the call does not
    show.
    """

    names: tuple[str, ...]
    library: Library
    is_pool: bool = True
    parameters: tuple[str, ...] = ()
    defaults: Mapping[str, Scalar] = {}
    size: tuple[str, ...] = ()
    unlimited: Mapping[str, tuple[Scalar, ...]] = {}
    wait: str | None = None
    waits_forever: tuple[Scalar, ...] = ()
    recycle: str | None = None
    address: str | None = None
    driver_arguments: str = ""
    more: tuple[str, ...] = ()
    driver: str | None = None
    dialect: str = "postgresql"
    is_async: bool = False

    @property
    def name(self) -> str:
        """The name it is best known by."""
        return self.names[0]


_OPTION_FILES = ("read_default_file", "read_default_group", "option_files")
"""MySQL's drivers take what they are not told from files such as ~/.my.cnf."""

_SQLALCHEMY = Constructor(
    names=("sqlalchemy.create_engine", "sqlalchemy.engine.create_engine", "sqlmodel.create_engine"),
    library=Library.SQLALCHEMY,
    parameters=("url",),
    defaults={"pool_size": 5, "max_overflow": 10, "pool_timeout": 30, "pool_recycle": -1, "pool_pre_ping": False},
    size=("pool_size", "max_overflow"),
    unlimited={"pool_size": (0,), "max_overflow": (-1,)},
    wait="pool_timeout",
    waits_forever=(None,),
    recycle="pool_recycle",
    address="url",
    driver_arguments="connect_args",
    dialect="",
)

_PSYCOPG2_POOL = Constructor(
    names=(
        "psycopg2.pool.ThreadedConnectionPool",
        "psycopg2.pool.SimpleConnectionPool",
        "psycopg2.pool.PersistentConnectionPool",
    ),
    library=Library.PSYCOPG2,
    parameters=("minconn", "maxconn", "dsn", "connection_factory", "cursor_factory"),
    size=("maxconn",),
    address="dsn",
    driver="psycopg2",
)

_PSYCOPG_POOL = Constructor(
    names=("psycopg_pool.ConnectionPool", "psycopg_pool.pool.ConnectionPool"),
    library=Library.PSYCOPG,
    parameters=("conninfo",),
    defaults={
        "min_size": 4,
        "max_size": None,
        "timeout": 30,
        "max_lifetime": 3600,
        "max_idle": 600,
        "check": None,
    },
    size=("max_size",),
    wait="timeout",
    recycle="max_lifetime",
    address="conninfo",
    driver_arguments="kwargs",
    driver="psycopg",
)

_AIOMYSQL_POOL = Constructor(
    names=("aiomysql.create_pool",),
    library=Library.AIOMYSQL,
    parameters=("minsize", "maxsize", "echo", "pool_recycle"),
    defaults={"minsize": 1, "maxsize": 10, "pool_recycle": -1},
    size=("maxsize",),
    unlimited={"maxsize": (0,)},
    recycle="pool_recycle",
    more=_OPTION_FILES,
    driver="aiomysql",
    dialect="mysql",
    is_async=True,
)

_PEEWEE_POOL = Constructor(
    names=("playhouse.pool.PooledPostgresqlDatabase", "playhouse.pool.PooledPostgresqlExtDatabase"),
    library=Library.PEEWEE,
    parameters=("database", "max_connections", "stale_timeout", "timeout"),
    defaults={"max_connections": 20, "stale_timeout": None, "timeout": None},
    size=("max_connections",),
    unlimited={"max_connections": (0, None)},
    wait="timeout",
    waits_forever=(0,),
    # It takes whichever driver is installed.
    driver=None,
)

CONSTRUCTORS = (
    _SQLALCHEMY,
    _SQLALCHEMY._replace(
        names=("sqlalchemy.ext.asyncio.create_async_engine", "sqlalchemy.ext.asyncio.engine.create_async_engine"),
        is_async=True,
    ),
    _PSYCOPG2_POOL,
    Constructor(
        names=("psycopg2.connect",),
        library=Library.PSYCOPG2,
        is_pool=False,
        parameters=("dsn", "connection_factory", "cursor_factory"),
        address="dsn",
        driver="psycopg2",
    ),
    _PSYCOPG_POOL,
    _PSYCOPG_POOL._replace(
        names=("psycopg_pool.AsyncConnectionPool", "psycopg_pool.pool_async.AsyncConnectionPool"), is_async=True
    ),
    _PSYCOPG_POOL._replace(
        names=("psycopg_pool.NullConnectionPool", "psycopg_pool.null_pool.NullConnectionPool"),
        defaults={"min_size": 0, "max_size": None, "timeout": 30, "max_lifetime": 3600},
        unlimited={"max_size": (None, 0)},
    ),
    _PSYCOPG_POOL._replace(
        names=("psycopg_pool.AsyncNullConnectionPool", "psycopg_pool.null_pool_async.AsyncNullConnectionPool"),
        defaults={"min_size": 0, "max_size": None, "timeout": 30, "max_lifetime": 3600},
        unlimited={"max_size": (None, 0)},
        is_async=True,
    ),
    Constructor(
        names=("psycopg.connect", "psycopg.Connection.connect"),
        library=Library.PSYCOPG,
        is_pool=False,
        parameters=("conninfo",),
        address="conninfo",
        driver="psycopg",
    ),
    Constructor(
        names=("psycopg.AsyncConnection.connect",),
        library=Library.PSYCOPG,
        is_pool=False,
        parameters=("conninfo",),
        address="conninfo",
        driver="psycopg",
        is_async=True,
    ),
    Constructor(
        names=("asyncpg.create_pool", "asyncpg.pool.create_pool"),
        library=Library.ASYNCPG,
        parameters=("dsn",),
        defaults={"min_size": 10, "max_size": 10, "timeout": 60, "statement_cache_size": 100},
        size=("max_size",),
        address="dsn",
        driver="asyncpg",
        is_async=True,
    ),
    Constructor(
        names=("asyncpg.connect", "asyncpg.connection.connect"),
        library=Library.ASYNCPG,
        is_pool=False,
        parameters=("dsn",),
        defaults={"timeout": 60, "statement_cache_size": 100},
        address="dsn",
        driver="asyncpg",
        is_async=True,
    ),
    Constructor(
        names=("aiopg.create_pool", "aiopg.pool.create_pool", "aiopg.sa.create_engine"),
        library=Library.AIOPG,
        parameters=("dsn",),
        defaults={"minsize": 1, "maxsize": 10, "timeout": 60, "pool_recycle": -1},
        size=("maxsize",),
        unlimited={"maxsize": (0,)},
        wait="timeout",
        waits_forever=(None,),
        recycle="pool_recycle",
        address="dsn",
        driver="aiopg",
        is_async=True,
    ),
    Constructor(
        names=("aiopg.connect",),
        library=Library.AIOPG,
        is_pool=False,
        parameters=("dsn",),
        defaults={"timeout": 60},
        address="dsn",
        driver="aiopg",
        is_async=True,
    ),
    _AIOMYSQL_POOL,
    _AIOMYSQL_POOL._replace(
        names=("aiomysql.sa.create_engine",),
        parameters=("minsize", "maxsize", "loop", "dialect", "pool_recycle"),
    ),
    _AIOMYSQL_POOL._replace(
        names=("asyncmy.create_pool", "asyncmy.pool.create_pool"),
        library=Library.ASYNCMY,
        defaults={"minsize": 1, "maxsize": 10, "pool_recycle": 3600, "connect_timeout": 10},
        unlimited={},
        driver="asyncmy",
    ),
    Constructor(
        names=("aiomysql.connect",),
        library=Library.AIOMYSQL,
        is_pool=False,
        parameters=("host", "user", "password", "db", "port", "unix_socket"),
        more=_OPTION_FILES,
        driver="aiomysql",
        dialect="mysql",
        is_async=True,
    ),
    Constructor(
        names=("mysql.connector.pooling.MySQLConnectionPool",),
        library=Library.MYSQL_CONNECTOR,
        parameters=("pool_size", "pool_name", "pool_reset_session"),
        defaults={"pool_size": 5},
        size=("pool_size",),
        more=_OPTION_FILES,
        driver="mysqlconnector",
        dialect="mysql",
    ),
    Constructor(
        names=("mysql.connector.connect", "mysql.connector.Connect"),
        library=Library.MYSQL_CONNECTOR,
        is_pool=False,
        more=_OPTION_FILES,
        driver="mysqlconnector",
        dialect="mysql",
    ),
    Constructor(
        names=("MySQLdb.connect", "MySQLdb.connections.Connection"),
        library=Library.MYSQLCLIENT,
        is_pool=False,
        parameters=("host", "user", "passwd", "db", "port", "unix_socket", "conv", "connect_timeout"),
        more=_OPTION_FILES,
        driver="mysqldb",
        dialect="mysql",
    ),
    Constructor(
        names=("pymysql.connect", "pymysql.Connect", "pymysql.connections.Connection"),
        library=Library.PYMYSQL,
        is_pool=False,
        # Until 1.0 they could be given by position.
        parameters=("host", "user", "password", "database", "port"),
        defaults={"connect_timeout": 10},
        more=_OPTION_FILES,
        driver="pymysql",
        dialect="mysql",
    ),
    Constructor(
        names=("pg8000.connect", "pg8000.dbapi.connect"),
        library=Library.PG8000,
        is_pool=False,
        parameters=(
            "user",
            "host",
            "database",
            "port",
            "password",
            "source_address",
            "unix_sock",
            "ssl_context",
            "timeout",
        ),
        defaults={"timeout": None},
        driver="pg8000",
    ),
    Constructor(
        names=("dbutils.pooled_db.PooledDB", "DBUtils.PooledDB.PooledDB"),
        library=Library.DBUTILS,
        parameters=(
            "creator",
            "mincached",
            "maxcached",
            "maxshared",
            "maxconnections",
            "blocking",
            "maxusage",
            "setsession",
            "reset",
            "failures",
            "ping",
        ),
        defaults={"mincached": 0, "maxcached": 0, "maxshared": 0, "maxconnections": 0, "blocking": False},
        size=("maxconnections",),
        unlimited={"maxconnections": (0, None)},
        wait="blocking",
        waits_forever=(True,),
        dialect="",
    ),
    _PEEWEE_POOL,
    _PEEWEE_POOL._replace(names=("playhouse.pool.PooledMySQLDatabase",), dialect="mysql"),
    Constructor(
        names=("oracledb.create_pool", "oracledb.create_pool_async"),
        library=Library.ORACLEDB,
        parameters=("dsn",),
        defaults={"min": 1, "max": 2, "getmode": "POOL_GETMODE_WAIT"},
        size=("max",),
        wait="getmode",
        waits_forever=("POOL_GETMODE_WAIT",),
        address="dsn",
        more=("params",),
        driver="oracledb",
        dialect="oracle",
    ),
)
"""All that is known, each once under its several names."""

BY_NAME: Mapping[str, Constructor] = {name: each for each in CONSTRUCTORS for name in each.names}
LIBRARY_NAMES = frozenset(name.partition(".")[0] for name in BY_NAME)
"""The top-level packages that constructors are imported from."""
