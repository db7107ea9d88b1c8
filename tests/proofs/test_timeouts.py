"""What ends clients, queries and server connections, and when, as the rules' pages have it."""

import os
import re
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from proofs.crowd import ANY_USER, IN_TRANSACTIONS, LISTED, SHOP, has_got_in, listing, opened, servers, still_busy
from proofs.judged import HOST, blamed, cleared, logs, placed, skip_before, until
from proofs.wire import ENDED, Message, Wire, knock
from servers import client as libpq
from servers.pgbouncer import PgBouncer, Room, open_room
from servers.postgres import OWNER, PostgreSQL
from servers.programs import Version

CHECKED_S = 0.4
"""After so long PgBouncer, which does so three times a second, has looked whose time is over."""

OUTLASTED_S = 0.9
"""After so long what may last half a second has been ended."""

IN_SESSIONS = IN_TRANSACTIONS.replace("= transaction", "= session")
ONE = f"{SHOP} pool_size=1"
"""An entry with one server connection."""

NOBODY = "host=127.0.0.1 port=1"
"""A host that refuses connections."""


def end_of(client: Wire) -> str:
    """What a client is told that PgBouncer ends."""
    return client.hears_of(b"E").text


def answer_to(client: Wire, statement: str) -> Message:
    """What a client gets for a statement, or as its end."""
    client.query(statement)
    return client.hears_of(b"C", b"E")


def is_served(client: Wire) -> bool:
    return answer_to(client, "select 1").kind == b"C"


def seen_up_to_1_26_1(room: Room) -> None:
    """Skips the test for a release of which nothing is said."""
    if room.program.version > (1, 26, 1):
        pytest.skip(f"{room.program}: seen up to 1.26.1")


@pytest.mark.parametrize(
    ("lines", "is_user_spared"),
    [
        ("{user} = client_idle_timeout=600\n", True),
        ("{user} = client_idle_timeout=0\n", False),
        ("{user} = client_idle_timeout=600\n{user} = pool_mode=transaction\n", False),
    ],
)
def test_the_idle_timeout_of_one_user_drops_all_idle_clients_without_one(
    room: Room, postgres: PostgreSQL, lines: str, is_user_spared: bool
) -> None:
    skip_before(room.program, (1, 24), "users have client_idle_timeout")
    seen_up_to_1_26_1(room)
    user = postgres.new_user()
    ini, files = f"{ANY_USER}\n{LISTED}[users]\n{lines.format(user=user)}", listing(OWNER, user)
    with (
        blamed("client-idle-timeout-user-bug", room, ini, files, postgres) as pooler,
        knock(pooler, "shop", OWNER) as other,
        knock(pooler, "shop", user) as client,
    ):
        assert "client_idle_timeout" in end_of(other)
        if is_user_spared:
            assert is_served(client)
            assert client.hears_of(b"Z").kind == b"Z"
            assert client.is_left_waiting(CHECKED_S)
            assert is_served(client)
        else:
            assert "client_idle_timeout" in end_of(client)

    mended = ini.replace("[users]", "client_idle_timeout = 31536000\n[users]")
    with (
        cleared("client-idle-timeout-user-bug", room, mended, files, postgres) as pooler,
        has_got_in(pooler, user=OWNER) as other,
        has_got_in(pooler, "select 1", user=user) as client,
    ):
        assert other.is_left_waiting(CHECKED_S)
        assert is_served(other)
        assert is_served(client)


@pytest.mark.parametrize(("settings", "is_spared"), [(IN_TRANSACTIONS, False), (IN_SESSIONS, True)])
def test_the_idle_timeout_of_one_user_spares_clients_that_have_run_a_query_only_in_session_mode(
    room: Room, postgres: PostgreSQL, settings: str, is_spared: bool
) -> None:
    skip_before(room.program, (1, 24), "users have client_idle_timeout")
    seen_up_to_1_26_1(room)
    ini = f"{SHOP}\n{settings}[users]\nreports = client_idle_timeout=600\n"
    with blamed("client-idle-timeout-user-bug", room, ini, server=postgres) as pooler:
        [idle] = until(lambda: asked_in_time(pooler))
        with idle, knock(pooler, "shop", "anyone") as fresh:
            assert "client_idle_timeout" in end_of(fresh)
            if is_spared:
                assert is_served(idle)
            else:
                assert "client_idle_timeout" in end_of(idle)


