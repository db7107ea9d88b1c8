"""URLs that code puts together or takes apart, as the texts that they are."""

from collections.abc import Mapping, Sequence

import libcst as cst

from poolcheck.read.python.values.given import Given
from poolcheck.read.python.values.scope import Trail
from poolcheck.value import EnvRef, Known, Places, Table, Unknown, Value, compute, moved

_SAME = frozenset(
    {
        "databases.DatabaseURL", "pydantic.AnyUrl", "pydantic.MySQLDsn", "pydantic.PostgresDsn",
        "pydantic.SecretStr",
        "pydantic.v1.SecretStr", "pydantic_core.MultiHostUrl", "sqlalchemy.engine.make_url",
        "sqlalchemy.engine.url.make_url", "sqlalchemy.make_url", "starlette.datastructures.Secret",
        "starlette.datastructures.URL", "urllib.parse.urlparse", "urllib.parse.urlsplit", "yarl.URL",
    }
)  # fmt: skip
"""What makes of a text something that stands for it."""

_SQLALCHEMY = ("drivername", "username", "password", "host", "port", "database", "query")
_PYDANTIC = ("scheme", "username", "password", "host", "port", "path", "query")
_BUILDERS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(
        (
            "sqlalchemy.URL", "sqlalchemy.URL.create", "sqlalchemy.engine.URL", "sqlalchemy.engine.URL.create",
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
    "yarl.URL.build": ("scheme", "user", "password", "host", "port", "path", "query"),
}  # fmt: skip
"""What makes a URL of its parts, with the parameters for them in this order."""

_UNPARSED: Mapping[str, int] = {"urllib.parse.urlunparse": 4, "urllib.parse.urlunsplit": 3}
"""What makes a URL of what urllib takes apart, and where the query stands in it."""
_CHANGES: Mapping[str, str] = {
    "database": "with path",
    "drivername": "with scheme",
    "host": "with host",
    "path": "with path",
    "port": "with port",
    "query": "with query",
    "scheme": "with scheme",
    "username": "with login",
}
_CHANGING = frozenset({"with_host", "with_path", "with_port", "with_query", "with_scheme"})
"""What makes another URL of one: parameters of SQLAlchemy's `set` and of `_replace`, and methods of yarl."""

_QUOTES = {"urllib.parse.quote": "quote", "urllib.parse.quote_plus": "quote_plus"}

PARTS_OF_URLS: Mapping[str, str] = {
    "database": "database of URL",
    "drivername": "scheme of URL",
    "host": "hostname of URL",
    "hostname": "hostname of URL",
    "netloc": "netloc of URL",
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
    if query_at := _UNPARSED.get(name or ""):
        return _unparsed(given, query_at, place)
    match given.call.func:
        case cst.Attribute(value=base, attr=cst.Name("set" | "_replace")) if name is None:
            changed = {each.keyword.value: each.value for each in given.call.args if each.keyword}
            is_all = len(changed) == len(given.call.args) > 0 and changed.keys() <= _CHANGES.keys() | {"password"}
            return _changed(base, changed, given, place) if is_all else None
        case cst.Attribute(value=base, attr=cst.Name(value=method)) if name is None and method in _CHANGING:
            is_plain = len(given.call.args) == 1 and not (given.call.args[0].star or given.call.args[0].keyword)
            changed = {method.removeprefix("with_"): given.call.args[0].value} if is_plain else {}
            return _changed(base, changed, given, place) if is_plain else None
        case cst.Attribute(value=base, attr=cst.Name("geturl")) if name is None and not given.call.args:
            return moved(given.worth(base, given.scope), place)
        case _:
            return None


def _changed(
    base: cst.BaseExpression, parts: Mapping[str, cst.BaseExpression], given: Given, place: Places
) -> Value:
    """A URL of which some parts are others. Who logs in, and with which password, need not be known."""
    url = given.worth(base, given.scope)
    for part, node in parts.items():
        value = given.worth(node, given.scope)
        if part == "query":
            bare = compute("with query", [url, Known(None, place)], place)
            url = compute("join", [bare, *_query(value, place)], place)
        elif part in _CHANGES and not (part == "username" and isinstance(value, Unknown)):
            url = compute(_CHANGES[part], [url, value], place)
    return moved(url, place)


def _unparsed(given: Given, query_at: int, place: Places) -> Value:
    """The URL that `urlunparse` makes: of its parts where they are written out, or of another that was changed."""
    node = given.node(None, 0)
    if not isinstance(node, cst.Tuple | cst.List):
        return moved(given.worth(node, given.scope), place) if node else Unknown(place)
    if any(isinstance(each, cst.StarredElement) for each in node.elements) or len(node.elements) <= query_at:
        return Unknown(place)
    values = [given.worth(each.value, given.scope) for each in node.elements]
    pieces = [values[0], Known("://", place), values[1], *_piece("/", _unslashed(values[2], place), "", place)]
    return compute("join", [*pieces, *(_query(values[query_at], place))], place)


def _unslashed(path: Value, place: Places) -> Value:
    return compute("removeprefix", [path, Known("/", place)], place)


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
    """The name of the database: pydantic 1 and yarl, whose parameter `user` tells them, take it with its slash."""
    is_slashed = given.value("user") is not None
    return _unslashed(database, place) if database and is_slashed else database


def _query(query: Value | None, place: Places) -> list[Value]:
    if query is None or (isinstance(query, Known) and query.scalar is None):
        return []
    if isinstance(query, Known):
        return [Known("?", place), query] if query.scalar != "" else []
    if not isinstance(query, Table) or not query.is_complete:
        return [Known("?", place), Unknown(place)]
    pairs = [[Known(f"{'&' if at else '?'}{key}=", place), value] for at, (key, value) in enumerate(query.items)]
    return [piece for pair in pairs for piece in pair]
