"""An autoscaler whose target is in another namespace, or is called otherwise, so that it scales nothing."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.kubernetes.manifest import Autoscaler, Manifest, Workload
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.read.template import has_template
from poolcheck.rule import Rule
from poolcheck.system.whole import System


class HpaTargetMissingOrCrossNamespace(Rule[System]):
    id = "hpa-target-missing-or-cross-namespace"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        manifests = [each for each in system.documents if isinstance(each, Manifest)]
        workloads: dict[tuple[str, str], list[Workload]] = defaultdict(list)
        for manifest in manifests:
            for each in manifest.workloads:
                workloads[each.kind, each.name.value].append(each)
        for manifest in manifests:
            for autoscaler in manifest.autoscalers:
                name, kind = autoscaler.target_name, autoscaler.target_kind
                if name and kind and not has_template(name.value):
                    targets = [each for each in workloads[kind.value, name.value] if meets(each, autoscaler)]
                    yield from self.judged(autoscaler, targets, manifest)

    def judged(self, scaler: Autoscaler, targets: Sequence[Workload], manifest: Manifest) -> Iterator[Finding]:
        """What is wrong with an autoscaler, of whose target's kind and name there are these."""
        name, kind = scaler.target_name, scaler.target_kind
        if name is None or kind is None:
            return
        missing = f"{scaler.name.value} finds no {kind.value} {name.value}"
        if found := elsewhere(targets, scaler):
            yield self.finding(
                name.span,
                f"{missing} in {namespace(scaler)}, and scales nothing: it is in {namespace(found)}",
                notes=[Note(found.name.span, f"in {namespace(found)}")],
            )
        elif not targets and (other := only_one(manifest, kind.value)):
            yield self.finding(
                name.span,
                f"{missing}, and scales nothing",
                notes=[Note(other.name.span, f"the only {kind.value} in this file")],
            )


def meets(workload: Workload, autoscaler: Autoscaler) -> bool:
    """Whether both may be deployed together."""
    return may_meet(workload.span.path, autoscaler.span.path)


def elsewhere(targets: Sequence[Workload], autoscaler: Autoscaler) -> Workload | None:
    """The target, where it is only in namespaces that are written out and are not the autoscaler's."""
    here = autoscaler.namespace
    if here is None or any(each.namespace is None or each.namespace.value == here.value for each in targets):
        return None
    return targets[0] if targets else None


def only_one(manifest: Manifest, kind: str) -> Workload | None:
    """The only workload of a kind in a file."""
    found = [each for each in manifest.workloads if each.kind == kind]
    return found[0] if len(found) == 1 and not found[0].is_partial else None


def namespace(found: Workload | Autoscaler) -> str:
    """The namespace of an object, in words."""
    return f"namespace {found.namespace.value}" if found.namespace else "its namespace"
