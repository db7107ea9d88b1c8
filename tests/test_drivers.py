import pytest

from poolcheck.read.python.libraries.drivers import DRIVERS, Driver, driver_named


def test_each_driver_has_the_name_it_is_found_by() -> None:
    assert all(name == driver.name for name, driver in DRIVERS.items())
    assert driver_named("psycopg_async") is DRIVERS["psycopg"]
    assert driver_named("unheard_of") is None
    assert driver_named(None) is None


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=lambda driver: driver.name)
def test_a_driver_is_synchronous_or_asynchronous_or_both(driver: Driver) -> None:
    assert driver.is_sync or driver.is_async


# What inspect.signature shows, libpq's manual, and what create_engine() refused with SQLAlchemy 2.1.9.
@pytest.mark.parametrize(
    ("name", "taken", "refused"),
    [
        (
            "psycopg2",
            "connect_timeout keepalives options sslmode",
            "command_timeout prepare_threshold timeout ssl",
        ),
        ("psycopg", "connect_timeout prepare_threshold sslmode", "command_timeout server_settings timeout"),
        (
            "asyncpg",
            "command_timeout statement_cache_size timeout ssl",
            "connect_timeout options sslmode keepalives",
        ),
        ("pg8000", "timeout", "connect_timeout sslmode"),
        ("pymysql", "connect_timeout read_timeout", "timeout sslmode pool_size"),
        ("mysqlconnector", "connection_timeout pool_size", "sslmode timeout"),
        ("aiomysql", "connect_timeout", "read_timeout timeout"),
        ("asyncmy", "connect_timeout read_timeout", "timeout"),
    ],
)
def test_drivers_take_what_their_connect_functions_take(name: str, taken: str, refused: str) -> None:
    assert set(taken.split()) <= DRIVERS[name].keywords
    assert not set(refused.split()) & DRIVERS[name].keywords


@pytest.mark.parametrize(
    ("name", "setting", "default", "off"),
    [
        ("psycopg", "prepare_threshold", 5, None),
        ("asyncpg", "statement_cache_size", 100, 0),
        ("psycopg2", None, None, None),
    ],
)
def test_drivers_that_prepare_statements_say_how_many(
    name: str, setting: str | None, default: int | None, off: int | None
) -> None:
    driver = DRIVERS[name]

    assert (driver.prepares, driver.prepares_by_default, driver.prepares_off) == (setting, default, off)
