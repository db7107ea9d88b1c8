from collections.abc import Mapping

import pytest

from poolcheck.files import Memory
from poolcheck.read.python.libraries.constructors import BY_NAME
from poolcheck.read.python.pools.capacity import is_unlimited, most_connections
from poolcheck.read.python.pools.client_pool import ClientPool, resolved
from poolcheck.read.python.pools.client_pools import pools_of
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.syntax.module import Project
from poolcheck.source import Span
from poolcheck.value import Either, Known, Unknown, Value, number_of, scalars_of


def pools(text: str, others: Mapping[str, str] | None = None) -> list[ClientPool]:
    """The pools that app/db.py makes."""
    files = {"app/__init__.py": "", "app/db.py": text, **(others or {})}
    module = Project(Memory({path: written.encode() for path, written in files.items()})).module("app/db.py")
    assert module
    return list(pools_of(module))


def pool(text: str, others: Mapping[str, str] | None = None) -> ClientPool:
    """The only pool that app/db.py makes."""
    (found,) = pools(text, others)
    return found


def engine(arguments: str, before: str = "") -> ClientPool:
    return pool(f"from sqlalchemy import create_engine\n{before}\nengine = create_engine({arguments})")


def scalar(value: Value | None) -> object:
    assert isinstance(value, Known)
    return value.scalar


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_each_constructor_is_found_however_it_is_imported(name: str) -> None:
    package, _, last = name.rpartition(".")
    top, _, rest = name.partition(".")
    texts = [
        f"import {top}\n{name}()",
        f"import {top} as lib\nlib.{rest}()",
        f"from {package} import {last}\n{last}()",
        f"from {package} import {last} as make\nmake()",
        f"from {package} import *\n{last}()",
        f"from {package} import (\n    something,\n    {last},\n)\n{last}()",
        f"def pool():\n    from {package} import {last}\n    return {last}()",
        f"async def pool():\n    async with {name}() as it:\n        pass\nimport {top}",
        f"class Db:\n    def __init__(self):\n        self.it = {name}()\nimport {top}",
        f"if True:\n    import {top}\n    {name}()",
        f"try:\n    import {top}\nexcept ImportError:\n    {top} = None\n{name}()",
    ]
    if not name.endswith(("Connection.connect", "PooledDB")):
        assert [pool(text).constructor for text in texts] == [BY_NAME[name]] * len(texts)
    assert pool(texts[0]).constructor == BY_NAME[name]


@pytest.mark.parametrize(
    "text",
    [
        "from keras.layers import MaxPool2D\nMaxPool2D(pool_size=(2, 2))",
        "import redis\nredis.ConnectionPool(max_connections=0)",
        "from redis import ConnectionPool\nConnectionPool(host='redis')",
        "from urllib3 import PoolManager\nPoolManager(maxsize=0)",
        "def create_engine(url):\n    return url\ncreate_engine('postgresql://db/shop')",
        "from game import create_engine\ncreate_engine('postgresql://db/shop')",
        "from sqlalchemy import create_engine\ndef create_engine(url):\n    return url\ncreate_engine('x')",
        "from sqlalchemy import create_engine\ndef f(create_engine):\n    create_engine('postgresql://db/shop')",
        "import sqlalchemy\nsqlalchemy.text('create_engine()')",
        "create_engine('postgresql://db/shop')",
        "'''\nfrom sqlalchemy import create_engine\ncreate_engine('postgresql://db/shop')\n'''",
        "from sqlalchemy import create_engine\n# create_engine('postgresql://db/shop')\n",
        "from .engine import create_engine\ncreate_engine('postgresql://db/shop')",
        "from sqlalchemy import create_engine\nmake = create_engine",
        "from sqlalchemy import *\ndef create_engine(url):\n    return url\ncreate_engine('x')",
        "from sqlalchemy import *\ndef f(create_engine):\n    create_engine('x')",
        "from game import *\ncreate_engine('postgresql://db/shop')",
    ],
)
def test_what_is_only_called_like_a_constructor_makes_no_pool(text: str) -> None:
    assert not pools(text)


