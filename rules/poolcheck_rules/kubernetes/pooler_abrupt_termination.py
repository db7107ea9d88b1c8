"""A pooler that is stopped while its clients are in the middle of their transactions."""

import os.path
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.manifest import Container, WorkloadKind
from poolcheck.read.kubernetes.pooler_containers import family_of, is_casual
from poolcheck.read.kubernetes.pooler_images import Family
from poolcheck.read.kubernetes.shell import script_at
from poolcheck.read.kubernetes.stopping import Hook, Shutdown, Signal, hook_of
from poolcheck.read.pgbouncer.config import Version
from poolcheck.rule import Rule
from poolcheck.source import Located
from poolcheck.system.poolers import PoolerPods
from poolcheck.system.whole import System

_WAITS: Version = (1, 23)
"""The first that waits for its clients at SIGTERM. NEWS, 1.23.0."""
_GRACE_S = 30
_KINDS = frozenset(
    {
        WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET, WorkloadKind.DAEMON_SET, WorkloadKind.REPLICA_SET,
        WorkloadKind.REPLICATION_CONTROLLER, WorkloadKind.ROLLOUT,
    }
)  # fmt: skip
_HAND_ON_SIGTERM = frozenset({Family.EDOBURU, Family.BITNAMI, Family.PGBOUNCER, Family.BRAINSAM, Family.ICORETECH})
"""Images in which PgBouncer is the first process and gets SIGTERM."""
_STARTS = frozenset({"docker-entrypoint.sh", "entrypoint.sh", "pgbouncer"})


class PoolerAbruptTermination(Rule[System]):
    id = "pooler-abrupt-termination"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for each in system.pooler_pods:
            workload, container = each.workload, each.container
            is_meant = workload.kind in _KINDS and each.is_central and not is_casual(workload)
            is_changed = any(other.has_pre_stop or other.image for other in each.patches)
            if not is_meant or not each.is_pgbouncer or is_changed:
                continue
            unsure = Severity.INFO if each.may_differ else None
            hook = hook_of(container.pre_stop)
            if hook and (last := last_wait(hook)):
                yield self.finding(
                    hook.span,
                    f"the preStop hook of {container.name.value} ends with {last} and waits for nothing: at the "
                    "kubelet's SIGTERM behind it PgBouncer exits at once",
                    severity=unsure,
                )
            elif not container.has_pre_stop and container.stop_signal is None and gets_sigterm(container):
                yield from self._without_hook(each, unsure)

    def _without_hook(self, pooler: PoolerPods, unsure: Severity | None) -> Iterator[Finding]:
        version = pooler.pooler.version if pooler.pooler else None
        name, place = pooler.container.name.value, (pooler.container.image or pooler.container.name).span
        if version is not None and version < _WAITS:
            told = ".".join(map(str, version))
            yield self.finding(
                place,
                f"{name} has no preStop hook, and at SIGTERM PgBouncer {told} cuts its clients off at once",
                severity=unsure,
            )
            return
        grace_s = grace_of(pooler)
        if grace_s is None or grace_s > _GRACE_S or leave_in(pooler, grace_s) is not False:
            return
        if version is not None:
            told = ".".join(map(str, version))
            yield self.finding(
                place,
                f"{name} has no preStop hook: PgBouncer {told} waits for clients that do not leave, and is killed "
                f"after {grace_s} s",
                severity=unsure,
            )
        else:
            yield self.finding(
                place,
                f"{name} has no preStop hook: before 1.23 PgBouncer cuts its clients off at once, and later ones "
                f"wait for clients that do not leave, and are killed after {grace_s} s",
                severity=Severity.INFO,
            )


def last_wait(hook: Hook) -> str | None:
    """What a hook ends with that PgBouncer takes its time for; None where more follows or it ends otherwise.

    One that does nothing before that is what pooler-prestop-signals-before-sleep is about.
    """
    last = hook.deeds[-1] if len(hook.deeds) > 1 and hook.is_whole else None
    if isinstance(last, Signal) and last.name == "INT":
        return "SIGINT"
    if isinstance(last, Shutdown) and last.how:
        return f"SHUTDOWN {last.how}"
    return None


def gets_sigterm(container: Container) -> bool:
    """Whether PgBouncer itself is told to stop, and not something that starts it."""
    command = container.command
    is_own = command is None or os.path.basename(command[0].value if command else "") in _STARTS
    is_script = script_at([word.value for word in container.args or ()]) is not None
    return is_own and not is_script and family_of(container) in _HAND_ON_SIGTERM


def grace_of(pooler: PoolerPods) -> int | None:
    """The seconds that a pod has to stop; None where they are not told."""
    grace = pooler.workload.grace_s
    if grace is None:
        return _GRACE_S
    return grace.value if isinstance(grace, Located) else None


def leave_in(pooler: PoolerPods, seconds: float) -> bool | None:
    """Whether PgBouncer sends idle clients away in that time; None where its configuration is not seen."""
    config = pooler.pooler.config if pooler.pooler else None
    idle = config.effective_seconds("client_idle_timeout") if config else None
    return None if idle is None else 0 < idle.value < seconds
