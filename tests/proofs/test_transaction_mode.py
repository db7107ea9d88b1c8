"""What becomes of prepared statements, and of what clients ask for, behind a pooler in transaction mode."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from typing import NamedTuple

import pytest
from psycopg import pq

from poolcheck.catalog import installed
from poolcheck.finding import Severity
from poolcheck.testing import SETTINGS, Example, mended, report_on
from proofs.applications import Answer, Application, started
from servers import client
from servers.pgbouncer import PgBouncer, Room
from servers.postgres import OWNER, PostgreSQL
from servers.programs import Version

INI = """\
[databases]
shop = {entry}
[pgbouncer]
listen_addr = 127.0.0.1
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""
KEEPS: Version = (1, 21)
KEEPS_WELL: Version = (1, 22)
"""What 1.21 makes of statements is told by prepared-statements-1-21."""
READS_OPTIONS: Version = (1, 20)
RULES = (
    "prepare-threshold-zero", "txmode-asyncpg-statement-cache", "txmode-psycopg3-auto-prepare",
    "txmode-sa-asyncpg-partial-fix",
)  # fmt: skip
PACKAGES = ("asyncpg", "django", "pg8000", "psycopg", "psycopg-pool", "psycopg2-binary", "sqlalchemy")
OFTEN = 7
"""More often than psycopg executes a statement before it prepares it."""
MIXED_UP = re.compile(r'prepared statement "\w[\w-]*" (?:already exists|does not exist)')

PSYCOPG2 = """\
import psycopg2

conn = psycopg2.connect("host=pgbouncer port=6432 dbname=shop user=web")


def run():
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() + %s", (0,))
        return cursor.fetchone()[0]
"""
PG8000 = """\
import pg8000

conn = pg8000.connect(host="pgbouncer", port=6432, database="shop", user="web")


def run():
    cursor = conn.cursor()
    cursor.execute("SELECT pg_backend_pid() + %s::int", (0,))
    (server,) = cursor.fetchone()
    conn.commit()
    return server
"""
PSYCOPG = """\
import psycopg

conn = psycopg.connect("host=pgbouncer port=6432 dbname=shop user=web"{more})


def run():
    with conn.transaction():
        return conn.execute("SELECT pg_backend_pid() + %s", (0,)).fetchone()[0]
"""
PSYCOPG_POOL = """\
from psycopg_pool import ConnectionPool

pool = ConnectionPool("host=pgbouncer port=6432 dbname=shop user=web", min_size=1, max_size=1, open=True{more})


def run():
    with pool.connection() as conn:
        return conn.execute("SELECT pg_backend_pid() + %s", (0,){on_execute}).fetchone()[0]
"""
SQLALCHEMY = """\
from sqlalchemy import NullPool, create_engine, text

engine = create_engine("postgresql{driver}://web@pgbouncer:6432/shop"{more})


def run():
    with engine.{begin}() as conn:
        return conn.execute(text("SELECT pg_backend_pid() + CAST(:none AS integer)"), {{"none": 0}}).scalar_one()
"""
ASYNCPG = """\
import asyncpg

pool = None


async def run():
    global pool
    if pool is None:
        pool = await asyncpg.create_pool("postgresql://web@pgbouncer:6432/shop", min_size=1, max_size=1{more})
    async with pool.acquire() as conn, conn.transaction():
        {fetch}


async def fetch_prepared(conn):
    statement = await conn.prepare("SELECT pg_backend_pid() + $1::int")
    return await statement.fetchval(0)
"""
SQLALCHEMY_ASYNCPG = """\
from uuid import uuid4

from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(
    "postgresql+asyncpg://web@pgbouncer:6432/shop",{more}
    connect_args={{{arguments}}},
)


async def run():
    async with engine.begin() as conn:
        asked = text("SELECT pg_backend_pid() + CAST(:none AS integer)")
        await conn.execute(asked, {{"none": 0}})
        return (await conn.execute(asked, {{"none": 0}})).scalar_one()
"""
DJANGO = """\
from django.conf import settings
from django.db import connection, transaction

DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "pgbouncer",
        "PORT": "6432",
        "NAME": "shop",
        "USER": "web",
        "OPTIONS": {{{options}}},
    }}
}}
settings.configure(DATABASES=DATABASES, USE_TZ=True)


def run():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() + %s::int", (0,))
        return cursor.fetchone()[0]
"""

