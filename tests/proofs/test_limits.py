"""How many server connections and clients there are, as the rules' pages have it."""

import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from itertools import product

import pytest

from proofs.crowd import (
    ANY_USER,
    IN_TRANSACTIONS,
    LISTED,
    SHOP,
    crowd,
    has_got_in,
    held,
    listing,
    opened,
    servers,
    still_busy,
    times,
)
from proofs.judged import blamed, cleared, logs, placed, skip_before, until
from proofs.wire import ENDED, Wire, knock, unix_socket
from servers.client import Refused
from servers.pgbouncer import PgBouncer, Room, open_room
from servers.postgres import OWNER, PostgreSQL

CHECKED_S = 0.4
"""After so long PgBouncer, which does so three times a second, has looked after its pools."""

OUTLASTED_S = 0.9
"""After so long what may last half a second has been ended."""


@pytest.mark.parametrize(
    ("entry", "line", "mended_entry", "mended_line"),
    [
        (" pool_size=0", "", " pool_size=3", ""),
        ("", "default_pool_size = 0\n", "", "default_pool_size = 3\n"),
        ("", "default_pool_size = -5\n", "", "default_pool_size = 3\n"),
        (" pool_size=0", "", " pool_size=0 max_db_connections=3", ""),
    ],
)
def test_a_pool_of_size_0_has_no_limit_from_1_24_on(
    room: Room, postgres: PostgreSQL, entry: str, line: str, mended_entry: str, mended_line: str
) -> None:
    skip_before(room.program, (1, 24), "0 is no limit")
    ini = f"{SHOP}{entry}\n{IN_TRANSACTIONS}{line}"
    with blamed("pool-size-not-positive", room, ini, server=postgres) as pooler, crowd(pooler, 22):
        assert held(pooler, 22) == 22

    ini = f"{SHOP}{mended_entry}\n{IN_TRANSACTIONS}{mended_line}"
    with cleared("pool-size-not-positive", room, ini, server=postgres) as pooler, crowd(pooler, 5):
        assert held(pooler, 5) == 3


@pytest.mark.parametrize(
    ("entry", "line", "mended_entry", "mended_line"),
    [
        (" pool_size=0", "", " pool_size=3", ""),
        ("", "default_pool_size = 0\n", "", "default_pool_size = 3\n"),
        ("", "default_pool_size = -5\n", "", "default_pool_size = 3\n"),
    ],
)
def test_a_pool_of_size_0_serves_nobody_once_it_has_been_idle_before_1_24(
    room: Room, postgres: PostgreSQL, entry: str, line: str, mended_entry: str, mended_line: str
) -> None:
    if room.program.version >= (1, 24):
        pytest.skip(f"{room.program}: 0 is no limit from 1.24 on")
    ini = f"{SHOP}{entry}\n{IN_TRANSACTIONS}query_wait_timeout = 0.5\n{line}"
    with blamed("pool-size-not-positive", room, ini, server=postgres) as pooler:
        assert pooler.query("shop", "first", "select 1")
        assert pooler.server.says("too many servers in the pool")
        with pytest.raises(Refused, match="query_wait_timeout"):
            pooler.query("shop", "second", "select 1")
        assert opened(pooler) == 1

    ini = f"{SHOP}{mended_entry}\n{IN_TRANSACTIONS}query_wait_timeout = 0.5\n{mended_line}"
    with cleared("pool-size-not-positive", room, ini, server=postgres) as pooler:
        assert pooler.query("shop", "first", "select 1")
        time.sleep(CHECKED_S)
        assert pooler.query("shop", "second", "select 1")
        assert not logs(pooler, "too many servers in the pool")


def test_a_pool_of_size_0_lives_on_its_reserve_before_1_24(room: Room, postgres: PostgreSQL) -> None:
    if room.program.version >= (1, 24):
        pytest.skip(f"{room.program}: 0 is no limit from 1.24 on")
    ini = f"{SHOP} pool_size=0\n{IN_TRANSACTIONS}reserve_pool_size = 3\nreserve_pool_timeout = 0.1\n"
    with blamed("pool-size-not-positive", room, ini, server=postgres) as pooler:
        assert pooler.query("shop", "first", "select 1")
        time.sleep(CHECKED_S)
        assert pooler.query("shop", "second", "select 1")
        with crowd(pooler, 5):
            until(lambda: len(servers(pooler)) == 3)


