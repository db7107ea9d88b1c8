import math
import random
from collections import deque
from fractions import Fraction
from heapq import heappop, heappush
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolcheck.amount import Amount, Reason, between, exactly
from poolcheck.sizing import formulas
from poolcheck.sizing.advice import Advice, advice
from poolcheck.sizing.deployed import Deployed, Door, Kind, Pool
from poolcheck.sizing.formulas import Given, Load
from poolcheck.sizing.queueing import (
    fewest_servers,
    mean_wait,
    probability_of_longer_wait,
    square_root_servers,
    wait_of,
    waiting_probability,
)

SERVERS = st.integers(1, 60)
UTILIZATIONS = st.fractions(Fraction(1, 100), Fraction(97, 100), max_denominator=100)


def said(name: str, number: float, unit: str = "") -> Given:
    return Given(name, number, (Reason(f"--{name}"),), unit)


def with_factorials(servers: int, load: Fraction) -> Fraction:
    """Erlang C as textbooks have it, exactly."""
    waiting = load**servers / math.factorial(servers) * Fraction(servers) / (servers - load)
    return waiting / (sum(load**k / math.factorial(k) for k in range(servers)) + waiting)


@given(SERVERS, UTILIZATIONS)
def test_erlang_c_is_the_quotient_of_factorials(servers: int, utilization: Fraction) -> None:
    load = servers * utilization

    assert waiting_probability(servers, float(load)) == pytest.approx(float(with_factorials(servers, load)))


def test_erlang_c_holds_for_loads_at_which_factorials_are_no_numbers() -> None:
    assert 0.2 < waiting_probability(10_100, 10_000.0) < 0.3


def states(servers: int, load: float) -> list[float]:
    """How likely each number of customers is, from the balance of a birth and death process, cut off far out."""
    weights = [1.0]
    for customers in range(1, servers + 3000):
        weights.append(weights[-1] * load / min(customers, servers))
    whole = sum(weights)
    return [weight / whole for weight in weights]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), UTILIZATIONS, st.floats(0.001, 10))
def test_waits_are_those_of_the_states_of_the_queue(servers: int, utilization: Fraction, service: float) -> None:
    load = float(servers * utilization)

    probabilities = states(servers, load)
    in_queue = sum(
        (customers - servers) * share for customers, share in enumerate(probabilities[servers:], servers)
    )
    assert waiting_probability(servers, load) == pytest.approx(sum(probabilities[servers:]), rel=1e-6)
    assert mean_wait(servers, load, service) == pytest.approx(in_queue * service / load, rel=1e-6)


def simulated(servers: int, load: float, customers: int) -> list[float]:
    """The waits of customers whose service takes 1 on average, one after another, as they come and go."""
    chance = random.Random(7)
    free_at = [0.0] * servers
    now, waits = 0.0, list[float]()
    for _ in range(customers):
        now += chance.expovariate(load)
        start = max(now, heappop(free_at))
        heappush(free_at, start + chance.expovariate(1.0))
        waits.append(start - now)
    return waits


@pytest.mark.parametrize(("servers", "load"), [(1, 0.6), (3, 2.1), (8, 6.4), (20, 17.0)])
def test_waits_are_those_of_a_simulation(servers: int, load: float) -> None:
    waits = sorted(simulated(servers, load, 200_000))

    mean = sum(waits) / len(waits)
    assert mean == pytest.approx(mean_wait(servers, load, 1.0), rel=0.08)
    for share in (0.9, 0.95, 0.99):
        assert waits[int(share * len(waits))] == pytest.approx(wait_of(share, servers, load, 1.0), rel=0.1)
    for wait in (0.0, 0.2, 1.0):
        longer = sum(each > wait for each in waits) / len(waits)
        assert longer == pytest.approx(probability_of_longer_wait(servers, load, 1.0, wait), abs=0.012)


@given(SERVERS, UTILIZATIONS, st.floats(0.001, 10), st.floats(0.5, 0.9999))
def test_the_wait_of_a_share_is_exceeded_by_the_others(
    servers: int, utilization: Fraction, service: float, share: float
) -> None:
    load = float(servers * utilization)

    wait = wait_of(share, servers, load, service)
    if wait:
        assert probability_of_longer_wait(servers, load, service, wait) == pytest.approx(1 - share)
    else:
        assert waiting_probability(servers, load) <= 1 - share


