"""Places in a text that a template engine, a shell or a deployment tool fills in before PgBouncer reads it."""

import re
from collections.abc import Iterator

_OPENING = re.compile(r"\{\{|\{%|\{#|<%|%\{|\$\{|\$\(|\$[A-Za-z_]\w*")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}", "<%": "%>", "%{": "}", "${": "}", "$(": ")"}

_FILLED_IN = re.compile(r"\{\{|\{%|<%|\$\{")
_PLACEHOLDER = re.compile(r"__\w+__|@+\w+@+|%+\w+%+")
_IN_YAML = re.compile(
    r"^[ \t]*(?:-[ \t]+)?(?:\$\(|\$\{?\w+\}?|__\w+__)[ \t\r]*$|(?:^|[:-][ \t])[ \t]*(?:@+\w+@+|%+\w+%+)",
    re.MULTILINE,
)

_LONGEST = 2_000
"""How far a template's end is looked for, so that a file full of openings costs no more than its length."""


def has_template(text: str) -> bool:
    """Whether any of it is to be filled in: `{{ x }}`, `{% x %}`, `<% x %>`, `%{ x }`, `${X}`, `$(X)`, `$X`."""
    return _OPENING.search(text) is not None


def is_filled_in(value: str) -> bool:
    """Whether a template engine or `envsubst` makes something else of a value: `{{ x }}`, `{% x %}`, `${X}`."""
    return _FILLED_IN.search(value) is not None


def is_placeholder(line: str) -> bool:
    """Whether a line is but a name that a script replaces: `__DATABASES__`, `@DATABASES@`, `%DATABASES%`."""
    return _PLACEHOLDER.fullmatch(line) is not None


def is_filled_in_yaml(lines: str) -> bool:
    """Whether a script fills in these lines of YAML: a value `@NAME@`, or a line that is but `${LINES}`."""
    return _IN_YAML.search(lines) is not None


def templates(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the templates are that open between `start` and `end`; the last may close behind `end`.

    One that does not close reaches up to `end`.
    """
    while opening := _OPENING.search(text, start, end):
        start = _closed(text, opening)
        yield opening.start(), start if start >= 0 else end
        if start < 0:
            return


def masked(text: str) -> str:
    """The text with a NUL, which no ini text holds, for every character of a template."""
    pieces: list[str] = []
    done = 0
    for start, end in templates(text, 0, len(text)):
        pieces += (text[done:start], "\0" * (end - start))
        done = end
    return "".join(pieces) + text[done:]


def _closed(text: str, opening: re.Match[str]) -> int:
    """The offset behind the template, -1 where it does not close."""
    closing = _CLOSING.get(opening[0])
    if closing is None:
        return opening.end()
    found = text.find(closing, opening.end(), opening.end() + _LONGEST)
    return found + len(closing) if found >= 0 else -1
