"""After how long gunicorn kills a worker that is busy with one request.

Only its sync workers are: the others answer the parent beside what they do. gunicorn's documentation, timeout.
Observed with 27.0: a sync worker is killed, a gthread worker with a request that takes longer is not.
"""

import os
from collections.abc import Iterable
from typing import NamedTuple

from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.python.project.served import Start
from poolcheck.read.python.running.asgi import starts_of
from poolcheck.read.python.running.gunicorn import setting
from poolcheck.read.python.syntax.module import Module
from poolcheck.value import Known, number_of, resolve

_DEFAULT_S = 30
_UNKNOWN = object()


class WorkerTimeout(NamedTuple):
    """So many seconds, and the file that has the command; they may be gunicorn's default."""

    seconds: float
    file: str
    is_default: bool


def worker_timeout(module: Module, manifests: Iterable[Manifest]) -> WorkerTimeout | None:
    """The shortest timeout of the commands that serve the program of a module; None where they have none."""
    starts = [each for each in starts_of(module, manifests) if each.program == "gunicorn"]
    serving = [each for each in starts if _is_there(each, module) and not each.is_for_development]
    found = [_of_start(each, module) for each in serving]
    limits = [each for each in found if each]
    # Where some workers are of another kind it is not known which of them use the pool.
    return min(limits) if limits and len(limits) == len(found) else None


def _is_there(start: Start, module: Module) -> bool:
    dotted = start.module.partition(":")[0]
    return bool(dotted) and module.project.find(dotted, module.path) is not None


def _of_start(start: Start, module: Module) -> WorkerTimeout | None:
    file = _file(start, module)
    kind = start.kind or _told(file, "worker_class") or "sync"
    threads = _option(start, "--threads") or _told(file, "threads") or 1
    if kind != "sync" or str(threads) != "1":
        return None
    written = _option(start, "-t", "--timeout") or _told(file, "timeout")
    seconds = _DEFAULT_S if written is None else _number(written)
    return WorkerTimeout(seconds, os.path.basename(start.path), is_default=written is None) if seconds else None


def _option(start: Start, *names: str) -> str | None:
    """What an option of the command is given; "" where that is not seen."""
    found = None
    for at, word in enumerate(start.words):
        name, equals, value = word.partition("=")
        if word in names:
            found = start.words[at + 1] if at + 1 < len(start.words) else ""
        elif equals and name in names:
            found = value
        elif word[:2] in names and word[2:].isdecimal():
            found = word[2:]
    return found


def _file(start: Start, module: Module) -> Module | None:
    """The configuration file, beside the command or below the folder it runs in."""
    if not start.config:
        return None
    name = start.config.removeprefix("python:").removeprefix("file:")
    path = os.path.normpath(os.path.join(os.path.dirname(start.path), name)).replace(os.sep, "/")
    return module.project.module(path) if module.project.starts.has(path) else None


def _told(file: Module | None, name: str) -> object:
    """What a configuration file says, where no variable is set; None where it says nothing."""
    value = setting(file, name) if file else None
    if value is None:
        return None
    resolved = resolve(value, lambda _: None)
    number = number_of(resolved)
    if number is not None:
        return number
    return resolved.scalar if isinstance(resolved, Known) else _UNKNOWN


def _number(written: object) -> float:
    """A number of seconds; 0, which is no limit, where it is not known."""
    if isinstance(written, str):
        return float(written) if written.isdecimal() else 0
    return float(written) if isinstance(written, int | float) else 0