def test_imports_that_are_no_python_make_no_pool() -> None:
    assert not pools("from psycopg_pool import ConnectionPool as )\nConnectionPool()")


def test_a_constructor_is_found_through_other_modules() -> None:
    others = {"app/driver.py": "from psycopg2 import connect\nimport asyncpg"}

    assert pool("from app.driver import connect\nconnect()", others).constructor == BY_NAME["psycopg2.connect"]
    assert pool("from .driver import asyncpg\nasyncpg.connect()", others).constructor == BY_NAME["asyncpg.connect"]


def test_a_name_that_two_libraries_are_imported_as_makes_no_known_pool() -> None:
    text = (
        "try:\n    from psycopg_pool import ConnectionPool\nexcept ImportError:\n"
        "    from psycopg2.pool import ThreadedConnectionPool as ConnectionPool\nConnectionPool(1, 20)"
    )

    assert not pools(text)


def test_two_ways_to_import_one_constructor_are_one() -> None:
    text = "from sqlalchemy import create_engine\nfrom sqlmodel import create_engine\ncreate_engine('sqlite://')"

    assert pool(text).constructor == BY_NAME["sqlalchemy.create_engine"]


def test_each_function_has_its_own_imports() -> None:
    text = (
        "def one():\n    from psycopg import connect\n    return connect()\n"
        "def other():\n    from psycopg2 import connect\n    return connect()"
    )

    assert [each.constructor.name for each in pools(text)] == ["psycopg.connect", "psycopg2.connect"]


def test_a_generic_pool_is_found_behind_its_type() -> None:
    text = (
        "from psycopg import Connection\nfrom psycopg_pool import ConnectionPool\nConnectionPool[Connection]('x')"
    )

    assert pool(text).constructor == BY_NAME["psycopg_pool.ConnectionPool"]


@pytest.mark.parametrize(
    ("text", "name", "function"),
    [
        ("p = create_pool()", "p", None),
        ("p: Pool = create_pool()", "p", None),
        ("a = b = create_pool()", "a", None),
        ("async def f():\n    p = await create_pool()", "p", "f"),
        ("async def f():\n    async with create_pool() as p:\n        pass", "p", "f"),
        ("class A:\n    async def f(self):\n        self.p = await create_pool()", "self.p", "f"),
        ("async def f():\n    if (p := await create_pool()):\n        pass", "p", "f"),
        ("async def f():\n    return await create_pool()", None, "f"),
        ("def f():\n    use(create_pool())", None, "f"),
        ("p = wrap(create_pool())", None, None),
    ],
)
def test_a_pool_has_the_name_that_it_is_assigned_to(text: str, name: str | None, function: str | None) -> None:
    found = pool(f"from asyncpg import create_pool\n{text}")

    assert (found.name, found.function) == (name, function)
    assert found.title == (name or "create_pool()")


@pytest.mark.parametrize("name", ["PersistentConnectionPool", "SimpleConnectionPool", "ThreadedConnectionPool"])
def test_a_pool_without_a_name_is_called_what_the_code_calls_it(name: str) -> None:
    (found,) = pools(f"from psycopg2.pool import {name} as Pool\nuse(Pool(1, 20))")

    assert found.title == f"{name}()"


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("psycopg2.pool.ThreadedConnectionPool(1, 20, 'x')", {"minconn": 1, "maxconn": 20, "dsn": "x"}),
        ("psycopg2.pool.ThreadedConnectionPool(1, maxconn=20)", {"minconn": 1, "maxconn": 20}),
        ("mysql.connector.pooling.MySQLConnectionPool(8, 'x')", {"pool_size": 8, "pool_name": "x"}),
        (
            "dbutils.pooled_db.PooledDB(psycopg2, 0, 5, 0, 20)",
            {"mincached": 0, "maxcached": 5, "maxconnections": 20},
        ),
        ("playhouse.pool.PooledPostgresqlDatabase('x', 8, 300)", {"max_connections": 8, "stale_timeout": 300}),
        ("aiomysql.create_pool(1, 8)", {"minsize": 1, "maxsize": 8}),
        ("MySQLdb.connect('h', 'u', 'p', 'd', 3306)", {"host": "h", "user": "u", "db": "d", "port": 3306}),
        ("pg8000.connect('u', 'h', 'd', 5432)", {"user": "u", "host": "h", "database": "d", "port": 5432}),
    ],
)
def test_arguments_by_position_are_known_by_their_names(call: str, arguments: Mapping[str, object]) -> None:
    imports = "import psycopg2.pool, mysql.connector.pooling, dbutils.pooled_db, playhouse.pool\n"

    found = pool(f"{imports}import aiomysql, MySQLdb, pg8000\nx = {call}")

    assert {name: scalar(found.given(name)) for name in arguments} == arguments
    assert found.all_known


