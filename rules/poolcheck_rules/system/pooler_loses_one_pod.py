"""Poolers of which none may fail: those that are left do not accept as many clients as there are."""

from collections.abc import Iterator

from poolcheck.amount import Amount, difference, exactly, overrun, product
from poolcheck.budget.accounts import Account, Budget, Kind, budget
from poolcheck.budget.facts import PoolerFacts
from poolcheck.budget.told import who
from poolcheck.finding import Finding, Severity
from poolcheck.rule import Rule
from poolcheck.scale import Situation
from poolcheck.source import Span
from poolcheck.system.clients import operands
from poolcheck.system.whole import System

FEWEST = 2
"""Of one pod nothing is left."""


class PoolerLosesOnePod(Rule[System]):
    id = "pooler-loses-one-pod"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        poolers = [pooler for pooler in system.facts.poolers if pooler.place and pods_of(pooler) >= FEWEST]
        failing = {(each.account.limit.kind, each.account.limit.id) for each in system.verdicts}
        counted = budget(system.facts) if poolers else Budget((), ())
        for pooler in poolers:
            accounts = counted.of(pooler.id, Kind.POOLER) if (Kind.POOLER, pooler.id) not in failing else []
            for account in accounts:
                if pooler.place:
                    yield from self.of_account(account, pooler, pooler.place)

    def of_account(self, account: Account, pooler: PoolerFacts, place: Span) -> Iterator[Finding]:
        """What comes of the clients in one deployment when a pod of their pooler is gone."""
        left, wanted = without_one(pooler), account.wanted(Situation.STEADY)
        over = overrun(wanted, left)
        if over and wanted.low > left.most and not account.limit.in_pod:
            message = (
                f"without one of its {pods_of(pooler)} pods {pooler.owner.name} accepts {over.allowed_written} "
                f"client connections, {who(account.names)} may open {over.wanted_written}{over.provided}"
            )
            yield self.finding(place, message, notes=operands([*left.because, *wanted.because], place))


def pods_of(pooler: PoolerFacts) -> int:
    """How many pods there are where nothing happens; 0 where that is not known."""
    pods = pooler.replicas.steady
    return 0 if pods.is_open or pods.low < pods.most else pods.low


def without_one(pooler: PoolerFacts) -> Amount:
    """The client connections that all pods but one accept."""
    pods = difference(pooler.replicas.steady, exactly(1))
    return product(pods, pooler.processes_in_pod, pooler.max_client_conn)
