import pytest

from poolcheck.files import Memory
from poolcheck.read.python.pools.asked import PGOPTIONS, asked_by, names_in
from poolcheck.read.python.pools.client_pools import pools_of
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.read.python.values.environment_set import variable_set
from poolcheck.value import HOLE, Known, Unknown, Value, scalars_of


def module(text: str) -> Module:
    found = Project(Memory({"app/db.py": text.encode()})).module("app/db.py")
    assert found
    return found


def asked(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """What the only pool of a module asks for, in which setting."""
    (pool,) = pools_of(module(text))
    return [(each.setting, each.names) for each in asked_by(pool, None)]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("-c statement_timeout=5s", ["statement_timeout"]),
        ("-cstatement_timeout=5s  -c  search_path=a,b", ["statement_timeout", "search_path"]),
        ("--search_path=shop --lock-timeout=1", ["search_path", "lock-timeout"]),
        (r"-c search_path=\"a\",\ b -c jit=off", ["search_path", "jit"]),
        (f"-c search_path={HOLE},public -c jit=off", ["search_path", "jit"]),
        (f"-c {HOLE}=1 -c jit=off", []),
        (f"{HOLE} -c jit=off", []),
        ("-c jit=off -d 5 -c geqo=off", ["jit"]),
        ("endpoint=ep-cool-darkness", []),
        ("", []),
    ],
)
def test_options_name_parameters(options: str, names: list[str]) -> None:
    assert names_in(options) == names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('import psycopg2\nc = psycopg2.connect("host=h", options="-c jit=off")', [("options", ("jit",))]),
        ("import psycopg2\nc = psycopg2.connect(\"host=h options='-c jit=off'\")", [("options", ("jit",))]),
        (
            'import psycopg\nc = psycopg.connect("postgresql://h/d?options=-c%20jit%3Doff")',
            [("options", ("jit",))],
        ),
        (
            "from psycopg_pool import ConnectionPool\n"
            'c = ConnectionPool("host=h", kwargs={"options": "-c jit=off", "autocommit": True})',
            [("options", ("jit",))],
        ),
        (
            "from sqlalchemy import create_engine\n"
            'e = create_engine("postgresql://h/d", connect_args={"options": f"-c search_path={schema()}"})',
            [("options", ("search_path",))],
        ),
        (
            "from sqlalchemy.ext.asyncio import create_async_engine\n"
            'e = create_async_engine("postgresql+asyncpg:///d", connect_args={"server_settings": {"jit": "off"}})',
            [("server_settings", ("jit",))],
        ),
        (
            "import asyncpg\n"
            'p = asyncpg.create_pool("postgresql://h/d?sslmode=require&jit=off&options=-cgeqo%3Doff",'
            ' server_settings={"options": "-c jit=on"})',
            [
                ("options in server_settings", ("jit",)),
                ("options in the URL", ("geqo",)),
                ("the URL", ("jit",)),
            ],
        ),
        ('import pg8000\nc = pg8000.connect("u", startup_params={"jit": "off"})', [("startup_params", ("jit",))]),
        (
            "from playhouse.pool import PooledPostgresqlDatabase\n"
            'd = PooledPostgresqlDatabase("shop", host="h", options="-c jit=off")',
            [("options", ("jit",))],
        ),
        (
            'from tortoise import Tortoise\nTortoise.init(db_url="asyncpg://h/d?schema=web", modules={})',
            [("schema", ("search_path",))],
        ),
        (
            "import psycopg2\n"
            'c = psycopg2.connect("host=h", options="-c jit=off" if fast() else "-c jit=on -c geqo=off")',
            [("options", ("jit",))],
        ),
        ('import psycopg2\nc = psycopg2.connect("host=h", options="-c jit=off" if fast() else None)', []),
        ("import psycopg2\nfrom a import OPTIONS\nc = psycopg2.connect(host='h', options=OPTIONS)", []),
        ("import asyncpg\nc = asyncpg.connect(host='h', server_settings=settings())", []),
        ("import asyncpg\nc = asyncpg.connect(host='h', options='-c jit=off')", []),
        (
            "from sqlalchemy import create_engine\n"
            'e = create_engine("postgresql://h/d", connect_args={"options": "-c jit=off"}, creator=connect)',
            [],
        ),
        ("import pymysql\nc = pymysql.connect(host='h', options='-c jit=off')", []),
    ],
)
def test_drivers_ask_in_ways_of_their_own(text: str, found: list[tuple[str, tuple[str, ...]]]) -> None:
    assert asked(text) == found


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ('psycopg2.connect("host=h")', [(PGOPTIONS, ("jit",))]),
        ('psycopg2.connect("host=h", options="-c geqo=off")', [("options", ("geqo",))]),
        ('asyncpg.connect("postgresql://h/d")', []),
    ],
)
def test_a_variable_stands_for_options_that_are_not_given(
    call: str, found: list[tuple[str, tuple[str, ...]]]
) -> None:
    (pool,) = pools_of(module(f"import asyncpg, psycopg2\nc = {call}"))

    value: Value = Known("-c jit=off", (pool.span,))

    assert [(each.setting, each.names) for each in asked_by(pool, value)] == found


@pytest.mark.parametrize(
    ("text", "scalar"),
    [
        ('import os\nos.environ["A"] = "1"', ("1",)),
        ('from os import environ\ndef f():\n    environ["A"] = "1"', ("1",)),
        ('import os\nos.environ.setdefault("A", "1")', ("1",)),
        ('import os\nif x():\n    os.environ["A"] = "1"\nelse:\n    os.environ["A"] = "2"', ("1", "2")),
    ],
)
def test_a_module_sets_variables(text: str, scalar: tuple[str, ...]) -> None:
    assert scalars_of(variable_set(module(text), "A")) == scalar


@pytest.mark.parametrize(
    "text",
    ['import os\na = os.environ["A"]', 'environ = {}\nenviron["A"] = "1"', 'import os\nos.environ["B"] = "A"'],
)
def test_a_module_sets_no_such_variable(text: str) -> None:
    assert variable_set(module(text), "A") is None


def test_what_it_is_set_to_may_not_be_known() -> None:
    found = variable_set(module('import os\nos.environ["A"] = given()'), "A")

    assert isinstance(found, Unknown)
