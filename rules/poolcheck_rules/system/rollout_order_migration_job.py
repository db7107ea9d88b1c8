"""A migration that every pod of a workload runs before it starts, several of them at once."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.manifest import Autoscaler, Container, Manifest, Workload, WorkloadKind
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.rule import Rule
from poolcheck.source import Located
from poolcheck.system.whole import System

ALL_AT_ONCE = frozenset({WorkloadKind.DEPLOYMENT, WorkloadKind.REPLICA_SET, WorkloadKind.ROLLOUT})
"""What starts its pods side by side; a StatefulSet starts one after the other."""
MIGRATING = re.compile(
    r"(?<![\w.-])(?P<words>alembic\b[^;&|\n]*?\supgrade"
    r"|(?:\S*manage\.py|django-admin)\s+migrate"
    r"|flask\s+(?:-\S+\s+\S+\s+)*db\s+upgrade"
    r"|aerich\s+upgrade)(?![\w-])(?![^;&|\n]*\s--(?:check|fake|plan|sql)\b)"
)
"""What changes a schema and takes no lock that keeps others from doing so."""
LOCKING = re.compile(r"\bflock\b|lock", re.IGNORECASE)


class RolloutOrderMigrationJob(Rule[System]):
    id = "rollout-order-migration-job"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        manifests = [each for each in system.documents if isinstance(each, Manifest)]
        autoscalers = [each for manifest in manifests for each in manifest.autoscalers]
        workloads = (each for manifest in manifests for each in manifest.workloads)
        found = [finding for workload in workloads for finding in self.of_workload(workload, autoscalers)]
        if found and not takes_locks(system):
            yield from found

    def of_workload(self, workload: Workload, autoscalers: list[Autoscaler]) -> Iterator[Finding]:
        """The migrations that a workload has each of its pods run."""
        if workload.kind not in ALL_AT_ONCE or workload.is_partial:
            return
        for container in workload.init_containers:
            if (found := migration_in(container)) and (pods := pods_of(workload, autoscalers)):
                command = " ".join(found.value.split())
                message = f"each of {pods} of {workload.name.value} runs {command} before it starts, some at once"
                yield self.finding(found.span, message)


def takes_locks(system: System) -> bool:
    """Whether migrations of the project may keep others waiting."""
    from poolcheck.read.python.facts import PythonModule

    module = next((each for each in system.documents if isinstance(each, PythonModule)), None)
    return module is not None and bool(module.module.project.mentions.of("advisory"))


def pods_of(workload: Workload, autoscalers: list[Autoscaler]) -> str | None:
    """How many pods it has, in words; None where it is one, or that is not known."""
    scaling = [each.max_replicas for each in autoscalers if scales(each, workload)]
    for count in scaling:
        if isinstance(count, Located) and count.value > 1:
            return f"up to {count.value} pods"
    replicas = workload.replicas
    return f"{replicas.value} pods" if isinstance(replicas, Located) and replicas.value > 1 else None


def scales(autoscaler: Autoscaler, workload: Workload) -> bool:
    """Whether an autoscaler sets the number of a workload's pods."""
    kind, name = autoscaler.target_kind, autoscaler.target_name
    is_target = kind and name and (kind.value, name.value) == (workload.kind, workload.name.value)
    own, others = autoscaler.namespace, workload.namespace
    is_near = own is None or others is None or own.value == others.value
    return bool(is_target) and is_near and may_meet(autoscaler.span.path, workload.span.path)


def migration_in(container: Container) -> Located[str] | None:
    """The words of a container's command that change the schema, and the place of the first of them."""
    words = (*(container.command or ()), *(container.args or ()))
    text = " ".join(word.value for word in words)
    found = MIGRATING.search(text)
    if found is None or LOCKING.search(text) or container.restart_policy is not None:
        return None
    at = 0
    for word in words:
        at += len(word.value) + 1
        if found.start() < at:
            return Located(found["words"], word.span)
    return None
