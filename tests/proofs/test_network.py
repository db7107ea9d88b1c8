"""Where PgBouncer listens, whom it reaches, and what is encrypted on the way, as the rules' pages have it."""

import os
import stat
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from proofs.certificates import self_signed
from proofs.judged import (
    HOST,
    MAIN,
    WHO,
    Texts,
    blamed,
    cleared,
    found,
    logs,
    over_tcp,
    placed,
    skip_before,
    until,
)
from proofs.wire import CLEAR_TEXT, ENDED, MD5, SASL, Address, Message, Wire, knock, unix_socket
from servers import programs
from servers.client import Refused, Row, dsn, query
from servers.pgbouncer import PgBouncer, Room
from servers.postgres import PostgreSQL
from servers.postgres import start as start_postgres
from servers.process import account, acting_as_servers, folder


def is_open(port: int) -> bool:
    """Whether somebody listens."""
    try:
        Wire((HOST, port)).close()
    except ConnectionRefusedError:
        return False
    return True


def in_configmap(ini: str) -> Texts:
    lines = "".join(f"    {line}\n" for line in ini.splitlines())
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: pgbouncer\ndata:\n  pgbouncer.ini: |\n"
    return {"pooler.yaml": head + lines}


def test_without_address_and_socket_it_does_not_start(room: Room) -> None:
    ini = "[databases]\n[pgbouncer]\nunix_socket_dir =\n"
    with blamed("listen-addr-unset", room, ini) as pooler:
        assert not pooler.started
        assert logs(pooler, "FATAL nowhere to listen on")

    with cleared("listen-addr-unset", room, f"{ini}listen_addr = 10.0.0.5\n") as pooler:
        assert pooler.started
        assert is_open(pooler.port)


@pytest.mark.parametrize("address", ["127.0.0.1:6432", "127.0.0.1 ::1"])
def test_what_is_no_address_ends_the_start(room: Room, address: str) -> None:
    ini = f"[databases]\n[pgbouncer]\nlisten_addr = {address}\n"
    with blamed("listen-addr-unset", room, ini) as pooler:
        assert not pooler.started
        assert logs(pooler, f"FATAL getaddrinfo('{address}'")

    with cleared("listen-addr-unset", room, ini.replace(address, "127.0.0.1")) as pooler:
        assert is_open(pooler.port)


def test_without_listen_addr_no_port_is_open(room: Room) -> None:
    ini = "[databases]\nshop = host=10.0.0.7\n[pgbouncer]\nauth_file = userlist.txt\n"
    assert found("listen-addr-unset", in_configmap(ini), room.program)
    with room.start(placed(ini, room)) as pooler:
        assert pooler.started
        assert not any(line.startswith(("ERROR", "FATAL")) and "auth_file" not in line for line in pooler.log)
        assert not is_open(pooler.port)

    ini += "listen_addr = 10.0.0.5\n"
    assert found("listen-addr-unset", in_configmap(ini), room.program) == []
    with room.start(placed(ini, room)) as pooler:
        assert is_open(pooler.port)


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """A folder that every account may enter."""
    with folder() as place:
        place.chmod(0o755)
        yield place


@contextmanager
def acting_as_stranger() -> Generator[None, None, None]:
    """What is connected to here, sees an account that is neither PgBouncer's nor root."""
    if os.geteuid() != 0:
        pytest.skip("it takes root to act under another account")
    os.setegid(1)
    os.seteuid(1)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@contextmanager
def running(pooler: PgBouncer, place: Path, room: Room) -> Generator[Path, None, None]:
    """The socket of a PgBouncer that is in another folder than the room's."""
    with pooler:
        assert pooler.started, pooler.log
        yield place / f".s.PGSQL.{room.port}"


def gets_in(where: Path) -> bool:
    try:
        Wire(where).close()
    except PermissionError:
        return False
    return True


@pytest.mark.parametrize(
    ("written", "mode", "may_owner"), [("770", 0o1402, False), ("777", 0o1411, False), ("660", 0o1224, True)]
)
def test_a_mode_without_its_leading_zero_is_another_one(
    room: Room, socket_folder: Path, written: str, mode: int, may_owner: bool
) -> None:
    ini = f"[databases]\n[pgbouncer]\nunix_socket_dir = {socket_folder}\nunix_socket_mode = {written}\n"
    with running(blamed("socket-mode", room, ini), socket_folder, room) as where:
        assert stat.S_IMODE(where.stat().st_mode) == mode
        with acting_as_servers():
            assert gets_in(where) == may_owner

    mended = ini.replace(written, f"0{written}")
    with running(cleared("socket-mode", room, mended), socket_folder, room) as where:
        assert stat.S_IMODE(where.stat().st_mode) == int(written, 8)
        with acting_as_servers():
            assert gets_in(where)


