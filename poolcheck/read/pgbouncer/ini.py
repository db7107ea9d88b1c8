"""The shape of a pgbouncer.ini: its sections and what is assigned in them, its includes, the lines refused.

The standard library's configparser reads it. It is handed one statement after another, each a line that means to
configparser what it means to PgBouncer.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from configparser import RawConfigParser
from typing import NamedTuple

from poolcheck.read.fault import SyntaxFault
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
_NO_PART_OF_A_NAME = re.compile(r"[^A-Za-z0-9_.*-]")

_WITHOUT_HEADER = "before the first header"


class Assignment(NamedTuple):
    """One `name = value`. A quoted name is without its quotes, and its place is with them."""

    name: Located[str]
    value: Located[str]


class Section(NamedTuple):
    """What follows one header, whose place holds the brackets, up to the next; what precedes all has no header.

    `gaps` are the lines that a template fills in, and those by which it keeps other lines or leaves them out.
    """

    header: Located[str] | None
    assignments: tuple[Assignment, ...]
    gaps: tuple[Span, ...]


class Ini(NamedTuple):
    """Everything in an ini text that is no comment, in the order of the text."""

    sections: tuple[Section, ...]
    includes: tuple[Located[str], ...]
    faults: tuple[SyntaxFault, ...]


def read_ini(source: Source, region: Span) -> Ini:
    """The sections, assignments, includes and faults between the ends of a region, up to the first NUL in it.

    A header that is repeated makes a section of its own, a name that is repeated an assignment of its own.
    """
    statements = _Statements(source, region)
    parser = RawConfigParser(delimiters=("=",))
    parser.read_file(statements)
    sections = tuple(
        Section(
            statements.headers.get(key),
            tuple(statements.assignment(name, value) for name, value in parser.items(key)),
            tuple(statements.gaps[key]),
        )
        for key in parser.sections()
    )
    return Ini(sections, tuple(statements.includes), statements.faults)


class _Refused(NamedTuple):
    """A line that is no statement, how many more follow it with nothing in between, and where the last ends."""

    line: str
    span: Span
    more: int
    end: int


class _Statements:
    """The statements of a region, as lines for configparser; what is none of its business is noted here instead.

    configparser knows each section and each name once, no name in quotes and no name that is empty, so headers and
    names are handed over as the offsets they begin at. No line begins with a blank, so none continues another.
    """

    def __init__(self, source: Source, region: Span) -> None:
        self._path, self._text = source
        nul = self._text.find("\0", region.start, region.end)
        self._end = region.end if nul < 0 else nul
        self._position = region.start
        self._section = _WITHOUT_HEADER
        self._names: dict[str, Located[str]] = {}
        self._ends: dict[str, int] = {}
        self.headers: dict[str, Located[str]] = {}
        self.gaps: defaultdict[str, list[Span]] = defaultdict(list)
        self.includes: list[Located[str]] = []
        self._refused: list[_Refused] = []
        self._invisible: list[SyntaxFault] = []

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

    @property
    def faults(self) -> tuple[SyntaxFault, ...]:
        """What PgBouncer refuses, in the order of the text."""
        return tuple(sorted([*self._invisible, *map(_fault, self._refused)]))

    def assignment(self, key: str, value: str) -> Assignment:
        """What was handed over under a key and came back with a value."""
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
        self.includes.append(Located(path, self._span(start, start + len(path))))

    def _refuse(self, start: int, end: int) -> None:
        """Notes a line that is no statement, or only what a template makes of it, and goes on behind it."""
        if invisible := _INVISIBLE.match(self._text, start, end):
            self._position = invisible.end()
            self._invisible.append(_invisible(invisible[0], self._span(*invisible.span())))
        elif filled_in := list(templates(self._text, start, end)):
            closed = min(filled_in[-1][1], self._end)
            line_break = self._text.find("\n", closed, self._end)
            self._position = self._end if line_break < 0 else line_break
            self.gaps[self._section].append(self._span(start, self._position))
        elif is_placeholder(line := self._text[start:end].rstrip(_BLANKS)):
            self.gaps[self._section].append(self._span(start, start + len(line)))
        elif self._refused and not self._text[self._refused[-1].end : start].strip(_BLANKS):
            above = self._refused[-1]
            self._refused[-1] = above._replace(more=above.more + 1, end=end)
        else:
            self._refused.append(_Refused(line, self._span(start, start + len(line)), 0, end))

    def _span(self, start: int, end: int) -> Span:
        return Span(self._path, start, end)


def _invisible(characters: str, span: Span) -> SyntaxFault:
    named = {"\ufeff": "a byte-order mark", "\xa0": "a no-break space"}.get(characters[0], ascii(characters[0]))
    return SyntaxFault(span, f"PgBouncer refuses this line: it begins with {named}")


def _fault(refused: _Refused) -> SyntaxFault:
    place, reason = _reason(refused.line, refused.span)
    more = f" and the {refused.more} below it" if refused.more > 1 else " and the one below it"
    return SyntaxFault(place, f"PgBouncer refuses this line{more if refused.more else ''}: {reason}")


def _reason(line: str, span: Span) -> tuple[Span, str]:
    """What is wrong with a line, and where."""
    if line.startswith("["):
        return span, "the header has no ]"
    if line.startswith("'"):
        return span, "a name in quotes is closed, not empty, and followed by ="
    name, equals, _ = line.partition("=")
    if equals and (odd := _NO_PART_OF_A_NAME.search(name.rstrip(_BLANKS))):
        place = span._replace(start=span.start + odd.start(), end=span.start + odd.end())
        return place, f"{odd[0]!r} cannot be part of a name"
    return span, "a setting is written as name = value"
