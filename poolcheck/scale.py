"""How many of something run in the situations that a connection budget is made for."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from poolcheck.amount import Amount, product


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
    """The same, and all pods that are replaced still hold what they hold until their grace ends."""


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
