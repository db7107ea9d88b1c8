"""Calls that make client pools and connections: what they are called, and what their parameters mean.

Sources: the libraries' own signatures and behaviour, observed with SQLAlchemy 1.4 to 2.1, psycopg2 2.9,
psycopg 3.0 to 3.3, psycopg_pool 3.0 to 3.3, asyncpg 0.27 to 0.32, aiopg 1.4, aiomysql 0.3, asyncmy 0.2,
mysql-connector 8 to 26, PyMySQL 1.2, mysqlclient 2.3, pg8000, DBUtils 3.2, peewee 3 and 4, Tortoise 1.1,
databases 0.9, Flask-SQLAlchemy 2.5 to 3.1, Django 4.2 to 6.1 and oracledb 1.4 to 26.
"""

from collections.abc import Mapping

from poolcheck.read.python.libraries.constructor import Constructor, Earlier, Holds, Library

_OPTION_FILES = ("read_default_file", "read_default_group", "option_files")
"""MySQL's drivers take what they are not told from files such as ~/.my.cnf."""
_PARTS = {"user": ("user",), "host": ("host",), "port": ("port",), "database": ("dbname", "database", "db")}
_UPPER_PARTS = {"user": ("USER",), "host": ("HOST",), "port": ("PORT",), "database": ("NAME",)}

_SQLALCHEMY = Constructor(
    names=("sqlalchemy.create_engine", "sqlalchemy.engine.create_engine", "sqlmodel.create_engine"),
    library=Library.SQLALCHEMY,
    package="sqlalchemy",
    parameters=("url",),
    keywords=frozenset(
        {
            "connect_args", "creator", "echo_pool", "max_overflow", "pool", "pool_logging_name", "pool_pre_ping",
            "pool_recycle", "pool_reset_on_return", "pool_size", "pool_timeout", "pool_use_lifo", "poolclass",
        }
    ),
    defaults={"pool_size": 5, "max_overflow": 10, "pool_timeout": 30, "pool_recycle": -1, "pool_pre_ping": False},
    size=("pool_size", "max_overflow"),
    unlimited={"pool_size": (0,), "max_overflow": (-1,)},
    wait="pool_timeout",
    waits_forever=(None,),
    recycle="pool_recycle",
    test="pool_pre_ping",
    address="url",
    driver_arguments="connect_args",
    dialect="",
)  # fmt: skip
_ASYNC_SQLALCHEMY = _SQLALCHEMY._replace(
    names=("sqlalchemy.ext.asyncio.create_async_engine", "sqlalchemy.ext.asyncio.engine.create_async_engine"),
    keywords=_SQLALCHEMY.keywords | {"async_creator"},
    is_async=True,
)
_CONFIGURED = ("pool_size", "max_overflow", "pool_timeout", "pool_recycle")
"""What engine_from_config() makes numbers of."""

_QUEUE_POOL = Constructor(
    names=("sqlalchemy.pool.QueuePool", "sqlalchemy.pool.impl.QueuePool", "sqlalchemy.QueuePool"),
    library=Library.SQLALCHEMY,
    package="sqlalchemy",
    parameters=("creator", "pool_size", "max_overflow", "timeout", "use_lifo"),
    defaults={"pool_size": 5, "max_overflow": 10, "timeout": 30, "recycle": -1, "pre_ping": False},
    size=("pool_size", "max_overflow"),
    unlimited={"pool_size": (0,), "max_overflow": (-1,)},
    wait="timeout",
    waits_forever=(None,),
    recycle="recycle",
    test="pre_ping",
    dialect="",
)

_FLASK_SQLALCHEMY = _SQLALCHEMY._replace(
    names=("flask_sqlalchemy.SQLAlchemy",),
    library=Library.FLASK_SQLALCHEMY,
    package="flask-sqlalchemy",
    parameters=("app",),
    keywords=frozenset(),
    converted=_CONFIGURED,
    spread="engine_options",
    # The engine is that of the configuration, which may say more.
    is_counted=False,
)

