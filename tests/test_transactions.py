import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.sql.executed import Executed, executed_in
from poolcheck.read.python.sql.transactions import Ending
from poolcheck.read.python.syntax.module import Project

BEFORE = """\
import asyncpg, psycopg, psycopg2
from django.db import connection, transaction
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session
engine = create_engine(URL)
pool = ConnectionPool(URL)
"""


def executed(text: str, before: str = BEFORE) -> Executed:
    """What becomes of `SET ROLE a`."""
    module = Project(Memory({"shop/db.py": (before + text).encode()}), ["shop/db.py"]).module("shop/db.py")
    assert module
    [found] = deep(lambda: list(executed_in(module)))
    return found


def ending(*lines: str, before: str = BEFORE) -> str | None:
    """How the transaction ends that a function's `SET ROLE a` is in; "at once" where it is one by itself."""
    found = executed("async def f(given):\n" + "".join(f"    {line}\n" for line in lines), before).transaction
    return found and ("at once" if found.is_single else str(found.ending))


@pytest.mark.parametrize(
    "lines",
    [
        ("with engine.begin() as c:", "    c.execute('SET ROLE a')"),
        ("with Session(engine) as s, s.begin():", "    s.execute('SET ROLE a')"),
        ("with Session.begin() as s:", "    s.execute('SET ROLE a')"),
        ("with given.begin():", "    given.execute('SET ROLE a')"),
        ("async with pool.acquire() as c, c.transaction():", "    await c.execute('SET ROLE a')"),
        ("with transaction.atomic():", "    connection.cursor().execute('SET ROLE a')"),
        ("with pool.connection() as c:", "    c.execute('SET ROLE a')"),
        ("with pool.connection() as c, c.cursor() as cur:", "    cur.execute('SET ROLE a')"),
        ("with psycopg.connect(URL) as c:", "    c.execute('SET ROLE a')"),
        ("c = psycopg2.connect(URL)", "with c, c.cursor() as cur:", "    cur.execute('SET ROLE a')"),
        ("c = psycopg2.connect(URL)", "c.cursor().execute('SET ROLE a')", "c.commit()"),
        ("with engine.connect() as c:", "    c.execute('SET ROLE a')", "    c.commit()"),
        ("with Session(engine) as s:", "    s.execute('SET ROLE a')", "    s.commit()", "    s.rollback()"),
        ("c = await asyncpg.connect(URL)", "await c.execute('BEGIN')", "await c.execute('SET ROLE a')",
         "await c.execute('COMMIT')"),
    ],
)  # fmt: skip
def test_what_is_committed(lines: tuple[str, ...]) -> None:
    assert ending(*lines) == Ending.COMMIT


@pytest.mark.parametrize(
    "lines",
    [
        ("with engine.connect() as c:", "    c.execute('SET ROLE a')"),
        ("with Session(engine) as s:", "    s.execute('SET ROLE a')"),
        ("c = psycopg2.connect(URL)", "c.cursor().execute('SET ROLE a')", "c.close()"),
        ("c = psycopg2.connect(URL)", "c.cursor().execute('SET ROLE a')", "c.rollback()", "c.commit()"),
        ("c = pool.getconn()", "c.execute('SET ROLE a')", "pool.putconn(c)"),
        ("with pool.connection() as c:", "    c.execute('SET ROLE a')", "    c.rollback()"),
        ("with given.transaction(force_rollback=True):", "    given.execute('SET ROLE a')"),
        ("c = await asyncpg.connect(URL)", "await c.execute('BEGIN')", "await c.execute('SET ROLE a')",
         "await c.execute('ROLLBACK')"),
    ],
)  # fmt: skip
def test_what_is_rolled_back(lines: tuple[str, ...]) -> None:
    assert ending(*lines) == Ending.ROLLBACK


@pytest.mark.parametrize(
    "lines",
    [
        ("c = await asyncpg.connect(URL)", "await c.execute('SET ROLE a')"),
        ("await (await asyncpg.create_pool(URL)).execute('SET ROLE a')",),
        ("with psycopg.connect(URL, autocommit=True) as c:", "    c.execute('SET ROLE a')"),
        ("c = psycopg2.connect(URL)", "c.autocommit = True", "c.cursor().execute('SET ROLE a')"),
        ("c = engine.connect().execution_options(isolation_level='AUTOCOMMIT')", "c.execute('SET ROLE a')"),
    ],
)
def test_what_is_a_transaction_by_itself(lines: tuple[str, ...]) -> None:
    assert ending(*lines) == "at once"