SCS = '"statement_cache_size": 0'
PSCS = '"prepared_statement_cache_size": 0'
NAMED = '"prepared_statement_name_func": lambda: f"__asyncpg_{uuid4()}__"'
NULL_POOL = "\n    poolclass=NullPool,"
AUTOCOMMIT = '\n    isolation_level="AUTOCOMMIT",'


PREPARED = "return await fetch_prepared(conn)"


def psycopg(more: str = "") -> str:
    return PSYCOPG.format(more=more)


def psycopg_pool(more: str = "", on_execute: str = "") -> str:
    return PSYCOPG_POOL.format(more=more, on_execute=on_execute)


def sqlalchemy(driver: str, more: str = "", begin: str = "begin") -> str:
    return SQLALCHEMY.format(driver=driver, more=more, begin=begin)


def asyncpg(
    more: str = "", fetch: str = 'return await conn.fetchval("SELECT pg_backend_pid() + $1::int", 0)'
) -> str:
    return ASYNCPG.format(more=more, fetch=fetch)


def sqlalchemy_asyncpg(*arguments: str, more: str = "") -> str:
    return SQLALCHEMY_ASYNCPG.format(arguments=", ".join(arguments), more=more)


def django(options: str = "") -> str:
    return DJANGO.format(options=options)


class Case(NamedTuple):
    """An application, the rule that finds something in it, "" where none does, and whether that knows a fix."""

    text: str
    rule: str = ""
    has_fix: bool = True

    @property
    def works(self) -> bool:
        return not self.rule


CACHE, PARTIAL, PREPARES, ZERO = RULES[1], RULES[3], RULES[2], RULES[0]