@pytest.mark.parametrize("is_spared", [True, False])
def test_under_any_the_idle_timeout_is_that_of_the_user_of_the_entry(
    room: Room, postgres: PostgreSQL, is_spared: bool
) -> None:
    skip_before(room.program, (1, 24), "users have client_idle_timeout")
    seen_up_to_1_26_1(room)
    limited = OWNER if is_spared else "anyone"
    ini = f"{SHOP}\n{IN_TRANSACTIONS}[users]\n{limited} = client_idle_timeout=600\n"
    judged = cleared if is_spared else blamed
    with (
        judged("client-idle-timeout-user-bug", room, ini, server=postgres) as pooler,
        knock(pooler, "shop", "anyone") as client,
    ):
        if is_spared:
            assert is_served(client)
            assert client.hears_of(b"Z").kind == b"Z"
            assert client.is_left_waiting(CHECKED_S)
            assert is_served(client)
        else:
            assert "client_idle_timeout" in end_of(client)


def asked_in_time(pooler: PgBouncer) -> list[Wire]:
    """A client that has run a query before PgBouncer looked at it, or none."""
    client = knock(pooler, "shop", "anyone")
    with suppress(BrokenPipeError):
        if answer_to(client, "select 1").kind == b"C":
            return [client]
    client.close()
    return []


def test_before_1_24_the_idle_timeout_of_a_user_ends_the_start(room: Room) -> None:
    if room.program.version >= (1, 24):
        pytest.skip(f"{room.program}: users have client_idle_timeout from 1.24 on")
    ini = f"{SHOP}\n{IN_TRANSACTIONS}[users]\nweb = client_idle_timeout=600\n"
    with cleared("client-idle-timeout-user-bug", room, ini) as pooler:
        assert not pooler.started
        assert logs(pooler, "unrecognized user parameter: client_idle_timeout")


def test_in_session_mode_an_idle_timeout_spares_clients_that_have_run_a_query(
    room: Room, postgres: PostgreSQL
) -> None:
    ini = f"{SHOP}\n{IN_SESSIONS}client_idle_timeout = 0.5\n"
    with (
        blamed("client-idle-timeout-session", room, ini, server=postgres) as pooler,
        has_got_in(pooler, "select 1") as idle,
        has_got_in(pooler) as fresh,
    ):
        assert "client_idle_timeout" in end_of(fresh)
        assert idle.is_left_waiting(CHECKED_S)
        assert is_served(idle)

    mended = ini.replace("= session", "= transaction")
    with (
        cleared("client-idle-timeout-session", room, mended, server=postgres) as pooler,
        has_got_in(pooler, "select 1") as idle,
        has_got_in(pooler) as fresh,
    ):
        assert "client_idle_timeout" in end_of(fresh)
        assert "client_idle_timeout" in end_of(idle)


def test_query_timeout_leaves_the_query_running(room: Room, postgres: PostgreSQL) -> None:
    runs = "from pg_stat_activity where state = 'active' and query like 'select pg_sleep(30)%'"
    ini = f"{SHOP}\n{IN_TRANSACTIONS}query_timeout = 0.5\nquery_wait_timeout = 0.5\n"
    with blamed("query-timeout-used", room, ini, server=postgres) as pooler, has_got_in(pooler) as client:
        assert "query timeout" in answer_to(client, "select pg_sleep(30)").text
        assert client.hears() == ENDED
        assert len(postgres.query(f"select pg_terminate_backend(pid) {runs}")) == 1

    entry = f"{SHOP} connect_query='SET statement_timeout = 300'"
    mended = ini.replace(SHOP, entry).replace("= 0.5", "= 9")
    with cleared("query-timeout-used", room, mended, server=postgres) as pooler, has_got_in(pooler) as client:
        assert "statement timeout" in answer_to(client, "select pg_sleep(30)").text
        assert is_served(client)
        assert postgres.query(f"select pid {runs}") == ()


