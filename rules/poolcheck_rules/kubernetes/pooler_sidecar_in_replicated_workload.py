"""A pooler in each pod of an application: the pools are as many as the pods."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity, one_for_each_place
from poolcheck.read.kubernetes.manifest import WorkloadKind
from poolcheck.read.kubernetes.pooler_containers import running_containers
from poolcheck.rule import Rule
from poolcheck.system.poolers import PoolerPods
from poolcheck.system.whole import System

_REPLICATED = frozenset(
    {WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET, WorkloadKind.REPLICA_SET, WorkloadKind.ROLLOUT}
)
_SERVERS = ("postgres", "postgis", "pgvector", "timescale", "spilo", "patroni")


class PoolerSidecarInReplicatedWorkload(Rule[System]):
    id = "pooler-sidecar-in-replicated-workload"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for each in system.pooler_pods for found in self.of_pods(each))

    def of_pods(self, each: PoolerPods) -> Iterator[Finding]:
        """What is said of one pooler in a pod."""
        place = each.container.name.span
        is_sidecar = each.is_pgbouncer and not each.is_central and not is_beside_server(each)
        if is_sidecar and each.workload.kind in _REPLICATED and each.pods.low > 1:
            yield self.finding(
                place,
                f"each of the {each.pods.low} pods of {each.workload.name.value} has a pooler of its own, and "
                f"all its server connections{sizes(each)}",
            )


def is_beside_server(pooler: PoolerPods) -> bool:
    """Whether the pod is that of a server."""
    images = (each.image.value for each in running_containers(pooler.workload) if each.image)
    names = (image.partition("@")[0].rpartition("/")[2].partition(":")[0] for image in images)
    return any(word in name for name in names for word in _SERVERS)


def sizes(pooler: PoolerPods) -> str:
    """How many server connections a pool of each of them may open, where they are alike and seen."""
    config = pooler.pooler.config if pooler.pooler else None
    entries = [each for each in config.databases if each.in_effect] if config else []
    found = [config.pool_size(each) for each in entries] if config else []
    numbers = {size.value if size else 0 for size in found}
    return f", {max(numbers)} for each pool" if len(numbers) == 1 and max(numbers) > 0 else ""