def test_a_negative_pool_size_in_an_entry_inherits(room: Room, postgres: PostgreSQL) -> None:
    ini = f"{SHOP} pool_size=-5\n{IN_TRANSACTIONS}default_pool_size = 3\n"
    with cleared("pool-size-not-positive", room, ini, server=postgres) as pooler, crowd(pooler, 5):
        assert held(pooler, 5) == 3


OTHER = "host=/run/other"
"""Stands for the socket of the other PgBouncer."""


@pytest.mark.parametrize(
    ("peer", "line", "mended_peer", "mended_line"),
    [
        (" pool_size=0", "", " pool_size=2", ""),
        ("", "default_pool_size = 0\n", "", "default_pool_size = 2\n"),
    ],
)
def test_to_a_peer_with_a_pool_of_size_0_no_cancel_request_is_passed_on(
    room: Room, postgres: PostgreSQL, peer: str, line: str, mended_peer: str, mended_line: str
) -> None:
    skip_before(room.program, (1, 19), "there are peers")
    start = f"{SHOP} pool_size=5\n{IN_TRANSACTIONS}cancel_wait_timeout = 0.3\n"
    ini = f"{start}peer_id = 2\n{line}[peers]\n1 = {OTHER}{peer}\n"
    mended = f"{start}peer_id = 2\n{mended_line}[peers]\n1 = {OTHER}{mended_peer}\n"
    with (
        open_room(room.program) as other,
        other.start(placed(f"{start}peer_id = 1\n", other, postgres)) as owner,
        sleeper(owner, postgres) as (client, key),
    ):
        for judge, text, is_passed_on in ((blamed, ini, False), (cleared, mended, True)):
            with judge("pool-size-not-positive", room, text) as pooler:
                pooler.reload(placed(text, room).replace(OTHER, f"host={other.folder} port={other.port}"))
                with Wire(unix_socket(pooler)) as asking:
                    asking.cancel(key)
                assert client.is_left_waiting(5 if is_passed_on else 0.2) != is_passed_on
        assert "canceling statement due to user request" in client.hears_of(b"E").text


@contextmanager
def sleeper(pooler: PgBouncer, postgres: PostgreSQL) -> Generator[tuple[Wire, bytes], None, None]:
    """A client whose query runs, and the key to cancel it."""
    runs = "from pg_stat_activity where state = 'active' and query like 'select pg_sleep(20)%'"
    with knock(pooler, "shop", "anyone") as client:
        key = client.hears_of(b"K").content
        assert client.hears_of(b"Z") != ENDED
        client.query("select pg_sleep(20)")
        until(lambda: postgres.query(f"select 1 {runs}"))
        yield client, key


@pytest.mark.parametrize(
    ("entry", "settings"),
    [
        (SHOP, f"{IN_TRANSACTIONS}max_db_connections = 2\n"),
        (SHOP, f"{IN_TRANSACTIONS}max_user_connections = 2\n"),
        (ANY_USER, f"{LISTED}max_db_connections = 2\n"),
        (ANY_USER, f"{LISTED}max_user_connections = 2\n"),
        (f"{SHOP} max_db_connections=2", IN_TRANSACTIONS),
    ],
)
def test_no_pool_gets_beyond_a_limit(room: Room, postgres: PostgreSQL, entry: str, settings: str) -> None:
    ini = f"{entry} pool_size=4\n{settings}"
    with blamed("limit-below-pool", room, ini, listing(OWNER), postgres) as pooler, crowd(pooler, 6, user=OWNER):
        assert held(pooler, 6) == 2

    mended = ini.replace("connections = 2", "connections = 4").replace("connections=2", "connections=4")
    with (
        cleared("limit-below-pool", room, mended, listing(OWNER), postgres) as pooler,
        crowd(pooler, 6, user=OWNER),
    ):
        assert held(pooler, 6) == 4