def test_more_arguments_than_parameters_are_not_known() -> None:
    assert not pool("import asyncpg\nasyncpg.create_pool('dsn', 5)").all_known
    assert not engine("*arguments").all_known
    assert isinstance(engine("'x', **options").given("pool_size"), Unknown)


def test_what_is_not_given_has_its_default() -> None:
    found = engine("'postgresql://db/shop', pool_size=20")

    assert found.given("max_overflow") is None
    assert [scalar(found.effective(name)) for name in ("pool_size", "max_overflow")] == [20, 10]
    assert found.effective("echo") is None


def test_what_may_be_given_has_no_default() -> None:
    found = engine("'postgresql://db/shop', **options")

    assert isinstance(found.effective("max_overflow"), Unknown)
    assert most_connections(found).high is None


def test_arguments_in_dictionaries_are_found() -> None:
    found = engine("'x', **{'pool_size': 20}, **OPTIONS", before="OPTIONS = dict(max_overflow=0)")

    assert [scalar(found.given(name)) for name in ("pool_size", "max_overflow")] == [20, 0]
    assert found.all_known


def test_an_argument_on_one_branch_only_is_the_argument_or_the_default() -> None:
    before = "options = {'pool_pre_ping': True}\nif BIG:\n    options['max_overflow'] = -1"

    found = engine("'x', **options", before=before)

    assert scalars_of(found.given("max_overflow")) == (10, -1)
    assert scalar(found.given("pool_pre_ping")) is True
    assert found.given("pool_size") is None


def test_a_parameter_without_a_known_default_may_be_given_on_one_branch() -> None:
    before = "options = {}\nif SSL:\n    options['connect_args'] = {'sslmode': 'require'}"

    assert isinstance(engine("'x', **options", before=before).given("connect_args"), Either)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ("connect_args={'connect_timeout': 5}", 5),
        ("connect_args=ARGS", 5),
        ("connect_args=ARGS if FAST else {'connect_timeout': 5, 'sslmode': 'require'}", 5),
        ("connect_args={}", None),
        ("connect_args=None", None),
        ("pool_size=5", None),
        ("connect_args={**others}", "unknown"),
        ("connect_args=make()", "unknown"),
        ("connect_args=ARGS if FAST else {}", "unknown"),
        ("**others", "unknown"),
    ],
)
def test_arguments_of_the_driver_are_found(arguments: str, value: object) -> None:
    found = engine(f"'postgresql://db/shop', {arguments}", before="ARGS = {'connect_timeout': 5}")

    given = found.driver_argument("connect_timeout")

    assert ("unknown" if isinstance(given, Unknown) else given and number_of(given)) == value


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("psycopg2.connect('host=db', connect_timeout=5)", 5),
        ("psycopg2.connect('host=db connect_timeout=5')", "5"),
        ("psycopg2.connect('postgresql://db/shop?connect_timeout=5')", "5"),
        ("psycopg2.connect('host=db')", None),
        ("psycopg2.connect(host='db')", None),
        ("psycopg2.connect(DSN)", "unknown"),
        ("psycopg2.connect(f'postgresql://db/shop?{query}')", "unknown"),
        ("psycopg2.connect(f'postgresql://{user}@{host}/shop')", None),
        ("psycopg2.connect(f'host=db {more}')", "unknown"),
        ("psycopg2.connect('host=db', **more)", "unknown"),
    ],
)
def test_options_are_found_in_the_connection_string_and_beside_it(call: str, value: object) -> None:
    option = pool(f"import psycopg2\n{call}").option("connect_timeout")

    assert ("unknown" if isinstance(option, Unknown) else option and scalar(option)) == value


