from collections.abc import Callable

import pytest

from poolcheck.amount import (
    Amount,
    Reason,
    amount_of,
    between,
    difference,
    either,
    exactly,
    known_part,
    least,
    overrun,
    product,
    total,
)
from poolcheck.source import Span
from poolcheck.value import Either, EnvRef, Known, Unknown, Value

HERE = (Span("db.py", 1, 2),)
REPLICAS = Reason("3 replicas")
POOL = Reason("pool_size 5")
OVERFLOW = Reason("max_overflow 10 by default")
LIMIT = Reason("max_connections 100 by default", assumption="max_connections is left at its default")
PODS = Reason("6 to 12 pods of api", least="6 pods of api", most="12 pods of api")
FILLED = Reason("1 thread", assumption="each process fills engine")


def number(value: int) -> Amount:
    return exactly(value)


def test_a_product_of_sums_writes_itself_out() -> None:
    clients = product(exactly(3, REPLICAS), total([exactly(5, POOL), exactly(10, OVERFLOW)]))

    assert (clients.low, clients.high) == (45, 45)
    assert clients.low_sum == "3 × (5 + 10)"
    assert clients.because == (REPLICAS, POOL, OVERFLOW)


@pytest.mark.parametrize(
    ("worked_out", "written"),
    [
        (lambda: number(7), "7"),
        (lambda: product(number(6), number(4), number(20)), "6 × 4 × 20"),
        (lambda: product(number(6), number(4), total([number(20), number(10)])), "6 × 4 × (20 + 10)"),
        (
            lambda: total(
                [
                    product(number(6), number(4), total([number(20), number(10)])),
                    product(number(2), number(8), number(4)),
                ]
            ),
            "6 × 4 × (20 + 10) + 2 × 8 × 4",
        ),
        (lambda: product(total([number(2), number(3)]), number(4)), "(2 + 3) × 4"),
        (lambda: product(total([number(2), number(3)]), total([number(4), number(5)])), "(2 + 3) × (4 + 5)"),
        (lambda: product(number(2), product(number(3), total([number(4), number(5)]))), "2 × 3 × (4 + 5)"),
        (
            lambda: product(number(2), total([total([number(20), number(5)]), total([number(20), number(5)])])),
            "2 × (20 + 5 + 20 + 5)",
        ),
        (
            lambda: product(number(2), total([number(7), product(number(3), total([number(4), number(5)]))])),
            "2 × (7 + 3 × (4 + 5))",
        ),
        (lambda: product(number(1), number(4), total([number(20), number(10)])), "4 × (20 + 10)"),
        (lambda: product(number(4), number(1)), "4"),
        (lambda: product(number(1), number(1)), "1"),
        (lambda: total([product(number(1), total([number(5), number(10)])), number(3)]), "5 + 10 + 3"),
        (lambda: total([number(0), number(8), number(0)]), "8"),
        (lambda: total([number(0), number(0)]), "0"),
        (lambda: difference(number(100), number(3)), "100 − 3"),
        (lambda: difference(number(100), total([number(3), number(5)])), "100 − (3 + 5)"),
        (lambda: difference(number(100), number(0)), "100"),
        (lambda: product(number(3), difference(number(100), number(3))), "3 × (100 − 3)"),
        (lambda: product(number(2), least(total([number(20), number(5)]), number(60))), "2 × (20 + 5)"),
        (lambda: product(number(2), least(total([number(80), number(5)]), number(60))), "2 × 60"),
        (lambda: total([product(number(2), number(8)), between(0, None)]), "2 × 8"),
        (lambda: product(between(1, None), total([number(20), number(5)])), "20 + 5"),
    ],
)
def test_sums_and_products_are_written_out(worked_out: Callable[[], Amount], written: str) -> None:
    found = worked_out()

    assert found.low_sum == written
    assert found.most_sum == written


