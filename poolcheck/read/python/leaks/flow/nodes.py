"""The nodes of a flow graph, and the edges between them."""

from collections.abc import Iterator
from enum import IntEnum, StrEnum, auto
from typing import NamedTuple

import libcst as cst


class Kind(StrEnum):
    """What a node of the graph is.

    `TEST`: what `if`, `while`, `assert` or a `case` asks. `NEXT`: a loop takes its next item. `ENTER` and `LEAVE`:
    what one item of a `with` statement does. `DISPATCH`: an exception looks for its handler, `CATCH`: the handler
    has it. The last three are the ends: `END` behind the last statement or a return, `RAISED` by an exception,
    `STOPPED` with the whole process.
    """

    ENTRY = auto()
    STATEMENT = auto()
    TEST = auto()
    NEXT = auto()
    ENTER = auto()
    LEAVE = auto()
    DISPATCH = auto()
    CATCH = auto()
    JOINT = auto()
    END = auto()
    RAISED = auto()
    STOPPED = auto()


class Way(StrEnum):
    """How one node follows another. `YES` and `NO` are the answers of a test, and of a loop's next item.

    An exception is `CAUGHT` by a handler, or by what a `with` statement is over.
    """

    ON = auto()
    YES = auto()
    NO = auto()
    RAISE = auto()
    CAUGHT = auto()


class Level(IntEnum):
    """How likely a node raises an exception, as far as its syntax tells.

    `NONE`: it cannot. `WEAK`: attributes, arithmetic, and functions that hardly ever do. `MEDIUM`: calls.
    `STRONG`: it is a `raise`.
    """

    NONE = 0
    WEAK = 1
    MEDIUM = 2
    STRONG = 3


class Edge(NamedTuple):
    """The node that may come next, and how."""

    target: int
    way: Way


class Node(NamedTuple):
    """One step. `syntax` is what it executes: a statement, a test, a `with` item, a loop, a handler.

    `handler` is the inmost handler that it stands in.
    """

    kind: Kind
    syntax: cst.CSTNode | None
    edges: tuple[Edge, ...]
    level: Level
    handler: cst.CSTNode | None


class Graph(NamedTuple):
    """The nodes, which their edges count from 0. The first is the entry."""

    nodes: tuple[Node, ...]


def parts(node: Node) -> Iterator[cst.CSTNode]:
    """What a node itself executes, and not the statements inside of it."""
    match node.syntax:
        case None:
            return
        case cst.For(target=target):
            yield target
        case cst.ExceptHandler() | cst.ExceptStarHandler() as handler:
            yield from (each for each in (handler.type, handler.name) if each)
        case cst.MatchCase(pattern=pattern, guard=guard):
            yield pattern
            yield from [guard] if guard else []
        case cst.WithItem() if node.kind is Kind.LEAVE:
            return
        case syntax:
            yield syntax
