"""The statements of an SQL text that PgBouncer sends as it stands, cut as PostgreSQL's lexer cuts them."""

import re
from typing import TypeAlias

Statement: TypeAlias = tuple[str, ...]
"""Words, names, strings, numbers and signs. Words that are not quoted are in capitals."""

_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<end>;)
      | (?P<string>[Ee]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(?P<tag>\w*)\$.{0,2000}?\$(?P=tag)\$)
      | (?P<name>"(?:[^"]|"")+")
      | (?P<open>'|"|/\*)
      | (?P<word>[^\W\d][\w$]*)
      | (?P<other>[\d.]+|.)""",
    re.VERBOSE | re.DOTALL,
)


def statements(text: str) -> tuple[Statement, ...] | None:
    """The statements, without comments and without empty ones; None where a quote or a comment never closes."""
    found: list[Statement] = []
    statement: list[str] = []
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "open":
                return None
            case "end":
                found.append(tuple(statement))
                statement = []
            case "word":
                statement.append(token[0].upper())
            case "blank":
                pass
            case _:
                statement.append(token[0])
    return tuple(each for each in (*found, tuple(statement)) if each)
