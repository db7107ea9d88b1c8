import pytest

from poolcheck.link.wiring.database_variables import Named, addresses_in, addresses_in_command, has_unknown_address
from poolcheck.read.kubernetes.environment import Environment, Hidden
from poolcheck.read.kubernetes.manifest import Container
from poolcheck.source import Located, Span
from poolcheck.value import EnvRef, Known, Unknown, Value, compute

HERE = Span("pod.yaml", 0, 1)


def environment(**variables: str | Value) -> Environment:
    values = {name: Known(each, (HERE,)) if isinstance(each, str) else each for name, each in variables.items()}
    return Environment(values, frozenset(), ())


def named(**variables: str | Value) -> list[tuple[str, str | None, int | None, str | None]]:
    found = addresses_in(environment(**variables))
    return [
        (each.variable.name, each.address.host, each.address.port_number, each.address.database) for each in found
    ]


def only(**variables: str | Value) -> Named:
    [found] = addresses_in(environment(**variables))
    return found


def refer(name: str, default: str | None) -> EnvRef:
    return EnvRef(name, None if default is None else Known(default, (HERE,)), (HERE,))


@pytest.mark.parametrize(
    ("value", "host", "port", "database"),
    [
        ("postgres://shop:pw@db:6432/orders?sslmode=disable", "db", 6432, "orders"),
        ("postgresql+asyncpg://db/orders", "db", 5432, "orders"),
        ("jdbc:postgresql://db:5433/orders?user=shop", "db", 5433, "orders"),
        ("Host=db;Port=5433;Database=orders;Username=shop;Password=pw", "db", 5433, "orders"),
        ("Server=db;Port=5433;Database=orders;User Id=shop;", "db", 5433, "orders"),
        ("host=db port=5433 dbname=orders user=shop password=pw", "db", 5433, "orders"),
        ("pgx5://shop@db:5433/orders", "db", 5433, "orders"),
    ],
)
def test_an_address_is_told_by_its_form_whatever_holds_it(value: str, host: str, port: int, database: str) -> None:
    assert named(SHOP=value) == [("SHOP", host, port, database)]


@pytest.mark.parametrize(
    "value",
    [
        "redis://cache:6379/0", "mysql://db/orders", "https://example.com/?a=b", "a=b", "postgres:///orders", "",
        "Server=mssql,1433;Database=x;", "Server=db;Database=orders;User Id=sa;",
        "postgresql:///orders?host=/run/postgresql",
    ],
)  # fmt: skip
def test_other_values_are_none(value: str) -> None:
    assert named(SHOP=value) == []


@pytest.mark.parametrize(
    ("host", "port", "database", "user"),
    [
        ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER"),
        ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER"),
        ("POSTGRES_SERVER", "POSTGRES_PORT", "POSTGRES_DB", "POSTGRES_USER"),
        ("SHOP_DATABASE_HOST", "SHOP_DATABASE_PORT", "SHOP_DATABASE_NAME", "SHOP_DATABASE_USER"),
        ("DB_POSTGRESDB_HOST", "DB_POSTGRESDB_PORT", "DB_POSTGRESDB_DATABASE", "DB_POSTGRESDB_USER"),
        ("db_hostname", "db_PORT", "db_DBNAME", "db_USERNAME"),
    ],
)
def test_an_address_may_be_parted_among_variables(host: str, port: str, database: str, user: str) -> None:
    found = only(**{host: "db", port: "6432", database: "orders", user: "shop"})

    assert (found.variable.name, found.has_port) == (host, True)
    address = found.address
    assert (address.host, address.port_number, address.database, address.user) == ("db", 6432, "orders", "shop")


def test_without_a_variable_for_it_the_port_is_the_programs_business() -> None:
    assert not only(DB_HOST="db").has_port
    assert only(DB_HOST="db:6432").address.port_number == 6432


@pytest.mark.parametrize("name", ["HOST", "REDIS_HOST", "PGADMIN_LISTEN", "KAFKA_SERVER", "OTEL_HOST", "DB_HOSTS"])
def test_hosts_of_other_things_are_none_of_databases(name: str) -> None:
    assert named(**{name: "db"}) == []


def test_what_is_filled_in_may_be_but_a_default() -> None:
    url = compute("join", [Known("postgres://shop@", (HERE,)), refer("HOST", "db"), Known("/x", (HERE,))], (HERE,))

    assert only(DATABASE_URL=url).by_default
    assert only(DB_HOST=refer("HOST", "db")).by_default
    assert only(DB_HOST="db", DB_PORT=refer("PORT", "5432")).by_default
    assert not only(DB_HOST="db", DB_PORT="5432").by_default


def test_a_default_for_the_password_does_not_matter() -> None:
    parts: list[Value] = [
        Known("postgres://shop:", (HERE,)),
        refer("PASSWORD", "pw"),
        Known("@db:5432/x", (HERE,)),
    ]

    assert not only(DATABASE_URL=compute("join", parts, (HERE,))).by_default


def test_addresses_stand_in_commands_too() -> None:
    word = Located("-database=postgres://shop:pw@db:6432/x?sslmode=disable", HERE)
    container = Container(Located("x", HERE), None, None, (word,), (), (), (), (), None, None)

    [found] = addresses_in_command(container, environment())

    assert (found.variable.name, found.address.host, found.address.port) == ("the command", "db", "6432")


def test_it_is_told_whether_more_addresses_may_be_there() -> None:
    assert has_unknown_address(environment(DATABASE_URL=Unknown((HERE,))))
    assert has_unknown_address(environment(DB_HOST=Unknown((HERE,))))
    assert has_unknown_address(Environment({}, frozenset(), (Hidden("", (HERE,)),)))
    assert not has_unknown_address(environment(DATABASE_URL="postgres://db/x", SENTRY_DSN=Unknown((HERE,))))


def test_no_password_is_kept() -> None:
    values = (
        "postgres://shop:s3cret@db/x",
        "Host=db;Port=1;Database=x;Password=s3cret",
        "host=db dbname=x password=s3cret",
    )

    assert all("s3cret" not in repr(only(SHOP=value)) for value in values)