@pytest.mark.parametrize("written", ["511", "0777"])
def test_a_mode_in_decimal_is_the_same_in_octal(room: Room, socket_folder: Path, written: str) -> None:
    ini = f"[databases]\n[pgbouncer]\nunix_socket_dir = {socket_folder}\nunix_socket_mode = {written}\n"
    with running(cleared("socket-mode", room, ini), socket_folder, room) as where:
        assert stat.S_IMODE(where.stat().st_mode) == 0o777


def test_mode_770_shuts_out_its_own_account_and_lets_in_strangers(room: Room, socket_folder: Path) -> None:
    ini = f"[databases]\n[pgbouncer]\nunix_socket_dir = {socket_folder}\nunix_socket_mode = 770\n"
    with running(blamed("socket-mode", room, ini), socket_folder, room) as where, acting_as_stranger():
        assert gets_in(where)

    mended = ini.replace("770", "0770")
    with running(cleared("socket-mode", room, mended), socket_folder, room) as where, acting_as_stranger():
        assert not gets_in(where)


@pytest.mark.parametrize("line", ["", "unix_socket_mode = 0777\n"])
def test_with_trust_and_an_open_socket_every_account_gets_in(
    room: Room, socket_folder: Path, postgres: PostgreSQL, line: str
) -> None:
    app = postgres.new_user()
    ini = (
        f"[databases]\nshop = host=10.0.0.7 user={app}\n"
        f"[pgbouncer]\nunix_socket_dir = {socket_folder}\n{line}auth_type = any\n"
    )
    with running(blamed("socket-mode", room, ini, server=postgres), socket_folder, room):
        where = dsn(socket_folder, room.port, "shop", "anyone")
        with acting_as_stranger():
            assert query(where, WHO) == ({"who": app},)

    mended = ini.replace(line, "") + "unix_socket_mode = 0770\n"
    with (
        running(cleared("socket-mode", room, mended, server=postgres), socket_folder, room),
        acting_as_stranger(),
        pytest.raises(Refused, match="Permission denied"),
    ):
        query(where, WHO)


TLS = "client_tls_key_file = server.key\nclient_tls_cert_file = server.crt\n"
CA = "client_tls_ca_file = ca.crt\n"


def tls_files() -> Texts:
    server, client = self_signed("pooler"), self_signed("client")
    return {"server.key": server.key, "server.crt": server.certificate, "ca.crt": client.certificate}


@pytest.mark.parametrize(
    ("lines", "reason", "mended"),
    [
        (
            "client_tls_sslmode = require\n",
            "client_tls_key_file and client_tls_cert_file must be set",
            f"client_tls_sslmode = require\n{TLS}",
        ),
        (
            f"client_tls_sslmode = verify-full\n{TLS}",
            "client_tls_sslmode requires client_tls_ca_file",
            f"client_tls_sslmode = verify-full\n{TLS}{CA}",
        ),
        (
            f"auth_type = cert\nclient_tls_sslmode = require\n{TLS}{CA}",
            "auth_type=cert requires client_tls_sslmode=",
            f"auth_type = cert\nclient_tls_sslmode = verify-full\n{TLS}{CA}",
        ),
        (
            f"client_tls_sslmode = require\n{TLS}client_tls_protocols = TLS1.2\n",
            "invalid client_tls_protocols: TLS1.2",
            f"client_tls_sslmode = require\n{TLS}client_tls_protocols = tlsv1.2\n",
        ),
    ],
)
def test_tls_for_clients_that_lacks_something_ends_the_start(
    room: Room, lines: str, reason: str, mended: str
) -> None:
    head = "[databases]\n[pgbouncer]\nlisten_addr = 10.0.0.5\n"
    with blamed("client-tls-incomplete", room, head + lines, tls_files()) as pooler:
        assert not pooler.started
        assert logs(pooler, reason)
        assert logs(pooler, "FATAL TLS setup failed")

    with cleared("client-tls-incomplete", room, head + mended, tls_files()) as pooler:
        assert pooler.started, pooler.log


@pytest.fixture
def clients(tmp_path: Path) -> dict[str, str]:
    """What clients say more in their connection string: with a certificate, with a stranger's, with none."""
    said = {"none": f"sslmode=require sslcert={tmp_path}/none sslkey={tmp_path}/none sslrootcert={tmp_path}/none"}
    for name in ("client", "stranger"):
        made = self_signed(name)
        for kind, text in (("key", made.key), ("crt", made.certificate)):
            file = tmp_path / f"{name}.{kind}"
            file.touch(0o600)
            file.write_text(text)
        said[name] = said["none"].replace("/none", f"/{name}.crt", 1).replace("/none", f"/{name}.key", 1)
    return said


def gets(pooler: PgBouncer, user: str, said: str) -> bool:
    """Whether a client that comes by TLS gets something out of the database."""
    try:
        rows = query(f"{pooler.dsn('shop', user, host=HOST)} {said}", WHO)
    except Refused:
        return False
    return bool(rows)


