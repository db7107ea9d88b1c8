"""The shape of Python text: which of its characters are code, and the pieces it can be cut into.

Nothing here parses. A piece that is wanted is parsed by `poolcheck.read.python.syntax.trees`.
"""

import re
from collections.abc import Iterator
from enum import StrEnum, auto
from functools import cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias


class Masked(NamedTuple):
    r"""The code in a text, every character at its offset.

    Comments, the insides of strings and line breaks behind a backslash are blanks; the quotes of strings and the
    code in the placeholders of f-strings remain. So a name that is left is code, and a line break outside brackets
    ends a logical line; every line break, and a byte-order mark, is written as `\n`. Of a text that is not sound,
    such as one with a string that never ends, none of this is certain.
    """

    text: str
    is_sound: bool


class Kind(StrEnum):
    """What a piece is: one statement, or those on one line, except for HEADER and FILE.

    HEADER is a class, with its decorators, up to its first member; the members are pieces of their own. CLASS is
    a class in one piece, such as one with its body on the same line. FILE is a file whose shape is in doubt.
    """

    STATEMENT = auto()
    FUNCTION = auto()
    CLASS = auto()
    HEADER = auto()
    FILE = auto()


class Piece(NamedTuple):
    """A part of a file that can be parsed by itself, from its first character of code to behind its last.

    `name` is what a function, a class or an assignment binds first, where that is a plain name. `scope` names the
    classes around the piece, outermost first, joined by dots; "" at the top. `indentation` is what stands before
    the piece on its line.
    """

    kind: Kind
    name: str | None
    scope: str
    start: int
    end: int
    indentation: str


MOST_NESTED = 8
"""Classes inside of more classes than this are not cut."""

ORDINARY_DEPTH = 5
ORDINARY_LINKS = 10
"""Brackets inside each other, and operators, attributes and calls in one expression, that cost next to nothing."""
MOST_STRAIN = 500_000
"""Microseconds, roughly, over what is nested deeper or chained longer than that. Beyond it libcst may crash."""
MOST_SIGNS = 60_000
"""So many of SIGNS may cost libcst three seconds and 400 MB. The longest functions of people have 10,000."""
SIGNS = "\n([{,.:;=<>"


def mask(text: str) -> Masked:
    """What is code in a text, whether Python accepts it or not."""
    shown: list[str] = []
    kinds: set[_Hidden] = set()
    done = 0
    for kind, start, end in _Lexer(text).hidden():
        kinds.add(kind)
        shown += (text[done:start], " " * (end - start))
        done = end
    masked = "".join(shown) + text[done:]
    if "\r" in masked:
        masked = masked.replace("\r\n", " \n").replace("\r", "\n")
    if masked.startswith("\ufeff"):
        masked = "\n" + masked[1:]
    # Python and libcst do not agree how far such lines are indented.
    is_odd = (_Hidden.JOIN in kinds and _JOIN_AFTER_BLANKS.search(text)) or _CODE_AFTER_FORM_FEED.search(masked)
    return Masked(masked, is_sound=_Hidden.STRAY not in kinds and not is_odd)


def comments_of(text: str) -> Iterator[tuple[int, int]]:
    """Where each comment stands, from its `#` to the end of its line; none behind a string that never ends."""
    return ((start, end) for kind, start, end in _Lexer(text).hidden() if kind is _Hidden.COMMENT)


def pieces(text: str, masked: Masked) -> tuple[Piece, ...]:
    """A text cut into pieces, in order; between them lie only blanks, comments and line breaks.

    Where it is in doubt which statements there are, one piece of the kind FILE.
    """
    if not masked.is_sound:
        return (whole(text),)
    try:
        return tuple(_cut(masked.text, 0, len(text), indentation="", scope=""))
    except _InDoubt:
        return (whole(text),)


def whole(text: str) -> Piece:
    """A file in one piece, without its byte-order mark."""
    return Piece(Kind.FILE, None, "", int(text.startswith("\ufeff")), len(text), "")


