"""Keeps from a report what nobody may read there: passwords, tokens and keys."""

import re
from collections.abc import Iterable

from poolcheck.files import Format, format_of
from poolcheck.source import Edit

_SIGNS = ("pass", "pwd", "secret", "token", "api", "://", '" ', '"\t')
"""Without one of these, in whatever case, a text has no secret, and the patterns need not be compiled: 3 ms."""

_NAME_OF_AUTH_FILE = re.compile(r"user_?list|users|auth", re.IGNORECASE)
"""What PgBouncer's auth_file is called; in it stands a secret on every line, with quotes or without."""

_REACH = 10_000
"""So many characters of a line on either side of an edit say whether it writes a secret."""


def redact(text: str, path: str) -> str:
    """The text of a file with `*` in place of every character of a secret: all places stay where they were."""
    if format_of(path) is None and _NAME_OF_AUTH_FILE.search(path):
        from poolcheck.report.secrets import secrets_in_auth_file

        return _hide(text, secrets_in_auth_file(text))
    if not _has_sign(text):
        return text
    if format_of(path) is Format.PYTHON:
        from poolcheck.report.python_secrets import secrets_in_python

        return _hide(text, secrets_in_python(text))

    from poolcheck.report.secrets import secrets_in_objects, secrets_in_text

    return _hide(text, (*secrets_in_text(text, 0, len(text)), *secrets_in_objects(text)))


def redact_message(message: str) -> str:
    """A message without the secrets in what it quotes: those in URLs, and in `password=x`."""
    if not _has_sign(message):
        return message

    from poolcheck.report.secrets import named_secrets, secrets_in_urls

    whole = (0, len(message))
    return _hide(message, (*secrets_in_urls(message, *whole), *named_secrets(message, *whole, signs="=")))


def writes_secret(edit: Edit, text: str) -> bool:
    """Whether an edit of the text writes a secret, judged by the line that it makes and the line before."""
    path, start, end = edit.span
    line = text.rfind("\n", 0, max(text.rfind("\n", 0, start), 0)) + 1
    before = text[max(line, start - _REACH) : start]
    behind = text[end : end + _REACH].partition("\n")[0]
    shown = redact(before + edit.text + behind, path)
    return shown[len(before) : len(before) + len(edit.text)] != edit.text


def _has_sign(text: str) -> bool:
    lowered = text.lower()
    return any(sign in lowered for sign in _SIGNS)


def _hide(text: str, secrets: Iterable[tuple[int, int]]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in sorted(secrets):
        if end > done:
            hidden = max(start, done)
            pieces += (text[done:hidden], re.sub(r"\S", "*", text[hidden:end]))
            done = end
    return "".join(pieces) + text[done:]
