"""What becomes of applications whose pools and timeouts do not fit the threads they have, or their pooler."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import pytest

from poolcheck.catalog import installed
from poolcheck.testing import SETTINGS, Example, report_on
from proofs.applications import started
from proofs.crowd import IN_TRANSACTIONS, SHOP, has_got_in, opened, servers
from proofs.judged import HOST, MAIN, logs, placed, skip_before, until
from servers.pgbouncer import PgBouncer, Room
from servers.postgres import PostgreSQL

COMPOSE = """\
services:
  web:
    image: registry.example/shop/web:2.14.0
    command: gunicorn --threads 3 shop.db:app
"""
THREADS = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

{imports}

pool = {pool}
all_have_one = Barrier(3)


def work() -> int:
    {take}
        try:
            all_have_one.wait(1)
        except Exception:
            pass
        return 1


def run():
    with ThreadPoolExecutor(3) as threads:
        return sum(each.result() for each in [threads.submit(work) for _ in range(3)])
"""
ONE_AFTER_THE_OTHER = """
from contextlib import contextmanager


@contextmanager
def taken():
    connection = pool.getconn()
    try:
        yield connection
    finally:
        pool.putconn(connection)

"""

SLOW = "select pg_sleep(30)"
STILL_RUNNING = f"from pg_stat_activity where state = 'active' and query = '{SLOW}'"
ASYNCPG = """
import asyncpg

pool = None


async def run():
    global pool
    if pool is None:
        pool = await asyncpg.create_pool(
            "postgresql://web@pgbouncer:6432/shop",
            min_size=1,
            max_size=1,
            statement_cache_size=0,
            command_timeout={seconds},
        )
        return await pool.fetchval("{slow}")
    return await pool.fetchval("select 1")
"""
HOSTS = '[poolers.main]\nhosts = ["pgbouncer"]\n'


@pytest.mark.parametrize(
    ("imports", "pool", "take", "error"),
    [
        (
            "from sqlalchemy import create_engine",
            'create_engine("{url}", pool_size={size}, max_overflow=0, pool_timeout=0.3)',
            "with pool.connect():",
            "TimeoutError: QueuePool limit of size 2 overflow 0 reached",
        ),
        (
            "from psycopg_pool import ConnectionPool",
            'ConnectionPool("{dsn}", min_size=1, max_size={size}, timeout=0.3, open=True)',
            "with pool.connection():",
            "PoolTimeout: couldn't get a connection after 0.30 sec",
        ),
        (
            f"from psycopg2.pool import ThreadedConnectionPool\n{ONE_AFTER_THE_OTHER}",
            'ThreadedConnectionPool(1, {size}, "{dsn}")',
            "with taken():",
            "PoolError: connection pool exhausted",
        ),
    ],
    ids=["sqlalchemy", "psycopg", "psycopg2"],
)
def test_a_thread_without_a_connection_fails(
    postgres: PostgreSQL, imports: str, pool: str, take: str, error: str
) -> None:
    url = f"postgresql+psycopg://postgres@127.0.0.1:{postgres.port}/postgres"
    small, large = (
        THREADS.format(
            imports=imports, take=take, pool=pool.format(size=size, url=url, dsn=url.replace("+psycopg", ""))
        )
        for size in (2, 3)
    )

    assert judged("app-pool-smaller-than-threads", {"shop/db.py": small, "compose.yaml": COMPOSE})
    with started(small) as application:
        assert application.run().error.startswith(error)

    assert judged("app-pool-smaller-than-threads", {"shop/db.py": large, "compose.yaml": COMPOSE}) == []
    with started(large) as application:
        assert application.run().value == "3"


