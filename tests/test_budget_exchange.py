"""Facts go into JSON and come back as they were; those of several projects meet at addresses."""

import json

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from poolcheck.amount import Reason, between, exactly
from poolcheck.budget.accounts import Kind, budget
from poolcheck.budget.exchange import BadFacts, document, facts_in
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
from poolcheck.budget.shared import together
from poolcheck.scale import Replicas, Rollout, Situation, Surge, fixed
from poolcheck.source import Span

NAMES = st.text("abc-é", min_size=1, max_size=5)
FLAGS = st.booleans()
PLACES = st.one_of(st.none(), st.builds(Span, NAMES.map("p/{}:3:1".format), st.just(0), st.just(0)))
REASONS = st.builds(Reason, NAMES, PLACES, st.sampled_from(["", "it is so"]))
SEVERAL_REASONS = st.lists(REASONS, max_size=2)
AMOUNTS = st.one_of(
    st.builds(exactly, st.integers(0, 50), REASONS),
    st.builds(between, st.integers(0, 50), st.none(), REASONS),
    st.builds(between, st.integers(0, 50), st.integers(50, 90), REASONS, REASONS),
)
MAYBE = st.one_of(st.none(), AMOUNTS)
OWNERS = st.builds(Owner, NAMES, NAMES, PLACES, st.frozensets(NAMES, max_size=2), st.one_of(st.none(), NAMES))
WORDS = st.one_of(st.none(), NAMES)
PORTS = st.one_of(st.none(), st.integers(1, 65535))
LEADS = st.builds(Lead, WORDS, WORDS, PORTS, WORDS, WORDS, WORDS, FLAGS, FLAGS, SEVERAL_REASONS.map(tuple))
SURGES = st.builds(Surge, st.one_of(st.none(), st.integers(0, 30)), is_percentage=FLAGS, because=REASONS)
ROLLOUTS = st.builds(Rollout, st.one_of(st.none(), SURGES), st.one_of(st.none(), REASONS))
REPLICAS = st.builds(Replicas, AMOUNTS, AMOUNTS, st.lists(ROLLOUTS, min_size=1, max_size=2).map(tuple))
SIZES = st.lists(st.builds(Size, NAMES, AMOUNTS), max_size=2).map(tuple)
POOLS = st.builds(
    PoolFacts, NAMES, PLACES, NAMES, SIZES, FLAGS, st.integers(0, 5), st.one_of(st.none(), REASONS), LEADS
)
CONTAINERS = st.builds(
    ContainerFacts, NAMES, PLACES, AMOUNTS, MAYBE, st.lists(POOLS, max_size=2).map(tuple), FLAGS
)
WORKLOADS = st.builds(WorkloadFacts, NAMES, OWNERS, REPLICAS, st.lists(CONTAINERS, max_size=2).map(tuple))
ENTRIES = st.builds(EntryFacts, NAMES, PLACES, WORDS, MAYBE, MAYBE, MAYBE, WORDS, LEADS, MAYBE)
USERS = st.builds(UserFacts, NAMES, MAYBE, MAYBE, MAYBE, WORDS, MAYBE)
ADDRESSES = st.lists(NAMES, max_size=2).map(tuple)
POOLERS = st.builds(
    PoolerFacts,
    NAMES,
    OWNERS,
    PLACES,
    ADDRESSES,
    REPLICAS,
    AMOUNTS,
    AMOUNTS,
    AMOUNTS,
    AMOUNTS,
    AMOUNTS,
    MAYBE,
    MAYBE,
    WORDS,
    st.lists(ENTRIES, max_size=2).map(tuple),
    st.lists(USERS, max_size=1).map(tuple),
    FLAGS,
    FLAGS,
    FLAGS,
    MAYBE,
    MAYBE,
)
DATABASES = st.builds(
    DatabaseFacts, NAMES, OWNERS, PLACES, ADDRESSES, AMOUNTS, AMOUNTS, st.one_of(st.none(), st.integers(1, 64))
)
FACTS = st.builds(
    Facts,
    st.lists(DATABASES, max_size=2).map(tuple),
    st.lists(POOLERS, max_size=1).map(tuple),
    st.lists(WORKLOADS, max_size=2).map(tuple),
)


def place(span: Span) -> str:
    return span.path.removeprefix("p/")


@settings(phases=[Phase.explicit, Phase.generate])
@given(FACTS)
def test_facts_come_back_as_they_were(facts: Facts) -> None:
    text = json.dumps(document(facts, "p", "0.1", place))

    assert facts_in(json.loads(text)) == ("p", facts)


