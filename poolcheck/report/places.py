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


class Places:
    """The files of a project. What is put together of pieces that stand in them is where these stand."""

    def __init__(self, texts: Mapping[str, str], renderings: Renderings | None = None) -> None:
        self._texts = texts
        self._renderings = renderings
        self._positions: dict[str, Positions] = {}

    def of(self, span: Span | None) -> Place | None:
        """Where a span begins; None where its file is not there."""
        if span is None:
            return None
        path, start, _ = self._renderings.written(span) if self._renderings else span
        if path not in self._texts:
            return None
        if path not in self._positions:
            self._positions[path] = Positions(self._texts[path])
        line, column = self._positions[path].position(start)
        return Place(path, line, column)

    def line(self, span: Span | None) -> str:
        """Where a span begins, as `path:line` or as another project wrote it down; nothing without a span."""
        place = self.of(span)
        return f"{visible(place.path)}:{place.line}" if place else visible(span.path) if span else ""

    def exact(self, span: Span) -> str:
        """Where a span begins, as `path:line:column`; its path alone where its file is not there."""
        place = self.of(span)
        return f"{visible(place.path)}:{place.line}:{place.column}" if place else visible(span.path)
