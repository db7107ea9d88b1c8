"""How many pods a workload has."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from poolcheck.amount import Amount, Reason, between, either, exactly, least, product
from poolcheck.link.kustomize.kustomized import replicas
from poolcheck.link.network import same_namespace
from poolcheck.link.rollouts import rollout_of
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.read.kubernetes.manifest import Autoscaler, Count, Manifest, Runs, Workload, WorkloadKind
from poolcheck.read.kubernetes.stages import may_meet, stages
from poolcheck.scale import Replicas
from poolcheck.source import Located, Span
from poolcheck.stated import StatedWorkload

KEDA_MOST = 100
"""maxReplicaCount of a ScaledJob that does not tell it. KEDA, ScaledJob specification."""
_APART = frozenset({"Forbid", "Replace"})
"""The values of concurrencyPolicy with which no run starts beside another."""


class _Kept(NamedTuple):
    """The pods that something keeps at least and at most, and all that there may be."""

    fewest: Amount
    most: Amount
    all: Amount


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
        workloads = [each for manifest in manifests for each in manifest.workloads]
        self._patches = tuple(each for each in workloads if each.is_partial)
        self._in_files = {
            (each.name.span.path, each.kind, each.name.value) for each in workloads if not each.is_partial
        }

    def of(self, workload: Workload) -> Amount:
        """The pods of a workload while nothing is being rolled out."""
        return either(each.all for each in self._kept(workload))

    def replicas(self, workload: Workload) -> Replicas:
        """The pods of a workload, up to how many an autoscaler adds, and how they are replaced."""
        kept = self._kept(workload)
        return Replicas(
            either(each.fewest for each in kept),
            either(each.most for each in kept),
            tuple(dict.fromkeys(map(rollout_of, self._replaced(workload)))),
        )

    def _kept(self, workload: Workload) -> list[_Kept]:
        """What may keep the number of a workload's pods, one of them does."""
        name = workload.name.value
        stated = self._stated.get(name, StatedWorkload()).replicas
        if stated is not None:
            return [_always(stated_pods(stated, name))]
        scaling = [
            each for each in self._autoscalers if _scales(each, workload) and self._may_mean(each, workload)
        ]
        patched = [(patch, each) for each in scaling for patch in self._autoscalers if _is_patch(patch, each)]
        scaled = [_scaled(patch, each, name) for patch, each in [*zip(scaling, scaling, strict=True), *patched]]
        is_always = any(stages(each.span.path) <= stages(workload.span.path) for each in scaling)
        return [*scaled, *([] if is_always else self._written(workload))]

    def _may_mean(self, autoscaler: Autoscaler, workload: Workload) -> bool:
        """Whether an autoscaler's file holds no other workload of the name that it scales."""
        path = autoscaler.span.path
        return workload.name.span.path == path or (path, workload.kind, workload.name.value) not in self._in_files

    def _written(self, workload: Workload) -> list[_Kept]:
        """The pods that a workload asks for itself, or that patches make of them."""
        patches = [each for each in self._patches if each.replicas and _patches(each, workload)]
        overlaid = replicas(self._kustomizations, workload)
        own = [] if overlaid.always else [_asked_for(workload)]
        return [
            *own,
            *map(_always, overlaid.counts),
            *(_always(_counted(each.replicas, each)) for each in patches),
        ]

    def _replaced(self, workload: Workload) -> list[Workload]:
        """A workload, and what patches make of it that replace its pods in another way."""
        changed = (
            each for each in self._patches if (each.max_surge or each.strategy) and _patches(each, workload)
        )
        patched = (
            workload._replace(
                max_surge=each.max_surge or (None if each.strategy else workload.max_surge),
                strategy=each.strategy or workload.strategy,
            )
            for each in changed
        )
        return [workload, *patched]


def stated_pods(number: int, name: str) -> Amount:
    """So many pods as configuration states."""
    return exactly(number, Reason(f"{_pods(number, name)} as configured"))


def _always(pods: Amount) -> _Kept:
    return _Kept(pods, pods, pods)


