"""A wait for a connection that lasts until gunicorn kills the worker, so that nobody learns what it waited for."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.capacity import opens_when_asked
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.running.worker_timeout import WorkerTimeout, worker_timeout
from poolcheck.read.python.syntax.edits import with_argument
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.whole import System
from poolcheck.value import by_default, number_of

BOUNDED = frozenset({Library.SQLALCHEMY, Library.FLASK_SQLALCHEMY, Library.PSYCOPG})
"""Whose pools are told how many seconds a checkout may wait."""
QUEUES = frozenset({"", "QueuePool"})


class PoolTimeoutNotBelowWorkerTimeout(Rule[System]):
    id = "pool-timeout-not-below-worker-timeout"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        manifests = [each for each in system.documents if isinstance(each, Manifest)]
        seen: set[object] = set()
        for client in system.clients:
            pool, module = client.pool, system.module(client.pool.span.path)
            if module and client.is_in_use and pool.span not in seen and is_a_queue(pool):
                seen.add(pool.span)
                if timeout := worker_timeout(module.module, manifests):
                    yield from self.of_pool(pool, timeout, module)

    def of_pool(self, pool: ClientPool, timeout: WorkerTimeout, module: PythonModule) -> Iterator[Finding]:
        """How one pool's wait and the workers' timeout compare."""
        name = pool.constructor.wait
        wait, unless = by_default(pool.effective(name))
        seconds, given = number_of(wait), pool.given(name)
        if wait is None or seconds is None or seconds < timeout.seconds:
            return
        by_itself = "" if given else " by default"
        kills = "by default kills" if timeout.is_default else "kills"
        message = (
            f"{pool.title} waits {seconds:.15g} s for a connection ({name}{by_itself}), "
            f"and gunicorn {kills} the worker after {timeout.seconds:.15g} s ({timeout.file}){unless}"
        )
        is_unsaid = timeout.is_default and given is None
        notes = [Note(place, "the number is written here") for place in pool.written_at(wait)] if given else []
        yield self.finding(
            pool.used_at(wait),
            message,
            notes=notes,
            fix=shortened(pool, timeout, module),
            severity=Severity.INFO if is_unsaid else None,
        )


def is_a_queue(pool: ClientPool) -> bool:
    """Whether the pool has checkouts wait, for a server."""
    dialect = pool.address.dialect if pool.address else None
    is_file = dialect == "sqlite" or (dialect is None and pool.is_setting)
    is_bounded = pool.constructor.library in BOUNDED and pool.constructor.is_pool and not pool.constructor.is_async
    return is_bounded and pool.pool_class in QUEUES and not is_file and not opens_when_asked(pool)


def shortened(pool: ClientPool, timeout: WorkerTimeout, module: PythonModule) -> Fix | None:
    """A third of what gunicorn waits, where the call is told nothing or a number."""
    name, seconds = pool.constructor.wait, int(timeout.seconds) // 3
    if pool.is_setting or seconds < 1:
        return None
    title, given = f"Wait for {seconds} s at most", pool.given(name)
    if given is None:
        edit = with_argument(module.module, pool.span, f"{name}={seconds}")
        return Fix(title, (edit,), safe=False) if edit else None
    place = given.places[0]
    is_inside = place.path == pool.span.path and pool.span.start < place.start and place.end < pool.span.end
    if len(given.places) != 1 or not is_inside or number_of(given) is None:
        return None
    return Fix(title, (Edit(place, str(seconds)),), safe=False)