def test_verify_ca_without_a_ca_knows_none_of_ones_own_clients(
    room: Room, postgres: PostgreSQL, clients: dict[str, str]
) -> None:
    app = postgres.new_user()
    ini = (
        f"[databases]\nshop = host=10.0.0.7 user={app}\n"
        f"[pgbouncer]\nlisten_addr = 10.0.0.5\nauth_type = any\nclient_tls_sslmode = verify-ca\n{TLS}"
    )
    with blamed("client-tls-incomplete", room, ini, tls_files(), postgres) as pooler:
        assert pooler.started
        assert [name for name, said in clients.items() if gets(pooler, app, said)] == []

    with cleared("client-tls-incomplete", room, ini + CA, tls_files(), postgres) as pooler:
        assert [name for name, said in clients.items() if gets(pooler, app, said)] == ["client"]


def test_only_verify_ca_and_verify_full_ask_for_a_certificate_in_place_of_the_password(
    room: Room, postgres: PostgreSQL, clients: dict[str, str]
) -> None:
    app = postgres.new_user()
    ini = (
        f"[databases]\nshop = host=10.0.0.7\n[pgbouncer]\nlisten_addr = 10.0.0.5\nauth_type = trust\n"
        f"auth_file = userlist.txt\nclient_tls_sslmode = require\n{TLS}{CA}"
    )
    files = {**tls_files(), "userlist.txt": f'"{app}" "s3cret"\n'}
    with blamed("auth-any-or-trust-remote", room, ini, files, postgres) as pooler:
        assert gets(pooler, app, clients["none"])

    for mode in ("verify-ca", "verify-full"):
        checked = ini.replace("= require", f"= {mode}")
        with cleared("auth-any-or-trust-remote", room, checked, files, postgres) as pooler:
            assert not gets(pooler, app, "")
            assert [name for name, said in clients.items() if gets(pooler, app, said)] == ["client"]


@pytest.mark.parametrize(("method", "asked"), [("plain", CLEAR_TEXT), ("md5", MD5), ("scram-sha-256", SASL)])
def test_without_tls_it_asks_for_the_password_as_auth_type_says(room: Room, method: str, asked: int) -> None:
    ini = (
        "[databases]\nshop = host=10.0.0.7\n"
        f"[pgbouncer]\nlisten_addr = 10.0.0.5\nauth_type = {method}\nauth_file = userlist.txt\n"
    )
    files = {**tls_files(), "userlist.txt": '"app" "s3cret"\n'}
    with blamed("plain-without-tls", room, ini, files) as pooler:
        assert answer(pooler, "app").asks_for == asked

    with cleared("plain-without-tls", room, f"{ini}client_tls_sslmode = require\n{TLS}", files) as pooler:
        assert "SSL required" in answer(pooler, "app").text


def test_pam_asks_for_the_password_in_clear_text(room: Room) -> None:
    ini = "[databases]\nshop = host=10.0.0.7\n[pgbouncer]\nlisten_addr = 10.0.0.5\nauth_type = pam\n"
    with blamed("plain-without-tls", room, ini) as pooler:
        if not pooler.started:
            pytest.skip(f"{room.program} is built without PAM")
        assert answer(pooler, "app").asks_for == CLEAR_TEXT

    with cleared("plain-without-tls", room, f"{ini}client_tls_sslmode = require\n{TLS}", tls_files()) as pooler:
        assert "SSL required" in answer(pooler, "app").text


def answer(pooler: PgBouncer, user: str) -> Message:
    """What a client over TCP and without TLS gets for its name."""
    with Wire((HOST, pooler.port)) as client:
        client.login("shop", user)
        return client.hears()