_PSYCOPG2_POOL = Constructor(
    names=(
        "psycopg2.pool.ThreadedConnectionPool",
        "psycopg2.pool.SimpleConnectionPool",
        "psycopg2.pool.PersistentConnectionPool",
    ),
    library=Library.PSYCOPG2,
    package="psycopg2",
    # It counts connections as they are opened, and opens as many as minconn at once.
    holds=Holds.LARGEST,
    parameters=("minconn", "maxconn", "dsn", "connection_factory", "cursor_factory"),
    size=("maxconn", "minconn"),
    least="minconn",
    converted=("minconn", "maxconn"),
    address="dsn",
    parts=_PARTS,
    driver="psycopg2",
)

_PSYCOPG_POOL = Constructor(
    names=("psycopg_pool.ConnectionPool", "psycopg_pool.pool.ConnectionPool"),
    library=Library.PSYCOPG,
    package="psycopg-pool",
    holds=Holds.FIRST,
    parameters=("conninfo",),
    keywords=frozenset(
        {
            "check", "close_returns", "configure", "connection_class", "kwargs", "max_idle", "max_lifetime",
            "max_size", "max_waiting", "min_size", "name", "num_workers", "open", "reconnect_failed",
            "reconnect_timeout", "reset", "timeout",
        }
    ),
    defaults={
        "min_size": 4,
        "max_size": None,
        "timeout": 30,
        "max_lifetime": 3600,
        "max_idle": 600,
        "check": None,
    },
    size=("max_size", "min_size"),
    least="min_size",
    wait="timeout",
    recycle="max_lifetime",
    test="check",
    address="conninfo",
    parts=_PARTS,
    driver_arguments="kwargs",
    driver="psycopg",
)  # fmt: skip
_PSYCOPG_NULL_POOL = _PSYCOPG_POOL._replace(
    names=("psycopg_pool.NullConnectionPool", "psycopg_pool.null_pool.NullConnectionPool"),
    defaults={"min_size": 0, "max_size": None, "timeout": 30, "max_lifetime": 3600, "check": None},
    size=("max_size",),
    unlimited={"max_size": (None, 0)},
)

_PSYCOPG = Constructor(
    names=("psycopg.connect", "psycopg.Connection.connect"),
    library=Library.PSYCOPG,
    package="psycopg",
    holds=Holds.ONE,
    parameters=("conninfo",),
    address="conninfo",
    parts=_PARTS,
    driver="psycopg",
)

_ASYNCPG = Constructor(
    names=("asyncpg.connect", "asyncpg.connection.connect"),
    library=Library.ASYNCPG,
    package="asyncpg",
    holds=Holds.ONE,
    parameters=("dsn",),
    defaults={"timeout": 60, "statement_cache_size": 100},
    address="dsn",
    parts=_PARTS,
    driver="asyncpg",
    is_async=True,
)

_OF_ASYNCPG_POOL = frozenset(
    {
        "connect", "init", "init_size", "max_inactive_connection_lifetime", "max_queries", "max_size", "min_size",
        "reset", "setup",
    }
)  # fmt: skip

_AIOPG = Constructor(
    names=("aiopg.connect",),
    library=Library.AIOPG,
    package="aiopg",
    holds=Holds.ONE,
    parameters=("dsn",),
    defaults={"timeout": 60},
    address="dsn",
    parts=_PARTS,
    driver="aiopg",
    is_async=True,
)

_AIOMYSQL_POOL = Constructor(
    names=("aiomysql.create_pool",),
    library=Library.AIOMYSQL,
    package="aiomysql",
    parameters=("minsize", "maxsize", "echo", "pool_recycle"),
    defaults={"minsize": 1, "maxsize": 10, "pool_recycle": -1},
    size=("maxsize",),
    unlimited={"maxsize": (0,)},
    least="minsize",
    recycle="pool_recycle",
    replaces_dead=True,
    parts=_PARTS,
    more=_OPTION_FILES,
    driver="aiomysql",
    dialect="mysql",
    is_async=True,
)

