"""Where a walk through a function begins, is on its way, and ends."""

from enum import StrEnum, auto
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.leaks.flow.nodes import Node, Way
from poolcheck.read.python.leaks.following.deed import Use


class Start(NamedTuple):
    """Where a connection is taken: an expression in the function and its use, or a parameter of the function.

    It goes back where the `with` statement is left that it is `lent_by`, whoever has it until then; but of a
    session that rests, who has it may make it rest again. `is_ended`:
    the task may be cancelled at each `await`, and a generator be left at its `yield`.
    """

    site: cst.CSTNode | None
    use: Use
    rests: bool = False
    lent_by: cst.WithItem | None = None
    is_ended: bool = False


class Holding(StrEnum):
    """Whether the connection is out. One that `RESTS` is a session's that has executed nothing yet."""

    RESTS = auto()
    HELD = auto()


class State(NamedTuple):
    """Where the walk is, and with what in hand.

    `exception` is what is on its way, the name of it for what a `raise` says. The way `was_raised` where an
    exception has come while the connection was held. `vain` is the node that released it in vain.
    """

    at: int
    holding: Holding
    names: frozenset[str] = frozenset()
    exception: str = ""
    was_raised: bool = False
    vain: int | None = None


class Branch(NamedTuple):
    """A test, and the answer to it: `YES` or `NO`."""

    node: Node
    way: Way


class Exit(NamedTuple):
    """A way on which the connection is still held where the function ends, or nothing refers to it any more.

    `node` is the statement that leaves it, or the last one, `raising` what raises the exception that takes it,
    if any, `vain` what was to release the connection. It is `left_by_raise` where an exception leaves the
    function, and `is_owned` where the object has it that is being entered. `branch` is where the way parts from
    those that lead to a release, `handler` what ends the exception, which is `cancelled` or another.
    """

    node: Node
    raising: cst.CSTNode | None
    vain: cst.CSTNode | None
    left_by_raise: bool
    is_overwritten: bool
    is_owned: bool
    branch: Branch | None = None
    handler: cst.CSTNode | None = None
    exception: str = ""


class Walked(NamedTuple):
    """What a walk has met: the ways on which it is held to the end, and the uses that end others.

    It is `given_up` where that is not all. `releases` are the releases that there are, whether they are met or
    not, `derived` the names of what is derived from it, and `set_up` the calls and assignments that set it up
    where an exception would leave the function.
    """

    exits: tuple[Exit, ...]
    ended: tuple[Use, ...]
    released: tuple[Use, ...]
    releases: tuple[Use, ...]
    given_up: bool = False
    derived: frozenset[str] = frozenset()
    set_up: tuple[cst.CSTNode, ...] = ()


class Reached(NamedTuple):
    """A node that is reached while the connection is held, and where a session that rested has taken it."""

    node: Node
    taken_at: cst.CSTNode | None