@pytest.mark.parametrize(
    ("call", "address"),
    [
        ("psycopg2.connect(host='db', port=6432, dbname='shop', user='web')", ("web", "db", 6432, "shop")),
        ("psycopg2.connect('dbname=shop', host='db')", ("", "db", 5432, "shop")),
        ("psycopg2.connect('postgresql://web@db/shop', port=6432)", ("web", "db", 6432, "shop")),
        ("psycopg2.connect(host=find())", ("", None, 5432, "")),
        ("psycopg2.connect('host=db', **more)", (None, "db", None, None)),
        ("asyncpg.connect(host='db', database='shop')", ("", "db", 5432, "shop")),
        ("psycopg_pool.ConnectionPool('host=db', kwargs={'dbname': 'shop'})", ("", "db", 5432, "shop")),
        ("aiomysql.connect(host='db', db='shop')", ("", "db", 3306, "shop")),
    ],
)
def test_the_address_is_put_together_from_string_and_keywords(call: str, address: tuple[object, ...]) -> None:
    found = pool(f"import psycopg2, asyncpg, psycopg_pool, aiomysql\n{call}").address

    assert found
    assert (found.user, found.host, found.port_number, found.database) == address


def test_a_url_that_is_rewritten_for_sqlalchemy_is_one_address() -> None:
    before = (
        'URL = "postgres://db/shop"\nif URL.startswith("postgres:"):\n    URL = URL.replace("s://", "sql://", 1)'
    )

    found = engine("URL", before=before).address

    assert found
    assert (found.dialect, found.host, found.database) == ("postgresql", "db", "shop")


def test_two_urls_are_no_known_address() -> None:
    assert engine("'postgresql://one/shop' if ONE else 'postgresql://other/shop'").address is None


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql+psycopg2://db/shop", "psycopg2"),
        ("postgresql+asyncpg://db/shop", "asyncpg"),
        ("postgresql://db/shop", None),
        ("mysql://db/shop", "mysqldb"),
        ("sqlite:///shop.db", None),
    ],
)
def test_a_url_tells_the_driver_where_its_version_does_not_matter(url: str, driver: str | None) -> None:
    assert engine(repr(url)).driver == driver


