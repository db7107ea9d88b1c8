from collections.abc import Mapping

import pytest

from poolcheck.functions import Scalar
from poolcheck.read.python.libraries.constructor import Constructor, Holds
from poolcheck.read.python.libraries.constructors import BY_NAME, CONSTRUCTORS, DJANGO, DJANGO_POOL, FLASK

POOLS = [each for each in (*CONSTRUCTORS, DJANGO, DJANGO_POOL, FLASK) if each.is_pool]


def test_each_name_stands_for_one_constructor() -> None:
    names = [name for each in CONSTRUCTORS for name in each.names]

    assert len(names) == len({*names}) == len(BY_NAME)


@pytest.mark.parametrize("constructor", POOLS, ids=lambda each: each.name)
def test_the_size_of_each_pool_is_told_by_a_parameter_with_a_default_or_that_must_be_given(
    constructor: Constructor,
) -> None:
    assert bool(constructor.size) == (constructor.holds is not Holds.EACH_THREAD)
    assert {*constructor.size} <= {*constructor.defaults, *constructor.parameters}
    assert {*constructor.unlimited} <= {*constructor.size, "getmode"}
    assert {constructor.least} - {None} <= {*constructor.defaults, *constructor.parameters}


@pytest.mark.parametrize("constructor", POOLS, ids=lambda each: each.name)
def test_waits_and_ages_have_defaults(constructor: Constructor) -> None:
    assert {constructor.wait, constructor.recycle, constructor.test} - {None} <= {*constructor.defaults}


# What inspect.signature shows of SQLAlchemy 2.1.9, psycopg2 2.9.13, psycopg_pool 3.3.3, asyncpg 0.32.0,
# aiopg 1.4.0, aiomysql 0.3.2, asyncmy 0.2.18, mysql-connector 26.10.0, PyMySQL 1.2.4, pg8000 1.31.6,
# DBUtils 3.2.0, peewee 4.5.3 and oracledb 26.1.0, and the keywords of mysqlclient's _mysql.c.
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("sqlalchemy.create_engine", "url"),
        ("sqlalchemy.ext.asyncio.create_async_engine", "url"),
        ("psycopg2.connect", "dsn connection_factory cursor_factory"),
        ("psycopg2.pool.ThreadedConnectionPool", "minconn maxconn dsn connection_factory cursor_factory"),
        ("psycopg.connect", "conninfo"),
        ("psycopg_pool.AsyncConnectionPool", "conninfo"),
        ("psycopg_pool.NullConnectionPool", "conninfo"),
        ("asyncpg.create_pool", "dsn"),
        ("asyncpg.connect", "dsn"),
        ("aiopg.create_pool", "dsn"),
        ("aiopg.sa.create_engine", "dsn"),
        ("aiomysql.create_pool", "minsize maxsize echo pool_recycle"),
        ("aiomysql.sa.create_engine", "minsize maxsize loop dialect pool_recycle"),
        ("aiomysql.connect", "host user password db port unix_socket"),
        ("asyncmy.create_pool", "minsize maxsize echo pool_recycle"),
        ("mysql.connector.pooling.MySQLConnectionPool", "pool_size pool_name pool_reset_session"),
        ("MySQLdb.connect", "host user passwd db port unix_socket conv connect_timeout"),
        ("pg8000.connect", "user host database port password source_address unix_sock ssl_context timeout"),
        ("playhouse.pool.PooledPostgresqlDatabase", "database max_connections stale_timeout timeout"),
        ("oracledb.create_pool", "dsn"),
        (
            "dbutils.pooled_db.PooledDB",
            "creator mincached maxcached maxshared maxconnections blocking maxusage setsession reset failures "
            "ping",
        ),
    ],
)
def test_parameters_have_the_order_that_the_library_gives_them(name: str, parameters: str) -> None:
    assert BY_NAME[name].parameters == tuple(parameters.split())


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        ("sqlalchemy.create_engine", {"pool_size": 5, "max_overflow": 10, "pool_timeout": 30, "pool_recycle": -1}),
        ("psycopg_pool.ConnectionPool", {"min_size": 4, "max_size": None, "timeout": 30, "max_lifetime": 3600}),
        ("psycopg_pool.NullConnectionPool", {"min_size": 0, "max_size": None, "timeout": 30}),
        ("asyncpg.create_pool", {"min_size": 10, "max_size": 10, "timeout": 60, "statement_cache_size": 100}),
        ("aiopg.create_pool", {"minsize": 1, "maxsize": 10, "timeout": 60, "pool_recycle": -1}),
        ("aiomysql.create_pool", {"minsize": 1, "maxsize": 10, "pool_recycle": -1}),
        ("asyncmy.create_pool", {"minsize": 1, "maxsize": 10, "pool_recycle": 3600, "connect_timeout": 10}),
        ("mysql.connector.pooling.MySQLConnectionPool", {"pool_size": 5}),
        ("asyncmy.connect", {"connect_timeout": 10}),
        ("pymysql.connect", {"connect_timeout": 10}),
        ("pg8000.connect", {"timeout": None}),
        ("dbutils.pooled_db.PooledDB", {"maxconnections": 0, "blocking": False}),
        ("playhouse.pool.PooledMySQLDatabase", {"max_connections": 20, "stale_timeout": None, "timeout": None}),
        ("playhouse.postgres_ext.PooledPsycopg3Database", {"max_connections": 20}),
        ("sqlalchemy.create_pool_from_url", {"pool_size": 5, "max_overflow": 10}),
        ("oracledb.create_pool", {"min": 1, "max": 2, "getmode": "POOL_GETMODE_WAIT"}),
    ],
)
def test_defaults_are_those_of_the_library(name: str, defaults: Mapping[str, Scalar]) -> None:
    assert BY_NAME[name].defaults.items() >= defaults.items()


@pytest.mark.parametrize(
    ("name", "unlimited"),
    [
        ("sqlalchemy.create_engine", {"pool_size": (0,), "max_overflow": (-1,)}),
        ("psycopg_pool.ConnectionPool", {}),
        ("psycopg_pool.AsyncNullConnectionPool", {"max_size": (None, 0)}),
        ("asyncpg.create_pool", {}),
        ("aiopg.create_pool", {"maxsize": (0,)}),
        ("aiomysql.create_pool", {"maxsize": (0,)}),
        # With maxsize=0 it holds no connection at all. Observed with 0.2.18.
        ("asyncmy.create_pool", {}),
        ("dbutils.pooled_db.PooledDB", {"maxconnections": (0, None)}),
        ("playhouse.pool.PooledPostgresqlDatabase", {"max_connections": (0, None)}),
    ],
)
def test_limits_are_lifted_as_the_library_lifts_them(
    name: str, unlimited: Mapping[str, tuple[Scalar, ...]]
) -> None:
    assert BY_NAME[name].unlimited == unlimited
