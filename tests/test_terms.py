import pytest

from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.libraries.constructors import CONSTRUCTORS
from poolcheck.read.python.libraries.terms import (
    DRIVERS,
    METHODS,
    PSYCOPG2_POOL,
    SESSION,
    Dropped,
    Terms,
    With,
    either,
    of_driver,
    of_method,
)

ALL = [*METHODS.values(), *DRIVERS.values()]

LENDING_NOTHING = {
    Library.DATABASES,
    Library.DJANGO,
    Library.FLASK_SQLALCHEMY,
    Library.PEEWEE,
    Library.TORTOISE,
}
"""Libraries that keep their connections to themselves."""


def test_every_library_that_lends_connections_has_its_terms() -> None:
    pools = {each.library for each in CONSTRUCTORS if each.is_pool}
    drivers = {each.library for each in CONSTRUCTORS if not each.is_pool}

    assert {library for library, _ in METHODS} == pools - LENDING_NOTHING
    assert {*DRIVERS} == drivers


@pytest.mark.parametrize("terms", ALL)
def test_no_method_both_gives_back_and_does_not(terms: Terms) -> None:
    assert not terms.useless & (terms.closing | terms.returning)


@pytest.mark.parametrize("terms", METHODS.values())
def test_of_what_is_lost_it_is_told_what_comes_of_it(terms: Terms) -> None:
    assert not terms.is_lost or (terms.exhausted and terms.limit)


@pytest.mark.parametrize("terms", ALL)
def test_everything_can_be_given_back(terms: Terms) -> None:
    assert terms.closing | terms.returning


def test_what_a_driver_opens_is_closed_when_it_is_forgotten() -> None:
    assert {terms.dropped for terms in DRIVERS.values()} == {Dropped.RETURNED}


def test_an_asynchronous_engine_terminates_what_is_forgotten() -> None:
    terms = of_method(Library.SQLALCHEMY, "connect", is_async=True)

    assert terms
    assert terms.takes_when_awaited
    assert terms.is_lost


def test_a_pool_in_the_shape_of_an_engine_gets_back_what_is_closed() -> None:
    pool = of_method(Library.AIOPG, "acquire", "aiopg.create_pool", is_async=True)
    engine = of_method(Library.AIOPG, "acquire", "aiopg.sa.create_engine", is_async=True)

    assert pool
    assert engine
    assert (pool.closing, pool.entered) == (frozenset(), With.CLOSES)
    assert (engine.closing, engine.entered) == (frozenset({"close"}), With.GIVES_BACK)


def test_of_other_methods_nothing_is_known() -> None:
    assert of_method(Library.PSYCOPG2, "closeall") is None
    assert of_driver(Library.DJANGO) is None


def test_what_is_a_pools_or_opened_goes_back_in_either_way_and_is_not_lost_for_sure() -> None:
    terms = either(PSYCOPG2_POOL, DRIVERS[Library.PSYCOPG2])

    assert terms
    assert (terms.closing, terms.returning) == (frozenset({"close"}), frozenset({"putconn"}))
    assert not terms.useless
    assert not terms.is_lost


@pytest.mark.parametrize("other", [None, SESSION])
def test_where_one_is_not_known_or_another_thing_nothing_is_sure_of_both(other: Terms | None) -> None:
    assert either(PSYCOPG2_POOL, other) is None
