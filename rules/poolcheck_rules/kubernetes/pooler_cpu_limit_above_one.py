"""A PgBouncer that may use more than one CPU, of which its one process uses one."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.quantities import cpus
from poolcheck.rule import Rule
from poolcheck.system.poolers import PoolerPods
from poolcheck.system.whole import System

_RUNS_MORE = re.compile(r"supervisord|s6-|for |while |seq |&")


class PoolerCpuLimitAboveOne(Rule[System]):
    id = "pooler-cpu-limit-above-one"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for each in system.pooler_pods:
            limit = each.container.cpu_limit
            number = cpus(limit.value) if limit else None
            if limit and number is not None and number > 1 and is_one_process(each):
                yield self.finding(
                    limit.span,
                    f"{each.container.name.value} may use {number:g} CPUs, and PgBouncer is one process with one "
                    "thread",
                )


def is_one_process(pooler: PoolerPods) -> bool:
    """Whether no second process can share the port, as its configuration tells, and none is started."""
    config = pooler.pooler.config if pooler.pooler else None
    sharing = config.effective_integer("so_reuseport") if config else None
    words = (*(pooler.container.command or ()), *(pooler.container.args or ()))
    is_alone = not any(_RUNS_MORE.search(word.value) for word in words)
    return pooler.is_pgbouncer and sharing is not None and not sharing.value and is_alone