@pytest.mark.parametrize("name", ["max_db_connections", "max_user_connections"])
def test_a_reserve_opens_only_as_far_as_a_limit_allows(room: Room, postgres: PostgreSQL, name: str) -> None:
    ini = f"{SHOP} pool_size=2 reserve_pool=2\n{IN_TRANSACTIONS}reserve_pool_timeout = 0.1\n{name} = "
    with blamed("limit-below-pool", room, f"{ini}2\n", server=postgres) as pooler, crowd(pooler, 6):
        until(lambda: servers(pooler) and times(pooler, "taking connection from reserve_pool") > 9)
        assert opened(pooler) == 2

    with cleared("limit-below-pool", room, f"{ini}3\n", server=postgres) as pooler, crowd(pooler, 6):
        until(lambda: servers(pooler) and times(pooler, "taking connection from reserve_pool") > 9)
        assert opened(pooler) == 3

    with cleared("limit-below-pool", room, f"{ini}9\n", server=postgres) as pooler, crowd(pooler, 6):
        assert until(lambda: len(servers(pooler)) == 4)


def test_the_limit_of_a_user_holds_where_an_entry_names_it_from_1_23_on(room: Room, postgres: PostgreSQL) -> None:
    does_hold = room.program.version >= (1, 23)
    users = f"[users]\n{OWNER} = max_user_connections="
    ini = f"{SHOP} pool_size=4\n{IN_TRANSACTIONS}{users}"
    for judge, limit, count in (blamed if does_hold else cleared, 2, 2 if does_hold else 4), (cleared, 4, 4):
        with judge("limit-below-pool", room, f"{ini}{limit}\n", server=postgres) as pooler, crowd(pooler, 6):
            assert held(pooler, 6) == count


@pytest.mark.parametrize("name", ["max_db_connections", "max_user_connections"])
def test_a_floor_above_a_limit_opens_and_evicts_without_end_before_1_18(
    room: Room, postgres: PostgreSQL, name: str
) -> None:
    ini = f"{SHOP}\n{IN_TRANSACTIONS}min_pool_size = 2\n{name} = "
    with (
        blamed("limit-below-pool", room, f"{ini}1\n", server=postgres) as pooler,
        has_got_in(pooler, "select 1"),
    ):
        if room.program.version < (1, 18):
            until(lambda: times(pooler, "evicted") > 1)
            assert opened(pooler) > 2
        else:
            time.sleep(CHECKED_S)
            assert opened(pooler) == 1

    with (
        cleared("limit-below-pool", room, f"{ini}2\n", server=postgres) as pooler,
        has_got_in(pooler, "select 1"),
    ):
        until(lambda: len(servers(pooler)) == 2)
        time.sleep(CHECKED_S)
        assert opened(pooler) == 2


@pytest.mark.parametrize("size", [0, 1])
def test_no_pool_keeps_more_server_connections_than_its_size(room: Room, postgres: PostgreSQL, size: int) -> None:
    ini = f"{SHOP} pool_size={size} min_pool_size=2\n{IN_TRANSACTIONS}"
    is_closed = size == 0 and room.program.version < (1, 24)
    judge = cleared if is_closed else blamed  # the other is for pool-size-not-positive
    with (
        judge("min-pool-above-pool", room, ini, server=postgres) as pooler,
        has_got_in(pooler, "select 1"),
    ):
        time.sleep(CHECKED_S)
        assert (opened(pooler), len(servers(pooler))) == (1, 0 if is_closed else 1)

    with (
        cleared(
            "min-pool-above-pool", room, ini.replace(f"pool_size={size}", "pool_size=2", 1), server=postgres
        ) as pooler,
        has_got_in(pooler, "select 1"),
    ):
        assert until(lambda: len(servers(pooler)) == 2)


