"""The tokens of SQL, cut as PostgreSQL's lexer cuts them, with the placeholders that drivers put values in for.

PostgreSQL's manual, Lexical Structure, and its scan.l. Nothing here fails: what never closes is one token to the
end of the text.
"""

import re
from collections.abc import Iterator
from enum import StrEnum, auto
from functools import cache, lru_cache
from typing import NamedTuple

HOLE = "\0"
"""Stands in a text for a part that is not known. No SQL has this character."""


class Kind(StrEnum):
    """What a token is. OPEN is a string, a quoted name or a comment that never closes."""

    WORD = auto()
    NAME = auto()
    STRING = auto()
    NUMBER = auto()
    PLACEHOLDER = auto()
    OPERATOR = auto()
    SIGN = auto()
    OPEN = auto()


class Token(NamedTuple):
    """A token and where it begins in its text.

    A WORD is a keyword or a name without quotes, and may have a HOLE in it; a NAME has quotes. A SIGN is one of
    `( ) [ ] , ; : . :: .. :=`; a STRING has all the parts that PostgreSQL joins into one.
    """

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Behind its last character."""
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """A word in capitals, a sign as it is; "" for what is quoted, and for values."""
        return self.text.upper() if self.kind in _TELLING else ""


_TELLING = frozenset({Kind.WORD, Kind.SIGN, Kind.OPERATOR})

_SIGNS = r":-@\[-^`{-\x7f"
_LETTER = rf"[^\0-9{_SIGNS}]"
_LETTER_OR_DIGIT = rf"[^\0-/{_SIGNS}]"
_IN_NAME = rf"[^\0-\#%-/{_SIGNS}]"
_BEGINS_WORD = rf"[^\1-9{_SIGNS}]"
_IN_WORD = rf"[^\1-\#%-/{_SIGNS}]"
"""All but the signs of ASCII are letters; a word may have a HOLE. A range to the last letter compiles slowly."""
_OPERATORS = r"~!@\#^&|`?+\-*/%<>="
_GOES_ON = r"(?:[ \t\f\v]|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*+[\n\r])*+"
"""What may stand between the parts of a string: blanks and comments with a line break in them."""
_DIGITS = r"[0-9](?:_?[0-9])*+"

_TOKEN = rf"""
    (?P<blank> [ \t\n\r\f\v]++ | --[^\n\r]*+ )
  | (?P<comment> /\* )
  | (?P<escaped> [Ee]'(?:[^'\\]|\\.)*+' (?: (?:{_GOES_ON})?+ '(?:[^'\\]|\\.)*+' )*+ )
  | (?P<bits> [BbXx]'[^']*+' (?: {_GOES_ON} '[^']*+' )*+ )
  | (?P<string> (?:[Uu]&)?+ '[^']*+' (?: (?:{_GOES_ON})?+ '[^']*+' )*+ )
  | (?P<name> (?:[Uu]&)?+ "[^"]*+" (?: "[^"]*+" )*+ )
  | (?P<never> (?:[EeBbXx]|[Uu]&)?+ ' | (?:[Uu]&)?+ " )
  | (?P<dollar> \$ (?:{_LETTER}{_LETTER_OR_DIGIT}*+)?+ \$ )
  | (?P<placeholder>
        \$[0-9]++
      | % (?: \([^()'"\n]*+\) )?+ [sbt] (?!{_IN_NAME})
      | (?<!:) : (?!:) {_LETTER}{_LETTER_OR_DIGIT}*+
      | \{{ [^{{}}'"\n;]*+ \}}
      | \? (?![{_OPERATORS}])
      | {HOLE} (?!{_IN_NAME})
    )
  | (?P<word> {_BEGINS_WORD}{_IN_WORD}*+ )
  | (?P<number>
        0[xX](?:_?[0-9a-fA-F])++ | 0[oO](?:_?[0-7])++ | 0[bB](?:_?[01])++
      | (?: {_DIGITS} (?: \.(?!\.) (?:{_DIGITS})?+ )?+ | \.{_DIGITS} ) (?: [eE][+-]?+{_DIGITS} )?+
    )
  | (?P<sign> :: | := | \.\. | [()\[\],;:.] )
  | (?P<operator> (?: (?! -- | /\* | %(?:\([^()'"\n]*+\))?+[sbt](?!{_IN_NAME}) ) [{_OPERATORS}] ){{1,64}}+ )
  | (?P<other> . )
    """


@cache
def _token() -> re.Pattern[str]:
    """Compiled when there is SQL, as that takes longer than to read a file that has none."""
    return re.compile(_TOKEN, re.VERBOSE | re.DOTALL)


_COMMENT_MARK = re.compile(r"/\*|\*/")
_MAY_END_IN_SIGN = frozenset("~!@#^&|`?%")
_KINDS = {
    "escaped": Kind.STRING,
    "bits": Kind.STRING,
    "string": Kind.STRING,
    "name": Kind.NAME,
    "word": Kind.WORD,
    "number": Kind.NUMBER,
    "placeholder": Kind.PLACEHOLDER,
    "sign": Kind.SIGN,
    "operator": Kind.OPERATOR,
    "other": Kind.SIGN,
}


@lru_cache(maxsize=256)
def tokens(text: str) -> tuple[Token, ...]:
    """All tokens of a text, without blanks and comments."""
    return tuple(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    at, match = 0, _token().match
    while found := match(text, at):
        start, at, group = at, found.end(), found.lastgroup or ""
        end: int | None = at
        if group == "blank":
            continue
        if group == "comment":
            end = _comment_end(text, at)
        elif group == "dollar":
            closing = text.find(found[0], at)
            end = closing + len(found[0]) if closing >= 0 else None
        elif group == "never":
            end = None
        elif group == "operator":
            end = start + _operator_length(found[0])
        if end is None:
            yield Token(Kind.OPEN, text[start:], start)
            return
        at = end
        if group != "comment":
            yield Token(_KINDS.get(group, Kind.STRING), text[start:at], start)


def _comment_end(text: str, at: int) -> int | None:
    """Where a comment ends that was opened; comments may be inside each other."""
    depth = 1
    for mark in _COMMENT_MARK.finditer(text, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return None


def _operator_length(text: str) -> int:
    """How much of a run of operator characters is one operator.

    It ends in `+` or `-` only where a character is in it that SQL's own operators do not have. PostgreSQL's
    manual, Lexical Structure, Operators.
    """
    if text in {"+", "-"} or not _MAY_END_IN_SIGN.isdisjoint(text):
        return len(text)
    return len(text.rstrip("+-")) or 1
