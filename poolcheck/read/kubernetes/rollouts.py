"""From the nodes of an object to how it replaces its pods, and when it runs them."""

from typing import NamedTuple

from poolcheck.read.kubernetes.manifest import RECREATE, Runs, WorkloadKind
from poolcheck.read.yaml.nodes import Mapping
from poolcheck.source import Located

_STRATEGIES = {
    WorkloadKind.DEPLOYMENT: "strategy",
    WorkloadKind.DAEMON_SET: "updateStrategy",
    WorkloadKind.ROLLOUT: "strategy",
}
_ON_DELETE = "OnDelete"
_ALL = "100%"


class Replacement(NamedTuple):
    """How many more pods a rollout may start, and the name of its strategy, as far as the object says."""

    max_surge: Located[str] | None = None
    strategy: Located[str] | None = None


def replacement(spec: Mapping, kind: WorkloadKind) -> Replacement:
    """How a workload replaces its pods. The kinds without a strategy start none before the old ones are gone."""
    strategy = spec.mapping(_STRATEGIES[kind]) if kind in _STRATEGIES else None
    if strategy is None:
        return Replacement()
    return _of_argo(strategy) if kind is WorkloadKind.ROLLOUT else of_strategy(strategy)


def of_strategy(strategy: Mapping) -> Replacement:
    """What a `strategy` of a Deployment or an `updateStrategy` says."""
    how = strategy.text("type")
    if how and how.value == RECREATE:
        return Replacement(Located("0", how.span), how)
    if how and how.value == _ON_DELETE:
        return Replacement(None, how)
    return Replacement(strategy.text("rollingUpdate", "maxSurge"), how)


def _of_argo(strategy: Mapping) -> Replacement:
    """Argo Rollouts: all new pods stand beside all old ones where traffic is led from one to the other."""
    twice = strategy.key("blueGreen")
    if twice:
        return Replacement(Located(_ALL, twice.span), Located(twice.text, twice.span))
    canary = strategy.mapping("canary")
    led = canary.key("trafficRouting") if canary else None
    if led:
        return Replacement(Located(_ALL, led.span), Located(led.text, led.span))
    return Replacement(strategy.text("canary", "maxSurge"))


def runs(node: Mapping, kind: WorkloadKind) -> Runs | None:
    """When a Job's pods run, or those of what makes Jobs; None for other kinds."""
    match kind:
        case WorkloadKind.JOB:
            return Runs(node.integer("spec", "completions"), node.text("spec", "suspend"))
        case WorkloadKind.CRON_JOB:
            completions = node.integer("spec", "jobTemplate", "spec", "completions")
            return Runs(completions, node.text("spec", "suspend"), node.text("spec", "concurrencyPolicy"))
        case WorkloadKind.SCALED_JOB:
            return Runs(
                node.integer("spec", "jobTargetRef", "completions"),
                fewest=node.integer("spec", "minReplicaCount"),
                most=node.integer("spec", "maxReplicaCount"),
            )
        case _:
            return None