FLOOR = "server_idle_timeout = 0.5\nserver_lifetime = 0.5\nmin_pool_size = 2\n"


@pytest.mark.parametrize(("entry", "settings"), [(ANY_USER, LISTED), (SHOP, IN_TRANSACTIONS)])
def test_without_clients_a_floor_counts_only_from_1_21_on_and_where_the_entry_names_a_user(
    room: Room, postgres: PostgreSQL, entry: str, settings: str
) -> None:
    does_count = room.program.version >= (1, 21) and entry == SHOP
    judge = cleared if does_count else blamed
    with judge("min-pool-idle", room, f"{entry}\n{settings}{FLOOR}", listing(OWNER), postgres) as pooler:
        if does_count:
            first = until(lambda: two(pooler))
            with has_got_in(pooler, "select 1", user=OWNER):
                pass
            assert until(lambda: two(pooler) and not two(pooler) & first)
        else:
            time.sleep(CHECKED_S)
            assert opened(pooler) == 0
            with has_got_in(pooler, "select 1", user=OWNER):
                until(lambda: two(pooler))
            assert until(lambda: not servers(pooler))


def two(pooler: PgBouncer) -> set[str | None]:
    """The server connections that there are, if there are two."""
    seen = servers(pooler)
    return seen if len(seen) == 2 else set()


def test_an_idle_timeout_leaves_the_floor_alone(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 21), "a floor counts without clients")
    ini = f"{SHOP}\n{IN_TRANSACTIONS}{FLOOR}".replace("server_lifetime = 0.5", "server_lifetime = 3600")
    with cleared("min-pool-idle", room, ini, server=postgres) as pooler:
        first = until(lambda: two(pooler))
        time.sleep(OUTLASTED_S)
        assert servers(pooler) == first


@pytest.mark.parametrize(
    ("lines", "end", "mended"),
    [
        (
            "reserve_pool_timeout = 0\nquery_wait_timeout = 0.5\n",
            "query_wait_timeout",
            "reserve_pool_timeout = 0.1\nquery_wait_timeout = 5\n",
        ),
        (
            "reserve_pool_timeout = 2\nquery_wait_timeout = 0.5\n",
            "query_wait_timeout",
            "reserve_pool_timeout = 0.5\nquery_wait_timeout = 5\n",
        ),
        (
            "reserve_pool_timeout = 2\nquery_timeout = 0.5\n",
            "query_timeout",
            "reserve_pool_timeout = 0.5\nquery_timeout = 0\nquery_wait_timeout = 0\n",
        ),
    ],
)
def test_a_reserve_that_comes_later_than_clients_leave_is_never_used(
    room: Room, postgres: PostgreSQL, lines: str, end: str, mended: str
) -> None:
    ini = f"{SHOP} pool_size=1 reserve_pool=1\n{IN_TRANSACTIONS}"
    with (
        blamed("reserve-pool-off", room, f"{ini}{lines}", server=postgres) as pooler,
        has_got_in(pooler, "begin") as holder,
        has_got_in(pooler) as second,
    ):
        second.query("select 1")
        assert end in still_busy(holder, second).text
        assert opened(pooler) == 1
        assert not logs(pooler, "taking connection from reserve_pool")

    with (
        cleared("reserve-pool-off", room, f"{ini}{mended}", server=postgres) as pooler,
        has_got_in(pooler, "begin") as holder,
        has_got_in(pooler) as second,
    ):
        second.query("select 1")
        assert still_busy(holder, second).text.startswith("SELECT 1")
        assert logs(pooler, "taking connection from reserve_pool")


def test_a_reserve_opens_where_it_is_time_for_both(room: Room, postgres: PostgreSQL) -> None:
    entry = f"{SHOP} pool_size=1 reserve_pool=1\n"
    ini = f"{entry}{IN_TRANSACTIONS}reserve_pool_timeout = 0.5\nquery_wait_timeout = 0.5\n"
    with (
        cleared("reserve-pool-off", room, ini, server=postgres) as pooler,
        has_got_in(pooler, "begin"),
        ExitStack() as stack,
    ):

        def has_opened_for_one_more() -> bool:
            stack.enter_context(has_got_in(pooler)).query("begin")
            time.sleep(0.05)
            return len(servers(pooler)) == 2

        assert until(has_opened_for_one_more)


