r"""Runs of the real PgBouncer.

    def test_something(room: Room) -> None:
        with room.start(f"[databases]\nshop = host=db\n[pgbouncer]\n{room.address}") as pooler:
            assert pooler.started, pooler.log
            assert pooler.settings()["pool_mode"] == "session"

`room` is a fixture of conftest.py. Where nothing is done with the pooler, `room.outcome(…)` is the short form.
"""

import os
import re
import shutil
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

from servers import client
from servers.client import Refused, Row
from servers.process import Server, account, acting_as_servers, folder, free_port
from servers.programs import Program

Files: TypeAlias = Mapping[str, str | bytes]
"""Texts by their paths in the room's folder."""

NO_FILES: Files = {}

CONSOLE = "pgbouncer"
"""The database of the console, and the user that may do everything there."""

_PREFIX = re.compile(r"\S+ \S+ \S+ \[\d+\] ")
_ON_UNIX = re.compile(r"^LOG listening on unix:(.*)/\.s\.PGSQL\.(-?\d+)$")
_UP = "process up: "


class Outcome(NamedTuple):
    """What became of a start, and of what was started SHOW CONFIG; None where the console cannot be reached."""

    started: bool
    status: int | None
    log: tuple[str, ...]
    settings: Mapping[str, str | None] | None


class PgBouncer:
    """One run: of a PgBouncer that started and is there until it is stopped, or of one that has ended."""

    def __init__(self, server: Server, ini: Path, port: int) -> None:
        self.server = server
        self.ini = ini
        self.port = port
        self.started = server.says(_UP)

    @property
    def log(self) -> tuple[str, ...]:
        """The lines that it has logged so far, each from its level on: "ERROR invalid value …"."""
        return tuple(_PREFIX.sub("", line, count=1) for line in self.server.output.splitlines())

    @property
    def socket(self) -> tuple[Path, int] | None:
        """The folder of its Unix socket and the port in its name, as logged; None where it has none."""
        found = [_ON_UNIX.match(line) for line in self.log]
        return next(((Path(match[1]), int(match[2])) for match in reversed(found) if match), None)

    def dsn(self, database: str, user: str, password: str = "", host: str = "") -> str:
        """Where clients find it: on its Unix socket, or on a host at the room's port."""
        if host:
            return client.dsn(host, self.port, database, user, password)
        if self.socket is None:
            raise Refused(f"{self.ini} has no Unix socket")
        return client.dsn(*self.socket, database, user, password)

    def query(self, database: str, user: str, statement: str) -> tuple[Row, ...]:
        """What a client of its own gets for one text, with the simple query protocol."""
        return client.query(self.dsn(database, user), statement)

    def console(self, command: str) -> tuple[Row, ...]:
        """What its administrator gets, whatever the configuration says about users and passwords."""
        where = self.dsn(CONSOLE, CONSOLE)
        with acting_as_servers():
            connection = client.connect(where)
        try:
            return client.ask(connection, command)
        finally:
            connection.finish()

    def show(self, what: str) -> tuple[Row, ...]:
        """The rows of SHOW CONFIG, SHOW DATABASES, SHOW USERS, …."""
        return self.console(f"SHOW {what}")

    def settings(self) -> dict[str, str | None]:
        """The values that SHOW CONFIG prints, by name."""
        return {str(row["key"]): row["value"] for row in self.show("CONFIG")}

    def reload(self, ini: str | bytes) -> None:
        """Replaces its configuration and sends RELOAD. From 1.25 on a bad configuration raises Refused."""
        self.ini.write_bytes(_bytes(ini))
        self.console("RELOAD")

    def stop(self) -> None:
        """Ends it at once. Harmless where it has ended."""
        self.server.stop()

    def __enter__(self) -> "PgBouncer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Room:
    """A folder and a port of its own, in which one PgBouncer is started after the other.

    Nothing else listens on the port, neither here nor in another run of the tests. What a start and its run leave
    in the folder is taken away by the next start.
    """

    def __init__(self, program: Program, place: Path, port: int) -> None:
        self.program = program
        self.folder = place
        self.port = port
        self._last: PgBouncer | None = None

    @property
    def address(self) -> str:
        """Lines for [pgbouncer] that put its socket into the folder, and keep it from the ports of others."""
        return f"unix_socket_dir = {self.folder}\nlisten_port = {self.port}\n"

    def start(
        self, ini: str | bytes, files: Files = NO_FILES, *, cwd: str = "", name: str = "pgbouncer.ini"
    ) -> PgBouncer:
        """Starts one on this text, which should hold `address`, and waits until it is up or has ended.

        `cwd` is the working directory and `name` the path of the text, both as in `files`.
        """
        assert self._last is None or self._last.server.status is not None, "the last one still runs"
        self._clear()
        for path, text in {**files, name: ini}.items():
            self._write(path, text)
        where = self._made(self.folder / cwd)
        command = [self.program.path, self.folder / name]
        server = Server(command, self.folder / ".log", where, signal.SIGKILL)
        try:
            self._last = PgBouncer(server, self.folder / name, self.port)
        except BaseException:
            server.stop()
            raise
        return self._last

    def outcome(self, ini: str | bytes, files: Files = NO_FILES, *, cwd: str = "") -> Outcome:
        """Starts one, asks it for its settings and stops it: 100 to 200 times a second, so for thousands of texts.

        No settings are told where there is no Unix socket, with disable_pqexec, and with a max_packet_size or a
        pkt_buf that lets nobody in; the last takes 10 s.
        """
        with self.start(ini, files, cwd=cwd) as pooler:
            try:
                settings = pooler.settings() if pooler.started else None
            except Refused:
                settings = None
            return Outcome(pooler.started, pooler.server.status, pooler.log, settings)

    def does_start(self, ini: str | bytes, files: Files = NO_FILES, *, cwd: str = "") -> bool:
        """Whether one starts on this text. Nobody asks it anything."""
        with self.start(ini, files, cwd=cwd) as pooler:
            return pooler.started

    def _clear(self) -> None:
        for entry in os.scandir(self.folder):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry)
            else:
                Path(entry).unlink()

    def _write(self, path: str, text: str | bytes) -> None:
        file = self.folder / path
        self._made(file.parent)
        file.write_bytes(_bytes(text))

    def _made(self, place: Path) -> Path:
        """A folder that is made, with those above it, so that the server can write to it."""
        if not place.exists():
            self._made(place.parent)
            place.mkdir()
            os.chown(place, *account())
        return place


@contextmanager
def open_room(program: Program) -> Generator[Room, None, None]:
    """A room that is emptied and given up at the end. For two PgBouncers at once open two."""
    with folder() as place, free_port() as port:
        yield Room(program, place, port)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
