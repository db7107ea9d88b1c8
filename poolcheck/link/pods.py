"""How many pods a workload has."""

from collections.abc import Iterable, Mapping

from poolcheck.amount import Amount, Reason, between, exactly
from poolcheck.link.network import same_namespace
from poolcheck.read.kubernetes import Autoscaler, Count, Manifest, Workload, WorkloadKind
from poolcheck.source import Located, Span
from poolcheck.stated import StatedWorkload


class Pods:
    """The number of pods of each workload, as manifests, autoscalers and configuration tell."""

    def __init__(self, manifests: Iterable[Manifest], stated: Mapping[str, StatedWorkload]) -> None:
        manifests = tuple(manifests)
        self._stated = stated
        self._autoscalers = tuple(each for manifest in manifests for each in manifest.autoscalers)
        self._partial = tuple(
            each for manifest in manifests for each in manifest.workloads if each.is_partial and each.replicas
        )

    def of(self, workload: Workload) -> Amount:
        """The pods of a workload while nothing is being rolled out."""
        name = workload.name.value
        stated = self._stated.get(name, StatedWorkload()).replicas
        if stated is not None:
            return exactly(stated, Reason(f"{stated} pods of {name} as configured"))
        scaled = [each for each in self._autoscalers if _scales(each, workload)]
        if len(scaled) == 1:
            return _scaled(scaled[0], name)
        if scaled or any(_patches(each, workload) for each in self._partial):
            return between(0, None)
        return _written(workload)


def _written(workload: Workload) -> Amount:
    name, replicas = workload.name.value, workload.replicas
    if workload.kind is WorkloadKind.DAEMON_SET:
        return between(1, None, Reason(f"a pod of {name} on each node", workload.name.span))
    if isinstance(replicas, Located):
        return exactly(replicas.value, Reason(f"{_pods(replicas.value)} of {name}", replicas.span))
    if replicas is not None or workload.is_partial or workload.kind is WorkloadKind.CRON_JOB:
        return between(0, None)
    return exactly(1, Reason(f"1 pod of {name} by default", workload.name.span))


def _scaled(autoscaler: Autoscaler, name: str) -> Amount:
    low = 1 if autoscaler.min_replicas is None else _number(autoscaler.min_replicas)
    high = _number(autoscaler.max_replicas)
    if low is None or high is None:
        return between(low or 0, high)
    place = _span(autoscaler.max_replicas) or autoscaler.span
    return between(low, high, Reason(f"{low} to {high} pods of {name}", place))


def _scales(autoscaler: Autoscaler, workload: Workload) -> bool:
    kind, name = autoscaler.target_kind, autoscaler.target_name
    is_target = kind and name and (kind.value, name.value) == (workload.kind, workload.name.value)
    return bool(is_target) and same_namespace(autoscaler.namespace, workload.namespace)


def _patches(patch: Workload, workload: Workload) -> bool:
    """Whether a patch may set another number of pods for a workload."""
    is_other = patch is not workload and patch.span != workload.span
    return is_other and (patch.kind, patch.name.value) == (workload.kind, workload.name.value)


def _number(count: Count) -> int | None:
    return count.value if isinstance(count, Located) else None


def _span(count: Count) -> Span | None:
    return count.span if isinstance(count, Located) else None


def _pods(number: int) -> str:
    return "1 pod" if number == 1 else f"{number} pods"
