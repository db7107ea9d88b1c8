"""Which fixes can be made together, and the texts they make."""

from bisect import bisect, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from poolcheck.finding import Finding, Fix
from poolcheck.source import Edit, apply


class Mended(NamedTuple):
    """The new texts of the files that change, by path, and the findings whose fixes were made."""

    texts: Mapping[str, str]
    findings: tuple[Finding, ...]


def mend(findings: Iterable[Finding], texts: Mapping[str, str], *, unsafe: bool = False) -> Mended:
    """The texts after the fixes of these findings, in their order.

    A fix whose edits meet those of one made before is left out whole; it can be made once the findings in the
    new texts are known.
    """
    edits: dict[str, list[Edit]] = defaultdict(list)
    made: list[Finding] = []
    for finding in findings:
        if finding.fix and (finding.fix.safe or unsafe) and _fits(finding.fix, edits):
            made.append(finding)
            for edit in finding.fix.edits:
                insort(edits[edit.span.path], edit, key=_place)
    return Mended({path: apply(texts[path], edits[path]) for path in sorted(edits)}, tuple(made))


def _fits(fix: Fix, edits: Mapping[str, list[Edit]]) -> bool:
    return not any(_meets(edit, edits.get(edit.span.path, [])) for edit in fix.edits)


def _meets(edit: Edit, others: list[Edit]) -> bool:
    """Whether an edit shares a character, or the place of an insertion, with one of the others."""
    at = bisect(others, _place(edit), key=_place)
    before, after = others[at - 1 : at], others[at : at + 1]
    return any(_touch(edit, other) for other in before + after)


def _touch(one: Edit, other: Edit) -> bool:
    return one.span == other.span or (one.span.start < other.span.end and other.span.start < one.span.end)


def _place(edit: Edit) -> tuple[int, int]:
    return edit.span.start, edit.span.end