def test_query_timeout_ends_the_wait_for_a_server_connection(room: Room, postgres: PostgreSQL) -> None:
    ini = f"{ONE}\n{IN_TRANSACTIONS}query_wait_timeout = 60\n"
    with (
        blamed("query-timeout-used", room, f"{ini}query_timeout = 0.5\n", server=postgres) as pooler,
        has_got_in(pooler, "begin") as holder,
        has_got_in(pooler) as waiting,
    ):
        waiting.query("select 1")
        assert "query_timeout" in still_busy(holder, waiting).text

    with (
        cleared("query-timeout-used", room, ini, server=postgres) as pooler,
        has_got_in(pooler, "begin") as holder,
        has_got_in(pooler) as waiting,
    ):
        waiting.query("select 1")
        assert waiting.is_left_waiting(OUTLASTED_S)
        holder.query("commit")
        assert waiting.hears_of(b"C", b"E").kind == b"C"


def is_ended_when_idle(room: Room, client: Wire) -> bool:
    """Whether query_timeout ends a client that is idle in a transaction; from 1.26 on it does not."""
    if room.program.version < (1, 26):
        return "query timeout" in end_of(client)
    assert client.is_left_waiting(OUTLASTED_S)
    return not is_served(client)


def test_query_timeout_ends_clients_that_are_idle_in_a_transaction_before_1_26(
    room: Room, postgres: PostgreSQL
) -> None:
    ini = f"{SHOP}\n{IN_TRANSACTIONS}idle_transaction_timeout = 30\n"
    with (
        blamed("query-timeout-used", room, f"{ini}query_timeout = 0.5\n", server=postgres) as pooler,
        has_got_in(pooler, "begin") as idle,
    ):
        assert is_ended_when_idle(room, idle) == (room.program.version < (1, 26))

    with cleared("query-timeout-used", room, ini, server=postgres) as pooler, has_got_in(pooler, "begin") as idle:
        assert idle.is_left_waiting(OUTLASTED_S)
        assert is_served(idle)


def test_the_query_timeout_of_a_user_ends_idle_transactions_before_1_26(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 24), "users have query_timeout")
    ini = f"{SHOP}\n{IN_TRANSACTIONS}idle_transaction_timeout = 30\n[users]\n{OWNER} = query_timeout="
    with (
        blamed("query-timeout-used", room, f"{ini}1\n", server=postgres) as pooler,
        has_got_in(pooler, "begin") as idle,
    ):
        assert is_ended_when_idle(room, idle) == (room.program.version < (1, 26))

    with (
        cleared("query-timeout-used", room, f"{ini}0\n", server=postgres) as pooler,
        has_got_in(pooler, "begin") as idle,
    ):
        assert idle.is_left_waiting(CHECKED_S)
        assert is_served(idle)


def test_the_query_timeout_of_a_user_ends_no_wait(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 24), "users have query_timeout")
    ini = f"{ONE}\n{IN_TRANSACTIONS}[users]\n{OWNER} = query_timeout=1\n"
    with (
        blamed("query-timeout-used", room, ini, server=postgres) as pooler,
        has_got_in(pooler, "begin") as holder,
        has_got_in(pooler) as waiting,
    ):
        waiting.query("select 1")
        end = time.monotonic() + 1 + CHECKED_S
        while time.monotonic() < end:
            assert is_served(holder)
            assert waiting.is_left_waiting(0.05)


def test_without_query_wait_timeout_clients_wait_until_no_more_are_let_in(
    room: Room, postgres: PostgreSQL
) -> None:
    ini = f"{ONE}\n{IN_TRANSACTIONS}max_client_conn = 2\nquery_wait_timeout = "
    with (
        blamed("query-wait-timeout-off", room, f"{ini}0\n", server=postgres) as pooler,
        has_got_in(pooler, "begin"),
        has_got_in(pooler) as waiting,
    ):
        waiting.query("select 1")
        assert waiting.is_left_waiting(OUTLASTED_S)
        with knock(pooler, "shop", "anyone") as third:
            assert "no more connections allowed" in end_of(third)

    with (
        cleared("query-wait-timeout-off", room, f"{ini}0.5\n", server=postgres) as pooler,
        has_got_in(pooler, "begin"),
        has_got_in(pooler) as waiting,
    ):
        assert "query_wait_timeout" in answer_to(waiting, "select 1").text


