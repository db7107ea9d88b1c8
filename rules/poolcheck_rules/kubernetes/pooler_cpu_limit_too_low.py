"""A PgBouncer for many clients that is given little CPU, and is stopped in every period when it has used that."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.kubernetes.pooler_containers import is_casual
from poolcheck.read.kubernetes.quantities import cpus
from poolcheck.rule import Rule, option
from poolcheck.system.whole import System


class PoolerCpuLimitTooLow(Rule[System]):
    id = "pooler-cpu-limit-too-low"
    severity = Severity.INFO
    since = "0.1"

    least_cpu_m: int = option(250, "The thousandths of a CPU that a pooler for many clients needs at least.")
    many_clients: int = option(500, "How many clients are many.")

    def check(self, system: System) -> Iterator[Finding]:
        for each in system.pooler_pods:
            limit = each.container.cpu_limit
            number = cpus(limit.value) if limit else None
            config = each.pooler.config if each.pooler else None
            clients = config.effective_integer("max_client_conn") if config else None
            if limit is None or number is None or clients is None or not each.is_pgbouncer:
                continue
            if (
                number < self.least_cpu_m / 1000
                and clients.value >= self.many_clients
                and not is_casual(each.workload)
            ):
                place = clients.span
                yield self.finding(
                    limit.span,
                    f"{each.container.name.value} accepts {clients.value} clients, and may use {number:g} CPUs",
                    notes=[Note(place, f"max_client_conn {clients.value}")] if place else (),
                )
