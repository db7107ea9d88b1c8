import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

import pytest

from poolcheck.report.terminal import has_color, progress

SLOW = """\
import sys, time
from poolcheck.report.terminal import progress

with progress(sys.stderr, quiet={quiet}) as show:
    for done in range(3):
        time.sleep({pause})
        if show:
            show(done, 3)
print("rich" in sys.modules)
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_terminal(command: list[str], env: Mapping[str, str] | None = None) -> tuple[str, str]:
    """What a command writes to standard output, a pipe, and what to standard error, a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as run:
        os.close(theirs)
        out, _ = run.communicate()
    return out, read_all(ours)


def read_all(terminal: int) -> str:
    shown = b""
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # which is how a terminal ends
        pass
    os.close(terminal)
    return shown.decode()


def test_a_slow_run_shows_a_bar_and_takes_it_away() -> None:
    out, shown = on_a_terminal(["-c", SLOW.format(pause=0.6, quiet=False)])

    assert out == "True\n"
    assert "Reading" in shown
    assert "2/3" in shown
    assert shown.endswith("\x1b[2K")  # the line is erased


@pytest.mark.parametrize(("pause", "quiet"), [(0.01, False), (0.6, True)], ids=["quick", "quiet"])
def test_a_quick_run_and_a_quiet_one_show_no_bar_and_do_not_import_rich(pause: float, quiet: bool) -> None:
    assert on_a_terminal(["-c", SLOW.format(pause=pause, quiet=quiet)]) == ("False\n", "")


def test_nobody_is_shown_a_bar_where_there_is_no_terminal() -> None:
    with progress(io.StringIO()) as show:
        assert show is None


def test_a_check_that_is_over_soon_leaves_the_terminal_alone(tmp_path: Path) -> None:
    (tmp_path / "pgbouncer.ini").write_text("[pgbouncer]\n")

    out, shown = on_a_terminal(["-m", "poolcheck", "check", str(tmp_path)])

    assert (out, shown) == ("No problems found in 1 file.\n", "")


@pytest.mark.parametrize(
    ("choice", "is_terminal", "environment", "expected"),
    [
        ("auto", True, {"TERM": "xterm"}, True),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", False, {"TERM": "xterm"}, False),
        ("auto", True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        ("auto", True, {"TERM": "xterm", "NO_COLOR": ""}, True),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_who_can_see_it_and_wants_it(
    choice: str,
    is_terminal: bool,
    environment: Mapping[str, str],
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TERM", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert has_color(choice, Terminal() if is_terminal else io.StringIO()) == expected