@pytest.fixture(scope="module")
def with_tls() -> Iterator[PostgreSQL]:
    """A server that offers TLS, with a certificate that it signed itself."""
    made = self_signed("server")
    with folder() as place:
        key, certificate = place / "server.key", place / "server.crt"
        for file, text in ((key, made.key), (certificate, made.certificate)):
            file.touch(0o600)
            file.write_text(text)
            os.chown(file, *account())
        settings = {"ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key)}
        with start_postgres(programs.postgres(), settings) as started:
            yield started


def is_encrypted(pooler: PgBouncer) -> bool:
    """Whether what a client asks, reaches the server by TLS."""
    [row] = query(pooler.dsn("shop", "anyone"), "select ssl from pg_stat_ssl where pid = pg_backend_pid()")
    return row["ssl"] == "t"


@pytest.mark.parametrize(
    ("mode", "encrypts"), [("disable", False), ("allow", True), ("prefer", True), ("require", True)]
)
def test_a_certificate_that_nobody_vouches_for_is_taken(
    room: Room, with_tls: PostgreSQL, mode: str, encrypts: bool
) -> None:
    skip_before(room.program, (1, 17), "TLS to servers works with OpenSSL 3")
    ini = (
        "[databases]\nshop = host=10.0.0.7 user=postgres\n"
        f"[pgbouncer]\nauth_type = any\nserver_tls_sslmode = {mode}\n"
    )
    with blamed("server-tls-unverified", room, ini, server=with_tls) as pooler:
        assert is_encrypted(pooler) == encrypts

    files = {"ca.crt": self_signed("server").certificate}
    checked = ini.replace(f"= {mode}", "= verify-full") + "server_tls_ca_file = ca.crt\n"
    with cleared("server-tls-unverified", room, checked, files, with_tls) as pooler:
        assert is_encrypted(pooler)


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
@pytest.mark.parametrize("ca", ["", "server_tls_ca_file = ca.crt\n"])
def test_a_checked_certificate_keeps_it_from_an_impostor(
    room: Room, with_tls: PostgreSQL, mode: str, ca: str
) -> None:
    ini = (
        "[databases]\nshop = host=10.0.0.7 user=postgres\n"
        f"[pgbouncer]\nauth_type = any\nserver_tls_sslmode = {mode}\n{ca}"
    )
    files = {"ca.crt": self_signed("pooler").certificate}
    with (
        cleared("server-tls-unverified", room, ini, files, with_tls) as pooler,
        knock(pooler, "shop", "anyone") as client,
    ):
        assert pooler.server.says("certificate verif")
        assert client.is_left_waiting()


def test_unset_nothing_is_encrypted_before_1_20(room: Room, with_tls: PostgreSQL) -> None:
    ini = "[databases]\nshop = host=10.0.0.7 user=postgres\n[pgbouncer]\nauth_type = any\n"
    does_encrypt = room.program.version >= (1, 20)
    judged = cleared if does_encrypt else blamed
    with judged("server-tls-unverified", room, ini, server=with_tls) as pooler:
        assert is_encrypted(pooler) == does_encrypt


@contextmanager
def two_poolers(
    one: Room, ini: str, other_ini: str, server: PostgreSQL
) -> Generator[tuple[PgBouncer, PgBouncer], None, None]:
    """Two on one port, each with a Unix socket of its own, in whose place the texts name ONE and OTHER."""
    with folder() as place:
        other = Room(one.program, place, one.port)

        def written(text: str, room: Room) -> str:
            for stands_for, its in ((ONE, one), (OTHER, other)):
                text = text.replace(f"host={stands_for}", f"host={its.folder} port={its.port}")
                text = text.replace(stands_for, str(its.folder))
            return placed(text, room, server)

        with one.start(written(ini, one)) as first, other.start(written(other_ini, other)) as second:
            assert first.started, first.log
            assert second.started, second.log
            yield first, second


# tcp_defer_accept = 0: a connection is taken before something is said over it.
REUSEPORT = (
    "[databases]\nshop = host=10.0.0.7 user=postgres\n"
    "[pgbouncer]\nlisten_addr = 10.0.0.5\nso_reuseport = 1\nauth_type = any\ntcp_defer_accept = 0\n"
)
ONE, OTHER = "/run/pgbouncer-1", "/run/pgbouncer-2"
PEERS = f"[peers]\n1 = host={ONE}\n2 = host={OTHER}\n"


@contextmanager
def busy(pooler: PgBouncer, server: PostgreSQL) -> Generator[tuple[Wire, bytes], None, None]:
    """A client whose query runs for a minute, and the key to cancel it."""
    with knock(pooler, "shop", "anyone") as client:
        key = client.hears_of(b"K").content
        assert client.hears_of(b"Z") != ENDED
        client.query(f"select pg_sleep(60) as {name_of(key)}")
        runs = f"from pg_stat_activity where state = 'active' and query like '%as {name_of(key)}'"
        try:
            until(lambda: server.query(f"select 1 {runs}"))
            yield client, key
        finally:
            server.query(f"select pg_terminate_backend(pid) {runs}")


def name_of(key: bytes) -> str:
    return f"of_{key.hex()}"


def request(address: Address, key: bytes) -> None:
    """Asks to cancel a query."""
    with Wire(address) as asking:
        asking.cancel(key)


def is_cancelled(client: Wire) -> bool:
    return "canceling statement due to user request" in client.hears_of(b"E").text


def came_to(chosen: PgBouncer, other: PgBouncer) -> Wire:
    """A connection to the port of both that the kernel gave to the chosen one."""
    while True:
        client = Wire((HOST, chosen.port))
        if until(partial(whose, client.port, (chosen, other))) is chosen:
            return client
        client.close()


def whose(port: int, poolers: Iterable[PgBouncer]) -> PgBouncer | None:
    """The one that has a client from this port."""
    for pooler in poolers:
        if any(row["port"] == str(port) for row in pooler.show("SOCKETS")):
            return pooler
    return None


def test_a_cancel_request_that_another_process_gets_is_lost(room: Room, postgres: PostgreSQL) -> None:
    assert found("reuseport-without-peers", {MAIN: REUSEPORT}, room.program)
    with two_poolers(room, REUSEPORT, REUSEPORT, postgres) as (one, other), busy(one, postgres) as (client, key):
        with came_to(other, one) as asking:
            asking.cancel(key)
        assert logs(other, "failed cancel request")
        assert client.is_left_waiting()
        with came_to(one, other) as asking:
            asking.cancel(key)
        assert is_cancelled(client)

    alone = REUSEPORT.replace("so_reuseport = 1", "so_reuseport = 0")
    with (
        cleared("reuseport-without-peers", room, alone, server=postgres) as pooler,
        busy(pooler, postgres) as (client, key),
    ):
        request((HOST, pooler.port), key)
        assert is_cancelled(client)


def test_peers_pass_on_a_cancel_request(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 19), "there are peers")
    first, second = f"{REUSEPORT}peer_id = 1\n{PEERS}", f"{REUSEPORT}peer_id = 2\n{PEERS}"
    assert found("reuseport-without-peers", {MAIN: first}, room.program) == []
    assert found("peer-config", {MAIN: second}, room.program) == []
    with two_poolers(room, first, second, postgres) as (one, other), busy(one, postgres) as (client, key):
        with came_to(other, one) as asking:
            asking.cancel(key)
        assert is_cancelled(client)


