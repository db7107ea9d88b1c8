"""What can become of a connection that is certain to go wrong, and where it does."""

from enum import StrEnum
from typing import NamedTuple

from poolcheck.source import Span


class Outcome(StrEnum):
    """What is certain to go wrong."""

    NEVER_RELEASED = "never released"
    RELEASED_IN_VAIN = "released in vain"
    LEFT_EARLY = "left early"
    SKIPPED_ON_EXCEPTION = "skipped on exception"
    LEFT_BY_DEPENDENCY = "left by dependency"
    RETURNED_TO_REQUEST = "returned to request"
    CANCELLED = "left by what is cancelled"
    SET_UP_UNGUARDED = "set up unguarded"
    KEPT_WITHOUT_CLOSE = "kept without close"
    RELEASED_ELSEWHERE = "released elsewhere"


_ADVICE = frozenset({Outcome.CANCELLED, Outcome.KEPT_WITHOUT_CLOSE, Outcome.SET_UP_UNGUARDED})


class Leaving(StrEnum):
    """How the connection is left behind."""

    RETURNING = "returning"
    RAISING = "raising"
    LOOPING = "looping"
    OVERWRITING = "overwriting"
    ENDING = "ending"


class Answer(StrEnum):
    """What a test has answered on the way."""

    TRUE = "true"
    FALSE = "false"
    MATCH = "match"
    NO_MATCH = "no match"
    MORE = "more"
    NO_MORE = "no more"


class Turn(NamedTuple):
    """A test whose answer leads away from what gives back; its other answers do not."""

    span: Span
    answer: Answer


class Left(NamedTuple):
    """A place where it is left behind, and where the way to it turns away from what gives back."""

    span: Span
    how: Leaving
    turn: Turn | None = None


class Fate(NamedTuple):
    """What becomes of a connection, what decides it, where it is given back otherwise, and where it is left.

    What decides it is what releases it in vain, or what raises. Where a function is called for each request, it
    is `asked_by` what says so; None where the function's shape tells. The `handler` ends the exception.
    """

    outcome: Outcome
    decided_at: Span | None = None
    release: Span | None = None
    left: tuple[Left, ...] = ()
    asked_by: Span | None = None
    handler: Span | None = None

    @property
    def is_advice(self) -> bool:
        """Whether that is no fault, and worth a thought only."""
        return self.outcome in _ADVICE
