import ast
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from poolcheck.read.python.syntax.imports import imports
from poolcheck.read.python.syntax.slices import mask

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
SAMPLE = sorted([*LIBRARY.glob("*.py"), *LIBRARY.glob("[a-k]*/*.py")])[::9]


def found(text: str) -> dict[str, str]:
    return {each.name: each.target for each in imports(text)}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import psycopg2", {"psycopg2": "psycopg2"}),
        ("import psycopg2 as pg, asyncpg", {"pg": "psycopg2", "asyncpg": "asyncpg"}),
        ("import psycopg2.pool", {"psycopg2": "psycopg2"}),
        ("import psycopg2.pool as pool", {"pool": "psycopg2.pool"}),
        ("from sqlalchemy import create_engine", {"create_engine": "sqlalchemy.create_engine"}),
        ("from sqlalchemy import create_engine as make", {"make": "sqlalchemy.create_engine"}),
        ("from sqlalchemy import *", {"*": "sqlalchemy.*"}),
        ("from . import db", {"db": ".db"}),
        ("from .. import db", {"db": "..db"}),
        ("from .db import engine", {"engine": ".db.engine"}),
        ("from ..core.db import engine", {"engine": "..core.db.engine"}),
        ("from . db import engine", {"engine": ".db.engine"}),
        ("from a import (\n    b,\n    c as d,\n)", {"b": "a.b", "d": "a.c"}),
        ("from a import(b)", {"b": "a.b"}),
        ("try:\n    import psycopg2\nexcept ImportError:\n    psycopg2 = None", {"psycopg2": "psycopg2"}),
        ("import a; import b", {"a": "a", "b": "b"}),
        ("try: import psycopg2\nexcept ImportError: psycopg2 = None", {"psycopg2": "psycopg2"}),
        ("def f(): from a import b; return b", {"b": "a.b"}),
        ("x = {1:2}; y = x[0:important]", {}),
        ("important = 1\nfrom_here = 2\n", {}),
        ("raise Error from cause\n", {}),
        ("def f(): yield from imports\n", {}),
    ],
)
def test_what_names_stand_for(text: str, names: dict[str, str]) -> None:
    assert found(text) == names


def test_an_import_knows_where_it_stands() -> None:
    (one,) = imports("x = 1\nimport psycopg2\n")

    assert one.start == len("x = 1\n")


def imported(text: str) -> Iterator[tuple[str, str]]:
    """What Python itself takes the imports to be."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((each.asname or each.name.partition(".")[0], each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = "." * node.level + (node.module or "")
            joined = package if package.endswith(".") else f"{package}."
            yield from ((each.asname or each.name, joined + each.name) for each in node.names)


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_the_imports_of_the_standard_library_are_those_that_python_sees(path: Path) -> None:
    text = path.read_text("utf-8", "replace")

    seen = {(each.name, each.target) for each in imports(mask(text).text)}

    assert {name for name, _ in seen} == {name for name, _ in imported(text)}
    assert seen <= {*imported(text), *((name, name) for name, _ in imported(text))}
