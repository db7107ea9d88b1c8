import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.interest import EXECUTING, SESSION_NAMES, mentions_a_session
from poolcheck.read.python.sql.executed import Executed, executed_in
from poolcheck.read.python.syntax.module import Project
from poolcheck.read.sql.acts import Act

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
SAMPLE = sorted(LIBRARY.glob("*.py"))[::9]


def executed(text: str, path: str = "shop/db.py", **others: str) -> list[Executed]:
    """What a module does to sessions."""
    files = {path: text.encode()} | {f"shop/{name}.py": other.encode() for name, other in others.items()}
    module = Project(Memory(files)).module(path)
    assert module
    return deep(lambda: list(executed_in(module)))


def shown(text: str, **others: str) -> list[tuple[Act, str, str]]:
    """What is done, what it is called, and where."""
    found = executed(text, **others)
    return [(each.act, each.words, text[each.span.start : each.span.end]) for each in found]


@pytest.mark.parametrize(
    ("line", "act", "words", "place"),
    [
        ('conn.execute("SET search_path = a")', Act.SET, "SET search_path", "SET search_path"),
        ("conn.execute('set   role  bob')", Act.SET, "set role", "set   role"),
        ("cur.execute('''\n    SET x.y = 1''')", Act.SET, "SET x.y", "SET x.y"),
        (
            "cur.execute(\"SELECT set_config('a', %s, false)\")",
            Act.SET,
            "set_config() of a",
            "set_config('a', %s, false",
        ),
        (
            'await conn.fetchval("SELECT pg_advisory_lock($1)", 1)',
            Act.LOCK,
            "pg_advisory_lock()",
            "pg_advisory_lock",
        ),
        ('conn.execute(f"LISTEN {name}")', Act.LISTEN, "LISTEN …", 'f"LISTEN {name}"'),
        ('conn.execute(f"LISTEN a{name}; SELECT 1")', Act.LISTEN, "LISTEN a…", 'f"LISTEN a{name}; SELECT 1"'),
        ('conn.execute("LISTEN %s" % name)', Act.LISTEN, "LISTEN %s", "LISTEN %s"),
        ('conn.execute("LISTEN " + name)', Act.LISTEN, "LISTEN …", '"LISTEN " + name'),
        ('conn.execute("LISTEN {}".format(name))', Act.LISTEN, "LISTEN …", "LISTEN {}"),
        ('s.execute(text("SET ROLE a").execution_options(x=1))', Act.SET, "SET ROLE", "SET ROLE"),
        ('s.execute(sa.text("SET ROLE a"))', Act.SET, "SET ROLE", "SET ROLE"),
        ('s.execute(sql.SQL("LISTEN {}").format(sql.Identifier(a)))', Act.LISTEN, "LISTEN …", "LISTEN {}"),
        ('s.exec(text("SET ROLE a"))', Act.SET, "SET ROLE", "SET ROLE"),
        ('db.execute_sql("SET ROLE a")', Act.SET, "SET ROLE", "SET ROLE"),
        ("s.execute(SET_ROLE)", Act.SET, "SET ROLE", "SET_ROLE"),
        ("s.execute(text(SET_ROLE))", Act.SET, "SET ROLE", "SET_ROLE"),
        ("s.execute(QUERY)", Act.SET, "SET ROLE", "QUERY"),
        ("conn.execute('SELECT 1' if key else 'SET ROLE a')", Act.SET, "SET ROLE", "SET ROLE"),
        ("if key: sql = 'LISTEN a'\nelse: sql = 'LISTEN b'\nconn.execute(sql)", Act.LISTEN, "LISTEN b", "sql"),
        ('conn.execute("SET ROLE" " a")', Act.SET, "SET ROLE", "SET ROLE"),
        ('conn.execute(dedent("""\n  SET ROLE a"""))', Act.SET, "SET ROLE", "SET ROLE"),
        (
            "s.scalar(select(func.pg_try_advisory_lock(key)))",
            Act.LOCK,
            "pg_try_advisory_lock()",
            "pg_try_advisory_lock",
        ),
        ("s.execute(sa.func.set_config('a', b, False))", Act.SET, "set_config() of a", "set_config"),
        ('await conn.add_listener("orders", f)', Act.LISTEN, "add_listener()", "add_listener"),
        ('conn.cursor("a", withhold=True)', Act.HOLD, "cursor(withhold=True)", "withhold=True"),
        ("async for each in conn.notifies(): pass", Act.HEAR, "notifies()", "notifies"),
        ("s.query(func.pg_advisory_lock(1)).scalar()", Act.LOCK, "pg_advisory_lock()", "pg_advisory_lock"),
        ("taken = select(func.pg_advisory_lock(1)); s.scalar(taken)", Act.LOCK, "pg_advisory_lock()", "taken"),
        ("conn.set_session(readonly=True, autocommit=True)", Act.SET, "set_session()", "set_session"),
        (
            'conn.execute("CREATE TEMP TABLE a AS SELECT 1")',
            Act.TEMP,
            "CREATE TEMP TABLE a",
            "CREATE TEMP TABLE a",
        ),
        ('conn.execute("SELECT 1 INTO TEMP a")', Act.TEMP, "INTO TEMP a", "INTO TEMP a"),
        ('conn.execute("SELECT lastval()")', Act.SEQUENCE, "lastval()", "lastval"),
        ("conn.execute(\"load 'age'\")", Act.LOAD, "load 'age'", "load 'age'"),
        ("Order.objects.filter(a=1).iterator()", Act.CURSOR, "iterator()", "iterator"),
    ],
)
def test_what_is_done_to_a_session_is_found(line: str, act: Act, words: str, place: str) -> None:
    indented = line.replace("\n", "\n    ")
    text = f"""\
import asyncpg
import sqlalchemy as sa
from textwrap import dedent
from psycopg import sql
from sqlalchemy import func, select, text
from .models import Order
SET_ROLE = "SET ROLE a"
QUERY = text(SET_ROLE)
async def f(conn, cur, s, name, key):
    {indented}
"""

    assert shown(text)[-1:] == [(act, words, place)]


