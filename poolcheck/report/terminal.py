"""What the terminal is able to show, and the bar that tells that a long run is alive."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TextIO

PATIENCE_S = 1.0
"""A run that is over by then needs no bar."""


def has_color(choice: str, stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: `always`, `never`, or `auto` as terminal and environment say."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


@contextmanager
def progress(stream: TextIO, *, quiet: bool = False) -> Generator[Callable[[int, int], None] | None]:
    """A function to be told how many of how many files are read, which draws a bar once it has taken a while.

    None where nobody would see the bar, or wants to.
    """
    if quiet or not stream.isatty():
        yield None
        return
    begun = time.monotonic()
    bar: _Bar | None = None

    def show(done: int, total: int) -> None:
        nonlocal bar
        if bar is None and time.monotonic() - begun > PATIENCE_S:
            bar = _Bar(stream, total)
        if bar is not None:
            bar.show(done)

    try:
        yield show
    finally:
        if bar is not None:
            bar.close()


class _Bar:
    def __init__(self, stream: TextIO, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TextColumn("files"))
        self._progress = Progress(*columns, console=Console(file=stream), transient=True)
        self._task = self._progress.add_task("", total=total)
        self._progress.start()

    def show(self, done: int) -> None:
        """Draws the bar at its new length."""
        self._progress.update(self._task, completed=done)

    def close(self) -> None:
        """Takes the bar away."""
        self._progress.stop()
