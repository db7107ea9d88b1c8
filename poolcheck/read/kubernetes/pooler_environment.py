"""The pgbouncer.ini that an image writes from its environment."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import NamedTuple, TypeAlias

from poolcheck.read.kubernetes.pooler_scripts import Line, Script, When
from poolcheck.read.pgbouncer.rendered import Piece, Rendered
from poolcheck.read.pgbouncer.settings import Version
from poolcheck.source import Located, Span

MOST_DATABASES = 1_000
"""So many numbered variables are looked for."""

_URL = re.compile(r"[^:/@]*://(?:(?P<user>[^:]*)(?::(?P<password>.*))?@)?(?P<place>[^@]*)", re.DOTALL)
_PLACE = re.compile(r"(?P<host>[^/:]*)(?::(?P<port>[^/:]*))?[^/]*(?P<slash>/(?P<name>.*))?", re.DOTALL)
_WHOLE = re.compile(r".+", re.DOTALL)
_BETWEEN_COMMAS = re.compile(r"[^,]+")


class Given(NamedTuple):
    """What an environment says of a variable: where it is named, and its value, None where that is not known.

    It may be set elsewhere, or not at all, unless it `is_set`.
    """

    name: Span
    value: Located[str] | None
    is_set: bool = True


Environment: TypeAlias = Callable[[str], Given | None]
"""What is given for a variable; None where it is not set."""


def written_by(script: Script, environment: Environment, image: Span, version: Version | None) -> Rendered | None:
    """The configuration that a script writes; None where it stops for want of a variable, or may write any."""
    return _Writer(script, environment, image, version).written()


class _Writer:
    """What a script has written so far. What it writes of itself is from the place of the `image`."""

    def __init__(self, script: Script, environment: Environment, image: Span, version: Version | None) -> None:
        self._script = script
        self._environment = environment
        self._image = image
        self._version = version

    def written(self) -> Rendered | None:
        """All of it."""
        databases = self._databases()
        if databases is None:
            return None
        pieces = [self._form("[databases]\n"), *databases, self._form("[pgbouncer]\n"), *self._settings()]
        return Rendered(self._image, tuple(pieces))

    def _databases(self) -> Sequence[Piece] | None:
        for line in (self._script.url_list, self._script.url):
            given = self._given(line.variable) if line and self._knows(line) else None
            if given:
                return [*self._of_urls(given, is_list=line is self._script.url_list)]
        if not all(map(self._given, self._script.required)):
            return None
        return [*self._database(), *self._of_dsns()]

    def _database(self) -> Iterator[Piece]:
        yield from self._value(self._script.name)
        yield self._form(" =")
        for line in self._script.parameters:
            yield from self._parameter(line)
        yield self._form("\n")
        yield from self._loose_lines()

    def _loose_lines(self) -> Iterator[Piece]:
        for line in self._script.loose_lines:
            given = self._given(line.variable)
            if given and given.is_set:
                pieces = (Piece(line.setting, given.name), self._form(" = "), *self._value(line))
                is_refused = line.variable in self._script.refused
                yield from (each._replace(is_forced=is_refused) for each in pieces)
                yield self._form("\n")

    def _parameter(self, line: Line) -> Iterator[Piece]:
        given = self._given(line.variable)
        if not self._is_written(line, given):
            return
        if self._is_unsure(line, given) or self._holds(line) is None:
            yield self._form(f" {_unknown(line)}")
            return
        yield from (self._form(" "), Piece(line.setting, given.name if given else self._image), self._form("="))
        yield from (self._form(line.quotes), *self._value(line), self._form(line.quotes))

    def _of_dsns(self) -> Iterator[Piece]:
        """`PGBOUNCER_DSN_0` and so on, up to the first that is not set: the name, `=`, and the parameters."""
        for number in count() if self._script.dsns else ():
            given = self._given(f"{self._script.dsns}{number}")
            if given is None or number == MOST_DATABASES:
                return
            if given.value is None:
                yield self._form("${DSN}\n")
                return
            name, sign, _ = given.value.value.partition("=")
            end = len(given.value.value)
            yield from (_part(given.value, 0, len(name)), self._form(" = "))
            yield from (_part(given.value, len(name) + len(sign), end), self._form("\n"))

    def _of_urls(self, given: Given, *, is_list: bool) -> Iterator[Piece]:
        """The databases that a URL names, or several with commas in between. Their passwords go elsewhere."""
        if given.value is None:
            yield self._form("${DATABASE_URL}\n")
            return
        urls = _BETWEEN_COMMAS if is_list else _WHOLE
        port = next(line for line in self._script.parameters if line.setting == "port")
        above = [*self._value(port)]
        for found in urls.finditer(given.value.value):
            pieces, above = self._of_url(given.value, *found.span(), above)
            yield from pieces

    def _of_url(
        self, written: Located[str], start: int, end: int, above: list[Piece]
    ) -> tuple[list[Piece], list[Piece]]:
        """One database, cut as the script does it: what is behind the first slash is the name, as it stands.

        Without a port of its own it has that of the URL `above`. The second that is returned is the port.
        """
        url = _URL.fullmatch(written.value, start, end)
        place = _PLACE.fullmatch(written.value, *url.span("place")) if url else None
        if url is None or place is None:
            return [self._form("${DATABASE_URL}\n")], above
        name = _part(written, *place.span("name")) if place["name"] else Piece("*", self._image)
        if is_refused(name.text):
            name = name._replace(is_forced=True)
        port = [_part(written, *place.span("port"))] if place["port"] else above
        user = next(line for line in self._script.parameters if line.setting == "auth_user")
        pieces = [name, self._form(" = host="), _part(written, *place.span("host")), self._form(" port="), *port]
        if self._is_unsure(user, None):
            pieces.append(self._form(f" {_unknown(user)}"))
        else:
            own = _part(written, *url.span("user")) if url["user"] else Piece(user.default or "", self._image)
            pieces += [self._form(" auth_user="), own]
        return [*pieces, self._form("\n"), *self._loose_lines()], port

    def _settings(self) -> Iterator[Piece]:
        """The settings, below what may be set by variables that nobody sees."""
        lines = [line for line in self._script.settings if self._knows(line)]
        if any(self._may_be_set_elsewhere(line) for line in lines):
            yield self._form("${ENVIRONMENT}\n")
        for line in lines:
            given = self._given(line.variable)
            if self._is_written(line, given) and not self._may_be_set_elsewhere(line):
                is_refused = line.variable in self._script.refused
                place = given.name if given else self._image
                yield from (Piece(line.setting, place, is_forced=is_refused), self._form(" = "))
                is_unknown = self._is_unsure(line, given) or self._holds(line) is None
                yield from [self._form(_unknown(line))] if is_unknown else self._value(line)
                yield self._form("\n")

    def _may_be_set_elsewhere(self, line: Line) -> bool:
        """Whether it is not known if it is written at all."""
        given = self._given(line.variable)
        return given is not None and not given.is_set and line.default is None

    def _is_written(self, line: Line, given: Given | None) -> bool:
        is_there = given is not None or line.default is not None
        return is_there and self._knows(line) and self._holds(line) is not False

    def _knows(self, line: Line) -> bool:
        return self._version is None or self._version >= line.since

    def _is_unsure(self, line: Line, given: Given | None) -> bool:
        is_old = self._version is not None and self._version < line.sure_since
        return is_old and not (line.is_sure and given)

    def _holds(self, line: Line) -> bool | None:
        """Whether what a line is written for is the case; None where that is not known."""
        if line.when is None:
            return True
        word = self._word(line.when)
        return None if word is None else (word in line.when.words) is line.when.is_one

    def _word(self, when: When) -> str | None:
        given = self._given(when.variable)
        if given is None:
            return when.default
        return given.value.value.lower() if given.value else None

    def _value(self, line: Line) -> Iterator[Piece]:
        given = self._given(line.variable)
        if given is None:
            yield Piece(line.default or "", self._image)
        elif given.value is None:
            yield Piece(_unknown(line), given.name)
        elif self._script.cuts_at_colons and line in self._script.settings:
            yield _part(given.value, 0, len(given.value.value.partition(":")[0]))
        else:
            yield Piece(given.value.value, given.value.span)

    def _given(self, variable: str) -> Given | None:
        """What is given for a variable. Nothing is as good as nothing given."""
        if not variable:
            return None
        file = self._environment(f"{variable}_FILE") if self._script.reads_files else None
        if file and file.is_set:
            return Given(file.name, None)
        given = self._environment(variable)
        return None if given and given.value and not given.value.value else given

    def _form(self, text: str) -> Piece:
        return Piece(text, self._image, mere_form=True)


def is_refused(name: str) -> bool:
    """Whether PgBouncer refuses what a script takes from a URL for the name of a database: one with a query."""
    return "?" in name


def _unknown(line: Line) -> str:
    """Stands for a value that is not known, as a variable that something fills in."""
    return f"${{{line.variable or line.setting}}}"


def _part(written: Located[str], start: int, end: int) -> Piece:
    """A part of a value, at its place where the characters of the value are those of the file."""
    text, (path, first, last) = written
    quotes = {0: 0, 2: 1}.get(last - first - len(text))
    if quotes is None or start < 0 or end <= start:
        return Piece(text[max(start, 0) : max(end, 0)], written.span)
    return Piece(text[start:end], Span(path, first + quotes + start, first + quotes + end))
