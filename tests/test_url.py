import pytest

from poolcheck.read.python.pools.url import Address, parse
from poolcheck.value import HOLE


def read(text: str) -> Address:
    address = parse(text)
    assert address is not None
    return address


def test_a_url_is_taken_apart() -> None:
    address = read("postgresql+asyncpg://shop:s3:cr@t@pgbouncer:6432/orders?ssl=require")

    assert (address.dialect, address.driver, address.user) == ("postgresql", "asyncpg", "shop")
    assert (address.host, address.port_number, address.database) == ("pgbouncer", 6432, "orders")
    assert address.options == {"ssl": "require"}


def test_a_libpq_string_is_taken_apart_and_its_password_forgotten() -> None:
    address = read("host=pgbouncer port=6432 dbname=orders password='it\\'s' connect_timeout=5")

    assert (address.host, address.port_number, address.database) == ("pgbouncer", 6432, "orders")
    assert address.options == {"connect_timeout": "5"}


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("postgres://db/orders", "db", 5432),
        ("mysql://db/orders", "db", 3306),
        ("postgresql://[::1]:6432/orders", "::1", 6432),
        ("postgresql://a:5433,b:5434/orders", "a", 5433),
        ("postgresql:///orders?host=/run/postgresql", "/run/postgresql", 5432),
        ("postgresql:///orders?host=pgbouncer:6432", "pgbouncer", 6432),
        ("postgresql://%2Frun%2Fpostgresql/orders", "/run/postgresql", 5432),
        (f"postgresql:///orders?host=/cloudsql/{HOLE}", "/cloudsql/", 5432),
        (f"host=/cloudsql/{HOLE} dbname=orders", "/cloudsql/", 5432),
    ],
)
def test_hosts_and_ports_are_found_in_their_many_forms(text: str, host: str, port: int) -> None:
    address = read(text)

    assert (address.host, address.port_number) == (host, port)


def test_unknown_parts_do_not_hide_the_known_ones() -> None:
    address = read(f"postgresql+asyncpg://{HOLE}:{HOLE}@pgbouncer:6432/{HOLE}")

    assert (address.driver, address.user, address.host, address.port_number) == (
        "asyncpg",
        None,
        "pgbouncer",
        6432,
    )
    assert address.database is None


def test_one_unknown_part_may_be_host_port_and_all() -> None:
    address = read(f"postgresql://{HOLE}")

    assert (address.host, address.port_number, address.database) == (None, None, None)
    assert not address.options_known


def test_a_libpq_string_with_an_unknown_end_may_say_anything_besides() -> None:
    address = read(f"dbname=orders {HOLE}")

    assert (address.database, address.host) == ("orders", None)
    assert not address.options_known


@pytest.mark.parametrize("text", ["", "orders", HOLE, "SELECT 1", "/var/lib/orders.db"])
def test_other_texts_are_no_connection_strings(text: str) -> None:
    assert parse(text) is None
