from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.leaks.outliving.drawn import drawn_in
from poolcheck.read.python.syntax.module import Project

HEAD = """
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql://db/shop"))
Sessions = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/shop"))

def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()

async def get_session():
    async with Sessions() as session:
        yield session

def get_open():
    db = SessionLocal()
    yield db

def get_rows():
    yield from rows
"""


def drawn(text: str) -> list[tuple[str, str | None, bool]]:
    """The generator and the user of each session that is drawn, and whether that is asynchronous."""
    module = Project(Memory({"app.py": (HEAD + text).encode()}), ["app.py"]).module("app.py")
    assert module
    return deep(lambda: [(each.generator, each.function, each.is_async) for each in drawn_in(module)])


def test_a_session_that_is_drawn_and_used() -> None:
    assert drawn("def f():\n    db = next(get_db())\n    db.execute(q)\n") == [("get_db", "f", False)]
    assert drawn("def f():\n    db = get_db().__next__()\n    return db.scalar(q)\n") == [("get_db", "f", False)]


def test_an_asynchronous_one() -> None:
    expected = [("get_session", "f", True)]

    assert drawn("async def f():\n    s = await anext(get_session())\n    await s.execute(q)\n") == expected
    assert drawn("async def f():\n    s = await get_session().__anext__()\n    await s.execute(q)\n") == expected


def test_a_lambda_that_requests_depend_on() -> None:
    assert drawn("def f(db=Depends(lambda: next(get_db()))):\n    return db\n") == [("get_db", None, False)]
    assert drawn("f = map(lambda: next(get_db()))\n") == []


def test_one_that_is_closed_or_committed_or_handed_on() -> None:
    assert drawn("def f():\n    db = next(get_db())\n    db.execute(q)\n    db.close()\n") == []
    assert drawn("def f():\n    db = next(get_db())\n    db.execute(q)\n    db.commit()\n") == []
    assert drawn("def f():\n    with next(get_db()) as db:\n        db.execute(q)\n") == []
    assert drawn("def f():\n    return Orders(next(get_db()))\n") == []


def test_a_generator_that_is_kept() -> None:
    assert drawn("def f():\n    g = get_db()\n    db = next(g)\n    db.execute(q)\n") == []


def test_a_generator_that_closes_nothing() -> None:
    assert drawn("def f():\n    db = next(get_open())\n    db.execute(q)\n") == []
    assert drawn("def f():\n    row = next(get_rows())\n    row.execute(q)\n") == []