@pytest.mark.parametrize("written", ["infinity", "1e30"])
def test_a_query_wait_timeout_that_does_not_fit_is_0(room: Room, written: str) -> None:
    ini = f"{SHOP}\n{IN_TRANSACTIONS}query_wait_timeout = "
    with blamed("query-wait-timeout-off", room, f"{ini}{written}\n") as pooler:
        assert pooler.settings()["query_wait_timeout"] == "0"

    with cleared("query-wait-timeout-off", room, f"{ini}120\n") as pooler:
        assert pooler.settings()["query_wait_timeout"] == "120"


@pytest.mark.parametrize(
    ("of_all", "of_database", "of_user", "ends"),
    [
        ("1", "0", "", False),
        ("1", "-1", "", False),
        ("0", "1", "", True),
        ("1", "", "0", False),
        ("0", "", "1", False),
        ("120", "", "1", True),
    ],
)
def test_a_wait_of_an_entry_takes_the_place_of_that_of_all(
    room: Room, postgres: PostgreSQL, of_all: str, of_database: str, of_user: str, ends: bool
) -> None:
    skip_before(room.program, (1, 26), "entries have query_wait_timeout")
    database = f" query_wait_timeout={of_database}" if of_database else ""
    user = f"[users]\n{OWNER} = query_wait_timeout={of_user}\n" if of_user else ""
    ini = f"{ONE}{database}\n{IN_TRANSACTIONS}query_wait_timeout = {of_all}\n{user}"
    judged = cleared if ends else blamed
    with (
        judged("query-wait-timeout-off", room, ini, server=postgres) as pooler,
        has_got_in(pooler, "begin") as holder,
        has_got_in(pooler) as waiting,
    ):
        waiting.query("select 1")
        if ends:
            assert "query_wait_timeout" in still_busy(holder, waiting).text
        else:
            assert waiting.is_left_waiting(1.5)
            assert is_served(holder)


def test_without_query_wait_timeout_query_timeout_ends_the_wait(room: Room, postgres: PostgreSQL) -> None:
    ini = f"{ONE}\n{IN_TRANSACTIONS}query_wait_timeout = 0\nquery_timeout = 0.5\n"
    with (
        cleared("query-wait-timeout-off", room, ini, server=postgres) as pooler,
        has_got_in(pooler, "begin") as holder,
        has_got_in(pooler) as waiting,
    ):
        waiting.query("select 1")
        assert "query_timeout" in still_busy(holder, waiting).text


def test_where_no_server_was_ever_reached_only_client_login_timeout_ends_a_client(room: Room) -> None:
    ini = f"[databases]\nshop = {NOBODY} user={OWNER}\n{IN_TRANSACTIONS}query_wait_timeout = 0\n"

    def met(pooler: PgBouncer) -> Wire:
        client = knock(pooler, "shop", "anyone")
        assert pooler.server.says("connect failed")
        return client

    with (
        blamed("query-wait-timeout-off", room, f"{ini}client_login_timeout = 0\n") as pooler,
        met(pooler) as client,
    ):
        assert client.is_left_waiting(CHECKED_S)

    with (
        blamed("query-wait-timeout-off", room, f"{ini}client_login_timeout = 0.1\n") as pooler,
        met(pooler) as client,
    ):
        assert "client_login_timeout" in end_of(client)

    mended = ini.replace("= 0\n", "= 0.1\n")
    with cleared("query-wait-timeout-off", room, mended) as pooler, met(pooler) as client:
        assert "query_wait_timeout" in end_of(client)


@pytest.mark.parametrize(("limit", "is_ended"), [("0", False), ("0.5", True)])
def test_when_the_server_is_gone_those_who_came_before_wait_on(
    room: Room, postgres: PostgreSQL, limit: str, is_ended: bool
) -> None:
    """The server is another PgBouncer, which can be stopped."""
    judge = cleared if is_ended else blamed
    with (
        open_room(room.program) as other,
        other.start(placed(f"{SHOP}\n{IN_TRANSACTIONS}", other, postgres)) as server,
    ):
        entry = f"shop = host={other.folder} port={other.port} user={OWNER}"
        ini = f"[databases]\n{entry}\n{IN_TRANSACTIONS}query_wait_timeout = {limit}\n"
        with judge("query-wait-timeout-off", room, ini) as pooler, has_got_in(pooler, "select 1") as client:
            server.stop()
            until(lambda: not servers(pooler))
            client.query("select 1")
            assert pooler.server.says("connect failed")
            assert re.search("login has been failing|cannot connect to server", told_late(pooler))
            if is_ended:
                assert "query_wait_timeout" in end_of(client)
            else:
                assert client.is_left_waiting(OUTLASTED_S)


