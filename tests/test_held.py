import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.leaks.holding.held import holds_of
from poolcheck.read.python.leaks.holding.nested import nested_in
from poolcheck.read.python.leaks.holding.waits import waits_of
from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.syntax.module import Module, Project

BEFORE = """
import asyncio
import subprocess
import time
from contextlib import closing, contextmanager

import asyncpg
import boto3
import httpx
import requests
from fastapi import Depends, WebSocket
from fastapi.responses import StreamingResponse
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

engine = create_engine("postgresql://web@db/shop")
SessionLocal = sessionmaker(engine)
Scoped = scoped_session(SessionLocal)
pool = ConnectionPool("host=db", open=False)
s3 = boto3.client("s3")


@contextmanager
def scope(given=None):
    session = SessionLocal()
    try:
        yield session
        session.commit()
    finally:
        session.close()


@contextmanager
def borrowed():
    with pool.connection() as connection:
        yield connection


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


def note(action):
    with SessionLocal() as session:
        session.execute(action)
        session.commit()


def remember(action):
    with SessionLocal() as session:
        session.add(action)


def fetch(url):
    return requests.get(url)


def commits_first(session, url):
    session.commit()
    return requests.get(url)


def if_wanted(url):
    if url:
        return requests.get(url)


"""


def module(text: str, **others: str) -> Module:
    files = {"shop/app.py": text.encode()} | {f"shop/{name}.py": other.encode() for name, other in others.items()}
    found = Project(Memory(files), [*files]).module("shop/app.py")
    assert found
    return found


def in_function(*lines: str, head: str = "def run(url):") -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"{BEFORE}{head}\n{body}"


def held(text: str) -> list[str]:
    """What the function `run` calls while it holds a connection."""
    read = module(text)
    holds = deep(lambda: [(each, [*each.held()]) for each in holds_of(read) if each.function.name.value == "run"])
    return [dotted(each.call.func) or "" for _, calls in holds for each in calls]


def waits(text: str) -> list[str]:
    return [each.slow.title for each in deep(lambda: [*waits_of(module(text))])]


def seconds(text: str, **others: str) -> list[tuple[str, bool]]:
    return [(each.title, each.is_certain) for each in deep(lambda: [*nested_in(module(text, **others))])]


@pytest.mark.parametrize(
    "taking",
    [
        "pool.connection() as c",
        "engine.connect() as c",
        "engine.begin()",
        "closing(engine.raw_connection()) as c",
        "borrowed() as c",
    ],
)
def test_a_connection_is_held_in_the_whole_with_statement(taking: str) -> None:
    text = in_function("before()", f"with {taking}:", "    inside()", "    elsewhere(c)", "after()")

    assert held(text) == ["inside", "elsewhere"]


@pytest.mark.parametrize(
    "taking", ["Session(engine) as s", "SessionLocal() as s", "SessionLocal.begin() as s", "scope() as s"]
)
def test_a_session_is_held_from_its_first_statement_to_the_commit(taking: str) -> None:
    text = in_function(
        f"with {taking}:",
        "    one()",
        "    s.add(x)",
        "    s.flush()",
        "    two()",
        "    s.commit()",
        "    three()",
    )

    assert held(text) == ["two", "s.commit"]


def test_nothing_is_known_of_a_session_that_somebody_else_has() -> None:
    text = in_function("with SessionLocal() as s:", "    s.get(A, 1)", "    unseen(s)", "    after()")

    assert held(text) == ["unseen"]


def test_a_connection_that_is_closed_or_invalidated_is_held_no_longer() -> None:
    text = in_function("with engine.connect() as c:", "    one()", "    c.invalidate()", "    two()")

    assert held(text) == ["one", "c.invalidate"]


def test_a_connection_without_a_with_statement_is_held_until_it_is_given_back() -> None:
    text = in_function("c = pool.getconn()", "try:", "    one()", "finally:", "    pool.putconn(c)", "two()")

    assert held(text) == ["one", "pool.putconn"]


@pytest.mark.parametrize(
    "parameter", ["db: Session = Depends(get_db)", "db=Depends(get_db)", "db: Session = Depends(unseen)"]
)
def test_a_session_that_fastapi_hands_over_is_held_from_its_first_statement(parameter: str) -> None:
    text = in_function("one()", "db.get(A, 1)", "two()", head=f"def run({parameter}):")

    assert held(text) == ["two"]


def test_a_lender_that_is_given_something_may_lend_that() -> None:
    lender = "@contextmanager\ndef maybe(session=None):\n    session = SessionLocal()\n    yield session\n\n\n"
    text = in_function("with maybe(given) as s:", "    s.get(A, 1)", "    inside()")

    assert held(text.replace("def run", lender + "def run")) == []


