"""Values of JSON that stand one behind the other without a separator, as kubectl takes them."""

import re
from collections.abc import Iterator

_FIRST = re.compile(r'\s*\{\s*"')
_OBJECT = re.compile(r"\s*\{")


def ends(text: str, start: int) -> Iterator[int]:
    """Where each of the objects ends that follow one another in a text, up to what is none."""
    if not _FIRST.match(text, start):
        return
    from json import JSONDecoder

    decoder = JSONDecoder()
    while begins := _OBJECT.match(text, start):
        try:
            _, start = decoder.raw_decode(text, begins.end() - 1)
        except (ValueError, RecursionError):
            return
        yield start
