"""Where a connection string leads: database URLs and libpq's `key=value` strings, perhaps known only in part."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from poolcheck.value import HOLE

DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z\0][\w+.\0-]*)://")
_PAIR = re.compile(r"\s*(?P<key>\w+)\s*=\s*(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<plain>[^\s']*))")
_HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>.*))?")


class Address(NamedTuple):
    """A database as a connection string names it.

    Every part is None where it is not known and "" where it is not given; of the path of a socket it is enough to
    know the beginning. `options` are the URL's query, or what a libpq string says besides; they are all of them
    only where `options_known`. The password is left out.
    """

    dialect: str | None
    driver: str | None
    user: str | None
    host: str | None
    port: str | None
    database: str | None
    options: Mapping[str, str | None]
    options_known: bool = True

    @property
    def port_number(self) -> int | None:
        """The port, by default the dialect's; None where it is not known."""
        if self.port:
            return int(self.port) if self.port.isdecimal() else None
        return DEFAULT_PORTS.get(self.dialect or "") if self.port == "" else None


@lru_cache(maxsize=1024)
def parse(text: str) -> Address | None:
    """The address in a text of which unknown parts are HOLEs; None where it is not a connection string."""
    if scheme := _SCHEME.match(text):
        return _parse_url(scheme["scheme"], text[scheme.end() :])
    if "=" in text:
        return _parse_pairs(text)
    return None


def known(part: str) -> str | None:
    """A part of a text, None where some of it is not known."""
    return None if HOLE in part else part


def known_host(part: str) -> str | None:
    """The same for a host; what begins with `/` is a socket on this machine, wherever it goes on."""
    return part.partition(HOLE)[0] if part.startswith("/") else known(part)


def _parse_url(scheme: str, rest: str) -> Address:
    """A URL behind its `://`. A password may hold any sign but `/`, `?` and `#`; only the last `@` ends it."""
    rest, _, _ = rest.partition("#")
    rest, _, query = rest.partition("?")
    authority, _, database = rest.partition("/")
    login, at, location = authority.rpartition("@")
    place = _HOST.match(location.partition(",")[0])
    dialect, plus, driver = scheme.lower().partition("+")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    whole = location == HOLE or (not at and HOLE in location)
    options = {key: unquote(value) for key, _, value in pairs if HOLE not in key}
    # libpq and SQLAlchemy take the host from the query too, where `//` is followed by `/`.
    place = place if location or "host" not in options else _HOST.match(options.pop("host"))
    return Address(
        dialect={"postgres": "postgresql"}.get(dialect, known(dialect)),
        driver=known(driver) if plus else (None if HOLE in dialect else ""),
        user=None if whole else known(unquote(login.partition(":")[0])),
        host=known_host(unquote(place["host"].strip("[]"))) if place else None,
        port=None if whole else known((place and place["port"]) or ""),
        database=None if whole and not database else known(database),
        options={key: known(value) for key, value in options.items()},
        options_known=HOLE not in query and not (whole and not rest.partition("/")[1]),
    )


def _parse_pairs(text: str) -> Address | None:
    """A libpq string, `host=db port=5432`."""
    found: dict[str, str | None] = {}
    at = 0
    while pair := _PAIR.match(text, at):
        value = pair["plain"] if pair["quoted"] is None else re.sub(r"\\(.)", r"\1", pair["quoted"])
        found[pair["key"]] = (known_host if pair["key"] == "host" else known)(value)
        at = pair.end()
    rest = text[at:].strip()
    if not found or rest.strip(HOLE).strip():
        return None
    unknown = None if rest else ""
    found.pop("password", None)
    named = {key: found.pop(key, unknown) for key in ("user", "host", "port", "dbname")}
    return Address(
        dialect="postgresql",
        driver="",
        user=named["user"],
        host=named["host"],
        port=named["port"],
        database=named["dbname"],
        options=found,
        options_known=not rest,
    )
