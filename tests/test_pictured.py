"""What is drawn of a budget."""

from poolcheck.amount import Amount, between, exactly
from poolcheck.budget.accounts import budget
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
    WorkloadFacts,
)
from poolcheck.picture import Edge, Node, NodeKind, Picture, State
from poolcheck.report.pictured import pictured
from poolcheck.report.places import Places
from poolcheck.scale import Replicas, fixed

UNKNOWN = between(0, None)
FIVE, HUNDRED = exactly(5), exactly(100)


def drawn(*facts: DatabaseFacts | PoolerFacts | WorkloadFacts) -> Picture:
    all_facts = Facts(
        tuple(each for each in facts if isinstance(each, DatabaseFacts)),
        tuple(each for each in facts if isinstance(each, PoolerFacts)),
        tuple(each for each in facts if isinstance(each, WorkloadFacts)),
    )
    return pictured("Connections", all_facts, budget(all_facts), Places({}))


def edge(picture: Picture) -> Edge:
    [only] = picture.edges
    return only


def node(picture: Picture, kind: NodeKind) -> Node:
    [only] = [each for each in picture.nodes if each.kind is kind]
    return only


def database(limit: Amount = HUNDRED) -> DatabaseFacts:
    return DatabaseFacts("db", Owner("StatefulSet", "orders"), None, (), limit, exactly(3))


def pooler(*, mode: str | None = "transaction", lead: Lead | None = None, pods: int = 2) -> PoolerFacts:
    entry = EntryFacts("shop", None, "shop", None, None, None, mode, lead or leading("db"))
    return PoolerFacts(
        "pooler",
        Owner("Deployment", "pgbouncer"),
        None,
        (),
        fixed(exactly(pods)),
        exactly(1),
        exactly(pods),
        exactly(200),
        exactly(20),
        exactly(0),
        None,
        None,
        mode,
        (entry,),
        (),
        users_count=False,
        is_read=True,
        is_sidecar=False,
    )


def leading(
    to: str | None,
    *,
    host: str | None = "h",
    is_certain: bool = True,
    in_pod: bool = False,
    entry: str | None = None,
) -> Lead:
    return Lead(to, host, 5432, "shop", "shop", entry, is_certain, in_pod)


def workload(
    lead: Lead, *, owner: Owner | None = None, size: Amount = FIVE, pods: Replicas | None = None
) -> WorkloadFacts:
    pool = PoolFacts("engine", None, "engine", (Size("pool_size", size),), False, 0, None, lead)
    container = ContainerFacts("api", None, exactly(2), None, (pool,))
    own = owner or Owner("Deployment", "api")
    return WorkloadFacts(
        f"{own.kind} {own.name} {sorted(own.stages)}", own, pods or fixed(exactly(3)), (container,)
    )


def test_a_number_is_that_of_all_pods_with_its_sum() -> None:
    picture = drawn(workload(leading("db")), database())

    assert edge(picture) == Edge("workload Deployment api []", "database db", "30", "3 × 2 × 5 = 30")
    assert node(picture, NodeKind.WORKLOAD).facts == ("3 pods", "2 processes each")
    assert node(picture, NodeKind.DATABASE).facts == ("accepts 97 of 100 connections", "30 wanted")
    assert node(picture, NodeKind.DATABASE).state is State.FITS


def test_a_number_goes_up_to_the_maximum_of_the_autoscaler() -> None:
    picture = drawn(workload(leading("db"), pods=Replicas(exactly(2), exactly(9))), database())

    assert edge(picture).label == "20 to 90"
    assert edge(picture).sum.startswith("2 × 2 × 5 = 20 steady")
    assert ", 90 autoscaled" in edge(picture).sum
    assert node(picture, NodeKind.WORKLOAD).facts[0] == "2 to 9 pods"


def test_what_is_too_much_is_said_with_its_sum_at_the_limit_and_marked_on_the_way() -> None:
    picture = drawn(workload(leading("db"), size=exactly(20)), database())

    assert edge(picture).state is State.OVER
    found = node(picture, NodeKind.DATABASE)
    assert (found.state, found.facts) == (State.OVER, ("accepts 97 of 100 connections",))
    [excess] = found.excesses
    assert excess.text == "120 wanted, 97 accepted"
    assert excess.sums[:2] == ("api       3 × 2 × 20 = 120", "accepted  100 − 3    =  97")


