"""What pools and poolers may open, from facts alone."""

from poolcheck.amount import Amount, between, exactly
from poolcheck.budget.accounts import Account, Kind, budget
from poolcheck.budget.facts import (
    ContainerFacts,
    DatabaseFacts,
    EntryFacts,
    Facts,
    Lead,
    Owner,
    PoolerFacts,
    PoolFacts,
    Size,
    UserFacts,
    WorkloadFacts,
)
from poolcheck.scale import Situation, fixed

SERVER = DatabaseFacts("db", Owner("StatefulSet", "db"), None, (), exactly(100), exactly(3))


def lead(to: str | None, entry: str | None = None, user: str | None = None, *, in_pod: bool = False) -> Lead:
    return Lead(to, "host", 5432, entry, user, entry, in_pod=in_pod)


def entry(name: str, size: int, user: str | None = None, mode: str = "transaction") -> EntryFacts:
    return EntryFacts(name, None, user, exactly(size), None, None, mode, lead("db"))


def pooler(*entries: EntryFacts, users: tuple[UserFacts, ...] = (), limit: int | None = None) -> PoolerFacts:
    return PoolerFacts(
        id="pgbouncer",
        owner=Owner("Deployment", "pgbouncer"),
        place=None,
        addresses=(),
        replicas=fixed(exactly(2)),
        processes_in_pod=exactly(1),
        processes=exactly(2),
        max_client_conn=exactly(1000),
        default_pool_size=exactly(20),
        reserve_pool_size=exactly(0),
        max_db_connections=exactly(limit) if limit else None,
        max_user_connections=None,
        mode="transaction",
        entries=entries,
        users=users,
        users_count=True,
        is_read=True,
        is_sidecar=False,
    )


def workload(
    name: str, *leads: Lead, size: int = 10, threads: Amount | None = None, idle: bool = False
) -> WorkloadFacts:
    pools = tuple(
        PoolFacts("engine", None, str(at), (Size("pool_size", exactly(size)),), opens_when_asked=False, at_start=0,
                  made=None, lead=each)
        for at, each in enumerate(leads)
    )  # fmt: skip
    runs = ContainerFacts("main", None, exactly(2), threads, pools, is_idle=idle)
    return WorkloadFacts(name, Owner("Deployment", name), fixed(exactly(3)), (runs,))


def account(kind: Kind, *workloads: WorkloadFacts, poolers: tuple[PoolerFacts, ...] = ()) -> Account:
    [found] = [each for each in budget(Facts((SERVER,), poolers, workloads)).accounts if each.limit.kind is kind]
    return found


def ends(amount: Amount) -> tuple[int, int, int | None]:
    return amount.surely, amount.low, amount.high


def steady(
    kind: Kind, *workloads: WorkloadFacts, poolers: tuple[PoolerFacts, ...] = ()
) -> tuple[int, int, int | None]:
    return ends(account(kind, *workloads, poolers=poolers).wanted(Situation.STEADY))


def test_those_who_are_seen_to_log_in_have_a_pool_each() -> None:
    open_to_all = pooler(entry("shop", 15))
    clients = (
        workload("api", lead("pgbouncer", "shop", "api")),
        workload("web", lead("pgbouncer", "shop", "web")),
    )

    found = account(Kind.DATABASE, *clients, poolers=(open_to_all,)).wanted(Situation.STEADY)

    assert ends(found) == (60, 60, 60)
    assert [each.assumption for each in found.because if each.assumption] == [
        "nobody but api and web logs in to pgbouncer"
    ]


def test_where_somebody_logs_in_whom_nobody_knows_the_number_is_open() -> None:
    open_to_all = pooler(entry("shop", 15))
    clients = (workload("api", lead("pgbouncer", "shop", "api")), workload("web", lead("pgbouncer", "shop", None)))

    assert steady(Kind.DATABASE, *clients, poolers=(open_to_all,)) == (30, 30, None)
    assert steady(Kind.DATABASE, poolers=(open_to_all,)) == (30, 30, None)


def test_a_user_who_logs_in_may_have_a_size_and_a_limit() -> None:
    small = UserFacts("api", exactly(4), None, None)
    limited = UserFacts("api", None, None, exactly(7))
    client = workload("api", lead("pgbouncer", "shop", "api"), lead("pgbouncer", "audit", "api"))
    databases = (entry("shop", 15), entry("audit", 15))

    assert steady(Kind.DATABASE, client, poolers=(pooler(*databases, users=(small,)),))[1] == 2 * (4 + 4)
    assert steady(Kind.DATABASE, client, poolers=(pooler(*databases, users=(limited,)),))[1] == 2 * 7