def strain(masked: Masked, start: int, end: int) -> int:
    """What libcst may take over a part of a text beyond the ordinary; not added up beyond MOST_STRAIN.

    With libcst 1.9, time and memory grow with the square of the depth of brackets (200 calls inside each other
    take 0.25 s and 90 MB, 1,000 take 11 s and 2 GB) and with the square of the length of a chain of attributes,
    calls and operators (1,000 method calls take 1.4 s); in `case`, and in a `del` that is wrong, each level of
    brackets takes up to four times as long as the one around it. For each `elif` of a chain it recurses.
    """
    if _signs(masked.text, start, end) > MOST_SIGNS:
        return MOST_STRAIN + 1
    elifs = masked.text.count("elif", start, end)
    return elifs**2 // 2 + _strain(masked.text, start, end) + _strain_of_patterns(masked.text, start, end)


class _Hidden(StrEnum):
    """Why characters are not code. STRAY is a quote or a backslash that fits nothing, with all that follows it."""

    COMMENT = auto()
    STRING = auto()
    JOIN = auto()
    STRAY = auto()


_Part: TypeAlias = tuple[_Hidden, int, int]


class _Literal(NamedTuple):
    """The text of an f-string between its placeholders, or of the format inside a placeholder."""

    quotes: str
    is_raw: bool
    is_format: bool = False