def told_late(pooler: PgBouncer) -> str:
    """What a client is told that comes when the server is gone, if it is at its login or at its first query."""
    with knock(pooler, "shop", "anyone") as late:
        said = late.hears_of(b"Z", b"E")
        return (answer_to(late, "select 1") if said.kind == b"Z" else said).text


def test_an_open_transaction_keeps_its_server_connection_from_others(room: Room, postgres: PostgreSQL) -> None:
    ini = f"{ONE}\n{IN_TRANSACTIONS}query_wait_timeout = 0.5\n"
    with (
        blamed("no-idle-transaction-limit", room, ini, server=postgres) as pooler,
        has_got_in(pooler, "begin") as holder,
        has_got_in(pooler) as waiting,
    ):
        assert "query_wait_timeout" in answer_to(waiting, "select 1").text
        assert is_served(holder)


@pytest.mark.parametrize(
    ("entry", "line", "user", "since"),
    [
        ("", "idle_transaction_timeout = 0.5\n", "", (1, 0)),
        ("", "transaction_timeout = 0.5\n", "", (1, 25)),
        ("", "", "idle_transaction_timeout=1", (1, 24)),
        ("", "", "transaction_timeout=1", (1, 25)),
        (" connect_query='SET idle_in_transaction_session_timeout = 500'", "", "", (1, 0)),
    ],
)
def test_a_timeout_of_open_transactions_gives_others_their_server_connection(
    room: Room, postgres: PostgreSQL, entry: str, line: str, user: str, since: Version
) -> None:
    skip_before(room.program, since, "there is such a timeout")
    users = f"[users]\n{OWNER} = {user}\n" if user else ""
    ini = f"{ONE}{entry}\n{IN_TRANSACTIONS}query_wait_timeout = 9\n{line}{users}"
    with (
        cleared("no-idle-transaction-limit", room, ini, server=postgres) as pooler,
        has_got_in(pooler, "begin"),
        has_got_in(pooler) as waiting,
    ):
        assert is_served(waiting)


PID = "select pg_backend_pid() as pid"


def used_by_one(pooler: PgBouncer) -> int:
    """The server connections that one client gets for three statements."""
    connection = libpq.connect(pooler.dsn("shop", "anyone"))
    try:
        return len({row["pid"] for _ in range(3) for row in libpq.ask(connection, PID)})
    finally:
        connection.finish()


def used_by_three(pooler: PgBouncer) -> int:
    """The server connections that three clients get for one statement each, one after the other."""
    return len({row["pid"] for _ in range(3) for row in pooler.query("shop", "anyone", PID)})


@pytest.mark.parametrize("written", ["0", "0.0"])
def test_without_a_lifetime_a_server_connection_is_used_once(
    room: Room, postgres: PostgreSQL, written: str
) -> None:
    for settings, count in (IN_TRANSACTIONS, 3), (IN_SESSIONS, 1):
        ini = f"{SHOP}\n{settings}server_lifetime = {written}\n"
        with blamed("lifetime-zero", room, ini, server=postgres) as pooler:
            assert (used_by_one(pooler), used_by_three(pooler)) == (count, 3)
            assert logs(pooler, "server lifetime over") or logs(pooler, "closing because: server_lifetime")

        mended = ini.replace(f"= {written}", "= 3600")
        with cleared("lifetime-zero", room, mended, server=postgres) as pooler:
            assert (used_by_one(pooler), used_by_three(pooler)) == (1, 1)
            assert opened(pooler) == 1


def test_an_entry_has_a_lifetime_of_its_own_that_0_does_not_set(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 23), "entries have server_lifetime")
    for own, line, count in [
        ("60", "server_lifetime = 0\n", 1),
        ("0.5", "server_lifetime = 0\n", 3),
        ("0", "server_lifetime = 0\n", 3),
        ("0", "", 1),
    ]:
        judge = cleared if count == 1 else blamed
        ini = f"{SHOP} server_lifetime={own}\n{IN_TRANSACTIONS}{line}"
        with judge("lifetime-zero", room, ini, server=postgres) as pooler:
            assert used_by_one(pooler) == count


