"""YAML that Helm or Jinja makes of a template, read as far as it is told.

What controls a template stands on lines of its own: they are blank. Of two branches the first is read. What is put
in stands for itself, a text that nobody knows.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

PUT_IN = "\ue000"
"""Stands for each character of what is put in: YAML has nothing against it, and nobody writes it."""

_OPENS = re.compile(r"\{[{%#]")
_CLOSES = {"{{": "}}", "{%": "%}", "{#": "#}"}
_LONGEST = 1_000
"""Characters in which a tag closes, so that a file full of openings costs no more than its length."""
_FARTHEST = 200
"""Characters that a tag on a line of its own may be away from the ends of the line."""
_WORD = re.compile(r"-?\s*(\w*)")
_OPENING = frozenset({"if", "with", "range", "define", "block", "for", "macro", "filter", "call"})
_OTHERWISE = frozenset({"else", "elif"})
_BREAK = re.compile(r"[^\n]")


class _Tag(NamedTuple):
    """Where a tag is, whether it has its lines for itself, and the word that it begins with."""

    start: int
    end: int
    is_alone: bool
    word: str


def may_be_template(text: str) -> bool:
    """Whether there is anything of a template in it."""
    return "{{" in text or "{%" in text


def filled(text: str) -> str:
    """The text as YAML, character for character at its place."""
    pieces: list[str] = []
    done = 0
    for start, end, is_blank in _changes(text):
        if start >= done:
            pieces += (text[done:start], _blank(text[start:end]) if is_blank else PUT_IN * (end - start))
            done = end
    return "".join(pieces) + text[done:]


def _changes(text: str) -> Iterator[tuple[int, int, bool]]:
    """The parts that are not read, in their order: they are blank, or they stand for what is put in."""
    opened: list[int | None] = []
    hidden_from: int | None = None
    for tag in _tags(text):
        if tag.word in _OPENING:
            opened.append(None)
        elif tag.word in _OTHERWISE and opened and tag.is_alone:
            if hidden_from is None:
                hidden_from = tag.start
                opened[-1] = tag.start
        elif tag.word.startswith("end") and opened and opened.pop() is not None and hidden_from is not None:
            yield hidden_from, tag.end, True
            hidden_from = None
            continue
        if hidden_from is None:
            yield tag.start, tag.end, tag.is_alone


def _tags(text: str) -> Iterator[_Tag]:
    at, last = 0, {closing: text.rfind(closing) for closing in _CLOSES.values()}
    while opening := _OPENS.search(text, at):
        start, closing = opening.start(), _CLOSES[opening[0]]
        is_closed = opening.end() <= last[closing]
        end = text.find(closing, opening.end(), opening.end() + _LONGEST) if is_closed else -1
        at = opening.end() if end < 0 else end + len(closing)
        if end >= 0:
            word = _WORD.match(text, opening.end(), end)
            yield _Tag(start, at, _is_alone(text, start, at), word[1] if word else "")


def _is_alone(text: str, start: int, end: int) -> bool:
    """Whether there is nothing else in the lines."""
    line = text.rfind("\n", max(0, start - _FARTHEST), start) + 1
    if line == 0 and start > _FARTHEST:
        return False
    behind = text[end : end + _FARTHEST].partition("\n")[0]
    return not text[line:start].strip() and not behind.strip()


def _blank(text: str) -> str:
    return _BREAK.sub(" ", text)
