import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.sql.executed import executed_in
from poolcheck.read.python.sql.origins import Origin
from poolcheck.read.python.syntax.module import Project

BEFORE = """\
import asyncpg
import psycopg
import psycopg2
from contextlib import closing
from fastapi import Depends
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from typing import Annotated
engine = create_engine(ENGINE_URL)
pool = ConnectionPool(POOL_URL)
SessionLocal = sessionmaker(bind=engine)
"""


def origin(text: str, before: str = BEFORE, **others: str) -> Origin:
    """Where the connection comes from that a module executes `LISTEN a` on."""
    source = before + text
    files = {"shop/db.py": source.encode()} | {f"shop/{name}.py": other.encode() for name, other in others.items()}
    module = Project(Memory(files), [*files]).module("shop/db.py")
    assert module
    [found] = deep(lambda: list(executed_in(module)))
    return found.origin


def made_by(text: str, **others: str) -> str | None:
    """What the first argument is of the call that makes the connection's pool."""
    maker = origin(text, **others).maker
    texts = {"shop/db.py": BEFORE + text} | {f"shop/{name}.py": other for name, other in others.items()}
    return texts[maker.path][maker.start : maker.end].partition("(")[2].partition(")")[0] if maker else None


@pytest.mark.parametrize(
    "text",
    [
        "with engine.connect() as conn:\n    conn.execute('LISTEN a')",
        "with engine.begin() as conn:\n    conn.execute('LISTEN a')",
        "conn = engine.connect().execution_options(a=1)\nconn.execute('LISTEN a')",
        "engine.connect().execute('LISTEN a')",
        "def f():\n    conn = engine.raw_connection()\n    cur = conn.cursor()\n    cur.execute('LISTEN a')",
        "def f():\n    with closing(engine.connect()) as c, c.cursor() as cur:\n        cur.execute('LISTEN a')",
        "with Session(engine) as s:\n    s.execute('LISTEN a')",
        "with SessionLocal() as s:\n    s.execute('LISTEN a')",
        "with SessionLocal.begin() as s:\n    s.execute('LISTEN a')",
        "s = scoped_session(SessionLocal)\ns.execute('LISTEN a')",
        "def f():\n    s = SessionLocal()\n    s.connection().execute('LISTEN a')",
        "def get():\n    with SessionLocal() as s:\n        yield s\n"
        "def f(s=Depends(get)):\n    s.execute('LISTEN a')",
        "def get():\n    with SessionLocal() as s:\n        yield s\nDb = Annotated[Session, Depends(get)]\n"
        "def f(s: Db):\n    s.execute('LISTEN a')",
        "def get():\n    return engine.connect()\n"
        "def f():\n    with get() as conn:\n        conn.execute('LISTEN a')",
        "class A:\n    def __init__(self):\n        self.e = engine\n"
        "    def f(self):\n        self.e.connect().execute('LISTEN a')",
        "def f(conn):\n    conn.execute('LISTEN a')\nwith engine.connect() as c:\n    f(c)",
        "def f(*, c=None):\n    if c is None:\n        c = engine.connect()\n    c.execute('LISTEN a')",
        "def f(conn=None):\n    conn = conn or engine.connect()\n    conn.execute('LISTEN a')",
        "def get(a):\n    return engine.connect()\ndef f():\n    with get(1) as c:\n        c.execute('LISTEN a')",
        "def get():\n    with SessionLocal() as s:\n        yield s\n"
        "def f():\n    for s in get():\n        s.execute('LISTEN a')",
        "class Rows:\n    def __init__(self, s):\n        self.s = s\n"
        "    def f(self):\n        self.s.execute('LISTEN a')\nRows(SessionLocal())",
        "class Db:\n    def __enter__(self):\n        return engine.connect()\n"
        "def f():\n    with Db() as c:\n        c.execute('LISTEN a')",
        "class Db:\n    def __init__(self):\n        self.make = sessionmaker(engine)\n"
        "    def lend(self):\n        with self.make() as s:\n            yield s\n"
        "db = Db()\ndef f(s=Depends(db.lend)):\n    s.execute('LISTEN a')",
        "def set_a(conn):\n    conn.execute('LISTEN a')\ndef f(s=Depends(get)):\n    set_a(s)\n"
        "def get():\n    with SessionLocal() as s:\n        yield s",
        "@event.listens_for(engine, 'connect')\ndef f(conn, record):\n    conn.cursor().execute('LISTEN a')",
        "def f(conn, record):\n    conn.cursor().execute('LISTEN a')\nevent.listen(engine, 'connect', f)",
        "@event.listens_for(engine.sync_engine, 'begin')\ndef f(conn):\n    conn.execute('LISTEN a')",
    ],
)
def test_a_connection_comes_from_the_engine(text: str) -> None:
    assert made_by(text) == "ENGINE_URL"


@pytest.mark.parametrize(
    "text",
    [
        "with pool.connection() as conn:\n    conn.execute('LISTEN a')",
        "conn = pool.getconn()\nconn.execute('LISTEN a')",
        "def f():\n    with pool.connection() as conn, conn.cursor() as cur:\n        cur.execute('LISTEN a')",
        "def f():\n    with pool.connection() as conn, conn.transaction():\n        conn.execute('LISTEN a')",
    ],
)
def test_a_connection_comes_from_the_pool(text: str) -> None:
    assert made_by(text) == "POOL_URL"