def test_peewee_takes_whichever_driver_is_installed() -> None:
    found = pool(
        "from playhouse.pool import PooledPostgresqlDatabase\nPooledPostgresqlDatabase('shop', host='db')"
    )

    assert found.driver is None


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("from sqlalchemy import create_engine\ncreate_engine('x')", 15, 15),
        ("from sqlalchemy import create_engine\ncreate_engine('x', pool_size=3, max_overflow=0)", 3, 3),
        ("from sqlalchemy import create_engine\ncreate_engine('x', pool_size=0)", 0, None),
        ("from sqlalchemy import create_engine\ncreate_engine('x', max_overflow=-1)", 0, None),
        ("from sqlalchemy import create_engine\ncreate_engine('x', pool_size=1 if SMALL else 20)", 11, 30),
        ("from sqlalchemy import create_engine, pool\ncreate_engine('x', poolclass=pool.NullPool)", 0, None),
        ("from sqlalchemy import create_engine, StaticPool\ncreate_engine('x', poolclass=StaticPool)", 1, 1),
        ("from sqlalchemy import create_engine\ncreate_engine('x', poolclass=kind())", 0, None),
        ("from psycopg2.pool import SimpleConnectionPool\nSimpleConnectionPool(1, 20)", 20, 20),
        ("from psycopg2 import connect\nconnect()", 1, 1),
        ("from psycopg_pool import ConnectionPool\nConnectionPool()", 4, 4),
        ("from psycopg_pool import ConnectionPool\nConnectionPool(min_size=2)", 2, 2),
        ("from psycopg_pool import ConnectionPool\nConnectionPool(max_size=9)", 9, 9),
        ("from psycopg_pool import NullConnectionPool\nNullConnectionPool()", 0, None),
        ("from asyncpg import create_pool\ncreate_pool('x')", 10, 10),
        ("from aiopg import create_pool\ncreate_pool('x', maxsize=0)", 0, None),
        ("from asyncmy import create_pool\ncreate_pool(maxsize=3)", 3, 3),
        ("from mysql.connector.pooling import MySQLConnectionPool\nMySQLConnectionPool()", 5, 5),
        ("from dbutils.pooled_db import PooledDB\nPooledDB(driver)", 0, None),
        ("from dbutils.pooled_db import PooledDB\nPooledDB(driver, maxconnections=9)", 9, 9),
        ("from playhouse.pool import PooledPostgresqlDatabase\nPooledPostgresqlDatabase('x')", 20, 20),
        ("from playhouse.pool import PooledPostgresqlDatabase\nPooledPostgresqlDatabase(None)", 0, None),
        ("from oracledb import create_pool\ncreate_pool('x')", 2, 2),
        ("from oracledb import create_pool\ncreate_pool('x', params=params)", 0, None),
        (
            "from oracledb import POOL_GETMODE_FORCEGET as F, create_pool\ncreate_pool('x', getmode=F)",
            0,
            None,
        ),
        ("from sqlalchemy import create_engine\ncreate_engine('x', pool_size=-1)", 9, 9),
        ("from sqlalchemy import create_engine\ncreate_engine('sqlite://')", 0, None),
        ("from sqlalchemy import create_engine\ncreate_engine('x', pool=p)", 0, None),
        ("from sqlalchemy import engine_from_config as f\nf({'sqlalchemy.pool_size': '7'})", 17, 17),
        ("from sqlalchemy import engine_from_config as f\nf({'db.pool_size': 7}, 'db.')", 17, 17),
        ("from sqlalchemy import engine_from_config as f\nf(config, max_overflow=0)", 0, None),
        ("from sqlalchemy.pool import QueuePool\nQueuePool(connect, 3, 4)", 7, 7),
        ("from psycopg2.pool import SimpleConnectionPool\nSimpleConnectionPool(30, 20)", 30, 30),
        ("from psycopg2.pool import SimpleConnectionPool\nSimpleConnectionPool(least, 20)", 20, 20),
        ("from psycopg2.pool import SimpleConnectionPool\nSimpleConnectionPool('1', '20')", 20, 20),
        ("from mysql.connector import connect\nconnect(host='db')", 1, 1),
        ("from mysql.connector import connect\nconnect(host='db', pool_name='shop')", 5, 5),
        ("from mysql.connector import connect\nconnect(host='db', pool_size=7)", 7, 7),
        ("from dbutils.pooled_db import PooledDB\nPooledDB(driver, maxconnections=3, maxcached=5)", 5, 5),
        ("from dbutils.persistent_db import PersistentDB\nPersistentDB(driver)", 0, None),
        ("from playhouse.pwasyncio import AsyncPostgresqlDatabase as D\nD('x')", 10, 10),
        ("from databases import Database\nDatabase('postgresql://db/shop')", 10, 10),
        ("from databases import Database\nDatabase('postgresql://db/shop?max_size=20')", 20, 20),
        ("from databases import Database\nDatabase('postgresql://db/shop', max_size=5)", 5, 5),
        ("from databases import Database\nDatabase(url)", 0, None),
        ("from tortoise import Tortoise\nTortoise.init(db_url='postgres://db/shop')", 5, 5),
        ("from tortoise import Tortoise\nTortoise.init(db_url='postgres://db/shop?maxsize=9')", 9, 9),
        ("from flask_sqlalchemy import SQLAlchemy\nSQLAlchemy(app)", 0, None),
    ],
)
def test_the_most_connections_are_told_where_they_are_known(text: str, low: int, high: int | None) -> None:
    most = most_connections(pool(text))

    assert (most.low, most.high) == (low, high)


