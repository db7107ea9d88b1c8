"""The numbers of facts that can be set, by the names that Kubernetes, PgBouncer and the pools' libraries have."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from poolcheck.amount import Amount, product
from poolcheck.budget.facts import ContainerFacts, DatabaseFacts, PoolerFacts, Size, WorkloadFacts
from poolcheck.scale import Replicas, Surge

Item: TypeAlias = DatabaseFacts | PoolerFacts | WorkloadFacts
Knobs: TypeAlias = Mapping[str, Callable[[Amount], Item]]
"""What becomes of something with another number, by the name of the number."""


def knobs(item: Item) -> Knobs:
    """The numbers of a database, a pooler or a workload."""
    match item:
        case DatabaseFacts():
            return _of_database(item)
        case PoolerFacts():
            return _of_pooler(item)
        case WorkloadFacts():
            return _of_workload(item)


def _of_database(database: DatabaseFacts) -> Knobs:
    return {
        "max_connections": lambda to: database._replace(max_connections=to),
        "reserved": lambda to: database._replace(reserved=to),
    }


def _of_pooler(pooler: PoolerFacts) -> Knobs:
    def with_replicas(to: Amount) -> PoolerFacts:
        return pooler._replace(
            replicas=_replicas(pooler.replicas, to), processes=product(to, pooler.processes_in_pod)
        )

    def with_pool_size(to: Amount) -> PoolerFacts:
        return pooler._replace(entries=tuple(each._replace(pool_size=to) for each in pooler.entries))

    return {
        "replicas": with_replicas,
        "max_client_conn": lambda to: pooler._replace(max_client_conn=to),
        "default_pool_size": lambda to: pooler._replace(default_pool_size=to),
        "reserve_pool_size": lambda to: pooler._replace(reserve_pool_size=to),
        "max_db_connections": lambda to: pooler._replace(max_db_connections=_limit(to)),
        "max_user_connections": lambda to: pooler._replace(max_user_connections=_limit(to)),
        **({"pool_size": with_pool_size} if pooler.entries else {}),
    }


def _of_workload(workload: WorkloadFacts) -> Knobs:
    replicas = workload.replicas

    def with_replicas(changed: Replicas) -> WorkloadFacts:
        return workload._replace(replicas=changed)

    def with_processes(to: Amount) -> WorkloadFacts:
        return workload._replace(containers=tuple(each._replace(processes=to) for each in workload.containers))

    sizes = {size.name for each in workload.containers for pool in each.pools for size in pool.sizes if size.name}
    return {
        "replicas": lambda to: with_replicas(_replicas(replicas, to)),
        "min_replicas": lambda to: with_replicas(replicas._replace(steady=to)),
        "max_replicas": lambda to: with_replicas(replicas._replace(autoscaled=to)),
        "max_surge": lambda to: with_replicas(_surging(replicas, to)),
        "processes": with_processes,
        **{name: _with_size(workload, name) for name in sorted(sizes)},
    }


def _with_size(workload: WorkloadFacts, name: str) -> Callable[[Amount], WorkloadFacts]:
    def set_to(to: Amount) -> WorkloadFacts:
        return workload._replace(containers=tuple(_sized(each, Size(name, to)) for each in workload.containers))

    return set_to


def _sized(container: ContainerFacts, new: Size) -> ContainerFacts:
    """A container whose pools have another size, where they have one of that name."""
    return container._replace(
        pools=tuple(
            pool._replace(sizes=tuple(new if size.name == new.name else size for size in pool.sizes))
            for pool in container.pools
        )
    )


def _replicas(replicas: Replicas, to: Amount) -> Replicas:
    return replicas._replace(steady=to, autoscaled=to)


def _surging(replicas: Replicas, to: Amount) -> Replicas:
    """Pods that are replaced with another surge."""
    surge = Surge(to.low, is_percentage=False, because=to.because[0])
    return replicas._replace(rollouts=tuple(each._replace(surge=surge) for each in replicas.rollouts))


def _limit(to: Amount) -> Amount | None:
    """A limit of PgBouncer's, which 0 lifts."""
    return to if to.most else None