CASES = {
    "psycopg2": Case(PSYCOPG2),
    "pg8000": Case(PG8000),
    "psycopg": Case(psycopg(), PREPARES),
    "psycopg, threshold 0": Case(psycopg(", prepare_threshold=0"), ZERO),
    "psycopg, threshold 3": Case(psycopg(", prepare_threshold=3"), PREPARES),
    "psycopg, threshold None": Case(psycopg(", prepare_threshold=None")),
    "psycopg_pool": Case(psycopg_pool(), PREPARES),
    "psycopg_pool, None": Case(psycopg_pool(', kwargs={"prepare_threshold": None}')),
    "psycopg_pool, None, asked to prepare": Case(
        psycopg_pool(', kwargs={"prepare_threshold": None}', ", prepare=True")
    ),
    "SQLAlchemy, psycopg2": Case(sqlalchemy("+psycopg2")),
    "SQLAlchemy, pg8000": Case(sqlalchemy("+pg8000")),
    "SQLAlchemy, psycopg": Case(sqlalchemy("+psycopg"), PREPARES),
    "SQLAlchemy 2.1, plain URL": Case(sqlalchemy(""), PREPARES),
    "SQLAlchemy, psycopg, NullPool": Case(sqlalchemy("+psycopg", ", poolclass=NullPool")),
    "SQLAlchemy, psycopg, None": Case(sqlalchemy("+psycopg", ', connect_args={"prepare_threshold": None}')),
    "SQLAlchemy, psycopg, 0": Case(sqlalchemy("+psycopg", ', connect_args={"prepare_threshold": 0}'), ZERO),
    "asyncpg": Case(asyncpg(), CACHE),
    "asyncpg, no cache": Case(asyncpg(", statement_cache_size=0")),
    "asyncpg, no cache, prepare()": Case(asyncpg(", statement_cache_size=0", PREPARED)),
    "SQLAlchemy, asyncpg": Case(sqlalchemy_asyncpg(), CACHE),
    "scs": Case(sqlalchemy_asyncpg(SCS)),
    "pscs": Case(sqlalchemy_asyncpg(PSCS), PARTIAL),
    "scs, pscs": Case(sqlalchemy_asyncpg(SCS, PSCS)),
    "names": Case(sqlalchemy_asyncpg(NAMED), PARTIAL),
    "names, scs": Case(sqlalchemy_asyncpg(NAMED, SCS), PARTIAL),
    "names, pscs": Case(sqlalchemy_asyncpg(NAMED, PSCS)),
    "names, scs, pscs": Case(sqlalchemy_asyncpg(NAMED, SCS, PSCS)),
    "NullPool": Case(sqlalchemy_asyncpg(more=NULL_POOL), PARTIAL),
    "NullPool, pscs": Case(sqlalchemy_asyncpg(PSCS, more=NULL_POOL), PARTIAL),
    "NullPool, scs": Case(sqlalchemy_asyncpg(SCS, more=NULL_POOL)),
    "NullPool, names": Case(sqlalchemy_asyncpg(NAMED, more=NULL_POOL)),
    "NullPool, names, scs": Case(sqlalchemy_asyncpg(NAMED, SCS, more=NULL_POOL)),
    "AUTOCOMMIT": Case(sqlalchemy_asyncpg(more=AUTOCOMMIT), CACHE),
    "AUTOCOMMIT, scs": Case(sqlalchemy_asyncpg(SCS, more=AUTOCOMMIT)),
    "AUTOCOMMIT, names, pscs": Case(sqlalchemy_asyncpg(NAMED, PSCS, more=AUTOCOMMIT), PARTIAL, has_fix=False),
    "AUTOCOMMIT, names, scs, pscs": Case(
        sqlalchemy_asyncpg(NAMED, SCS, PSCS, more=AUTOCOMMIT), PARTIAL, has_fix=False
    ),
    "AUTOCOMMIT, NullPool, names": Case(
        sqlalchemy_asyncpg(NAMED, more=AUTOCOMMIT + NULL_POOL), PARTIAL, has_fix=False
    ),
    "AUTOCOMMIT, NullPool, scs": Case(sqlalchemy_asyncpg(SCS, more=AUTOCOMMIT + NULL_POOL)),
    "Django": Case(django()),
    "Django, pool": Case(django('"pool": {"min_size": 1, "max_size": 1}')),
    "Django, server_side_binding": Case(django('"server_side_binding": True')),
    "Django, threshold 5": Case(django('"prepare_threshold": 5')),
    "Django, both": Case(django('"prepare_threshold": 5, "server_side_binding": True'), PREPARES),
}
of_each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
FAILING = {name: case for name, case in CASES.items() if case.rule}
FIXED = {name: case for name, case in FAILING.items() if case.has_fix}


@pytest.fixture(scope="module")
def entry(postgres: PostgreSQL) -> str:
    """An entry of [databases] that leads to a database with a table of some orders."""
    database = postgres.new_database()
    postgres.query("create table orders as select id from generate_series(1, 9) id", database)
    return f"host=127.0.0.1 port={postgres.port} dbname={database} user={OWNER}"


@pytest.fixture(scope="module")
def ini(room: Room, entry: str) -> str:
    """The configuration of a pooler in transaction mode that keeps no prepared statements apart."""
    kept = "max_prepared_statements = 0\n" if room.program.version >= KEEPS else ""
    return INI.format(entry=entry) + kept + room.address


@pytest.fixture(scope="module")
def pooler(room: Room, ini: str) -> Iterator[PgBouncer]:
    """A pooler with no more than two server connections."""
    with room.start(ini) as running:
        assert running.started, running.log
        yield running


