"""On what terms connections are taken: what gives each back, what only seems to, and what becomes of it otherwise.

Sources: "observed" was seen with PostgreSQL 15 and CPython 3.11, with psycopg2 2.9.13, psycopg 3.3.9,
psycopg_pool 3.3.3, asyncpg 0.32, aiopg 1.4, SQLAlchemy 1.4 to 2.1, mysql-connector 8 and 26, and DBUtils 3.2.
"source" was read in aiomysql 0.3.2, asyncmy 0.2.18, PyMySQL 1.2, pg8000 1.31 and oracledb 26.1.
"""

from collections.abc import Mapping
from enum import StrEnum, auto
from typing import NamedTuple

from poolcheck.read.python.libraries.constructor import Library


class With(StrEnum):
    """What a `with` statement over a connection, not over the call that takes it, does at its end.

    `GIVES_BACK`; `ENDS_TRANSACTION` and nothing else; `CLOSES` it, and its pool goes on counting it; `REFUSES`, as
    it is no context manager.
    """

    GIVES_BACK = auto()
    ENDS_TRANSACTION = auto()
    CLOSES = auto()
    REFUSES = auto()


class Dropped(StrEnum):
    """What becomes of a connection when nothing refers to it any more.

    It is `LOST`: the pool counts it for ever. `COLLECTED`: it waits for Python's cycle collector. `RETURNED`: it
    goes back, or is closed, at once.
    """

    LOST = auto()
    COLLECTED = auto()
    RETURNED = auto()


class Terms(NamedTuple):
    """The terms of one way to take a connection.

    `closing` are the methods of the connection that give it back, `returning` the methods of its pool. `pausing`
    methods give back what it holds until it is used again. `useless` ones end it without giving it back.
    `entered` is what a `with` statement over it does. A call that is not awaited takes nothing where it
    `takes_when_awaited`, and is a context manager that gives back. `dropped` is what becomes of it when it is
    forgotten; what executed nothing is `RETURNED` where it `is_lazy`. Cursors refer to it where it
    `is_kept_by_cursors`. What `execute()` returns is no cursor but a number, or nothing, where it
    `answers_plainly`. It is taken by its first statement where it `is_session`.

    `exhausted` is what a call ends in, or does, when the pool is empty; `limit` the parameter that says when
    that is.
    """

    closing: frozenset[str] = frozenset()
    returning: frozenset[str] = frozenset()
    pausing: frozenset[str] = frozenset()
    useless: frozenset[str] = frozenset()
    entered: With = With.ENDS_TRANSACTION
    takes_when_awaited: bool = False
    dropped: Dropped = Dropped.RETURNED
    is_lazy: bool = False
    is_kept_by_cursors: bool = False
    answers_plainly: bool = False
    is_session: bool = False
    exhausted: str = ""
    limit: str = ""

    @property
    def is_lost(self) -> bool:
        """Whether its pool never gets it back when it is forgotten."""
        return self.dropped is Dropped.LOST


_CLOSE = frozenset({"close"})
WAITS = "waits without end"
"""What a call does that is given no timeout."""

PSYCOPG2_POOL = Terms(
    returning=frozenset({"putconn"}),
    useless=_CLOSE,
    dropped=Dropped.LOST,
    answers_plainly=True,
    exhausted="raises PoolError: connection pool exhausted",
    limit="maxconn",
)
"""Observed: neither `with`, `close()`, `closing()` nor the garbage collector frees the slot."""

PSYCOPG_POOL = PSYCOPG2_POOL._replace(
    answers_plainly=False, exhausted="raises PoolTimeout: couldn't get a connection", limit="max_size"
)
"""Observed: the same. The pool's `connection()` is a context manager and takes nothing before it is entered."""

CLOSES_RETURN = PSYCOPG_POOL._replace(closing=_CLOSE, useless=frozenset())
"""Observed: with `close_returns=True`, since 3.3, `close()` returns it, and `with` still does not."""

