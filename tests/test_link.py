"""From documents to one system, by the short way and the long one."""

import pytest

from poolcheck.link.demands import demands
from poolcheck.link.known import Known
from poolcheck.link.link import link
from poolcheck.read.document import Fact
from poolcheck.read.pgbouncer.load import read_pgbouncer
from poolcheck.source import Source
from poolcheck.stated import Stated, StatedDatabase, Versions
from poolcheck.system.whole import System

SHOP = "[databases]\nshop = host=db user=shop\n[pgbouncer]\npool_mode = transaction\nmax_client_conn = 1000\n"
AUDIT = "[databases]\n* = host=db\n[pgbouncer]\nmax_client_conn = 10 ; few\n"


def facts(*texts: str) -> tuple[Fact, ...]:
    return tuple(
        fact for at, text in enumerate(texts) for fact in read_pgbouncer(Source(f"{at}/pgbouncer.ini", text))
    )


def linked_as_everything_is(read: tuple[Fact, ...], stated: Stated) -> System:
    known = Known(read, (), stated)
    documents = tuple(map(known.document, read))
    return System(documents, tuple(known.servers), tuple(known.poolers), tuple(demands(known)), ())


@pytest.mark.parametrize("texts", [(), (SHOP,), (SHOP, AUDIT), (AUDIT, "no line of an ini\n[pgbouncer]\n")])
@pytest.mark.parametrize("target", [None, "1.18"])
def test_configurations_alone_are_linked_as_all_else_is(texts: tuple[str, ...], target: str | None) -> None:
    read, stated = facts(*texts), Stated(target=Versions(pgbouncer=target))

    assert link(read, (), None, stated) == linked_as_everything_is(read, stated)


def test_a_stated_database_is_linked_to_the_configurations_that_lead_to_it() -> None:
    stated = Stated(databases={"orders": StatedDatabase(hosts=("db",), max_connections=50)})

    [demand] = link(facts(SHOP), (), None, stated).demands

    assert demand.found.name == "orders"
