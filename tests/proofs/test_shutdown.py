"""What a client in a transaction sees of a PgBouncer that is told to stop, as the rules about hooks have it."""

import signal
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from psycopg import pq

from servers import client
from servers.client import Refused
from servers.pgbouncer import PgBouncer, Room
from servers.postgres import OWNER, PostgreSQL

HOST = "127.0.0.1"
WAITS = (1, 23)
"""The first that waits for its clients at SIGTERM."""


@contextmanager
def started(room: Room, postgres: PostgreSQL) -> Generator[tuple[PgBouncer, pq.abc.PGconn], None, None]:
    """A PgBouncer in transaction mode, and a client that has begun a transaction."""
    ini = (
        f"[databases]\nshop = {postgres.address} dbname={OWNER} user={OWNER}\n"
        f"[pgbouncer]\nauth_type = any\nlisten_addr = {HOST}\npool_mode = transaction\n{room.address}"
    )
    with room.start(ini) as pooler:
        assert pooler.started, pooler.log
        connection = client.connect(pooler.dsn("shop", "app", host=HOST))
        try:
            client.ask(connection, "begin")
            yield pooler, connection
        finally:
            connection.finish()


def is_served(connection: pq.abc.PGconn) -> bool:
    try:
        client.ask(connection, "select 1")
    except Refused:
        return False
    return True


def takes_clients(pooler: PgBouncer) -> bool:
    try:
        client.connect(pooler.dsn("shop", "app", host=HOST)).finish()
    except Refused:
        return False
    return True


def told(pooler: PgBouncer, number: signal.Signals) -> None:
    """Sends a signal, and waits until it is logged."""
    pooler.server.signal(number)
    assert pooler.server.says(f"got {number.name}")


def test_since_1_23_sigterm_waits_for_a_transaction_and_before_it_does_not(
    room: Room, postgres: PostgreSQL
) -> None:
    with started(room, postgres) as (pooler, connection):
        told(pooler, signal.SIGTERM)

        waits = room.program.version >= WAITS
        if not waits:
            pooler.server.ended()
        assert is_served(connection) is waits
        assert not takes_clients(pooler)


def test_sigint_waits_for_a_transaction_and_since_1_23_takes_no_new_clients(
    room: Room, postgres: PostgreSQL
) -> None:
    with started(room, postgres) as (pooler, connection):
        told(pooler, signal.SIGINT)

        assert is_served(connection)
        assert takes_clients(pooler) is (room.program.version < WAITS)


def test_sigterm_behind_sigint_ends_it_with_the_transaction_open(room: Room, postgres: PostgreSQL) -> None:
    with started(room, postgres) as (pooler, connection):
        told(pooler, signal.SIGINT)
        pooler.server.signal(signal.SIGTERM)

        pooler.server.ended()
        assert not is_served(connection)


def test_a_second_sigterm_ends_it_with_the_transaction_open(room: Room, postgres: PostgreSQL) -> None:
    if room.program.version < WAITS:
        pytest.skip(f"{room.program}: the first does")
    with started(room, postgres) as (pooler, connection):
        told(pooler, signal.SIGTERM)
        pooler.server.signal(signal.SIGTERM)

        pooler.server.ended()
        assert not is_served(connection)


def test_waiting_for_clients_can_be_asked_for_since_1_23(room: Room, postgres: PostgreSQL) -> None:
    with started(room, postgres) as (pooler, connection):
        if room.program.version < WAITS:
            with pytest.raises(Refused, match="invalid command"):
                pooler.console("SHUTDOWN WAIT_FOR_CLIENTS")
        else:
            pooler.console("SHUTDOWN WAIT_FOR_CLIENTS")

        assert is_served(connection)
        assert takes_clients(pooler) is (room.program.version < WAITS)


def test_the_console_knows_no_select(room: Room, postgres: PostgreSQL) -> None:
    with started(room, postgres) as (pooler, _):
        pooler.console("SHOW VERSION")
        with pytest.raises(Refused):
            pooler.console("SELECT 1")
