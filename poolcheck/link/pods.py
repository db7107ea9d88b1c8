"""How many pods a workload has."""

from collections.abc import Iterable, Mapping

from poolcheck.amount import Amount, Reason, between, either, exactly
from poolcheck.link.network import same_namespace
from poolcheck.read.kubernetes.manifest import Autoscaler, Count, Manifest, Workload, WorkloadKind
from poolcheck.read.kubernetes.stages import may_meet, stages
from poolcheck.source import Located, Span
from poolcheck.stated import StatedWorkload


class Pods:
    """The number of pods of each workload, as manifests, autoscalers and configuration tell.

    A patch of a workload or of an autoscaler may count for the deployment or not; both are taken for possible.
    """

    def __init__(self, manifests: Iterable[Manifest], stated: Mapping[str, StatedWorkload]) -> None:
        manifests = tuple(manifests)
        self._stated = stated
        self._autoscalers = tuple(each for manifest in manifests for each in manifest.autoscalers)
        self._patches = tuple(
            each for manifest in manifests for each in manifest.workloads if each.is_partial and each.replicas
        )

    def of(self, workload: Workload) -> Amount:
        """The pods of a workload while nothing is being rolled out."""
        name = workload.name.value
        stated = self._stated.get(name, StatedWorkload()).replicas
        if stated is not None:
            return stated_pods(stated, name)
        scaling = [each for each in self._autoscalers if _scales(each, workload)]
        patched = [(patch, each) for each in scaling for patch in self._autoscalers if _is_patch(patch, each)]
        scaled = [_scaled(patch, each, name) for patch, each in [*zip(scaling, scaling, strict=True), *patched]]
        is_always = any(stages(each.span.path) <= stages(workload.span.path) for each in scaling)
        return either([*scaled, *([] if is_always else [self._written(workload)])])

    def _written(self, workload: Workload) -> Amount:
        """The pods that a workload asks for itself, or that patches make of them."""
        patches = [each for each in self._patches if _patches(each, workload)]
        return either([_asked_for(workload), *(_counted(each.replicas, each) for each in patches)])


def stated_pods(number: int, name: str) -> Amount:
    """So many pods as configuration states."""
    return exactly(number, Reason(f"{_pods(number, name)} as configured"))


def _asked_for(workload: Workload) -> Amount:
    name, span = workload.name.value, workload.name.span
    match workload.kind:
        case WorkloadKind.CRON_JOB:
            return between(0, None)
        case WorkloadKind.DAEMON_SET:
            return between(1, None, Reason(f"a pod of {name} on each node", span))
        case WorkloadKind.JOB:
            running = _counted(workload.replicas, workload)
            return between(
                0, running.high, *(each._replace(most=f"{name} is running") for each in running.because)
            )
        case _:
            return _counted(workload.replicas, workload)


def _counted(replicas: Count, workload: Workload) -> Amount:
    name = workload.name.value
    if isinstance(replicas, Located):
        return exactly(replicas.value, Reason(_pods(replicas.value, name), replicas.span))
    if replicas is not None or workload.is_partial:
        return between(0, None)
    return exactly(1, Reason(f"{_pods(1, name)} by default", workload.name.span))


def _scaled(patch: Autoscaler, patched: Autoscaler, name: str) -> Amount:
    """What an autoscaler keeps to where a patch, which may be itself, counts."""
    fewest, most = patch.min_replicas or patched.min_replicas, patch.max_replicas or patched.max_replicas
    low, high = 1 if fewest is None else _number(fewest), _number(most)
    if low is None or high is None:
        return between(low or 0, high)
    if low == high:
        return exactly(low, Reason(_pods(low, name), _span(most)))
    reason = Reason(f"{low} to {_pods(high, name)}", _span(most), least=_pods(low, name), most=_pods(high, name))
    return between(low, high, reason)


def _scales(autoscaler: Autoscaler, workload: Workload) -> bool:
    kind, name = autoscaler.target_kind, autoscaler.target_name
    is_target = kind and name and (kind.value, name.value) == (workload.kind, workload.name.value)
    return bool(is_target) and _may_be_together(autoscaler, workload)


def _is_patch(patch: Autoscaler, autoscaler: Autoscaler) -> bool:
    is_named = patch.target_name is None and patch.name.value == autoscaler.name.value
    return is_named and _may_be_together(patch, autoscaler)


def _patches(patch: Workload, workload: Workload) -> bool:
    """Whether a patch may set another number of pods for a workload."""
    is_other = patch is not workload and patch.span != workload.span
    is_named = (patch.kind, patch.name.value) == (workload.kind, workload.name.value)
    return is_other and is_named and _may_be_together(patch, workload)


def _may_be_together(one: Autoscaler | Workload, other: Autoscaler | Workload) -> bool:
    return same_namespace(one.namespace, other.namespace) and may_meet(one.span.path, other.span.path)


def _number(count: Count) -> int | None:
    return count.value if isinstance(count, Located) else None


def _span(count: Count) -> Span | None:
    return count.span if isinstance(count, Located) else None


def _pods(number: int, name: str) -> str:
    return f"1 pod of {name}" if number == 1 else f"{number} pods of {name}"