def test_an_id_without_peers_passes_on_nothing(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 19), "there are peers")
    first, second = f"{REUSEPORT}peer_id = 1\n", f"{REUSEPORT}peer_id = 2\n"
    assert found("reuseport-without-peers", {MAIN: second}, room.program)
    with two_poolers(room, first, second, postgres) as (one, other), busy(one, postgres) as (client, key):
        request(unix_socket(other), key)
        assert logs(other, "could not find peer to forward request to")
        assert client.is_left_waiting()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 = host=10.0.0.1", "ids of peers must be a number larger than 0"),
        ("pgb2 = host=10.0.0.1", "ids of peers must be a number larger than 0"),
        ("65536 = host=10.0.0.1", "ids of peers must be a number larger than 0"),
        ("3 = port=6433", "host was not provided for peer 3"),
    ],
)
def test_a_peer_that_is_none_ends_the_start(room: Room, line: str, reason: str) -> None:
    skip_before(room.program, (1, 19), "there are peers")
    ini = f"[databases]\n[pgbouncer]\npeer_id = 1\n[peers]\n{line}\n"
    with blamed("peer-config", room, ini) as pooler:
        assert not pooler.started
        assert logs(pooler, reason)

    with cleared("peer-config", room, ini.replace(line, "65535 = host=10.0.0.1")) as pooler:
        assert pooler.started, pooler.log


@pytest.mark.parametrize("line", ["", "peer_id = 0\n"])
def test_peers_without_an_id_lose_cancel_requests(room: Room, postgres: PostgreSQL, line: str) -> None:
    skip_before(room.program, (1, 19), "there are peers")
    without, first, second = (f"{REUSEPORT}{its}{PEERS}" for its in (line, "peer_id = 1\n", "peer_id = 2\n"))
    assert found("peer-config", {MAIN: without}, room.program)
    for poolers in ((without, second), (first, without)):
        with two_poolers(room, *poolers, postgres) as (one, other), busy(one, postgres) as (client, key):
            request(unix_socket(other), key)
            assert client.is_left_waiting()
            request(unix_socket(one), key)
            assert is_cancelled(client)

    assert found("peer-config", {MAIN: first}, room.program) == []
    with two_poolers(room, first, second, postgres) as (one, other), busy(one, postgres) as (client, key):
        request(unix_socket(other), key)
        assert is_cancelled(client)


def test_with_an_id_that_does_not_fit_its_own_cancel_requests_are_lost(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 19), "there are peers")
    ini = f"{REUSEPORT}peer_id = 70000\n[peers]\n2 = host=10.0.0.2\n"
    with blamed("peer-config", room, ini, server=postgres) as pooler, busy(pooler, postgres) as (client, key):
        request(unix_socket(pooler), key)
        assert logs(pooler, "could not find peer to forward request to")
        assert client.is_left_waiting()

    ini = ini.replace("70000", "7000")
    with cleared("peer-config", room, ini, server=postgres) as pooler, busy(pooler, postgres) as (client, key):
        request(unix_socket(pooler), key)
        assert is_cancelled(client)