_MYSQL_CONNECTOR = Constructor(
    names=("mysql.connector.connect", "mysql.connector.Connect"),
    library=Library.MYSQL_CONNECTOR,
    package="mysql-connector-python",
    holds=Holds.ONE,
    parts=_PARTS,
    more=_OPTION_FILES,
    pooled_by=("pool_name", "pool_size"),
    driver="mysqlconnector",
    dialect="mysql",
)

MYSQL_POOL = _MYSQL_CONNECTOR._replace(
    names=("mysql.connector.pooling.MySQLConnectionPool",),
    holds=Holds.SUM,
    parameters=("pool_size", "pool_name", "pool_reset_session"),
    defaults={"pool_size": 5},
    size=("pool_size",),
    least="pool_size",
    replaces_dead=True,
    pooled_by=(),
)
"""What connect() makes as well, where it is told a name or a size."""

_DBUTILS_POOL = Constructor(
    names=("dbutils.pooled_db.PooledDB", "DBUtils.PooledDB.PooledDB"),
    library=Library.DBUTILS,
    package="dbutils",
    # It raises the limit to what it is told to keep.
    holds=Holds.LARGEST,
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
    defaults={
        "mincached": 0,
        "maxcached": 0,
        "maxshared": 0,
        "maxconnections": 0,
        "blocking": False,
        "ping": 1,
    },
    size=("maxconnections", "maxcached", "maxshared"),
    unlimited={"maxconnections": (0, None)},
    least="mincached",
    wait="blocking",
    waits_forever=(True,),
    test="ping",
    replaces_dead=True,
    parts=_PARTS,
    dialect="",
)

_PEEWEE_POOL = Constructor(
    names=(
        "playhouse.pool.PooledPostgresqlDatabase",
        "playhouse.pool.PooledPostgresqlExtDatabase",
        "playhouse.postgres_ext.PooledPostgresqlExtDatabase",
        "playhouse.postgres_ext.PooledPsycopg3Database",
        "playhouse.cockroachdb.PooledCockroachDatabase",
    ),
    library=Library.PEEWEE,
    package="peewee",
    parameters=("database", "max_connections", "stale_timeout", "timeout"),
    defaults={"max_connections": 20, "stale_timeout": None, "timeout": None},
    size=("max_connections",),
    unlimited={"max_connections": (0, None)},
    wait="timeout",
    waits_forever=(0,),
    recycle="stale_timeout",
    converted=("max_connections",),
    parts=_PARTS,
    # It takes whichever driver is installed.
    driver=None,
)
_PEEWEE_ASYNC = Constructor(
    names=("playhouse.pwasyncio.AsyncPostgresqlDatabase",),
    library=Library.PEEWEE,
    package="peewee",
    parameters=("database",),
    defaults={"pool_size": 10, "pool_min_size": 1, "acquire_timeout": 10},
    size=("pool_size",),
    least="pool_min_size",
    wait="acquire_timeout",
    waits_forever=(None,),
    parts=_PARTS,
    driver="asyncpg",
    is_async=True,
)

_TORTOISE = Constructor(
    names=(
        "tortoise.Tortoise.init",
        "tortoise.contrib.aiohttp.register_tortoise",
        "tortoise.contrib.blacksheep.register_tortoise",
        "tortoise.contrib.fastapi.RegisterTortoise",
        "tortoise.contrib.fastapi.register_tortoise",
        "tortoise.contrib.quart.register_tortoise",
        "tortoise.contrib.sanic.register_tortoise",
        "tortoise.contrib.starlette.register_tortoise",
    ),
    library=Library.TORTOISE,
    package="tortoise-orm",
    parameters=("app",),
    defaults={"minsize": 1, "maxsize": 5},
    size=("maxsize",),
    least="minsize",
    address="db_url",
    schemes={
        "asyncpg": ("postgresql", "asyncpg"),
        "mysql": ("mysql", "asyncmy"),
        "postgresql": ("postgresql", "asyncpg"),
        "psycopg": ("postgresql", "psycopg"),
    },
    in_url=("minsize", "maxsize", "min_size", "max_size", "statement_cache_size"),
    converted=("minsize", "maxsize", "min_size", "max_size", "statement_cache_size"),
    parts=_PARTS,
    more=("config_file",),
    dialect="",
    is_async=True,
)