class Outcome(NamedTuple):
    """What came of the transactions of an application, one after the other.

    `alone`: of its first process, on the only server connection. `after`: of its second, on the same.
    `elsewhere`: of the first on another one. `in_turn`: of the first and of a third process, on both in turn.
    """

    alone: list[Answer]
    after: list[Answer]
    elsewhere: list[Answer]
    in_turn: list[Answer]

    @property
    def errors(self) -> list[str]:
        return [answer.error for stage in self for answer in stage if answer.error]


def outcome(text: str, pooler: PgBouncer) -> Outcome:
    pooler.console("RECONNECT shop")
    with ExitStack() as stack:
        one, two, three = (stack.enter_context(started(placed(text, pooler))) for _ in range(3))
        holder = client.connect(pooler.dsn("shop", "web"))
        stack.callback(holder.finish)
        alone, after = often(one), often(two)
        held = hold(holder)
        assert {answer.value for answer in alone if answer.value} == {held}
        elsewhere = some(one)
        client.ask(holder, "rollback")
        pooler.console("SET server_round_robin = 1")
        stack.callback(pooler.console, "SET server_round_robin = 0")
        return Outcome(alone, after, elsewhere, some(one) + some(three))


def placed(text: str, pooler: PgBouncer) -> str:
    """A module as it runs here, with the pooler's address."""
    return re.sub(r"\bpgbouncer\b", "127.0.0.1", text).replace("6432", str(pooler.port))


def hold(holder: pq.abc.PGconn) -> str:
    """Begins a transaction on the server connection that was used last. The number of its process."""
    (row,) = client.ask(holder, "begin; select pg_backend_pid() as process")
    return str(row["process"])


def often(application: Application) -> list[Answer]:
    return [application.run() for _ in range(OFTEN)]


def some(application: Application) -> list[Answer]:
    return [application.run() for _ in range(3)]


def example(rule: str, text: str, ini: str, room: Room) -> Example:
    """An application and its pooler as files of a project, with the versions that are here."""
    release = ".".join(map(str, room.program.version))
    sources = {
        SETTINGS: f'[poolers.main]\nhosts = ["pgbouncer"]\n[target]\npgbouncer = "{release}"\n',
        "pgbouncer.ini": ini,
        "requirements.txt": "".join(f"{package}=={version(package)}\n" for package in PACKAGES),
        "shop/db.py": text,
    }
    return Example(installed()[rule], "", sources, ())


def reporting(text: str, ini: str, room: Room) -> list[str]:
    """The rules that find something in an application, advice aside."""
    found = (finding for rule in RULES for finding in report_on(example(rule, text, ini, room)).findings)
    return [finding.rule for finding in found if finding.severity is not Severity.INFO]


@of_each_case
def test_what_a_rule_reports_fails_each_time_and_all_else_works(
    case: Case, pooler: PgBouncer, ini: str, room: Room
) -> None:
    assert reporting(case.text, ini, room) == ([case.rule] if case.rule else [])

    came = outcome(case.text, pooler)

    if case.works:
        assert came.errors == []
        assert {answer.value for answer in came.after} == {answer.value for answer in came.alone}
        assert {answer.value for answer in came.elsewhere}.isdisjoint({answer.value for answer in came.alone})
    else:
        assert MIXED_UP.search(came.errors[0])


@pytest.mark.parametrize("case", FIXED.values(), ids=FIXED)
def test_what_the_fixes_make_of_it_works(case: Case, pooler: PgBouncer, ini: str, room: Room) -> None:
    fixed = mended(example(case.rule, case.text, ini, room))["shop/db.py"]
    assert fixed != case.text
    assert reporting(fixed, ini, room) == []

    assert outcome(fixed, pooler).errors == []


def test_an_engine_that_only_reads_has_psycopg_forget_what_it_prepared(pooler: PgBouncer) -> None:
    assert outcome(sqlalchemy("+psycopg", begin="connect"), pooler).errors == []