def test_a_peer_at_the_address_of_the_process_itself_gets_nothing(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 19), "there are peers")
    first = f"{REUSEPORT}unix_socket_dir = {ONE}\npeer_id = 1\n{PEERS}"
    second = f"{REUSEPORT}unix_socket_dir = {OTHER}\npeer_id = 2\n{PEERS}"
    astray = second.replace(f"1 = host={ONE}", f"1 = host={OTHER}")
    assert found("peer-config", {MAIN: astray}, room.program)
    assert found("peer-config", {MAIN: second}, room.program) == []
    with two_poolers(room, first, astray, postgres) as (one, other), busy(one, postgres) as (client, key):
        request(unix_socket(other), key)
        assert logs(other, "failed to forward cancel request because its TTL was exhausted")
        assert client.is_left_waiting()
    with two_poolers(room, first, second, postgres) as (one, other), busy(one, postgres) as (client, key):
        request(unix_socket(other), key)
        assert is_cancelled(client)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "[::1]", "[127.0.0.1]"])
def test_a_host_with_its_port_is_looked_up_as_a_name(room: Room, postgres: PostgreSQL, host: str) -> None:
    name = host.replace("{port}", str(postgres.port))
    ini = f"[databases]\nshop = host={name} dbname=postgres user=postgres\n[pgbouncer]\nauth_type = any\n"
    with blamed("host-with-port", room, ini) as pooler, knock(pooler, "shop", "anyone") as client:
        assert until(lambda: [row["hostname"] for row in pooler.show("DNS_HOSTS")]) == [name]
        assert client.is_left_waiting()

    ini = ini.replace(name, f"127.0.0.1 port={postgres.port}")
    with cleared("host-with-port", room, ini) as pooler:
        assert query(pooler.dsn("shop", "anyone"), WHO) == ({"who": "postgres"},)
        assert pooler.show("DNS_HOSTS") == ()


def test_of_a_list_the_host_with_a_port_is_looked_up_when_it_is_its_turn(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 17), "hosts of a list take turns")
    name = f"127.0.0.1:{postgres.port}"
    ini = (
        f"[databases]\nshop = host=127.0.0.1,{name} port={postgres.port} dbname=postgres user=postgres\n"
        "[pgbouncer]\nauth_type = any\n"
    )
    with blamed("host-with-port", room, ini) as pooler, two_clients(pooler):
        assert until(lambda: [row["hostname"] for row in pooler.show("DNS_HOSTS")]) == [name]

    with cleared("host-with-port", room, ini.replace(name, "127.0.0.1")) as pooler, two_clients(pooler) as second:
        assert second.hears_of(b"C").text.startswith("BEGIN")
        assert pooler.show("DNS_HOSTS") == ()


@contextmanager
def two_clients(pooler: PgBouncer) -> Generator[Wire, None, None]:
    """The first has the first server connection for itself; it is the second that is handed out."""
    with knock(pooler, "shop", "anyone") as first, knock(pooler, "shop", "anyone") as second:
        for client in (first, second):
            assert client.hears_of(b"Z") != ENDED
            client.query("begin")
        assert first.hears_of(b"C") != ENDED
        yield second


def test_of_a_list_of_ports_the_first_is_for_all_hosts(room: Room) -> None:
    ini = "[databases]\nshop = host=10.0.0.7,10.0.0.8 port=5432,5433\n[pgbouncer]\n"
    for judged, text in ((blamed, ini), (cleared, ini.replace(",5433", ""))):
        with judged("host-with-port", room, text) as pooler:
            assert database(pooler, "shop")["port"] == "5432"


def database(pooler: PgBouncer, name: str) -> Row:
    [row] = [row for row in pooler.show("DATABASES") if row["name"] == name]
    return row


@pytest.mark.parametrize(
    ("name", "reason", "mended"),
    [
        ("pgbouncer", 'database name "pgbouncer" is reserved', "pgbouncer_stats"),
        ("d" * 64, "too long db name", "d" * 63),
    ],
)
def test_a_name_that_no_database_can_have_ends_the_start(room: Room, name: str, reason: str, mended: str) -> None:
    ini = f"[databases]\n{name} = host=10.0.0.7\n[pgbouncer]\n"
    with blamed("reserved-or-long-name", room, ini) as pooler:
        assert not pooler.started
        assert logs(pooler, reason)

    with cleared("reserved-or-long-name", room, ini.replace(f"{name} =", f"{mended} =")) as pooler:
        assert database(pooler, mended)["host"] == "10.0.0.7"


def test_a_name_counts_bytes_and_not_letters(room: Room) -> None:
    skip_before(room.program, (1, 25), "names in quotes may have letters beyond ASCII")
    ini = f"[databases]\n'{'é' * 32}' = host=10.0.0.7\n[pgbouncer]\n"
    with blamed("reserved-or-long-name", room, ini) as pooler:
        assert logs(pooler, "too long db name")

    with cleared("reserved-or-long-name", room, ini.replace("é" * 32, "é" * 31)) as pooler:
        assert database(pooler, "é" * 31)["host"] == "10.0.0.7"