def test_the_ends_of_a_range_are_written_out_apart() -> None:
    found = total([product(between(6, 12, PODS), exactly(4)), between(0, 5), exactly(7)])

    assert (found.low, found.low_sum) == (31, "6 × 4 + 7")
    assert (found.high, found.most_sum) == (60, "12 × 4 + 5 + 7")


def test_an_end_that_is_not_known_stays_unknown() -> None:
    clients = product(exactly(3, REPLICAS), between(1, None))

    assert (clients.low, clients.high, clients.most) == (3, None, 3)


def test_of_a_part_that_is_not_known_the_rest_of_a_sum_is_left() -> None:
    clients = total([between(6, 12, PODS), between(0, None)])

    assert (clients.low, clients.most, clients.is_open) == (6, 12, True)


def test_nothing_times_any_number_is_nothing() -> None:
    found = product(exactly(0), between(1, None))

    assert (found.low, found.high) == (0, 0)


def test_no_parts_add_up_to_nothing() -> None:
    assert total([]).high == 0


def test_what_adds_nothing_is_no_reason() -> None:
    found = total([exactly(0, OVERFLOW), exactly(5, POOL), between(0, None, REPLICAS)])

    assert found.because == (POOL,)


def test_less_than_nothing_is_never_left() -> None:
    found = difference(exactly(2), exactly(3))

    assert (found.low, found.high) == (0, 0)


def test_of_a_number_without_an_upper_end_any_may_be_left() -> None:
    found = difference(between(100, None), exactly(3))

    assert (found.low, found.high) == (97, None)


def test_the_smaller_number_brings_its_own_reasons() -> None:
    servers = least(exactly(200, POOL), exactly(60, REPLICAS))

    assert (servers.low, servers.high, servers.because, servers.low_sum) == (60, 60, (REPLICAS,), "60")


def test_where_each_end_comes_from_another_number_the_reasons_of_both_count() -> None:
    servers = least(between(10, None, POOL), exactly(60, REPLICAS))

    assert (servers.low, servers.high) == (10, 60)
    assert servers.because == (POOL, REPLICAS._replace(most="3 replicas is reached"))


def test_a_limit_that_is_not_known_may_be_any() -> None:
    servers = least(exactly(120, POOL), between(0, None, REPLICAS))

    assert (servers.surely, servers.low, servers.high) == (0, 0, 120)


def test_what_is_known_of_a_number_stays_below_a_cap_and_the_number_open() -> None:
    below, above = known_part(between(30, None), exactly(100)), known_part(between(130, None), exactly(100))

    assert (below.low, below.most, below.is_open) == (30, 30, True)
    assert (above.low, above.most, above.is_open) == (100, 100, True)


def test_one_of_several_numbers_lies_between_them() -> None:
    found = either([exactly(3, REPLICAS), exactly(7, POOL), exactly(5, OVERFLOW)])

    assert (found.surely, found.low, found.high) == (3, 3, 7)
    assert found.because == (
        Reason("3 replicas", least="3 replicas"),
        Reason("pool_size 5", most="pool_size 5"),
    )


def test_several_equal_numbers_are_one() -> None:
    found = either([exactly(3, REPLICAS), exactly(3, REPLICAS)])

    assert found == exactly(3, REPLICAS)


def test_an_overrun_of_the_low_end_is_certain() -> None:
    found = overrun(between(120, 300), exactly(100))

    assert found is not None
    assert (found.certain, found.wanted, found.allowed, found.provided) == (True, 120, 100, "")


def test_an_overrun_of_the_high_end_alone_is_not_certain_and_says_what_it_assumes() -> None:
    found = overrun(product(between(6, 12, PODS), exactly(10)), exactly(100))

    assert found is not None
    assert (found.certain, found.wanted, found.allowed) == (False, 120, 100)
    assert found.provided == ", assuming 12 pods of api"


def test_an_overrun_of_an_assumed_limit_is_not_certain_and_says_what_it_assumes() -> None:
    found = overrun(exactly(120), exactly(100, LIMIT))

    assert found is not None
    assert not found.certain
    assert found.provided == ", assuming max_connections is left at its default"