def _asked_for(workload: Workload) -> _Kept:
    name, span = workload.name.value, workload.name.span
    if workload.runs and workload.runs.ended:
        return _always(exactly(0, Reason(f"{name} has ended when others start", workload.runs.ended.span)))
    match workload.kind:
        case WorkloadKind.DAEMON_SET:
            return _always(between(1, None, Reason(f"a pod of {name} on each node", span)))
        case WorkloadKind.JOB | WorkloadKind.CRON_JOB:
            return _always(_running(workload))
        case WorkloadKind.SERVICE if workload.runs:
            return _always(_running(workload))
        case WorkloadKind.SCALED_JOB:
            return _scaled_job(workload)
        case _:
            return _always(_counted(workload.replicas, workload))


def _running(workload: Workload) -> Amount:
    """The pods of a Job, while it runs or not; the runs of a CronJob overlap where nothing forbids it."""
    name, runs = workload.name.value, workload.runs or Runs()
    if runs.suspend and runs.suspend.value == "true":
        return exactly(0, Reason(f"{name} is suspended", runs.suspend.span))
    is_repeated = workload.kind is WorkloadKind.CRON_JOB
    if is_repeated and (runs.concurrency is None or runs.concurrency.value not in _APART):
        place = (runs.concurrency or workload.name).span
        return between(0, None, Reason(f"runs of {name} may overlap", place))
    at_once = _at_once(workload, runs)
    because = (each._replace(most=f"{name} is running") for each in at_once.because)
    return between(0, at_once.high, *because)


def _at_once(workload: Workload, runs: Runs) -> Amount:
    """The pods of one run."""
    at_once = _counted(workload.replicas, workload)
    return least(at_once, _counted(runs.completions, workload)) if runs.completions else at_once


def _scaled_job(workload: Workload) -> _Kept:
    """As many runs as KEDA starts."""
    name, runs = workload.name.value, workload.runs or Runs()
    each = _at_once(workload, runs)
    low, high = 0 if runs.fewest is None else _number(runs.fewest), _number(runs.most)
    place = _span(runs.most) or workload.name.span
    reason = Reason(f"{high} runs of {name}", place)
    if runs.most is None:
        high = KEDA_MOST
        reason = Reason(f"{high} runs of {name}", place, "maxReplicaCount is left at its default")
    fewest = between(0, low, Reason(f"{low} runs of {name}", _span(runs.fewest) or workload.name.span))
    most = between(0, None) if high is None else exactly(high, reason, surely=0)
    running = product(most, each)
    everything = between(0, running.high, *(one._replace(most=one.text) for one in running.because))
    return _Kept(product(fewest, each), running, everything)


def _counted(replicas: Count, workload: Workload) -> Amount:
    name = workload.name.value
    said = _containers if workload.kind is WorkloadKind.SERVICE else _pods
    if isinstance(replicas, Located):
        return exactly(replicas.value, Reason(said(replicas.value, name), replicas.span))
    if replicas is not None or workload.is_partial:
        return between(0, None)
    return exactly(1, Reason(f"{said(1, name)} by default", workload.name.span))


def _scaled(patch: Autoscaler, patched: Autoscaler, name: str) -> _Kept:
    """What an autoscaler keeps to where a patch, which may be itself, counts."""
    fewest, most = patch.min_replicas or patched.min_replicas, patch.max_replicas or patched.max_replicas
    least_by_default, most_by_default = patched.by_default
    low, high = least_by_default if fewest is None else _number(fewest), _number(most)
    assumption = ""
    if most is None and most_by_default is not None:
        high, assumption = most_by_default, "maxReplicaCount is left at its default"
    if low is not None and high is not None:
        high = max(low, high)
    highest = patched.name.span if assumption else _span(most)
    at_least = between(0, high)
    if low is not None:
        at_least = exactly(low, Reason(_pods(low, name), _span(fewest) or patched.name.span))
    at_most = between(low or 0, None)
    if high is not None:
        at_most = exactly(
            high, Reason(_pods(high, name), highest, assumption), surely=low or 0 if assumption else None
        )
    if low is None or high is None:
        return _Kept(at_least, at_most, between(low or 0, high))
    if low == high:
        return _always(at_most)
    reason = Reason(f"{low} to {_pods(high, name)}", highest, assumption)
    if not assumption:
        reason = reason._replace(least=_pods(low, name), most=_pods(high, name))
    return _Kept(at_least, at_most, between(low, high, reason, surely=low))


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