def test_the_console_is_no_place_to_look_users_up_in(room: Room) -> None:
    skip_before(room.program, (1, 19), "auth_dbname is known")
    ini = "[databases]\nshop = host=10.0.0.7\n[pgbouncer]\nauth_dbname = pgbouncer\n"
    with blamed("reserved-or-long-name", room, ini) as pooler:
        assert not pooler.started
        assert logs(pooler, 'cannot use the reserved "pgbouncer" database as an auth_dbname')

    with cleared("reserved-or-long-name", room, ini.replace("= pgbouncer", "= shop")) as pooler:
        assert pooler.started


@pytest.mark.parametrize(
    "ini",
    [
        "[databases]\n[users]\n{} = pool_mode=session\n[pgbouncer]\n",
        "[databases]\nshop = host=10.0.0.7 auth_user={}\n[pgbouncer]\n",
    ],
)
def test_with_a_user_of_too_long_a_name_a_reload_ends_the_process(room: Room, ini: str) -> None:
    with blamed("reserved-or-long-name", room, ini.replace("{}", "u" * 130)) as pooler:
        assert logs(pooler, "string truncated")
        assert "u" * 127 in [row["name"] for row in pooler.show("USERS")]
        with pytest.raises(Refused):
            pooler.console("RELOAD")
        assert pooler.server.ended() != 0
        assert logs(pooler, "put_in_order: found existing elem")

    with cleared("reserved-or-long-name", room, ini.replace("{}", "u" * 127)) as pooler:
        pooler.console("RELOAD")
        assert pooler.show("VERSION")


def test_a_forced_user_of_too_long_a_name_is_another_one(room: Room) -> None:
    ini = f"[databases]\nshop = host=10.0.0.7 user={'u' * 130}\n[pgbouncer]\n"
    with blamed("reserved-or-long-name", room, ini) as pooler:
        assert database(pooler, "shop")["force_user"] == "u" * 127
        pooler.console("RELOAD")
        assert pooler.show("VERSION")


def test_a_port_that_is_too_high_loses_its_upper_bits(room: Room, postgres: PostgreSQL) -> None:
    ini = (
        f"[databases]\nshop = host=127.0.0.1 port={postgres.port + 65536} dbname=postgres user=postgres\n"
        f"[pgbouncer]\nlisten_addr = 10.0.0.5\nlisten_port = {room.port + 65536}\nauth_type = any\n"
    )
    with blamed("number-overflow", room, ini) as pooler:
        assert logs(pooler, f"listening on 127.0.0.1:{room.port}")
        assert over_tcp(pooler, "shop", "anyone", "", WHO) == ({"who": "postgres"},)

    for given in (postgres, room):
        ini = ini.replace(str(given.port + 65536), str(given.port))
    with cleared("number-overflow", room, ini) as pooler:
        assert over_tcp(pooler, "shop", "anyone", "", WHO) == ({"who": "postgres"},)


def test_a_port_with_a_leading_zero_is_octal(room: Room) -> None:
    ini = f"[databases]\n[pgbouncer]\nlisten_addr = 10.0.0.5\nlisten_port = 0{room.port:o}\n"
    with blamed("leading-zero-number", room, ini) as pooler:
        assert logs(pooler, f"listening on 127.0.0.1:{room.port}")
        assert is_open(room.port)

    with cleared("leading-zero-number", room, ini.replace(f"0{room.port:o}", str(room.port))) as pooler:
        assert is_open(room.port)


@pytest.mark.parametrize(
    ("rule", "line", "value", "mended"),
    [
        ("number-overflow", "default_pool_size = 2147483648", "-2147483648", "2147483647"),
        ("number-overflow", "max_client_conn = 4294967396", "100", "2147483647"),
        ("number-overflow", "server_lifetime = inf", "0", "3600"),
        ("leading-zero-number", "default_pool_size = 020", "16", "20"),
        ("leading-zero-number", "listen_backlog = 0100", "64", "100"),
    ],
)
def test_a_number_becomes_another(room: Room, rule: str, line: str, value: str, mended: str) -> None:
    setting, written = line.split(" = ")
    ini = f"[databases]\n[pgbouncer]\n{line}\n"
    with blamed(rule, room, ini) as pooler:
        assert pooler.settings()[setting] == value

    with cleared(rule, room, ini.replace(written, mended)) as pooler:
        assert pooler.settings()[setting] == mended


def test_what_octal_numbers_do_not_have_ends_the_start(room: Room) -> None:
    ini = "[databases]\n[pgbouncer]\nmax_client_conn = 0800\n"
    with blamed("leading-zero-number", room, ini) as pooler:
        assert not pooler.started
        assert logs(pooler, 'invalid value "0800"')

    with cleared("leading-zero-number", room, ini.replace("0800", "800")) as pooler:
        assert pooler.settings()["max_client_conn"] == "800"


