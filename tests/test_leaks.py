"""Small functions and what becomes of the connections that they take: leaks.txt beside this file."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.leaks.following.outcome import Outcome
from poolcheck.read.python.leaks.taking.checkouts import checkouts_of
from poolcheck.read.python.syntax.module import Project
from poolcheck.source import Source

BEFORE = """
import asyncio, atexit, sys, time, weakref
from contextlib import *
from functools import lru_cache

import aiomysql, aiopg, asyncmy, asyncpg, MySQLdb, mysql.connector, oracledb, pg8000, psycopg, psycopg2, pymysql
import pytest
from dbutils.pooled_db import PooledDB
from fastapi import Depends
from mysql.connector.pooling import MySQLConnectionPool
from psycopg2.pool import ThreadedConnectionPool
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

pool = ThreadedConnectionPool(1, 5, dsn)
other_pool = ThreadedConnectionPool(1, 5, other_dsn)
new_pool = ConnectionPool(dsn, open=False)
returning_pool = ConnectionPool(dsn, open=False, close_returns=True)
async_pool = AsyncConnectionPool(dsn, open=False)
mysql_pool = MySQLConnectionPool(pool_size=5)
database = PooledDB(psycopg2, maxconnections=5)
oracle = oracledb.create_pool(max=5)
engine = create_engine("postgresql://db/shop")
async_engine = create_async_engine("postgresql+asyncpg://db/shop")
SessionLocal = sessionmaker(bind=engine)
AsyncSessionLocal = async_sessionmaker(async_engine)
Registry = scoped_session(SessionLocal)
"""

FATES = {
    "never released": Outcome.NEVER_RELEASED,
    "in vain": Outcome.RELEASED_IN_VAIN,
    "early exit": Outcome.LEFT_EARLY,
    "exception": Outcome.SKIPPED_ON_EXCEPTION,
    "dependency": Outcome.LEFT_BY_DEPENDENCY,
    "returned": Outcome.RETURNED_TO_REQUEST,
    "cancelled": Outcome.CANCELLED,
    "unguarded": Outcome.SET_UP_UNGUARDED,
    "kept": Outcome.KEPT_WITHOUT_CLOSE,
    "elsewhere": Outcome.RELEASED_ELSEWHERE,
    "fine": None,
}


ADVICE = {Outcome.CANCELLED, Outcome.KEPT_WITHOUT_CLOSE, Outcome.SET_UP_UNGUARDED}
"""What is no fault."""


class Snippet(NamedTuple):
    """A piece of code, and the fates of what it takes; one that is `fine` stands for any number of them."""

    title: str
    fates: tuple[str, ...]
    code: str


def snippets() -> Iterator[Snippet]:
    text = Path(__file__).with_name("leaks.txt").read_text("utf-8")
    _, *parts = re.split(r"^== ", text, flags=re.MULTILINE)
    for part in parts:
        head, _, code = part.partition("\n")
        fates, _, title = head.partition(": ")
        yield Snippet(title, tuple(fates.split(", ")), re.sub(r"^#.*\n", "", code, flags=re.MULTILINE))


def found(snippet: Snippet) -> list[Outcome | None]:
    module = Project(Memory({})).add(Source("shop/app.py", BEFORE + snippet.code))
    return [each.fate.outcome if each.fate else None for each in deep(lambda: list(checkouts_of(module)))]


@pytest.mark.parametrize("snippet", [*snippets()], ids=lambda each: f"{each.fates[0]}: {each.title}")
def test_what_becomes_of_what_a_function_takes(snippet: Snippet) -> None:
    expected = [FATES[fate] for fate in snippet.fates]

    outcomes = found(snippet)

    if len(expected) > 1:
        assert outcomes == expected
    else:
        assert [each for each in outcomes if each] == [each for each in expected if each]


TWINS = (
    (r"\bdef run", "async def run"),
    (r"\bwith (?=pool\.getconn|conn\b)", "async with "),
    (r"\bpool\b", "async_pool"),
    (r"\basync_pool\.(getconn|putconn)\(", r"await async_pool.\1("),
    (r"\bconn\.cursor\(\)\.execute\(", "await conn.execute("),
    (r"\b(cur\.(?:execute|close)|conn\.(?:close|commit|rollback))\(", r"await \1("),
)
"""What makes of code that uses psycopg2's pool code that uses psycopg's asynchronous pool, and does the same."""


def has_twin(snippet: Snippet) -> bool:
    code = snippet.code
    is_plain = code.startswith("def run(") and len(re.findall(r"\b(?:def|class|lambda)\b", code)) == 1
    return is_plain and "pool.getconn()" in code and not re.search(r"_pool\b|pool\.putconn,|close=|\[", code)


@pytest.mark.parametrize(
    "snippet", [*filter(has_twin, snippets())], ids=lambda each: f"{each.fates[0]}: {each.title}"
)
def test_the_asynchronous_twin_has_the_same_fates(snippet: Snippet) -> None:
    code = snippet.code
    for pattern, replacement in TWINS:
        code = re.sub(pattern, replacement, code)

    outcomes = found(snippet._replace(code=code))

    faults = [outcome for outcome in outcomes if outcome and outcome not in ADVICE]
    assert faults == [FATES[fate] for fate in snippet.fates if FATES[fate] and FATES[fate] not in ADVICE]
