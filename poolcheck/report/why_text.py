"""Values at a line and their ways, for people to read."""

from collections.abc import Iterator, Sequence

from poolcheck.link.answers import Answer, Step
from poolcheck.report.glyphs import flat, visible
from poolcheck.report.styled import Line, Segment, Style
from poolcheck.report.why_words import NOT_KNOWN, Pages, Words

WIDEST = 88
"""A longer line of a file is cut."""


def described(found: Sequence[Answer], pages: Pages) -> Iterator[Line]:
    """Each value with its way, from where it is used to where it is written; a blank line between two."""
    for number, answer in enumerate(found):
        if number:
            yield ()
        words = pages.words(answer)
        is_known = words.text != NOT_KNOWN
        yield (
            Segment(f"{answer.name} of {answer.of}", Style.MESSAGE),
            Segment(": "),
            Segment(flat(words.text), Style.INFO if is_known else Style.WARNING),
            Segment(_provided(words)),
        )
        yield from _way(answer, pages)


def _provided(words: Words) -> str:
    """What must hold for a value."""
    unless = f", unless {' or '.join(words.variables)} is set" if words.variables else ""
    provided = f", assuming {' and '.join(words.assumptions)}" if words.assumptions else ""
    return unless + provided


def _way(answer: Answer, pages: Pages) -> Iterator[Line]:
    steps = [*_lines(answer, pages)]
    places = [":".join(map(str, (visible(step.span.path), *pages.start(step.span)))) for step in steps]
    width = max(map(len, places), default=0)
    for step, place in zip(steps, places, strict=True):
        line = flat(pages.line(step.span))
        shown = line if len(line) <= WIDEST else f"{line[: WIDEST - 1]}…"
        yield (
            Segment(f"  {place:{width}}  ", Style.MARGIN),
            Segment(shown),
            Segment(f"  <- {flat(step.text)}" if step.text else "", Style.NOTE),
        )


def _lines(answer: Answer, pages: Pages) -> Iterator[Step]:
    """The steps of a way, but for those that go on in the same line and say no more of it."""
    before: Step | None = None
    for step in filter(pages.has, answer.steps):
        if before and pages.is_same_line(before.span, step.span):
            before = before._replace(text=before.text or step.text)
            continue
        if before:
            yield before
        before = step
    if before:
        yield before