def test_what_a_newer_version_adds_is_passed_over() -> None:
    found = document(Facts(), "p", "9.9", place) | {"clouds": [1, 2]}

    assert facts_in(found) == ("p", Facts())


@pytest.mark.parametrize("wrong", [None, [], {}, {"kind": "poolcheck facts", "version": "1"}])
def test_another_document_is_refused(wrong: object) -> None:
    with pytest.raises(BadFacts):
        facts_in(wrong)


def lead(to: str | None, host: str, port: int | None = 5432, database: str | None = "shop") -> Lead:
    return Lead(to, host, port, database, "app")


def workload(name: str, connects_to: Lead, namespace: str | None = None, size: int = 10) -> WorkloadFacts:
    sizes = (Size("pool_size", exactly(size)),)
    pool = PoolFacts("engine", None, "a", sizes, False, 0, None, connects_to)
    runs = ContainerFacts("main", None, exactly(1), None, (pool,))
    return WorkloadFacts(name, Owner("Deployment", name, None, frozenset(), namespace), fixed(exactly(2)), (runs,))


def database(name: str, *addresses: str, limit: int | None = 100) -> DatabaseFacts:
    accepts = between(0, None) if limit is None else exactly(limit)
    return DatabaseFacts(name, Owner("StatefulSet", name), None, addresses, accepts, exactly(3))


def wanted(*projects: tuple[str, Facts]) -> dict[str, tuple[int, tuple[str, ...]]]:
    """What is wanted of each database, and by whom."""
    accounts = budget(together(projects)).accounts
    return {
        each.limit.id: (each.wanted(Situation.STEADY).low, each.names)
        for each in accounts
        if each.limit.kind in {Kind.DATABASE, Kind.OUTSIDE}
    }


def test_an_address_may_be_what_another_project_runs() -> None:
    platform = Facts((database("postgres", "postgres.data:5432"),))
    names = ("postgres.data", "postgres.data.svc", "postgres.data.svc.cluster.local")
    services = [(f"s{at}", Facts(workloads=(workload("api", lead(None, name)),))) for at, name in enumerate(names)]

    assert wanted(("platform", platform), *services) == {
        "platform/postgres": (60, ("s0/api", "s1/api", "s2/api")),
    }


def test_a_short_name_is_that_of_the_own_namespace() -> None:
    platform = Facts((database("postgres", "postgres.data:5432"),))
    near = Facts(workloads=(workload("api", lead(None, "postgres"), namespace="data"),))
    far = Facts(workloads=(workload("web", lead(None, "postgres"), namespace="shop"),))

    assert wanted(("platform", platform), ("near", near), ("far", far)) == {
        "platform/postgres": (20, ("near/api",)),
        "postgres:5432": (20, ("far/web",)),
    }


def test_a_database_that_several_projects_state_is_one() -> None:
    one = Facts((database("main", "db.example.com", limit=None),), workloads=(workload("api", lead("main", "x")),))
    other = Facts((database("orders", "db.example.com"),), workloads=(workload("web", lead("orders", "x")),))

    found = together([("one", one), ("other", other)])

    assert [(each.id, each.max_connections.low) for each in found.databases] == [("other/orders", 100)]
    assert wanted(("one", one), ("other", other)) == {"other/orders": (40, ("one/api", "other/web"))}


def test_a_pooler_that_one_project_only_states_is_that_of_the_project_that_has_its_configuration() -> None:
    entry = EntryFacts("shop", None, "app", exactly(20), None, None, "transaction", lead("main", "db"))
    seen = PoolerFacts(
        "pgbouncer", Owner("Deployment", "pgbouncer"), None, ("pgbouncer.data:6432",), fixed(exactly(2)),
        exactly(1), exactly(2), exactly(500), exactly(20), exactly(0), None, None, "transaction", (entry,), (),
        users_count=True, is_read=True, is_sidecar=False,
    )  # fmt: skip
    stated = seen._replace(id="pooler", entries=(), is_read=False, addresses=("pgbouncer.data:6432",))
    platform = Facts((database("main", "db"),), (seen,))
    service = Facts(poolers=(stated,), workloads=(workload("api", lead("pooler", "pgbouncer.data", 6432)),))

    accounts = budget(together([("service", service), ("platform", platform)])).accounts

    assert [(each.limit.id, each.limit.kind, each.wanted(Situation.STEADY).low) for each in accounts] == [
        ("platform/main", Kind.DATABASE, 40),
        ("platform/pgbouncer", Kind.POOLER, 20),
    ]


def test_facts_of_one_project_keep_their_names() -> None:
    facts = Facts((database("main", "db"),))

    assert together([("shop", facts)]) == facts
