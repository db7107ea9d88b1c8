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
    "SessionLocal(",
    "SQLALCHEMY_",
    "Tortoise",
    "aiomysql",
    "aiopg",
    "asyncmy",
    "asyncpg",
    "create_async_engine",
    "create_engine",
    "create_pool",
    "databases import Database",
    "engine().begin(",
    "engine().connect(",
    "engine.begin(",
    "engine.connect(",
    "engine_from_config",
    "flask_sqlalchemy",
    "get_conn(",
    "get_connection(",
    "get_db_connection(",
    "getconn",
    "import databases",
    "listens_for(",
    "mysql import connector",
    "mysql.connector",
    "oracledb",
    "pg8000",
    "pool.acquire(",
    "psycopg",
    "putconn",
    "pwasyncio",
    "pymysql",
    "raw_connection",
    "register_tortoise",
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

TOGETHER = (
    (b"AsyncSession", (b"gather(", b"create_task(", b"TaskGroup", b"start_soon(")),
    (b"create_all(", (b"engine",)),
    (b"elery", (b"async",)),
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

_RAREST_FIRST = "QZXJqzVKYjxWGBHUkOPvMwFLDbNyRCgASTEIfphmudlcnrosiate_("
"""Letters by how often they occur in Python source, as far as it matters here."""


def mentions_a_pool(data: bytes) -> bool:
    """Whether a file mentions any of NAMES, or what is TOGETHER."""
    return _NAMES.search(data) is not None or any(
        one in data and any(other in data for other in others) for one, others in TOGETHER
    )


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
