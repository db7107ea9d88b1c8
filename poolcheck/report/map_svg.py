"""A picture as SVG: alone, or inside a page where each part links to what is said of it."""

from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.picture import NodeKind, Picture, State
from poolcheck.report.map_cards import PADDING, Card, Role, card, indent
from poolcheck.report.map_colors import colored, schemes
from poolcheck.report.map_columns import Columns, columns
from poolcheck.report.map_layout import ARROW, MARGIN, Box, Layout, Route, Size, layout
from poolcheck.report.map_slices import slices
from poolcheck.report.map_widths import shortened, text_width
from poolcheck.report.map_words import (
    NOTHING,
    counted,
    has_sign,
    legend,
    marked_up,
    names,
    overrun,
    told_apart,
    told_of_edge,
    told_of_node,
    verdict,
)

HEADINGS = 36
"""The height of the line that says what stands in a column."""
TITLE = 40
MOST_TITLE = 1000
PORTRAIT = 1.2
LANDSCAPE = 0.66
"""The height that a sheet of paper has for a picture, by its width."""

STYLE = colored("""\
.picture{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.picture .page{fill:@page}
.picture text{fill:@ink;font-size:12px;font-variant-numeric:tabular-nums}
.picture .title{font-size:18px;font-weight:600}
.picture .heading{fill:@muted;letter-spacing:.04em}
.picture .fact{fill:@muted}
.picture .name{font-size:14px;font-weight:600}
.picture .box{fill:@card;stroke:@line;stroke-width:1}
.picture .mark{fill:none;stroke:@muted;stroke-width:1.4;stroke-linejoin:round;stroke-linecap:round}
.picture .line{fill:none;stroke:@edge;stroke-width:1.4}
.picture .near{fill:none;stroke:transparent;stroke-width:12;pointer-events:stroke}
.picture .arrow{fill:@edge}
.picture .label{font-weight:600}
.picture .uncertain .line{stroke-dasharray:2 4;stroke-linecap:round}
.picture .over .box{fill:@over-soft;stroke:@over;stroke-width:2}
.picture .over .line{stroke:@over;stroke-width:2.4}
.picture .over .arrow{fill:@over}
.picture .over .label,.picture .row-over{fill:@over;font-weight:600}
.picture .unknown .box{stroke:@unknown;stroke-dasharray:5 4}
.picture .unknown .label,.picture .row-unknown{fill:@unknown}
.picture .sign-over{fill:@over}
.picture .sign-over-in{fill:none;stroke:@card;stroke-width:1.5;stroke-linecap:round}
.picture .sign-unknown{fill:none;stroke:@unknown;stroke-width:1.3;stroke-linecap:round}
""")

_MARKS = {
    NodeKind.WORKLOAD: "M2 5.5h8.5v8.5h-8.5zM5.5 5.5v-3.5h8.5v8.5h-3.5",
    NodeKind.POOLER: "M1.5 2.5h13l-4.9 5.8v4.4l-3.2 1.8v-6.2z",
    NodeKind.DATABASE: "M2.5 4c0-2.6 11-2.6 11 0s-11 2.6-11 0v8c0 2.6 11 2.6 11 0v-8M2.5 8c0 2.6 11 2.6 11 0",
    NodeKind.OUTSIDE: "M6.5 3h-4v10.5h10.5v-4M9.5 2h4.5v4.5M14 2l-6.5 6.5",
}
_HEADINGS = {
    NodeKind.WORKLOAD: "Workloads",
    NodeKind.POOLER: "Poolers",
    NodeKind.DATABASE: "Databases",
    NodeKind.OUTSIDE: "outside",
}


class _Drawing(NamedTuple):
    """A picture with where everything is. Parts of what is `inside` a page are links to places of that page."""

    picture: Picture
    cards: dict[str, Card]
    columns: Columns
    layout: Layout
    names: dict[str, str]
    inside: bool


def standalone(picture: Picture) -> str:
    """A file of its own, which follows the colours that its viewer prefers."""
    drawing = _drawing(picture, top=TITLE, inside=False)
    title = shortened(picture.title, MOST_TITLE, 18, bold=True)
    titled = text_width(title, 18, bold=True) + 2 * MARGIN
    said = NOTHING if not picture.nodes else legend(picture)
    told = text_width(said, 12) + 2 * MARGIN
    width = max(drawing.layout.width, titled, told)
    height = drawing.layout.height + (MARGIN if said else 0)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="picture-title picture-about">',
        f'<title id="picture-title">{marked_up(picture.title)}</title>',
        f'<desc id="picture-about">{marked_up(_about(picture))}</desc>',
        f"<style>{schemes('.picture')}{STYLE}</style>",
        f'<rect class="page" width="{width}" height="{height}"/>',
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 14}">{marked_up(title)}</text>',
        *_parts(drawing, TITLE),
    ]
    if said:
        lines.append(f'<text class="fact" x="{MARGIN}" y="{height - MARGIN}">{marked_up(said)}</text>')
    return "\n".join([*lines, "</svg>", ""])


class Inside(NamedTuple):
    """An `svg` element, as wide as it is best shown, in pixels.

    `sheets` are elements for paper, each a part of the first from top to bottom; none where it fits on one sheet.
    """

    svg: str
    width: int
    sheets: tuple[str, ...]


def inside_page(picture: Picture) -> Inside:
    """A part of a page that has STYLE: nodes and edges link to `#node-0` and `#edge-0`, by their numbers."""
    drawing = _drawing(picture, top=0, inside=True)
    width, height = drawing.layout.width, drawing.layout.height
    lines = [
        f'<svg class="picture" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="group" '
        f'aria-label="{marked_up(_about(picture))}">',
        '<g class="picture" id="drawing">',
        *_parts(drawing, 0),
    ]
    return Inside("\n".join([*lines, "</g></svg>"]), width, tuple(_sheets(drawing.layout)))