class _Lexer:
    """One reading of a text.

    f-strings are read as Python 3.12 reads them (PEP 701); what older versions accept, it reads as they do.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._around: list[_Literal | None] = []
        """What goes on where each open bracket closes: the text of an f-string, or None for code."""

    def hidden(self) -> Iterator[_Part]:
        """The parts of the text that are not code, in order."""
        while token := (_IN_PLACEHOLDER if self._around else _IN_CODE).search(self._text, self._position):
            start, self._position = token.span()
            kind = token.lastgroup
            if kind == "string":
                quotes = len(self._quotes_at(start))
                yield _Hidden.STRING, start + quotes, self._position - quotes
            elif kind == "comment":
                yield _Hidden.COMMENT, start, self._position
            elif kind == "join":
                yield _Hidden.JOIN, start, self._position
            elif kind == "stray":
                yield self._stray()
            elif literal := self._literal_behind(start, kind):
                yield from self._text_of(literal)
        if self._around:
            yield self._stray()

    def _literal_behind(self, start: int, kind: str | None) -> _Literal | None:
        """The text of an f-string that follows an opening quote, a bracket or a colon; None where code follows."""
        match kind:
            case "opening":
                quotes = self._quotes_at(start)
                self._position = start + len(quotes)
                return _Literal(quotes, is_raw="r" in self._text[max(start - 2, 0) : start].lower())
            case "open":
                self._around.append(None)
                return None
            case "close":
                return self._around.pop()
            case _:
                around = self._around[-1]
                return around and around._replace(is_format=True)

    def _text_of(self, literal: _Literal | None) -> Iterator[_Part]:
        """The text of an f-string up to where code goes on: in a placeholder, or behind the string."""
        while literal and (text := _rest(literal).match(self._text, self._position)):
            yield _Hidden.STRING, self._position, text.start("end")
            self._position = text.end()
            if text["end"] == "{":
                self._around.append(literal)
            if text["end"] != "}":
                return
            literal = self._around.pop()
        yield self._stray()

    def _quotes_at(self, start: int) -> str:
        quote = self._text[start]
        return quote * 3 if self._text.startswith(quote * 3, start) else quote

    def _stray(self) -> _Part:
        self._position = len(self._text)
        return _Hidden.STRAY, self._position, self._position


_NO_CODE = r"""
    (?<=\#) (?P<comment> [^\r\n]*+ )
  | (?<=["']) (?: (?<=(?<!\w)[fFtT].) | (?<=(?<!\w)[fFtT][rR].) | (?<=(?<!\w)[rR][fFtT].) ) (?P<opening>)
  | (?P<string>
        (?<=") (?!"") [^"\\\r\n]*+ (?: \\ (?: \r\n | . ) [^"\\\r\n]*+ )*+ "
      | (?<=') (?!'') [^'\\\r\n]*+ (?: \\ (?: \r\n | . ) [^'\\\r\n]*+ )*+ '
      | (?<=") "" [^"\\]*+ (?: (?: \\. | "(?!"") ) [^"\\]*+ )*+ \"""
      | (?<=') '' [^'\\]*+ (?: (?: \\. | '(?!'') ) [^'\\]*+ )*+ '''
    )
  | (?<=\\) (?P<join> \r\n? | \n )
  | (?<=["'\\]) (?P<stray>)
"""
_IN_CODE = re.compile(rf"""["'\#\\] (?: {_NO_CODE} )""", re.VERBOSE | re.DOTALL)
_IN_PLACEHOLDER = re.compile(
    rf"""["'\#\\()\[\]{{}}:]
    (?: {_NO_CODE} | (?<=[(\[{{]) (?P<open>) | (?<=[)\]}}]) (?P<close>) | (?P<colon>) )""",
    re.VERBOSE | re.DOTALL,
)
_JOIN_AFTER_BLANKS = re.compile(r"(?:\A|[\r\n])[ \t\f]*+\\[\r\n]")
_CODE_AFTER_FORM_FEED = re.compile(r"\f[ \t]*+[^ \t\f\n]")


@cache
def _rest(literal: _Literal) -> re.Pattern[str]:
    r"""The rest of the text of an f-string with its `end`: a bracket, or the quotes.

    Outside a format a doubled bracket is text. A backslash before a bracket does not make it text, except that in
    a string that is not raw `\N{` opens a character's name.
    """
    quote, is_long = literal.quotes[0], len(literal.quotes) == 3
    plain = rf"[^\\{{}}{quote}]++|{quote}(?!{quote}{quote})" if is_long else rf"[^\\{{}}{quote}\r\n]++"
    named = "" if literal.is_raw else r"|\\N\{[^{}\r\n]*\}"
    escaped = r"|\\(?:\r\n|[^{}]|(?=[{}]))"
    doubled = "" if literal.is_format else r"|\{\{|\}\}"
    end = "[{}]" if literal.is_format else rf"\{{|{literal.quotes}"
    return re.compile(rf"(?:{plain}{named}{escaped}{doubled})*+(?P<end>{end})", re.DOTALL)


class _InDoubt(Exception):
    """The text has no shape that Python would accept."""


class _Statement(NamedTuple):
    """Where a statement starts, and where it does behind its decorators."""

    start: int
    head: int


_KINDS = {"function": Kind.FUNCTION, "class": Kind.CLASS, "target": Kind.STATEMENT}
_HEAD = re.compile(
    r"(?:async[ \t]+)?def[ \t]+(?P<function>\w+)"
    r"|class[ \t]+(?P<class>\w+)"
    r"|(?!(?:try|lambda)\b)(?P<target>[^\W\d]\w*)[ \t]*(?:=(?!=)|:(?!=))"
)
_CLAUSE = re.compile(r"(?:elif|else|except|finally)\b")
_BLANKS = " \t\f\n"
"""What else is blank to Unicode is an error to Python."""
_CODE = re.compile(rf"[^{_BLANKS}]")


def _cut(masked: str, start: int, end: int, indentation: str, scope: str) -> Iterator[Piece]:
    """The pieces between two offsets, where every statement is indented alike. Raises _InDoubt."""
    statements = _statements(masked, start, end, indentation)
    if masked[start : statements[0].start if statements else end].strip(_BLANKS):
        raise _InDoubt
    for statement, following in pairwise([*statements, _Statement(end, end)]):
        last = statement.start + len(masked[statement.start : following.start].rstrip(_BLANKS))
        kind, name = _kind_and_name(masked, statement.head, last)
        piece = Piece(kind, name, scope, statement.start, last, indentation)
        yield from _class(masked, piece, statement.head) if kind is Kind.CLASS else (piece,)


def _kind_and_name(masked: str, start: int, end: int) -> tuple[Kind, str | None]:
    head = _HEAD.match(masked, start, end)
    if head is None or head.lastgroup is None:
        return Kind.STATEMENT, None
    return _KINDS[head.lastgroup], head[head.lastgroup]


def _class(masked: str, piece: Piece, head: int) -> Iterator[Piece]:
    """A class in pieces, its header and its members. Raises _InDoubt."""
    line_end = _logical_line_end(masked, head, piece.end)
    body = _CODE.search(masked, line_end, piece.end)
    scope = f"{piece.scope}.{piece.name}".lstrip(".")
    if body is None or scope.count(".") >= MOST_NESTED:
        yield piece
        return
    indentation = masked[masked.rfind("\n", line_end, body.start()) + 1 : body.start()]
    header_end = head + len(masked[head:line_end].rstrip(_BLANKS))
    if masked[header_end - 1] != ":" or not _is_deeper(indentation, piece.indentation):
        raise _InDoubt
    yield piece._replace(kind=Kind.HEADER, end=header_end)
    yield from _cut(masked, line_end, piece.end, indentation, scope)


def _is_deeper(indentation: str, outer: str) -> bool:
    """Whether it is, without blanks and tabs being mixed."""
    return len(indentation) > len(outer) and indentation.startswith(outer) and len(set(indentation)) == 1


def _statements(masked: str, start: int, end: int, indentation: str) -> list[_Statement]:
    """Clauses such as `else` belong to the statement before them. Raises _InDoubt."""
    found: list[_Statement] = []
    for line in _lines(masked, start, end, indentation):
        if found and masked[found[-1].head] == "@":
            found[-1] = _Statement(found[-1].start, line)
        elif not _CLAUSE.match(masked, line):
            found.append(_Statement(line, line))
        elif not found:
            raise _InDoubt
    return found


def _lines(masked: str, start: int, end: int, indentation: str) -> Iterator[int]:
    """Where the code of each logical line begins, except for lines that are indented deeper. Raises _InDoubt."""
    depth = 0
    counted = start
    if masked[start : start + 1].strip(_BLANKS):
        yield start
    for line in _not_deeper(indentation).finditer(masked, start, end):
        depth += _opened(masked, counted, line.end())
        counted = line.end()
        if depth < 0 or (depth == 0 and line[1] != indentation):
            raise _InDoubt
        if depth == 0:
            yield line.end()
    if depth + _opened(masked, counted, end) != 0:
        raise _InDoubt


@cache
def _not_deeper(indentation: str) -> re.Pattern[str]:
    deeper = rf"{indentation[:1]}{{{len(indentation)}}}[ \t\f]" if indentation else r"[ \t\f]"
    return re.compile(rf"\n(?!{deeper})([ \t\f]*+)(?=[^\n])")


def _logical_line_end(masked: str, start: int, end: int) -> int:
    depth = 0
    while (line_end := masked.find("\n", start, end)) >= 0:
        depth += _opened(masked, start, line_end)
        if depth <= 0:
            return line_end
        start = line_end + 1
    return end


def _opened(masked: str, start: int, end: int) -> int:
    """How many more brackets are opened than closed."""
    opened = masked.count("(", start, end) + masked.count("[", start, end) + masked.count("{", start, end)
    return opened - masked.count(")", start, end) - masked.count("]", start, end) - masked.count("}", start, end)


def _signs(masked: str, start: int, end: int) -> int:
    return sum(masked.count(sign, start, end) for sign in SIGNS) if end - start > MOST_SIGNS else 0


_LINKS = r"[()\[\]{},;:\n.+\-*/%@&|^~]|<<|>>|[\"']+"
_LINK = re.compile(_LINKS)
_LINK_OR_WORD = re.compile(rf"{_LINKS}|\b(?:and|else|for|if|not|or)\b")
_LONG = 4_000
"""What is shorter has no room for so many words between operands that it matters."""
_STEEP = re.compile(r"(?:case(?<![\w.]case)|del(?<![\w.]del))(?!\w)")


def _strain(masked: str, start: int, end: int) -> int:
    """What brackets and links cost: 20 for each bracket around a bracket, 1 for each link before a link.

    Not added up beyond MOST_STRAIN.
    """
    links = [0]  # of the expression that goes on inside each open bracket
    strain = 0
    for mark in (_LINK if end - start < _LONG else _LINK_OR_WORD).findall(masked, start, end):
        if mark in ")]}":
            links = links[:-1] or [0]
        elif mark in ",;" or (mark == "\n" and len(links) == 1):
            links[-1] = 0
        elif mark != "\n":
            links[-1] += 1
            strain += max(0, links[-1] - ORDINARY_LINKS)
            if mark in "([{":
                strain += 20 * max(0, len(links) - ORDINARY_DEPTH)
                links.append(0)
        if strain > MOST_STRAIN:
            break
    return strain


def _strain_of_patterns(masked: str, start: int, end: int) -> int:
    """What comes on top of that behind `case` and `del`: four times as much with each bracket."""
    strain, done = 0, start
    for word in _STEEP.finditer(masked, start, end):
        if word.start() < done:
            continue
        depth, done = 0, _logical_line_end(masked, word.end(), end)
        for mark in _LINK.findall(masked, word.end(), done):
            depth += (mark in "([{") - (mark in ")]}")
            strain += (1 << (2 * max(depth, 0))) - 1
            if strain > MOST_STRAIN:
                return strain
    return strain
