"""A pooler with several pods that nothing keeps apart, so that they may be on one node."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity, one_for_each_place
from poolcheck.read.kubernetes.pooler_containers import is_to_last
from poolcheck.rule import Rule
from poolcheck.system.clients import operands
from poolcheck.system.poolers import PoolerPods
from poolcheck.system.whole import System


class PoolerNoSpread(Rule[System]):
    id = "pooler-no-spread"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for each in system.pooler_pods for found in self.of_pods(each))

    def of_pods(self, each: PoolerPods) -> Iterator[Finding]:
        """What is said of the pods of one pooler."""
        workload, place = each.workload, each.workload.name.span
        is_meant = each.is_central and is_to_last(workload)
        is_kept = workload.is_spread or each.may_differ
        if is_meant and not is_kept and each.pods.low > 1:
            yield self.finding(
                place,
                f"nothing keeps the pods of {workload.name.value} apart: with one node all of them may go",
                notes=operands(each.pods.because, place),
            )
