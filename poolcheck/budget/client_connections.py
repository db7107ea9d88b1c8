"""How many connections the client pools of a workload may hold."""

from poolcheck.amount import Amount, Reason, between, exactly, least, product
from poolcheck.budget.facts import ContainerFacts, PoolFacts


def in_pod(container: ContainerFacts, pool: PoolFacts) -> Amount:
    """The most connections that all processes of a pod hold in a pool of a container."""
    each = in_process(pool, container.threads, is_full=not container.is_idle)
    if pool.opens_when_asked and container.is_capped:
        busy = Reason("a cap", assumption=f"each process of {container.name} does as much at once as it may")
        each = each._replace(surely=min(each.surely, 1), because=(*each.because, busy))
    held = product(container.processes, each)
    return held if pool.made is None else product(exactly(1, pool.made), held)


def in_process(pool: PoolFacts, threads: Amount | None, *, is_full: bool = True) -> Amount:
    """The connections of a full pool, or as many as threads ask for where it is never full.

    Surely open are those that threads need, or that it opens by itself. Where a thread never takes several, it
    `is_full` never.
    """
    if pool.opens_when_asked:
        return between(0, None) if threads is None else threads._replace(surely=0) if threads.is_open else threads
    most = pool.size if is_full or threads is None else least(pool.size, threads)
    if threads is None or threads.surely >= most.surely:
        return most
    surely = min(max(threads.surely, pool.at_start), most.surely)
    if surely == most.surely:
        return most
    reason = next(iter(threads.because), Reason("a process may run one thread"))
    filling = reason._replace(assumption=f"each process fills {pool.title}", least="", most="")
    return most._replace(surely=surely, because=(*most.because, filling))
