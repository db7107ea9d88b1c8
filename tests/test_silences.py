from textwrap import dedent, indent

import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.leaks.following.silences import Reason
from poolcheck.read.python.leaks.taking.checkouts import Checkout, checkouts_of
from poolcheck.read.python.syntax.module import Project
from poolcheck.source import Source

BEFORE = """
import asyncpg, psycopg2
from psycopg2.pool import ThreadedConnectionPool
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

pool = ThreadedConnectionPool(1, 5, dsn)
engine = create_engine(url)
SessionLocal = sessionmaker(engine)

"""


def checkout(text: str, path: str = "shop/db.py") -> Checkout:
    """The one that is in a module."""
    module = Project(Memory({})).add(Source(path, text))
    [found] = deep(lambda: list(checkouts_of(module)))
    return found


def function(body: str) -> str:
    return f"{BEFORE}async def run(sql, path, pg: asyncpg.Pool):\n{indent(dedent(body).strip(), '    ')}\n"


@pytest.mark.parametrize(
    ("body", "reason", "at"),
    [
        ("return pool.getconn()", Reason.RETURNED, "pool.getconn()"),
        ("conn = pool.getconn()\nreturn conn, conn.cursor()", Reason.RETURNED, "conn"),
        ("conn = pool.getconn()\nreturn [conn]", Reason.RETURNED, "conn"),
        ("conn = pool.getconn()\nreturn conn.cursor()", Reason.RETURNED, "conn.cursor()"),
        ("conn = pool.getconn()\nyield conn", Reason.YIELDED, "conn"),
        ("path.conn = pool.getconn()", Reason.STORED, "pool.getconn()"),
        ("conn = pool.getconn()\npath.conn = conn", Reason.STORED, "conn"),
        ("conn = pool.getconn()\npath['conn'] = conn", Reason.CONTAINED, "conn"),
        ("conn = pool.getconn()\nconns = [conn]", Reason.CONTAINED, "conn"),
        ("conn = pool.getconn()\nconns = {'a': conn}", Reason.CONTAINED, "conn"),
        ("conns = [pool.getconn() for _ in path]", Reason.CONTAINED, "pool.getconn()"),
        ("conn = pool.getconn()\npath.append(conn)", Reason.CONTAINED, "path.append(conn)"),
        ("conn = pool.getconn()\npath.put(conn)", Reason.CONTAINED, "path.put(conn)"),
        ("global conn\nconn = pool.getconn()", Reason.GLOBAL, "pool.getconn()"),
        ("conn = pool.getconn()\nreturn lambda: conn.cursor()", Reason.CAPTURED, "conn"),
        ("conn = pool.getconn()\ndef later():\n    conn.commit()\nreturn later", Reason.CAPTURED, "conn"),
        ("conn = pool.getconn()\nunseen(conn)", Reason.HANDED, "unseen(conn)"),
        ("conn = pool.getconn()\nRepository(conn)", Reason.KEPT, "Repository(conn)"),
        ("conn = pool.getconn()\nexecutor.submit(run, conn)", Reason.KEPT, "executor.submit(run, conn)"),
        ("conn = await pg.acquire()\nawait conn.add_listener('a', run)", Reason.LISTENING, None),
        ("with engine.connect() as conn:\n    conn.execute(sql)", Reason.ENTERED, None),
        ("async with pg.acquire() as conn:\n    await conn.execute(sql)", Reason.ENTERED, None),
        ("lease = pg.acquire()", Reason.NOT_AWAITED, None),
        (
            "conn = pool.getconn()\nconn.autocommit = True\npool.putconn(conn)",
            Reason.RELEASED,
            "pool.putconn(conn)",
        ),
        ("pool.putconn(pool.getconn())", Reason.RELEASED, "pool.putconn(pool.getconn())"),
        ("session = SessionLocal()\nsession.close()", Reason.RELEASED, "session.close()"),
        ("engine.connect()", Reason.DROPPED, None),
        ("conn = pool.getconn()\nwhile True:\n    conn.cursor().execute(sql)", Reason.ENDLESS, None),
        ("conn = pool.getconn(sql)", Reason.KEYED, None),
        ("conn = pool.getconn()\npool.closeall()", Reason.POOL_CLOSED, None),
        ("own = ThreadedConnectionPool(1, 2, dsn)\nconn = own.getconn()", Reason.POOL_OWN, None),
    ],
)
def test_why_nothing_is_said_of_a_connection(body: str, reason: Reason, at: str | None) -> None:
    text = function(body)

    silence = checkout(text).silence

    assert silence
    assert silence.reason is reason
    assert at is None or (silence.at and text[silence.at.start : silence.at.end] == at)


def test_of_what_only_its_name_tells_little_is_said() -> None:
    text = """
from sqlalchemy import text
from shop.db import engine

class Orders:
    def __init__(self):
        self.conn = engine.connect()

    def all(self):
        return self.conn.execute(text("SELECT id FROM orders")).all()
"""
    silence = checkout(text, "shop/app.py").silence

    assert silence
    assert silence.reason is Reason.GUESSED


def test_nothing_is_said_of_what_a_module_takes_for_itself() -> None:
    silence = checkout(f"{BEFORE}conn = pool.getconn()\n").silence

    assert silence
    assert silence.reason is Reason.OF_MODULE


def test_nothing_is_said_of_what_a_test_takes() -> None:
    silence = checkout(function("conn = pool.getconn()\nconn.commit()"), "tests/test_db.py").silence

    assert silence
    assert silence.reason is Reason.IN_TEST


def test_there_is_no_silence_where_something_is_said() -> None:
    found = checkout(function("conn = pool.getconn()\nconn.commit()"))

    assert found.fate
    assert found.silence is None
