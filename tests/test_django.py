from collections.abc import Mapping

import pytest

from poolcheck.files import Memory
from poolcheck.read.python.libraries.constructors import DJANGO, DJANGO_POOL
from poolcheck.read.python.pools.capacity import most_connections
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.django import django_pools
from poolcheck.read.python.syntax.module import Project
from poolcheck.value import EnvRef, Known, Table, Value, scalars_of

POSTGRES = '{"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "db"'


def databases(text: str, others: Mapping[str, str] | None = None) -> list[ClientPool]:
    """The databases that app/settings.py names."""
    files = {"app/__init__.py": "", "app/settings.py": text, **(others or {})}
    module = Project(Memory({path: each.encode() for path, each in files.items()})).module("app/settings.py")
    assert module
    return list(django_pools(module))


def database(text: str, others: Mapping[str, str] | None = None) -> ClientPool:
    """The only database that app/settings.py names."""
    (found,) = databases(text, others)
    return found


def scalar(value: Value | None) -> object:
    assert isinstance(value, Known)
    return value.scalar


def ages(pools: list[ClientPool]) -> list[object]:
    return [scalar(pool.effective("CONN_MAX_AGE")) for pool in pools]


def test_a_database_is_what_its_dictionary_says() -> None:
    found = database(f'DATABASES = {{"default": {POSTGRES}, "PORT": 6432, "CONN_MAX_AGE": 60}}}}')

    assert (found.title, found.constructor.name) == ("DATABASES['default']", DJANGO.name)
    assert found.address
    assert (found.address.dialect, found.address.host, found.address.port_number, found.address.database) == (
        "postgresql", "db", 6432, "shop",
    )  # fmt: skip
    assert ages([found]) == [60]
    assert most_connections(found).high is None


def test_what_is_not_said_has_djangos_default() -> None:
    found = database(f'DATABASES = {{"default": {POSTGRES}}}}}')

    assert [scalar(found.effective(name)) for name in ("CONN_MAX_AGE", "CONN_HEALTH_CHECKS")] == [0, False]


@pytest.mark.parametrize(
    ("pool", "least", "most"),
    [
        ("True", 4, 4),
        ('{"max_size": 10}', 10, 10),
        ('{"min_size": 2, "max_size": 10}', 10, 10),
        ('{"min_size": 7}', 7, 7),
    ],
)
def test_a_pool_is_one_of_psycopgs(pool: str, least: int, most: int) -> None:
    found = database(f'DATABASES = {{"default": {POSTGRES}, "OPTIONS": {{"pool": {pool}}}}}}}')

    assert found.constructor.size == DJANGO_POOL.size
    assert (most_connections(found).low, most_connections(found).high) == (least, most)


@pytest.mark.parametrize("pool", ["False", "None", "{}"])
def test_without_a_pool_each_thread_has_a_connection(pool: str) -> None:
    found = database(f'DATABASES = {{"default": {POSTGRES}, "OPTIONS": {{"pool": {pool}}}}}}}')

    assert (found.constructor.size, most_connections(found).high) == ((), None)


@pytest.mark.parametrize(
    "change",
    [
        'DATABASES["default"]["CONN_MAX_AGE"] = 60',
        'DATABASES["default"].update(CONN_MAX_AGE=60)',
        'DATABASES["default"].update({"CONN_MAX_AGE": 60})',
        'DATABASES["default"].setdefault("CONN_MAX_AGE", 60)',
        'with open("x"):\n    DATABASES["default"]["CONN_MAX_AGE"] = 60',
        f'DATABASES.update({{"default": {POSTGRES}, "CONN_MAX_AGE": 60}}}})',
        f'DATABASES["default"] = {POSTGRES}, "CONN_MAX_AGE": 60}}',
        f'DATABASES["default"] = dict({POSTGRES}}}, CONN_MAX_AGE=60)',
        'ALIAS = "default"\nDATABASES[ALIAS]["CONN_MAX_AGE"] = 60',
    ],
)
def test_what_is_done_to_the_settings_counts(change: str) -> None:
    assert ages(databases(f'DATABASES = {{"default": {POSTGRES}}}}}\n{change}')) == [60]


def test_what_is_taken_out_counts() -> None:
    text = f'DATABASES = {{"default": {POSTGRES}, "CONN_MAX_AGE": 60}}}}\nDATABASES["default"].pop("CONN_MAX_AGE")'

    assert ages(databases(text)) == [0]


def test_options_inside_of_options_are_set() -> None:
    text = (
        f'DATABASES = {{"default": {POSTGRES}, "OPTIONS": {{}}}}}}\nDATABASES["default"]["OPTIONS"]["pool"] = True'
    )

    assert database(text).constructor.size == DJANGO_POOL.size


