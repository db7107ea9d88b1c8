"""Where Python source writes out passwords, tokens and keys."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from poolcheck.report.secrets import HARMLESS, NAME, SPEAKS_OF_ONE, Part, secrets_in_text

_STRING_OR_COMMENT = re.compile(
    r"""\#[^\n]*
    | (?P<prefix> \b[rbuft]{1,2} )? (?:
        \"\"\" (?P<a> (?: [^"\\]++ | \\. | "(?!"") )*+ ) (?:\"\"\")?
      | '''    (?P<b> (?: [^'\\]++ | \\. | '(?!'') )*+ ) (?:''')?
      | "      (?P<c> (?: [^"\\\n]++ | \\. )*+ ) "?
      | '      (?P<d> (?: [^'\\\n]++ | \\. )*+ ) '?
    )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_REPLACED = re.compile(r"\{[^{}]*\}")
_BEFORE_A_SECRET = re.compile(
    rf"""{NAME} ["']? \]? (?: \s*:[^=,\n"']{{1,60}} )? (?: \s*[=!]?=\s* | \s*:[ \t]* ) (?: \(\s* )? (?:
        (?:\w+\.)* (?:SecretStr|Field|quote|quote_plus|str)\( \s*(?:default\s*=\s*)?  # SecretStr("x")
      | [^\n,;]{{0,99}} \b(?:or|else)\s+                                             # getenv("X") or "x"
      | [\w.]+\( \s*["'][^"'\n]*["'] \s*,\s* (?:[^()\n]{{0,60}}=\s*)?                # getenv("X", "x")
    )?\Z""",
    re.VERBOSE,
)
_BEFORE_ITS_DEFAULT = re.compile(
    rf"""\w\( \s* ["'] [\w.-]{{0,64}}? {NAME} ["'] \s*,\s* (?:[^()\n]{{0,60}}=\s*)? \Z""",
    re.VERBOSE,
)
_HINT = re.compile(rf":// | {SPEAKS_OF_ONE}", re.VERBOSE)
_REACH = 200
"""So many characters before a string in Python say whether it is a secret."""


def secrets_in_python(text: str) -> Iterator[Part]:
    """Strings that are a secret, and secrets in strings and comments; code itself has none."""
    hints = [hint.end() for hint in _HINT.finditer(text)]
    for token in _STRING_OR_COMMENT.finditer(text):
        start, end = token.span(token.lastgroup or 0)
        nearest = bisect_left(hints, start - _REACH)
        if nearest == len(hints) or hints[nearest] > end:
            continue
        if token.lastgroup and _is_for_a_secret(text, token.start()):
            parts: Iterable[Part] = [(start, end)]
        else:
            parts = secrets_in_text(text, start, end)
        for part in parts:
            if "f" in (token["prefix"] or "").lower():
                yield from _outside_braces(text, *part)
            else:
                yield part


def _is_for_a_secret(text: str, start: int) -> bool:
    """Whether a string is the value of a name that speaks of a secret, or what is taken for want of one."""
    for form in (_BEFORE_A_SECRET, _BEFORE_ITS_DEFAULT):
        if (found := form.search(text, max(start - _REACH, 0), start)) and not HARMLESS.search(found["name"]):
            return True
    return False


def _outside_braces(text: str, start: int, end: int) -> Iterator[Part]:
    """The text of a formatted string without the expressions in it."""
    for replaced in _REPLACED.finditer(text, start, end):
        yield start, replaced.start()
        start = replaced.end()
    yield start, end
