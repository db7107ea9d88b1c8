"""A pooler without a readiness probe, to which clients are sent when it does not listen."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.manifest import WorkloadKind
from poolcheck.read.kubernetes.pooler_containers import family_of, is_native_sidecar
from poolcheck.read.kubernetes.pooler_images import Family
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.poolers import PoolerPods
from poolcheck.system.whole import System

_KINDS = frozenset(
    {
        WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET, WorkloadKind.DAEMON_SET, WorkloadKind.REPLICA_SET,
        WorkloadKind.REPLICATION_CONTROLLER, WorkloadKind.ROLLOUT,
    }
)  # fmt: skip
_WATCHED = frozenset({Family.CRUNCHY, Family.PERCONA, Family.STACKGRES})
"""Images that operators run, which see to it."""


class PoolerReadinessMissing(Rule[System]):
    id = "pooler-readiness-missing"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        told: set[Span] = set()
        for each in system.pooler_pods:
            place = each.container.name.span
            if place not in told and is_unprobed(each):
                told.add(place)
                yield self.finding(
                    place,
                    f"{each.container.name.value} has no readinessProbe: its pod gets clients before it listens, "
                    "and when it no longer does",
                    severity=Severity.INFO if each.may_differ else None,
                )


def is_unprobed(pooler: PoolerPods) -> bool:
    """Whether nothing is asked of a pooler before its pod gets clients."""
    workload, container = pooler.workload, pooler.container
    is_meant = workload.kind in _KINDS and pooler.is_central
    is_probed = any(each.probes.readiness or each.probes.startup for each in (container, *pooler.patches))
    is_other = family_of(container) in _WATCHED or is_native_sidecar(container)
    return is_meant and not is_probed and not is_other