def test_on_a_branch_a_database_is_one_or_the_other() -> None:
    text = f'DATABASES = {{"default": {POSTGRES}}}}}\nif DEBUG:\n    DATABASES["default"]["CONN_MAX_AGE"] = 60'

    assert ages(databases(text)) == [60, 0]
    assert [found.title for found in databases(text)] == ["DATABASES['default']"] * 2


def test_settings_that_are_imported_are_changed() -> None:
    others = {"app/base.py": f'DATABASES = {{"default": {POSTGRES}, "CONN_MAX_AGE": 60}}}}'}
    text = 'from .base import *\nDATABASES["default"]["OPTIONS"] = {"pool": True}'

    found = database(text, others)

    assert found.span.path == "app/settings.py"
    assert ages([found]) == [60]
    assert found.constructor.size == DJANGO_POOL.size


def test_settings_that_are_only_imported_are_those_of_the_other_module() -> None:
    others = {"app/base.py": f'DATABASES = {{"default": {POSTGRES}}}}}'}

    assert not databases("from .base import *\nprint(DATABASES)", others)


@pytest.mark.parametrize(
    ("value", "variable", "age"),
    [
        ("dj_database_url.config()", "DATABASE_URL", 0),
        ("dj_database_url.config(conn_max_age=600)", "DATABASE_URL", 600),
        ('dj_database_url.config("SHOP_URL", None, None, 600)', "SHOP_URL", 600),
        ('dj_database_url.config(env="SHOP_URL", default="postgres://db/shop")', "SHOP_URL", 0),
        ('env.db("SHOP_URL", default="postgres://db/shop")', "SHOP_URL", 0),
        ('{**dj_database_url.config(), "CONN_MAX_AGE": 600}', "DATABASE_URL", 600),
    ],
)
def test_urls_are_read_from_the_environment(value: str, variable: str, age: int) -> None:
    found = database(f'import dj_database_url, environ\nenv = environ.Env()\nDATABASES = {{"default": {value}}}')

    url = found.given("URL")
    assert isinstance(url, EnvRef)
    assert url.name == variable
    assert ages([found]) == [age]


def test_a_url_that_is_written_is_an_address() -> None:
    found = database(
        'import dj_database_url\nDATABASES = {"default": dj_database_url.parse("mysql://web@db/shop")}'
    )

    assert found.address
    assert (found.address.dialect, found.address.host, found.driver) == ("mysql", "db", "mysqldb")


@pytest.mark.parametrize(
    ("requirements", "driver"),
    [
        ("psycopg2-binary", "psycopg2"),
        ("psycopg[binary]", "psycopg"),
        ("psycopg\npsycopg2", "psycopg"),
        ("", None),
    ],
)
def test_the_driver_is_the_one_that_is_installed(requirements: str, driver: str | None) -> None:
    text = f'DATABASES = {{"default": {POSTGRES}}}}}'

    assert database(text, {"requirements.txt": requirements}).driver == driver


@pytest.mark.parametrize(
    "text",
    [
        'DATABASES = {"default": "shop"}',
        'DATABASES = {"default": {"driver": "postgres"}}',
        'DATABASES = {"default": {"ENGINE": "postgres"}}',
        "DATABASES = load()",
        "DATABASES = []",
        'def f():\n    DATABASES = {"default": {"ENGINE": "django.db.backends.mysql"}}',
        'print("DATABASES")',
        "DATABASES[0]['x'] = 1",
    ],
)
def test_what_is_not_djangos_is_none(text: str) -> None:
    assert not databases(text)


def test_settings_in_a_class_count() -> None:
    text = f'class Production(Configuration):\n    DATABASES = {{"default": {POSTGRES}, "CONN_MAX_AGE": 60}}}}'

    assert ages(databases(text)) == [60]


def test_numbers_keep_the_place_where_they_are_written() -> None:
    text = f'AGE = 60\nDATABASES = {{"default": {POSTGRES}, "CONN_MAX_AGE": AGE}}}}'

    age = database(text).given("CONN_MAX_AGE")

    assert age
    assert [text[place.start : place.end] for place in age.places] == ["AGE", "60"]
    assert scalars_of(age) == (60,)


def test_many_branches_are_not_followed_for_ever() -> None:
    branch = 'if A{0}:\n    DATABASES["default"]["OPTIONS"]["x{0}"] = {0}\n'
    branches = "".join(branch.format(at) for at in range(40))

    found = databases(f'DATABASES = {{"default": {POSTGRES}, "OPTIONS": {{}}}}}}\n{branches}')

    assert 1 < len(found) < 10
    assert all(isinstance(each.given("OPTIONS"), Table) for each in found)
