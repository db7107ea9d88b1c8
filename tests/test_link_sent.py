import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.link.link import link
from poolcheck.read.document import Reader
from poolcheck.read.pgbouncer.config import PoolMode
from poolcheck.stated import Stated, StatedDatabase, StatedPooler
from poolcheck.system.clients import Sent

STATED = Stated(
    poolers={
        "main": StatedPooler(hosts=("pgbouncer",), pool_mode="transaction"),
        "kept": StatedPooler(hosts=("sessions",), pool_mode="session"),
    },
    databases={"orders": StatedDatabase(hosts=("postgres",))},
)
ENGINE = (
    "from sqlalchemy import create_engine\nengine = create_engine('postgresql+psycopg2://shop@pgbouncer:6432/a')\n"
)
USED = "from shop.db import engine\nengine.connect().execute('LISTEN a')"
HANDED_IN = "from sqlalchemy import text\ndef f(conn):\n    conn.execute(text('LISTEN a'))\n"


def sent(stated: Stated = STATED, **texts: str) -> tuple[Sent, ...]:
    """What modules of a project do to sessions that others get."""
    files = {f"{name.replace('__', '/')}.py": text.encode() for name, text in texts.items()}
    reader = Reader(Memory(files), [*files])

    def linked() -> tuple[Sent, ...]:
        facts = [fact for path in sorted(files) if (reading := reader.read(path)) for fact in reading.facts]
        return link(facts, files, reader.project, stated).sent

    return deep(linked)


def test_a_statement_on_a_connection_of_a_pool_behind_the_pooler_is_sent_through_it() -> None:
    [found] = sent(shop__db=f"{ENGINE}with engine.connect() as c:\n    c.execute('LISTEN a')")

    assert (found.client.pool.title, found.shared and found.shared.pooler, found.is_certain) == (
        "engine",
        "main",
        True,
    )
    assert found.shared
    assert found.shared.is_certain
    assert [reason.text for reason in found.shared.because] == [
        "the connection is from engine",
        "engine connects to pgbouncer",
        "server connections change hands after each transaction",
    ]


@pytest.mark.parametrize("host", ["sessions:6432", "postgres:6432", "elsewhere:5432"])
def test_what_others_do_not_get_is_not_told(host: str) -> None:
    engine = ENGINE.replace("pgbouncer:6432", host)

    assert sent(shop__db=f"{engine}with engine.connect() as c:\n    c.execute('LISTEN a')") == ()


def test_a_connection_that_another_module_passes_is_one_of_its_pool() -> None:
    passing = f"from shop.bus import f\n{ENGINE}with engine.connect() as c:\n    f(c)\n"

    [found] = sent(shop__db=passing, shop__bus=HANDED_IN)

    assert (found.executed.span.path, found.client.pool.title, found.is_certain) == ("shop/bus.py", "engine", True)


def test_nothing_is_told_of_a_connection_that_comes_from_nobody_sees_where() -> None:
    typed = HANDED_IN.replace("(conn)", "(conn: Connection)").replace("import text", "import Connection, text")

    assert sent(shop__db=ENGINE, shop__bus=HANDED_IN) == sent(shop__db=ENGINE, shop__bus=typed) == ()


def test_a_connection_of_one_of_two_pools_is_not_told() -> None:
    direct = ENGINE.replace("pgbouncer", "postgres").replace("engine =", "direct =")

    assert sent(shop__db=f"{ENGINE}{direct}c = (engine if a else direct).connect()\nc.execute('LISTEN a')") == ()


def test_the_session_of_flask_sqlalchemy_is_one_of_the_configured_engine() -> None:
    config = "SQLALCHEMY_DATABASE_URI = 'postgresql://shop@pgbouncer:6432/a'\n"
    app = "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\ndb.session.execute('LISTEN a')"

    [found] = sent(shop__config=config, shop__app=app)

    assert found.client.pool.title == "SQLALCHEMY_DATABASE_URI"


def settings(host: str, *lines: str, alias: str = "default") -> str:
    table = f'{{"ENGINE": "django.db.backends.postgresql", "HOST": "{host}", "PORT": 6432, "NAME": "a"}}'
    return "\n".join((f'DATABASES = {{"{alias}": {table}}}', *lines))


CURSOR = "from django.db import connection\nwith connection.cursor() as c:\n    c.execute('LISTEN a')"
READ = "from .models import Order\nfor each in Order.objects.iterator():\n    pass"


def test_djangos_connection_is_one_of_the_nearest_settings() -> None:
    modules = {"one__site__settings": settings("pgbouncer"), "one__app__bus": CURSOR}
    others = {"two__site__settings": settings("postgres"), "two__app__bus": CURSOR}

    found = sent(STATED, **modules, **others)

    assert [each.executed.span.path for each in found] == ["one/app/bus.py"]


def test_all_settings_of_one_site_count() -> None:
    found = sent(site__dev=settings("postgres"), site__prod=settings("pgbouncer"), app__bus=CURSOR)

    assert [each.client.pool.span.path for each in found] == ["site/prod.py"]


def test_a_query_set_is_read_from_the_default_database() -> None:
    [found] = sent(site__settings=settings("pgbouncer"), app__read=READ)

    assert (found.client.pool.title, found.is_certain) == ("DATABASES['default']", True)


@pytest.mark.parametrize(("host", "is_certain"), [("pgbouncer", [False]), ("postgres", [])])
def test_where_a_router_may_choose_another_database_all_of_them_count(host: str, is_certain: list[bool]) -> None:
    other = settings(host, alias="other").replace("DATABASES =", "DATABASES |=")
    routed = settings(
        "pgbouncer", other.replace("DATABASES |= ", "DATABASES.update(") + ")", "DATABASE_ROUTERS = []"
    )

    found = sent(site__settings=routed, app__read=READ)

    assert [each.is_certain for each in found] == is_certain


def test_what_names_its_database_is_not_routed() -> None:
    read = READ.replace("objects", "objects.using('default')")

    [found] = sent(site__settings=settings("pgbouncer", "DATABASE_ROUTERS = []"), app__read=read)

    assert found.is_certain


@pytest.mark.parametrize(
    "name", ["tests__test_bus", "shop__migrations__bus", "scripts__bus", "shop__migrate", "shop__run_migrations"]
)
def test_what_is_not_the_application_is_left_alone(name: str) -> None:
    assert sent(STATED, **{"shop__db": ENGINE, name: USED}) == ()


def test_the_pool_of_a_test_does_not_count() -> None:
    assert sent(tests__db=ENGINE, shop__bus=USED.replace("shop.db", "tests.db")) == ()


def test_a_likely_pooler_makes_a_likely_finding() -> None:
    engine = ENGINE.replace("pgbouncer", "orders.example.com")

    [found] = sent(Stated(), shop__db=f"{engine}engine.connect().execute('LISTEN a')")

    assert found.shared
    assert found.shared.provided == ", if port 6432 is that of a pooler in transaction mode"
    assert found.shared.pooler == "a pooler"


def test_a_pooler_in_statement_mode_hands_connections_on_too() -> None:
    stated = STATED._replace(poolers={"main": StatedPooler(hosts=("pgbouncer",), pool_mode="statement")})

    [found] = sent(stated, shop__db=f"{ENGINE}engine.connect().execute('LISTEN a')")

    assert found.client.target
    assert found.client.target.mode
    assert found.client.target.mode.value is PoolMode.STATEMENT