@pytest.mark.parametrize(
    "lines",
    [
        ("given.execute('SET ROLE a')",),
        ("connection.cursor().execute('SET ROLE a')",),
        ("c = given.connection", "c.execute('SET ROLE a')"),
        ("c = psycopg2.connect(URL)", "c.cursor().execute('SET ROLE a')", "return c"),
        ("c = engine.connect()", "c.execute('SET ROLE a')", "yield c"),
        ("c = engine.connect()", "c.execute('SET ROLE a')", "given.c = c"),
        (
            "c = await asyncpg.connect(URL)",
            "t = c.transaction()",
            "await t.start()",
            "await c.execute('SET ROLE a')",
        ),
        ("c = psycopg2.connect(URL)", "c.autocommit = given", "c.cursor().execute('SET ROLE a')"),
    ],
)
def test_what_is_not_seen(lines: tuple[str, ...]) -> None:
    assert ending(*lines) is None


def test_where_the_pools_module_speaks_of_autocommit_nothing_is_certain() -> None:
    before = BEFORE.replace("create_engine(URL)", "create_engine(URL, isolation_level=LEVEL)  # AUTOCOMMIT?")

    assert ending("with engine.connect() as c:", "    c.execute('SET ROLE a')", before=before) is None


def test_sessions_that_are_told_not_to_commit_by_themselves_do_not() -> None:
    before = BEFORE + "S = sessionmaker(engine, autocommit=False)\n"

    assert ending("with engine.connect() as c:", "    c.execute('SET ROLE a')", before=before) == Ending.ROLLBACK


def test_a_function_may_be_in_a_transaction_as_a_whole() -> None:
    found = executed("@transaction.atomic\ndef f():\n    connection.cursor().execute('SET ROLE a')")

    assert found.transaction
    assert found.transaction.ending is Ending.COMMIT


@pytest.mark.parametrize(
    ("calls", "is_seen"),
    [
        ("with transaction.atomic():\n    f()", True),
        ("def g():\n    with a(), transaction.atomic() as b:\n        c = [f() for _ in b]", True),
        ("@transaction.atomic\ndef g():\n    f()", True),
        ("with transaction.atomic():\n    f()\nf()", False),
        ("with atoms():\n    f()", False),
        ("", False),
    ],
)
def test_all_that_call_a_function_may_be_in_transactions(calls: str, is_seen: bool) -> None:
    found = executed(f"def f():\n    connection.cursor().execute('SET ROLE a')\n{calls}")

    assert (found.transaction is not None) is is_seen


def test_who_has_a_connection_of_its_own_is_in_no_transaction_of_its_callers() -> None:
    function = "async def f():\n    c = await asyncpg.connect(URL)\n    await c.execute('SET ROLE a')\n"
    found = executed(f"{function}async def g(c):\n    async with c.transaction():\n        await f()")

    assert found.transaction
    assert found.transaction.is_single


@pytest.mark.parametrize(("commits", "is_kept"), [("", False), ("\n    conn.commit()", True)])
def test_what_a_listener_does_not_commit_is_rolled_back(commits: str, is_kept: bool) -> None:
    listener = (
        "@event.listens_for(engine, 'connect')\ndef f(conn, record):\n    conn.cursor().execute('SET ROLE a')"
    )

    assert executed(listener + commits).is_kept is is_kept


@pytest.mark.parametrize(
    ("sql", "is_kept"),
    [
        ("SET ROLE a", False),
        ("LISTEN a", False),
        ("CREATE TEMP TABLE a (b int)", False),
        ("DECLARE a CURSOR WITH HOLD FOR SELECT 1", False),
        ("PREPARE a AS SELECT 1", True),
        ("SELECT pg_advisory_lock(1)", True),
    ],
)
def test_a_rollback_takes_most_things_back(sql: str, is_kept: bool) -> None:
    assert executed(f"def f():\n    with engine.connect() as c:\n        c.execute('{sql}')").is_kept is is_kept
