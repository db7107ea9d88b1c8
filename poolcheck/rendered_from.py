"""Which template a place in rendered manifests came from, as Helm says above each of them."""

import re

from poolcheck.finding import Finding, Note
from poolcheck.source import Span

_SEPARATOR = "\n---"
_SOURCE = re.compile(r"^# Source: (?P<path>[^\s/]+/(?:[^\s/]+/)*(?:templates|crds)/[^\s]+)[ \t\r]*$", re.MULTILINE)
"""`helm template` writes the chart's name, the charts in it, and the file. Others write addresses there."""


def with_template(finding: Finding, text: str) -> Finding:
    """A finding in a text, with a note that names the template if its document says from which it is."""
    found = _template(finding.span, text)
    if found is None:
        return finding
    place = Span(finding.span.path, *found.span("path"))
    return finding._replace(notes=(*finding.notes, Note(place, f"rendered from {found['path']}")))


def _template(span: Span, text: str) -> re.Match[str] | None:
    start = text.rfind(_SEPARATOR, 0, span.start + len(_SEPARATOR) - 1) + 1
    end = text.find(_SEPARATOR, span.start)
    return _SOURCE.search(text, start, end if end >= 0 else len(text))
