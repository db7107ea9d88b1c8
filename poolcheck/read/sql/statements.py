"""A text of SQL cut into its statements."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from poolcheck.read.sql.tokens import Kind, Token, tokens


class Statement(NamedTuple):
    """The tokens of one statement, of which there is at least one, without its semicolon."""

    tokens: tuple[Token, ...]

    @property
    def start(self) -> int:
        """Where its first token begins in the text."""
        return self.tokens[0].start

    @property
    def end(self) -> int:
        """Behind its last token."""
        return self.tokens[-1].end

    def words(self, count: int) -> tuple[str, ...]:
        """The first words and signs in capitals; "" for what is neither."""
        return tuple(token.word for token in self.tokens[:count])


@lru_cache(maxsize=256)
def statements(text: str) -> tuple[Statement, ...]:
    """The statements of a text, without empty ones.

    A semicolon ends none inside of parentheses, as in a rule's actions, nor in a function's body between `BEGIN
    ATOMIC` and its `END`.
    """
    return tuple(Statement(tuple(each)) for each in _cut(text) if each)


def _cut(text: str) -> Iterator[list[Token]]:
    statement: list[Token] = []
    depth = blocks = 0
    for token in tokens(text):
        if token.kind is Kind.SIGN:
            if token.text == ";" and depth == 0 and blocks == 0:
                yield statement
                statement = []
                continue
            depth = max(0, depth + (token.text == "(") - (token.text == ")"))
        elif token.kind is Kind.WORD:
            blocks = _blocks(blocks, token.word, statement)
        statement.append(token)
    yield statement


def _blocks(blocks: int, word: str, before: list[Token]) -> int:
    """How many of `BEGIN ATOMIC` and `CASE` are open behind a word."""
    if word == "ATOMIC" and before and before[-1].word == "BEGIN" and before[0].word == "CREATE":
        return blocks + 1
    if word == "CASE" and blocks:
        return blocks + 1
    return blocks - 1 if word == "END" and blocks else blocks