@pytest.mark.parametrize(
    "line",
    [
        "requests.post(url)",
        "httpx.Client().get(url)",
        "subprocess.run(url)",
        "s3.put_object(Bucket=url)",
        "time.sleep(5)",
        "time.sleep(url)",
        "[requests.get(each) for each in url]",
        "fetch(url)",
    ],
)
def test_what_waits_is_found(line: str) -> None:
    assert len(waits(in_function("with pool.connection() as c:", f"    {line}"))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "time.sleep(0.1)",
        "s3.generate_presigned_url(url)",
        "url.get(url)",
        "cache.get(url)",
        "lambda: requests.get(url)",
        "threads.submit(requests.get, url)",
        "if_wanted(url)",
        "requests.Session()",
        "subprocess.Popen(url)",
    ],
)
def test_what_does_not_wait_or_may_not_is_not(line: str) -> None:
    assert waits(in_function("with pool.connection() as c:", f"    {line}")) == []


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("await asyncio.sleep(1)", 1),
        ("await asyncio.sleep(0)", 0),
        ("asyncio.create_task(client.get(url))", 0),
        ("await client.get(url)", 1),
        ("await asyncio.gather(client.get(url), client.get(url))", 1),
        ("await asyncio.to_thread(requests.get, url)", 1),
    ],
)
def test_a_coroutine_waits_where_it_is_awaited(line: str, count: int) -> None:
    text = in_function(
        "client = httpx.AsyncClient()",
        "async with pool.acquire() as c:",
        f"    {line}",
        head="async def run(url, pool: asyncpg.Pool):",
    )

    assert len(waits(text)) == count


def test_a_function_that_commits_before_it_waits_is_no_matter() -> None:
    text = in_function("with SessionLocal() as s:", "    s.get(A, 1)", "    commits_first(s, url)")

    assert waits(text) == []
    assert waits(text.replace("commits_first(s, url)\n", "fetch(url)\n")) == ["fetch()"]


def test_a_websocket_waits_for_its_client() -> None:
    text = in_function(
        "db.get(A, 1)",
        "while True:",
        "    await websocket.receive_text()",
        head="async def run(websocket: WebSocket, db: Session = Depends(get_db)):",
    )

    assert waits(text) == ["websocket.receive_text()"]


@pytest.mark.parametrize(
    "url", ["sqlite:///shop.db", "postgresql://web@db/shop"], ids=["of a file", "of a server"]
)
def test_only_pools_of_servers_count(url: str) -> None:
    text = in_function("with engine.connect() as c:", "    requests.get(url)")

    found = waits(text.replace("postgresql://web@db/shop", url))

    assert len(found) == url.startswith("postgresql")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("pool.connection()", "pool.connection()"),
        ("pool.connection()", "borrowed()"),
        ("engine.connect()", "engine.begin()"),
        ("engine.connect()", "scope() as s"),
    ],
)
def test_a_second_connection_of_the_same_pool_is_found(first: str, second: str) -> None:
    inside = "        s.get(A, 1)" if second.endswith(" s") else "        pass"
    text = in_function(f"with {first}:", f"    with {second}:", inside)

    assert [is_certain for _, is_certain in seconds(text)] == [True]


@pytest.mark.parametrize(
    "lines",
    [
        ["with engine.connect():", "    with pool.connection():", "        pass"],
        ["with Session(engine) as s:", "    with engine.begin():", "        pass"],
        ["with engine.begin() as c, Session(bind=c) as s:", "    s.get(A, 1)"],
        ["with engine.connect():", "    with SessionLocal() as s:", "        s.add(x)"],
        ["with engine.connect():", "    remember(url)"],
        ["with engine.connect():", "    Scoped().get(A, 1)"],
        ["with engine.connect():", "    threads.submit(note, url)"],
        ["with engine.connect():", "    pass", "with engine.connect():", "    pass"],
        ["with engine.connect() as c:", "    handed(c)"],
    ],
)
def test_what_takes_no_second_connection_of_the_pool_is_not(lines: list[str]) -> None:
    handed = "def handed(given=None):\n    with given or engine.connect():\n        pass\n\n\n"

    assert seconds(in_function(*lines).replace("def run", handed + "def run")) == []


def test_a_function_of_another_module_is_followed() -> None:
    text = in_function("with SessionLocal() as s:", "    s.get(A, 1)", "    write(url)")
    audit = (
        "from shop.app import SessionLocal\n\ndef write(x):\n    with SessionLocal() as s:\n        s.execute(x)\n"
    )

    found = seconds(f"from shop.audit import write\n{text}", audit=audit)

    assert found == [("write()", True)]


def test_a_second_connection_that_a_condition_decides_on_is_not_certain() -> None:
    text = in_function("with engine.connect():", "    if url:", "        note(url)")

    assert seconds(text) == [("note()", True)]
    other = "def sometimes(x):\n    if x:\n        with engine.begin():\n            pass\n\n\n"
    text = in_function("with engine.connect():", "    sometimes(url)").replace("def run", other + "def run")
    assert seconds(text) == [("sometimes()", False)]


def test_methods_of_one_object_share_its_pool_and_those_of_others_do_not() -> None:
    store = """class Store:
    def __init__(self, pool: ConnectionPool, other: ConnectionPool):
        self.pool = pool
        self.other = other

    def one(self):
        with self.pool.connection():
            self.two()
            self.three()

    def two(self):
        with self.other.connection():
            pass

    def three(self):
        with self.pool.connection():
            pass
"""

    assert seconds(BEFORE + store) == [("three()", True)]


def test_many_statements_and_many_with_statements_are_read() -> None:
    long = in_function("with SessionLocal() as s:", *["    s.get(A, 1)"] * 10_000, "    requests.get(url)")
    many = in_function(*["with SessionLocal() as s:", "    s.get(A, 1)", "    fetch(url)"] * 1_000)

    assert len(waits(long)) == 1
    assert len(waits(many)) == 1_000
