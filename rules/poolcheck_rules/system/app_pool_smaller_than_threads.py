"""A pool with fewer connections than the threads that share it: under load the others wait, and then fail."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from poolcheck.amount import Amount, Reason, exactly
from poolcheck.finding import Finding, Severity, one_for_each_place
from poolcheck.read.python.leaks.holding.held import Hold, holds_of
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.capacity import opens_when_asked
from poolcheck.read.python.pools.uses import placed
from poolcheck.read.python.running.crowd import Crowd, crowd_of
from poolcheck.read.python.syntax.bindings import last_name_behind
from poolcheck.read.python.syntax.cached import is_cached_by_hand
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.clients import Client, operands
from poolcheck.system.whole import SystemWithClients
from poolcheck.value import Known, Unknown, number_of

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool

ERRORS: Mapping[Library, str] = {
    Library.DJANGO: "PoolTimeout",
    Library.FLASK_SQLALCHEMY: "TimeoutError",
    Library.MYSQL_CONNECTOR: "PoolError",
    Library.PEEWEE: "MaxConnectionsExceeded",
    Library.PSYCOPG: "PoolTimeout",
    Library.PSYCOPG2: "PoolError",
    Library.SQLALCHEMY: "TimeoutError",
}
"""What the pool of each library raises where it has no connection to give."""
QUEUES = frozenset({"", "QueuePool"})
THREADED = frozenset(
    {
        "celery worker", "dramatiq", "dramatiq-gevent", "gunicorn", "huey_consumer", "huey_consumer.py",
        "mod_wsgi-express start-server", "uwsgi", "waitress-serve",
    }
)  # fmt: skip
"""The programs whose threads run the application's code, and do not look after an event loop."""
ON_A_LOOP = frozenset({"fastapi dev", "fastapi run", "granian", "gunicorn", "hypercorn", "uvicorn"})
"""The programs that may run Starlette, which has functions that are no coroutines run in threads."""
STARLETTES = 40
"""The threads that it has for them. anyio, to_thread: observed with 4.16."""
KEEPING = frozenset({"cache", "lru_cache"})
"""Decorators of functions that give the same again."""
GREEN = re.compile(r"gevent|eventlet|greenlet|--async")
HAS_A_GATE = re.compile(r"Semaphore|PoolError|MaxConnectionsExceeded|\bCondition\(")
"""What a module has that makes threads wait for their turn, or try again."""


class AppPoolSmallerThanThreads(Rule[SystemWithClients]):
    id = "app-pool-smaller-than-threads"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: SystemWithClients) -> Iterator[Finding]:
        found = (self.of_pools(pools, system) for pools in pools_of_processes(system.clients))
        yield from one_for_each_place(finding for findings in found for finding in findings)

    def of_pools(self, pools: list[Client], system: SystemWithClients) -> Iterator[Finding]:
        """What is wrong with the only pool of a process; of several, the process makes one or the other."""
        if not all(is_shared(each) and is_made_once(each, system) for each in pools):
            return
        threads = [threads_of(each, system) for each in pools]
        if not all(map(is_too_small, pools, threads)) or any(has_a_gate(each, system) for each in pools):
            return
        for client, own in zip(pools, threads, strict=True):
            if own:
                yield self.of_client(client, own)

    def of_client(self, client: Client, threads: Amount) -> Finding:
        """The finding about one pool and those who share it."""
        pool, size = client.pool, client.drawn.size
        message = (
            f"a process of {client.workload} has {threads.low} {kind_of(client)}{told_by(threads)} "
            f"and {written(size)} for them in {pool.title}: {without_one(pool)}"
        )
        place = place_of_size(pool)
        notes = operands([*size.because, *threads.because], place)
        return self.finding(place, message, notes=notes, severity=severity_of(client, threads))


def pools_of_processes(clients: Iterable[Client]) -> Iterator[list[Client]]:
    """What the processes of each container take connections from, where it is one pool."""
    of_containers: dict[Span, list[Client]] = defaultdict(list)
    for each in clients:
        if each.runs.place and each.is_in_use and each.pool.constructor.is_counted:
            of_containers[each.runs.place].append(each)
    for pools in of_containers.values():
        if len({each.drawn.choice for each in pools}) == 1:
            yield pools


def is_shared(client: Client) -> bool:
    """Whether threads of a process may wait for the connections of one pool."""
    pool, address = client.pool, client.pool.address
    is_pool = pool.constructor.is_pool and pool.constructor.library in ERRORS and not pool.constructor.is_async
    is_queue = is_pool and pool.pool_class in QUEUES and not opens_when_asked(pool)
    is_of_server = address is None or address.dialect != "sqlite"
    return is_queue and is_of_server and client.launcher in THREADED | ON_A_LOOP


