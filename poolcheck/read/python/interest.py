"""Which Python files are worth reading, told from their bytes alone: about one in a hundred is."""

import re
from collections import defaultdict
from collections.abc import Iterable

NAMES = (
    "ConnectionPool",
    "DATABASES",
    "DBUtils",
    "MySQLdb",
    "PersistentDB",
    "PooledCockroach",
    "PooledDB",
    "PooledMariaDB",
    "PooledMySQL",
    "PooledPostgresql",
    "PooledPsycopg3",
    "QueuePool",
    "SQLALCHEMY_",
    "Session(engine",
    "SessionLocal(",
    "Tortoise",
    "_conn()",
    "aiomysql",
    "aiopg",
    "async_session(",
    "asyncmy",
    "asyncpg",
    "close_connection(",
    "conn.cursor(",
    "connect_db(",
    "connect_to_db",
    "connection_pool",
    "create_async_engine",
    "create_engine",
    "create_pool",
    "databases import Database",
    "db_connect(",
    "db_cursor(",
    "dbconn",
    "engine().begin(",
    "engine().connect(",
    "engine.begin(",
    "engine.connect(",
    "engine_from_config",
    "flask_sqlalchemy",
    "getConnection(",
    "get_conn(",
    "get_connection(",
    "get_cursor(",
    "get_database_connection(",
    "get_db(",
    "get_db_connection(",
    "getconn",
    "import databases",
    "listens_for(",
    "mysql import connector",
    "mysql.connector",
    "next(get_",
    "open_connection(",
    "oracledb",
    "pg8000",
    "pool.acquire(",
    "pool.connection(",
    "psycopg",
    "putconn",
    "pwasyncio",
    "pymysql",
    "raw_connection",
    "register_tortoise",
    "release_connection(",
    "scoped_session",
    "session_factory(",
    "session_maker(",
    "sessionmaker",
)
"""What a file mentions that makes, takes or returns connections."""

SESSION_NAMES = (
    "advisory_lock",
    "add_listener(",
    "currval(",
    "iterator(",
    "lastval(",
    "notifies(",
    "set_config(",
    "set_session(",
    "withhold",
    *(
        name
        for word in (
            "CREATE TEMP", "EXECUTE ", "INTO TEMP", "LISTEN ", "LOAD '", "PREPARE ", "SET ROLE", "SET SESSION",
            "SET search_path", "WITH HOLD", '"SET ', "'SET ", "\nSET ", "\n    SET ", "\n        SET ",
            f"\n{12 * ' '}SET ", f"\n{16 * ' '}SET ", f"\n{20 * ' '}SET ",
        )
        for name in (word, word.lower())
        if name not in {"execute ", "listen ", "prepare "}
    ),
    '"listen ',
    '"prepare ',
)  # fmt: skip
"""What a file mentions that does something to a session, most of it in SQL."""

_SLOW = (
    b"Response(", b"aiohttp", b"anthropic", b"boto3", b"httpx", b"openai", b"requests.", b"sleep(", b"smtplib",
    b"subprocess", b"websocket",
)  # fmt: skip
"""What a file mentions that waits for something else than a database."""

TOGETHER = (
    (b"AsyncSession", (b"gather(", b"create_task(", b"TaskGroup", b"start_soon(")),
    (b"create_all(", (b"engine",)),
    (b"Depends(", (b"ession", *_SLOW)),
    (b"elery", (b"async",)),
    (b"ession() as ", _SLOW),
    (b"Thread(", (b"django", b"peewee", b".models")),
    (b"ThreadPoolExecutor", (b"django", b"peewee", b".models")),
)
"""What a file mentions that uses engines in several tasks, loops or processes: the one, and any of the others."""

EXECUTING = (
    b"execute(",
    b".exec(",
    b"execute_query(",
    b"execute_sql(",
    b"fetchval(",
    b"fetchrow(",
    b".fetch(",
    b"scalar(",
    b"exec_driver_sql(",
    b"add_listener(",
    b"iterator(",
    b"withhold",
)
"""What a file mentions that executes SQL; `in` finds these sooner than `re` finds what the SQL says."""

_SESSION_TAKEN = re.compile(rb"=\s*(?:await\s+)?[\w.]*ession\w*\(")
_OF_SESSIONS = (b".commit()", b".exec(", b".execute(", b".query(", b".rollback()", b".scalar(", b".scalars(")
"""How a session is taken that is made elsewhere, and what a file mentions that uses one."""

_RAREST_FIRST = "QZXJqzVKYjxWGBHUkOPvMwFLDbNyRCgASTEIfphmudlcnrosiate_("
"""Letters by how often they occur in Python source, as far as it matters here."""


def mentions_a_pool(data: bytes) -> bool:
    """Whether a file mentions any of NAMES, or what is TOGETHER, or takes a session of SQLAlchemy's."""
    return (
        _NAMES.search(data) is not None
        or any(one in data and any(other in data for other in others) for one, others in TOGETHER)
        or _takes_a_session(data)
    )


def _takes_a_session(data: bytes) -> bool:
    is_used = b"ession" in data and any(word in data for word in _OF_SESSIONS)
    return is_used and _SESSION_TAKEN.search(data) is not None


def mentions_a_session(data: bytes) -> bool:
    """Whether a file executes anything, and mentions any of SESSION_NAMES."""
    return any(name in data for name in EXECUTING) and _SESSION_NAMES.search(data) is not None


def anchored(names: Iterable[str]) -> str:
    """A regular expression for any of the names that looks for the rarest letter of each.

    `re` tries an alternation at every character that may begin one of the names, which are common letters. So
    each name is found from its rarest letter on, and the rest is looked for backwards.
    """
    by_letter: dict[str, list[str]] = defaultdict(list)
    for name in names:
        rarest = min(name, key=lambda letter: _RAREST_FIRST.find(letter) % 100)
        after = name[name.index(rarest) + 1 :]
        by_letter[rarest].append(f"{re.escape(after)}(?<={re.escape(name)})")
    return "|".join(f"{re.escape(letter)}(?:{'|'.join(rests)})" for letter, rests in sorted(by_letter.items()))


_NAMES = re.compile(anchored(NAMES).encode())
_SESSION_NAMES = re.compile(anchored(SESSION_NAMES).encode())