@pytest.mark.parametrize(("requirements", "high"), [("sqlalchemy<2", 20), ("sqlalchemy>=2", None), ("", None)])
def test_a_size_of_0_is_no_limit_since_sqlalchemy_2(requirements: str, high: int | None) -> None:
    text = "from sqlalchemy import create_engine\ncreate_engine('x', pool_size=0, max_overflow=20)"

    assert most_connections(pool(text, {"requirements.txt": requirements})).high == high


@pytest.mark.parametrize(
    ("url", "requirements", "driver"),
    [
        ("postgresql://db/shop", "sqlalchemy<2.1", "psycopg2"),
        ("postgresql://db/shop", "sqlalchemy>=2.1", "psycopg"),
        ("postgresql://db/shop", "sqlalchemy\npsycopg2-binary", "psycopg2"),
        ("postgresql://db/shop", "sqlalchemy\npsycopg[binary]", "psycopg"),
        ("postgresql://db/shop", "sqlalchemy\npsycopg\npsycopg2", None),
        ("postgresql://db/shop", "", None),
        ("oracle://db/shop", "sqlalchemy==2.0.36", "cx_oracle"),
        ("oracle://db/shop", "sqlalchemy==2.1.9", "oracledb"),
    ],
)
def test_the_default_driver_is_told_by_versions(url: str, requirements: str, driver: str | None) -> None:
    text = f"from sqlalchemy import create_engine\ncreate_engine({url!r})"

    assert pool(text, {"requirements.txt": requirements}).driver == driver


@pytest.mark.parametrize(
    ("call", "requirements", "kind"),
    [
        ("create_engine('postgresql+psycopg2://db/shop')", "", "QueuePool"),
        ("create_async_engine('postgresql+asyncpg://db/shop')", "", "AsyncAdaptedQueuePool"),
        ("create_engine('postgresql+asyncpg://db/shop')", "", "AsyncAdaptedQueuePool"),
        ("create_engine('sqlite://')", "", "SingletonThreadPool"),
        ("create_engine('sqlite:///:memory:')", "", "SingletonThreadPool"),
        ("create_engine('sqlite:///shop.db')", "sqlalchemy<2", "NullPool"),
        ("create_engine('sqlite:///shop.db')", "sqlalchemy>=2", "QueuePool"),
        ("create_engine('sqlite:///shop.db')", "", None),
        ("create_async_engine('sqlite+aiosqlite://')", "", "StaticPool"),
        ("create_async_engine('sqlite+aiosqlite:///shop.db')", "sqlalchemy==2.0.30", "NullPool"),
        ("create_async_engine('sqlite+aiosqlite:///shop.db')", "sqlalchemy==2.0.40", "AsyncAdaptedQueuePool"),
        ("create_engine('x', poolclass=None)", "", "QueuePool"),
        ("create_engine('x', poolclass=NullPool)", "", "NullPool"),
        ("create_engine('x', poolclass=NullPool if A else QueuePool)", "", None),
        ("create_engine('x', **{'poolclass': NullPool})", "", "NullPool"),
        ("create_engine('x', **OPTIONS)", "", "NullPool"),
    ],
)
def test_the_class_of_a_pool_is_the_given_one_or_the_default(
    call: str, requirements: str, kind: str | None
) -> None:
    text = (
        "from sqlalchemy import create_engine, NullPool, QueuePool\n"
        "from sqlalchemy.ext.asyncio import create_async_engine\n"
        f"OPTIONS = {{'poolclass': NullPool}}\n{call}"
    )

    assert pool(text, {"requirements.txt": requirements}).pool_class == kind


