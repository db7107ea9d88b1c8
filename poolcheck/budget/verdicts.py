"""Whether a budget holds: of each limit the strongest reason why it does not."""

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from poolcheck.amount import Overrun
from poolcheck.budget.accounts import Account, Budget, Kind
from poolcheck.budget.parts import Part
from poolcheck.finding import Severity
from poolcheck.scale import Situation


class Why(Enum):
    """What makes a budget fail, the strongest first."""

    DEPLOYED = (Situation.STEADY, False, "")
    """As it is deployed."""
    AUTOSCALED = (Situation.AUTOSCALED, False, "at the autoscaler's maximum")
    ROLLOUT = (Situation.ROLLOUT, False, "during a rollout")
    PEAK = (Situation.PEAK, False, "during a rollout at the autoscaler's maximum")
    RESERVE = (Situation.STEADY, True, "once the reserve is in use")
    RESERVE_AUTOSCALED = (Situation.AUTOSCALED, True, "once the reserve is in use at the autoscaler's maximum")

    @property
    def situation(self) -> Situation:
        """When connections are counted."""
        return self.value[0]

    @property
    def with_reserve(self) -> bool:
        """Whether the reserves of poolers count."""
        return self.value[1]

    @property
    def when(self) -> str:
        """The situation in words; nothing where it is as deployed."""
        return self.value[2]

    @property
    def is_certain_to_come(self) -> bool:
        """Whether what is counted is what is deployed, or what is asked for in so many words."""
        return self in {Why.DEPLOYED, Why.AUTOSCALED}


class Fault(Enum):
    """What is told of a budget that fails; each has a rule."""

    CLIENTS = auto()
    SERVERS = auto()
    POOL = auto()
    SIDECARS = auto()
    SCALED_POOLERS = auto()
    AUTOSCALED = auto()
    SURGE = auto()
    RESERVE = auto()


class Verdict(NamedTuple):
    """That an account does not hold, why, and what else it does not hold in.

    `stages` are those of the account where there are accounts of the same limit for others.
    """

    account: Account
    why: Why
    over: Overrun
    besides: tuple[tuple[Why, Overrun], ...] = ()
    stages: frozenset[str] = frozenset()

    @property
    def severity(self) -> Severity:
        """An error where it is proven that connections run out."""
        return Severity.ERROR if self.over.certain and self.why.is_certain_to_come else Severity.WARNING

    @property
    def largest(self) -> Part:
        """The part that wants most."""
        return max(self.account.parts, key=lambda part: part.connections.at(self.why.situation).most)

    @property
    def fault(self) -> Fault:
        """Under which rule it is told."""
        kind = self.account.limit.kind
        if kind is Kind.POOL:
            return Fault.POOL
        if self.why.with_reserve:
            return Fault.RESERVE
        if self.why in {Why.ROLLOUT, Why.PEAK}:
            return Fault.SURGE
        if kind is Kind.DATABASE and self.largest.is_sidecar:
            return Fault.SIDECARS
        if self.why is Why.AUTOSCALED:
            return Fault.SCALED_POOLERS if kind is Kind.DATABASE and self._has_more_poolers else Fault.AUTOSCALED
        return Fault.CLIENTS if kind is Kind.POOLER else Fault.SERVERS

    @property
    def _has_more_poolers(self) -> bool:
        """Whether an autoscaler adds poolers."""
        return any(
            part.is_pooler and part.connections.autoscaled.most > part.connections.steady.most
            for part in self.account.parts
        )


def verdicts(budget: Budget) -> Iterator[Verdict]:
    """The strongest verdict on each limit that is overrun, of whatever deployment."""
    found: dict[tuple[object, ...], list[Account]] = {}
    for account in budget.accounts:
        found.setdefault(_written(account), []).append(account)
    for accounts in found.values():
        all_stages = {account.stages for account in accounts}
        if overrun := [verdict for account in accounts if (verdict := verdict_on(account))]:
            strongest = max(overrun, key=_strength)
            own = strongest.account.stages if len(all_stages) > 1 else frozenset[str]()
            yield strongest._replace(stages=own)


def _written(account: Account) -> tuple[object, ...]:
    """What all accounts of a limit have in common that is written down once, be it for several deployments."""
    kind, own_id, name, place = account.limit[:4]
    return (kind, name, place) if place else (kind, own_id)


def verdict_on(account: Account) -> Verdict | None:
    """The strongest reason why an account does not hold; None where it does."""
    overruns = [
        (why, over)
        for why in Why
        if (over := account.overrun(why.situation, with_reserve=why.with_reserve)) is not None
    ]
    if not overruns:
        return None
    all_found = [Verdict(account, why, over) for why, over in overruns]
    strongest = max(all_found, key=lambda each: each.severity.rank)
    besides = tuple((why, over) for why, over in overruns if why is not strongest.why)
    return strongest._replace(besides=besides)


def _strength(verdict: Verdict) -> tuple[int, int, int]:
    return verdict.severity.rank, -list(Why).index(verdict.why), verdict.over.wanted