def closed(pooler: PgBouncer, why: str) -> list[float]:
    """When it has closed a connection for this reason, in seconds."""
    lines = [line for line in pooler.server.output.splitlines() if f"closing because: {why}" in line]
    return [datetime.fromisoformat(line[: len("2000-01-01 00:00:00.000")]).timestamp() for line in lines]


@pytest.mark.parametrize("idle", [0, 9])
def test_unused_server_connections_reach_their_lifetime_one_after_the_other(
    room: Room, postgres: PostgreSQL, idle: int
) -> None:
    ini = f"{SHOP}\n{IN_TRANSACTIONS}default_pool_size = 2\nserver_lifetime = 0.6\nserver_idle_timeout = "
    with blamed("idle-vs-lifetime", room, f"{ini}{idle}\n", server=postgres) as pooler:
        use_two(pooler)
        until(lambda: len(closed(pooler, "server lifetime over")) == 2)
        first, last = closed(pooler, "server lifetime over")
        assert last - first > 0.2
        assert closed(pooler, "server idle timeout") == []

    with cleared("idle-vs-lifetime", room, f"{ini}0.2\n", server=postgres) as pooler:
        use_two(pooler)
        assert until(lambda: len(closed(pooler, "server idle timeout")) == 2)
        assert closed(pooler, "server lifetime over") == []


def use_two(pooler: PgBouncer) -> None:
    """Has two server connections opened, used once, and left."""
    with has_got_in(pooler, "begin") as one, has_got_in(pooler, "begin") as other:
        for client in one, other:
            assert answer_to(client, "commit").kind == b"C"
    assert opened(pooler) == 2


NO_TIMER, RETRANSMITS, KEEPALIVE = 0, 1, 2
"""What proc_pid_net(5) has in /proc/net/tcp for the timer of a connection."""

TCP = Path("/proc/net/tcp")
KERNELS_S = Path("/proc/sys/net/ipv4/tcp_keepalive_time")
WITHOUT_S = -1


def asked_after(local: int, remote: int) -> float:
    """In how many seconds the kernel asks whether the other end of a connection is there, if at all."""

    def timer() -> tuple[int, float] | None:
        for line in TCP.read_text().splitlines()[1:]:
            _, here, there, _, _, given, *_ = line.split()
            if [int(each.partition(":")[2], 16) for each in (here, there)] == [local, remote]:
                kind, ticks = (int(each, 16) for each in given.split(":"))
                return (kind, ticks / os.sysconf("SC_CLK_TCK")) if kind in {NO_TIMER, KEEPALIVE} else None
        return None

    kind, seconds = until(timer) or (NO_TIMER, 0)
    return seconds if kind == KEEPALIVE else WITHOUT_S


def both_asked_after(pooler: PgBouncer, postgres: PostgreSQL) -> tuple[float, float]:
    """The same of the server, and of a client over TCP."""
    with Wire((HOST, pooler.port)) as client:
        client.login("shop", "anyone")
        assert client.hears_of(b"Z") != ENDED
        [server] = pooler.show("SERVERS")
        return asked_after(int(server["local_port"] or 0), postgres.port), asked_after(pooler.port, client.port)


@pytest.mark.skipif(not KERNELS_S.exists(), reason="there is no /proc/net/tcp")
@pytest.mark.parametrize("line", ["", "tcp_keepidle = 60\n"])
def test_without_keepalive_nobody_asks_whether_the_other_end_is_there(
    room: Room, postgres: PostgreSQL, line: str
) -> None:
    ini = f"{SHOP}\n{IN_TRANSACTIONS}listen_addr = 10.0.0.5\ntcp_keepalive = 0\n{line}"
    with blamed("keepalive", room, ini, server=postgres) as pooler:
        assert both_asked_after(pooler, postgres) == (WITHOUT_S, WITHOUT_S)

    mended = ini.replace("keepalive = 0", "keepalive = 1").replace(line, "") + "tcp_keepidle = 60\n"
    with cleared("keepalive", room, mended, server=postgres) as pooler:
        for seconds in both_asked_after(pooler, postgres):
            assert 30 < seconds <= 60


