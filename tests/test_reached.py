import libcst as cst

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.running.reached import kept_in, reached
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.read.python.values.scope import Definition, Scope

DB = (
    "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n"
    "engine = create_engine('postgresql://db/shop')\nSession = sessionmaker(bind=engine)\n"
)


def _start(module: Module) -> Definition:
    for piece in module.members(""):
        if piece.name == "start":
            for tree, statement in module.statements(piece):
                if isinstance(statement, cst.FunctionDef):
                    return Definition(statement, Scope(module, tree))
    raise AssertionError("no start()")


def pools(text: str, db: str = DB) -> list[tuple[str, str]]:
    """The functions that `start()` reaches and the pools that they use, by their names."""
    texts = {"app.py": text, "db.py": db}
    project = Project(Memory({path: each.encode() for path, each in texts.items()}), [*texts])
    module = project.module("app.py")
    assert module

    def ask() -> list[tuple[str, str]]:
        found = [
            (each.node.name.value, kept.pool) for each in reached(_start(module)) for _, kept in kept_in(each)
        ]
        return [(name, pool.title) for name, pool in found if pool]

    return deep(ask)


def test_a_session_leads_to_its_engine() -> None:
    assert pools("from db import Session\ndef start():\n    with Session() as s: s.commit()\n") == [
        ("start", "engine")
    ]


def test_functions_that_are_called_are_followed() -> None:
    text = "import db\ndef start():\n    step()\ndef step():\n    with db.engine.connect() as c: c.execute('')\n"

    assert pools(text) == [("step", "engine")]


def test_a_pool_that_a_function_makes_is_its_own() -> None:
    text = "def start():\n    engine = create_engine('a')\n    engine.connect()\n"

    assert pools(f"from sqlalchemy import create_engine\n{text}") == []


def test_a_pool_that_a_function_keeps_is_there_the_next_time() -> None:
    kept = (
        "_engine = None\ndef start():\n    global _engine\n    if _engine is None:\n"
        "        _engine = create_engine('a')\n    return _engine\n"
    )
    cached = "from functools import cache\n@cache\ndef start():\n    return create_engine('a')\n"

    assert {*pools(f"from sqlalchemy import create_engine\n{kept}")} == {("start", "_engine")}
    assert pools(f"from sqlalchemy import create_engine\n{cached}") == [("start", "create_engine()")]


def test_recursion_ends() -> None:
    assert pools("def start():\n    other()\ndef other():\n    start()\n") == []
