"""The way of a connection that leaks, as notes in the order in which it goes."""

from collections.abc import Iterator, Mapping

from poolcheck.finding import Note
from poolcheck.read.python.leaks.following.outcome import Answer, Fate, Leaving
from poolcheck.read.python.leaks.taking.checkouts import Checkout

_LEFT: Mapping[Leaving, str] = {
    Leaving.RETURNING: "returns here, and still has it",
    Leaving.RAISING: "raises here, and still has it",
    Leaving.LOOPING: "goes on from here, and still has it",
    Leaving.OVERWRITING: "takes another here, and still has it",
    Leaving.ENDING: "ends behind this, and still has it",
}
_TURNED: Mapping[Answer, str] = {
    Answer.TRUE: "if this is true",
    Answer.FALSE: "if this is false",
    Answer.MATCH: "if this matches",
    Answer.NO_MATCH: "if this does not match",
    Answer.MORE: "if there is one more",
    Answer.NO_MORE: "if there is none left",
}
_SWALLOWED = frozenset({Leaving.LOOPING, Leaving.RETURNING})
"""Where a handler may be told to leave."""


def where_it_is_left(checkout: Checkout) -> Iterator[Note]:
    """The places where it is left behind, each behind the test that leads there.

    Not told is the end of a statement that takes it and leaves at once.
    """
    left = checkout.fate.left if checkout.fate else ()
    told = [each for each in left if not each.span.start <= checkout.span.start < each.span.end]
    turns = dict.fromkeys(each.turn for each in told)
    for each in told:
        if each.turn in turns and each.turn:
            del turns[each.turn]
            yield Note(each.turn.span, _TURNED[each.turn.answer])
        yield Note(each.span, _LEFT[each.how])


def where_it_raises(fate: Fate, text: str) -> Iterator[Note]:
    """What raises, what catches that and leaves with the connection, and what gives it back otherwise."""
    if fate.decided_at:
        is_lent = text.startswith("yield", fate.decided_at.start)
        yield Note(fate.decided_at, "if what is done with it raises" if is_lent else "if this raises")
    if fate.handler:
        yield Note(fate.handler, "and this catches it")
    yield from (Note(each.span, "and it is left here") for each in fate.left if each.how in _SWALLOWED)
    if fate.release:
        yield Note(fate.release, "this does not happen")