UNKNOWN_POOL = CLOSES_RETURN._replace(exhausted="", limit="")
"""Of what is only called a pool, nobody knows what `close()` does."""

_ASYNCPG_POOL = Terms(
    closing=frozenset({"close", "terminate"}),
    returning=frozenset({"release"}),
    entered=With.REFUSES,
    takes_when_awaited=True,
    dropped=Dropped.LOST,
    answers_plainly=True,
    exhausted=WAITS,
    limit="max_size",
)
"""Observed: `close()` and `terminate()` free the slot, and `async with await pool.acquire()` raises TypeError."""

_AIOMYSQL_POOL = Terms(
    returning=frozenset({"release"}),
    useless=frozenset({"close", "ensure_closed"}),
    entered=With.CLOSES,
    takes_when_awaited=True,
    dropped=Dropped.LOST,
    answers_plainly=True,
    exhausted=WAITS,
    limit="maxsize",
)
"""Source: `release()` alone takes it out of the pool's `_used`. Observed with aiopg, and the others are alike."""

OF_AN_ENGINE = frozenset({"aiomysql.sa.create_engine", "aiopg.sa.create_engine"})
"""What makes pools whose connections return when they are closed."""

_RAW = Terms(
    closing=frozenset({"close"}),
    entered=With.GIVES_BACK,
    exhausted="raises TimeoutError: QueuePool limit of size … overflow … reached",
    limit="pool_size + max_overflow",
)
"""Observed: it goes back with the last reference. Until 2.0.47, `with` raises TypeError."""
_ENGINE = _RAW._replace(dropped=Dropped.COLLECTED, is_lazy=True)
"""Observed: what has executed something sits in a cycle of references; `dispose()` does not return it."""
_ASYNC_ENGINE = _ENGINE._replace(takes_when_awaited=True, dropped=Dropped.LOST, exhausted="")
"""Observed: what is forgotten is terminated with a warning and not returned."""

SESSION = _ENGINE._replace(
    closing=frozenset({"aclose", "close", "close_all", "invalidate", "remove"}),
    pausing=frozenset({"commit", "flush", "prepare", "reset", "rollback"}),
    is_session=True,
)
"""Observed: the first statement takes a connection; `commit()`, `rollback()` and `close()` return it.

A `commit()` or `flush()` that fails keeps it until `rollback()`; a `flush()` that does not is counted as harmless.
"""
ASYNC_SESSION = SESSION._replace(dropped=Dropped.LOST, exhausted="")

METHODS: Mapping[tuple[Library, str], Terms] = {
    (Library.PSYCOPG2, "getconn"): PSYCOPG2_POOL,
    (Library.PSYCOPG, "getconn"): PSYCOPG_POOL,
    (Library.ASYNCPG, "acquire"): _ASYNCPG_POOL,
    (Library.AIOPG, "acquire"): _AIOMYSQL_POOL._replace(exhausted="raises TimeoutError after 60 seconds"),
    (Library.AIOMYSQL, "acquire"): _AIOMYSQL_POOL,
    (Library.ASYNCMY, "acquire"): _AIOMYSQL_POOL,
    (Library.SQLALCHEMY, "connect"): _ENGINE,
    (Library.SQLALCHEMY, "raw_connection"): _RAW,
    # Source: PooledMySQLConnection.close() puts it back, and so does `with`. Observed: forgotten, it is lost.
    (Library.MYSQL_CONNECTOR, "get_connection"): Terms(
        closing=_CLOSE,
        entered=With.GIVES_BACK,
        dropped=Dropped.LOST,
        exhausted="raises PoolError: Failed getting connection; pool exhausted",
        limit="pool_size",
    ),
    # Observed: `__del__` returns it.
    (Library.DBUTILS, "connection"): Terms(closing=_CLOSE, entered=With.GIVES_BACK, limit="maxconnections"),
    # Source: `release()` and `close()` return it, and so does `with`.
    (Library.ORACLEDB, "acquire"): Terms(
        closing=_CLOSE,
        returning=frozenset({"drop", "release"}),
        entered=With.GIVES_BACK,
        exhausted=WAITS,
        limit="max",
    ),
}
"""What methods of pools and engines take, by the library that made the pool."""

