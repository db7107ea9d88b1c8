import pytest

from poolcheck.files import Memory
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.pools.client_pools import pools_of
from poolcheck.read.python.pools.prepared import Remedies, caches_by_itself, remedies_of, threshold_of
from poolcheck.read.python.syntax.module import Project

ENGINE = """\
from sqlalchemy import NullPool, QueuePool
from sqlalchemy.ext.asyncio import create_async_engine
from elsewhere import arguments, is_pooled, kind
engine = create_async_engine("postgresql+asyncpg://h/d{query}"{more})
"""
A, B = '"statement_cache_size": 0', '"prepared_statement_cache_size": 0'
F = '"prepared_statement_name_func": lambda: "x"'


def pool(text: str) -> ClientPool:
    module = Project(Memory({"app/db.py": text.encode()})).module("app/db.py")
    assert module
    (found,) = pools_of(module)
    return found


def told(more: str, query: str = "") -> list[str]:
    """What an engine is told, a letter each."""
    found = remedies_of(pool(ENGINE.format(more=more, query=query)))
    return ["".join(letter for letter, there in zip("abfno", each, strict=True) if there) for each in found]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("", [""]),
        (f", connect_args={{{A}}}", ["a"]),
        (f", connect_args={{{A}, {B}, {F}}}", ["abf"]),
        (', connect_args={"statement_cache_size": 10, "prepared_statement_name_func": None}', [""]),
        (", connect_args=None, poolclass=NullPool", ["n"]),
        (", poolclass=QueuePool", [""]),
        (', isolation_level="autocommit"', ["o"]),
        (', execution_options={"isolation_level": "AUTOCOMMIT"}', ["o"]),
        (f", connect_args={{{A}}} if is_pooled() else {{}}", ["a", ""]),
        (", connect_args=arguments()", []),
        (", connect_args={**arguments()}", []),
        (', connect_args={"statement_cache_size": arguments()}', []),
        (", poolclass=kind()", []),
        (", async_creator=arguments", []),
    ],
)
def test_an_engine_is_told_something_about_statements(more: str, found: list[str]) -> None:
    assert told(more) == found


def test_the_cache_of_sqlalchemy_is_also_switched_off_by_the_url() -> None:
    assert told("", "?prepared_statement_cache_size=0") == ["b"]
    assert told(f", connect_args={{{F}}}", "?prepared_statement_cache_size=0") == ["bf"]


# As tests/proofs/test_transaction_mode.py has it for one asyncpg; by hand for 0.27, 0.29, 0.30 and 0.31.
@pytest.mark.parametrize(
    ("letters", "since"),
    [
        ("", None),
        ("a", (0, 31)),
        ("b", None),
        ("ab", (0, 31)),
        ("f", None),
        ("af", None),
        ("bf", (0, 31)),
        ("abf", ()),
        ("n", None),
        ("an", (0, 31)),
        ("bn", None),
        ("fn", (0, 31)),
        ("afn", ()),
        ("ao", (0, 31)),
        ("bfo", None),
        ("abfo", None),
        ("afno", None),
    ],
)
def test_some_of_it_is_enough_since_some_asyncpg(letters: str, since: tuple[int, ...] | None) -> None:
    remedies = Remedies(*(letter in letters for letter in "abfno"))

    assert remedies.enough_since == since


@pytest.mark.parametrize(
    ("arguments", "caches"),
    [
        ("", True),
        (", statement_cache_size=50", True),
        (", statement_cache_size=0", False),
        (", statement_cache_size=size()", False),
        (", **given", False),
    ],
)
def test_asyncpg_caches_unless_it_is_told_or_may_be(arguments: str, caches: bool) -> None:
    text = f'import asyncpg\nfrom elsewhere import given, size\np = asyncpg.create_pool("postgresql://h/d"{arguments})'

    assert caches_by_itself(pool(text)) is caches


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ('import psycopg\nc = psycopg.connect("host=h")', 5),
        ('import psycopg\nc = psycopg.connect("host=h", prepare_threshold=2)', 2),
        ('import psycopg\nc = psycopg.connect("host=h", prepare_threshold=None)', None),
        ('import psycopg\nc = psycopg.connect("host=h", prepare_threshold=given())', None),
        ('import psycopg_pool as p\nc = p.ConnectionPool("host=h", kwargs={"prepare_threshold": 0})', 0),
    ],
)
def test_psycopg_prepares_what_is_executed_often(text: str, threshold: int | None) -> None:
    assert threshold_of(pool(text)) == threshold
