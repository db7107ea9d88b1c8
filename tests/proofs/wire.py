"""A client that speaks PostgreSQL's protocol byte by byte, to see what passes over the wire."""

import socket
import struct
from pathlib import Path
from select import select
from types import TracebackType
from typing import NamedTuple, Self, TypeAlias

from servers.client import PATIENCE_S
from servers.pgbouncer import PgBouncer

Address: TypeAlias = Path | tuple[str, int]
"""A Unix socket, or a host and a port."""

CLEAR_TEXT, MD5, SASL = 3, 5, 10
"""As what a password can be asked for."""

_PROTOCOL = 3 << 16
_CANCEL = 1234 << 16 | 5678


class Message(NamedTuple):
    """What a server says: the letter of its kind, and its content."""

    kind: bytes
    content: bytes

    @property
    def asks_for(self) -> int | None:
        """As what it asks for a password."""
        return int.from_bytes(self.content[:4]) if self.kind == b"R" else None

    @property
    def text(self) -> str:
        """Its content, for messages that are told to people."""
        return self.content.replace(b"\0", b" ").decode(errors="backslashreplace")


ENDED = Message(b"", b"")
"""In place of a message: the connection was closed."""


class Wire:
    """One connection, closed when it is left."""

    def __init__(self, address: Address) -> None:
        self._socket = socket.socket(socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET)
        self._socket.settimeout(PATIENCE_S)
        try:
            self._socket.connect(str(address) if isinstance(address, Path) else address)
        except OSError:
            self.close()
            raise

    @property
    def port(self) -> int:
        """Its own, over TCP."""
        return int(self._socket.getsockname()[1])

    def login(self, database: str, user: str, **more: str) -> None:
        """Says who it is and what more it asks for, and waits for nothing."""
        asked = {"user": user, "database": database, **more}
        words = "".join(f"{name}\0{value}\0" for name, value in asked.items())
        self._send(struct.pack("!i", _PROTOCOL) + f"{words}\0".encode())

    def query(self, statement: str) -> None:
        """Sends a statement, and waits for nothing."""
        self._socket.sendall(b"Q")
        self._send(statement.encode() + b"\0")

    def cancel(self, key: bytes) -> None:
        """Sends a request to cancel what the owner of the key has running, and waits until it is closed."""
        self._send(struct.pack("!i", _CANCEL) + key)
        assert self.hears() == ENDED

    def hears(self) -> Message:
        """The next message, or ENDED."""
        kind = self._receive(1)
        length = self._receive(4) if kind else b""
        return Message(kind, self._receive(int.from_bytes(length) - 4)) if length else ENDED

    def hears_of(self, *kinds: bytes) -> Message:
        """The next message of one of these kinds, or ENDED."""
        while (message := self.hears()) != ENDED and message.kind not in kinds:
            pass
        return message

    def is_left_waiting(self, seconds: float = 0.1) -> bool:
        """Whether nothing comes for so long."""
        return not select([self._socket], [], [], seconds)[0]

    def close(self) -> None:
        """Ends it."""
        self._socket.close()

    def _send(self, content: bytes) -> None:
        self._socket.sendall(struct.pack("!i", len(content) + 4) + content)

    def _receive(self, length: int) -> bytes:
        received = b""
        while len(received) < length:
            try:
                more = self._socket.recv(length - len(received))
            except ConnectionResetError:
                return b""
            if not more:
                return b""
            received += more
        return received

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def unix_socket(pooler: PgBouncer) -> Path:
    """Where a PgBouncer listens on its Unix socket."""
    assert pooler.socket is not None
    folder, port = pooler.socket
    return folder / f".s.PGSQL.{port}"


def knock(pooler: PgBouncer, database: str, user: str) -> Wire:
    """A client that has come to its Unix socket and said who it is."""
    client = Wire(unix_socket(pooler))
    client.login(database, user)
    return client