DRIVERS: Mapping[Library, Terms] = {
    # Observed: `with` ends the transaction and leaves it open. Cursors have an attribute `connection`.
    Library.PSYCOPG2: Terms(closing=_CLOSE, is_kept_by_cursors=True, answers_plainly=True),
    # Observed: `with` commits and closes, and a connection that is forgotten is closed with a ResourceWarning.
    Library.PSYCOPG: Terms(closing=_CLOSE, entered=With.GIVES_BACK, is_kept_by_cursors=True),
    # Observed: it is no context manager, and is terminated when it is forgotten.
    Library.ASYNCPG: Terms(closing=frozenset({"close", "terminate"}), entered=With.REFUSES, answers_plainly=True),
    # Source: `with` closes them.
    Library.AIOPG: Terms(closing=_CLOSE, entered=With.GIVES_BACK, takes_when_awaited=True, answers_plainly=True),
    Library.AIOMYSQL: Terms(
        closing=frozenset({"close", "ensure_closed"}),
        entered=With.GIVES_BACK,
        takes_when_awaited=True,
        answers_plainly=True,
    ),
    Library.ASYNCMY: Terms(
        closing=frozenset({"close", "ensure_closed"}),
        entered=With.GIVES_BACK,
        takes_when_awaited=True,
        answers_plainly=True,
    ),
    Library.MYSQL_CONNECTOR: Terms(
        closing=frozenset({"close", "disconnect", "shutdown"}), entered=With.GIVES_BACK
    ),
    Library.MYSQLCLIENT: Terms(closing=_CLOSE, entered=With.GIVES_BACK, answers_plainly=True),
    Library.PYMYSQL: Terms(closing=_CLOSE, entered=With.GIVES_BACK, answers_plainly=True),
    Library.PG8000: Terms(closing=_CLOSE, entered=With.GIVES_BACK),
    Library.ORACLEDB: Terms(closing=_CLOSE, entered=With.GIVES_BACK),
}
"""What a driver opens. Forgotten, all of these are closed, at once or when the collector comes."""


def of_method(library: Library, method: str, maker: str = "", *, is_async: bool = False) -> Terms | None:
    """The terms of a method of a pool that a constructor of some name made; None where it takes nothing."""
    terms = METHODS.get((library, method))
    if terms is None:
        return None
    if library is Library.SQLALCHEMY and is_async:
        return _ASYNC_ENGINE
    if maker in OF_AN_ENGINE:
        plain = terms._replace(closing=frozenset({"close"}), useless=frozenset(), entered=With.GIVES_BACK)
        return plain._replace(answers_plainly=False)
    return terms._replace(takes_when_awaited=True) if is_async else terms


def of_driver(library: Library, *, is_async: bool = False) -> Terms | None:
    """The terms of a driver's own connections; None where nothing is known of them."""
    terms = DRIVERS.get(library)
    return terms._replace(takes_when_awaited=True) if terms and is_async else terms


def either(one: Terms | None, other: Terms | None) -> Terms | None:
    """The terms of what is taken on the one or on the other; None where nothing is sure of both."""
    if one == other or one is None or other is None:
        return one if one == other else None
    if one.is_session or other.is_session:
        return None
    return Terms(
        closing=one.closing | other.closing,
        returning=one.returning | other.returning,
        pausing=one.pausing | other.pausing,
        useless=one.useless & other.useless,
        entered=one.entered if one.entered is other.entered else With.GIVES_BACK,
        takes_when_awaited=one.takes_when_awaited and other.takes_when_awaited,
        dropped=max(one.dropped, other.dropped, key=[*Dropped].index),
        is_lazy=one.is_lazy or other.is_lazy,
        is_kept_by_cursors=one.is_kept_by_cursors and other.is_kept_by_cursors,
        answers_plainly=one.answers_plainly and other.answers_plainly,
    )
