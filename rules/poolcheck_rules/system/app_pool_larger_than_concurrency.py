"""A pool with more connections than the threads of its process can use at a time."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.pools.capacity import opens_when_asked
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.clients import Client, operands
from poolcheck.system.whole import System, SystemWithClients
from poolcheck.value import Unknown

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool

QUEUES = frozenset({"", "QueuePool"})
THREADED = frozenset(
    {
        "celery worker", "dramatiq", "gunicorn", "huey_consumer", "huey_consumer.py",
        "mod_wsgi-express start-server", "rq worker", "rq worker-pool", "uwsgi", "waitress-serve",
    }
)  # fmt: skip
"""The programs whose threads run the application's code, and do not look after an event loop."""
STARTING_THREADS = ("Thread(", "ThreadPoolExecutor", "Timer(", "gevent", "run_in_executor", "to_thread")
"""What stands in code that starts threads of its own."""
SPARE = 1
"""Code that holds a connection may ask for another, though it should not."""


class AppPoolLargerThanConcurrency(Rule[SystemWithClients]):
    id = "app-pool-larger-than-concurrency"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: SystemWithClients) -> Iterator[Finding]:
        pools: dict[Span, list[Client]] = defaultdict(list)
        for client in system.clients:
            if client.is_in_use:
                pools[client.pool.span].append(client)
        for clients in pools.values():
            if all(map(is_bounded, clients)) and not starts_threads(system):
                # Where several workloads make it, the one with the most threads is who it is for.
                yield from self.of_client(max(clients, key=most_threads))

    def of_client(self, client: Client) -> Iterator[Finding]:
        """What is wrong with a pool in one workload."""
        pool, threads, size = client.pool, client.runs.threads, client.drawn.size
        at_start, most = client.drawn.at_start, most_threads(client)
        if threads is None or not threads.because:
            return
        if at_start > most:
            has, place = f"opens {connections(at_start)}", place_of(pool, pool.constructor.least or "")
        elif size.low > most + SPARE and is_told(pool):
            sum_of = f"{size.low_sum} = " if size.low_sum != str(size.low) else ""
            has, place = f"may open {sum_of}{connections(size.low)}", place_of(pool, *pool.constructor.size)
        else:
            return
        uses = f"{most} thread{'s' * (most != 1)} ({threads.because[0].text})"
        message = f"{pool.title} {has} in each process of {client.workload}, which has {uses} to use them"
        yield self.finding(place, message, notes=operands([*size.because, *threads.because], place))


def is_bounded(client: Client) -> bool:
    """Whether each process makes a pool for threads of which it is known how many there are."""
    pool, threads = client.pool, client.runs.threads
    is_pool = pool.constructor.is_pool and pool.constructor.is_counted and not pool.constructor.is_async
    is_queue = is_pool and pool.pool_class in QUEUES and not opens_when_asked(pool)
    is_known = threads is not None and threads.ceiling is not None
    return is_queue and is_known and client.launcher in THREADED and client.drawn.made is None


def most_threads(client: Client) -> int:
    """The most threads of a process."""
    return client.runs.threads.most if client.runs.threads else 0


def starts_threads(system: System) -> bool:
    """Whether code of the project starts threads, or that is not to be told."""
    module = next((each for each in system.documents if isinstance(each, PythonModule)), None)
    found = (module.module.project.mentions.of(word) for word in STARTING_THREADS) if module else [None]
    return any(each is None or each for each in found)


def is_told(pool: "ClientPool") -> bool:
    """Whether somebody has chosen the size. What nobody has chosen is what the library opens when it is needed."""
    return any(pool.given(name) is not None for name in pool.constructor.size)


def connections(number: int) -> str:
    """So many connections, in words."""
    return "1 connection" if number == 1 else f"{number} connections"


def place_of(pool: "ClientPool", *names: str) -> Span:
    """Where the pool is told one of these, or where it is made."""
    given = [pool.given(name) for name in names]
    places = [pool.used_at(each) for each in given if each and not isinstance(each, Unknown)]
    return places[0] if places else pool.callee
