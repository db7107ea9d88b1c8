"""Who a finding is, so that another run recognizes it although lines have moved."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

from poolcheck.finding import Finding
from poolcheck.report.positions import Positions
from poolcheck.report.redact import redact
from poolcheck.source import Span

WIDEST = 200
"""So many characters of a line tell it from others."""


def fingerprints(findings: Iterable[Finding], texts: Mapping[str, str]) -> Iterator[str]:
    """For each finding 32 hexadecimal digits made of its rule, of what is at its places, and of what encloses it.

    No line number takes part. Which of several findings comes first matters only where all else is the same.
    """
    from hashlib import sha256

    @cache
    def page(path: str) -> _Page:
        return _Page(redact(texts[path], path))

    seen: Counter[tuple[str, ...]] = Counter()
    for finding in findings:
        identity = tuple(_identity(finding, page))
        seen[identity] += 1
        again = (str(seen[identity]),) if seen[identity] > 1 else ()
        yield sha256("\0".join((*identity, *again)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class _Page:
    """A text, and for each of its lines the line that encloses it and the object it is part of."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.positions = Positions(text)
        lines = [self.positions.line_text(number) for number in range(1, len(self.positions) + 1)]
        self.enclosing = _enclosing(lines)
        self.objects = _objects(lines, self.enclosing)

    def line(self, number: int) -> str:
        """The beginning of a line, with its blanks folded."""
        return _folded(self.positions.line_text(number)[:WIDEST])


def _identity(finding: Finding, page: Callable[[str], _Page]) -> Iterator[str]:
    yield finding.rule
    yield finding.span.path
    yield from _around(finding.span, page(finding.span.path))
    for note in finding.notes:
        yield note.span.path
        yield _folded(page(note.span.path).text[note.span.start : note.span.end])


def _around(span: Span, page: _Page) -> Iterator[str]:
    """What stands at a place, the part of its line before it, the lines around it, and the object it is part of.

    A place of no width stands for its line.
    """
    line, column = page.positions.position(span.start)
    before = page.positions.line_text(line)[: column - 1]
    yield _folded(page.text[span.start : span.end]) or page.line(line)
    yield _folded(before[-WIDEST:])
    yield from page.objects[line]
    while line := page.enclosing[line]:
        yield page.line(line)


def _enclosing(lines: Iterable[str]) -> list[int]:
    """For every line, counted from 1, the nearest above that is indented less; 0 where there is none.

    An item of a YAML list is deeper than the name of the list, though it need not be indented more, and the lines
    of a section in an ini file are deeper than its head. Comments and closing brackets enclose nothing.
    """
    found = [0]
    depths: list[int] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, start=1):
        content = line.lstrip()
        depth = 2 * (len(line) - len(content)) + _offset(content)
        level = bisect_left(depths, depth)
        found.append(numbers[level - 1] if level else 0)
        if content and content[0] not in "#;)]}":
            depths[level:] = [depth]
            numbers[level:] = [number]
    return found


def _offset(content: str) -> int:
    if content.startswith("-") and not content.startswith("---"):
        return 1
    return -1 if content.startswith("[") and content.rstrip().endswith("]") else 0


def _objects(lines: Sequence[str], enclosing: Sequence[int]) -> list[list[str]]:
    """For every line, counted from 1, the kind and the name of the Kubernetes object that it is part of."""
    parts: list[str] = []
    found = [parts]
    for line, outer in zip(lines, enclosing[1:], strict=True):
        if line.startswith("---"):
            parts = []
        elif line.startswith("kind:") or (outer and _names_the_object(line, lines[outer - 1])):
            parts.append(_folded(line))
        found.append(parts)
    return found


def _names_the_object(line: str, outer: str) -> bool:
    return outer.startswith("metadata:") and line.lstrip().startswith("name:")


def _folded(text: str) -> str:
    return " ".join(text.split())
