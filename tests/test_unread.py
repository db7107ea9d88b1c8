from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.leaks.outliving.unread import unread_in
from poolcheck.read.python.syntax.module import Project

HEAD = """
import mysql.connector
from mysql.connector.pooling import MySQLConnectionPool

pool = MySQLConnectionPool(pool_size=5)
"""
QUERY = "    k = c.cursor()\n    k.execute('SELECT 1')\n"


def unread(text: str) -> list[str]:
    """The connections that go back with rows unread."""
    module = Project(Memory({"app.py": (HEAD + text).encode()}), ["app.py"]).module("app.py")
    assert module
    return deep(lambda: [each.connection for each in unread_in(module)])


def taken(body: str, call: str = "pool.get_connection()") -> list[str]:
    return unread(f"def f():\n    c = {call}\n{body}    c.close()\n")


def test_rows_that_nobody_reads() -> None:
    assert taken(QUERY) == ["c"]
    assert taken(f"{QUERY}    k.close()\n") == ["c"]
    assert taken("    c.cursor().execute('SHOW TABLES')\n") == ["c"]
    assert unread("def f():\n    with pool.get_connection() as c:\n        c.cursor().execute('SELECT 1')\n") == [
        "c"
    ]
    assert taken(QUERY, "mysql.connector.connect(pool_name='shop')") == ["c"]


def test_rows_that_are_read() -> None:
    assert taken(f"{QUERY}    k.fetchone()\n") == []
    assert taken(f"{QUERY}    for row in k:\n        print(row)\n") == []
    assert taken(f"{QUERY}    rows = list(k)\n") == []


def test_what_reads_them_by_itself() -> None:
    assert taken(QUERY.replace("cursor()", "cursor(buffered=True)")) == []
    assert taken(QUERY, "mysql.connector.connect(pool_name='shop', consume_results=True)") == []


def test_no_rows_and_what_is_not_seen() -> None:
    assert taken(QUERY.replace("SELECT", "DELETE")) == []
    assert taken(QUERY.replace("'SELECT 1'", "query")) == []


def test_a_connection_that_does_not_go_back_to_a_pool() -> None:
    assert taken(QUERY, "mysql.connector.connect(host='db')") == []
    assert unread(f"def f():\n    c = pool.get_connection()\n{QUERY}    return c\n") == []