def test_a_number_that_nobody_knows_is_a_question_mark() -> None:
    picture = drawn(workload(leading("db"), size=UNKNOWN), database())

    assert (edge(picture).label, edge(picture).state) == ("?", State.UNKNOWN)
    assert node(picture, NodeKind.DATABASE).facts == ("accepts 97 of 100 connections",)


def test_an_address_that_an_unknown_number_leads_to_is_drawn_too() -> None:
    picture = drawn(workload(leading(None, host="db.example.net"), size=UNKNOWN))

    assert (edge(picture).label, edge(picture).target) == ("?", node(picture, NodeKind.OUTSIDE).id)


def test_a_limit_that_nobody_knows_is_said() -> None:
    found = node(drawn(workload(leading("db")), database(UNKNOWN)), NodeKind.DATABASE)

    assert found.state is State.UNKNOWN
    assert found.facts == ("its limit is not known", "30 wanted")


def test_where_it_is_not_certain_that_connections_lead_there_they_are_drawn_and_not_counted() -> None:
    picture = drawn(workload(leading("db", is_certain=False), size=exactly(20)), database())

    assert (edge(picture).label, edge(picture).is_certain, edge(picture).state) == ("120", False, State.FITS)
    assert node(picture, NodeKind.DATABASE).facts == ("accepts 97 of 100 connections",)


def test_a_pooler_that_may_lead_somewhere_is_drawn_with_no_number() -> None:
    [found] = drawn(pooler(lead=leading("db", is_certain=False)), database()).edges

    assert (found.source, found.target, found.label, found.is_certain) == (
        "pooler pooler",
        "database db",
        "?",
        False,
    )


def test_an_address_of_which_nothing_is_known_is_outside() -> None:
    picture = drawn(workload(leading(None, host="db.example.net")))

    outside = node(picture, NodeKind.OUTSIDE)
    assert (outside.name, outside.state) == ("db.example.net:5432", State.UNKNOWN)
    assert (edge(picture).label, edge(picture).target) == ("30", outside.id)


def test_a_workload_that_leads_nowhere_known_says_which_of_its_pools() -> None:
    picture = drawn(workload(leading(None, host=None)))

    assert picture.edges == ()
    assert node(picture, NodeKind.WORKLOAD).state is State.UNKNOWN
    assert node(picture, NodeKind.WORKLOAD).facts[-1] == "where engine leads is not known"


def test_where_each_pod_has_a_pooler_of_its_own_numbers_are_those_of_a_pod() -> None:
    picture = drawn(workload(leading("pooler", in_pod=True)), pooler(pods=3), database())

    [own, _] = picture.edges
    assert (own.label, own.sum) == ("10 in each pod", "2 × 5 = 10")
    assert "accepts 200 clients in each pod" in node(picture, NodeKind.POOLER).facts


def test_a_pool_of_sessions_that_is_too_small_is_told_of_its_pooler() -> None:
    picture = drawn(workload(leading("pooler", entry="shop"), size=exactly(8)), pooler(mode="session"), database())

    found = node(picture, NodeKind.POOLER)
    assert found.state is State.OVER
    assert [excess.text for excess in found.excesses] == [
        "the pool of shop and shop in pgbouncer: 48 wanted, 40 accepted"
    ]


def test_what_is_written_down_for_two_deployments_is_drawn_for_each() -> None:
    stages = (frozenset({"staging"}), frozenset({"production"}))
    workloads = [workload(leading("db"), owner=Owner("Deployment", "api", stages=each)) for each in stages]
    picture = drawn(*workloads, database())

    assert [each.stage for each in picture.nodes if each.kind is NodeKind.WORKLOAD] == ["staging", "production"]
    assert [each.label for each in picture.edges] == ["30", "30"]
    assert node(picture, NodeKind.DATABASE).facts == (
        "accepts 97 of 100 connections",
        "staging: 30 wanted",
        "production: 30 wanted",
    )


def test_compose_has_containers_and_a_script_has_no_pods() -> None:
    service = workload(leading("db"), owner=Owner("Compose service", "web"), pods=fixed(exactly(1)))
    script = workload(leading("db"), owner=Owner("", "report.py"), pods=fixed(UNKNOWN))

    facts = [each.facts for each in drawn(service, script, database()).nodes if each.kind is NodeKind.WORKLOAD]

    assert facts == [("1 container", "2 processes each"), ("2 processes each",)]


def test_what_nobody_connects_to_is_drawn_and_says_so() -> None:
    picture = drawn(database())

    assert node(picture, NodeKind.DATABASE).facts == (
        "accepts 97 of 100 connections",
        "nothing is seen to connect to it",
    )
