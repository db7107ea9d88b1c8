"""Values at a line and their ways as one JSON document; version 1 may grow and does not change."""

import re
from collections.abc import Sequence
from typing import TextIO, TypeAlias

from poolcheck import __version__
from poolcheck.link.answers import Answer, Step
from poolcheck.report.why_words import Pages

VERSION = 1

Object: TypeAlias = dict[str, object]

_SURROGATE = re.compile("[\ud800-\udfff]")


def print_answers(path: str, line: int, found: Sequence[Answer], pages: Pages, stream: TextIO) -> None:
    """Writes the document. Bytes of a file that are no characters are written as U+FFFD."""
    import json

    document = {
        "version": VERSION,
        "poolcheck": __version__,
        "path": path,
        "line": line,
        "values": [_value(answer, pages) for answer in found],
    }
    text = json.dumps(document, ensure_ascii=False, indent=2)
    stream.write(_SURROGATE.sub("\ufffd", text) + "\n")


def _value(answer: Answer, pages: Pages) -> Object:
    """One value: in words, and exactly, as all that it can be or as a range; null where that is not known."""
    words = pages.words(answer)
    return {
        "name": answer.name,
        "of": answer.of,
        "text": words.text,
        "values": None if words.scalars is None else list(words.scalars),
        "low": words.low,
        "high": words.high,
        "variables": list(words.variables),
        "assumptions": list(words.assumptions),
        "steps": [_step(step, pages) for step in answer.steps if pages.has(step)],
    }


def _step(step: Step, pages: Pages) -> Object:
    start, end = pages.start(step.span)._asdict(), pages.end(step.span)._asdict()
    return {"path": step.span.path, "start": start, "end": end, "text": pages.line(step.span), "note": step.text}