def test_what_only_some_branches_give_is_given_partly() -> None:
    found = engine("'x', **options", before="options = {}\nif A:\n    options['pool_size'] = 5")

    assert found.partly == {"pool_size"}
    assert engine("'x', pool_size=5").partly == frozenset()


def test_tortoise_makes_a_pool_for_each_connection() -> None:
    text = (
        "from tortoise import Tortoise\nCONFIG = {'connections': {'default': 'asyncpg://web@db/shop?maxsize=9', "
        "'log': {'engine': 'tortoise.backends.mysql', 'credentials': {'host': 'log', 'maxsize': 3}}}}\n"
        "async def f():\n    await Tortoise.init(config=CONFIG)"
    )

    found = pools(text)

    assert [each.title for each in found] == ["connection 'default'", "connection 'log'"]
    assert [each.driver for each in found] == ["asyncpg", "asyncmy"]
    assert [each.address and each.address.host for each in found] == ["db", "log"]
    assert [most_connections(each).high for each in found] == [9, 3]


def test_a_package_of_the_project_is_not_the_library_of_the_same_name() -> None:
    others = {"databases/__init__.py": "class Database:\n    pass"}

    assert not pools("from databases import Database\nDatabase('postgresql://db/shop')", others)


def test_a_limit_is_lifted_only_by_what_lifts_it() -> None:
    assert is_unlimited(engine("'x', max_overflow=-1"))
    assert not is_unlimited(engine("'x', max_overflow=0"))
    assert not is_unlimited(engine("'x', max_overflow=False"))
    assert not is_unlimited(engine("'x', max_overflow=-1 if BIG else 10"))


def test_a_pool_is_resolved_in_an_environment() -> None:
    found = engine("os.environ['URL'], pool_size=int(os.getenv('SIZE', '5'))", before="import os")
    variables = {"URL": Known("postgresql://db/shop", (Span("pod.yaml", 0, 1),))}

    made = resolved(found, variables.get)

    assert made.address
    assert made.address.host == "db"
    assert number_of(made.given("pool_size")) == 5


def test_the_place_of_a_host_is_where_it_is_written() -> None:
    text = 'from sqlalchemy import create_engine\nHOST = "db"\ncreate_engine(f"postgresql://{HOST}:{PORT}/shop")'

    place = pool(text).place_of("db", "host")

    assert text[place.start : place.end] == '"db"'


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("app/db.py", Role.APPLICATION),
        ("tests/db.py", Role.TEST),
        ("app/test_db.py", Role.TEST),
        ("app/db_test.py", Role.TEST),
        ("app/tests.py", Role.TEST),
        ("conftest.py", Role.TEST),
        ("alembic/env.py", Role.MIGRATION),
        ("app/db_migrations/env.py", Role.MIGRATION),
        ("app/revisions/core/env.py", Role.MIGRATION),
        ("app/env.py", Role.APPLICATION),
        ("app/migrations/0001.py", Role.MIGRATION),
        ("examples/db.py", Role.EXAMPLE),
        ("docs_src/db.py", Role.EXAMPLE),
        ("app/latest/contest.py", Role.APPLICATION),
    ],
)
def test_a_path_tells_what_a_file_is_for(path: str, role: Role) -> None:
    assert role_of(path) is role


def test_what_only_runs_with_the_module_itself_is_an_example() -> None:
    text = "import psycopg2\nif __name__ == '__main__':\n    psycopg2.connect('host=db')"

    assert pool(text).role is Role.EXAMPLE


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("engine", Role.APPLICATION),
        ("test_engine", Role.TEST),
        ("_testing_engine", Role.TEST),
        ("self.test_engine", Role.TEST),
        ("testimonials", Role.APPLICATION),
    ],
)
def test_what_is_called_a_test_is_one_wherever_it_stands(name: str, role: Role) -> None:
    text = f"from sqlalchemy import create_engine\n\n\ndef f(self):\n    {name} = create_engine('sqlite://')\n"

    assert pool(text).role is role