def test_with_too_few_servers_the_queue_never_ends() -> None:
    assert waiting_probability(5, 5.0) == 1
    assert math.isinf(mean_wait(5, 5.0, 1.0))
    assert math.isinf(wait_of(0.99, 5, 5.5, 1.0))
    assert probability_of_longer_wait(4, 5.0, 1.0, 100.0) == 1


@settings(deadline=None)
@given(
    st.fractions(Fraction(1, 100), 40, max_denominator=100),
    st.floats(0, 3),
    st.sampled_from([0.5, 0.9, 0.99, 0.999]),
)
def test_the_fewest_servers_are_those_that_counting_up_finds(load: Fraction, wait: float, share: float) -> None:
    def is_enough(servers: int) -> bool:
        longer = float(with_factorials(servers, load)) * math.exp(-(servers - float(load)) * wait)
        return longer <= 1 - share + 1e-9

    by_counting = next(servers for servers in count(math.floor(load) + 1) if is_enough(servers))
    assert fewest_servers(float(load), 1.0, wait, share) == by_counting


@pytest.mark.parametrize(("load", "servers"), [(12.0, 16), (4.0, 6), (0.25, 1), (0.1 * 3 * 10 / 0.3, 14)])
def test_the_load_and_its_square_root(load: float, servers: int) -> None:
    assert square_root_servers(load) == servers


def locks(threads: int, held: int, pool: int) -> bool:
    """Whether threads that take so many connections one after another can all come to wait."""
    begin = tuple([0] * threads)
    seen, left = {begin}, deque[tuple[int, ...]]([begin])
    while left:
        state = left.popleft()
        following: list[int] = []
        for at, own in enumerate(state):
            if own == held:
                following.append(0)
            elif sum(state) < pool:
                following.append(own + 1)
            else:
                continue
            changed = (*state[:at], following[-1], *state[at + 1 :])
            if changed not in seen:
                seen.add(changed)
                left.append(changed)
        if not following:
            return True
    return False


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("held", [2, 3, 4])
def test_the_least_pool_without_a_lock_is_that_of_all_ways_to_take_connections(threads: int, held: int) -> None:
    worked = formulas.never_locked(said("threads", threads), said("held", held))

    least = round(worked.result)
    assert not locks(threads, held, least)
    assert locks(threads, held, least - 1)


def test_the_formula_of_the_wiki_has_its_numbers_put_in() -> None:
    worked = formulas.at_work(said("cores", 8), said("spindles", 2))

    assert (worked.result, worked.numbers) == (18, "(8 × 2) + 2")
    assert worked.source.section == "How to Find the Optimal Database Connection Pool Size"


@pytest.mark.parametrize(("cores", "connections"), [(0.5, 1), (0.25, 1), (1.5, 3), (64, 128)])
def test_parts_of_a_core_count(cores: float, connections: int) -> None:
    assert formulas.at_work(said("cores", cores), said("spindles", 0)).result == connections


@given(st.integers(1, 128), st.integers(1, 1000), st.integers(0, 1000))
def test_idle_transactions_let_more_connections_keep_the_cores_at_work(cores: int, work: int, idle: int) -> None:
    held, worked = said("held", (work + idle) / 1000, "s"), said("work", work / 1000, "s")

    found = formulas.at_work_between(said("cores", cores), held, worked)
    assert found.result == cores * (work + idle) // work


CORES = Load(cores=said("cores", 8), spindles=said("spindles", 1))
BUSY = Load(rate=said("rate", 1000, "/s"), held_s=said("held", 0.012, "s"))
KEPT_BACK = said("reserve", 3)


def pool(
    kind: Kind, number: int | Amount, now: int | None = None, *, of: str = "app", threads: int | None = None
) -> Pool:
    amount = number if isinstance(number, Amount) else exactly(number)
    size = None if now is None else exactly(now)
    return Pool(kind, of, "size", amount, amount, size, threads=None if threads is None else exactly(threads))


def found(load: Load, *pools: Pool, doors: tuple[Door, ...] = (), held: int | None = None) -> Advice:
    deployed = Deployed("db", None, pools, doors, KEPT_BACK, held=None if held is None else said("held", held))
    advised = advice(load, deployed)
    assert advised
    return advised


def recommended(advised: Advice) -> dict[str, int]:
    return {f"{each.of} {each.name}": each.recommended for each in advised.settings}


def test_without_cores_and_load_there_is_no_advice() -> None:
    assert advice(Load(), Deployed(None, None, (), (), KEPT_BACK)) is None


