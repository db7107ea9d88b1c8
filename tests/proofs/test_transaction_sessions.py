"""What stays in a session, and what is lost, when a pooler in transaction mode gives it to others."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from psycopg import pq

from poolcheck.catalog import installed
from poolcheck.testing import SETTINGS, Example, report_on
from servers import client
from servers.client import Refused
from servers.pgbouncer import PgBouncer, Room
from servers.postgres import OWNER, PostgreSQL

INI = "[databases]\nshop = {entry}\n[pgbouncer]\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n"
STATED = '[poolers.main]\nhosts = ["pgbouncer"]\n'
MODULE = """\
import psycopg


def run():
    conn = psycopg.connect("host=pgbouncer port=6432 dbname=shop", autocommit=True, prepare_threshold=None)
    conn.execute({statement!r})
"""

SITE = {
    "site/settings.py": """\
DATABASES = {
    "default": {"ENGINE": "django.db.backends.postgresql", "HOST": "pgbouncer", "PORT": 6432, "NAME": "shop"}
}
""",
    "site/exports.py": "from .models import Order\n\nfor order in Order.objects.iterator():\n    print(order)\n",
}


class Clients(NamedTuple):
    """Two clients of one pooler. Both get the same server connection as long as no more than one asks."""

    one: pq.abc.PGconn
    other: pq.abc.PGconn


@pytest.fixture
def clients(room: Room, postgres: PostgreSQL) -> Iterator[Clients]:
    """Two clients of a pooler in transaction mode, in a database of their own."""
    entry = f"{postgres.address} dbname={postgres.new_database()} user={OWNER}"
    with room.start(INI.format(entry=entry) + room.address) as pooler, ExitStack() as stack:
        assert pooler.started, pooler.log
        yield Clients(connected(pooler, stack), connected(pooler, stack))


def connected(pooler: PgBouncer, stack: ExitStack) -> pq.abc.PGconn:
    connection = client.connect(pooler.dsn("shop", "web"))
    stack.callback(connection.finish)
    return connection


def value(connection: pq.abc.PGconn, statement: str) -> str | None:
    (row,) = client.ask(connection, statement)
    return next(iter(row.values()))


def elsewhere(clients: Clients, statement: str) -> str | None:
    """What the first client gets on another server connection, while the second is in a transaction on its own."""
    client.ask(clients.other, "begin; select 1")
    try:
        return value(clients.one, statement)
    finally:
        client.ask(clients.other, "rollback")


def is_reported(rule: str, statement: str) -> bool:
    """Whether a rule finds something in an application that executes a statement."""
    return is_found(rule, {"shop/db.py": MODULE.format(statement=statement)})


def is_found(rule: str, application: Mapping[str, str]) -> bool:
    """Whether a rule finds something in the files of an application."""
    ini = INI.format(entry="host=10.0.0.7")
    sources = {SETTINGS: STATED, "pgbouncer.ini": ini, **application}
    findings = report_on(Example(installed()[rule], "", sources, ())).findings
    assert {finding.rule for finding in findings} <= {rule}
    return bool(findings)


@pytest.mark.parametrize(
    ("statement", "asked", "was", "is_now"),
    [
        ("SET statement_timeout = '7s'", "SHOW statement_timeout", "0", "7s"),
        ("SET search_path = shop", "SHOW search_path", '"$user", public', "shop"),
        ("SELECT set_config('app.tenant', '7', false)", "SELECT current_setting('app.tenant', true)", None, "7"),
        ("SET ROLE pg_monitor", "SELECT current_user", "postgres", "pg_monitor"),
    ],
)
def test_a_setting_goes_to_the_next_client_and_not_with_its_own(
    clients: Clients, statement: str, asked: str, was: str | None, is_now: str
) -> None:
    assert is_reported("txmode-session-state", statement)

    client.ask(clients.one, statement)

    assert value(clients.other, asked) == is_now
    assert elsewhere(clients, asked) == was


@pytest.mark.parametrize(
    ("statement", "asked", "was", "is_now"),
    [
        ("SET SESSION AUTHORIZATION pg_monitor", "SELECT session_user", "postgres", "pg_monitor"),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SHOW transaction_read_only", "off", "on"),
    ],
)
def test_what_postgresql_reports_goes_to_the_next_client_before_1_26(
    room: Room, clients: Clients, statement: str, asked: str, was: str, is_now: str
) -> None:
    assert is_reported("txmode-session-state", statement)

    client.ask(clients.one, statement)

    is_tracked = room.program.version >= (1, 26)
    assert value(clients.other, asked) == (was if is_tracked else is_now)
    assert elsewhere(clients, asked) == (is_now if is_tracked else was)


@pytest.mark.parametrize(
    "statement",
    [
        "BEGIN; SET LOCAL statement_timeout = '7s'; COMMIT",
        "BEGIN; SELECT set_config('statement_timeout', '7s', true); COMMIT",
        "SET statement_timeout = '7s'; RESET statement_timeout",
    ],
)
def test_what_is_set_for_the_transaction_or_taken_back_is_seen_by_nobody(clients: Clients, statement: str) -> None:
    assert not is_reported("txmode-session-state", statement)

    client.ask(clients.one, statement)

    assert value(clients.other, "SHOW statement_timeout") == "0"


def test_a_rollback_takes_a_setting_back(clients: Clients) -> None:
    client.ask(clients.one, "BEGIN; SET statement_timeout = '7s'; ROLLBACK")

    assert value(clients.other, "SHOW statement_timeout") == "0"


@pytest.mark.parametrize(
    ("statement", "asked", "is_now"),
    [
        ("SET TIME ZONE 'Asia/Tokyo'", "SHOW timezone", "Asia/Tokyo"),
        ("SET application_name = 'shop'", "SHOW application_name", "shop"),
        ("SET client_encoding = 'LATIN1'", "SHOW client_encoding", "LATIN1"),
        ("SET datestyle = 'German'", "SHOW datestyle", "German, DMY"),
    ],
)
def test_what_the_pooler_tracks_stays_with_its_client(
    clients: Clients, room: Room, statement: str, asked: str, is_now: str
) -> None:
    assert not is_reported("txmode-session-state", statement)

    client.ask(clients.one, statement)

    # Before 1.22 who has set no application_name got that of the one before.
    if "application_name" not in statement or room.program.version >= (1, 22):
        assert value(clients.other, asked) != is_now
    assert elsewhere(clients, asked) == is_now


def test_the_last_number_is_that_of_whoever_came_last(clients: Clients) -> None:
    assert is_reported("txmode-session-state", "SELECT lastval()")
    client.ask(clients.one, "CREATE SEQUENCE numbers")
    mine = value(clients.one, "SELECT nextval('numbers')")
    its = value(clients.other, "SELECT nextval('numbers')")

    assert value(clients.one, "SELECT lastval()") == its != mine
    with pytest.raises(Refused, match="lastval is not yet defined"):
        elsewhere(clients, "SELECT lastval()")


def test_no_notification_arrives(clients: Clients, postgres: PostgreSQL) -> None:
    assert is_reported("txmode-listen", "LISTEN orders")
    client.ask(clients.one, "LISTEN orders")
    client.ask(clients.other, "NOTIFY orders, 'placed'")

    client.ask(clients.one, "SELECT 1")
    clients.one.consume_input()

    assert clients.one.notifies() is None


def test_a_lock_is_taken_by_two_and_given_back_by_none(clients: Clients) -> None:
    lock = "SELECT pg_try_advisory_lock(1)"
    assert is_reported("txmode-session-advisory-lock", lock)

    assert value(clients.one, lock) == "t"
    assert value(clients.other, lock) == "t"
    assert elsewhere(clients, "SELECT pg_advisory_unlock(1)") == "f"
    assert value(clients.one, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "1"


@pytest.mark.parametrize(
    "lock", ["SELECT pg_try_advisory_xact_lock(1)", "SELECT pg_advisory_lock(1); SELECT pg_advisory_unlock(1)"]
)
def test_a_lock_in_one_transaction_is_gone_with_it(clients: Clients, lock: str) -> None:
    assert not is_reported("txmode-session-advisory-lock", lock)

    client.ask(clients.one, lock)

    assert value(clients.one, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0"


def test_a_lock_outlives_a_rollback(clients: Clients) -> None:
    client.ask(clients.one, "BEGIN; SELECT pg_advisory_lock(1); ROLLBACK")

    assert value(clients.one, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "1"


@pytest.mark.parametrize("made", ["CREATE TEMP TABLE batch (a int)", "SELECT 1 AS a INTO TEMP batch"])
def test_a_temporary_table_is_not_there_and_is_in_the_way(clients: Clients, made: str) -> None:
    assert is_reported("txmode-temp-table", made)
    client.ask(clients.one, made)

    with pytest.raises(Refused, match='relation "batch" does not exist'):
        elsewhere(clients, "SELECT count(*) FROM batch")
    with pytest.raises(Refused, match='relation "batch" already exists'):
        client.ask(clients.other, made)


def test_a_temporary_table_outlives_the_transaction_that_makes_and_uses_it(clients: Clients) -> None:
    made = "BEGIN; CREATE TEMP TABLE batch (a int); SELECT * FROM batch; COMMIT"
    assert is_reported("txmode-temp-table", made)
    client.ask(clients.one, made)

    with pytest.raises(Refused, match='relation "batch" already exists'):
        client.ask(clients.other, made)


def test_a_temporary_table_that_is_dropped_on_commit_is_in_nobodys_way(clients: Clients) -> None:
    made = "BEGIN; CREATE TEMP TABLE batch (a int) ON COMMIT DROP; SELECT * FROM batch; COMMIT"
    assert not is_reported("txmode-temp-table", made)

    client.ask(clients.one, made)
    client.ask(clients.other, made)


def test_a_prepared_statement_is_not_there_and_is_in_the_way(clients: Clients) -> None:
    prepared = "PREPARE q AS SELECT 1"
    assert is_reported("txmode-sql-prepare", prepared)
    assert is_reported("txmode-sql-prepare", "EXECUTE q")
    client.ask(clients.one, prepared)

    with pytest.raises(Refused, match='prepared statement "q" does not exist'):
        elsewhere(clients, "EXECUTE q")
    with pytest.raises(Refused, match='prepared statement "q" already exists'):
        client.ask(clients.other, prepared)


def test_a_prepared_statement_outlives_a_rollback(clients: Clients) -> None:
    client.ask(clients.one, "BEGIN; PREPARE q AS SELECT 1; ROLLBACK")

    assert client.ask(clients.other, "EXECUTE q")


def test_a_held_cursor_is_not_there_and_stays(clients: Clients) -> None:
    declared = "DECLARE orders CURSOR WITH HOLD FOR SELECT 1 AS a"
    assert is_reported("txmode-hold-cursor", declared)
    client.ask(clients.one, declared)

    with pytest.raises(Refused, match='cursor "orders" does not exist'):
        elsewhere(clients, "FETCH orders")
    assert value(clients.other, "FETCH orders") == "1"


def test_a_held_cursor_is_taken_back_by_a_rollback(clients: Clients) -> None:
    client.ask(clients.one, "BEGIN; DECLARE orders CURSOR WITH HOLD FOR SELECT 1 AS a; ROLLBACK")

    with pytest.raises(Refused, match='cursor "orders" does not exist'):
        client.ask(clients.one, "FETCH orders")


def test_the_cursor_that_django_reads_through_is_not_there(clients: Clients) -> None:
    assert is_found("txmode-django-iterator", SITE)
    declared = 'DECLARE "_django_curs_1" NO SCROLL CURSOR WITH HOLD FOR SELECT 1 AS a'
    client.ask(clients.one, declared)

    with pytest.raises(Refused, match='cursor "_django_curs_1" does not exist'):
        elsewhere(clients, 'FETCH FORWARD 10 FROM "_django_curs_1"')


def test_the_cursor_that_django_reads_through_in_a_transaction_is_there(clients: Clients) -> None:
    atomic = (
        "from django.db import transaction\n\nwith transaction.atomic():\n    list(Order.objects.iterator())\n"
    )
    assert not is_found(
        "txmode-django-iterator", SITE | {"site/exports.py": f"from .models import Order\n{atomic}"}
    )
    client.ask(clients.one, 'BEGIN; DECLARE "_django_curs_1" NO SCROLL CURSOR FOR SELECT 1 AS a')

    assert elsewhere(clients, 'FETCH FORWARD 10 FROM "_django_curs_1"') == "1"
