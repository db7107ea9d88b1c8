from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.running.thread_local import kept_by_threads, registries_kept
from poolcheck.read.python.syntax.module import Module, Project

MODELS = "from django.db import models\n\nclass Order(models.Model):\n    pass\n"
WORK = """
from threading import Thread
from models import Order

def work():
{}
def f(request):
    Thread(target=work).start()
"""

REGISTRY = """
from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.orm import scoped_session, sessionmaker

app = Flask(__name__)
sessions = scoped_session(sessionmaker(create_engine("postgresql://db/shop")))
"""


def module_of(files: dict[str, str], path: str) -> Module:
    project = Project(Memory({name: text.encode() for name, text in files.items()}), [*files])
    module = project.module(path)
    assert module
    return module


def kept(work: str, path: str = "work.py", models: str = MODELS) -> list[tuple[str, str]]:
    """Whose connections the threads keep that a module starts, and by what."""
    module = module_of({"models.py": models, path: WORK.format(work)}, path)
    return deep(lambda: [(each.kind, each.name) for each in kept_by_threads(module)])


def registries(text: str, other: str = "") -> list[tuple[str, str]]:
    module = module_of({"app.py": REGISTRY + text, "other.py": other}, "app.py")
    return deep(lambda: [(each.name, each.function) for each in registries_kept(module)])


def test_a_query_of_django_in_a_thread() -> None:
    assert kept("    Order.objects.filter(pk=1).update(total=0)\n") == [("Django", "Order")]
    assert kept("    from django.db import connection\n    connection.cursor()\n") == [("Django", "connection")]


def test_a_query_in_a_function_that_the_thread_calls() -> None:
    assert kept("    inner()\n\ndef inner():\n    return Order.objects.get(pk=1)\n") == [("Django", "Order")]


def test_a_query_that_has_not_run_and_other_objects() -> None:
    assert kept("    Order.objects.filter(pk=1)\n") == []
    assert kept("    Order.objects.get(pk=1)\n", models="class Order:\n    objects = {}\n") == []


def test_a_thread_that_closes() -> None:
    assert kept("    Order.objects.get(pk=1)\n    connection.close()\n") == []
    assert kept("    Order.objects.get(pk=1)\n    done()\n\ndef done():\n    close_old_connections()\n") == []


def test_a_thread_that_runs_for_good() -> None:
    assert kept("    while True:\n        Order.objects.get(pk=1)\n") == []


def test_commands_and_tests() -> None:
    work = "    Order.objects.get(pk=1)\n"

    assert kept(work, path="shop/management/commands/work.py") == []
    assert kept(work, path="tests/test_work.py") == []


def test_peewee_and_its_pool() -> None:
    models = "from peewee import Model\n{}\nclass Order(Model):\n    pass\n"
    pool = "from playhouse.pool import PooledPostgresqlDatabase"

    assert kept("    Order.create(total=0)\n", models=models.format(pool)) == [("peewee", "Order")]
    assert kept("    Order.create(total=0)\n", models=models.format("")) == []


def test_a_registry_that_nothing_empties() -> None:
    route = "@app.get('/')\ndef orders():\n    return sessions.query(Order).all()\n"

    assert registries(route) == [("sessions", "orders")]
    assert registries(route, "from app import sessions\ndef done(error):\n    sessions.remove()\n") == []
    assert registries(route, "from app import sessions as s\ndef done(error):\n    s.remove()\n") == []


def test_a_registry_whose_users_end_the_transaction() -> None:
    assert registries("@app.get('/')\ndef orders():\n    sessions.execute(q)\n    sessions.commit()\n") == []


def test_a_registry_that_no_request_uses() -> None:
    assert registries("def orders():\n    return sessions.query(Order).all()\n") == []
