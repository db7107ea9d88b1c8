"""The shape of a pgbouncer.ini: its sections, and in them assignments, includes, and lines that are refused.

The standard library's configparser reads it. It is handed one statement after another, each a line that means to
configparser what it means to PgBouncer.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from configparser import RawConfigParser
from typing import NamedTuple, TypeAlias

from poolcheck.read.pgbouncer.refusal import Cause, Refusal
from poolcheck.read.template import is_placeholder, templates
from poolcheck.source import Located, Source, Span

_BLANKS = " \t\n\v\f\r"

_STATEMENT = re.compile(
    r"""(?![ \t\n\v\f\r])(?:
        %include[ \t]+(?P<include>[^\n]*)
      | (?P<comment>[#;][^\n]*)
      | \[(?P<header>[^\]\n]*)\]
      | (?P<name>'[^']+'|[A-Za-z0-9_.*-]*+)(?P<value>[ \t]*+=[^\n]*)
      | (?P<refused>[^\n]+)
    )""",
    re.VERBOSE,
)
"""What a line may hold, and what may follow a header. libusual, cfparser.c; quoted names from PgBouncer 1.25."""

_BLANK_TO_PYTHON_ONLY = "\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_NOT_BLANK = str.maketrans(_BLANK_TO_PYTHON_ONLY, "_" * len(_BLANK_TO_PYTHON_ONLY))
_INVISIBLE = re.compile(f"[\ufeff{_BLANK_TO_PYTHON_ONLY}][\ufeff{_BLANK_TO_PYTHON_ONLY} \t]*")
_DOUBLE_QUOTED = re.compile(r'"[^"]*"(?=[ \t]*=)')
_UTF_16 = re.compile("\udcff\udcfe|\udcfe\udcff")
"""The marks that UTF-16 begins with, as bytes that are not UTF-8 are decoded."""
_NO_PART_OF_A_NAME = re.compile(r"[^A-Za-z0-9_.*-]")

_WITHOUT_HEADER = "before the first header"


class Assignment(NamedTuple):
    """One `name = value`. A quoted name is without its quotes, and its place is with them."""

    name: Located[str]
    value: Located[str]

    @property
    def start(self) -> int:
        """The offset at which it begins."""
        return self.name.span.start


class Include(NamedTuple):
    """One `%include`, with the path that it names."""

    path: Located[str]

    @property
    def start(self) -> int:
        """The offset at which its path begins."""
        return self.path.span.start


class Gap(NamedTuple):
    """Lines that a template fills in, or by which it keeps other lines or leaves them out."""

    span: Span

    @property
    def start(self) -> int:
        """The offset at which it begins."""
        return self.span.start


class Refused(NamedTuple):
    """What is no statement at all."""

    refusal: Refusal

    @property
    def start(self) -> int:
        """The offset at which it begins."""
        return self.refusal.written.span.start


Statement: TypeAlias = Assignment | Include | Gap | Refused


class Section(NamedTuple):
    """What follows one header, whose place holds the brackets, up to the next; what precedes all has no header."""

    header: Located[str] | None
    statements: tuple[Statement, ...]

    @property
    def assignments(self) -> Iterator[Assignment]:
        """What is assigned in it, in order."""
        return (each for each in self.statements if isinstance(each, Assignment))


class Ini(NamedTuple):
    """Everything in an ini text that is no comment, in its order, and the NUL that it is read up to."""

    sections: tuple[Section, ...]
    nul: Span | None


def read_ini(source: Source, region: Span, *, is_literal: bool = False) -> Ini:
    """The sections between the ends of a region, up to the first NUL in it.

    A header that is repeated makes a section of its own, a name that is repeated an assignment of its own. Where
    the text `is_literal`, a template is refused as any other line.
    """
    statements = _Statements(source, region, is_literal=is_literal)
    parser = RawConfigParser(delimiters=("=",))
    parser.read_file(statements)
    sections = tuple(
        Section(statements.headers.get(key), statements.of_section(key, parser.items(key)))
        for key in parser.sections()
    )
    return Ini(sections, statements.nul)


class _Line(NamedTuple):
    """A line that is no statement, how many more follow it with nothing in between, and where the last ends."""

    line: Located[str]
    more: int
    end: int


class _Statements:
    """The statements of a region, as lines for configparser; what is none of its business is noted here instead.

    configparser knows each section and each name once, no name in quotes and no name that is empty, so headers and
    names are handed over as the offsets they begin at. No line begins with a blank, so none continues another.
    """

    def __init__(self, source: Source, region: Span, *, is_literal: bool) -> None:
        self._path, self._text = source
        self._is_literal = is_literal
        nul = self._text.find("\0", region.start, region.end)
        self.nul = None if nul < 0 else self._span(nul, nul + 1)
        self._end = region.end if nul < 0 else nul
        self._begin = self._position = region.start
        self._section = _WITHOUT_HEADER
        self._names: dict[str, Located[str]] = {}
        self._ends: dict[str, int] = {}
        self._refused: defaultdict[str, list[_Line]] = defaultdict(list)
        self._others: defaultdict[str, list[Include | Gap | Refused]] = defaultdict(list)
        self.headers: dict[str, Located[str]] = {}

    def __iter__(self) -> Iterator[str]:
        yield f"[{_WITHOUT_HEADER}]"
        while statement := _STATEMENT.search(self._text, self._position, self._end):
            self._position = statement.end()
            match statement.lastgroup:
                case "comment":
                    yield statement[0]
                case "header":
                    yield self._header(statement)
                case "value":
                    yield self._assigned(statement)
                case "include":
                    self._include(statement)
                case _:
                    self._refuse(*statement.span())

    def of_section(self, section: str, assigned: Iterable[tuple[str, str]]) -> tuple[Statement, ...]:
        """All statements of a section, given what was handed over under its keys and came back with a value."""
        assignments = [self._assignment(key, value) for key, value in assigned]
        others = [*self._others[section], *(Refused(_refusal(line)) for line in self._refused[section])]
        return tuple(sorted([*assignments, *others], key=_start) if others else assignments)

    def _assignment(self, key: str, value: str) -> Assignment:
        end = self._ends[key]
        start = end - len(value)
        return Assignment(self._names[key], Located(self._text[start:end], self._span(start, end)))

    def _header(self, statement: re.Match[str]) -> str:
        self._section = str(statement.start())
        self.headers[self._section] = Located(statement["header"], self._span(*statement.span()))
        return f"[{self._section}]"

    def _assigned(self, statement: re.Match[str]) -> str:
        name, key = statement["name"], str(statement.start())
        unquoted = name[1:-1] if name.startswith("'") else name
        self._names[key] = Located(unquoted, self._span(*statement.span("name")))
        self._ends[key] = statement.start() + len(statement[0].rstrip(_BLANKS))
        return key + statement["value"].translate(_NOT_BLANK)

    def _include(self, statement: re.Match[str]) -> None:
        path, start = statement["include"].rstrip(_BLANKS), statement.start("include")
        self._others[self._section].append(Include(Located(path, self._span(start, start + len(path)))))

    def _refuse(self, start: int, end: int) -> None:
        """Notes a line that is no statement, or only what a template makes of it, and goes on behind it."""
        others, refused = self._others[self._section], self._refused[self._section]
        if invisible := _INVISIBLE.match(self._text, start, end):
            self._position = invisible.end()
            others.append(Refused(_invisible(Located(invisible[0], self._span(*invisible.span())))))
        elif start == self._begin and _UTF_16.match(self._text, start):
            self._position = self._end
            others.append(Refused(_utf_16(self._text[start : start + 2], self._span(start, start + 2))))
        elif filled_in := [] if self._is_literal else list(templates(self._text, start, end)):
            closed = min(filled_in[-1][1], self._end)
            line_break = self._text.find("\n", closed, self._end)
            self._position = self._end if line_break < 0 else line_break
            others.append(Gap(self._span(start, self._position)))
        elif is_placeholder(line := self._text[start:end].rstrip(_BLANKS)) and not self._is_literal:
            others.append(Gap(self._span(start, start + len(line))))
        elif refused and self._is_next(refused[-1], start):
            refused[-1] = refused[-1]._replace(more=refused[-1].more + 1, end=end)
        else:
            refused.append(_Line(Located(line, self._span(start, start + len(line))), 0, end))

    def _is_next(self, above: _Line, start: int) -> bool:
        """Whether a refused line follows another, and both are refused for a name in quotes or neither is."""
        is_quoted = _DOUBLE_QUOTED.match(self._text, start, self._end) is not None
        is_alike = is_quoted == (_DOUBLE_QUOTED.match(above.line.value) is not None)
        return is_alike and not self._text[above.end : start].strip(_BLANKS)

    def _span(self, start: int, end: int) -> Span:
        return Span(self._path, start, end)


def _start(statement: Statement) -> int:
    return statement.start


def _invisible(written: Located[str]) -> Refusal:
    first = written.value[0]
    named = {"\ufeff": "a byte-order mark", "\xa0": "a no-break space"}.get(first, ascii(first))
    return Refusal(Cause.ENCODING, written, f"PgBouncer refuses this line: it begins with {named}")


def _utf_16(mark: str, span: Span) -> Refusal:
    return Refusal(Cause.ENCODING, Located(mark, span), "PgBouncer refuses this file: it is encoded in UTF-16")


def _refusal(refused: _Line) -> Refusal:
    cause, written, reason = _reason(refused.line)
    more = f" and the {refused.more} below it" if refused.more > 1 else " and the one below it"
    return Refusal(cause, written, f"PgBouncer refuses this line{more if refused.more else ''}: {reason}")


def _reason(line: Located[str]) -> tuple[Cause, Located[str], str]:
    """What is wrong with a line, and where."""
    text, span = line
    if text.startswith("["):
        return Cause.SYNTAX, line, "the header has no ]"
    if text.startswith("'"):
        return Cause.SYNTAX, line, "a name in quotes is closed, not empty, and followed by ="
    if quoted := _DOUBLE_QUOTED.match(text):
        place = span._replace(end=span.start + quoted.end())
        return Cause.QUOTED_NAME, Located(quoted[0], place), "a name cannot stand in double quotes"
    name, equals, _ = text.partition("=")
    if equals and (odd := _NO_PART_OF_A_NAME.search(name.rstrip(_BLANKS))):
        place = span._replace(start=span.start + odd.start(), end=span.start + odd.end())
        return Cause.SYNTAX, Located(odd[0], place), f"{odd[0]!r} cannot be part of a name"
    return Cause.SYNTAX, line, "a setting is written as name = value"
