"""A PodDisruptionBudget that lets no pod of a pooler go, so that its node cannot be drained."""

from collections.abc import Iterator

from poolcheck.amount import Amount
from poolcheck.finding import Finding, Severity, one_for_each_place
from poolcheck.read.kubernetes.manifest import DisruptionBudget, WorkloadKind
from poolcheck.rule import Rule
from poolcheck.source import Located
from poolcheck.system.clients import operands
from poolcheck.system.poolers import PoolerPods
from poolcheck.system.whole import System

_ALL = 100


class PoolerPdbBlocksDrain(Rule[System]):
    id = "pooler-pdb-blocks-drain"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for each in system.pooler_pods for found in self.of_pods(each))

    def of_pods(self, each: PoolerPods) -> Iterator[Finding]:
        """The budgets that keep all pods of one pooler."""
        if each.workload.kind is WorkloadKind.DAEMON_SET or not each.is_central:
            return
        for budget in each.budgets:
            blocking = blocking_part(budget, each)
            if blocking is None:
                continue
            written = f"minAvailable {blocking.value}"
            if blocking is budget.max_unavailable:
                written = f"maxUnavailable {blocking.value}"
            yield self.finding(
                blocking.span,
                f"{budget.name.value} lets no pod of {each.workload.name.value} go, and its nodes cannot be "
                f"drained: {written}{of(each.pods)}",
                notes=operands(each.pods.because, blocking.span),
            )


def blocking_part(budget: DisruptionBudget, pooler: PoolerPods) -> Located[str] | None:
    """What of a budget lets no pod go, however many of those that there may be are there."""
    most, least = budget.max_unavailable, budget.min_available
    if most and most.value in {"0", "0%"}:
        return most if pooler.pods.high != 0 else None
    if least is None:
        return None
    if least.value == f"{_ALL}%":
        return least
    low, high = pooler.pods.low, pooler.pods.high
    if high is None or high == 0 or pooler.may_differ or pooler.pods.is_assumed:
        return None
    return least if all(is_kept(least.value, pods) for pods in {max(low, 1), high}) else None


def is_kept(least: str, pods: int) -> bool:
    """Whether all of so many pods must be available. A percentage is rounded up."""
    number = least.removesuffix("%")
    if not number.isdecimal():
        return False
    wanted = -(-pods * int(number) // _ALL) if number != least else int(number)
    return wanted >= pods


def of(pods: Amount) -> str:
    """How many pods there are, where that is one number."""
    if pods.high is None or pods.low != pods.high:
        return ""
    return " of 1 pod" if pods.low == 1 else f" of {pods.low} pods"
