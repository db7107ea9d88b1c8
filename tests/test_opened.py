import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.pools.client_pools import pools_of
from poolcheck.read.python.running.opened import opened_at_import
from poolcheck.read.python.syntax.module import Project

HEAD = (
    "import psycopg2.pool\nfrom psycopg_pool import AsyncConnectionPool, ConnectionPool, NullConnectionPool\n"
    "from dbutils.pooled_db import PooledDB\nfrom sqlalchemy import MetaData, NullPool, create_engine\n"
)
ENGINE = "engine = create_engine('postgresql://db/shop')\n"


def opening(text: str, **others: str) -> list[str]:
    """The files whose import opens connections of the pools of a module."""
    texts = {"app.py": HEAD + text, **{f"{other}.py": more for other, more in others.items()}}
    project = Project(Memory({path: each.encode() for path, each in texts.items()}), [*texts])
    module = project.module("app.py")
    assert module
    found = deep(lambda: [opened_at_import(pool, module) for pool in pools_of(module)])
    return [each.place.path for each in found if each]


@pytest.mark.parametrize(
    "text",
    [
        "p = psycopg2.pool.SimpleConnectionPool(1, 5, dsn='')\n",
        "p = ConnectionPool('')\n",
        "p = ConnectionPool('', open=True)\n",
        "class Db:\n    pool = ConnectionPool('')\n",
        "p = PooledDB(psycopg2, mincached=2)\n",
        f"{ENGINE}MetaData().create_all(engine)\n",
        f"{ENGINE}with engine.begin() as c:\n    c.execute('')\n",
    ],
)
def test_what_opens_connections_when_it_is_imported(text: str) -> None:
    assert opening(text) == ["app.py"]


@pytest.mark.parametrize(
    "text",
    [
        "p = psycopg2.pool.SimpleConnectionPool(0, 5, dsn='')\n",
        "p = psycopg2.pool.SimpleConnectionPool(MIN, 5, dsn='')\n",
        "p = ConnectionPool('', open=False)\n",
        "p = ConnectionPool('', open=LATER)\n",
        "p = NullConnectionPool('')\n",
        "p = AsyncConnectionPool('')\n",
        "def f():\n    return ConnectionPool('')\n",
        "make = lambda: ConnectionPool('')\n",
        "if __name__ == '__main__':\n    p = ConnectionPool('')\n",
        "p = PooledDB(psycopg2)\n",
        ENGINE,
        f"{ENGINE}def f():\n    MetaData().create_all(engine)\n",
        f"{ENGINE}if __name__ == '__main__':\n    MetaData().create_all(engine)\n",
        "engine = create_engine('postgresql://db/shop', poolclass=NullPool)\nMetaData().create_all(engine)\n",
        "engine = create_engine('sqlite:///shop.db', poolclass=NullPool)\nMetaData().create_all(engine)\n",
    ],
)
def test_what_opens_none(text: str) -> None:
    assert opening(text) == []


def test_another_module_may_use_an_engine() -> None:
    assert opening(ENGINE, models="from app import engine as e\nBase.metadata.create_all(bind=e)\n") == [
        "models.py"
    ]
