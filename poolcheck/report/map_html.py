"""A picture as one HTML page that loads nothing: the overruns, the picture, and all of it once more in tables."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from poolcheck import __version__
from poolcheck.picture import Edge, Node, Picture, State
from poolcheck.report.map_colors import schemes
from poolcheck.report.map_svg import STYLE, Inside, inside_page
from poolcheck.report.map_words import (
    NOTHING,
    counted,
    kind_of,
    legend,
    marked_up,
    name_of,
    names,
    overrun,
    remarks,
    state_of,
    verdict,
)

HINT = "Click a box or a number, or go to it with Tab, to see what it is made of. Enter leads to its row below."
MADE_BY = f"Made by poolcheck {__version__} from files alone: nothing was run or connected to."
LEAST_SCALE = 0.85
"""A picture that is made smaller than this cannot be read."""


def page(picture: Picture) -> str:
    """The page, as UTF-8 is to be written."""
    drawn = inside_page(picture)
    style = schemes(":root") + STYLE + _file("map_page.css") + _scaled(drawn.width)
    script = _file("map_page.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    title = marked_up(picture.title)
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta name="generator" content="poolcheck {marked_up(__version__)}">',
        '<link rel="icon" href="data:,">',
        f"<title>{title}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        *_body(picture, title, drawn),
        f"<script>{script}</script>",
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(lines)


def _file(name: str) -> str:
    return files("poolcheck.report").joinpath(name).read_text(encoding="utf-8")


def _scaled(width: int) -> str:
    """On a large screen a wide picture is made smaller, as far as it stays readable."""
    least = round(width * LEAST_SCALE)
    return (
        "@media screen and (min-width:64rem){"
        f".scroll{{width:min({width + 2}px,100vw - 3rem)}}"
        f".scroll .picture{{width:clamp({least}px,100%,{width}px);height:auto}}}}"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _body(picture: Picture, title: str, drawn: Inside) -> Iterator[str]:
    called = names(picture)
    if picture.nodes:
        yield '<a class="skip" href="#connections">Skip the picture, go to the table of connections</a>'
    yield "<header>"
    yield f"<div><h1>{title}</h1>"
    if picture.nodes:
        over = ' class="is-over"' if any(overrun(picture)) else ""
        yield f'<p class="about">{marked_up(counted(picture))}.</p><p{over}>{marked_up(verdict(picture))}</p>'
    yield '</div><button id="theme" type="button" hidden>Light or dark</button>'
    yield "</header>"
    yield "<main>"
    if picture.nodes:
        yield from _excesses(picture, called)
        yield from _picture(picture, drawn)
        yield from _connections(picture, called)
        yield from _parts(picture)
        yield from _notes("notes", "What is not known, and what is assumed", picture.notes)
    else:
        yield from _nothing(picture)
    yield "</main>"
    yield f"<footer>{marked_up(MADE_BY)}</footer>"


def _excesses(picture: Picture, called: dict[str, str]) -> Iterator[str]:
    over = [*overrun(picture)]
    if not over:
        return
    numbers = {node.id: number for number, node in enumerate(picture.nodes)}
    yield '<section aria-labelledby="excesses"><h2 id="excesses">Too many connections wanted</h2>'
    yield '<ul class="excesses">'
    for node in over:
        yield "<li>"
        yield f'<h3><a href="#node-{numbers[node.id]}">{marked_up(called[node.id])}</a></h3>'
        for excess in node.excesses:
            yield f'<p class="is-over">{marked_up(excess.text)}</p>'
            yield from _sums(excess.sums or _sums_into(node, picture, called))
        if not node.excesses:
            yield f'<p class="is-over">{marked_up(state_of(node.state))}</p>'
            yield from _sums(_sums_into(node, picture, called))
        yield "</li>"
    yield "</ul></section>"


def _sums_into(node: Node, picture: Picture, called: dict[str, str]) -> tuple[str, ...]:
    """What is wanted, by whom, where the whole is not summed up."""
    into = picture.into(node)
    return tuple(f"{called[edge.source]}: {edge.sum or edge.label}" for edge in into if edge.sum or edge.label)


def _sums(sums: Sequence[str]) -> Iterator[str]:
    if sums:
        yield f'<ul class="sums">{"".join(f"<li><code>{marked_up(each)}</code></li>" for each in sums)}</ul>'


def _picture(picture: Picture, drawn: Inside) -> Iterator[str]:
    yield '<section aria-labelledby="picture"><h2 id="picture">Who connects to what</h2>'
    on_sheets = ' class="on-sheets"' if drawn.sheets else ""
    yield f"<figure{on_sheets}>"
    hint = f'<span class="screen" id="hint" hidden>{HINT}</span>'
    yield f"<figcaption>{marked_up(legend(picture))} {hint}</figcaption>"
    yield f'<div class="scroll">{drawn.svg}</div>'
    yield from (f'<div class="sheet">{sheet}</div>' for sheet in drawn.sheets)
    yield '<div class="told" id="told" role="status" hidden></div>'
    yield "</figure></section>"


class _Cell(NamedTuple):
    """What stands in a column of a row, as HTML. The first is the row's heading; some are part of its title."""

    heading: str
    html: str
    style: str = ""


