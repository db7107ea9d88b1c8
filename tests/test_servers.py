"""The servers that other tests start: what is asked of them is answered, and nothing of them stays behind."""

import signal
from pathlib import Path

import psycopg
import pytest

from servers import programs
from servers.client import Refused, ask, connect, query
from servers.pgbouncer import Room, open_room
from servers.postgres import PostgreSQL
from servers.process import acting_as_servers

MINIMAL = "[databases]\nshop = host=db\n[pgbouncer]\n"


def test_a_pooler_starts_and_tells_its_settings(room: Room) -> None:
    with room.start(MINIMAL + room.address + "default_pool_size = 7\n") as pooler:
        assert pooler.started, pooler.log
        assert pooler.settings()["default_pool_size"] == "7"
        assert [row["name"] for row in pooler.show("DATABASES")] == ["pgbouncer", "shop"]


def test_a_pooler_that_does_not_start_tells_why(room: Room) -> None:
    with room.start(MINIMAL + room.address + "pool_mode = x\n") as pooler:
        assert (pooler.started, pooler.server.status) == (False, 1)
        assert pooler.log[0].startswith('ERROR invalid value "x" for parameter pool_mode in configuration (')


def test_a_short_run_tells_everything_at_once(room: Room) -> None:
    outcome = room.outcome(MINIMAL + room.address + "pool_mode = Transaction\n")

    assert outcome.started
    assert outcome.settings is not None
    assert outcome.settings["pool_mode"] == "transaction"
    assert not room.does_start(MINIMAL + room.address + "pool_size = 1\n")


def test_a_console_that_is_not_in_the_folder_is_no_fault(room: Room) -> None:
    outcome = room.outcome(MINIMAL + room.address + "unix_socket_dir =\nlisten_addr = 127.0.0.1\n")

    assert (outcome.started, outcome.settings) == (True, None)


def test_files_lie_in_the_folder_and_paths_begin_at_the_working_directory(room: Room) -> None:
    ini = MINIMAL + room.address + "%include more.ini\n"

    assert room.does_start(ini, {"conf/more.ini": "pool_mode = statement\n"}, cwd="conf")
    assert not room.does_start(ini, {"conf/more.ini": "pool_mode = statement\n"})
    assert not room.does_start(ini, cwd="conf")


def test_a_reload_takes_what_is_new(room: Room) -> None:
    with room.start(MINIMAL + room.address) as pooler:
        pooler.reload(MINIMAL + room.address + "pool_mode = statement\nlisten_backlog = 1\n")

        settings = pooler.settings()
    assert (settings["pool_mode"], settings["listen_backlog"]) == ("statement", "128")


def test_a_pooler_is_told_by_signals(room: Room) -> None:
    with room.start(MINIMAL + room.address) as pooler:
        pooler.server.signal(signal.SIGINT)

        assert pooler.server.ended() == 0


def test_poolers_listen_beside_each_other(room: Room) -> None:
    listening = "listen_addr = 127.0.0.1\n"
    with (
        open_room(room.program) as other,
        room.start(MINIMAL + room.address + listening) as one,
        other.start(MINIMAL + other.address + listening) as two,
    ):
        assert one.started, one.log
        assert two.started, two.log
        assert one.port != two.port


def test_queries_pass_through_to_the_server(room: Room, postgres: PostgreSQL) -> None:
    entry = f"{postgres.address} dbname={postgres.new_database()} user={postgres.new_user()}"
    ini = f"[databases]\nshop = {entry}\n[pgbouncer]\nauth_type = any\nlisten_addr = 127.0.0.1\n{room.address}"
    with room.start(ini) as pooler:
        assert pooler.query("shop", "anyone", "select 1; select 2 as two, null as no") == (
            {"two": "2", "no": None},
        )
        assert query(pooler.dsn("shop", "anyone", host="127.0.0.1"), "show port")[0]["port"] == str(postgres.port)
        with psycopg.connect(pooler.dsn("shop", "anyone"), autocommit=True) as connection:
            assert connection.execute("select %s::int + 1", (1,)).fetchone() == (2,)


@pytest.mark.parametrize("kept_as", ["scram-sha-256", "md5"])
def test_users_with_a_password_are_asked_for_it(postgres: PostgreSQL, kept_as: str) -> None:
    user = postgres.new_user("s3cret", "md5" if kept_as == "md5" else "scram-sha-256")

    assert query(postgres.dsn(user=user, password="s3cret"), "select 1 as one") == ({"one": "1"},)
    [secret] = postgres.query(f"select left(rolpassword, 3) as begins from pg_authid where rolname = '{user}'")
    assert secret["begins"] == kept_as[:3].replace("scr", "SCR")
    with pytest.raises(Refused, match="password"):
        query(postgres.dsn(user=user, password="wrong"), "select 1")


def test_what_a_server_refuses_is_told(postgres: PostgreSQL) -> None:
    with pytest.raises(Refused, match='relation "nothing" does not exist'):
        postgres.query("select * from nothing")


def test_what_a_server_says_before_it_closes_the_connection_is_told(postgres: PostgreSQL) -> None:
    with pytest.raises(Refused, match="terminating connection due to administrator command"):
        postgres.query("select pg_terminate_backend(pg_backend_pid())")


def test_a_server_that_is_gone_is_no_answer(room: Room) -> None:
    with room.start(MINIMAL + room.address) as pooler:
        with acting_as_servers():
            connection = connect(pooler.dsn("pgbouncer", "pgbouncer"))
        pooler.stop()

        with pytest.raises(Refused, match="server closed the connection unexpectedly"):
            ask(connection, "SHOW CONFIG")


@pytest.mark.parametrize(
    ("written", "reason"),
    [("cannot install pgbouncer: there is no apt-get\n", "there is no apt-get"), ("", "nothing is not there")],
)
def test_a_missing_program_skips_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, reason: str
) -> None:
    (tmp_path / "why").write_text(written)
    monkeypatch.delenv("POOLCHECK_PGBOUNCER", raising=False)
    monkeypatch.setattr(programs, "PACKAGED_PGBOUNCER", tmp_path / "nothing")
    monkeypatch.setattr(programs, "NOT_INSTALLED", tmp_path / "why")

    with pytest.raises(pytest.skip.Exception, match=reason):
        programs.pgbouncer()
