"""What comes of a connection that is not given back, as it is told, for each library that lends any."""

import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.leaks.taking.checkouts import checkouts_of
from poolcheck.read.python.syntax.module import Project
from poolcheck.source import Source

BEFORE = """
import aiomysql, aiopg, asyncmy, asyncpg, oracledb, psycopg2
from dbutils.pooled_db import PooledDB
from mysql.connector.pooling import MySQLConnectionPool
from psycopg2.pool import SimpleConnectionPool, ThreadedConnectionPool
from psycopg_pool import AsyncConnectionPool, ConnectionPool, NullConnectionPool
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

class Database:
    async def open(self):
        self.pool = {pool}

    async def run(self, sql):
        conn = {call}
        unused = conn.autocommit
"""


def told(pool: str, call: str) -> str:
    """What comes of it when a pool that is made like this is asked like that."""
    module = Project(Memory({})).add(Source("shop/app.py", BEFORE.format(pool=pool, call=call)))
    [found] = deep(lambda: list(checkouts_of(module)))
    return found.consequence


EXHAUSTED = "raises PoolError: connection pool exhausted"
TIMED_OUT = "raises PoolTimeout: couldn't get a connection"


@pytest.mark.parametrize(
    ("pool", "consequence"),
    [
        ("ThreadedConnectionPool(1, 5, dsn)", f"after 5 such calls getconn() {EXHAUSTED}"),
        ("SimpleConnectionPool(minconn=1, maxconn=7, dsn=dsn)", f"after 7 such calls getconn() {EXHAUSTED}"),
        ("ThreadedConnectionPool(1, size, dsn)", f"after maxconn such calls getconn() {EXHAUSTED}"),
        ("ConnectionPool(dsn, min_size=2, max_size=8)", f"after 8 such calls getconn() {TIMED_OUT}"),
        ("ConnectionPool(dsn)", f"after 4 such calls getconn() {TIMED_OUT}"),
        ("ConnectionPool(dsn, min_size=6)", f"after 6 such calls getconn() {TIMED_OUT}"),
        ("ConnectionPool(dsn, min_size=least)", f"after max_size such calls getconn() {TIMED_OUT}"),
        ("NullConnectionPool(dsn, max_size=3)", f"after 3 such calls getconn() {TIMED_OUT}"),
        ("NullConnectionPool(dsn)", ""),
    ],
)
def test_pools_that_are_asked_by_getconn(pool: str, consequence: str) -> None:
    assert told(pool, "self.pool.getconn()") == consequence


def test_an_asynchronous_pool_of_psycopgs() -> None:
    pool = "AsyncConnectionPool(dsn, max_size=8, open=False)"

    assert told(pool, "await self.pool.getconn()") == f"after 8 such calls getconn() {TIMED_OUT}"


@pytest.mark.parametrize(
    ("pool", "consequence"),
    [
        ("await asyncpg.create_pool(dsn)", "after 10 such calls acquire() waits without end"),
        ("await asyncpg.create_pool(dsn, max_size=20)", "after 20 such calls acquire() waits without end"),
        ("await aiopg.create_pool(dsn)", "after 10 such calls acquire() raises TimeoutError after 60 seconds"),
        ("await aiopg.create_pool(dsn, maxsize=0)", ""),
        ("await aiomysql.create_pool(host=host)", "after 10 such calls acquire() waits without end"),
        ("await aiomysql.create_pool(host=host, maxsize=0)", ""),
        ("await asyncmy.create_pool(host=host, maxsize=3)", "after 3 such calls acquire() waits without end"),
        ("oracledb.create_pool_async(max=5)", ""),
    ],
)
def test_pools_that_are_asked_by_acquire(pool: str, consequence: str) -> None:
    assert told(pool, "await self.pool.acquire()") == consequence


def test_a_limit_to_the_wait_is_told() -> None:
    pool = "await asyncpg.create_pool(dsn)"

    assert told(pool, "await self.pool.acquire(timeout=5)") == "after 10 such calls acquire() raises TimeoutError"


@pytest.mark.parametrize(
    ("pool", "consequence"),
    [
        (
            "MySQLConnectionPool(pool_size=8)",
            "after 8 such calls get_connection() raises PoolError: Failed getting connection; pool exhausted",
        ),
        (
            "MySQLConnectionPool()",
            "after 5 such calls get_connection() raises PoolError: Failed getting connection; pool exhausted",
        ),
    ],
)
def test_mysql_connectors_pool(pool: str, consequence: str) -> None:
    assert told(pool, "self.pool.get_connection()") == consequence


@pytest.mark.parametrize(
    ("pool", "call"),
    [
        ("create_engine(url)", "self.pool.connect()"),
        ("create_engine(url)", "self.pool.raw_connection()"),
        ("create_async_engine(url)", "await self.pool.connect()"),
        ("PooledDB(psycopg2, maxconnections=5)", "self.pool.connection()"),
        ("oracledb.create_pool(max=5)", "self.pool.acquire()"),
    ],
)
def test_of_what_goes_back_some_day_no_end_is_told(pool: str, call: str) -> None:
    assert told(pool, call) == ""
