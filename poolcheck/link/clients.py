"""The client pools of workloads, how many connections they come to, and where they lead."""

from collections.abc import Collection, Iterator

from poolcheck.amount import Amount, Reason, between, exactly, product
from poolcheck.link.known import Known
from poolcheck.link.network import Origin, running
from poolcheck.link.poolers import entry_for
from poolcheck.link.sources import Sources
from poolcheck.read.environment import environment
from poolcheck.read.launchers import Launch, launch
from poolcheck.read.pools import ClientPool, Role, most_connections, resolved
from poolcheck.source import Span
from poolcheck.stated import Stated, StatedWorkload
from poolcheck.system import Client, Pooler, Target

POOLER_PORTS = frozenset({6432, 6543})
"""Where PgBouncer listens by default, and where hosted ones do."""
POOLER_WORDS = ("pgbouncer", "pooler")
"""What the names of hosts say that are poolers."""

_AT_START = frozenset(
    {
        "create_app", "init_db", "init_engine", "init_pool", "lifespan", "main", "make_app", "on_startup", "setup",
        "setup_db", "startup",
    }
)  # fmt: skip
"""Functions that are called once, when a process starts."""


def clients(known: Known, sources: Sources, stated: Stated) -> Iterator[Client]:
    """The pools that workloads make, and those that no workload is seen to make."""
    of_workloads = tuple(_of_workloads(known, sources, stated))
    yield from of_workloads
    yield from _of_modules(known, sources, {client.pool.span for client in of_workloads})


def _of_workloads(known: Known, sources: Sources, stated: Stated) -> Iterator[Client]:
    """The pools that the processes of workloads make, in the environments of their containers."""
    for workload in known.network.workloads:
        own = stated.workloads.get(workload.name.value, StatedWorkload())
        containers = (
            [] if workload.is_partial else [each for each in running(workload) if not known.is_reached(each)]
        )
        for container in containers[:1] if own.source else containers:
            variables = environment(workload, container, known.objects)
            started = launch(container, variables.get)
            processes = _processes(started, own)
            origin = Origin(workload.span.path, workload)
            for module in sources.loaded_by(workload, started, own):
                for pool in module.pools:
                    made = resolved(pool, variables.get)
                    connections = _connections_of(made, known.pods.of(workload), processes)
                    yield Client(made, workload.name.value, connections, _target(made, known, origin))


def _of_modules(known: Known, sources: Sources, seen: Collection[Span]) -> Iterator[Client]:
    """The pools of modules that no workload is seen to load."""
    for module in sources.modules:
        for pool in module.pools:
            if pool.span not in seen:
                yield Client(pool, None, between(0, None), _target(pool, known, Origin(module.span.path)))


def _processes(started: Launch | None, own: StatedWorkload) -> Amount:
    if own.processes is not None:
        return exactly(own.processes, Reason(f"{own.processes} processes in a pod as configured"))
    return started.processes if started else between(1, None, Reason("at least one process in a pod"))


def _target(pool: ClientPool, known: Known, origin: Origin) -> Target | None:
    """Where a pool leads, for certain or as its port or its host's name suggests."""
    address = pool.address
    if address is None or address.dialect != "postgresql":
        return None
    host, port = address.host, address.port_number
    if host and port:
        found, shown = known.leads_to(host, port, origin)
        because = (Reason(f"{pool.title} connects to {host}", pool.place_of(host, "host")), *shown)
        if isinstance(found, Pooler):
            entry = entry_for(found.config, address.database) if found.config else None
            return Target(found, entry, None, is_certain=True, because=because)
        if found:
            return Target(None, None, found, is_certain=True, because=because)
    suggestion = _suggestion(pool, host, port)
    if suggestion is None:
        return None
    only = known.poolers[0] if len(known.poolers) == 1 else None
    entry = entry_for(only.config, address.database) if only and only.config else None
    return Target(only, entry, None, is_certain=False, because=(suggestion,))


def _suggestion(pool: ClientPool, host: str | None, port: int | None) -> Reason | None:
    """What suggests that a pool leads to a pooler."""
    if host and any(word in host.lower() for word in POOLER_WORDS):
        return Reason(f"{host} seems to be a pooler", pool.place_of(host, "host"))
    if port in POOLER_PORTS:
        return Reason(f"poolers listen on port {port}", pool.place_of(str(port), "port"))
    return None


def _connections_of(pool: ClientPool, pods: Amount, processes: Amount) -> Amount:
    """The most connections that all processes of a workload hold in a pool that its modules make."""
    if not pool.constructor.is_pool or pool.role is not Role.APPLICATION:
        return between(0, None)
    held = product(pods, processes, most_connections(pool))
    if pool.function is None or pool.function in _AT_START:
        return held
    made = between(0, 1, Reason(f"{pool.title} is made in {pool.function}()", pool.callee))
    return product(made, held)
