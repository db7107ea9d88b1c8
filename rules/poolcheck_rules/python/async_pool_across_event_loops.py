"""A pool whose connections outlive the event loop that they were opened in."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.running.loops import Run, runs_in
from poolcheck.read.python.running.reached import Function, kept, kept_in, reached
from poolcheck.rule import Rule

CLOSES = re.compile(
    r"\.\s*dispose\s*\(|\b\w*(?:pool|engine|database|db)\w*\s*\.\s*(?:a?close|disconnect|terminate)\s*\("
    r"|\bNullPool\b"
)
"""Code that lets go of a pool's connections, in the loop that is about to end or before the next begins, or that
has an engine without any for some processes."""
BOUND_TO_LOOPS = "asyncpg"


class Shared(NamedTuple):
    """A run of a loop that uses a pool which is there for the next run, too."""

    run: Run
    pool: ClientPool


class AsyncPoolAcrossEventLoops(Rule[PythonModule]):
    id = "async-pool-across-event-loops"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        if module.role is not Role.APPLICATION:
            return
        found = [shared for run in runs_in(module.module) for shared in sharing(run)]
        together: dict[object, list[Shared]] = defaultdict(list)
        for shared in found:
            together[shared.run.block, shared.pool.span].append(shared)
        for shared in found:
            others = together[shared.run.block, shared.pool.span]
            if shared.run.again:
                yield self.told(shared, f"each {shared.run.again}")
            elif shared.run.block is not None and shared is not others[0]:
                yield self.told(shared, "this run")

    def told(self, shared: Shared, which: str) -> Finding:
        """What is wrong with a run."""
        run, pool = shared
        known = pool.driver == BOUND_TO_LOOPS
        provided = "" if known else f", if the driver is {BOUND_TO_LOOPS}"
        error = "InterfaceError" if pool.constructor.library is Library.ASYNCPG else "RuntimeError"
        message = (
            f"{which} has a loop of its own from {run.title}, and {pool.title} keeps connections that belong to "
            f"the loop before: the next use of one raises {error}{provided}"
        )
        note = Note(pool.callee, f"{pool.title} is made here, once")
        return self.finding(run.span, message, notes=[note], severity=None if known else Severity.WARNING)


def sharing(run: Run) -> Iterator[Shared]:
    """The pool that a run uses; nothing where it, or what starts it, lets go of the pool's connections."""
    functions = [*reached(run.runs)]
    around = [Function(each, run.scope) for each in run.scope.functions]
    if any(CLOSES.search(code_of(function)) for function in (*functions, *around)):
        return
    handed_in = (found for each in run.given if (found := kept(each, run.scope)))
    used = (found for function in functions for _, found in kept_in(function))
    for found in chain(handed_in, used):
        pool = found.pool
        if pool and is_bound_to_its_loop(pool):
            yield Shared(run, pool)
            return


def code_of(function: Function) -> str:
    """The code of a function, without strings and comments."""
    place = function.scope.span(function.node)
    return function.scope.module.masked.text[place.start : place.end]


def is_bound_to_its_loop(pool: ClientPool) -> bool:
    """Whether a pool keeps connections that work in one loop only, as those of asyncpg do and psycopg's do not."""
    if not pool.constructor.is_async or pool.role is not Role.APPLICATION:
        return False
    if pool.constructor.library is Library.ASYNCPG:
        return pool.constructor.is_pool
    if pool.constructor.library is not Library.SQLALCHEMY or pool.pool_class != "AsyncAdaptedQueuePool":
        return False
    return pool.driver == BOUND_TO_LOOPS or (
        pool.driver is None
        and pool.declares(BOUND_TO_LOOPS)
        and not pool.declares("psycopg")
        and not is_other(pool)
    )


def is_other(pool: ClientPool) -> bool:
    """Whether its URL is seen to be for another server."""
    address = pool.address
    return bool(address and address.dialect not in {None, "postgresql"})