@pytest.mark.parametrize("setting", ["query_timeout", "transaction_timeout"])
def test_what_pgbouncer_drops_is_never_cancelled(room: Room, postgres: PostgreSQL, setting: str) -> None:
    if setting == "transaction_timeout":
        skip_before(room.program, (1, 25), "there is transaction_timeout")
    ini = f"{SHOP}\n{IN_TRANSACTIONS}listen_addr = {HOST}\nquery_wait_timeout = 0.5\n{setting} = "
    first, late = (f"{ini}{seconds}\n" for seconds in (0.5, 30))
    slow, fast = (ASYNCPG.format(seconds=seconds, slow=SLOW) for seconds in (30, 0.5))

    assert judged("app-timeout-above-pooler-timeout", {"shop/db.py": slow, MAIN: first, SETTINGS: HOSTS})
    with room.start(placed(first, room, postgres)) as pooler, started(behind(pooler, slow)) as application:
        assert application.run().error.startswith("ConnectionDoesNotExistError")
        assert application.run().value == "1"
        assert len(postgres.query(f"select pg_terminate_backend(pid) {STILL_RUNNING}")) == 1

    assert judged("app-timeout-above-pooler-timeout", {"shop/db.py": fast, MAIN: late, SETTINGS: HOSTS}) == []
    with room.start(placed(late, room, postgres)) as pooler, started(behind(pooler, fast)) as application:
        assert application.run().error.startswith("TimeoutError")
        assert application.run().value == "1"
        assert postgres.query(f"select pid {STILL_RUNNING}") == ()


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_server_that_ends_idle_sessions_ends_a_client_in_session_mode_only(
    room: Room, postgres: PostgreSQL, mode: str
) -> None:
    ini = f"{SHOP}\n{IN_TRANSACTIONS.replace('transaction', mode)}"
    with (
        idle_sessions_ending(postgres),
        room.start(placed(ini, room, postgres)) as pooler,
        has_got_in(pooler, "select 1") as client,
    ):
        until(lambda: logs(pooler, "server conn crashed?"))
        assert servers(pooler) == set()
        if mode == "transaction":
            client.query("select 2")
            assert client.hears_of(b"C", b"E").kind == b"C"
            assert opened(pooler) == 2
        else:
            assert client.hears_of(b"E").kind == b"E"


def test_what_pgbouncer_gives_up_first_is_no_crash(room: Room, postgres: PostgreSQL) -> None:
    ini = f"{SHOP}\n{IN_TRANSACTIONS}server_idle_timeout = 0.1\n"
    with (
        idle_sessions_ending(postgres, after_ms=2000),
        room.start(placed(ini, room, postgres)) as pooler,
        has_got_in(pooler, "select 1"),
    ):
        until(lambda: logs(pooler, "server idle timeout"))
        assert servers(pooler) == set()
        assert not logs(pooler, "crashed")


@pytest.mark.parametrize(
    ("entry", "more", "kept"), [("", "", 3), (" pool_size=2", "", 2), ("", "max_db_connections = 1\n", 1)]
)
def test_a_floor_is_kept_without_clients(
    room: Room, postgres: PostgreSQL, entry: str, more: str, kept: int
) -> None:
    ini = f"{SHOP}{entry}\n{IN_TRANSACTIONS}min_pool_size = 3\n{more}"
    with room.start(placed(ini, room, postgres)) as pooler:
        if room.program.version < (1, 21):
            assert opened(pooler) == 0
            with has_got_in(pooler, "select 1"):
                until(lambda: len(servers(pooler)) == kept)
        else:
            until(lambda: len(servers(pooler)) == kept)
            assert opened(pooler) == kept


@contextmanager
def idle_sessions_ending(postgres: PostgreSQL, *, after_ms: int = 500) -> Generator[None, None, None]:
    """While it lasts, the server ends sessions that have been idle for so long."""
    postgres.query(f"alter system set idle_session_timeout = {after_ms}")
    postgres.query("select pg_reload_conf()")
    try:
        yield
    finally:
        postgres.query("alter system reset idle_session_timeout")
        postgres.query("select pg_reload_conf()")


def judged(rule: str, sources: Mapping[str, str]) -> list[str]:
    """What a rule finds in these files."""
    return [finding.message for finding in report_on(Example(installed()[rule], "", sources, ())).findings]


def behind(pooler: PgBouncer, text: str) -> str:
    """An application as it runs here, with the pooler's address."""
    return text.replace("pgbouncer:6432", f"{HOST}:{pooler.port}")
