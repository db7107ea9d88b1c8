"""Whether a function that takes a connection may run many times at once, or runs once and ends."""

from enum import StrEnum, auto

from poolcheck.read.python.leaks.holding.held import Hold
from poolcheck.read.python.pools.uses import placed
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.running.entry_points import entry_point
from poolcheck.read.python.running.occasions import EntryPoint, Occasion
from poolcheck.read.python.running.recurring import requested
from poolcheck.read.python.running.scripts import is_script
from poolcheck.read.python.values.scope import Definition

_REQUESTS = frozenset({Occasion.DEPENDENCY, Occasion.HOOK, Occasion.ROUTE, Occasion.SERVICER, Occasion.SOCKET})
_IN_THREADS = frozenset({"fastapi", "grpc", "starlette"})
"""Frameworks that answer requests in threads where a function is no coroutine."""


class Crowd(StrEnum):
    """How many run a function at a time.

    `MANY`: requests do, in coroutines or threads of one process. `SOME`: that depends on how the program is run.
    `ONE`: a script, a command or the start of a program does, or an example is meant.
    """

    MANY = auto()
    SOME = auto()
    ONE = auto()


def crowd_of(hold: Hold) -> Crowd:
    """How many run a function that holds a connection at a time."""
    scope = hold.scope
    if role_of(scope.module.path) is not Role.APPLICATION:
        return Crowd.ONE
    entry = _entry(hold)
    if entry and entry.kind in _REQUESTS:
        is_async = hold.function.asynchronous is not None
        return Crowd.MANY if is_async or entry.package in _IN_THREADS else Crowd.SOME
    if entry and not entry.kind.is_repeated:
        return Crowd.ONE
    return Crowd.ONE if entry is None and is_script(scope.module) else Crowd.SOME


def answers_requests(hold: Hold) -> bool:
    """Whether a request waits for a function that holds a connection."""
    entry = _entry(hold)
    return entry is not None and entry.kind in _REQUESTS


def _entry(hold: Hold) -> EntryPoint | None:
    """What runs the function, be it through functions that call it."""
    scope, module = hold.scope, hold.scope.module
    if own := entry_point(Definition(hold.function, scope.outside)):
        return own
    if hold.is_of_request:
        return EntryPoint(Occasion.ROUTE, hold.function.name.value, hold.place, "fastapi")
    made = placed(module, hold.place)
    found = (each.entry for each in requested(made)) if made else ()
    return next((each for each in found if each), None)
