"""The queries that PgBouncer sends as they stand: their statements, and the comments behind them that are none."""

import re
from typing import TypeAlias

from poolcheck.read.sql import statements as sql
from poolcheck.read.sql.tokens import Kind

Statement: TypeAlias = tuple[str, ...]
"""Words, names, strings, numbers and signs. Words that are not quoted are in capitals."""

_NAME = r'(?:[^\W\d][\w$]*|"[^"]+")'
_RESETS = {
    "CLOSE": _NAME,
    "DEALLOCATE": rf"(?:PREPARE )?{_NAME}",
    "DISCARD": "ALL|PLANS|SEQUENCES|TEMP|TEMPORARY",
    "RESET": rf"{_NAME}(?: \. {_NAME})*|SESSION AUTHORIZATION|TIME ZONE|TRANSACTION ISOLATION LEVEL",
    "UNLISTEN": rf"{_NAME}|\*",
}
"""The commands that reset something, and what stands behind them. PostgreSQL's manual, SQL Commands."""
_OTHER_COMMANDS = frozenset(
    {
        "ABORT", "BEGIN", "CALL", "COMMIT", "CREATE", "DELETE", "DO", "END", "EXECUTE", "INSERT", "LISTEN", "LOAD",
        "NOTIFY", "PREPARE", "RELEASE", "ROLLBACK", "SAVEPOINT", "SELECT", "SET", "SHOW", "START", "TABLE",
        "TRUNCATE", "UPDATE", "VALUES", "WITH",
    }
)  # fmt: skip
"""What a second statement of such a query may begin with, and no comment is likely to."""

_AT_THE_START = r"^[;#][ \t]+[^ \t].*"
_BEHIND_QUERY = re.compile(rf"{_AT_THE_START}|(?<=[ \t]);[ \t]*[^\W\d_].*")
_BEHIND_RESET = re.compile(rf"{_AT_THE_START}|(?<=[ \t])(?:;[ \t]*[^\W\d_]|#[ \t]*[^ \t]).*")


def statements(text: str) -> tuple[Statement, ...] | None:
    """The statements, without comments and without empty ones; None where a quote or a comment never closes."""
    found = sql.statements(text)
    if any(token.kind is Kind.OPEN for statement in found for token in statement.tokens):
        return None
    return tuple(tuple(token.word or token.text for token in statement.tokens) for statement in found)


def is_reset(statement: Statement) -> bool | None:
    """Whether a statement that begins as a command that resets something is one; None where it does not."""
    form = _RESETS.get(statement[0])
    return None if form is None else re.fullmatch(form, " ".join(statement[1:])) is not None


def comment_behind(query: str, *, is_reset_query: bool = False) -> re.Match[str] | None:
    """The end of a query that can only be a comment to who wrote it, which PostgreSQL does not take for one.

    `#` is an operator in most queries, and none in those that reset a session.
    """
    found = (_BEHIND_RESET if is_reset_query else _BEHIND_QUERY).search(query)
    return None if found is None or _goes_on(query) else found


def _goes_on(query: str) -> bool:
    """Whether a query may be more than one statement, or have a string in which anything may stand."""
    found = statements(query)
    return found is None or "'" in query or "$$" in query or any(map(_is_command, found[1:]))


def _is_command(statement: Statement) -> bool:
    return is_reset(statement) or statement[0] in _OTHER_COMMANDS
