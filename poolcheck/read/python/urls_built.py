"""URLs that code puts together or takes apart, as the texts that they are."""

from collections.abc import Mapping, Sequence

import libcst as cst

from poolcheck.read.python.given import Given
from poolcheck.read.python.scope import Trail
from poolcheck.value import EnvRef, Known, Places, Table, Unknown, Value, compute, moved

_SAME = frozenset(
    {
        "databases.DatabaseURL", "pydantic.AnyUrl", "pydantic.MySQLDsn", "pydantic.PostgresDsn",
        "pydantic.SecretStr",
        "pydantic.v1.SecretStr", "pydantic_core.MultiHostUrl", "sqlalchemy.engine.make_url",
        "sqlalchemy.engine.url.make_url", "sqlalchemy.make_url", "starlette.datastructures.Secret",
        "starlette.datastructures.URL", "urllib.parse.urlparse", "urllib.parse.urlsplit",
    }
)  # fmt: skip
"""What makes of a text something that stands for it."""

_SQLALCHEMY = ("drivername", "username", "password", "host", "port", "database", "query")
_PYDANTIC = ("scheme", "username", "password", "host", "port", "path", "query")
_BUILDERS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(
        (
            "sqlalchemy.URL.create", "sqlalchemy.engine.URL", "sqlalchemy.engine.URL.create",
            "sqlalchemy.engine.url.URL", "sqlalchemy.engine.url.URL.create",
        ),
        _SQLALCHEMY,
    ),
    **dict.fromkeys(
        (
            "pydantic.AnyUrl.build", "pydantic.MariaDBDsn.build", "pydantic.MySQLDsn.build",
            "pydantic.PostgresDsn.build", "pydantic.v1.PostgresDsn.build", "pydantic.networks.PostgresDsn.build",
            "pydantic_core.MultiHostUrl.build", "pydantic_core.Url.build",
        ),
        _PYDANTIC,
    ),
}  # fmt: skip
"""What makes a URL of its parts, with the parameters for them in this order."""

_QUOTES = {"urllib.parse.quote": "quote", "urllib.parse.quote_plus": "quote_plus"}

PARTS_OF_URLS: Mapping[str, str] = {
    "database": "database of URL",
    "drivername": "scheme of URL",
    "host": "hostname of URL",
    "hostname": "hostname of URL",
    "password": "password of URL",
    "path": "path of URL",
    "port": "port of URL",
    "scheme": "scheme of URL",
    "user": "username of URL",
    "username": "username of URL",
}
"""What the attributes of a URL are: SQLAlchemy's, pydantic's, and those of urllib."""


def url_built(name: str | None, given: Given, _: Trail) -> Value | None:
    """What a call makes of or to a URL; None where it does nothing of the kind."""
    place = (given.scope.span(given.call),)
    if name in _SAME:
        value = given.value("url", 0)
        return moved(value, place) if value else Unknown(place)
    if quote := _QUOTES.get(name or ""):
        text, safe = given.value("string", 0), given.value("safe", 1)
        return compute(quote, [text, *([safe] if safe else [])], place) if text else Unknown(place)
    if order := _BUILDERS.get(name or ""):
        return _built(order, given, place)
    match given.call.func:
        case cst.Attribute(value=base, attr=cst.Name("set" | "_replace")) if name is None:
            scheme = given.value("drivername") or given.value("scheme")
            is_all = len(given.call.args) == 1 and scheme
            return (
                compute("with scheme", [given.worth(base, given.scope), scheme], place)
                if scheme and is_all
                else None
            )
        case cst.Attribute(value=base, attr=cst.Name("geturl")) if name is None and not given.call.args:
            return moved(given.worth(base, given.scope), place)
        case _:
            return None


def _built(order: Sequence[str], given: Given, place: Places) -> Value:
    """The URL of the parts that are given. The password is left out."""
    if any(argument.star == "*" for argument in given.call.args):
        return Unknown(place)
    scheme, username, _, host, port, database, query = (given.value(part, at) for at, part in enumerate(order))
    pieces = [
        scheme or Unknown(place),
        Known("://", place),
        *_piece("", username or given.value("user"), "@", place),
        *_piece("", host, "", place),
        *_piece(":", port, "", place),
        *_piece("/", _path(database, given, place), "", place),
        *_query(query, place),
    ]
    return compute("join", pieces, place)


def _piece(before: str, part: Value | None, behind: str, place: Places) -> list[Value]:
    """A part with its punctuation, both left out where there is no such part."""
    if part is None or (isinstance(part, Known) and part.scalar is None):
        return []
    whole = [Known(before, place)] * bool(before) + [part] + [Known(behind, place)] * bool(behind)
    if not isinstance(part, EnvRef) or not isinstance(part.default, Known) or part.default.scalar is not None:
        return whole
    is_none = compute("is", [part, Known(None, place)], place)
    return [compute("if", [is_none, Known("", place), compute("join", whole, place)], place)]


def _path(database: Value | None, given: Given, place: Places) -> Value | None:
    """The name of the database: pydantic 1, whose parameter `user` tells it, takes it with its slash."""
    is_old = given.value("user") is not None
    return compute("removeprefix", [database, Known("/", place)], place) if database and is_old else database


def _query(query: Value | None, place: Places) -> list[Value]:
    if query is None or (isinstance(query, Known) and query.scalar is None):
        return []
    if isinstance(query, Known):
        return [Known("?", place), query]
    if not isinstance(query, Table) or not query.is_complete:
        return [Known("?", place), Unknown(place)]
    pairs = [[Known(f"{'&' if at else '?'}{key}=", place), value] for at, (key, value) in enumerate(query.items)]
    return [piece for pair in pairs for piece in pair]