@given(st.integers(1, 200), st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_shares_together_are_no_more_than_the_server_can_put_to_work(cores: int, numbers: list[int]) -> None:
    pools = [pool(Kind.DIRECT, number, of=f"app{at}") for at, number in enumerate(numbers)]
    advised = found(CORES._replace(cores=said("cores", cores)), *pools)

    sizes = recommended(advised)
    shares = {sizes[f"app{at} size"] for at in range(len(numbers))}
    [share] = shares
    together = share * sum(numbers)
    assert together <= advised.active < (share + 1) * sum(numbers) or share == 1
    assert sizes["db max_connections"] == together + 3


def test_the_smaller_of_what_the_load_needs_and_what_the_server_can_do_counts() -> None:
    both = CORES._replace(rate=BUSY.rate, held_s=BUSY.held_s)

    assert found(CORES).active == 17
    assert found(BUSY).active == 16
    assert found(both).active == 16
    assert found(both._replace(cores=said("cores", 4))).active == 9
    assert "queue until" in " ".join(found(both._replace(cores=said("cores", 4))).notes)


def test_pools_that_do_not_help_each_other_out_need_more_connections() -> None:
    assert found(BUSY, pool(Kind.POOLER, 2)).active == 2 * 9
    assert found(BUSY, pool(Kind.DIRECT, 8)).active == 8 * 3


def test_what_the_server_can_do_is_not_known_to_a_connection_a_pool() -> None:
    advised = found(CORES._replace(rate=BUSY.rate, held_s=BUSY.held_s), pool(Kind.POOLER, 2))

    assert (advised.active, recommended(advised)["app size"]) == (18, 9)
    assert "about the 17" in advised.decided


def test_more_pools_than_connections_share_behind_a_pooler() -> None:
    advised = found(CORES, pool(Kind.DIRECT, 40))

    assert recommended(advised)["app size"] == 1
    assert "40 pools cannot lend each other any of 17 connections: a pooler" in advised.notes[0]


def test_a_pooler_accepts_all_that_its_clients_open_now_or_will() -> None:
    clients = (pool(Kind.CLIENT, 4, now=30), pool(Kind.CLIENT, 10, now=1, of="worker", threads=2))
    door = Door("pgbouncer", exactly(100), None, clients)
    advised = found(CORES, pool(Kind.POOLER, 2, now=50, of="pgbouncer"), doors=(door,))

    sizes = recommended(advised)
    assert sizes["pgbouncer size"] == 8
    assert sizes["worker size"] == 2
    assert sizes["pgbouncer max_client_conn"] == 4 * 30 + 10 * 2
    assert "pgbouncer accepts 100 with its max_client_conn, fewer than 140" in advised.notes


def test_clients_that_keep_their_server_connections_share_them() -> None:
    door = Door("pgbouncer", None, None, (pool(Kind.CLIENT, 4, now=30),), keeps=True)
    advised = found(BUSY, pool(Kind.POOLER, 1, of="pgbouncer"), doors=(door,))

    assert recommended(advised)["app size"] == 16 // 4


def test_a_reserve_counts_for_what_the_server_accepts() -> None:
    advised = found(CORES, pool(Kind.POOLER, 2)._replace(reserve=5))

    assert recommended(advised)["db max_connections"] == 2 * (8 + 5) + 3


def test_threads_that_hold_several_connections_need_a_pool_in_which_they_cannot_lock_each_other() -> None:
    advised = found(CORES, pool(Kind.DIRECT, 4, threads=10), held=2)

    assert recommended(advised)["app size"] == 11
    assert any("44 connections, more than 17" in note for note in advised.notes)


def test_what_opens_connections_without_a_pool_has_no_share_and_is_accepted() -> None:
    unsized = pool(Kind.DIRECT, 5, now=2, of="worker")._replace(is_unsized=True)
    advised = found(CORES, pool(Kind.DIRECT, 2), unsized)

    assert recommended(advised) == {"app size": 8, "db max_connections": 2 * 8 + 5 * 2 + 3}


def test_an_unknown_number_of_pools_has_no_sum() -> None:
    advised = found(CORES, pool(Kind.DIRECT, between(3, None)))

    assert recommended(advised) == {"app size": 5}
    assert advised.notes == ("how many pools app has is not known; counted as 3",)


def test_what_the_server_can_accept_limits_all() -> None:
    deployed = Deployed(None, None, (), (), KEPT_BACK, limit=said("max-connections", 10))
    advised = advice(CORES, deployed)

    assert advised
    assert (advised.active, advised.decided) == (7, "the server accepts no more, and the formulas come to 17")
