from collections.abc import Mapping

import pytest

from poolcheck.files import Memory
from poolcheck.read.python.pools.capacity import most_connections
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.flask import flask_pools
from poolcheck.read.python.syntax.module import Project
from poolcheck.value import Known, Value

URI = "SQLALCHEMY_DATABASE_URI = 'postgresql+psycopg2://web@db/shop'"


def engines(text: str, others: Mapping[str, str] | None = None) -> list[ClientPool]:
    """The engines that app/config.py configures."""
    files = {"app/__init__.py": "", "app/config.py": text, **(others or {})}
    module = Project(Memory({path: each.encode() for path, each in files.items()})).module("app/config.py")
    assert module
    return list(flask_pools(module))


def engine(text: str, others: Mapping[str, str] | None = None) -> ClientPool:
    """The only engine that app/config.py configures."""
    (found,) = engines(text, others)
    return found


def scalar(value: Value | None) -> object:
    assert isinstance(value, Known)
    return value.scalar


@pytest.mark.parametrize(
    "text",
    [
        f"{URI}\nSQLALCHEMY_ENGINE_OPTIONS = {{'pool_size': 7}}",
        f"class Config:\n    {URI}\n    SQLALCHEMY_ENGINE_OPTIONS = {{'pool_size': 7}}",
        "app.config['SQLALCHEMY_DATABASE_URI'] = 'postgresql+psycopg2://web@db/shop'\n"
        "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': '7'}",
        "app.config.update(SQLALCHEMY_DATABASE_URI='postgresql+psycopg2://web@db/shop', "
        "SQLALCHEMY_ENGINE_OPTIONS=dict(pool_size=7))",
        "app.config.from_mapping({'SQLALCHEMY_DATABASE_URI': 'postgresql+psycopg2://web@db/shop', "
        "'SQLALCHEMY_ENGINE_OPTIONS': {'pool_size': 7}})",
        "def create_app():\n    app.config['SQLALCHEMY_DATABASE_URI'] = 'postgresql+psycopg2://web@db/shop'\n"
        "    app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 7}",
    ],
)
def test_the_configuration_of_an_application_makes_an_engine(text: str) -> None:
    found = engine(text)

    assert (found.title, found.driver, scalar(found.given("pool_size"))) == (
        "SQLALCHEMY_DATABASE_URI",
        "psycopg2",
        7,
    )
    assert most_connections(found).high == 17
    assert found.is_setting


def test_a_class_has_what_it_inherits() -> None:
    text = f"class Base:\n    SQLALCHEMY_ENGINE_OPTIONS = {{'pool_size': 7}}\nclass Production(Base):\n    {URI}"

    base, production = sorted(engines(text), key=lambda each: each.all_known)

    assert (base.address, scalar(production.given("pool_size"))) == (None, 7)


@pytest.mark.parametrize(
    ("requirements", "low", "high"),
    [("flask-sqlalchemy==3.1.1", 15, 15), ("flask-sqlalchemy<3", 30, 30), ("", 15, 30)],
)
def test_former_settings_count_in_former_versions(requirements: str, low: int, high: int) -> None:
    found = engine(f"{URI}\nSQLALCHEMY_POOL_SIZE = 20", {"requirements.txt": requirements})

    assert (most_connections(found).low, most_connections(found).high) == (low, high)


@pytest.mark.parametrize(
    ("requirements", "high", "age"),
    [("flask-sqlalchemy==2.5.1", 20, 7200), ("flask-sqlalchemy==3.1.1", 15, 7200), ("", 15, 7200)],
)
def test_mysql_has_defaults_of_its_own(requirements: str, high: int, age: int) -> None:
    found = engine("SQLALCHEMY_DATABASE_URI = 'mysql://db/shop'", {"requirements.txt": requirements})

    assert (most_connections(found).high, scalar(found.effective("pool_recycle"))) == (high, age)


def test_binds_are_engines_of_their_own() -> None:
    text = (
        f"{URI}\nSQLALCHEMY_BINDS = {{'reports': 'mysql://db/reports',"
        " 'log': {'url': 'sqlite:///log.db', 'pool_size': 3}}"
    )

    found = {each.title: each for each in engines(text)}

    assert set(found) == {"SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_BINDS['reports']", "SQLALCHEMY_BINDS['log']"}
    assert found["SQLALCHEMY_BINDS['reports']"].driver == "mysqldb"
    assert scalar(found["SQLALCHEMY_BINDS['log']"].given("pool_size")) == 3


@pytest.mark.parametrize(
    "text",
    [
        f"from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n    {URI}",
        "print('SQLALCHEMY_DATABASE_URI')",
        "settings['SQLALCHEMY_DATABASE_URI'] = 'postgresql://db/shop'",
        "URI = 'postgresql://db/shop'",
    ],
)
def test_what_is_only_called_so_makes_no_engine(text: str) -> None:
    assert not engines(text)