@pytest.mark.parametrize(
    "line",
    [
        'conn.execute("SELECT 1")',
        'conn.execute("SET LOCAL search_path = a")',
        'conn.execute("SELECT pg_advisory_xact_lock(1)")',
        'conn.execute("SET x = " + quoted + "; UPDATE t SET a = \'b")',
        'log.info("SET search_path = a")',
        'print("LISTEN a")',
        'execute("SET search_path = a")',
        'conn.execute(a, "SET search_path = a")',
        "conn.execute(*args)",
        "conn.execute()",
        'conn.execute(b"SET search_path = a")',
        'conn.execute("""CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT pg_advisory_lock(1) $$""")',
        'self.execute("SET search_path = a")',
        'conn.cursor("a", withhold=False)',
        "conn.cursor(withhold=flag)",
        "conn.set_session(autocommit=True)",
        "conn.set_session(readonly=True)",
        "rows.iterator()",
        "func.pg_advisory_lock(1)",
    ],
)
def test_what_does_nothing_to_a_session_is_not(line: str) -> None:
    text = f"import psycopg\nfrom sqlalchemy import func\ndef f(self, conn):\n    {line}\n"

    assert shown(text) == []


def test_a_listener_of_something_else_is_on_nobodys_connection() -> None:
    found = executed("import zeroconf\nbrowser.add_listener('a', f)")

    assert not any(each.origin.is_seen for each in found)


def test_a_migration_of_alembics_is_left_alone() -> None:
    text = "from alembic import op\ndef upgrade():\n    conn = op.get_bind()\n    conn.execute('SET ROLE a')\n"

    assert executed(text) == []


def test_of_several_statements_each_is_found_at_its_place() -> None:
    text = 'import psycopg\ndef f(conn):\n    conn.execute("SELECT 1; SET a.b = 1;\\nLISTEN c")'
    assert [words for _, words, _ in shown(text)] == ["SET a.b", "LISTEN c"]


def test_where_a_constant_is_executed_its_sql_is_known_too() -> None:
    text = 'import psycopg\nLOCK = "SELECT pg_advisory_lock(1)"\ndef f(conn):\n    conn.execute(LOCK)'

    [found] = executed(text)

    assert text[found.span.start : found.span.end] == "LOCK"
    assert found.written
    assert text[found.written.start : found.written.end] == "pg_advisory_lock"


@pytest.mark.parametrize("indentation", ["", "    ", "                "])
def test_a_setting_on_a_line_of_its_own_is_found(indentation: str) -> None:
    text = f'import psycopg\ndef f(conn):\n    conn.execute("""\n{indentation}SET work_mem = 1\n""")'

    assert mentions_a_session(text.encode())
    assert [words for _, words, _ in shown(text)] == ["SET work_mem"]


def test_behind_a_comment_in_sql_a_setting_is_found() -> None:
    text = 'import psycopg\ndef f(conn):\n    conn.execute("""-- now\n    SET work_mem = 1""")'

    assert [words for _, words, _ in shown(text)] == ["SET work_mem"]


def test_constants_that_mention_each_other_are_followed_once() -> None:
    text = 'import psycopg\na = f("SET ROLE a", b)\nb = g(a)\ndef f(conn):\n    conn.execute(b)'

    assert executed(text) == []


def test_a_constant_of_a_class_is_followed() -> None:
    text = """\
import psycopg
class Locks:
    TAKE = "SELECT pg_advisory_lock(1)"
    def take(self, conn):
        conn.execute(self.TAKE)
"""

    assert [place for *_, place in shown(text)] == ["self.TAKE"]


