"""How a workload replaces its pods: how many new ones are there before old ones end, and while they do."""

from poolcheck.amount import Reason
from poolcheck.read.kubernetes.manifest import RECREATE, Workload, WorkloadKind
from poolcheck.scale import Rollout, Surge
from poolcheck.source import Located

DEFAULT_SURGE = "25%"
"""maxSurge of a Deployment that does not tell it. Kubernetes, Deployments."""
_SURGING = frozenset({WorkloadKind.DEPLOYMENT, WorkloadKind.ROLLOUT, WorkloadKind.POOLER})
"""What starts new pods before it ends the old ones, where it is not told otherwise."""
_REPLACE = "Replace"
_MOST_DIGITS = 6


def rollout_of(workload: Workload) -> Rollout:
    """How a workload replaces its pods.

    Nothing counts a pod that is told to end, and nothing waits for it. Kubernetes, KEP-3973.
    """
    name = workload.name
    what = {WorkloadKind.SERVICE: "containers", WorkloadKind.CRON_JOB: "runs"}.get(workload.kind, "pods")
    ending = Reason(f"{what} of {name.value} that are replaced may still be ending", name.span)
    return Rollout(_surge(workload), ending if _overlaps(workload) else None)


def _surge(workload: Workload) -> Surge | None:
    """The pods that are started before others are ended."""
    written, by_default = workload.max_surge, ""
    if _waits(workload):
        return None
    if written is None and workload.kind in _SURGING:
        written, by_default = Located(DEFAULT_SURGE, workload.name.span), " by default"
    if written is None:
        return None
    number = written.value.removesuffix("%")
    is_told = number.isdecimal() and len(number) <= _MOST_DIGITS
    because = Reason(f"maxSurge {written.value}{by_default}", written.span)
    return Surge(int(number) if is_told else None, number != written.value, because)


def _overlaps(workload: Workload) -> bool:
    """Whether all new pods may run while all old ones are ending."""
    surge = workload.max_surge
    match workload.kind:
        case WorkloadKind.CRON_JOB:
            concurrency = workload.runs and workload.runs.concurrency
            return concurrency is not None and concurrency.value == _REPLACE
        case WorkloadKind.DAEMON_SET:
            # Without a surge, a node gets its new pod when the old one is gone.
            return surge is not None and surge.value not in {"0", "0%"}
        case WorkloadKind.SERVICE:
            return surge is not None
        case _:
            return workload.kind in _SURGING and not _waits(workload)


def _waits(workload: Workload) -> bool:
    """Whether new pods are started when the old ones are gone."""
    return workload.strategy is not None and workload.strategy.value == RECREATE
