"""`poolcheck why`."""

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence

from poolcheck.command.project import project_at
from poolcheck.command.refused import Refused
from poolcheck.discover import relative
from poolcheck.link.answers import Answer, answers, at
from poolcheck.report.positions import Positions
from poolcheck.report.terminal import has_color
from poolcheck.report.why_words import Pages
from poolcheck.run import Linked
from poolcheck.source import Span

MOST_LINES = 5
"""So many lines near by are named that do hold values."""


def run(options: Namespace) -> int:
    """Prints the values at a line and where each comes from. Raises Refused."""
    path, line = _asked(options.place)
    project, settings, _ = project_at(options.paths, options, [path])
    everything = [*answers(project.system, settings.stated)]
    shown = at(_span(path, line, project), everything)
    if not shown:
        raise Refused(f"{path}:{line} holds no value that is known{_others(path, line, everything, project)}")
    pages = Pages(project.texts)
    if options.output_format == "json":
        from poolcheck.report.why_json import print_answers

        print_answers(path, line, shown, pages, sys.stdout)
    else:
        from poolcheck.report.styled import write
        from poolcheck.report.why_text import described

        write(described(shown, pages), sys.stdout, color=has_color(options.color, sys.stdout))
    return 0


def _asked(place: str) -> tuple[str, int]:
    """The file and the line that are asked for; a column behind it is left out. Raises Refused."""
    path, _, line = place.partition(":") if not os.path.exists(place) else (place, "", "")
    line = line.partition(":")[0]
    if not line.isdecimal() or int(line) == 0:
        raise Refused(f"{place!r} is not FILE:LINE, such as app/db.py:12")
    if os.path.isdir(path):
        raise Refused(f"{path} is a folder, and FILE:LINE is a line of a file")
    if not os.path.isfile(path):
        raise Refused(f"{path}: no such file")
    return relative(path), int(line)


def _span(path: str, line: int, project: Linked) -> Span:
    """The characters of a line. Raises Refused."""
    text = project.texts.get(path)
    if text is None:
        raise Refused(f"{path} holds nothing that poolcheck reads: no pool, no workload, no configuration")
    positions = Positions(text)
    if line > len(positions):
        raise Refused(f"{path} has only {len(positions)} lines")
    start, end = positions.offsets(line)
    return Span(path, start, max(end, start + 1))


def _others(path: str, line: int, everything: Iterable[Answer], project: Linked) -> str:
    """The nearest lines that hold values."""
    positions = Positions(project.texts[path])
    spans = (step.span for answer in everything for step in answer.steps if step.span.path == path)
    lines = {positions.position(span.start).line for span in spans}
    nearest: Sequence[int] = sorted(sorted(lines, key=lambda other: abs(other - line))[:MOST_LINES])
    return f"; lines near by that do: {', '.join(map(str, nearest))}" if nearest else ""