def test_alembics_engine_has_what_alembic_ini_says() -> None:
    text = (
        "from alembic import context\nfrom sqlalchemy import engine_from_config, pool\n\nconfig = context.config\n"
        "engine = engine_from_config(config.get_section(config.config_ini_section), poolclass=pool.NullPool)\n"
    )
    found = pool(text, {"alembic.ini": "[alembic]\nsqlalchemy.url = postgresql://h/d\nsqlalchemy.pool_size = 5\n"})

    size = found.given("pool_size")
    assert isinstance(size, Known)
    assert (size.scalar, found.pool_class, found.all_known) == (5, "NullPool", False)


BY_DIALECT = """
import os
from sqlalchemy import create_engine
URL = os.environ["URL"]
"""


@pytest.mark.parametrize(
    "text",
    [
        "if URL.startswith('mysql'):\n    e = create_engine(URL)\nelse:\n    e = create_engine(URL, pool_size=20)",
        "e = create_engine(URL) if 'mysql' in URL else create_engine(URL, pool_size=20)",
        "def e():\n    if URL.startswith('mysql'):\n        return create_engine(URL)\n"
        "    return create_engine(URL, pool_size=20)",
        "def e():\n    if not URL.startswith('mysql'):\n        return create_engine(URL, pool_size=20)\n"
        "    return create_engine(URL)",
    ],
)
@pytest.mark.parametrize(("url", "held"), [("mysql://db/x", 15), ("postgresql://db/x", 30), (None, 45)])
def test_a_pool_on_a_branch_for_another_dialect_is_never_made(text: str, url: str | None, held: int) -> None:
    place = (Span("m.yaml", 0, 0),)
    told: dict[str, Value] = {"URL": Known(url, place) if url else Unknown(place)}
    made = [resolved(each, told.get) for each in pools(BY_DIALECT + text)]

    assert sum(most_connections(each).most for each in made) == held


def test_what_is_asked_of_anything_else_decides_nothing() -> None:
    text = f"{BY_DIALECT}ON = False\nif ON:\n    engine = create_engine(URL)\n"

    assert not pool(text).is_never_made


@pytest.mark.parametrize(
    ("url", "held"), [("postgresql://db/x", (25, 25)), ("mysql://db/x", (15, 15)), (None, (5, 30))]
)
def test_what_one_dialect_is_given_another_is_not(url: str | None, held: tuple[int, int]) -> None:
    text = (
        f"{BY_DIALECT}kwargs = {{'echo': False}}\nif URL.startswith('postgresql'):\n"
        "    kwargs.update(pool_size=20, max_overflow=5)\nengine = create_engine(URL, **kwargs)\n"
    )
    place = (Span("m.yaml", 0, 0),)
    told: dict[str, Value] = {"URL": Known(url, place) if url else Unknown(place)}
    found = most_connections(resolved(pool(text), told.get))

    assert (found.low, found.most) == held if url else found.low <= 15 <= found.most


def test_a_second_url_that_is_not_set_is_no_address_however_it_is_put_in_order() -> None:
    text = (
        "import os\nfrom sqlalchemy import create_engine\n\n\n"
        "def build(url):\n    if url.startswith('postgresql://'):\n"
        "        url = url.replace('postgresql://', 'postgresql+psycopg://', 1)\n    return create_engine(url)\n"
        "def main():\n    return build(os.environ['URL'])\n"
        "def read():\n    return build(os.getenv('READ_URL'))\n"
    )
    module = Project(Memory({"app/db.py": text.encode()}), ["app/db.py"]).module("app/db.py")
    assert module
    [found] = pools_of(module)
    told: dict[str, Value] = {"URL": Known("postgresql+psycopg://db/x", (Span("m.yaml", 0, 0),))}

    address = resolved(found, told.get).address

    assert address
    assert (address.host, address.driver) == ("db", "psycopg")