def is_made_once(client: Client, system: SystemWithClients) -> bool:
    """Whether each process makes the pool once, be it in a function that keeps it."""
    module = system.module(client.pool.span.path)
    made = placed(module.module, client.pool.span) if module and client.drawn.made else None
    if made is None or not made.scope.functions:
        return client.drawn.made is None
    function = made.scope.functions[-1]
    is_decorated = any(last_name_behind(each.decorator) in KEEPING for each in function.decorators)
    return is_decorated or is_cached_by_hand(function, returns=True)


def threads_of(client: Client, system: SystemWithClients) -> Amount | None:
    """The threads that share the pool; None where nothing is known of them."""
    threads = client.runs.threads
    if threads is None:
        return starlettes(client, system) if client.launcher in ON_A_LOOP else None
    return threads if client.launcher in THREADED else None


def starlettes(client: Client, system: SystemWithClients) -> Amount | None:
    """Starlette's threads, where one of the functions that they run takes a connection of the pool."""
    own = system.module(client.pool.span.path)
    if own is None or (mentions := own.module.project.mentions).of("total_tokens"):
        return None
    for path in sorted(client.loaded.intersection(mentions.of("fastapi") or ())):
        module = own.module.project.module(path)
        for hold in holds_of(module) if module else ():
            if is_in_thread(hold, client.pool):
                name = hold.function.name
                reason = Reason(f"Starlette's, which run {name.value}()", hold.scope.span(name))
                return exactly(STARLETTES, reason)
    return None


def is_in_thread(hold: Hold, pool: "ClientPool") -> bool:
    """Whether requests have a function that is no coroutine take a connection of a pool."""
    origin = hold.taking.origin.pool if hold.function.asynchronous is None else None
    return origin is not None and origin.span == pool.span and crowd_of(hold) is Crowd.MANY


def is_too_small(client: Client, threads: Amount | None) -> bool:
    """Whether the largest that the pool may be is less than the fewest threads there may be."""
    size = client.drawn.size
    return threads is not None and size.ceiling is not None and 0 < size.ceiling < threads.low


def severity_of(client: Client, threads: Amount) -> Severity | None:
    """Advice where a thread waits its turn once, or nobody has chosen either number."""
    pool, size = client.pool, client.drawn.size
    if fails_at_once(pool):
        return None
    is_told = any(pool.given(name) is not None for name in pool.constructor.size)
    is_chosen = is_told or client.runs.threads is not None
    return None if is_chosen and threads.low >= 2 * size.most else Severity.INFO


def has_a_gate(client: Client, system: SystemWithClients) -> bool:
    """Whether something else may limit how many threads ask for a connection."""
    module = system.module(client.pool.span.path)
    return module is None or bool(HAS_A_GATE.search(module.module.source.text))


def kind_of(client: Client) -> str:
    """What takes the connections."""
    reasons = (*client.runs.processes.because, *(client.runs.threads or client.runs.processes).because)
    return "greenlets" if any(GREEN.search(each.text) for each in reasons) else "threads"


def told_by(threads: Amount) -> str:
    """What says how many threads there are: " (gunicorn --threads 16)"."""
    return f" ({threads.because[0].text})" if threads.because else ""


def written(size: Amount) -> str:
    """`5 + 10 = 15 connections`."""
    number = str(size.most)
    shown = number if size.most_sum == number else f"{size.most_sum} = {number}"
    return f"{shown} connection" if number == "1" else f"{shown} connections"


def without_one(pool: "ClientPool") -> str:
    """What comes of a thread that finds no connection."""
    error, wait = ERRORS[pool.constructor.library], pool.effective(pool.constructor.wait)
    if fails_at_once(pool):
        return f"who finds none gets {error} at once"
    if isinstance(wait, Known) and is_endless(pool, wait):
        return "the others wait until one is free"
    seconds = number_of(wait)
    time = pool.constructor.wait if seconds is None else f"{seconds:.15g} s"
    return f"who gets none within {time} gets {error}"


def fails_at_once(pool: "ClientPool") -> bool:
    """Whether the pool has nobody wait."""
    wait = pool.effective(pool.constructor.wait)
    is_unset = isinstance(wait, Known) and wait.scalar is None and not is_endless(pool, wait)
    return pool.constructor.wait is None or is_unset


def is_endless(pool: "ClientPool", wait: Known) -> bool:
    """Whether a checkout waits for ever."""
    return any(wait.scalar is each or wait.scalar == each for each in pool.constructor.waits_forever)


def place_of_size(pool: "ClientPool") -> Span:
    """Where the pool is told its size, or where it is made."""
    told = [pool.given(name) for name in pool.constructor.size]
    places = [pool.used_at(each) for each in told if each and not isinstance(each, Unknown)]
    return places[0] if places else pool.callee
