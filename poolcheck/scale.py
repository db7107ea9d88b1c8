"""How many of something run in the situations that a connection budget is made for."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from poolcheck.amount import Amount, Reason, between, either, product, total


class Situation(StrEnum):
    """When connections are counted."""

    STEADY = "steady"
    """Nothing is being rolled out, and autoscalers keep what they keep at least."""
    ROLLOUT = "rollout"
    """A rollout has started its surge of new pods and not yet ended old ones."""
    AUTOSCALED = "autoscaled"
    """Autoscalers are at their maximum."""
    PEAK = "peak"
    """A rollout while autoscalers are at their maximum."""
    WORST = "worst"
    """The same, all pods that are replaced still hold what they hold, and poolers have opened their reserve."""


class Scale(NamedTuple):
    """The numbers of pods, or of what goes with them, in each situation."""

    steady: Amount
    rollout: Amount
    autoscaled: Amount
    peak: Amount
    worst: Amount

    def at(self, situation: Situation) -> Amount:
        """The number in one situation."""
        return dict(zip(Situation, self, strict=True))[situation]

    def each(self, made: Callable[[Amount], Amount]) -> "Scale":
        """What is made of each of the numbers."""
        return Scale(*map(made, self))

    def times(self, each: Amount) -> "Scale":
        """What so many come to in each situation, if each of them counts so much."""
        return self.each(lambda number: product(number, each))


def always(number: Amount) -> Scale:
    """A number that is the same in all situations."""
    return Scale(number, number, number, number, number)


class Surge(NamedTuple):
    """The pods that a rollout starts before it ends old ones: a number, or a percentage of them, rounded up.

    `number` is None where it is not known. There are never more of them than the pods that are asked for.
    """

    number: int | None
    is_percentage: bool
    because: Reason

    def of(self, pods: Amount) -> Amount:
        """How many come on top of so many pods."""
        surely, low, most = (self._share(number) for number in (pods.surely, pods.low, pods.most))
        if surely is None or low is None or most is None:
            return between(0, pods.high, self.because)
        high = None if pods.is_open else most
        return between(low, high, self.because, surely=surely)._replace(most=most, most_sum=str(most))

    def _share(self, pods: int) -> int | None:
        if self.number is None:
            return None
        return min(pods, -(-pods * self.number // 100) if self.is_percentage else self.number)


class Rollout(NamedTuple):
    """A way to replace pods; None where no new one is there beside the old ones.

    Where all that are replaced may be `ending` while all new ones run, that says so.
    """

    surge: Surge | None = None
    ending: Reason | None = None

    def started(self, pods: Amount) -> Amount:
        """So many pods, and those that are started before others are ended."""
        return pods if self.surge is None else total([pods, self.surge.of(pods)])

    def at_worst(self, pods: Amount) -> Amount:
        """So many pods, and all those that they replace."""
        return self.started(pods) if self.ending is None else total([pods, pods._replace(because=(self.ending,))])


class Replicas(NamedTuple):
    """The pods of a workload: how many it has, up to how many an autoscaler adds, and how they are replaced.

    Of several `rollouts`, nobody knows which it is.
    """

    steady: Amount
    autoscaled: Amount
    rollouts: tuple[Rollout, ...] = (Rollout(),)

    @property
    def scale(self) -> Scale:
        """The pods in each situation."""
        return Scale(
            self.steady,
            rollout=either(each.started(self.steady) for each in self.rollouts),
            autoscaled=self.autoscaled,
            peak=either(each.started(self.autoscaled) for each in self.rollouts),
            worst=either(each.at_worst(self.autoscaled) for each in self.rollouts),
        )


def fixed(pods: Amount) -> Replicas:
    """So many pods, whatever happens."""
    return Replicas(pods, pods)
