import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.leaks.following.outcome import Outcome
from poolcheck.read.python.leaks.following.silences import Reason, Silence
from poolcheck.read.python.leaks.taking.checkouts import Checkout, checkouts_of
from poolcheck.read.python.syntax.module import Project


def checkouts(text: str, path: str = "shop/app.py", **others: str) -> list[Checkout]:
    files = {path: text.encode()} | {f"shop/{name}.py": other.encode() for name, other in others.items()}
    module = Project(Memory(files)).module(path)
    assert module
    return deep(lambda: list(checkouts_of(module)))


def outcomes(text: str, **others: str) -> list[Outcome | None]:
    return [each.fate.outcome if each.fate else None for each in checkouts(text, **others)]


POOLS = """
import asyncpg
import psycopg2
from psycopg2.pool import ThreadedConnectionPool
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine

pool = ThreadedConnectionPool(1, 5, dsn)
engine = create_engine(url)
"""


def in_function(*lines: str, before: str = POOLS) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"{before}\ndef run(sql):\n{body}"


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("conn = pool.getconn()", "pool.getconn()"),
        ("conn = engine.connect()", "engine.connect()"),
        ("conn = engine.raw_connection()", "engine.raw_connection()"),
        ("conn = psycopg2.connect('password=secret')", "psycopg2.connect()"),
        ("conn = create_engine('postgresql://web:secret@db/shop').connect()", "create_engine().connect()"),
        (
            "conn = ThreadedConnectionPool(\n        1, 5, dsn\n    ).getconn()",
            "ThreadedConnectionPool().getconn()",
        ),
    ],
)
def test_a_checkout_is_called_in_short_and_without_secrets(line: str, title: str) -> None:
    [found] = checkouts(in_function(line))

    assert found.title == title


@pytest.mark.parametrize(
    "text",
    [
        "from psycopg2 import connect\n\ndef run():\n    connect(dsn)\n",
        "from psycopg2 import connect as pg_connect\n\ndef run():\n    pg_connect(dsn)\n",
        "import psycopg2 as pg\n\ndef run():\n    pg.connect(dsn)\n",
        "def run():\n    import psycopg2\n    psycopg2.connect(dsn)\n",
    ],
)
def test_a_driver_is_known_under_other_names(text: str) -> None:
    [found] = checkouts(text)

    assert found.is_opened
    assert found.function == "run"


@pytest.mark.parametrize(
    "line",
    [
        "lock.acquire()",
        "socket.connect(address)",
        "client.connect()",
        "signal.connect(run)",
        "redis.getconn()",
        "connection.execute(sql)",
    ],
)
def test_other_things_that_are_acquired_and_connected_are_none(line: str) -> None:
    assert checkouts(in_function(line)) == []


@pytest.mark.parametrize("line", ["pool.getconn(key=sql)", "pool.getconn(sql)"])
def test_the_connection_of_a_key_is_not_judged(line: str) -> None:
    [found] = checkouts(in_function(line))

    assert found.silence == Silence(Reason.KEYED)


def test_a_method_of_ones_own_that_is_called_getconn_is_none() -> None:
    text = """
class Pool:
    def getconn(self):
        return self.conn

def run(pool: Pool, sql):
    conn = pool.getconn()
    conn.cursor().execute(sql)
"""

    assert checkouts(text) == []


@pytest.mark.parametrize(
    ("receiver", "expected"),
    [("pool", [Outcome.NEVER_RELEASED]), ("self._db_pool", [Outcome.NEVER_RELEASED]), ("database", [])],
)
def test_getconn_of_what_is_called_a_pool_is_judged(receiver: str, expected: list[Outcome]) -> None:
    text = in_function(f"conn = {receiver}.getconn()", "conn.cursor().execute(sql)", before="")

    assert outcomes(text) == expected


def test_closing_into_a_pool_that_is_not_known_may_return_the_connection() -> None:
    text = in_function("conn = some_pool.getconn()", "conn.cursor().execute(sql)", "conn.close()", before="")

    assert outcomes(text) == [Outcome.SKIPPED_ON_EXCEPTION]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", Outcome.RELEASED_IN_VAIN),
        (", close_returns=True", Outcome.SKIPPED_ON_EXCEPTION),
        (", **options", Outcome.SKIPPED_ON_EXCEPTION),
    ],
)
def test_closing_into_the_pool_of_psycopg_depends_on_how_it_was_made(arguments: str, expected: Outcome) -> None:
    lines = ("conn = pool.getconn()", "conn.execute(sql)", "conn.close()")
    text = in_function(*lines, before="from shop.db import pool\n")
    db = f"from psycopg_pool import ConnectionPool\npool = ConnectionPool(dsn{arguments})\n"

    assert outcomes(text, db=db) == [expected]


USES_ENGINE = "from sqlalchemy import text\nfrom shop.missing import engine, get_engine, machine\n"


