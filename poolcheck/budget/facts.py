"""The facts that a connection budget is made of, apart from the files that they were read in."""

from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.amount import Amount, Reason, total
from poolcheck.scale import Replicas, Scale
from poolcheck.source import Span


class Owner(NamedTuple):
    """What opens connections: an object of a cluster, or a name that only configuration states.

    `stages` are those that its file is for, `namespace` is None where whoever applies it chooses. Two of one kind
    and name are the same thing, written down for several deployments.
    """

    kind: str
    name: str
    span: Span | None = None
    stages: frozenset[str] = frozenset()
    namespace: str | None = None


class Lead(NamedTuple):
    """Where connections lead: to the pooler or the database with the id `to`, None where that is not known.

    `host`, `port`, `database` and `user` are what is asked for, as far as that is known. `entry` is the database
    of the pooler's that serves it. It is not certain where only a port or a name suggests a pooler, or where there
    is an `assumption`; a pooler may be `in_pod`, one for each pod of the client's.
    """

    to: str | None
    host: str | None
    port: int | None
    database: str | None
    user: str | None
    entry: str | None = None
    is_certain: bool = True
    in_pod: bool = False
    because: tuple[Reason, ...] = ()
    assumption: str = ""

    @property
    def is_known(self) -> bool:
        """Whether connections are sure to lead there, or do if what is assumed is so."""
        return self.to is not None and (self.is_certain or bool(self.assumption))

    @property
    def is_near(self) -> bool:
        """Whether the host is whichever machine, or pod, the connection is opened in."""
        host = self.host or ""
        return host in {"localhost", "::1"} or host.startswith(("127.", "/"))

    @property
    def is_qualified(self) -> bool:
        """Whether the host means the same in every namespace."""
        return "." in (self.host or "")


class Size(NamedTuple):
    """One of the numbers that a client pool's size is the sum of, under the name its library has for it."""

    name: str
    number: Amount


class PoolFacts(NamedTuple):
    """A client pool that each process of a container makes.

    `sizes` add up to the most connections of a process; it has none where it `opens_when_asked`, a connection for
    each thread that wants one. It opens `at_start` of them by itself. `made` is what must hold for a process to
    make one. Of those in a container with the same `choice`, a process makes only one.
    """

    title: str
    place: Span | None
    choice: str
    sizes: tuple[Size, ...]
    opens_when_asked: bool
    at_start: int
    made: Reason | None
    lead: Lead

    @property
    def size(self) -> Amount:
        """The most connections of a full pool."""
        return total(each.number for each in self.sizes)


class ContainerFacts(NamedTuple):
    """A container of a workload, the processes that it runs in each pod, and the threads of one of them.

    `threads` is None where more than threads take connections at once. It `is_idle` where a thread never takes
    more than one, for what it does is no work of the application's, and `is_capped` where they are no threads but
    the most things that are done at once.
    """

    name: str
    place: Span | None
    processes: Amount
    threads: Amount | None
    pools: tuple[PoolFacts, ...]
    is_idle: bool = False
    is_capped: bool = False


class WorkloadFacts(NamedTuple):
    """A workload with the client pools that it makes."""

    id: str
    owner: Owner
    replicas: Replicas
    containers: tuple[ContainerFacts, ...]

    @property
    def is_unseen(self) -> bool:
        """Whether it is but a module that no workload is seen to load."""
        return not self.owner.kind and self.replicas.steady.high is None and not self.replicas.steady.because


class EntryFacts(NamedTuple):
    """A database of a pooler's, for everyone who logs in where it names no `user`.

    Sizes and limits that are None it has from the pooler. `mode` is None where it is not known.
    """

    name: str
    place: Span | None
    user: str | None
    pool_size: Amount | None
    reserve_pool_size: Amount | None
    max_db_connections: Amount | None
    mode: str | None
    lead: Lead
    max_db_client_connections: Amount | None = None


class UserFacts(NamedTuple):
    """What a pooler has for a user. What is None it has from the database or the pooler."""

    name: str
    pool_size: Amount | None
    reserve_pool_size: Amount | None
    max_user_connections: Amount | None
    mode: str | None = None
    max_user_client_connections: Amount | None = None


class PoolerFacts(NamedTuple):
    """A PgBouncer. `processes` are those that may accept clients, so many in each pod.

    `max_client_conn` is that of one process; the limits for databases and users are None where there is none.
    `entries` are all its databases in effect; nothing of its settings is known unless it `is_read`. It is in the
    same pod as its clients where it `is_sidecar`. `users_count` where what is said of users counts for the
    databases that name them.
    """

    id: str
    owner: Owner
    place: Span | None
    addresses: tuple[str, ...]
    replicas: Replicas
    processes_in_pod: Amount
    processes: Amount
    max_client_conn: Amount
    default_pool_size: Amount
    reserve_pool_size: Amount
    max_db_connections: Amount | None
    max_user_connections: Amount | None
    mode: str | None
    entries: tuple[EntryFacts, ...]
    users: tuple[UserFacts, ...]
    users_count: bool
    is_read: bool
    is_sidecar: bool
    max_db_client_connections: Amount | None = None
    max_user_client_connections: Amount | None = None

    @property
    def scale(self) -> Scale:
        """Its processes in each situation, each of which opens server connections."""
        return self.replicas.scale.times(self.processes_in_pod)


class DatabaseFacts(NamedTuple):
    """A database server: its limit, and what it keeps back of that for superusers and operators."""

    id: str
    owner: Owner
    place: Span | None
    addresses: tuple[str, ...]
    max_connections: Amount
    reserved: Amount
    cores: int | None = None


class Facts(NamedTuple):
    """All that a budget is made of: those of one project, or of several that share databases."""

    databases: tuple[DatabaseFacts, ...] = ()
    poolers: tuple[PoolerFacts, ...] = ()
    workloads: tuple[WorkloadFacts, ...] = ()

    def pools(self) -> Iterator[tuple[WorkloadFacts, ContainerFacts, PoolFacts]]:
        """All client pools, each with what makes it."""
        for workload in self.workloads:
            for container in workload.containers:
                for pool in container.pools:
                    yield workload, container, pool
