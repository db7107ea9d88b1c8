"""The pools of workloads and poolers that only configuration shows."""

from collections.abc import Iterator

from poolcheck.amount import Reason, exactly
from poolcheck.budget.facts import (
    ContainerFacts,
    EntryFacts,
    Lead,
    Owner,
    PoolerFacts,
    PoolFacts,
    Size,
    WorkloadFacts,
)
from poolcheck.budget.server_connections import FALLBACK
from poolcheck.link.known import Known, owner_of
from poolcheck.link.network import Origin
from poolcheck.link.pods import stated_pods
from poolcheck.link.poolers import entry_for
from poolcheck.read.kubernetes.manifest import Workload
from poolcheck.read.python.pools.url import Address, parse
from poolcheck.scale import Replicas, fixed
from poolcheck.stated import Stated, StatedPooler, StatedWorkload
from poolcheck.system.poolers import Pooler


def stated_workloads(known: Known, stated: Stated, ids: dict[int, str]) -> Iterator[WorkloadFacts]:
    """The workloads of which the size of a pool is stated, each as often as it is written down, or once."""
    for name, own in stated.workloads.items():
        if own.pool_size is None:
            continue
        all_seen = (*known.network.workloads, *known.stacks.workloads)
        seen = [each for each in all_seen if each.name.value == name and not each.is_partial]
        all_of_it: list[Workload | None] = [*seen] or [None]
        for workload in all_of_it:
            owner = owner_of(workload) if workload else Owner("", name)
            pool = _pool(name, own.pool_size, _lead(own.connects_to, known, workload, ids))
            number = 1 if own.processes is None else own.processes
            processes = exactly(number, Reason(f"{number} processes in a pod as configured"))
            runs = ContainerFacts(name, None, processes, None, (pool,))
            yield WorkloadFacts(name, owner, _replicas(name, own, workload, known), (runs,))


def with_stated(facts: PoolerFacts, name: str, stated: Stated, known: Known, ids: dict[int, str]) -> PoolerFacts:
    """A pooler whose configuration is not seen, with what is stated of its pods and server connections."""
    own = stated.poolers.get(name, StatedPooler())
    if facts.is_read:
        return facts
    if own.replicas is not None:
        pods = stated_pods(own.replicas, name)
        facts = facts._replace(replicas=fixed(pods), processes=pods)
    if own.server_connections is None:
        return facts
    size = exactly(own.server_connections, Reason(f"{own.server_connections} server connections as configured"))
    lead = _lead(own.connects_to, known, None, ids)
    entry = EntryFacts(FALLBACK, None, "", size, None, None, own.pool_mode, lead)
    return facts._replace(entries=(entry,), reserve_pool_size=exactly(0), is_read=True)


def _pool(name: str, number: int, lead: Lead) -> PoolFacts:
    size = Size("pool_size", exactly(number, Reason(f"pool_size {number} of {name} as configured")))
    return PoolFacts("pool", None, "stated", (size,), opens_when_asked=False, at_start=0, made=None, lead=lead)


def _replicas(name: str, own: StatedWorkload, workload: Workload | None, known: Known) -> Replicas:
    if workload:
        return known.pods.replicas(workload)
    return fixed(stated_pods(1 if own.replicas is None else own.replicas, name))


def _lead(written: str | None, known: Known, workload: Workload | None, ids: dict[int, str]) -> Lead:
    """Where an address leads, written as a URL or without a scheme."""
    address = _address(written) if written else None
    if address is None or not address.host:
        return Lead(None, None, None, None, None)
    host, port, database = address.host, address.port_number, address.database or None
    origin = Origin(workload.span.path if workload else "", workload)
    destination = known.leads_to(host, port, origin) if port else None
    found = destination.found if destination else None
    entry = entry_for(found.config, database) if isinstance(found, Pooler) and found.config else None
    return Lead(
        ids.get(id(found)) if found else None,
        host,
        port,
        database,
        address.user or None,
        entry.name.value if entry else None,
        in_pod=bool(destination and destination.in_pod),
        because=destination.because if destination else (),
    )


def _address(written: str) -> Address | None:
    return parse(written if "://" in written else f"postgresql://{written}")