def test_a_database_that_no_client_is_seen_to_use_is_no_proof() -> None:
    named = pooler(entry("shop", 15, "app"), entry("admin", 25, "admin"))

    used = workload("api", lead("pgbouncer", "shop", "api"))
    unknown = workload("web", lead("pgbouncer", None, "web"))

    assert steady(Kind.DATABASE, used, poolers=(named,)) == (30, 30, 80)
    assert steady(Kind.DATABASE, used, unknown, poolers=(named,)) == (80, 80, 80)
    assert steady(Kind.DATABASE, poolers=(named,)) == (80, 80, 80)


def test_one_who_waits_for_a_clock_takes_one_connection() -> None:
    busy, idle = (workload("beat", lead("db"), threads=exactly(1), idle=each) for each in (False, True))

    assert steady(Kind.DATABASE, busy) == (6, 60, 60)
    assert steady(Kind.DATABASE, idle) == (6, 6, 6)


def test_threads_that_open_when_they_want_are_at_least_one() -> None:
    client = workload("web", lead("db"), threads=between(1, None))
    [runs] = client.containers
    pools = tuple(each._replace(opens_when_asked=True, sizes=()) for each in runs.pools)
    asking = client._replace(containers=(runs._replace(pools=pools),))

    assert steady(Kind.DATABASE, asking) == (0, 6, None)


def test_where_each_pod_has_a_pooler_one_pod_is_weighed() -> None:
    client = workload("web", lead("pgbouncer", "shop", "web", in_pod=True))
    beside = pooler(entry("shop", 5, "app"))

    found = account(Kind.POOLER, client, poolers=(beside,))

    assert (ends(found.wanted(Situation.WORST)), found.limit.accepts.low, found.limit.in_pod) == (
        (20, 20, 20),
        1000,
        True,
    )


def test_a_pool_in_session_mode_is_filled_by_as_many_clients() -> None:
    sessions = pooler(entry("shop", 15, "app", mode="session"), entry("jobs", 5, "jobs"))
    client = workload("web", lead("pgbouncer", "shop", "web"), lead("pgbouncer", "jobs", "web"))

    found = account(Kind.POOL, client, poolers=(sessions,))

    assert (found.limit.name, found.limit.accepts.low) == ("the pool of shop and app in pgbouncer", 30)
    assert ends(found.wanted(Situation.STEADY)) == (60, 60, 60)


def test_a_pool_is_no_larger_than_its_database_may_be() -> None:
    sessions = pooler(entry("shop", 15, "app", mode="session"), limit=8)

    found = account(Kind.POOL, workload("web", lead("pgbouncer", "shop", "web")), poolers=(sessions,))

    assert found.limit.accepts.low == 16


def test_a_pooler_may_accept_less_for_a_database_or_a_user() -> None:
    """PgBouncer, Configuration: max_db_client_connections and max_user_client_connections, since 1.24."""
    limited = entry("shop", 15)._replace(max_db_client_connections=exactly(20))
    user = UserFacts("web", None, None, None, max_user_client_connections=exactly(9))
    behind = pooler(limited, entry("jobs", 5), users=(user,))._replace(max_user_client_connections=exactly(50))
    clients = (
        workload("api", lead("pgbouncer", "shop", "api")),
        workload("web", lead("pgbouncer", "jobs", "web")),
    )

    found = budget(Facts((SERVER,), (behind,), clients)).accounts

    assert [
        (each.limit.name, each.limit.accepts.low, each.wanted(Situation.STEADY).low)
        for each in found
        if each.limit.kind is Kind.POOLER
    ] == [
        ("pgbouncer", 2000, 120),
        ("pgbouncer for database shop", 40, 60),
        ("pgbouncer for user api", 100, 60),
        ("pgbouncer for user web", 18, 60),
    ]


def test_of_what_is_near_nobody_knows_whose_it_is() -> None:
    near = Lead(None, "localhost", 5432, "shop", "app")
    ini = entry("shop", 20, "app")._replace(lead=near)

    found = budget(Facts((), (pooler(ini),), (workload("web", near),)))

    assert [(each.limit.name, each.names) for each in found.accounts if each.limit.kind is Kind.OUTSIDE] == [
        ("localhost:5432 of pgbouncer", ("pgbouncer",))
    ]
    assert [(each.what, each.why) for each in found.unknown] == [
        ("engine in web", "it connects to localhost, and what answers there is not seen")
    ]


def test_a_cap_on_what_is_done_at_once_is_no_proof_that_so_much_is() -> None:
    client = workload("web", lead("db"), threads=exactly(40))
    [runs] = client.containers
    pools = tuple(each._replace(opens_when_asked=True, sizes=()) for each in runs.pools)
    threads, cap = (
        client._replace(containers=(runs._replace(pools=pools, is_capped=each),)) for each in (False, True)
    )

    assert steady(Kind.DATABASE, threads) == (240, 240, 240)
    assert steady(Kind.DATABASE, cap) == (6, 240, 240)
