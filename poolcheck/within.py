"""The folder that a project lies in: what it is called, and what is around it, says nothing of the project."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_FOLDER: ContextVar[str] = ContextVar("folder", default="")


@contextmanager
def lying_in(folder: str) -> Generator[None]:
    """Has `within` take paths as the project has them, which lies in this folder; "" is the working directory."""
    before = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(before)


def within(path: str) -> str:
    """A path as the project has it."""
    folder = _FOLDER.get()
    return path.removeprefix(f"{folder}/") if folder else path
