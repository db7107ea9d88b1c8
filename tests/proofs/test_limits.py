"""How many server connections there are, and how long they and their clients are kept."""

import time

import pytest

from proofs.judged import blamed, cleared, logs, skip_before
from servers import client
from servers.client import Refused
from servers.pgbouncer import PgBouncer, Room
from servers.postgres import OWNER, PostgreSQL

DATABASE = f"[databases]\nshop = host=10.0.0.7 user={OWNER}\n"
START = f"{DATABASE}[pgbouncer]\nauth_type = any\npool_mode = transaction\n"
PID = "select pg_backend_pid() as pid"


def backends(pooler: PgBouncer, count: int) -> set[str | None]:
    """The server connections that one client gets for so many statements."""
    connection = client.connect(pooler.dsn("shop", "web"))
    try:
        return {row["pid"] for _ in range(count) for row in client.ask(connection, PID)}
    finally:
        connection.finish()


def test_without_a_lifetime_each_server_connection_is_used_once(room: Room, postgres: PostgreSQL) -> None:
    with blamed("lifetime-zero", room, f"{START}server_lifetime = 0\n", server=postgres) as pooler:
        assert len(backends(pooler, 3)) == 3

    with cleared("lifetime-zero", room, f"{START}server_lifetime = 3600\n", server=postgres) as pooler:
        assert len(backends(pooler, 3)) == 1


def test_infinity_is_no_lifetime(room: Room, postgres: PostgreSQL) -> None:
    with blamed("number-overflow", room, f"{START}server_lifetime = inf\n", server=postgres) as pooler:
        assert len(backends(pooler, 3)) == 3


def test_max_client_conn_0_turns_everybody_away(room: Room, postgres: PostgreSQL) -> None:
    with blamed("client-limit-too-small", room, f"{START}max_client_conn = 0\n", server=postgres) as pooler:
        with pytest.raises(Refused, match="no more connections allowed"):
            pooler.query("shop", "web", PID)
        assert pooler.settings()["max_client_conn"] == "0"

    with cleared("client-limit-too-small", room, f"{START}max_client_conn = 10\n", server=postgres) as pooler:
        assert pooler.query("shop", "web", PID)


def test_a_leading_zero_makes_a_number_octal(room: Room) -> None:
    with blamed("leading-zero-number", room, f"{START}default_pool_size = 020\n") as pooler:
        assert pooler.settings()["default_pool_size"] == "16"

    with cleared("leading-zero-number", room, f"{START}default_pool_size = 20\n") as pooler:
        assert pooler.settings()["default_pool_size"] == "20"


def test_a_unit_in_an_entry_is_dropped(room: Room) -> None:
    skip_before(room.program, (1, 23), "entries have server_lifetime")
    lifetimes = {}
    for written, judge in (("1h", blamed), ("3600", cleared)):
        ini = f"[databases]\nshop = host=10.0.0.7 server_lifetime={written}\n[pgbouncer]\nauth_type = md5\n"
        with judge("lenient-entry-number", room, ini) as pooler:
            (row,) = [row for row in pooler.show("DATABASES") if row["name"] == "shop"]
            lifetimes[written] = row["server_lifetime"]

    assert lifetimes == {"1h": "1", "3600": "3600"}


def test_query_timeout_leaves_the_query_running(room: Room, postgres: PostgreSQL) -> None:
    with blamed("query-timeout-used", room, f"{START}query_timeout = 1\n", server=postgres) as pooler:
        with pytest.raises(Refused, match="query timeout"):
            pooler.query("shop", "web", "select pg_sleep(4), 'left behind'")
        (row,) = postgres.query(
            "select count(*) as running from pg_stat_activity"
            " where query like '%left behind%' and state = 'active' and pid <> pg_backend_pid()"
        )
        assert row["running"] == "1"


def test_a_time_of_one_user_throws_out_the_others(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 24), "users have client_idle_timeout")
    users = "[users]\nweb = client_idle_timeout=600\n"
    for judge, more, is_alive in ((blamed, "", False), (cleared, "client_idle_timeout = 3600\n", True)):
        with judge("client-idle-timeout-user-bug", room, f"{START}{more}{users}", server=postgres) as pooler:
            connection = client.connect(pooler.dsn("shop", "batch"))
            client.ask(connection, PID)
            time.sleep(1.2)
            try:
                client.ask(connection, PID)
                assert is_alive
            except Refused:
                assert not is_alive
            finally:
                connection.finish()


def test_a_reserve_without_a_timeout_is_never_used(room: Room, postgres: PostgreSQL) -> None:
    ini = f"{START}default_pool_size = 1\nreserve_pool_size = 1\nquery_wait_timeout = 2\nreserve_pool_timeout = "
    for judge, timeout, is_served in ((blamed, 0, False), (cleared, 1, True)):
        with judge("reserve-pool-off", room, f"{ini}{timeout}\n", server=postgres) as pooler:
            holding = client.connect(pooler.dsn("shop", "web"))
            client.ask(holding, "begin")
            try:
                pooler.query("shop", "batch", PID)
                assert is_served
            except Refused:
                assert not is_served
                assert logs(pooler, "query_wait_timeout")
            finally:
                holding.finish()
