import pytest

from poolcheck.amount import Amount, Reason, exactly
from poolcheck.link.poolers import completed, entry_for, pooler_alone, seen_pooler, stated_pooler
from poolcheck.read.pgbouncer.config import PgBouncerConfig, PoolMode, Version
from poolcheck.read.pgbouncer.load import read_pgbouncer
from poolcheck.source import Source, Span
from poolcheck.stated import StatedPooler
from poolcheck.system.poolers import Pooler

PODS = Reason("2 pods of pgbouncer")
INI = """
[databases]
shop = host=db user=shop
[pgbouncer]
default_pool_size = 20
max_client_conn = 1000
"""


def config(text: str) -> PgBouncerConfig:
    return next(fact for fact in read_pgbouncer(Source("p.ini", text)) if isinstance(fact, PgBouncerConfig))


def pooler(
    settings: str = "", databases: str = "shop = host=db user=shop", version: Version | None = (1, 25)
) -> Pooler:
    text = f"[databases]\n{databases}\n[pgbouncer]\ndefault_pool_size = 20\nmax_client_conn = 1000\n{settings}"
    alone = pooler_alone(config(text)._replace(version=version))
    return alone._replace(processes=exactly(2, PODS))


def ends(amount: Amount) -> tuple[int, int, int | None]:
    """What there surely is, the low end and the high."""
    return amount.surely, amount.low, amount.high


PEERS = "[peers]\n1 = host=/run/p1\n2 = host=/run/p2\n3 = host=/run/p3\n"


def test_peers_are_as_many_processes_that_have_the_same_settings() -> None:
    alone = pooler_alone(config(INI + "so_reuseport = 1\npeer_id = 2\nmax_client_conn = 500\n" + PEERS))

    assert (alone.processes.surely, alone.processes.low, alone.processes.high) == (1, 3, 3)
    assert (alone.accepts.low, alone.accepts.high) == (1500, 1500)
    assert [each.assumption for each in alone.processes.because] == ["all 3 peers have the settings of p.ini"]


def test_without_a_number_a_process_accepts_a_hundred_clients() -> None:
    alone = pooler_alone(config("[databases]\nshop = host=db\n[pgbouncer]\nlisten_port = 6432\n"))

    assert alone.each_accepts.low == 100
    assert [reason.text for reason in alone.each_accepts.because] == ["max_client_conn 100 by default"]


def test_of_a_configuration_alone_one_process_is_assumed() -> None:
    alone = pooler_alone(config(INI))

    assert (alone.accepts.low, alone.accepts.ceiling) == (1000, None)
    assert [each.assumption for each in alone.accepts.because if each.assumption] == [
        "one process runs with p.ini"
    ]


def test_processes_that_share_a_port_may_be_any_number() -> None:
    assert pooler("so_reuseport = 0").accepts.is_open is False
    assert pooler_alone(config(INI + "so_reuseport = 1\n")).accepts.is_open


def test_the_limit_is_not_known_where_another_file_may_set_it() -> None:
    assert pooler_alone(config(INI + "%include /etc/pgbouncer/more.ini\n")).accepts.is_open


@pytest.mark.parametrize(
    ("version", "setting", "kept"),
    [
        ((1, 20), "", 0),
        ((1, 23), "", 0),
        ((1, 24), "", 200),
        (None, "", None),
        ((1, 25), "max_prepared_statements = 0", 0),
        (None, "max_prepared_statements = 100", 100),
    ],
)
def test_prepared_statements_are_kept_by_version_and_setting(
    version: Version | None, setting: str, kept: int | None
) -> None:
    tracked = pooler_alone(config(INI + setting)._replace(version=version)).prepared_statements

    assert (tracked and tracked.value) == kept


@pytest.mark.parametrize(
    ("databases", "asked", "entry"),
    [
        ("shop = host=a", "shop", "shop"),
        ("shop = host=a\n* = host=b", "audit", "*"),
        ("shop = host=a", "audit", None),
        ("shop = host=a", None, "shop"),
        ("shop = host=a\naudit = host=b", None, None),
    ],
)
def test_clients_get_the_entry_of_their_database(databases: str, asked: str | None, entry: str | None) -> None:
    found = entry_for(config(f"[databases]\n{databases}\n[pgbouncer]\nlisten_port = 6432\n"), asked)

    assert (found and found.name.value) == entry


def test_a_stated_pooler_has_what_is_stated() -> None:
    found = stated_pooler("main", StatedPooler(pool_mode="transaction", version="1.20", max_client_conn=500))

    assert (found.name, found.accepts.low, found.version) == ("main", 500, (1, 20))
    assert found.mode
    assert found.mode.value is PoolMode.TRANSACTION
    assert found.prepared_statements
    assert found.prepared_statements.value == 0


def test_what_is_stated_completes_what_is_seen_and_never_replaces_it() -> None:
    stated = StatedPooler(pool_mode="transaction", version="1.25", max_client_conn=500)
    seen = seen_pooler("pooler", None, (1, 23, 1), exactly(2, PODS), Span("m.yaml", 0, 1))

    blind = completed(seen, stated)
    full = completed(pooler("pool_mode = session"), stated)

    assert (blind.version, blind.accepts.low, blind.mode and blind.mode.value) == ((1, 23, 1), 1000, "transaction")
    assert (full.version, full.mode and full.mode.value) == ((1, 25), "session")
