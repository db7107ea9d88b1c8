"""A pooler of which there is a single pod, with which all clients lose their database."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.manifest import WorkloadKind
from poolcheck.read.kubernetes.pooler_containers import is_casual
from poolcheck.rule import Rule
from poolcheck.source import Located, Span
from poolcheck.system.poolers import PoolerPods
from poolcheck.system.whole import System

_KINDS = frozenset(
    {
        WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET, WorkloadKind.REPLICA_SET,
        WorkloadKind.REPLICATION_CONTROLLER, WorkloadKind.ROLLOUT,
    }
)  # fmt: skip


class PoolerSingleReplica(Rule[System]):
    id = "pooler-single-replica"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        told: set[Span] = set()
        for each in system.pooler_pods:
            workload = each.workload
            if workload.kind not in _KINDS or is_casual(workload) or not each.is_central:
                continue
            place = workload.replicas.span if isinstance(workload.replicas, Located) else workload.name.span
            if (each.pods.low, each.pods.high) == (1, 1) and place not in told:
                told.add(place)
                yield self.finding(
                    place,
                    f"{workload.name.value} runs in 1 pod: when its node is drained or fails, no pooler is left",
                    severity=Severity.INFO if may_be_meant(each) else None,
                )


def may_be_meant(pooler: PoolerPods) -> bool:
    """Whether an overlay may change it, or its pods are never to run side by side."""
    surge = pooler.workload.max_surge
    is_recreated = surge is not None and surge.value == "0"
    return pooler.may_differ or is_recreated
