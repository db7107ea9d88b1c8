from poolcheck.amount import Reason, between, exactly, least, overrun, product, total

REPLICAS = Reason("3 replicas")
POOL = Reason("pool_size 5")
OVERFLOW = Reason("max_overflow 10 by default")
DEFAULT = Reason("max_connections 100 by default", assumed=True)


def test_a_product_of_sums_writes_itself_out() -> None:
    clients = product(exactly(3, REPLICAS), total([exactly(5, POOL), exactly(10, OVERFLOW)]))

    assert (clients.low, clients.high) == (45, 45)
    assert clients.low_sum == "3 × (5 + 10)"
    assert clients.because == (REPLICAS, POOL, OVERFLOW)


def test_an_end_that_is_not_known_stays_unknown() -> None:
    clients = product(exactly(3, REPLICAS), between(1, None))

    assert (clients.low, clients.high) == (3, None)


def test_no_parts_add_up_to_nothing() -> None:
    assert total([]).high == 0


def test_the_smaller_number_brings_its_own_reasons() -> None:
    servers = least(exactly(200, POOL), exactly(60, REPLICAS))

    assert (servers.low, servers.high, servers.because, servers.low_sum) == (60, 60, (REPLICAS,), "60")


def test_where_each_end_comes_from_another_number_the_reasons_of_both_count() -> None:
    servers = least(between(10, None, POOL), exactly(60, REPLICAS))

    assert (servers.low, servers.high) == (10, 60)
    assert servers.because == (POOL, REPLICAS)


def test_an_overrun_of_the_low_end_is_certain() -> None:
    found = overrun(between(120, 300), exactly(100))

    assert found is not None
    assert (found.certain, found.wanted, found.allowed) == (True, 120, 100)


def test_an_overrun_of_the_high_end_alone_is_not_certain() -> None:
    found = overrun(between(60, 300), exactly(100))

    assert found is not None
    assert (found.certain, found.wanted, found.allowed) == (False, 300, 100)


def test_an_overrun_of_an_assumed_limit_is_not_certain() -> None:
    found = overrun(exactly(120), exactly(100, DEFAULT))

    assert found is not None
    assert not found.certain


def test_what_fits_and_what_is_not_known_overruns_nothing() -> None:
    assert overrun(exactly(100), exactly(100)) is None
    assert overrun(between(1, None), exactly(100)) is None
    assert overrun(exactly(100), between(0, None)) is None
