"""Where something is written, for people and for programs."""

from collections.abc import Mapping
from typing import NamedTuple

from poolcheck.read.pgbouncer.rendered import Renderings
from poolcheck.report.glyphs import visible
from poolcheck.report.positions import Positions
from poolcheck.source import Span


class Place(NamedTuple):
    """A line and a column of a file, both from 1."""

    path: str
    line: int
    column: int

    @property
    def text(self) -> str:
        """The place as `path:line`, with nothing in it that could harm a terminal."""
        return f"{visible(self.path)}:{self.line}"


class Places:
    """The files of a project; what stands in none of them is where it is written."""

    def __init__(self, texts: Mapping[str, str], renderings: Renderings) -> None:
        self._texts = texts
        self._renderings = renderings
        self._positions: dict[str, Positions] = {}

    def of(self, span: Span | None) -> Place | None:
        """Where a span begins; None where its file is not there."""
        if span is None:
            return None
        path, start, _ = self._renderings.written(span)
        if path not in self._texts:
            return None
        if path not in self._positions:
            self._positions[path] = Positions(self._texts[path])
        line, column = self._positions[path].position(start)
        return Place(path, line, column)

    def line(self, span: Span | None) -> str:
        """`deploy/api.yaml:45`, or what another project wrote down; nothing where there is no place."""
        place = self.of(span)
        return place.text if place else visible(span.path) if span else ""

    def exact(self, span: Span) -> str:
        """`deploy/api.yaml:45:16`."""
        place = self.of(span)
        return ":".join(map(str, place)) if place else span.path