_DATABASES = Constructor(
    names=("databases.Database",),
    library=Library.DATABASES,
    package="databases",
    parameters=("url",),
    defaults={"min_size": 10, "max_size": 10},
    for_dialect={"mysql": {"min_size": 1}},
    size=("max_size",),
    least="min_size",
    address="url",
    schemes={"mysql": ("mysql", "aiomysql"), "postgresql": ("postgresql", "asyncpg")},
    in_url=("min_size", "max_size"),
    converted=("min_size", "max_size"),
    dialect="",
    is_async=True,
)

DJANGO = Constructor(
    names=("django.DATABASES",),
    library=Library.DJANGO,
    package="django",
    holds=Holds.EACH_THREAD,
    defaults={"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "DISABLE_SERVER_SIDE_CURSORS": False},
    recycle="CONN_MAX_AGE",
    test="CONN_HEALTH_CHECKS",
    address="URL",
    parts=_UPPER_PARTS,
    driver_arguments="OPTIONS",
)
"""An entry of Django's DATABASES: a connection for each thread."""

DJANGO_POOL = DJANGO._replace(
    holds=Holds.FIRST,
    defaults={**DJANGO.defaults, **_PSYCOPG_POOL.defaults},
    size=("max_size", "min_size"),
    least="min_size",
    wait="timeout",
    recycle="max_lifetime",
)
"""The same with OPTIONS["pool"], since Django 5.1: a pool of psycopg_pool's."""

FLASK = _FLASK_SQLALCHEMY._replace(
    names=("SQLALCHEMY_DATABASE_URI",),
    parameters=(),
    for_dialect={"mysql": {"pool_recycle": 7200}},
    earlier=(Earlier((3, 0), {"pool_size": 10}, dialect="mysql"),),
    spread=None,
    is_counted=True,
)
"""The engine that Flask-SQLAlchemy makes of an application's configuration."""

CONSTRUCTORS = (
    _SQLALCHEMY,
    _ASYNC_SQLALCHEMY,
    _SQLALCHEMY._replace(
        names=("sqlalchemy.engine_from_config", "sqlalchemy.engine.engine_from_config"),
        parameters=("configuration", "prefix"),
        converted=_CONFIGURED,
        spread="configuration",
    ),
    _ASYNC_SQLALCHEMY._replace(
        names=(
            "sqlalchemy.ext.asyncio.async_engine_from_config",
            "sqlalchemy.ext.asyncio.engine.async_engine_from_config",
        ),
        parameters=("configuration", "prefix"),
        converted=_CONFIGURED,
        spread="configuration",
    ),
    # It takes names of engines and of pools alike.
    _SQLALCHEMY._replace(
        names=("sqlalchemy.create_pool_from_url", "sqlalchemy.engine.create_pool_from_url"), keywords=frozenset()
    ),
    _QUEUE_POOL,
    _QUEUE_POOL._replace(
        names=("sqlalchemy.pool.AsyncAdaptedQueuePool", "sqlalchemy.pool.impl.AsyncAdaptedQueuePool"),
        is_async=True,
    ),
    _FLASK_SQLALCHEMY,
    _PSYCOPG2_POOL,
    Constructor(
        names=("psycopg2.connect",),
        library=Library.PSYCOPG2,
        package="psycopg2",
        holds=Holds.ONE,
        parameters=("dsn", "connection_factory", "cursor_factory"),
        address="dsn",
        parts=_PARTS,
        driver="psycopg2",
    ),
    _PSYCOPG_POOL,
    _PSYCOPG_POOL._replace(
        names=("psycopg_pool.AsyncConnectionPool", "psycopg_pool.pool_async.AsyncConnectionPool"), is_async=True
    ),
    _PSYCOPG_NULL_POOL,
    _PSYCOPG_NULL_POOL._replace(
        names=("psycopg_pool.AsyncNullConnectionPool", "psycopg_pool.null_pool_async.AsyncNullConnectionPool"),
        is_async=True,
    ),
    _PSYCOPG,
    _PSYCOPG._replace(names=("psycopg.AsyncConnection.connect",), is_async=True),
    _ASYNCPG._replace(
        names=("asyncpg.create_pool", "asyncpg.pool.create_pool"),
        holds=Holds.SUM,
        keywords=_OF_ASYNCPG_POOL,
        defaults={
            "min_size": 10,
            "max_size": 10,
            "max_inactive_connection_lifetime": 300,
            "timeout": 60,
            "statement_cache_size": 100,
        },
        size=("max_size",),
        least="min_size",
        replaces_dead=True,
    ),
    _ASYNCPG,
    _AIOPG._replace(
        names=("aiopg.create_pool", "aiopg.pool.create_pool", "aiopg.sa.create_engine"),
        holds=Holds.SUM,
        defaults={"minsize": 1, "maxsize": 10, "timeout": 60, "pool_recycle": -1},
        size=("maxsize",),
        unlimited={"maxsize": (0,)},
        least="minsize",
        wait="timeout",
        waits_forever=(None,),
        recycle="pool_recycle",
        replaces_dead=True,
    ),
    _AIOPG,
    _AIOMYSQL_POOL,
    _AIOMYSQL_POOL._replace(
        names=("aiomysql.sa.create_engine",),
        parameters=("minsize", "maxsize", "loop", "dialect", "pool_recycle"),
    ),
    _AIOMYSQL_POOL._replace(
        names=("asyncmy.create_pool", "asyncmy.pool.create_pool"),
        library=Library.ASYNCMY,
        package="asyncmy",
        defaults={"minsize": 1, "maxsize": 10, "pool_recycle": 3600, "connect_timeout": 10},
        unlimited={},
        driver="asyncmy",
    ),
    Constructor(
        names=("aiomysql.connect",),
        library=Library.AIOMYSQL,
        package="aiomysql",
        holds=Holds.ONE,
        parameters=("host", "user", "password", "db", "port", "unix_socket"),
        parts=_PARTS,
        more=_OPTION_FILES,
        driver="aiomysql",
        dialect="mysql",
        is_async=True,
    ),
    Constructor(
        names=("asyncmy.connect", "asyncmy.connection.connect"),
        library=Library.ASYNCMY,
        package="asyncmy",
        holds=Holds.ONE,
        # What follows stands elsewhere in other versions.
        parameters=("user", "password"),
        defaults={"connect_timeout": 10},
        parts=_PARTS,
        more=_OPTION_FILES,
        driver="asyncmy",
        dialect="mysql",
        is_async=True,
    ),
    MYSQL_POOL,
    _MYSQL_CONNECTOR,
    Constructor(
        names=("MySQLdb.connect", "MySQLdb.connections.Connection"),
        library=Library.MYSQLCLIENT,
        package="mysqlclient",
        holds=Holds.ONE,
        parameters=("host", "user", "passwd", "db", "port", "unix_socket", "conv", "connect_timeout"),
        parts=_PARTS,
        more=_OPTION_FILES,
        driver="mysqldb",
        dialect="mysql",
    ),
    Constructor(
        names=("pymysql.connect", "pymysql.Connect", "pymysql.connections.Connection"),
        library=Library.PYMYSQL,
        package="pymysql",
        holds=Holds.ONE,
        # Until 1.0 they could be given by position.
        parameters=("host", "user", "password", "database", "port"),
        defaults={"connect_timeout": 10},
        parts=_PARTS,
        more=_OPTION_FILES,
        driver="pymysql",
        dialect="mysql",
    ),
    Constructor(
        names=("pg8000.connect", "pg8000.dbapi.connect"),
        library=Library.PG8000,
        package="pg8000",
        holds=Holds.ONE,
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
        parts=_PARTS,
        driver="pg8000",
    ),
    _DBUTILS_POOL,
    Constructor(
        names=("dbutils.persistent_db.PersistentDB", "DBUtils.PersistentDB.PersistentDB"),
        library=Library.DBUTILS,
        package="dbutils",
        holds=Holds.EACH_THREAD,
        parameters=("creator", "maxusage", "setsession", "failures", "ping", "closeable", "threadlocal"),
        defaults={"ping": 1},
        test="ping",
        replaces_dead=True,
        parts=_PARTS,
        dialect="",
    ),
    Constructor(
        names=("dbutils.simple_pooled_db.PooledDB", "DBUtils.SimplePooledDB.PooledDB"),
        library=Library.DBUTILS,
        package="dbutils",
        parameters=("dbapi", "maxconnections"),
        size=("maxconnections",),
        least="maxconnections",
        parts=_PARTS,
        dialect="",
    ),
    _PEEWEE_POOL,
    _PEEWEE_POOL._replace(
        names=(
            "playhouse.pool.PooledMySQLDatabase",
            "playhouse.mysql_ext.PooledMariaDBConnectorDatabase",
            "playhouse.mysql_ext.PooledMySQLConnectorDatabase",
        ),
        dialect="mysql",
    ),
    _PEEWEE_ASYNC,
    _PEEWEE_ASYNC._replace(names=("playhouse.pwasyncio.AsyncMySQLDatabase",), driver="aiomysql", dialect="mysql"),
    _TORTOISE,
    _DATABASES,
    Constructor(
        names=("oracledb.create_pool", "oracledb.create_pool_async"),
        library=Library.ORACLEDB,
        package="oracledb",
        parameters=("dsn",),
        defaults={
            "min": 1,
            "max": 2,
            "getmode": "POOL_GETMODE_WAIT",
            "max_lifetime_session": 0,
            "tcp_connect_timeout": 20,
        },
        earlier=(Earlier((2, 0), {"tcp_connect_timeout": 60}),),
        size=("max",),
        unlimited={"getmode": ("POOL_GETMODE_FORCEGET",)},
        least="min",
        wait="getmode",
        waits_forever=("POOL_GETMODE_WAIT",),
        recycle="max_lifetime_session",
        replaces_dead=True,
        address="dsn",
        parts=_PARTS,
        more=("params",),
        driver="oracledb",
        dialect="oracle",
    ),
    Constructor(
        names=("oracledb.connect",),
        library=Library.ORACLEDB,
        package="oracledb",
        holds=Holds.ONE,
        parameters=("dsn",),
        defaults={"tcp_connect_timeout": 20},
        earlier=(Earlier((2, 0), {"tcp_connect_timeout": 60}),),
        address="dsn",
        parts=_PARTS,
        more=("params",),
        driver="oracledb",
        dialect="oracle",
    ),
)
"""All that is called, each once under its several names."""


def _called(name: str, made: Constructor) -> Constructor:
    """What is made by the name that the code has for it: `SimpleConnectionPool`, too, is a pool of psycopg2."""
    is_alias = name.rpartition(".")[2] == made.name.rpartition(".")[2]
    return made if is_alias else made._replace(names=(name,))


BY_NAME: Mapping[str, Constructor] = {name: _called(name, each) for each in CONSTRUCTORS for name in each.names}
_OFTEN_OF_THE_PROJECT = frozenset({"databases"})
"""Packages that projects have one of their own of."""
LIBRARY_NAMES = frozenset(name.partition(".")[0] for name in BY_NAME) - _OFTEN_OF_THE_PROJECT
"""The top-level packages that constructors are imported from, and that are not looked for in the project."""
