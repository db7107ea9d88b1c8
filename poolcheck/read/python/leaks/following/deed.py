"""What can be done with a connection, and what a function can do with one that it is given."""

from collections.abc import Callable
from enum import StrEnum, auto
from typing import NamedTuple, TypeAlias

import libcst as cst


class Deed(StrEnum):
    """What is done with a connection.

    `LOOKED`: nothing that matters. `ASKED`: something that may fail. `LENT`: it is yielded to whoever comes
    back. `RELEASED`, or will be; `PAUSED`: what it holds is given back until it is used again; `IN_VAIN`:
    released in a way that does not give it back. `YIELDED`: it is lent to who may not come back. `HANDED`: a
    function got it that is not seen, and that may do anything. `WRAPPED`: so did an object that only the
    function has. `GONE`: somebody else has it now, to whom it was
    `RETURNED` if it is the caller. `BEGUN`: a session is `PAUSED` at the end of the `with` statement.
    """

    LOOKED = auto()
    ASKED = auto()
    LENT = auto()
    RELEASED = auto()
    PAUSED = auto()
    BEGUN = auto()
    IN_VAIN = auto()
    YIELDED = auto()
    HANDED = auto()
    WRAPPED = auto()
    RETURNED = auto()
    GONE = auto()


class Use(NamedTuple):
    """What is done, and where.

    `names` are those that it goes by from then on, `derived` those of cursors, results and the like. `position` is
    the place that it is returned at in a tuple.
    """

    deed: Deed
    node: cst.CSTNode
    names: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    position: int | None = None


class Effect(StrEnum):
    """What a function of the project does with an argument.

    It `LOOKS` at it and asks nothing that may fail outside of it. What it returns `DERIVES` from it, a cursor
    say, or it `RETURNS` the same; it may have asked something before.
    """

    LOOKS = auto()
    BORROWS = auto()
    DERIVES = auto()
    DERIVES_ASKING = auto()
    RETURNS = auto()
    RETURNS_ASKING = auto()
    RELEASES = auto()
    PAUSES = auto()
    TAKES = auto()
    UNKNOWN = auto()


Effects: TypeAlias = Callable[[cst.Call, cst.Arg, bool], Effect]
"""What the function that is called does with an argument, which may be derived only."""
