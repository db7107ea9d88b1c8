"""Small functions and what becomes of the connections that they take: leaks.txt beside this file."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.leaks.checkouts import checkouts_of
from poolcheck.read.python.leaks.fate import Outcome
from poolcheck.read.python.syntax.module import Project
from poolcheck.source import Source

BEFORE = """
import asyncio, atexit, sys, time, weakref
from contextlib import *
from functools import lru_cache

import aiomysql, aiopg, asyncpg, oracledb, psycopg, psycopg2, pymysql, pytest
from dbutils.pooled_db import PooledDB
from fastapi import Depends
from mysql.connector.pooling import MySQLConnectionPool
from psycopg2.pool import ThreadedConnectionPool
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

pool = ThreadedConnectionPool(1, 5, dsn)
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
    "fine": None,
}


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
