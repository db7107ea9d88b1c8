import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.leaks.outliving.escapes import escapes_in
from poolcheck.read.python.syntax.module import Project

HEAD = """
import asyncpg, psycopg, psycopg2
from contextlib import asynccontextmanager, closing, contextmanager
from psycopg2.pool import ThreadedConnectionPool
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session, sessionmaker

engine = create_engine("postgresql://db/shop")
async_engine = create_async_engine("postgresql+asyncpg://db/shop")
SessionLocal = sessionmaker(engine)
pool = ConnectionPool(dsn, open=False)
old_pool = ThreadedConnectionPool(1, 5, dsn)

def rows(conn):
    yield from conn.execute(q)

@contextmanager
def scope():
    session = SessionLocal()
    try:
        yield session
    finally:
        session.close()

@contextmanager
def borrowed_connection():
    conn = old_pool.getconn()
    try:
        yield conn
    finally:
        old_pool.putconn(conn)

@contextmanager
def connection():
    with pool.connection() as conn:
        yield conn
"""


def escaped(text: str) -> list[tuple[str, str]]:
    """How each connection outlives its `with` statement, and what it is."""
    module = Project(Memory({"app.py": (HEAD + text).encode()}), ["app.py"]).module("app.py")
    assert module
    return deep(lambda: [(each.how, each.lent) for each in escapes_in(module)])


def out_of(lender: str, line: str, keyword: str = "with") -> list[tuple[str, str]]:
    definition = "async def" if keyword.startswith("async") else "def"
    return escaped(f"{definition} f(self):\n    {keyword} {lender} as c:\n        {line}\n")


@pytest.mark.parametrize(
    ("lender", "lent"),
    [
        ("pool.connection()", "shared"),
        ("borrowed_connection()", "shared"),
        ("connection()", "shared"),
        ("engine.connect()", "connection"),
        ("engine.begin()", "connection"),
        ("closing(engine.connect())", "connection"),
        ("psycopg.connect(dsn)", "closed"),
        ("closing(psycopg2.connect(dsn))", "closed"),
        ("Session(engine)", "session"),
        ("SessionLocal()", "session"),
        ("SessionLocal.begin()", "session"),
        ("scope()", "session"),
    ],
)
def test_what_is_returned_by_what_lends_it(lender: str, lent: str) -> None:
    assert out_of(lender, "return c") == [("returned", lent)]


@pytest.mark.parametrize(
    "lender", ["psycopg2.connect(dsn)", "old_pool.getconn()", "open(path)", "engine.raw_connection()", "other()"]
)
def test_what_leaving_the_block_does_not_give_back_or_is_no_connection(lender: str) -> None:
    assert out_of(lender, "return c") == []


def test_asynchronous_ones() -> None:
    pooled = "async def f(pool: asyncpg.Pool):\n    async with pool.acquire() as c:\n        return c\n"

    assert escaped(pooled) == [("returned", "released")]
    assert out_of("async_engine.connect()", "return c", "async with") == [("returned", "connection")]
    assert out_of("async_engine.connect()", "return await c.stream(q)", "async with") == [("stream", "connection")]
    assert out_of("async_engine.connect()", "return await c.execute(q)", "async with") == []


def test_what_will_use_it_later() -> None:
    assert out_of("engine.connect()", "return lambda: c.execute(q)") == [("captured", "connection")]
    assert out_of("engine.connect()", "return (c.execute(q) for q in qs)") == [("iterated", "connection")]
    assert out_of("engine.connect()", "return rows(c)") == [("iterated", "connection")]
    assert out_of("engine.connect()", "return StreamingResponse(rows(c))") == [("iterated", "connection")]
    assert out_of("pool.connection()", "return c.cursor()") == [("cursor", "shared")]
    assert out_of("scope()", "return c.query(Order).filter(Order.total > 0)") == [("query", "session")]


def test_what_has_used_it_already() -> None:
    assert out_of("engine.connect()", "return c.execute(q)") == []
    assert out_of("engine.connect()", "return (row for row in c.execute(q))") == []
    assert out_of("engine.connect()", "return list(rows(c))") == []
    assert out_of("engine.connect()", "return lambda: 1") == []
    assert out_of("engine.connect()", "return lambda c: c.execute(q)") == []
    assert out_of("pool.connection()", "return c.execute(q).fetchall()") == []
    assert out_of("scope()", "return c.query(Order).all()") == []


def test_a_function_inside_of_the_block() -> None:
    inner = "def g():\n            return c.execute(q)\n        return g"

    assert out_of("engine.connect()", inner) == [("captured", "connection")]
    assert out_of("engine.connect()", inner.replace("return g", "return g()")) == []
    assert out_of("engine.connect()", inner.replace("return c.execute(q)", "c.close()")) == []


def test_an_attribute_that_keeps_it_behind_the_block() -> None:
    use = "\n    def g(self):\n        self.c.execute(q)\n"
    method = "class A:\n    def f(self):\n        with engine.connect() as c:\n            self.c = c\n"

    assert escaped(method + use) == [("stored", "connection")]
    assert escaped(method) == []
    assert escaped(f"{method}            self.run()\n{use}") == []
    assert escaped(f"{method}        self.c = None\n{use}") == []
    cursor = "            self.k = c.cursor()\n            self.k.execute(q)\n            c.commit()\n"
    assert escaped(f"{method}{cursor}{use}") == [("stored", "connection")]
    assert escaped(f"{method}            return handler(request)\n{use}") == []
    session = method.replace("engine.connect()", "SessionLocal()")
    assert escaped(session + use) == [("stored", "session")]
    assert escaped(f"{session}{use}\n    def close(self):\n        self.c.close()\n") == []


def test_what_stands_behind_the_block() -> None:
    block = "def f():\n    with Session(engine) as s:\n        s.add(x)\n"

    assert escaped(f"{block}    return s.get(X, 1)\n") == [("used", "session")]
    assert escaped(f"{block}    s.add(y)\n    s.commit()\n") == []
    assert escaped(f"{block}    s = other()\n    return s.get(X, 1)\n") == []
    assert escaped(f"{block}        return 1\n    return s.get(X, 1)\n") == []


def test_a_context_manager_yields_inside_of_the_block() -> None:
    assert out_of("engine.connect()", "yield c") == []


def test_a_session_that_callers_close() -> None:
    lent = "def f():\n    with SessionLocal() as s:\n        return s\n"

    assert escaped(lent) == [("returned", "session")]
    assert escaped(f"{lent}def g():\n    s = f()\n    s.close()\n") == []
    assert escaped(f"{lent}def g():\n    with f() as s:\n        pass\n") == []
    assert escaped(f"{lent}def g(s=Depends(f)):\n    s.close()\n") == []
