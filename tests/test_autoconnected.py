from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.running.autoconnected import atomic_in_requests
from poolcheck.read.python.syntax.module import Project

HEAD = """
from flask import Flask
from peewee import PostgresqlDatabase
from playhouse.pool import PooledPostgresqlDatabase

app = Flask(__name__)
db = PooledPostgresqlDatabase("shop")
plain = PostgresqlDatabase("shop")
"""
ROUTE = "@app.post('/')\ndef f():\n    with db.atomic():\n        return 1\n"


def atomic(text: str, other: str = "") -> list[str]:
    """The functions behind whose transactions a connection stays."""
    project = Project(
        Memory({"app.py": (HEAD + text).encode(), "other.py": other.encode()}), ["app.py", "other.py"]
    )
    module = project.module("app.py")
    assert module
    return deep(lambda: [each.function for each in atomic_in_requests(module)])


def test_a_transaction_in_a_route() -> None:
    assert atomic(ROUTE) == ["f"]


def test_what_closes_the_connection_anywhere() -> None:
    assert atomic(ROUTE, "from app import db\ndef done(error):\n    db.close()\n") == []
    assert atomic(ROUTE.replace("db.atomic()", "db.connection_context(), db.atomic()")) == []


def test_no_pool_no_request_and_no_thread_of_its_own() -> None:
    assert atomic(ROUTE.replace("db.", "plain.")) == []
    assert atomic(ROUTE.replace("@app.post('/')\n", "")) == []
    assert atomic(ROUTE.replace("def f", "async def f")) == []
