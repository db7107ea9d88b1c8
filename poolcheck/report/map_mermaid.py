"""A picture as a flowchart of Mermaid."""

import re
from collections.abc import Iterator

from poolcheck.picture import Edge, Node, NodeKind, Picture, State
from poolcheck.report.glyphs import flat
from poolcheck.report.map_colors import COLORS
from poolcheck.report.map_words import NOTHING, counted, has_sign, name_of, state_of, told_apart, verdict

SHAPES = {
    NodeKind.WORKLOAD: ("[", "]"),
    NodeKind.POOLER: ("([", "])"),
    NodeKind.DATABASE: ("[(", ")]"),
    NodeKind.OUTSIDE: ("[/", "/]"),
}
ARROWS = {State.FITS: "-->", State.OVER: "==>", State.UNKNOWN: "-->"}
UNCERTAIN = "-.->"
SIGNS = {State.FITS: "", State.OVER: "! ", State.UNKNOWN: "? "}

_HARMFUL = re.compile(r"[]!\"#$%&'*+.;<>?@\[\\^_`{|}~]|(?<!\S)[-=]")
"""What is written as a code: all that could end a label, or be HTML or Markdown in it."""


def flowchart(picture: Picture) -> Iterator[str]:
    """The lines of the flowchart."""
    yield "flowchart LR"
    yield f"    accTitle: {_plain(picture.title)}"
    about = f"{counted(picture)}. {verdict(picture)}" if picture.nodes else NOTHING
    yield f"    accDescr: {_plain(about)}"
    ids = {node.id: f"n{number}" for number, node in enumerate(picture.nodes)}
    apart = told_apart(picture)
    for node in picture.nodes:
        before, behind = SHAPES[node.kind]
        state = "" if node.state is State.FITS else f":::{node.state}"
        yield f'    {ids[node.id]}{before}"{_of_node(node, apart.get(node.id, ""))}"{behind}{state}'
    if not picture.nodes:
        yield f'    nothing["{_label(NOTHING)}"]'
    for edge in picture.edges:
        yield f"    {ids[edge.source]} {_arrow(edge)} {ids[edge.target]}"
    over = [str(number) for number, edge in enumerate(picture.edges) if edge.state is State.OVER]
    color = COLORS["over"].light
    if over:
        yield f"    linkStyle {','.join(over)} stroke:{color}"
    yield f"    classDef over fill:{COLORS['over-soft'].light},stroke:{color},stroke-width:3px,color:{color}"
    yield "    classDef unknown stroke-dasharray:5 4"
    for note in picture.notes:
        yield f"    %% {_plain(note)}"


def _of_node(node: Node, mark: str) -> str:
    lines = [name_of(node), *dict.fromkeys(filter(None, (mark, node.stage, *node.facts)))]
    if node.state is not State.FITS:
        said = [excess.text for excess in node.excesses] or [state_of(node.state)]
        lines += [f"{SIGNS[node.state]}{text}" for text in said]
    return "<br/>".join(map(_label, lines))


def _arrow(edge: Edge) -> str:
    arrow = ARROWS[edge.state] if edge.is_certain else UNCERTAIN
    return (
        f'{arrow}|"{_label((SIGNS[edge.state] if has_sign(edge) else "") + edge.label)}"|' if edge.label else arrow
    )


def _label(text: str) -> str:
    """Text between quotes. Mermaid knows characters by their numbers."""
    return _HARMFUL.sub(lambda found: f"#{ord(found[0])};", flat(text))


def _plain(text: str) -> str:
    """Text up to the end of a line, where no codes are known."""
    return re.sub(r"[;#{}%]", " ", flat(text))