@pytest.mark.skipif(not KERNELS_S.exists(), reason="there is no /proc/net/tcp")
@pytest.mark.parametrize("line", ["", "tcp_keepintvl = 10\ntcp_keepcnt = 3\n"])
def test_by_default_the_kernel_asks_when_it_always_does(room: Room, postgres: PostgreSQL, line: str) -> None:
    kernels_s = int(KERNELS_S.read_text())
    ini = f"{SHOP}\n{IN_TRANSACTIONS}listen_addr = 10.0.0.5\n{line}"
    with blamed("keepalive", room, ini, server=postgres) as pooler:
        for seconds in both_asked_after(pooler, postgres):
            assert kernels_s - 30 < seconds <= kernels_s


@pytest.mark.parametrize("more", ["", " load_balance_hosts=disable"])
def test_the_next_host_is_tried_after_server_login_retry(room: Room, postgres: PostgreSQL, more: str) -> None:
    skip_before(room.program, (1, 17), "hosts of a list take turns")
    if more:
        skip_before(room.program, (1, 24), "there is load_balance_hosts")
    entry = f"shop = host=127.0.0.9,127.0.0.1 port={postgres.port} dbname={OWNER} user={OWNER}{more}"
    ini = f"[databases]\n{entry}\n{IN_TRANSACTIONS}"
    with (
        blamed("host-list-login-retry", room, ini) as pooler,
        knock(pooler, "shop", "anyone") as client,
    ):
        assert pooler.server.says("connect failed")
        assert client.is_left_waiting(OUTLASTED_S)

    with (
        cleared("host-list-login-retry", room, f"{ini}server_login_retry = 0.3\n") as pooler,
        knock(pooler, "shop", "anyone") as client,
    ):
        assert pooler.server.says("connect failed")
        assert is_served(client)


def test_before_1_17_a_list_of_hosts_is_taken_for_a_name(room: Room, postgres: PostgreSQL) -> None:
    if room.program.version >= (1, 17):
        pytest.skip(f"{room.program}: hosts of a list take turns from 1.17 on")
    hosts = "127.0.0.9,127.0.0.1"
    entry = f"shop = host={hosts} port={postgres.port} dbname={OWNER} user={OWNER}"
    ini = f"[databases]\n{entry}\n{IN_TRANSACTIONS}"
    with (
        cleared("host-list-login-retry", room, ini) as pooler,
        knock(pooler, "shop", "anyone") as client,
    ):
        assert until(lambda: [row["hostname"] for row in pooler.show("DNS_HOSTS")]) == [hosts]
        assert client.is_left_waiting(CHECKED_S)


REASONS = ("connect failed", "query_wait_timeout", "server conn crashed?")


def run_into_trouble(pooler: PgBouncer, postgres: PostgreSQL) -> None:
    """A client that waits too long, a server connection that is ended, a host that refuses, a login that fails."""
    with has_got_in(pooler, "begin") as holder, has_got_in(pooler) as waiting:
        assert "query_wait_timeout" in answer_to(waiting, "select 1").text
        [pid] = servers(pooler)
        postgres.query(f"select pg_terminate_backend({pid})")
        assert holder.hears_of() == ENDED
    for database in "down", "missing":
        with knock(pooler, database, "anyone") as client:
            assert end_of(client)


@pytest.mark.parametrize("line", ["", "log_pooler_errors = 0\n"])
def test_without_log_disconnections_the_log_does_not_say_what_went_wrong(
    room: Room, postgres: PostgreSQL, line: str
) -> None:
    entries = f"{ONE}\ndown = {NOBODY} user={OWNER}\nmissing = host=10.0.0.7 dbname=missing user={OWNER}\n"
    ini = f"{entries}{IN_TRANSACTIONS}query_wait_timeout = 0.3\n{line}"
    with blamed("silent-logs", room, f"{ini}log_disconnections = 0\n", server=postgres) as pooler:
        run_into_trouble(pooler, postgres)
        assert not logs(pooler, "closing because")
        assert [logs(pooler, reason) for reason in REASONS] == [False, not line, not line]
        assert logs(pooler, "pooler error: ") == (not line)
        assert logs(pooler, "server login failed: FATAL")

    with cleared("silent-logs", room, ini, server=postgres) as pooler:
        run_into_trouble(pooler, postgres)
        assert [logs(pooler, f"closing because: {reason}") for reason in REASONS] == [True] * 3, pooler.log
        assert logs(pooler, "server login failed: FATAL")