@pytest.mark.parametrize(
    ("lines", "is_undone"),
    [
        (["conn.execute('SET ROLE a')", "conn.execute('RESET ROLE')"], True),
        (["conn.execute('SET a.b = 1')", "conn.execute('RESET ALL')"], True),
        (["conn.execute('SET a.b = 1')", "conn.execute('SET a.b TO DEFAULT')"], True),
        (["conn.execute('SET ROLE a')", "conn.execute('RESET search_path')"], False),
        (["conn.execute('SET ROLE a')", "try: g()", "finally: conn.execute('RESET ROLE')"], True),
        (["conn.execute('RESET ROLE')", "conn.execute('SET ROLE a')"], False),
        (["conn.execute('SET ROLE a; SELECT 1; RESET ROLE')"], True),
        (["conn.execute('RESET ROLE; SET ROLE a')"], False),
        (["conn.execute('SET ROLE a')", "conn.commit()", "conn.execute('RESET ROLE')"], False),
        (["conn.execute('SET ROLE a')", "yield", "conn.execute('RESET ROLE')"], False),
        (["conn.execute('SELECT pg_advisory_lock(1)')", "conn.execute('SELECT pg_advisory_unlock(1)')"], True),
        (["conn.execute('CREATE TEMP TABLE a (b int)')", "conn.execute('DROP TABLE a')"], True),
        (["conn.execute('CREATE TEMP TABLE a (b int)')", "conn.execute('DROP TABLE c')"], False),
        (["conn.execute('PREPARE a AS SELECT 1')", "conn.execute('DEALLOCATE ALL')"], True),
        (["conn.execute('DECLARE a CURSOR WITH HOLD FOR SELECT 1')", "conn.execute('CLOSE a')"], True),
    ],
)
def test_what_is_taken_back_before_the_transaction_may_end_is_undone(lines: list[str], is_undone: bool) -> None:
    body = "".join(f"    {line}\n" for line in lines)
    [found] = executed(f"import psycopg\ndef f(conn):\n{body}")

    assert found.is_undone is is_undone


def test_what_a_transaction_sets_again_is_undone_but_by_another_branch() -> None:
    text = """\
import psycopg
def f(conn):
    with conn.transaction():
        conn.execute("SET search_path TO a")
        try:
            g(conn)
        finally:
            conn.execute("SET search_path TO public")
def g(conn):
    with conn.transaction():
        if conn:
            conn.execute("SET search_path TO a")
        else:
            conn.execute("SET search_path TO b")
"""

    assert [each.is_undone for each in executed(text)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("lines", "is_first"),
    [
        (["conn.execute('SELECT lastval()')"], False),
        (["conn.execute('INSERT')", "conn.commit()", "conn.execute('SELECT lastval()')"], True),
        (["conn.commit()", "conn.execute('INSERT')", "conn.execute('SELECT lastval()')"], False),
    ],
)
def test_what_comes_first_behind_a_commit_is_told(lines: list[str], is_first: bool) -> None:
    body = "".join(f"    {line}\n" for line in lines)
    [found] = executed(f"import psycopg2\ndef f():\n    conn = psycopg2.connect(DSN)\n{body}    conn.commit()")

    assert found.is_first is is_first


def test_what_one_text_takes_back_is_undone_on_any_connection() -> None:
    sql = "SET work_mem = 1; SELECT 1; RESET work_mem"
    [found] = executed(f"from django.db import connection\ndef f():\n    connection.cursor().execute('{sql}')")

    assert found.is_undone


def test_what_another_function_takes_back_is_not_undone() -> None:
    text = """\
import psycopg
def take(conn):
    conn.execute("SELECT pg_advisory_lock(1)")
def give(conn):
    conn.execute("SELECT pg_advisory_unlock(1)")
"""

    assert [each.is_undone for each in executed(text)] == [False]


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_the_standard_library_does_nothing_to_sessions(path: Path) -> None:
    assert executed(path.read_text("utf-8", "replace"), path="a.py") == []


@given(st.lists(st.sampled_from([*SESSION_NAMES, *(name.decode() for name in EXECUTING), "x", "\n"])).map("".join))
def test_the_prefilter_finds_what_a_plain_search_finds(text: str) -> None:
    expected = any(name.decode() in text for name in EXECUTING) and any(name in text for name in SESSION_NAMES)

    assert mentions_a_session(text.encode()) == expected


PARTS = st.sampled_from(
    [
        "conn", ".execute(", ".cursor(", "'SET a = 1'", "f'LISTEN {x}'", ")", "text(", "A", " = ", "\n",
        "def f(conn):\n    ", "with ", " as c:\n    ", "yield ", "await ", "engine", ".connect()", "%",
        "lambda c:", "func.pg_advisory_lock(1)",
    ]
)  # fmt: skip


@given(st.lists(PARTS, max_size=15).map("".join))
def test_any_text_is_read_without_an_error(text: str) -> None:
    executed(
        f"import psycopg\nfrom sqlalchemy import text, func, create_engine\nengine = create_engine(u)\n{text}"
    )