def _sheets(layout: Layout) -> Iterator[str]:
    if layout.height <= layout.width * PORTRAIT:
        return
    for top, bottom in slices(layout, round(layout.width * LANDSCAPE)):
        yield (
            f'<svg class="picture" viewBox="0 {top} {layout.width} {bottom - top}" aria-hidden="true">'
            '<use href="#drawing"/></svg>'
        )


def _drawing(picture: Picture, *, top: int, inside: bool) -> _Drawing:
    apart = told_apart(picture)
    cards = {node.id: card(node, apart.get(node.id, "")) for node in picture.nodes}
    ordered = columns(picture)
    sizes = {node: Size(each.width, each.height) for node, each in cards.items()}
    called = names(picture)
    placed = layout(ordered, sizes, called, top + HEADINGS if picture.nodes else top)
    return _Drawing(picture, cards, ordered, placed, called, inside)


def _about(picture: Picture) -> str:
    """What there is to see, for those who do not."""
    if not picture.nodes:
        return NOTHING
    excesses = (f" {each.name}: {excess.text}." for each in overrun(picture) for excess in each.excesses)
    return f"{counted(picture)}, from left to right. {verdict(picture)}{''.join(excesses)}"


def _parts(drawing: _Drawing, top: int) -> Iterator[str]:
    """The headings; then every node with the edges that leave it behind it, in the order of reading."""
    yield from _headings(drawing, top)
    numbers = {node.id: number for number, node in enumerate(drawing.picture.nodes)}
    leaving: dict[str, list[tuple[int, Route]]] = {}
    for number, route in enumerate(drawing.layout.routes):
        leaving.setdefault(route.edge.source, []).append((number, route))
    for node, box in drawing.layout.boxes.items():
        yield from _node(drawing.cards[node], box, numbers[node], drawing)
        for number, route in sorted(leaving.get(node, ()), key=lambda each: each[1].start.y):
            yield from _edge(route, number, numbers, drawing)


def _headings(drawing: _Drawing, top: int) -> Iterator[str]:
    for x, column in zip(drawing.layout.column_at, drawing.columns.columns, strict=True):
        kinds = {drawing.cards[stop.node].node.kind for stop in column if not stop.is_lane}
        text = " and ".join(heading for kind, heading in _HEADINGS.items() if kind in kinds)
        text = text[:1].upper() + text[1:]
        yield f'<text class="heading" x="{x}" y="{top + MARGIN + 12}">{text}</text>'


def _node(own: Card, box: Box, number: int, drawing: _Drawing) -> Iterator[str]:
    node = own.node
    told = marked_up(told_of_node(node))
    yield _opened(drawing, f"node {node.kind} {node.state}", f"node-{number}", told, f'data-node="{number}"')
    yield f'<rect class="box" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="7"/>'
    top = box.y + (box.height - own.height) // 2
    yield f'<path class="mark" transform="translate({box.x + PADDING - 1} {top + 12})" d="{_MARKS[node.kind]}"/>'
    for role, text, y, is_first in own.rows:
        name = role if role in {Role.NAME, Role.FACT} else f"row-{role}"
        if is_first and role is not Role.NAME:
            yield from _sign(State(role), box.x + PADDING, top + y - 11)
        yield f'<text class="{name}" x="{box.x + indent(role)}" y="{top + y}">{marked_up(text)}</text>'
    yield _closed(drawing)


def _edge(route: Route, number: int, numbers: dict[str, int], drawing: _Drawing) -> Iterator[str]:
    edge = drawing.picture.edges[number]
    told = marked_up(told_of_edge(edge, drawing.names))
    uncertain = "" if edge.is_certain else " uncertain"
    ends = f'data-from="{numbers[edge.source]}" data-to="{numbers[edge.target]}"'
    yield _opened(drawing, f"edge {edge.state}{uncertain}", f"edge-{number}", told, ends)
    if drawing.inside:
        yield f'<path class="near" d="{route.path}"/>'
    yield f'<path class="line" d="{route.path}"/>'
    x, y = route.end
    yield f'<path class="arrow" d="M{x:g} {y:g}l-{ARROW} -4v8z"/>'
    if route.label:
        if has_sign(edge):
            yield from _sign(edge.state, route.label_at.x - 18, route.label_at.y - 11)
        x, y = route.label_at
        yield f'<text class="label" x="{x:g}" y="{y:g}">{marked_up(route.label)}</text>'
    yield _closed(drawing)


def _opened(drawing: _Drawing, classes: str, place: str, told: str, data: str) -> str:
    if drawing.inside:
        return f'<a class="{classes}" href="#{place}" aria-label="{told}" {data}>'
    return f'<g class="{classes}"><title>{told}</title>'


def _closed(drawing: _Drawing) -> str:
    return "</a>" if drawing.inside else "</g>"


def _sign(state: State, x: float, y: float) -> Iterator[str]:
    """A triangle with an exclamation mark, or a circle with a question mark: no colour alone says anything."""
    at = f'transform="translate({x:g} {y:g})"'
    if state is State.OVER:
        yield f'<path class="sign-over" {at} d="M7 .8l6.6 11.9h-13.2z"/>'
        yield f'<path class="sign-over-in" {at} d="M7 5v3.4M7 10.6v.1"/>'
    else:
        yield f'<circle class="sign-unknown" {at} cx="7" cy="6.6" r="5.8"/>'
        yield f'<path class="sign-unknown" {at} d="M5.3 5.2a1.8 1.8 0 1 1 2.6 1.7c-.7.4-.9.7-.9 1.2M7 9.9v.1"/>'
