"""How many pods a workload has."""

from collections.abc import Iterable, Mapping

from poolcheck.amount import Amount, Reason, between, either, exactly
from poolcheck.link.kustomized import replicas
from poolcheck.link.network import same_namespace
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.read.kubernetes.manifest import Autoscaler, Count, Manifest, Workload, WorkloadKind
from poolcheck.read.kubernetes.stages import may_meet, stages
from poolcheck.source import Located, Span
from poolcheck.stated import StatedWorkload

_MOST_DIGITS = 6


class Pods:
    """The number of pods of each workload, as manifests, autoscalers and configuration tell.

    A patch of a workload or of an autoscaler may count for the deployment or not; both are taken for possible.
    """

    def __init__(
        self,
        manifests: Iterable[Manifest],
        stated: Mapping[str, StatedWorkload],
        kustomizations: Iterable[Kustomization] = (),
    ) -> None:
        manifests = tuple(manifests)
        self._kustomizations = tuple(kustomizations)
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

    def more_at_rollout(self, workload: Workload) -> Amount:
        """The pods beside those of a workload that a rollout may start before it ends others.

        Kubernetes, Deployments: maxSurge is rounded up, and 25% where it is left out.
        """
        pods, surge = self.of(workload), workload.max_surge
        if surge is None and workload.kind not in _SURGING:
            return exactly(0)
        least = _surge(surge.value if surge else DEFAULT_SURGE, pods.low)
        most = None if pods.high is None else _surge(surge.value if surge else DEFAULT_SURGE, pods.high)
        if least is None or (most is None and pods.high is not None):
            return between(0, None)
        written = f"maxSurge {surge.value}" if surge else f"maxSurge {DEFAULT_SURGE} by default"
        reason = Reason(written, (surge or workload.name).span)
        return between(least, most, reason)

    def _written(self, workload: Workload) -> Amount:
        """The pods that a workload asks for itself, or that patches make of them."""
        patches = [each for each in self._patches if _patches(each, workload)]
        overlaid = replicas(self._kustomizations, workload)
        own = [] if overlaid.always else [_asked_for(workload)]
        return either([*own, *overlaid.counts, *(_counted(each.replicas, each) for each in patches)])


DEFAULT_SURGE = "25%"
_SURGING = frozenset({WorkloadKind.DEPLOYMENT, WorkloadKind.ROLLOUT})
"""What starts new pods before it ends the old ones, where it is not told otherwise."""


def _surge(written: str, pods: int) -> int | None:
    """How many pods a number or a percentage comes to; None where it is neither."""
    number = written.removesuffix("%")
    if not number.isdecimal() or len(number) > _MOST_DIGITS:
        return None
    return int(number) if number == written else -(-pods * int(number) // 100)


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
    said = _containers if workload.kind is WorkloadKind.SERVICE else _pods
    if isinstance(replicas, Located):
        return exactly(replicas.value, Reason(said(replicas.value, name), replicas.span))
    if replicas is not None or workload.is_partial:
        return between(0, None)
    return exactly(1, Reason(f"{said(1, name)} by default", workload.name.span))


def _scaled(patch: Autoscaler, patched: Autoscaler, name: str) -> Amount:
    """What an autoscaler keeps to where a patch, which may be itself, counts."""
    fewest, most = patch.min_replicas or patched.min_replicas, patch.max_replicas or patched.max_replicas
    least, highest = patched.by_default
    low, high = least if fewest is None else _number(fewest), _number(most)
    if most is None and highest is not None and low is not None:
        text, span = f"{low} to {_pods(highest, name)}", patched.name.span
        return between(low, highest, Reason(text, span, "maxReplicaCount is left at its default"), surely=low)
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


def _containers(number: int, name: str) -> str:
    return f"1 container of {name}" if number == 1 else f"{number} containers of {name}"
