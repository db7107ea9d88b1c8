"""Values in words, and their ways in lines of the files, with nothing secret in them."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from poolcheck.amount import Amount
from poolcheck.functions import Scalar
from poolcheck.link.answers import Answer, Step
from poolcheck.report.positions import Position, Positions
from poolcheck.report.redact import redact, redact_message
from poolcheck.source import Span
from poolcheck.value import HOLE, Computed, Known, Places, Unknown, Value, by_default, options_of, variables_of

HIDDEN = "*****"
NOT_KNOWN = "not known"
_SPEAKS_OF_A_SECRET = re.compile(r"pass(?!ive)|pwd|secret|token|credential|api_?key", re.IGNORECASE)


class Words(NamedTuple):
    """What a value is in words, exactly where that is known, and the variables and assumptions it depends on."""

    text: str
    scalars: tuple[Scalar, ...] | None
    low: int | None = None
    high: int | None = None
    variables: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()


class Pages:
    """The texts of the files, and what may be shown of them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._pages = {path: _Page(path, text) for path, text in texts.items()}

    def start(self, span: Span) -> Position:
        """The line and the column at which a place begins."""
        return self._pages[span.path].positions.position(span.start)

    def end(self, span: Span) -> Position:
        """The line and the column behind a place."""
        return self._pages[span.path].positions.position(span.end)

    def line(self, span: Span) -> str:
        """The line that a place begins on, without blanks around it."""
        page = self._pages[span.path]
        return Positions(page.shown).line_text(self.start(span).line).strip()

    def is_same_line(self, one: Span, other: Span) -> bool:
        """Whether two places begin on one line."""
        return one.path == other.path and self.start(one).line == self.start(other).line

    def has(self, step: Step) -> bool:
        """Whether the text of a place is there."""
        return step.span.path in self._pages

    def is_secret(self, places: Places) -> bool:
        """Whether a part of what is written where a value comes from may not be shown."""
        last = places[-1] if places else None
        page = self._pages.get(last.path) if last else None
        return bool(last and page and page.shown[last.start : last.end] != page.text[last.start : last.end])

    def _without_secrets(self, text: str, written: Span) -> str:
        """A text as far as the file shows it where it is written."""
        page = self._pages[written.path]
        at = page.text.find(text, written.start, written.end)
        shown = page.shown[at : at + len(text)] if at >= 0 else ""
        return shown if shown.strip("*") else HIDDEN

    def words(self, answer: Answer) -> Words:
        """What an answer's value is in words."""
        if isinstance(answer.value, Amount):
            return _counted(answer.value)
        if answer.is_secret or _SPEAKS_OF_A_SECRET.search(answer.name):
            return Words(HIDDEN, None)
        return self._worded(answer.value)

    def _worded(self, value: Value) -> Words:
        settled, _ = by_default(value)
        options = [self._text(option) for option in options_of(settled or value)]
        known = [option.scalar for option in options_of(settled or value) if isinstance(option, Known)]
        is_open = len(known) < len(options) or any(map(self._hides, options_of(settled or value)))
        text = " or ".join(dict.fromkeys(redact_message(option) for option in options))
        return Words(text, None if is_open else tuple(known), variables=variables_of(value))

    def _hides(self, option: Value) -> bool:
        return isinstance(option, Known) and self.is_secret(option.places)

    def _text(self, value: Value) -> str:
        """A value as it is shown; what is not known of a text is `…`."""
        shown = self._pieces(value)
        return NOT_KNOWN if shown.strip(HOLE) == "" and HOLE in shown else shown.replace(HOLE, "…")

    def _pieces(self, value: Value) -> str:
        match value:
            case Unknown(_):
                return HOLE
            case Known(scalar, places) if self.is_secret(places):
                return self._without_secrets(str(scalar), places[-1])
            case Known(scalar, _):
                return '""' if scalar == "" else str(scalar)
            case Computed("join", parts, _):
                return "".join("" if part == Known("", part.places) else self._pieces(part) for part in parts)
            case _:
                return HOLE


def _counted(amount: Amount) -> Words:
    """A number of connections, pods or processes, and how it comes about."""
    assumptions = tuple(dict.fromkeys(each.assumption for each in amount.because if each.assumption))
    if amount.high is None and amount.low == 0:
        return Words(NOT_KNOWN, None, assumptions=assumptions)
    low, high = _sum(amount.low_sum, amount.low), _sum(amount.most_sum, amount.most)
    text = low if low == high else f"{low} to {high}"
    text = f"at least {low}" if amount.high is None else text
    scalars = (amount.low,) if amount.low == amount.high else None
    return Words(text, scalars, amount.low, amount.high, assumptions=assumptions)


def _sum(written: str, number: int) -> str:
    return f"{number} ({written})" if written != str(number) else written


class _Page:
    """One file."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def positions(self) -> Positions:
        """Where its characters stand."""
        return Positions(self.text)

    @cached_property
    def shown(self) -> str:
        """Its text with `*` for what is secret."""
        return redact(self.text, self.path)