def test_the_query_timeout_of_one_user_does_not_keep_the_reserve_from_opening(
    room: Room, postgres: PostgreSQL
) -> None:
    skip_before(room.program, (1, 24), "users have query_timeout")
    ini = (
        f"{SHOP} pool_size=1 reserve_pool=1\n{IN_TRANSACTIONS}reserve_pool_timeout = 1.5\n"
        f"[users]\n{OWNER} = query_timeout=1\n"
    )
    with (
        cleared("reserve-pool-off", room, ini, server=postgres) as pooler,
        has_got_in(pooler, "begin") as holder,
        has_got_in(pooler) as second,
    ):
        second.query("select 1")
        assert still_busy(holder, second).text.startswith("SELECT 1")
        assert logs(pooler, "taking connection from reserve_pool")


def mode_of(pooler: PgBouncer) -> str | None:
    [mode] = [row["pool_mode"] for row in pooler.show("POOLS") if row["database"] == "shop"]
    return mode


def test_the_mode_of_a_user_counts_where_an_entry_names_it_from_1_23_on(room: Room, postgres: PostgreSQL) -> None:
    does_count = room.program.version >= (1, 23)
    judge = cleared if does_count else blamed
    ini = f"{SHOP}\n{IN_TRANSACTIONS}[users]\n{OWNER} = pool_mode=session\n"
    with judge("forced-user-limits-ignored", room, ini, server=postgres) as pooler, has_got_in(pooler, "select 1"):
        assert mode_of(pooler) == ("session" if does_count else "transaction")
        assert is_kept(pooler) == does_count

    ini = ini.replace("user=", "pool_mode=session user=", 1)
    with (
        cleared("forced-user-limits-ignored", room, ini, server=postgres) as pooler,
        has_got_in(pooler, "select 1"),
    ):
        assert mode_of(pooler) == "session"
        assert is_kept(pooler)


def is_kept(pooler: PgBouncer) -> bool:
    """Whether the client has its server connection after its transaction, too."""
    [server] = pooler.show("SERVERS")
    return server["state"] == "active"


FORCED = (
    f"[databases]\nshop = host=10.0.0.7 user={OWNER} pool_size=3\naudit = host=10.0.0.7 user={OWNER} pool_size=3\n"
)
SETTINGS = f"{LISTED}max_user_connections = {{}}\n[users]\n{OWNER} = max_user_connections=2\n"


@pytest.mark.parametrize(("of_all", "before_1_23"), [(0, 6), (1, 2), (2, 4)])
def test_the_limit_of_a_user_counts_across_entries_that_name_it_from_1_23_on(
    room: Room, postgres: PostgreSQL, of_all: int, before_1_23: int
) -> None:
    does_count = room.program.version >= (1, 23)
    is_exceeded = not does_count and before_1_23 > 2
    judge = blamed if is_exceeded else cleared
    ini = f"{FORCED}{SETTINGS.format(of_all)}"
    with judge("forced-user-limits-ignored", room, ini, listing(OWNER), postgres) as pooler:
        assert held_by_both(pooler) == (2 if does_count else before_1_23)


def test_a_limit_counts_for_users_who_log_in_and_for_databases_in_all_versions(
    room: Room, postgres: PostgreSQL
) -> None:
    for entries in FORCED.replace(f" user={OWNER}", ""), FORCED.replace("=3", "=3 max_db_connections=1"):
        ini = f"{entries}{SETTINGS.format(0)}"
        with cleared("forced-user-limits-ignored", room, ini, listing(OWNER), postgres) as pooler:
            assert held_by_both(pooler) == 2


def held_by_both(pooler: PgBouncer) -> int:
    """The server connections that four clients of each database come to."""
    with crowd(pooler, 4, "shop", OWNER), crowd(pooler, 4, "audit", OWNER):
        return held(pooler, 8)


