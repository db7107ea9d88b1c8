"""`poolcheck map`."""

import os
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from io import TextIOWrapper
from typing import TextIO

from poolcheck.budget.accounts import budget
from poolcheck.command.project import Budgeted, budgeted
from poolcheck.command.refused import Refused
from poolcheck.picture import Picture
from poolcheck.read.fault import ReadFault, SyntaxFault
from poolcheck.report.pictured import pictured
from poolcheck.report.places import Places
from poolcheck.report.terminal import has_color

USUAL_WIDTH = 100
"""The cells of a line where no terminal says how many it has."""
TRY = (
    "poolcheck map is best given the folder, or the folders, that hold both the manifests and the source: "
    "poolcheck map deploy services",
    "`poolcheck check --show-files` lists the files that it looks at.",
    "What no file shows can be stated in [tool.poolcheck.databases], .poolers and .workloads, in pyproject.toml.",
)


def run(options: Namespace) -> int:
    """Draws what connects to what, in every form and to every place that is asked for. Raises Refused."""
    project = budgeted(options)
    places = Places(project.texts, project.renderings)
    picture = pictured(_title(options), project.facts, budget(project.facts), places)
    picture = picture._replace(notes=(*picture.notes, *_faults(project, places)))
    if not picture.nodes:
        picture = picture._replace(notes=(_looked_at(project, options), *picture.notes, *TRY))
    for form, path in options.output_format or [("text", None)]:
        if path is None:
            _draw(picture, form, sys.stdout, options)
            continue
        try:
            with open(path, "w", encoding="utf-8", errors="replace", newline="") as stream:
                _draw(picture, form, stream, options)
        except OSError as error:
            raise Refused(f"{path}: cannot be written: {error.strerror or error}") from None
    return 0


def _title(options: Namespace) -> str:
    names = [os.path.basename(os.path.abspath(path)) or path for path in options.paths]
    return f"Connections of {', '.join(names)}"


def _faults(project: Budgeted, places: Places) -> Iterator[str]:
    """What of the project cannot be read, and so is not drawn."""
    for each in project.system.documents:
        if isinstance(each, ReadFault | SyntaxFault):
            yield f"{places.exact(each.span)} cannot be read: {each.message}"


def _looked_at(project: Budgeted, options: Namespace) -> str:
    where = " and ".join(options.paths)
    if not project.files:
        return f"No .ini, .yaml, .yml or .py files were found in {where}."
    kinds = Counter(os.path.splitext(path)[1].lower() for path in project.texts)
    found = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()) if kind)
    return f"{project.files} files were looked at in {where}" + (f"; of interest were {found}." if found else ".")


def _draw(picture: Picture, form: str, stream: TextIO, options: Namespace) -> None:
    if form == "text":
        from poolcheck.report.map_text import Paper, needs_ascii, tree
        from poolcheck.report.styled import write

        write(
            tree(picture, Paper(_width(stream), needs_ascii(stream))),
            stream,
            color=has_color(options.color, stream),
        )
        return
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="replace")
    stream.write(_document(picture, form))


def _document(picture: Picture, form: str) -> str:
    if form == "mermaid":
        from poolcheck.report.map_mermaid import flowchart

        return "".join(f"{line}\n" for line in flowchart(picture))
    if form == "svg":
        from poolcheck.report.map_svg import standalone

        return standalone(picture)
    from poolcheck.report.map_html import page

    return page(picture)


def _width(stream: TextIO) -> int:
    """How many cells of a terminal there are for a line."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_WIDTH
    except (OSError, ValueError):
        return USUAL_WIDTH
