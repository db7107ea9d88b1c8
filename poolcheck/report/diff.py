"""What fixes would change, as a unified diff."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from poolcheck.report.glyphs import visible
from poolcheck.report.redact import redact
from poolcheck.report.styled import Line, Segment, Style

CONTEXT = 3
"""So many lines are shown before and behind a change."""
ALIKE = 3
"""So many lines must be alike for a piece of the file to be over that is looked at closely."""
LONGEST = 2000
"""Where no such piece ends within so many lines, all that follows is one change."""


class _Change(NamedTuple):
    """Lines `old` up to `old_end` become lines `new` up to `new_end`, counted from 0."""

    old: int
    old_end: int
    new: int
    new_end: int


def diff(path: str, before: str, after: str) -> Iterator[Line]:
    """The changes to one file, as `git apply -p0` and `patch -p0` take them; nothing where there are none.

    Secrets are hidden, so a change that has one in its lines or next to them is to be looked at only.
    """
    old, new = _lines(before), _lines(after)
    hunks = list(_hunks(_changes(old, new)))
    if not hunks:
        return
    name = visible(path) + ("\t" if " " in path else "")  # the way git ends a name that has blanks
    yield (Segment(f"--- {name}", Style.MESSAGE),)
    yield (Segment(f"+++ {name}", Style.MESSAGE),)
    old, new = _lines(redact(before, path)), _lines(redact(after, path))
    for hunk in hunks:
        yield from _hunk(hunk, old, new)


def _lines(text: str) -> list[str]:
    """The lines with their ends, as git cuts them: at LF only."""
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Change]:
    """What differs, from front to back.

    Fixes make small changes to files that may be long and full of lines that are the same. Of such a file difflib
    makes one large change, in a time that grows with the square of its length; so it is given small pieces only.
    """
    here, there = 0, 0
    while here < len(old) or there < len(new):
        if old[here : here + 1] == new[there : there + 1]:
            here, there = here + 1, there + 1
        elif piece := _piece(old, new, here, there):
            yield from _within(piece, old, new)
            _, here, _, there = piece
        else:
            yield _Change(here, len(old), there, len(new))
            return


def _piece(old: Sequence[str], new: Sequence[str], here: int, there: int) -> _Change | None:
    """The shortest piece from these lines on behind which several lines are alike again."""
    for length in range(1, LONGEST + 1):
        for there_end in range(there, there + length + 1):
            here_end = here + there + length - there_end
            if old[here_end : here_end + ALIKE] == new[there_end : there_end + ALIKE]:
                return _Change(here, here_end, there, there_end)
    return None


def _within(piece: _Change, old: Sequence[str], new: Sequence[str]) -> Iterator[_Change]:
    here, here_end, there, there_end = piece
    matcher = SequenceMatcher(None, old[here:here_end], new[there:there_end], autojunk=False)
    for kind, *ends in matcher.get_opcodes():
        if kind != "equal":
            yield _Change(here + ends[0], here + ends[1], there + ends[2], there + ends[3])


def _hunks(changes: Iterable[_Change]) -> Iterator[list[_Change]]:
    """Changes in groups; those whose surroundings meet are shown together."""
    hunk: list[_Change] = []
    for change in changes:
        if hunk and change.old - hunk[-1].old_end > 2 * CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _hunk(changes: Sequence[_Change], old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    first, last = changes[0], changes[-1]
    before = min(CONTEXT, first.old)
    behind = min(CONTEXT, len(old) - last.old_end)
    start, end = first.old - before, last.old_end + behind
    old_range, new_range = _range(start, end), _range(first.new - before, last.new_end + behind)
    yield (Segment(f"@@ -{old_range} +{new_range} @@", Style.MARGIN),)
    for change in changes:
        yield from _signed(" ", old[start : change.old], Style.PLAIN)
        yield from _signed("-", old[change.old : change.old_end], Style.REMOVED)
        yield from _signed("+", new[change.new : change.new_end], Style.ADDED)
        start = change.old_end
    yield from _signed(" ", old[start:end], Style.PLAIN)


def _range(start: int, end: int) -> str:
    """Lines `start` up to `end`, counted from 0, as a hunk names them: the first, from 1, and how many."""
    if start == end:
        return f"{start},0"
    return str(end) if end == start + 1 else f"{start + 1},{end - start}"


def _signed(sign: str, lines: Iterable[str], style: Style) -> Iterator[Line]:
    for line in lines:
        yield (Segment(sign + _harmless(line.removesuffix("\n")), style),)
        if not line.endswith("\n"):
            yield (Segment("\\ No newline at end of file"),)


def _harmless(line: str) -> str:
    """The line with pictures of its control characters, but for tabs and the end of a line that ends with CRLF."""
    body = line.removesuffix("\r")
    return "\t".join(map(visible, body.split("\t"))) + line[len(body) :]
