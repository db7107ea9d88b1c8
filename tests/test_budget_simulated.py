"""The budget of random small systems, which poolcheck reads from their files, beside a cluster that runs them."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from poolcheck.budget.accounts import Account, Kind, budget
from poolcheck.budget.facts import Facts
from poolcheck.budget.what_if import knob, rooms
from poolcheck.files import Memory
from poolcheck.run import linked
from poolcheck.scale import Situation
from poolcheck.stated import Stated
from simulated.cluster import Cluster
from simulated.systems import DATABASES, POOLER, App, Entry, Pods, Pooler, System, User, poolers, rolled, systems

UNSHRUNK = (Phase.generate,)
"""A system takes too long to be tried a thousand times until it is as small as it can be."""
KEPT_BACK = 3
"""What PostgreSQL keeps for superusers."""


def facts(system: System) -> Facts:
    """What is read from the files of a system."""
    texts = system.written()
    found = linked([*texts], Memory({path: text.encode() for path, text in texts.items()}), Stated())
    return found.system.facts


def accounts(system: System) -> tuple[Account, Account | None]:
    """The database's account, and the pooler's."""
    found = {each.limit.kind: each for each in budget(facts(system)).accounts}
    return found[Kind.DATABASE], found.get(Kind.POOLER)


def most(system: System, situation: Situation) -> Cluster:
    """A cluster that has opened all that it can."""
    cluster = Cluster(system, situation)
    cluster.run_to_the_most()
    return cluster


def compared(system: System, *clusters: Cluster, situation: Situation) -> Iterator[tuple[int | None, int]]:
    """What the budget says is wanted, and what was open, or asked for, in a cluster."""
    database, pooler = accounts(system)
    for cluster in clusters:
        yield database.wanted(situation).high, cluster.most_at_database
        if pooler:
            yield pooler.wanted(situation).high, cluster.most_at_pooler


def is_known(system: System) -> bool:
    """Whether all who use the pooler are seen, and are so many that they fill all its pools."""
    pooler = system.pooler
    if pooler is None:
        return True
    pooled = [app for app in system.apps if app.is_pooled]
    cluster = Cluster(system, Situation.WORST)
    clients = [(cluster.key(app), app.pods.fewest * app.processes * app.pool_size) for app in pooled]
    are_used = {app.database for app in pooled} == {entry.name for entry in pooler.entries}
    are_full = all(
        min(sum(number for own, number in clients if own == key), pooler.max_client_conn) >= cluster.pool_size(key)
        for key, _ in clients
    )
    return are_used and are_full


@settings(phases=UNSHRUNK)
@given(systems(), st.sampled_from(Situation), st.randoms(use_true_random=False))
def test_no_more_is_ever_open_than_the_budget_says(system: System, situation: Situation, random: Random) -> None:
    by_chance = Cluster(system, situation)
    by_chance.run_at_random(random, 120)

    for wanted, opened in compared(system, by_chance, most(system, situation), situation=situation):
        assert wanted is None or opened <= wanted


@settings(phases=UNSHRUNK)
@given(systems().filter(is_known), st.sampled_from(Situation))
def test_as_much_as_the_budget_says_is_open_at_some_time(system: System, situation: Situation) -> None:
    for wanted, opened in compared(system, most(system, situation), situation=situation):
        assert opened == wanted


ONE = Pods("Deployment", 1)


def behind(pooler: Pooler, *users: str) -> System:
    """Programs that log in as these users, with more connections than any pool has."""
    names = [entry.name for entry in pooler.entries]
    return System(
        tuple(App(f"{user}{name}", ONE, 2, (9, 0), True, name, user) for user in users for name in names), pooler
    )


def test_all_users_of_a_database_share_its_limit() -> None:
    pooler = Pooler(ONE, (Entry("orders", max_db_connections=3),), default_pool_size=3)

    [(wanted, opened), _] = compared(
        behind(pooler, "web", "jobs"),
        most(behind(pooler, "web", "jobs"), Situation.STEADY),
        situation=Situation.STEADY,
    )

    assert (wanted, opened) == (3, 3)


def test_all_databases_of_a_user_share_the_users_limit() -> None:
    entries = tuple(map(Entry, DATABASES))
    system = behind(
        Pooler(ONE, entries, (User("web", max_user_connections=4),), default_pool_size=3), "web", "jobs"
    )

    [(wanted, opened), _] = compared(system, most(system, Situation.STEADY), situation=Situation.STEADY)

    assert (wanted, opened) == (10, 10)


def test_server_connections_stay_when_their_clients_have_left() -> None:
    """Observed with 1.25.2: with max_client_conn 1 there are as many as pools."""
    system = behind(Pooler(ONE, tuple(map(Entry, DATABASES)), max_client_conn=2), "web")

    [(wanted, opened), _] = compared(system, most(system, Situation.STEADY), situation=Situation.STEADY)

    assert (wanted, opened) == (4, 4)


@st.composite
def alone(draw: st.DrawFn) -> System:
    """Programs that use the database directly, the first of them with an autoscaler or a number of pods."""
    system = draw(systems().filter(lambda each: each.pooler is None and each.apps[0].pods.kind != "Job"))
    return replace(system, max_connections=draw(st.integers(10, 30)))


@settings(phases=UNSHRUNK)
@given(alone(), st.sampled_from([Situation.AUTOSCALED, Situation.PEAK]))
def test_the_largest_number_of_pods_that_fits_is_what_is_found_by_trying(
    system: System, situation: Situation
) -> None:
    first, *others = system.apps
    name = "max_replicas" if first.pods.autoscaled else "replicas"
    accepted = system.max_connections - KEPT_BACK

    found = {each.situation: each.most for each in rooms(facts(system), knob(f"{first.name}.{name}"))}

    fewest = first.pods.autoscaled[0] if first.pods.autoscaled else 0
    tried = [
        number
        for number in range(fewest, accepted + 2)
        if most(_with(system, first, number, others), situation).most_at_database <= accepted
    ]
    assert tried == [*range(fewest, (found[situation] or 0) + 1)]


def _with(system: System, first: App, number: int, others: list[App]) -> System:
    pods = first.pods
    changed = replace(pods, replicas=number)
    if pods.autoscaled:
        changed = replace(pods, autoscaled=(pods.autoscaled[0], number))
    return replace(system, apps=(replace(first, pods=changed), *others))


@st.composite
def pooled(draw: st.DrawFn) -> System:
    """Programs in front of a PgBouncer, all of whose pools are as large."""
    pooler = draw(poolers())
    entries = tuple(Entry(each.name, each.user) for each in pooler.entries)
    pooler = replace(pooler, entries=entries, users=(), max_db_connections=0, max_user_connections=0)
    apps = tuple(App(each.name, draw(rolled()), 2, (3, 0), True, each.name, "web") for each in entries)
    return System(apps, replace(pooler, max_client_conn=1000), draw(st.integers(20, 60)))


@settings(phases=UNSHRUNK)
@given(pooled(), st.sampled_from([Situation.STEADY, Situation.PEAK]))
def test_the_largest_pool_that_fits_is_what_is_found_by_writing_others(
    system: System, situation: Situation
) -> None:
    [largest] = [
        each.most
        for each in rooms(facts(system), knob(f"{POOLER}.default_pool_size"))
        if each.situation is situation and each.limit.kind is Kind.DATABASE
    ]

    assert largest
    assert [_fits(system, size, situation) for size in (largest, largest + 1)] == [True, False]


def _fits(system: System, size: int, situation: Situation) -> bool:
    assert system.pooler
    account, _ = accounts(replace(system, pooler=replace(system.pooler, default_pool_size=size)))
    return account.wanted(situation).most <= account.limit.accepts.low