@pytest.mark.parametrize("case", FAILING.values(), ids=FAILING)
def test_a_pooler_that_keeps_statements_apart_does_for_all_of_them(
    case: Case, pooler: PgBouncer, ini: str, room: Room
) -> None:
    if room.program.version < KEEPS_WELL:
        pytest.skip(f"{room.program} keeps none, or mixes them up")
    keeping = ini.replace("max_prepared_statements = 0", "max_prepared_statements = 200")
    assert reporting(case.text, keeping, room) == []
    pooler.reload(keeping)
    try:
        assert outcome(case.text, pooler).errors == []
    finally:
        pooler.reload(ini)


ASKS = {
    "psycopg2, options": """\
import psycopg2

conn = psycopg2.connect("host=pgbouncer port=6432 dbname=shop user=web", options="-c {name}={value}")


def run():
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT current_setting('{name}')")
        return cursor.fetchone()[0]
""",
    "psycopg, connection string": """\
import psycopg

conn = psycopg.connect("host=pgbouncer port=6432 dbname=shop user=web options='-c {name}={value}'")


def run():
    with conn.transaction():
        return conn.execute("SELECT current_setting('{name}')").fetchone()[0]
""",
    "SQLAlchemy, URL": """\
from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://web@pgbouncer:6432/shop?options=-c{name}%3D{value}")


def run():
    with engine.begin() as conn:
        return conn.execute(text("SELECT current_setting('{name}')")).scalar_one()
""",
    "asyncpg, server_settings": """\
import asyncpg

conn = None


async def run():
    global conn
    if conn is None:
        conn = await asyncpg.connect(
            "postgresql://web@pgbouncer:6432/shop", statement_cache_size=0, server_settings={{"{name}": "{value}"}}
        )
    return await conn.fetchval("SELECT current_setting('{name}')")
""",
    "asyncpg, URL": """\
import asyncpg

conn = None


async def run():
    global conn
    if conn is None:
        conn = await asyncpg.connect("postgresql://web@pgbouncer:6432/shop?{name}={value}", statement_cache_size=0)
    return await conn.fetchval("SELECT current_setting('{name}')")
""",
    "Django, OPTIONS": """\
from django.conf import settings
from django.db import connection

DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "pgbouncer",
        "PORT": "6432",
        "NAME": "shop",
        "USER": "web",
        "OPTIONS": {{"options": "-c {name}={value}"}},
    }}
}}
settings.configure(DATABASES=DATABASES)


def run():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('{name}')")
        return cursor.fetchone()[0]
""",
    "PGOPTIONS": """\
import os

import psycopg2

os.environ["PGOPTIONS"] = "-c {name}={value}"
conn = psycopg2.connect("host=pgbouncer port=6432 dbname=shop user=web")


def run():
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT current_setting('{name}')")
        return cursor.fetchone()[0]
""",
}
of_each_way_to_ask = pytest.mark.parametrize("text", ASKS.values(), ids=ASKS)
STARTUP = "txmode-startup-parameter"


def asked(text: str, name: str, value: str, pooler: PgBouncer) -> Answer:
    """What an application finds set that asks for a parameter."""
    return run_once(text.format(name=name, value=value), pooler)


def run_once(text: str, pooler: PgBouncer) -> Answer:
    with started(placed(text, pooler)) as application:
        return application.run()


def severities(text: str, name: str, value: str, ini: str, room: Room) -> list[Severity]:
    """How severe it is what the rule finds in it."""
    shown = example(STARTUP, text.format(name=name, value=value), ini, room)
    return [finding.severity for finding in report_on(shown).findings]


@of_each_way_to_ask
def test_a_client_that_asks_for_what_is_not_kept_is_refused(
    text: str, pooler: PgBouncer, ini: str, room: Room
) -> None:
    assert severities(text, "statement_timeout", "5s", ini, room) == [Severity.ERROR]

    error = asked(text, "statement_timeout", "5s", pooler).error

    assert re.search(
        r"unsupported startup parameter(?:: options| in options: statement_timeout|: statement_timeout)", error
    )