@pytest.mark.parametrize(
    ("text", "maker"),
    [
        ("conn = psycopg2.connect(DSN)\nwith conn, conn.cursor() as cur:\n    cur.execute('LISTEN a')", "DSN"),
        ("async def f():\n    conn = await asyncpg.connect(DSN)\n    await conn.execute('LISTEN a')", "DSN"),
        (
            "async def f():\n    p = await asyncpg.create_pool(DSN)\n    async with p.acquire() as c:\n"
            "        await c.execute('LISTEN a')",
            "DSN",
        ),
        (
            "class A:\n    async def start(self):\n        self.pool = await asyncpg.create_pool(DSN)\n"
            "    async def f(self):\n        await self.pool.execute('LISTEN a')",
            "DSN",
        ),
        ("async def g(c):\n    await c.execute('LISTEN a')\nasyncpg.create_pool(DSN, init=g)", "DSN, init=g"),
        ("def g(c):\n    c.execute('LISTEN a')\nConnectionPool(DSN, configure=g)", "DSN, configure=g"),
    ],
)
def test_a_connection_comes_from_what_opens_it(text: str, maker: str) -> None:
    assert made_by(text) == maker


def test_an_engine_of_another_module_is_followed() -> None:
    text = "from .core import make\nwith make() as s:\n    s.execute('LISTEN a')"
    core = (
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n"
        "make = sessionmaker(create_engine(THERE))\n"
    )

    assert made_by(text, core=core) == "THERE"


@pytest.mark.parametrize(
    ("text", "library"),
    [
        ("def f(conn):\n    conn.execute('LISTEN a')", None),
        ("def f(conn: asyncpg.Connection):\n    conn.execute('LISTEN a')", Library.ASYNCPG),
        ("def f(conn: 'psycopg.Connection | None'):\n    conn.execute('LISTEN a')", None),
        ("def f(conn: psycopg.Connection[tuple]):\n    conn.execute('LISTEN a')", Library.PSYCOPG),
        ("def f(s: Session):\n    s.execute('LISTEN a')", Library.SQLALCHEMY),
        ("from .other import thing\nthing.execute('LISTEN a')", None),
        ("c = engine.connect() if a else pool.getconn()\nc.execute('LISTEN a')", None),
    ],
)
def test_of_a_connection_from_nobody_knows_where_a_type_may_tell_the_library(
    text: str, library: Library | None
) -> None:
    assert origin(text) == Origin(library=library)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("with connection.cursor() as cur:\n    cur.execute('LISTEN a')", "DATABASES['default']"),
        ("with connections['logs'].cursor() as cur:\n    cur.execute('LISTEN a')", "DATABASES['logs']"),
        ("cur = connections['logs'].cursor()\ncur.execute('LISTEN a')", "DATABASES['logs']"),
        ("connections[DEFAULT_DB_ALIAS].cursor().execute('LISTEN a')", "DATABASES['default']"),
        ("LOGS = 'logs'\nconnections[LOGS].cursor().execute('LISTEN a')", "DATABASES['logs']"),
        ("transaction.get_connection('logs').cursor().execute('LISTEN a')", "DATABASES['logs']"),
        ("def f(using):\n    connections[using].cursor().execute('LISTEN a')", None),
    ],
)
def test_djangos_connections_are_known_by_their_aliases(text: str, setting: str | None) -> None:
    assert (
        origin(
            text, before="from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction\n"
        ).setting
        == setting
    )


def test_the_session_of_flask_sqlalchemy_is_known_by_the_setting() -> None:
    before = "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\n"

    found = origin("db.session.execute('LISTEN a')", before)

    assert found == Origin(library=Library.SQLALCHEMY, setting="SQLALCHEMY_DATABASE_URI")


def test_callers_that_pass_different_connections_say_nothing_of_either() -> None:
    found = origin("def f(conn):\n    conn.execute('LISTEN a')\nf(engine.connect())\nf(pool.getconn())")

    assert not found.is_seen


def test_callers_of_which_one_is_seen_tell_of_that_one() -> None:
    text = "def f(conn):\n    conn.execute('LISTEN a')\nf(engine.connect())\ndef g(conn):\n    f(conn)"

    assert made_by(text) == "ENGINE_URL"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            "@event.listens_for(engine, 'connect')\ndef f(conn, _):\n    conn.cursor().execute('LISTEN a')",
            "connect",
        ),
        ("@event.listens_for(engine, 'begin')\ndef f(conn):\n    conn.execute('LISTEN a')", "begin"),
        ("def g(c):\n    c.execute('LISTEN a')\nConnectionPool(DSN, configure=g)", "connect"),
        ("def g(c):\n    c.execute('LISTEN a')\nrun(DSN, configure=g)", None),
        ("@listens_for(engine, 'connect')\ndef f(conn):\n    conn.execute('LISTEN a')", None),
    ],
)
def test_what_has_a_function_called_is_told(text: str, what: str | None) -> None:
    assert origin(text).event == what


def test_names_that_lead_in_a_circle_lead_nowhere() -> None:
    assert origin("a = b\nb = a\na.execute('LISTEN a')") == Origin()
