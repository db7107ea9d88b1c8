"""A preStop hook that tells a pooler to stop before the cluster has stopped sending it clients."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.manifest import WorkloadKind
from poolcheck.read.kubernetes.stopping import Hook, Pause, Shutdown, Signal, hook_of
from poolcheck.read.pgbouncer.config import Version
from poolcheck.rule import Rule, option
from poolcheck.system.whole import System

_JOBS = frozenset({WorkloadKind.JOB, WorkloadKind.CRON_JOB, WorkloadKind.SCALED_JOB})
_WAITS: Version = (1, 23)
"""The first that takes no clients when it is told to stop. NEWS, 1.23.0."""


class PoolerPrestopSignalsBeforeSleep(Rule[System]):
    id = "pooler-prestop-signals-before-sleep"
    severity = Severity.WARNING
    since = "0.1"

    least_pause_s: int = option(3, "The seconds that the cluster has to stop sending clients.")

    def check(self, system: System) -> Iterator[Finding]:
        for each in system.pooler_pods:
            container, hook = each.container, hook_of(each.container.pre_stop)
            is_served = each.is_central and each.workload.kind not in _JOBS
            if hook is None or not each.is_pgbouncer or not is_served:
                continue
            first = first_end(hook, self.least_pause_s)
            if first:
                version = each.pooler.version if each.pooler else None
                yield self.finding(
                    hook.span,
                    f"the preStop hook of {container.name.value} begins with {said(first)}: "
                    f"{then(first, version)} while its Service still sends clients there",
                )


def first_end(hook: Hook, least_pause_s: float) -> Signal | Shutdown | None:
    """What ends the pooler before so much time is over; None where it is not told what comes before it."""
    paused_s = 0.0
    for deed in hook.deeds:
        if isinstance(deed, Signal | Shutdown):
            return deed
        if not isinstance(deed, Pause) or deed.seconds is None:
            return None
        paused_s += deed.seconds
        if paused_s >= least_pause_s:
            return None
    return None


def said(deed: Signal | Shutdown) -> str:
    """What is done."""
    return f"SIG{deed.name}" if isinstance(deed, Signal) else f"SHUTDOWN {deed.how}".strip()


def then(deed: Signal | Shutdown, version: Version | None) -> str:
    """What PgBouncer does then."""
    waits = deed.how != "" if isinstance(deed, Shutdown) else deed.name in {"INT", "TERM"}
    if not waits:
        return "PgBouncer exits"
    if version is None or version >= _WAITS:
        return "PgBouncer takes no new clients"
    told = ".".join(map(str, version))
    is_sigint = isinstance(deed, Signal) and deed.name == "INT"
    return f"PgBouncer {told} exits{' as soon as its servers are free,' if is_sigint else ''}"
