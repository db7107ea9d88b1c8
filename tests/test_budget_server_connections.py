from poolcheck.amount import Amount, Reason, exactly, product
from poolcheck.budget.facts import Lead, Owner, PoolerFacts
from poolcheck.budget.server_connections import in_process
from poolcheck.link.pooler_facts import pooler_facts
from poolcheck.link.poolers import pooler_alone, stated_pooler
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.read.pgbouncer.load import read_pgbouncer
from poolcheck.source import Source
from poolcheck.stated import StatedPooler
from poolcheck.system.poolers import Pooler

PODS = Reason("2 pods of pgbouncer")


def config(text: str) -> PgBouncerConfig:
    return next(fact for fact in read_pgbouncer(Source("p.ini", text)) if isinstance(fact, PgBouncerConfig))


def facts_of(pooler: Pooler) -> PoolerFacts:
    nowhere = Lead(None, None, None, None, None)
    return pooler_facts(pooler, "p", Owner("", "p"), (), lambda _: nowhere, is_sidecar=False)


def pooler(
    settings: str = "", databases: str = "shop = host=db user=shop", version: Version | None = (1, 25)
) -> PoolerFacts:
    text = f"[databases]\n{databases}\n[pgbouncer]\ndefault_pool_size = 20\nmax_client_conn = 1000\n{settings}"
    return facts_of(pooler_alone(config(text)._replace(version=version)))


def wanted(
    settings: str = "", databases: str = "shop = host=db user=shop", version: Version | None = (1, 25)
) -> Amount:
    """What a PgBouncer of two processes wants for all its databases, with its reserve."""
    found = pooler(settings, databases, version)
    return product(exactly(2, PODS), in_process(found, found.entries, {}, with_reserve=True))


def ends(amount: Amount) -> tuple[int, int, int | None]:
    """What there surely is, the low end and the high."""
    return amount.surely, amount.low, amount.high


def test_a_pool_wants_its_size_in_every_process() -> None:
    assert (ends(wanted()), wanted().low_sum) == ((40, 40, 40), "2 × 20")
    assert ends(wanted(databases="shop = host=db user=shop pool_size=30")) == (60, 60, 60)


def test_pools_of_several_databases_add_up() -> None:
    found = wanted(databases="shop = host=db user=shop\naudit = host=db user=audit pool_size=5")

    assert (ends(found), found.low_sum) == ((50, 50, 50), "2 × (20 + 5)")


def test_the_reserve_counts_where_it_is_asked_for() -> None:
    found, pool = wanted("reserve_pool_size = 5"), pooler("reserve_pool_size = 5")

    assert (ends(found), found.low_sum) == ((50, 50, 50), "2 × (20 + 5)")
    assert ends(in_process(pool, pool.entries, {}, with_reserve=False)) == (20, 20, 20)


def test_a_reserve_that_is_switched_off_does_not_count() -> None:
    assert ends(wanted("reserve_pool_size = 5\nreserve_pool_timeout = 0")) == (40, 40, 40)


def test_a_database_that_names_no_user_has_a_pool_for_each_that_logs_in() -> None:
    found = wanted(databases="shop = host=db")

    assert (ends(found), found.most) == ((40, 40, None), 40)


def test_a_fallback_has_a_pool_at_least_where_it_is_alone() -> None:
    assert ends(wanted(databases="* = host=db")) == (40, 40, None)
    assert ends(wanted(databases="* = host=db\nshop = host=db user=shop")) == (40, 40, None)


def test_a_database_may_be_limited() -> None:
    assert ends(wanted("max_db_connections = 15")) == (30, 30, 30)
    assert ends(wanted(databases="shop = host=db user=shop max_db_connections=15")) == (30, 30, 30)
    assert ends(wanted("max_db_connections = 15", "shop = host=db user=shop max_db_connections=18")) == (
        36,
        36,
        36,
    )
    assert ends(wanted("max_db_connections = 15", "shop = host=db user=shop max_db_connections=0")) == (30, 30, 30)


def test_a_limit_of_the_database_is_all_that_several_users_may_open() -> None:
    found = wanted("max_db_connections = 50", "shop = host=db")

    assert ends(found) == (40, 40, 100)
    assert [reason.most for reason in found.because if reason.most] == ["max_db_connections 50 is reached"]


def test_a_user_may_be_limited_in_all_databases() -> None:
    both = "shop = host=db user=shop\naudit = host=db user=shop"

    assert ends(wanted("max_user_connections = 25", both)) == (50, 50, 50)
    assert ends(wanted("max_user_connections = 25", both.replace("user=shop\n", "user=audit\n"))) == (80, 80, 80)


def test_users_who_log_in_are_limited_each() -> None:
    found = wanted("max_user_connections = 15", "shop = host=db")

    assert (ends(found), found.most) == ((30, 30, None), 30)


def test_what_users_says_of_a_user_counts_for_databases_that_name_the_user_from_1_23_on() -> None:
    users = "[users]\nshop = max_user_connections=5\n"

    assert ends(wanted(users)) == (10, 10, 10)
    assert ends(wanted(users, version=None)) == (10, 10, 10)
    assert ends(wanted(users, version=(1, 22))) == (40, 40, 40)


def test_who_logs_in_may_be_a_user_that_users_limits() -> None:
    small, limited = "[users]\nweb = pool_size=5\n", "[users]\nweb = max_user_connections=8\n"

    assert wanted(small, "shop = host=db").low == 10
    assert wanted(limited, "shop = host=db\naudit = host=db").low == 16
    assert wanted(small, "shop = host=db").most == 40


def test_a_limit_that_is_not_known_leaves_nothing_proven() -> None:
    by_include = wanted("%include /etc/pgbouncer/more.ini")
    by_template = wanted(databases="shop = host=db user=shop max_db_connections={{ limit }}")

    assert ends(by_include)[:2] == (0, 0)
    assert ends(by_template) == (0, 0, 40)
    assert "max_db_connections sets no limit" in [reason.most for reason in by_template.because]


def test_there_are_never_more_servers_than_clients() -> None:
    assert ends(wanted("max_client_conn = 8")) == (16, 16, 16)


def test_many_users_do_not_make_a_pool_for_each_client() -> None:
    found = wanted("max_client_conn = 1000", "shop = host=db")

    assert found.most == 40


def test_a_pool_size_of_nothing_is_one_connection_before_1_24_and_no_limit_since() -> None:
    assert ends(wanted("default_pool_size = 0", version=(1, 23))) == (2, 2, 2)
    assert ends(wanted("default_pool_size = 0", version=(1, 25))) == (2, 2, None)


def test_a_pooler_whose_configuration_is_not_seen_may_want_anything() -> None:
    assert ends(in_process(facts_of(stated_pooler("main", StatedPooler())), [], {}, with_reserve=True)) == (
        0,
        0,
        None,
    )
