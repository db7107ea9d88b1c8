import pytest

from poolcheck.read.imports import imports


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