@pytest.mark.parametrize("number", [0, -1])
def test_max_client_conn_below_1_turns_everybody_away(room: Room, postgres: PostgreSQL, number: int) -> None:
    ini = f"{SHOP}\n{IN_TRANSACTIONS}max_client_conn = "
    with blamed("client-limit-too-small", room, f"{ini}{number}\n", server=postgres) as pooler:
        with pytest.raises(Refused, match="no more connections allowed"):
            pooler.query("shop", "web", "select 1")
        assert pooler.settings()["max_client_conn"] == str(number)

    with cleared("client-limit-too-small", room, f"{ini}10\n", server=postgres) as pooler:
        assert pooler.query("shop", "web", "select 1")


def test_of_a_large_pool_nobody_uses_more_than_there_may_be_clients(room: Room, postgres: PostgreSQL) -> None:
    ini = f"{SHOP}\n{IN_TRANSACTIONS}default_pool_size = 4\nmax_client_conn = "
    with (
        blamed("client-limit-too-small", room, f"{ini}2\n", server=postgres) as pooler,
        has_got_in(pooler, "begin"),
        has_got_in(pooler, "begin"),
        knock(pooler, "shop", "anyone") as third,
    ):
        assert "no more connections allowed" in third.hears_of(b"E").text
        assert len(servers(pooler)) == 2

    with cleared("client-limit-too-small", room, f"{ini}9\n", server=postgres) as pooler, crowd(pooler, 4):
        assert held(pooler, 4) == 4


def test_client_101_is_turned_away_by_default(room: Room, postgres: PostgreSQL) -> None:
    ini = f"{SHOP}\n{IN_TRANSACTIONS}default_pool_size = 400\n"
    for judge, more, is_let_in in (blamed, "", False), (cleared, "max_client_conn = 500\n", True):
        with ExitStack() as stack, judge("client-limit-too-small", room, ini + more, server=postgres) as pooler:
            for _ in range(100):
                stack.enter_context(has_got_in(pooler))
            with knock(pooler, "shop", "anyone") as last:
                assert (last.hears_of(b"Z", b"E").kind == b"Z") == is_let_in


def test_each_database_and_each_user_that_clients_name_gets_a_pool(room: Room, postgres: PostgreSQL) -> None:
    users, databases = [[make() for _ in "12"] for make in (postgres.new_user, postgres.new_database)]
    files = listing(*users)
    ini = f"[databases]\n* = {postgres.address}\n{LISTED}default_pool_size = 2\n"

    def held_by_all(pooler: PgBouncer) -> int:
        with ExitStack() as stack:
            for database, user in product(databases, users):
                stack.enter_context(crowd(pooler, 3, database, user))
            return held(pooler, 12)

    with blamed("wildcard-pools-unbounded", room, ini, files) as pooler:
        assert held_by_all(pooler) == 8

    for name in "max_db_connections", "max_user_connections":
        with cleared("wildcard-pools-unbounded", room, f"{ini}{name} = 3\n", files) as pooler:
            assert held_by_all(pooler) == 6

    forced = ini.replace("* =", f"* = dbname={databases[0]} user={users[0]}")
    for more in "", "max_db_connections = 3\n":
        with cleared("wildcard-pools-unbounded", room, forced + more, files) as pooler:
            assert held_by_all(pooler) == 4


def test_a_unit_in_an_entry_is_dropped(room: Room) -> None:
    skip_before(room.program, (1, 23), "entries have server_lifetime")
    lifetimes = {}
    for written, judge in (("1h", blamed), ("3600", cleared)):
        ini = f"[databases]\nshop = host=10.0.0.7 server_lifetime={written}\n[pgbouncer]\nauth_type = md5\n"
        with judge("lenient-entry-number", room, ini) as pooler:
            (row,) = [row for row in pooler.show("DATABASES") if row["name"] == "shop"]
            lifetimes[written] = row["server_lifetime"]

    assert lifetimes == {"1h": "1", "3600": "3600"}
