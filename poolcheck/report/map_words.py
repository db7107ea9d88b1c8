"""What is said of a picture, its nodes and its edges, in all forms alike."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from html import escape

from poolcheck.picture import Edge, Node, NodeKind, Picture, State
from poolcheck.report.glyphs import flat

NAMELESS = "(no name)"
MORE_WANTED = "too many connections wanted"
PART_OF_TOO_MANY = "part of what is too many"
NOT_ALL_KNOWN = "not all is known"
NOT_CERTAIN = "not certain that it leads there"
MOST_LISTED = 4
NO_NUMBER = "?"
NOTHING = "There is nothing to draw: no workload that connects to a database, no pooler and no database was found."

_KINDS = {
    NodeKind.WORKLOAD: ("workload", "workloads"),
    NodeKind.POOLER: ("pooler", "poolers"),
    NodeKind.DATABASE: ("database server", "database servers"),
    NodeKind.OUTSIDE: ("outside address", "outside addresses"),
}

_NOT_IN_XML = re.compile("[\ufffe\uffff]")


def kind_of(node: Node) -> str:
    """The kind of a node in words."""
    return _KINDS[node.kind][0]


def name_of(node: Node) -> str:
    """The name of a node on one line."""
    return flat(node.name) or NAMELESS


def names(picture: Picture) -> dict[str, str]:
    """The names of the nodes by their ids, with what tells namesakes apart."""
    apart = told_apart(picture)
    return {
        node.id: f"{name_of(node)} ({apart[node.id]})" if node.id in apart else name_of(node)
        for node in picture.nodes
    }


def told_apart(picture: Picture) -> dict[str, str]:
    """What tells nodes from others of the same kind and name: the stages if these differ, else the places."""
    namesakes: dict[tuple[NodeKind, str], list[Node]] = defaultdict(list)
    for node in picture.nodes:
        namesakes[node.kind, node.name].append(node)
    found: dict[str, str] = {}
    for nodes in namesakes.values():
        differ = len({node.stage for node in nodes}) == len(nodes)
        marks = {node.id: flat(node.stage if differ else node.place) for node in nodes if len(nodes) > 1}
        found |= {node: mark for node, mark in marks.items() if mark}
    return found


def state_of(state: State) -> str:
    """The state of a node in words; nothing where all is well."""
    return {State.FITS: "", State.OVER: MORE_WANTED, State.UNKNOWN: NOT_ALL_KNOWN}[state]


def told_of_node(node: Node) -> str:
    """A node in one sentence."""
    said = [f"{kind_of(node)} {name_of(node)}", *filter(None, [node.stage, *node.facts])]
    if node.state is State.OVER and node.excesses:
        said += [excess.text for excess in node.excesses]
    elif node.state is not State.FITS:
        said.append(state_of(node.state))
    return flat(", ".join(said))


def has_sign(edge: Edge) -> bool:
    """Whether an edge is marked with a sign; a number of which nothing is known is one itself."""
    return edge.state is not State.FITS and not edge.label.startswith(NO_NUMBER)


def told_of_edge(edge: Edge, names: dict[str, str]) -> str:
    """An edge in one sentence."""
    label = "an unknown number of" if edge.label == NO_NUMBER else edge.label
    number = f"{label} connections" if label else "connections"
    said = [f"{number} from {names[edge.source]} to {names[edge.target]}", *remarks(edge)]
    return flat(", ".join(said))


def remarks(edge: Edge) -> list[str]:
    """What must be said of an edge besides its number."""
    uncertain = "" if edge.is_certain else NOT_CERTAIN
    state = PART_OF_TOO_MANY if edge.state is State.OVER else state_of(edge.state)
    return [*filter(None, (state, uncertain))]


def counted(picture: Picture) -> str:
    """How many nodes of each kind there are: `3 workloads, 1 pooler and 2 database servers`."""
    found = Counter(node.kind for node in picture.nodes)
    return _listed([_number(found[kind], *_KINDS[kind]) for kind in NodeKind if found[kind]] or ["nothing"])


def verdict(picture: Picture) -> str:
    """Whether everything fits, in a sentence."""
    over = [*overrun(picture)]
    if over:
        return f"Too many connections are wanted of {_listed([name_of(node) for node in over])}."
    if not picture.nodes:
        return NOTHING
    states = {*(node.state for node in picture.nodes), *(edge.state for edge in picture.edges)}
    unknown = State.UNKNOWN in states
    return "Everything that is known fits; not all is known." if unknown else "Everything fits."


def legend(picture: Picture) -> str:
    """What must be said of how edges are drawn; nothing where that is plain."""
    if all(edge.is_certain for edge in picture.edges):
        return ""
    return "Dotted: a name or a port suggests that the connections lead there, and nothing proves it."


def overrun(picture: Picture) -> Iterator[Node]:
    """The nodes of which more is wanted than they accept."""
    return (node for node in picture.nodes if node.state is State.OVER)


def marked_up(text: str) -> str:
    """Text for XML and HTML, on one line and with nothing in it that they do not allow."""
    return escape(_NOT_IN_XML.sub("\ufffd", flat(text)))


def _listed(texts: list[str]) -> str:
    """All of a few texts, or as many as a sentence bears."""
    if len(texts) > MOST_LISTED:
        texts = [*texts[: MOST_LISTED - 1], f"{len(texts) - MOST_LISTED + 1} others"]
    *others, last = texts
    return f"{', '.join(others)} and {last}" if others else last


def _number(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