def test_an_infinite_lifetime_closes_a_server_connection_after_one_use(room: Room, postgres: PostgreSQL) -> None:
    ini = (
        "[databases]\nshop = host=10.0.0.7 user=postgres\n"
        "[pgbouncer]\nauth_type = any\npool_mode = transaction\nserver_lifetime = inf\n"
    )

    def backends(pooler: PgBouncer) -> set[str | None]:
        rows = [query(pooler.dsn("shop", "anyone"), "select pg_backend_pid() as pid") for _ in range(3)]
        return {row["pid"] for [row] in rows}

    with blamed("number-overflow", room, ini, server=postgres) as pooler:
        assert len(backends(pooler)) == 3
        assert logs(pooler, "server lifetime over") or logs(pooler, "closing because: server_lifetime")

    with cleared("number-overflow", room, ini.replace("inf", "1e12"), server=postgres) as pooler:
        assert len(backends(pooler)) == 1


def test_an_entry_that_takes_the_place_of_another_keeps_its_user_and_nothing_else(
    room: Room, postgres: PostgreSQL
) -> None:
    batch = postgres.new_user("s3cret")
    first = f"shop = host=10.0.0.7 user={batch} password=s3cret pool_size=5\n"
    ini = f"[databases]\n{first}shop = host=10.0.0.7\n[pgbouncer]\nauth_type = any\n"
    with blamed("duplicate-key", room, ini, server=postgres) as pooler:
        assert logs(pooler, "losing forced user not supported, keeping old setting")
        assert database(pooler, "shop")["pool_size"] == "20"
        assert query(pooler.dsn("shop", "anyone"), WHO) == ({"who": batch},)

    with cleared("duplicate-key", room, ini.replace(first, ""), server=postgres) as pooler:
        assert database(pooler, "shop")["force_user"] is None
        with pytest.raises(Refused, match="bouncer config error"):
            query(pooler.dsn("shop", "anyone"), WHO)


def test_a_fallback_that_takes_the_place_of_another_keeps_nothing(room: Room, postgres: PostgreSQL) -> None:
    first = "* = host=10.0.0.7 user=postgres\n"
    ini = f"[databases]\n{first}* = host=10.0.0.7\n[pgbouncer]\nauth_type = any\n"
    with (
        blamed("duplicate-key", room, ini, server=postgres) as pooler,
        pytest.raises(Refused, match="bouncer config error"),
    ):
        query(pooler.dsn("postgres", "anyone"), WHO)

    ini = f"[databases]\n{first}[pgbouncer]\nauth_type = any\n"
    with cleared("duplicate-key", room, ini, server=postgres) as pooler:
        assert query(pooler.dsn("postgres", "anyone"), WHO) == ({"who": "postgres"},)


def test_of_a_user_that_is_defined_twice_the_last_line_counts(room: Room) -> None:
    first = "batch = pool_mode=session\n"
    ini = f"[databases]\n[users]\n{first}batch = max_user_connections=8\n[pgbouncer]\n"
    for judged, text in ((blamed, ini), (cleared, ini.replace(first, ""))):
        with judged("duplicate-key", room, text) as pooler:
            [user] = [row for row in pooler.show("USERS") if row["name"] == "batch"]
            assert not user["pool_mode"]


def test_of_a_peer_that_is_defined_twice_the_last_line_counts(room: Room) -> None:
    skip_before(room.program, (1, 19), "there are peers")
    first = "1 = host=10.0.0.1\n"
    ini = f"[databases]\n[pgbouncer]\npeer_id = 3\n[peers]\n{first}01 = host=10.0.0.2\n"
    for judged, text in ((blamed, ini), (cleared, ini.replace(first, ""))):
        with judged("duplicate-key", room, text) as pooler:
            assert [(row["peer_id"], row["host"]) for row in pooler.show("PEERS")] == [("1", "10.0.0.2")]


def test_of_a_key_that_an_entry_has_twice_the_last_one_counts(room: Room) -> None:
    ini = "[databases]\nshop = host=10.0.0.7 pool_size=10 dbname=shop pool_size=30\n[pgbouncer]\n"
    for judged, text in ((blamed, ini), (cleared, ini.replace(" pool_size=10", ""))):
        with judged("duplicate-key", room, text) as pooler:
            assert database(pooler, "shop")["pool_size"] == "30"


def test_of_a_setting_that_is_set_twice_the_last_line_counts(room: Room) -> None:
    ini = "[databases]\n[pgbouncer]\npool_mode = session\npool_mode = transaction\n"
    for judged, text in ((blamed, ini), (cleared, ini.replace("pool_mode = session\n", ""))):
        with judged("duplicate-key", room, text) as pooler:
            assert pooler.settings()["pool_mode"] == "transaction"
