import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.link.link import link
from poolcheck.read.document import Reader
from poolcheck.read.pgbouncer.config import PoolMode
from poolcheck.stated import Stated, StatedDatabase, StatedPooler, StatedWorkload
from poolcheck.system import Sent

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
HANDED_IN = "from sqlalchemy import text\ndef f(conn):\n    conn.execute(text('LISTEN a'))\n"


def sent(stated: Stated = STATED, **texts: str) -> tuple[Sent, ...]:
    """What modules of a project do to sessions that others get."""
    files = {f"{name.replace('__', '/')}.py": text.encode() for name, text in texts.items()}
    reader = Reader(Memory(files))

    def linked() -> tuple[Sent, ...]:
        facts = [fact for path in sorted(files) if (reading := reader.read(path)) for fact in reading.facts]
        return link(facts, files, reader.project, stated).sent

    return deep(linked)


def test_a_statement_on_a_connection_of_a_pool_behind_the_pooler_is_sent_through_it() -> None:
    [found] = sent(shop__db=f"{ENGINE}with engine.connect() as c:\n    c.execute('LISTEN a')")

    assert (found.client.pool.title, found.pooler, found.is_certain) == ("engine", "main", True)
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


def test_a_module_without_a_pool_is_read_where_an_application_is_behind_a_pooler() -> None:
    [found] = sent(shop__db=ENGINE, shop__bus=HANDED_IN)

    assert found.executed.span.path == "shop/bus.py"
    assert not found.is_certain
    assert found.shared
    assert found.shared.provided == ", if its connection is from engine"


def test_a_connection_from_elsewhere_may_be_one_of_a_pool_that_is_not_behind_the_pooler() -> None:
    direct = ENGINE.replace("pgbouncer", "postgres").replace("engine =", "direct =")

    assert sent(shop__db=ENGINE + direct, shop__bus=HANDED_IN) == ()


def test_the_library_tells_which_pools_a_connection_may_be_of() -> None:
    direct = "import asyncpg\nasync def f():\n    return await asyncpg.connect('postgresql://a@postgres:5432/a')\n"
    typed = HANDED_IN.replace("(conn)", "(conn: Connection)").replace("import text", "import Connection, text")

    assert sent(shop__db=ENGINE + direct, shop__bus=HANDED_IN) == ()
    assert len(sent(shop__db=ENGINE + direct, shop__bus=typed)) == 1


def test_a_connection_from_elsewhere_is_of_a_pool_in_the_same_process() -> None:
    direct = ENGINE.replace("pgbouncer", "postgres")
    workloads = {"one": StatedWorkload(source=("one",)), "two": StatedWorkload(source=("two",))}
    stated = STATED._replace(workloads=workloads)

    found = sent(stated, one__db=ENGINE, one__bus=HANDED_IN, two__db=direct, two__bus=HANDED_IN)

    assert [each.executed.span.path for each in found] == ["one/bus.py"]


def test_sql_for_another_database_may_be_meant_where_the_connection_is_from_elsewhere() -> None:
    assert sent(shop__db=ENGINE, shop__bus="import duckdb\n" + HANDED_IN) == ()


@pytest.mark.parametrize("name", ["tests__test_bus", "shop__migrations__bus", "scripts__bus", "shop__migrate"])
def test_what_is_not_the_application_is_left_alone(name: str) -> None:
    assert sent(STATED, **{"shop__db": ENGINE, name: HANDED_IN}) == ()


def test_the_pool_of_a_test_does_not_count() -> None:
    assert sent(tests__db=ENGINE, shop__bus=HANDED_IN) == ()


def test_a_likely_pooler_makes_a_likely_finding() -> None:
    engine = ENGINE.replace("pgbouncer", "orders.example.com")

    [found] = sent(Stated(), shop__db=f"{engine}engine.connect().execute('LISTEN a')")

    assert found.shared
    assert found.shared.provided == ", if port 6432 is that of a pooler in transaction mode"
    assert found.pooler == "a pooler"


def test_a_pooler_in_statement_mode_hands_connections_on_too() -> None:
    stated = STATED._replace(poolers={"main": StatedPooler(hosts=("pgbouncer",), pool_mode="statement")})

    [found] = sent(stated, shop__db=f"{ENGINE}engine.connect().execute('LISTEN a')")

    assert found.client.target
    assert found.client.target.mode
    assert found.client.target.mode.value is PoolMode.STATEMENT
