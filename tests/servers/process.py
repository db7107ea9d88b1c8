"""Servers as processes: without privileges, watched by what they log, and gone when the tests are."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from servers.programs import SETPRIV

PATIENCE_S = 30.0
"""After so long a server that says nothing is given up."""


class Account(NamedTuple):
    """Whom servers run as."""

    uid: int
    gid: int


def account() -> Account:
    """The one that runs the tests, or nobody where that is root: both servers refuse to be root."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


@contextmanager
def acting_as_servers() -> Generator[None, None, None]:
    """What is connected to here, sees the account of the servers."""
    before = os.geteuid()
    os.seteuid(account().uid)
    try:
        yield
    finally:
        os.seteuid(before)


@contextmanager
def folder() -> Generator[Path, None, None]:
    """A folder that servers can write to, with a path short enough for a Unix socket."""
    path = Path(tempfile.mkdtemp(prefix="poolcheck-", dir="/tmp"))
    os.chown(path, *account())
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def free_port() -> Generator[int, None, None]:
    """A port that the system gives to nobody else meanwhile: a socket is bound to it that does not listen."""
    with socket.socket() as held:
        held.bind(("", 0))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        yield int(held.getsockname()[1])


class Server:
    """A process, and the file that takes what it writes to standard output and standard error."""

    def __init__(self, command: Sequence[str | Path], log: Path, cwd: Path, end: signal.Signals) -> None:
        """Starts it. `end` ends it, also when the process that runs the tests dies."""
        self._log = log
        self._end = end
        as_whom = [str(SETPRIV), f"--pdeathsig={end.name.removeprefix('SIG')}"]
        if os.geteuid() == 0:
            uid, gid = account()
            as_whom += [f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
        with log.open("wb") as written:
            self._process = subprocess.Popen(
                [*as_whom, *map(str, command)],
                cwd=cwd,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                close_fds=False,
            )

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self._log.read_bytes().decode(errors="backslashreplace")

    @property
    def status(self) -> int | None:
        """Its exit status, or None while it runs. That of a signal is negative."""
        return self._process.poll()

    def says(self, words: str, seconds: float = PATIENCE_S) -> bool:
        """Waits for these words in its output. False when it ends without them."""
        start = time.monotonic()
        while (waited := time.monotonic() - start) < seconds:
            has_ended = self.status is not None
            if words in self.output:
                return True
            if has_ended:
                return False
            time.sleep(0.0005 if waited < 0.1 else 0.01)
        raise TimeoutError(f"{words!r} is not in the output after {seconds} s:\n{self.output}")

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self._process.send_signal(number)

    def ended(self, seconds: float = PATIENCE_S) -> int:
        """Waits for its end. Its exit status."""
        return self._process.wait(seconds)

    def stop(self) -> None:
        """Ends it, the hard way where it does not listen."""
        self._process.send_signal(self._end)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
