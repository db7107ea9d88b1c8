"""What stays on a server connection for the next client, and what a client's startup comes to."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from proofs.judged import blamed, cleared, logs, skip_before
from servers import client
from servers.client import Refused
from servers.pgbouncer import PgBouncer, Room
from servers.postgres import OWNER, PostgreSQL

DATABASE = f"[databases]\nshop = host=10.0.0.7 user={OWNER} pool_size=1\n"
START = f"{DATABASE}[pgbouncer]\nauth_type = any\n"
LIMIT = "show statement_timeout"


def limit_after(pooler: PgBouncer, *statements: str) -> str | None:
    """The statement_timeout that a client finds after another has sent these statements and left."""
    for statement in statements:
        pooler.query("shop", "first", statement)
    (row,) = pooler.query("shop", "second", LIMIT)
    return row["statement_timeout"]


@contextmanager
def started_with(pooler: PgBouncer, more: str) -> Generator[str | None]:
    """The statement_timeout of a client that sends more when it connects."""
    connection = client.connect(f"{pooler.dsn('shop', 'first')} {more}")
    try:
        (row,) = client.ask(connection, LIMIT)
        yield row["statement_timeout"]
    finally:
        connection.finish()


def test_what_a_client_sets_in_transaction_mode_holds_for_the_next(room: Room, postgres: PostgreSQL) -> None:
    with cleared("broken-reset-query", room, f"{START}pool_mode = transaction\n", server=postgres) as pooler:
        assert limit_after(pooler, "set statement_timeout = 7000") == "7s"

    with cleared("broken-reset-query", room, f"{START}pool_mode = session\n", server=postgres) as pooler:
        assert limit_after(pooler, "set statement_timeout = 7000") == "0"


@pytest.mark.parametrize(
    "query", ["'DISCARD ALL'", "DISCARD ALL; SET SESSION AUTHORIZATION DEFAULT", '"DISCARD ALL"', "ROLLBACK"]
)
def test_a_reset_query_that_fails_resets_nothing_and_nobody_is_told(
    query: str, room: Room, postgres: PostgreSQL
) -> None:
    ini = f"{START}pool_mode = session\nserver_reset_query = "
    with blamed("broken-reset-query", room, f"{ini}{query}\n", server=postgres) as pooler:
        assert limit_after(pooler, "set statement_timeout = 7000") == "7s"
        assert not logs(pooler, "ERROR")

    with cleared("broken-reset-query", room, f"{ini}DISCARD ALL\n", server=postgres) as pooler:
        assert limit_after(pooler, "set statement_timeout = 7000") == "0"


def test_a_comment_behind_the_reset_query_is_sent_with_it(room: Room, postgres: PostgreSQL) -> None:
    ini = f"{START}pool_mode = session\nserver_reset_query = DISCARD ALL"
    with blamed("inline-comment", room, f"{ini} ; clean up\n", server=postgres) as pooler:
        assert limit_after(pooler, "set statement_timeout = 7000") == "7s"

    with cleared("inline-comment", room, f"{ini}\n", server=postgres) as pooler:
        assert limit_after(pooler, "set statement_timeout = 7000") == "0"


def test_without_a_reset_query_a_session_is_handed_on(room: Room, postgres: PostgreSQL) -> None:
    ini = f"{START}pool_mode = session\n"
    with blamed("empty-reset-query-session", room, f"{ini}server_reset_query =\n", server=postgres) as pooler:
        assert limit_after(pooler, "set statement_timeout = 7000") == "7s"

    with cleared("empty-reset-query-session", room, ini, server=postgres) as pooler:
        assert limit_after(pooler, "set statement_timeout = 7000") == "0"


def test_with_server_reset_query_always_a_client_loses_what_it_has_set(room: Room, postgres: PostgreSQL) -> None:
    ini = f"{START}pool_mode = transaction\n"
    with blamed("reset-query-always", room, f"{ini}server_reset_query_always = 1\n", server=postgres) as pooler:
        assert limit_after(pooler, "set statement_timeout = 7000") == "0"

    with cleared("reset-query-always", room, ini, server=postgres) as pooler:
        assert limit_after(pooler, "set statement_timeout = 7000") == "7s"


def test_what_connect_query_sets_is_gone_after_the_first_client(room: Room, postgres: PostgreSQL) -> None:
    entry = f"shop = host=10.0.0.7 user={OWNER} pool_size=1 connect_query='SET statement_timeout = 7000'"
    ini = f"[databases]\n{entry}\n[pgbouncer]\nauth_type = any\npool_mode = "
    with blamed("connect-query-session-state", room, f"{ini}session\n", server=postgres) as pooler:
        assert [limit_after(pooler), limit_after(pooler)] == ["7s", "0"]

    with cleared("connect-query-session-state", room, f"{ini}transaction\n", server=postgres) as pooler:
        assert [limit_after(pooler), limit_after(pooler)] == ["7s", "7s"]


def test_options_that_are_ignored_let_the_client_in_and_set_nothing(room: Room, postgres: PostgreSQL) -> None:
    options = "options='-c statement_timeout=5s'"
    ini = f"{START}ignore_startup_parameters = extra_float_digits"
    with (
        blamed("ignored-options", room, f"{ini}, options\n", server=postgres) as pooler,
        started_with(pooler, options) as limit,
    ):
        assert limit == "0"

    with (
        cleared("ignored-options", room, f"{ini}\n", server=postgres) as pooler,
        pytest.raises(Refused, match="unsupported startup parameter"),
        started_with(pooler, options),
    ):
        pass


def test_in_statement_mode_begin_ends_the_connection(room: Room, postgres: PostgreSQL) -> None:
    with blamed("statement-mode", room, f"{START}pool_mode = statement\n", server=postgres) as pooler:
        assert pooler.query("shop", "first", "select 1 as one") == ({"one": "1"},)
        with pytest.raises(Refused, match="transaction blocks not allowed"):
            pooler.query("shop", "first", "begin")

    with cleared("statement-mode", room, f"{START}pool_mode = transaction\n", server=postgres) as pooler:
        pooler.query("shop", "first", "begin")


def test_a_parameter_that_postgresql_does_not_report_is_not_tracked(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 20), "there is track_extra_parameters")
    ini = f"{START}pool_mode = transaction\ntrack_extra_parameters = IntervalStyle"
    is_set_at_startup = room.program.version >= (1, 26)
    judged = cleared if is_set_at_startup else blamed
    with judged("track-search-path", room, f"{ini}, statement_timeout\n", server=postgres) as pooler:
        with started_with(pooler, "options='-c statement_timeout=7s'") as limit:
            assert limit == ("7s" if is_set_at_startup else "0")
        assert limit_after(pooler, "set statement_timeout = 7000") == "7s"

    with cleared("track-search-path", room, f"{ini}\n", server=postgres) as pooler:
        pooler.query("shop", "first", "set intervalstyle = 'iso_8601'")
        assert pooler.query("shop", "second", "show intervalstyle") == ({"IntervalStyle": "postgres"},)


def test_a_list_without_intervalstyle_does_not_track_it_before_1_26(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 20), "there is track_extra_parameters")
    ini = f"{START}pool_mode = transaction\ntrack_extra_parameters = default_transaction_read_only"
    is_tracked, style = room.program.version >= (1, 26), "options='-c IntervalStyle=iso_8601'"
    judged = cleared if is_tracked else blamed
    with judged("track-search-path", room, f"{ini}\n", server=postgres) as pooler:
        if is_tracked:
            with started_with(pooler, style):
                pass
        else:
            with pytest.raises(Refused, match="unsupported startup parameter"), started_with(pooler, style):
                pass
        pooler.query("shop", "first", "set intervalstyle = 'iso_8601'")
        [row] = pooler.query("shop", "second", "show intervalstyle")
        assert row["IntervalStyle"] == ("postgres" if is_tracked else "iso_8601")

    with (
        cleared("track-search-path", room, f"{ini}, IntervalStyle\n", server=postgres) as pooler,
        started_with(pooler, style),
    ):
        pass


def test_a_second_section_sets_back_what_was_set_above(room: Room, postgres: PostgreSQL) -> None:
    settings = "default_pool_size = 50\nmax_client_conn = 500\n"
    with blamed("repeated-pgbouncer-section", room, f"{START}{settings}[pgbouncer]\nauth_type = any\n") as pooler:
        shown = pooler.settings()
        assert (shown["default_pool_size"], shown["max_client_conn"]) == ("20", "100")

    with cleared("repeated-pgbouncer-section", room, f"{START}{settings}") as pooler:
        shown = pooler.settings()
        assert (shown["default_pool_size"], shown["max_client_conn"]) == ("50", "500")
