"""A ScaledObject of KEDA's that leaves out how many pods there may be, so that there may be a hundred."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.manifest import Autoscaler, Manifest
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.rule import Rule
from poolcheck.system.whole import System


class KedaMaxReplicasDefault(Rule[System]):
    id = "keda-max-replicas-default"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        manifests = [each for each in system.documents if isinstance(each, Manifest)]
        autoscalers = [each for manifest in manifests for each in manifest.autoscalers]
        for each in autoscalers:
            most = each.by_default[1]
            if most is None or each.max_replicas is not None or each.is_partial or is_told(each, autoscalers):
                continue
            target = f" of {each.target_name.value}" if each.target_name else ""
            yield self.finding(
                (each.target_name or each.name).span,
                f"{each.name.value} may start {most} pods{target}, as it leaves out maxReplicaCount",
            )


def is_told(autoscaler: Autoscaler, among: list[Autoscaler]) -> bool:
    """Whether a patch of it may tell the most."""
    return any(
        each.max_replicas is not None
        and each.name.value == autoscaler.name.value
        and may_meet(each.span.path, autoscaler.span.path)
        for each in among
    )
