"""An autoscaler whose target is in another namespace, or is called otherwise, so that it scales nothing."""

from collections.abc import Iterator, Sequence

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.kubernetes.manifest import Autoscaler, Manifest, Workload
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.rule import Rule
from poolcheck.source import Located
from poolcheck.system import System


class HpaTargetMissingOrCrossNamespace(Rule[System]):
    id = "hpa-target-missing-or-cross-namespace"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        manifests = [each for each in system.documents if isinstance(each, Manifest)]
        workloads = [each for manifest in manifests for each in manifest.workloads]
        for manifest in manifests:
            for autoscaler in manifest.autoscalers:
                name, kind = autoscaler.target_name, autoscaler.target_kind
                if name is None or kind is None or "$" in name.value or "{" in name.value:
                    continue
                of_kind = [each for each in workloads if each.kind == kind.value and meets(each, autoscaler)]
                if found := elsewhere(of_kind, autoscaler, name):
                    yield self.finding(
                        name.span,
                        f"{autoscaler.name.value} finds no {kind.value} {name.value} in {namespace(autoscaler)}, "
                        f"and scales nothing: it is in {namespace(found)}",
                        notes=[Note(found.name.span, f"in {namespace(found)}")],
                    )
                elif other := called_otherwise(of_kind, manifest, name):
                    yield self.finding(
                        name.span,
                        f"{autoscaler.name.value} finds no {kind.value} {name.value}, and scales nothing",
                        notes=[Note(other.name.span, f"the only {kind.value} in this file")],
                    )


def meets(workload: Workload, autoscaler: Autoscaler) -> bool:
    """Whether both may be deployed together."""
    return may_meet(workload.span.path, autoscaler.span.path)


def elsewhere(workloads: Sequence[Workload], autoscaler: Autoscaler, name: Located[str]) -> Workload | None:
    """The target, where it is only in namespaces that are written out and are not the autoscaler's."""
    targets = [each for each in workloads if each.name.value == name.value]
    here = autoscaler.namespace
    if here is None or any(each.namespace is None or each.namespace.value == here.value for each in targets):
        return None
    return targets[0] if targets else None


def called_otherwise(workloads: Sequence[Workload], manifest: Manifest, name: Located[str]) -> Workload | None:
    """The only workload beside the autoscaler, where there is none of the target's name anywhere."""
    beside = [each for each in workloads if each in manifest.workloads]
    is_there = any(each.name.value == name.value for each in workloads)
    return beside[0] if len(beside) == 1 and not is_there and not beside[0].is_partial else None


def namespace(found: Workload | Autoscaler) -> str:
    """The namespace of an object, in words."""
    return f"namespace {found.namespace.value}" if found.namespace else "its namespace"
