"""A real PostgreSQL, started for the tests and gone with them.

    def test_something(room: Room, postgres: PostgreSQL) -> None:
        entry = f"{postgres.address} dbname={postgres.new_database()} user={postgres.new_user()}"

`postgres` is a fixture of conftest.py, the same server for all tests of a run.
"""

import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Literal, TypeAlias

from servers import client
from servers.client import Row
from servers.process import Server, folder, free_port
from servers.programs import Program

Secret: TypeAlias = Literal["scram-sha-256", "md5"]
"""As what a password is kept, and how it is asked for."""

OWNER = "postgres"
"""The user that may do everything, without a password."""

NO_SETTINGS: Mapping[str, str] = {}

_RULES = """\
local all +asked_scram scram-sha-256
host all +asked_scram all scram-sha-256
local all +asked_md5 md5
host all +asked_md5 all md5
local all all trust
host all all all trust
"""

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "16MB",
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "max_connections": "100",
}


class PostgreSQL:
    """A server that listens on a Unix socket and on 127.0.0.1. Users without a password are let in."""

    def __init__(self, server: Server, place: Path, port: int) -> None:
        self.server = server
        self.folder = place
        self.port = port
        self._numbers = count(1)

    @property
    def address(self) -> str:
        """The beginning of an entry in [databases]: where it is."""
        return f"host={self.folder} port={self.port}"

    @property
    def log(self) -> tuple[str, ...]:
        """What it has logged so far."""
        return tuple(self.server.output.splitlines())

    def dsn(self, database: str = OWNER, user: str = OWNER, password: str = "") -> str:
        """Where clients find it without a pooler."""
        return client.dsn(self.folder, self.port, database, user, password)

    def query(self, statement: str, database: str = OWNER, user: str = OWNER) -> tuple[Row, ...]:
        """What a client of its own gets for one text, with the simple query protocol."""
        return client.query(self.dsn(database, user), statement)

    def new_database(self) -> str:
        """The name of a database that is new and empty."""
        name = f"database_{next(self._numbers)}"
        self.query(f"create database {name}")
        return name

    def new_user(self, password: str = "", kept_as: Secret = "scram-sha-256") -> str:
        """The name of a user that is new and may connect; it is asked for a password if it has one."""
        name = f"user_{next(self._numbers)}"
        if password:
            group = "asked_md5" if kept_as == "md5" else "asked_scram"
            secret = f"login password '{password}' in role {group}"
            self.query(f"set password_encryption = '{kept_as}'; create role {name} {secret}")
        else:
            self.query(f"create role {name} login")
        return name


@contextmanager
def start(program: Program, settings: Mapping[str, str] = NO_SETTINGS) -> Generator[PostgreSQL, None, None]:
    """A new server, with these settings of postgresql.conf beside those that make it quick."""
    with folder() as place, free_port() as port:
        data = place / "data"
        _make(program.path.with_name("initdb"), data)
        (data / "pg_hba.conf").write_text(_RULES)
        fixed = {"port": str(port), "unix_socket_directories": str(place)}
        options = [f"-c{name}={value}" for name, value in (_SETTINGS | dict(settings) | fixed).items()]
        command = [str(program.path), "-D", str(data), *options]
        with Server(command, place / "log", place, signal.SIGQUIT) as server:
            assert server.says("database system is ready to accept connections"), server.output
            postgres = PostgreSQL(server, place, port)
            postgres.query("create role asked_scram; create role asked_md5")
            yield postgres


def _make(initdb: Path, data: Path) -> None:
    options = ("--auth=trust", f"--username={OWNER}", "--encoding=UTF8", "--locale=C", "--no-sync")
    command = [str(initdb), "-D", str(data), *options]
    with Server(command, data.with_name("initdb.log"), data.parent, signal.SIGKILL) as made:
        assert made.ended() == 0, made.output