@of_each_way_to_ask
def test_what_is_to_be_ignored_is_dropped(text: str, pooler: PgBouncer, ini: str, room: Room) -> None:
    ignoring = f"{ini}ignore_startup_parameters = options, statement_timeout\n"
    assert severities(text, "statement_timeout", "5s", ignoring, room) == [Severity.WARNING]

    pooler.reload(ignoring)
    try:
        assert asked(text, "statement_timeout", "5s", pooler) == Answer("0", "")
    finally:
        pooler.reload(ini)


@of_each_way_to_ask
def test_what_is_kept_for_each_client_is_set(text: str, pooler: PgBouncer, ini: str, room: Room) -> None:
    kept, value = "standard_conforming_strings", "off"
    is_unread = "options" in text.lower() and room.program.version < READS_OPTIONS
    assert severities(text, kept, value, ini, room) == ([Severity.ERROR] if is_unread else [])

    answer = asked(text, kept, value, pooler)

    assert answer.value == ("" if is_unread else value)
    assert ("unsupported startup parameter: options" in answer.error) == is_unread


def test_session_mode_refuses_as_well(pooler: PgBouncer, ini: str) -> None:
    pooler.reload(ini.replace("pool_mode = transaction", "pool_mode = session"))
    try:
        assert "unsupported startup parameter" in asked(ASKS["psycopg2, options"], "jit", "off", pooler).error
    finally:
        pooler.reload(ini)


TOLD = {
    "psycopg2": PSYCOPG2.replace('web")', 'web", prepare_threshold={threshold})'),
    "SQLAlchemy": sqlalchemy("+psycopg2", ', connect_args={"prepare_threshold": THRESHOLD}'),
}


@pytest.mark.parametrize("text", TOLD.values(), ids=TOLD)
@pytest.mark.parametrize(("threshold", "severity"), [("0", Severity.ERROR), ("None", Severity.WARNING)])
def test_psycopg2_takes_no_threshold_but_none(
    text: str, threshold: str, severity: Severity, pooler: PgBouncer, ini: str, room: Room
) -> None:
    text = re.sub(r"\{threshold\}|THRESHOLD", threshold, text)
    shown = example("prepare-threshold-on-psycopg2", text, ini, room)
    assert [finding.severity for finding in report_on(shown).findings] == [severity]

    error = run_once(text, pooler).error

    assert bool(error) == (severity is Severity.ERROR)
    assert not error or 'invalid connection option "prepare_threshold"' in error
    assert run_once(mended(shown)["shop/db.py"], pooler).error == ""


ORDERS = (
    DJANGO
    + """
import django
from django.db import models

django.setup()
rows = None


class Order(models.Model):
    class Meta:
        app_label = "shop"
        db_table = "orders"


def run():
    global rows
    {rows}
"""
)
IN_PARTS = """rows = rows or Order.objects.order_by("id").iterator(chunk_size=1)
    return next(rows).pk"""
AT_ONCE = """with transaction.atomic():
        return sum(order.pk for order in Order.objects.iterator(chunk_size=1))"""


@pytest.mark.parametrize(
    ("rows", "settings", "value", "error"),
    [
        (IN_PARTS, "", "", "InvalidCursorName"),
        (IN_PARTS, '"DISABLE_SERVER_SIDE_CURSORS": True,', "2", ""),
        (AT_ONCE, "", "45", ""),
    ],
    ids=["by itself", "without cursors of the server", "in a transaction"],
)
def test_django_reads_on_where_its_cursor_is(
    rows: str, settings: str, value: str, error: str, pooler: PgBouncer
) -> None:
    pooler.console("RECONNECT shop")
    text = ORDERS.format(options="", rows=rows).replace('"OPTIONS"', f'{settings}"OPTIONS"')
    with started(placed(text, pooler)) as application, ExitStack() as stack:
        assert application.run().error == ""
        holder = client.connect(pooler.dsn("shop", "web"))
        stack.callback(holder.finish)
        hold(holder)

        answer = application.run()

    assert answer.value == value
    assert error in answer.error
