"""Applications that run in processes of their own, as pods of one deployment do.

    with started(text) as application:
        answer = application.run()

The text is a module with a function `run`, or a coroutine of that name, that does one thing and returns what came
of it.
"""

import asyncio
import inspect
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple

from servers.process import PATIENCE_S

LIBRARIES = (
    "asyncpg", "django.db.backends.postgresql.base", "pg8000.dbapi", "psycopg", "psycopg2", "psycopg_pool",
    "sqlalchemy.dialects.postgresql", "sqlalchemy.ext.asyncio",
)  # fmt: skip

_PROCESSES = get_context("forkserver")
_PROCESSES.set_forkserver_preload(["pytest", *LIBRARIES, __name__])
"""What each process would import for a second is there at once, and what the tests run with, which it does too."""


class Answer(NamedTuple):
    """What came of one thing as text, or the error that it ended with."""

    value: str
    error: str


class Application:
    """One process of an application."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def run(self) -> Answer:
        """Has it do its thing once."""
        self._pipe.send(True)
        assert self._pipe.poll(PATIENCE_S), "the application does not answer"
        value, error = self._pipe.recv()
        return Answer(value, error)


@contextmanager
def started(text: str) -> Generator[Application, None, None]:
    """A process that is gone at the end. It has imported nothing but libraries before."""
    here, there = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=_serve, args=(text, there), daemon=True)
    process.start()
    there.close()
    try:
        yield Application(here)
    finally:
        process.kill()
        process.join()
        here.close()


def _serve(text: str, pipe: Connection) -> None:
    names: dict[str, object] = {}
    with asyncio.Runner() as runner:
        while pipe.recv():
            try:
                if not names:
                    exec(compile(text, "shop/db.py", "exec"), names)
                pipe.send((_done(names["run"], runner), ""))
            except Exception as error:
                pipe.send(("", f"{type(error).__name__}: {error}"))


def _done(run: object, runner: asyncio.Runner) -> str:
    assert callable(run)
    result = run()
    return str(runner.run(result) if inspect.iscoroutine(result) else result)
