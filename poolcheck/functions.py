"""What is worked out of values before anything runs: arithmetic, comparisons, conversions, and texts."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from urllib.parse import SplitResult

Scalar: TypeAlias = str | int | float | bool | None

LARGEST = 2**63
LONGEST = 100_000
"""Numbers and texts beyond these are not followed."""

_TYPES: Mapping[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float,), "bool": (bool,)}
_TRUE = frozenset({"1", "on", "true", "y", "yes"})
_FALSE = frozenset({"0", "f", "false", "n", "no", "off"})
"""Words on which pydantic, decouple, environs and django-environ agree; `t` and `ok` are true to some of them."""


def is_too_large(scalar: Scalar) -> bool:
    """Whether a result is not followed any further."""
    if isinstance(scalar, str):
        return len(scalar) > LONGEST
    return isinstance(scalar, int) and abs(scalar) >= LARGEST


def _join(*parts: Scalar) -> str:
    return "".join(map(str, parts))


def _times(one: Scalar, other: Scalar) -> Scalar:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one * other
    raise TypeError


def _divided(one: float, other: float) -> float:
    return one / other


def _floored(one: float, other: float) -> float:
    return one // other


def _remainder(one: Scalar, other: Scalar) -> Scalar:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one % other
    raise TypeError


def _is(one: Scalar, other: Scalar) -> bool:
    return type(one) is type(other) and one == other


def _is_in(one: str, other: str) -> bool:
    return one in other


def _is_a(value: Scalar, name: str) -> bool:
    return isinstance(value, _TYPES[name])


def _as_int(value: Scalar) -> Scalar:
    """As settings convert, which leave alone what is not set."""
    return None if value is None else int(value)


def _as_float(value: Scalar) -> Scalar:
    return None if value is None else float(value)


def _as_bool(value: Scalar) -> Scalar:
    if isinstance(value, str):
        word = value.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError
        return word in _TRUE
    return None if value is None else bool(value)


def _quoted(text: str, safe: str = "/") -> str:
    from urllib.parse import quote

    return quote(text, safe)


def _quoted_plus(text: str, safe: str = "") -> str:
    from urllib.parse import quote_plus

    return quote_plus(text, safe)


def _part(split: str, index: int) -> Callable[..., str]:
    def part(text: str, *arguments: Any) -> str:
        parts: list[str] = getattr(text, split)(*arguments)
        return parts[index]

    return part


def _replaced(text: str | None, *arguments: Any) -> str | None:
    """Of a URL that is not set nothing comes, for it is put in order only where it is."""
    return None if text is None else text.replace(*arguments)


def _starts(text: str | None, beginning: str) -> bool:
    """Likewise."""
    return text is not None and text.startswith(beginning)


def _behind_the_first(text: Scalar) -> str:
    if isinstance(text, str):
        return text[1:]
    raise TypeError


_PARTS = ("scheme", "login", "host", "port", "path", "query")
PUT_IN_URLS: Mapping[str, str] = {f"with {part}": part for part in _PARTS}
"""Functions that give a URL another part."""


def with_part(url: str, part: str, value: str | int | None) -> str:
    """A URL of which a part is another; a HOLE in it is left where it is. Raises ValueError for what is no URL."""
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError
    parts = {name: found[name] or "" for name in _PARTS}
    parts[part] = "" if value is None else str(value).removeprefix("/" if part == "path" else "")
    scheme, login, host, port, path, query = parts.values()
    authority = f"{login}{'@' * bool(login)}{host}{':' * bool(port)}{port}"
    return f"{scheme}://{authority}{'/' * bool(path)}{path}{'?' * bool(query)}{query}"


_URL = re.compile(
    r"(?P<scheme>[^:/?#]+)://(?:(?P<login>[^/?#]*)@)?(?P<host>\[[^\]]*\]|[^:/?#]*)(?::(?P<port>[^/?#]*))?"
    r"(?:/(?P<path>[^?#]*))?(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.DOTALL,
)


def _with(part: str) -> Callable[[str, str | int | None], str]:
    return lambda url, value: with_part(url, part, value)


def _of_url(part: Callable[["SplitResult"], Scalar]) -> Callable[[str], Scalar]:
    def part_of(url: str) -> Scalar:
        from urllib.parse import urlsplit

        return part(urlsplit(url))

    return part_of


def _plain(text: str | None) -> str:
    """A part of a URL without its escapes."""
    from urllib.parse import unquote

    return unquote(text or "")


_ENGINES: Mapping[str, str] = {
    "mysql": "django.db.backends.mysql",
    "oracle": "django.db.backends.oracle",
    "pgsql": "django.db.backends.postgresql",
    "postgis": "django.contrib.gis.db.backends.postgis",
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
    "sqlite": "django.db.backends.sqlite3",
}
"""Django's backends by the schemes of URLs, as far as dj-database-url 3.1 and django-environ 0.14 agree."""


def _django_host(url: "SplitResult") -> Scalar:
    if "%" in (url.hostname or ""):
        # dj-database-url takes it for the path of a socket, django-environ for a name.
        raise ValueError
    return url.hostname or ""


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": _times,
    "//": _floored,
    "/": _divided,
    "%": _remainder,
    "negative": operator.neg,
    "not": operator.not_,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is": _is,
    "in": _is_in,
    "isinstance": _is_a,
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "abs": abs,
    "round": round,
    "max": max,
    "min": min,
    "as int": _as_int,
    "as float": _as_float,
    "as bool": _as_bool,
    "join": _join,
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "lstrip": str.lstrip,
    "rstrip": str.rstrip,
    "replace": _replaced,
    "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix,
    "startswith": _starts,
    "endswith": str.endswith,
    "first of split": _part("split", 0),
    "last of split": _part("split", -1),
    "first of rsplit": _part("rsplit", 0),
    "last of rsplit": _part("rsplit", -1),
    "behind the first": _behind_the_first,
    "quote": _quoted,
    "quote_plus": _quoted_plus,
    **{function: _with(part) for function, part in PUT_IN_URLS.items()},
    "scheme of URL": _of_url(lambda url: url.scheme),
    "username of URL": _of_url(lambda url: url.username and _plain(url.username)),
    "password of URL": _of_url(lambda url: url.password and _plain(url.password)),
    "hostname of URL": _of_url(lambda url: url.hostname),
    "netloc of URL": _of_url(lambda url: url.netloc),
    "port of URL": _of_url(lambda url: url.port),
    "path of URL": _of_url(lambda url: url.path),
    "Django engine of URL": _of_url(lambda url: _ENGINES[url.scheme]),
    "Django user of URL": _of_url(lambda url: _plain(url.username)),
    "Django host of URL": _of_url(_django_host),
    "Django port of URL": _of_url(lambda url: url.port or ""),
    "database of URL": _of_url(lambda url: _plain(url.path.removeprefix("/"))),
}
"""What is worked out. Powers and shifts are not: no pool is sized by one, and their results may be enormous."""