def _connections(picture: Picture, called: dict[str, str]) -> Iterator[str]:
    yield '<section aria-labelledby="connections"><h2 id="connections" tabindex="-1">All connections</h2>'
    if picture.edges:
        rows = [
            (f"Connections from {called[edge.source]} to {called[edge.target]}", _of_edge(edge, called))
            for edge in picture.edges
        ]
        yield from _table("edge", rows, "connections")
    else:
        yield "<p>No connection from one to another was found.</p>"
    yield "</section>"


def _of_edge(edge: Edge, called: dict[str, str]) -> list[_Cell]:
    return [
        _Cell("From", marked_up(called[edge.source])),
        _Cell("To", marked_up(called[edge.target]), "titled"),
        _Cell("Connections", marked_up(edge.label), "number"),
        _Cell("How they come about", f"<code>{marked_up(edge.sum)}</code>" if edge.sum else ""),
        _Cell("Remarks", _remarked(edge.state, remarks(edge))),
    ]


def _parts(picture: Picture) -> Iterator[str]:
    yield '<section aria-labelledby="parts"><h2 id="parts">All workloads, poolers and databases</h2>'
    empty = {
        heading
        for heading, texts in (
            ("Deployment", [node.stage for node in picture.nodes]),
            ("Where", [node.place for node in picture.nodes]),
        )
        if not any(texts)
    }
    rows = [
        (f"{kind_of(node)} {name_of(node)}", [cell for cell in _of_node(node) if cell.heading not in empty])
        for node in picture.nodes
    ]
    yield from _table("node", rows, "parts")
    yield "</section>"


def _of_node(node: Node) -> list[_Cell]:
    facts = "".join(f'<span class="what">{marked_up(fact)}</span>' for fact in node.facts)
    texts = [excess.text for excess in node.excesses] or [*filter(None, [state_of(node.state)])]
    return [
        _Cell("Name", marked_up(name_of(node))),
        _Cell("Kind", marked_up(kind_of(node)), "titled"),
        _Cell("Deployment", marked_up(node.stage), "stage"),
        _Cell("What is known", facts, "facts"),
        _Cell("Remarks", _remarked(node.state, texts)),
        _Cell("Where", f"<code>{marked_up(node.place)}</code>" if node.place else ""),
    ]


def _remarked(state: State, texts: Iterable[str]) -> str:
    style = {State.FITS: "what", State.OVER: "what is-over", State.UNKNOWN: "what is-unknown"}[state]
    return "".join(f'<span class="{style}">{marked_up(text)}</span>' for text in texts)


def _table(name: str, rows: Sequence[tuple[str, Sequence[_Cell]]], heading: str) -> Iterator[str]:
    """A table with ids for its rows; roles are said once more for when it is laid out as something else."""
    yield f'<table role="table" aria-labelledby="{heading}"><thead role="rowgroup"><tr role="row">'
    for cell in rows[0][1]:
        style = f' class="{cell.style}"' if cell.style else ""
        yield f'<th scope="col" role="columnheader"{style}>{cell.heading}</th>'
    yield '</tr></thead><tbody role="rowgroup">'
    for number, (title, (first, *others)) in enumerate(rows):
        yield f'<tr role="row" id="{name}-{number}" data-title="{marked_up(title)}">'
        yield f'<th scope="row" role="rowheader">{first.html}</th>'
        for cell in others:
            style = f' class="{cell.style}"' if cell.style else ""
            yield f'<td role="cell" data-label="{cell.heading}"{style}>{cell.html}</td>'
        yield "</tr>"
    yield "</tbody></table>"


def _notes(name: str, heading: str, notes: Iterable[str]) -> Iterator[str]:
    items = "".join(f"<li>{marked_up(note)}</li>" for note in notes)
    if items:
        yield f'<section aria-labelledby="{name}"><h2 id="{name}">{heading}</h2>'
        yield f'<ul class="notes">{items}</ul></section>'


def _nothing(picture: Picture) -> Iterator[str]:
    yield f'<section aria-labelledby="nothing"><h2 id="nothing">Nothing to draw</h2><p>{NOTHING}</p></section>'
    yield from _notes("notes", "What was looked at, and what to try", picture.notes)
