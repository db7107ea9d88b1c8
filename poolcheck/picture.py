"""The picture of a system: who connects to what, with numbers. Ready to be drawn, in whatever form."""

from enum import StrEnum
from typing import NamedTuple


class NodeKind(StrEnum):
    """What a node stands for."""

    WORKLOAD = "workload"
    POOLER = "pooler"
    DATABASE = "database"
    OUTSIDE = "outside"
    """An address that nothing in the project listens on."""


class State(StrEnum):
    """What is known of the numbers."""

    FITS = "fits"
    OVER = "over"
    UNKNOWN = "unknown"


class Excess(NamedTuple):
    """That more connections may be wanted than are accepted: in words, and the sums line by line."""

    text: str
    sums: tuple[str, ...] = ()


class Node(NamedTuple):
    """What opens or accepts connections.

    `facts` are short lines: "6 to 12 pods", "accepts 400 clients". `stage` is the deployment that it belongs to,
    and `place` the file and line: "deploy/api.yaml:4"; both may be empty.
    """

    id: str
    kind: NodeKind
    name: str
    facts: tuple[str, ...] = ()
    state: State = State.FITS
    stage: str = ""
    place: str = ""
    excesses: tuple[Excess, ...] = ()


class Edge(NamedTuple):
    """Connections from one node to another.

    `label` is their number, for people: "720 to 1440"; `sum` is how it comes about. Where it is not `is_certain`,
    only a name or a port suggests that they lead there.
    """

    source: str
    target: str
    label: str
    sum: str = ""
    state: State = State.FITS
    is_certain: bool = True


class Picture(NamedTuple):
    """A system as it is drawn. Ids of nodes are unique, and every edge connects two of them.

    `notes` are what is not known and what is assumed, in words; where there is nothing to draw, why.
    """

    title: str
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    notes: tuple[str, ...] = ()

    def into(self, node: Node) -> list[Edge]:
        """The edges that lead to a node."""
        return [edge for edge in self.edges if edge.target == node.id]
