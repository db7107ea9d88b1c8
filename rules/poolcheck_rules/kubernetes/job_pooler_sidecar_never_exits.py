"""A job with a pooler beside its task, which runs on when the task is done, so that the job never ends."""

import os.path
import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.kubernetes.manifest import Container, Manifest, Workload, WorkloadKind
from poolcheck.read.kubernetes.pooler_containers import is_pooler
from poolcheck.read.kubernetes.shell import commands, literal, script_at
from poolcheck.rule import Rule

_JOBS = frozenset({WorkloadKind.JOB, WorkloadKind.CRON_JOB})
_PROXIES = frozenset({"alloydb-auth-proxy", "cloud-sql-proxy", "cloud_sql_proxy", "gce-proxy"})
_STARTS = frozenset({*_PROXIES, "docker-entrypoint.sh", "entrypoint.sh", "pgbouncer", "pgcat", "odyssey"})
_MAY_END = re.compile(r"quit|shutdown|terminat|/proc/|kubectl", re.IGNORECASE)
"""What is said where something may tell the pooler to end."""
_MAY_END_ITSELF = re.compile(r"kill|\btrap\b", re.IGNORECASE)
"""What is said where it ends itself. In another container the same reaches none of its processes."""
_COMPANION = re.compile(
    r"export|metric|fluent|promtail|filebeat|logg?ing|vault|istio|envoy|linkerd|otel", re.IGNORECASE
)


class JobPoolerSidecarNeverExits(Rule[Manifest]):
    id = "job-pooler-sidecar-never-exits"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        for workload in manifest.workloads:
            if workload.kind not in _JOBS or workload.is_partial or may_be_ended(workload):
                continue
            runs_on = [each for each in workload.containers if is_pooler(each) or is_proxy(each)]
            tasks = [each for each in workload.containers if each not in runs_on and not is_companion(each)]
            tries = any(says(each, _MAY_END_ITSELF) for each in tasks)
            for container in runs_on if tasks else ():
                yield self.finding(
                    (container.image or container.name).span,
                    f"{container.name.value} does not end when {tasks[0].name.value} is done: "
                    f"{workload.name.value} never completes",
                    notes=[
                        Note(tasks[0].name.span, "what it signals is in this container" if tries else "the task")
                    ],
                    severity=Severity.WARNING if tries else None,
                )


def is_proxy(container: Container) -> bool:
    """Whether it runs a proxy of Google's for connections to databases."""
    image = container.image.value if container.image else ""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0] in _PROXIES


def is_companion(container: Container) -> bool:
    """Whether it is there for the others, and runs on as well."""
    image = container.image.value if container.image else ""
    return _COMPANION.search(f"{container.name.value} {image}") is not None


def may_be_ended(workload: Workload) -> bool:
    """Whether anything in a pod may end its pooler, or there is more to it than is seen."""
    if workload.shares_processes or any(_MAY_END.search(name) for name, _ in workload.annotations):
        return True
    return any(may_end(each) or is_wrapped(each) for each in (*workload.containers, *workload.init_containers))


def may_end(container: Container) -> bool:
    """Whether a container may tell a pooler to end, or itself."""
    is_itself = (is_pooler(container) or is_proxy(container)) and says(container, _MAY_END_ITSELF)
    return container.has_pre_stop or is_itself or says(container, _MAY_END)


def says(container: Container, pattern: re.Pattern[str]) -> bool:
    """Whether its command or its variables say something."""
    words = [word.value for word in (*(container.command or ()), *(container.args or ()))]
    variables = [
        text for each in container.env for text in (each.name.value, each.value.text if each.value else "")
    ]
    return any(pattern.search(text) for text in (*words, *variables))


def is_wrapped(container: Container) -> bool:
    """Whether a pooler is started by something else than what its image runs."""
    if not container.command or not (is_pooler(container) or is_proxy(container)):
        return False
    return started(container) not in _STARTS


def started(container: Container) -> str:
    """The name of the program that a container starts, or that the only command of its script is."""
    words = [word.value for word in (*(container.command or ()), *(container.args or ()))]
    at = script_at(words)
    script = commands(words[at]) if at is not None else None
    if at is None or script is None or len(script) != 1:
        return os.path.basename(words[0])
    texts = [literal(word) or "" for word in script[0].words]
    return os.path.basename(texts[1] if texts[0] == "exec" and texts[1:] else texts[0])