def test_an_overrun_that_does_without_what_is_assumed_is_certain() -> None:
    found = overrun(total([exactly(120), exactly(30, FILLED, surely=2)]), exactly(100))

    assert found is not None
    assert (found.certain, found.wanted, found.provided) == (True, 150, "")


def test_an_overrun_that_needs_what_is_assumed_is_not_certain() -> None:
    found = overrun(total([exactly(80), exactly(30, FILLED, surely=2)]), exactly(100))

    assert found is not None
    assert (found.certain, found.provided) == (False, ", assuming each process fills engine")


def test_an_overrun_of_the_low_end_does_not_speak_of_ranges() -> None:
    found = overrun(product(between(6, 12, PODS), exactly(30, FILLED)), exactly(100))

    assert found is not None
    assert (found.wanted, found.provided) == (180, ", assuming each process fills engine")


def test_what_is_allowed_counts_at_its_low_end_where_what_is_wanted_counts_at_its_high() -> None:
    poolers = Reason("2 to 4 pods of pgbouncer", least="2 pods of pgbouncer", most="4 pods of pgbouncer")

    found = overrun(product(between(6, 12, PODS), exactly(30)), product(between(2, 4, poolers), exactly(100)))

    assert found is not None
    assert (found.certain, found.wanted_written, found.allowed_written) == (
        False,
        "12 × 30 = 360",
        "2 × 100 = 200",
    )
    assert found.provided == ", assuming 2 pods of pgbouncer and 12 pods of api"


def test_a_part_that_is_not_known_does_not_hide_that_the_others_are_too_many() -> None:
    found = overrun(total([between(60, 120, PODS), between(0, None)]), exactly(100))

    assert found is not None
    assert (found.certain, found.wanted) == (False, 120)


def test_a_sentence_names_only_so_many_assumptions() -> None:
    wanted = exactly(500, *(Reason("", assumption=f"{name} holds") for name in "abcd"))

    found = overrun(wanted, exactly(100))

    assert found is not None
    assert found.provided == ", assuming a holds, b holds and more"


def test_what_fits_and_what_is_not_known_overruns_nothing() -> None:
    assert overrun(exactly(100), exactly(100)) is None
    assert overrun(between(1, None), exactly(100)) is None
    assert overrun(exactly(100), between(0, None)) is None


def test_a_number_alone_is_not_written_as_a_sum() -> None:
    found = overrun(exactly(120), difference(exactly(100), exactly(3)))

    assert found is not None
    assert (found.wanted_written, found.allowed_written) == ("120", "100 − 3 = 97")


def test_a_known_value_is_its_number_at_the_place_it_is_written() -> None:
    found = amount_of(Known(7, HERE), "pool_size")

    assert (found.surely, found.low, found.high) == (7, 7, 7)
    assert found.because == (Reason("pool_size 7", HERE[0]),)


def test_one_of_several_values_is_a_range() -> None:
    found = amount_of(Either((Known(5, HERE), Known(20, HERE)), HERE), "pool_size")

    assert (found.low, found.high) == (5, 20)
    assert found.because == (Reason("pool_size 5 to 20", HERE[0], least="pool_size 5", most="pool_size 20"),)


def test_the_default_of_a_variable_that_nobody_sets_is_assumed() -> None:
    found = amount_of(EnvRef("SIZE", Known(7, HERE), HERE), "pool_size")

    assert (found.surely, found.low, found.high) == (0, 7, 7)
    assert [reason.assumption for reason in found.because] == ["pool_size is left at its default"]


@pytest.mark.parametrize(
    "value", [None, Unknown(HERE), Known("7", HERE), Known(-1, HERE), EnvRef("SIZE", None, HERE)]
)
def test_what_is_no_number_may_be_any(value: Value | None) -> None:
    found = amount_of(value, "pool_size")

    assert (found.low, found.high) == (0, None)
