"""Client pools as workloads make them, and what is done on their connections."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.amount import Amount, Reason, product
from poolcheck.budget.facts import ContainerFacts, Owner, PoolFacts
from poolcheck.finding import Note
from poolcheck.scale import Replicas
from poolcheck.source import Span
from poolcheck.system.targets import Sharing, Target, exchange

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool
    from poolcheck.read.python.sql.executed import Executed
    from poolcheck.value import Value


def operands(reasons: Iterable[Reason], besides: Span | None) -> list[Note]:
    """A note at the place of each number that goes into a sum, but for the place of the finding itself."""
    return [Note(each.span, each.text) for each in dict.fromkeys(reasons) if each.span and each.span != besides]


class Client(NamedTuple):
    """A client pool, as a workload makes it or, where no workload is seen to, as its module shows it.

    `replicas` are the pods of the workload, `runs` is the container that its processes run in, `drawn` what the
    pool comes to in one of them. `loaded` are the paths of all modules of the project that run together with it.
    `pgoptions` is what the variable PGOPTIONS is set to for it, `launcher` what starts its processes.
    """

    pool: "ClientPool"
    workload: str | None
    replicas: Replicas
    runs: ContainerFacts
    drawn: PoolFacts
    target: Target | None
    owner: Owner
    loaded: frozenset[str] = frozenset()
    pgoptions: "Value | None" = None
    launcher: str = ""

    @property
    def connections(self) -> Amount:
        """The most connections that all processes of all pods hold together while nothing is rolled out."""
        return product(self.replicas.steady, self.in_pod)

    @property
    def in_pod(self) -> Amount:
        """The most connections that all processes of one pod hold together."""
        from poolcheck.budget.client_connections import in_pod

        return in_pod(self.runs, self.drawn)

    @property
    def container(self) -> Span | None:
        """The place of the container; None where there is none."""
        return self.runs.place

    @property
    def is_in_use(self) -> bool:
        """Whether it is in the application itself, not in its tests, migrations or examples."""
        return self.pool.role == "application"


class Sent(NamedTuple):
    """What is done to a session, and the client pool whose connection it is done on.

    It is not certain where a router of Django's may choose another of its databases.
    """

    executed: "Executed"
    client: Client
    is_certain: bool

    @property
    def shared(self) -> Sharing | None:
        """Whether others get the session's server connection, and what shows it; None where nothing does."""
        found = exchange(self.client.target)
        if found is None:
            return None
        pool, done = self.client.pool, self.executed
        source = f"is from {pool.title}" if pool.constructor.is_pool else "is opened here"
        because = [Reason(f"the connection {source}", pool.callee), *found.because]
        if done.written and not (done.span.start <= done.written.start and done.written.end <= done.span.end):
            because.insert(0, Reason("this is executed", done.written))
        provided = found.provided if self.is_certain else f", if its connection is from {pool.title}"
        return Sharing(found.pooler, tuple(because), provided)
