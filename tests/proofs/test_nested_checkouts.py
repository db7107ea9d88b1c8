"""What becomes of tasks and threads that each hold a connection of a pool and want a second one."""

import pytest

from poolcheck.catalog import installed
from poolcheck.finding import Severity
from poolcheck.testing import Example, report_on
from proofs.applications import started
from servers.postgres import PostgreSQL

ASYNCPG = """
import asyncio

import asyncpg


async def transfer(pool: asyncpg.Pool, ready: asyncio.Barrier) -> int:
    async with pool.acquire() as first:
        await ready.wait()
        {second}


async def run():
    pool = await asyncpg.create_pool("{dsn}", min_size=2, max_size=2)
    ready = asyncio.Barrier(2)
    try:
        async with asyncio.timeout(0.7):
            return sum(await asyncio.gather(transfer(pool, ready), transfer(pool, ready)))
    finally:
        pool.terminate()
"""
PSYCOPG = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from psycopg_pool import ConnectionPool

pool = ConnectionPool("{dsn}", min_size=2, max_size=2, timeout=0.5, open=False)
ready = Barrier(2)


def transfer() -> int:
    with pool.connection() as first:
        ready.wait()
        {second}


def run():
    with pool, ThreadPoolExecutor(2) as threads:
        return sum(each.result() for each in [threads.submit(transfer), threads.submit(transfer)])
"""
SQLALCHEMY = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import create_engine, text

engine = create_engine("{url}", pool_size=2, max_overflow=0, pool_timeout=0.5)
ready = Barrier(2)


def transfer() -> int:
    with engine.connect() as first:
        ready.wait()
        {second}


def run():
    with ThreadPoolExecutor(2) as threads:
        return sum(each.result() for each in [threads.submit(transfer), threads.submit(transfer)])
"""
ONE = "select 1"

SESSION = """
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

engine = create_engine("{url}")


def run():
    found = []
    with Session(engine) as session:
        found.append(engine.pool.checkedout())
        session.execute(text("select 1"))
        found.append(engine.pool.checkedout())
        session.commit()
        found.append(engine.pool.checkedout())
        session.connection()
        found.append(engine.pool.checkedout())
    with engine.begin():
        found.append(engine.pool.checkedout())
    return [*found, engine.pool.checkedout()]
"""


@pytest.mark.parametrize(
    ("text", "nested", "single", "error"),
    [
        (
            ASYNCPG,
            f"async with pool.acquire() as second:\n            return await second.fetchval('{ONE}')",
            f"return await first.fetchval('{ONE}')",
            "TimeoutError: ",
        ),
        (
            ASYNCPG,
            f"return await pool.fetchval('{ONE}')",
            f"return await first.fetchval('{ONE}')",
            "TimeoutError: ",
        ),
        (
            PSYCOPG,
            f"with pool.connection() as second:\n            return second.execute('{ONE}').fetchone()[0]",
            f"return first.execute('{ONE}').fetchone()[0]",
            "PoolTimeout: couldn't get a connection after 0.50 sec",
        ),
        (
            SQLALCHEMY,
            f"with engine.begin() as second:\n            return second.scalar(text('{ONE}'))",
            f"return first.scalar(text('{ONE}'))",
            "TimeoutError: QueuePool limit of size 2 overflow 0 reached",
        ),
    ],
    ids=["asyncpg", "asyncpg, of the pool", "psycopg", "sqlalchemy"],
)
def test_as_many_as_there_are_connections_wait_for_one_another(
    postgres: PostgreSQL, text: str, nested: str, single: str, error: str
) -> None:
    bad, good = (written(text, second, postgres) for second in (nested, single))

    assert severities(bad) == [Severity.WARNING]
    assert severities(good) == []
    with started(bad) as application:
        assert application.run().error.startswith(error)
    with started(good) as application:
        assert application.run().value == "2"


def test_a_session_has_a_connection_from_its_first_statement_to_the_commit(postgres: PostgreSQL) -> None:
    with started(written(SESSION, "", postgres)) as application:
        assert application.run().value == "[0, 1, 0, 1, 1, 0]"


def written(text: str, second: str, postgres: PostgreSQL) -> str:
    """The text, with what is done while the first connection is held."""
    url = f"postgresql+psycopg://postgres@127.0.0.1:{postgres.port}/postgres"
    return text.format(second=second, dsn=url.replace("+psycopg", ""), url=url)


def severities(text: str) -> list[Severity]:
    """How severe it is what the rule finds in it."""
    example = Example(installed()["nested-checkout"], "", {"shop/db.py": text}, ())
    return [finding.severity for finding in report_on(example).findings]
