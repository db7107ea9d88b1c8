import pytest

from poolcheck.files import Memory
from poolcheck.read.python.leaks.holding.hints import may_hold
from poolcheck.read.python.syntax.module import Project

SHOP = """
import tempfile
from logging import getLogger as get_logger

from deps import CurrentSession, Money, scope as lent
from vendor import helpers

"""
DEPS = b"""
from contextlib import contextmanager
from typing import Annotated
from fastapi import Depends
from money import Money

CurrentSession = Annotated[Session, Depends(get_session)]

@contextmanager
def scope():
    yield SessionLocal()
"""


@pytest.mark.parametrize(
    "function",
    [
        "def f():\n    session = SessionLocal()",
        "def f():\n    connection = self.pool.getconn() or connect()",
        "def f():\n    with lent() as session:\n        pass",
        "def f():\n    with tempfile.TemporaryDirectory() as a, self.lent() as b:\n        pass",
        "def f():\n    with open(PATHS[1:]) as file, lent() as session:\n        pass",
        "def f(session: Session = Depends(get_session)):\n    pass",
        "async def f(db: CurrentSession, one: int):\n    pass",
    ],
)
def test_what_may_take_or_be_given_a_connection_is_looked_at(function: str) -> None:
    assert is_looked_at(function)


@pytest.mark.parametrize(
    "function",
    [
        "def f():\n    log = get_logger()",
        "def f():\n    with open(path) as file:\n        pass",
        "def f():\n    with tempfile.TemporaryDirectory() as folder:\n        pass",
        "def f():\n    with helpers.lent() as session:\n        pass",
        "connection = get_connection()",
    ],
)
def test_what_its_text_tells_to_hold_none_is_not(function: str) -> None:
    assert not is_looked_at(function)


def test_what_is_declared_elsewhere_is_followed_through_imports() -> None:
    money = {"money.py": b"class Money: ...", "deps.py": b"from money import Money"}

    assert not is_looked_at("def f(db: Money):\n    log = get_logger()", money)


def is_looked_at(function: str, others: dict[str, bytes] | None = None) -> bool:
    """Whether the last piece of a module is worth parsing."""
    files = Memory({"shop.py": (SHOP + function).encode(), "deps.py": DEPS, **(others or {})})
    module = Project(files).module("shop.py")
    assert module
    return may_hold(module.pieces[-1], module)
