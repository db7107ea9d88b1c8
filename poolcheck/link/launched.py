"""What containers start for each CPU of their nodes, and what tells them a number of processes in vain."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from poolcheck.link.network import running
from poolcheck.read.kubernetes.environment import environment
from poolcheck.read.kubernetes.launcher_table import LAUNCHERS
from poolcheck.read.kubernetes.launchers import Launch, Shadowed, launch
from poolcheck.read.kubernetes.manifest import Container, Workload
from poolcheck.system.containers import PerCpu
from poolcheck.value import Lookup

if TYPE_CHECKING:
    from poolcheck.link.known import Known
    from poolcheck.link.sources import Sources

_SETTINGS = ("worker_concurrency", "CELERY_WORKER_CONCURRENCY", "CELERYD_CONCURRENCY")
"""What tells celery in the settings of an application, in any of the ways to name them."""
_VARIABLES = frozenset(name for each in LAUNCHERS for name in each.processes_env)
_CPUS = "PYTHON_CPU_COUNT"
"""What tells Python since 3.13 how many CPUs there are."""


def started_per_cpu(known: "Known", paths: Iterable[str], sources: "Sources | None") -> Iterator[PerCpu]:
    """The programs that start a process for each CPU, where nothing tells them otherwise.

    Without `sources`, the settings of an application that is there are not seen.
    """
    may_be_told = sources.may_mention(_SETTINGS) if sources else any(path.endswith(".py") for path in paths)
    for workload in known.network.workloads:
        for container in running(workload):
            if container.cpu_limit is None or workload.is_partial:
                continue
            own = environment(workload, container, known.objects)
            found = _started(workload, container, own.get, sources)
            is_told = found is not None and found.launcher.startswith("celery") and may_be_told
            if found and found.per_cpu and not is_told and own.get(_CPUS) is None:
                yield PerCpu(found.launcher, found.per_cpu.span, container.cpu_limit)


def shadowed(known: "Known", sources: "Sources | None") -> Iterator[Shadowed]:
    """The variables of containers that tell a number of processes and do not count."""
    for workload in (*known.network.workloads, *known.stacks.workloads):
        for container in () if workload.is_partial else running(workload):
            own = {each.name.value for each in container.env}
            if own & _VARIABLES:
                found = _started(workload, container, environment(workload, container, known.objects).get, sources)
                if found and found.shadowed and found.shadowed.name in own:
                    yield found.shadowed


def _started(
    workload: Workload, container: Container, environment: Lookup, sources: "Sources | None"
) -> Launch | None:
    if sources is None:
        return launch(container, environment)
    run = sources.run(container, workload, environment)
    return sources.started(run.container, workload, run.environment, run.scripts)