@pytest.mark.parametrize("engine", ["engine", "db.engine", "self._engine", "get_engine()", "self.write_engine"])
def test_what_is_called_an_engine_is_one_in_a_module_that_uses_sqlalchemy(engine: str) -> None:
    text = in_function(f"conn = {engine}.connect()", "conn.execute(text(sql))", before=USES_ENGINE)

    [found] = checkouts(text)

    assert found.fate
    assert found.fate.outcome is Outcome.NEVER_RELEASED
    assert not found.is_pooled


@pytest.mark.parametrize(
    "text",
    [
        in_function("conn = engine.connect()", "conn.execute(sql)", before="from car import engine\n"),
        in_function("conn = machine.connect()", "conn.execute(sql)", before=USES_ENGINE),
        in_function("engine = Engine(sql)", "conn = engine.connect()", "conn.send(sql)", before=USES_ENGINE),
        f"{USES_ENGINE}\ndef run(engine: SteamEngine):\n    conn = engine.connect()\n    conn.send('')\n",
        f"{USES_ENGINE}\nclass Engine:\n    def connect(self): ...\n\ndef run():\n    Engine().connect().go()\n",
    ],
)
def test_other_engines_are_none(text: str) -> None:
    assert checkouts(text) == []


def test_what_is_only_likely_an_engine_gives_connections_where_they_are_closed() -> None:
    text = in_function("conn = engine.connect()", "conn.execute(text(sql))", "conn.close()", before=USES_ENGINE)

    assert outcomes(text) == [Outcome.SKIPPED_ON_EXCEPTION]


def test_a_pool_that_the_function_makes_does_not_outlive_it() -> None:
    text = in_function(
        "own = ThreadedConnectionPool(1, 5, dsn)", "conn = own.getconn()", "conn.cursor().execute(sql)"
    )

    [found] = checkouts(text)

    assert found.pool_is_local
    assert found.fate is None


@pytest.mark.parametrize("closing", ["pool.closeall()", "pool.close()"])
def test_a_pool_that_the_function_closes_takes_its_connections_along(closing: str) -> None:
    assert outcomes(in_function("conn = pool.getconn()", "conn.cursor().execute(sql)", closing)) == [None]


def test_a_connection_of_ones_own_class_may_be_closed_by_with() -> None:
    text = in_function("with psycopg2.connect(dsn, connection_factory=Closing) as conn:", "    conn.cursor()")

    assert outcomes(text) == [None]


def test_a_pool_that_the_function_is_given_outlives_it() -> None:
    lines = ("own = get()", "conn = own.getconn()", "conn.cursor().execute(sql)")
    text = in_function(*lines, before=f"{POOLS}\ndef get():\n    return pool\n")

    assert outcomes(text) == [Outcome.NEVER_RELEASED]


def test_a_module_that_takes_a_connection_keeps_it() -> None:
    assert outcomes(f"{POOLS}\nconn = pool.getconn()\nconn.cursor().execute(sql)\n") == [None]


@pytest.mark.parametrize(
    ("path", "definition", "expected"),
    [
        ("shop/app.py", "def run():", False),
        ("shop/app.py", "def main():", True),
        ("shop/app.py", "@app.route('/')\ndef main():", False),
        ("scripts/fill.py", "def run():", True),
        ("migrations/0001.py", "def run():", True),
    ],
)
def test_scripts_run_once(path: str, definition: str, expected: bool) -> None:
    [found] = checkouts(f"import psycopg2\n\n{definition}\n    psycopg2.connect(dsn)\n", path)

    assert found.runs_once is expected


def in_method(line: str) -> str:
    return f"import asyncio\nimport asyncpg\n\nasync def run(pool: asyncpg.Pool):\n    {line}\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("await pool.acquire()", False),
        ("await asyncio.wait_for(pool.acquire(), 5)", True),
        ("async with asyncio.timeout(5):\n        await pool.acquire()", True),
        ("async with asyncio.timeout(5):\n        async with pool.acquire() as conn: ...", True),
        ("async with pool.acquire() as conn: ...", False),
        ("await pool.fetch('SELECT 1')", False),
    ],
)
def test_what_is_around_a_checkout_may_bound_it(line: str, expected: bool) -> None:
    [found] = checkouts(in_method(line))

    assert found.is_bounded is expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("conn = await pool.acquire()\n    await conn.fetch('')", Outcome.NEVER_RELEASED),
        (
            "conn = await pool.acquire()\n    await conn.fetch('')\n    await pool.release(conn)",
            Outcome.SKIPPED_ON_EXCEPTION,
        ),
        ("conn = await pool.acquire()\n    conn.terminate()", None),
        ("async with pool.acquire() as conn: ...", None),
        ("conn = await asyncpg.connect()\n    await conn.fetch('')", Outcome.NEVER_RELEASED),
    ],
)
def test_asyncpg_takes_releases_closes_and_terminates(lines: str, expected: Outcome | None) -> None:
    assert outcomes(in_method(lines)) == [expected]
