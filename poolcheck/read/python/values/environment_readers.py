"""What reads environment variables: os, decouple, environs, django-environ, Starlette and dj-database-url.

Observed with python-decouple 3.8, environs 15.2, django-environ 0.14, Starlette 1.10 and dj-database-url 3.1. All
of them prefer the environment to what a file says.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.given import Given
from poolcheck.read.python.values.names import definitions
from poolcheck.read.python.values.scope import Scope, Trail, qualified
from poolcheck.value import EnvRef, Known, Places, Table, Unknown, Value, compute


class Reader(NamedTuple):
    """A function, or with `is_object` a class whose objects are called or have methods, that reads a variable.

    `order` are the parameters that can be given by position; the first is the name of the variable. With `methods`
    stands what they convert to; `prefix` is the parameter of the class that is put before all names. What is read
    `may_be_none` where the variable is not set and no default is given.
    """

    order: tuple[str, ...]
    is_object: bool = False
    methods: Mapping[str, str] = {}
    prefix: str = ""
    may_be_none: bool = False


_TYPED = {"int": "as int", "float": "as float", "bool": "as bool", "str": ""}
_CASTS: Mapping[str, str] = {
    "int": "as int",
    "float": "as float",
    "bool": "as bool",
    "str": "",
    "DatabaseURL": "",
    "Secret": "",
    "URL": "",
    "make_url": "",
}
"""What variables are converted to; secrets and URLs are their texts here."""

READERS: Mapping[str, Reader] = {
    "os.getenv": Reader(("key", "default"), may_be_none=True),
    "os.environ.get": Reader(("key", "default"), may_be_none=True),
    "os.environ.pop": Reader(("key", "default")),
    "os.environ.setdefault": Reader(("key", "default")),
    "decouple.config": Reader(("option", "default", "cast")),
    "decouple.AutoConfig": Reader(("option", "default", "cast"), is_object=True),
    "decouple.Config": Reader(("option", "default", "cast"), is_object=True, methods={"get": ""}),
    "starlette.config.Config": Reader(
        ("key", "cast", "default"), is_object=True, methods={"get": ""}, prefix="env_prefix"
    ),
    "environs.env": Reader(("name", "default"), methods=_TYPED),
    "environs.Env": Reader(("name", "default"), is_object=True, methods=_TYPED, prefix="prefix"),
    "environ.Env": Reader(("var", "cast", "default"), is_object=True, methods=_TYPED),
    "environ.FileAwareEnv": Reader(("var", "cast", "default"), is_object=True, methods=_TYPED),
}
"""All that is known, by name."""

_DATABASE_URLS = frozenset({"dj_database_url.config", "dj_database_url.parse"})
_DATABASE_METHODS = frozenset({"db", "db_url", "dj_db_url"})


def read_variable(name: str | None, given: Given, trail: Trail) -> Value | None:
    """The variable that a call reads; None where it reads none. `name` is what is called, if not the project's."""
    place = (given.scope.span(given.call),)
    if name in _DATABASE_URLS:
        return _django_database(_url_of(name, given, place), given, place, is_whole=True)
    reader = READERS.get(name or "")
    if reader and not reader.is_object:
        return _variable(reader, given, place)
    if given.call.args and given.call.args[0].star:
        return None
    return _read_by_object(given, trail, place)


def _read_by_object(given: Given, trail: Trail, place: Places) -> Value | None:
    """What an object reads that is called itself, or one of whose methods is."""
    func, method = given.call.func, ""
    made = _made(func, given.scope, trail) if given.call.args else None
    if made is None and isinstance(func, cst.Attribute):
        method = func.attr.value
        made = _made(func.value, given.scope, trail)
    if made is None:
        return None
    prefix = _prefix(made, given)
    if prefix is None:
        return Unknown(place)
    reader = made.reader
    if method:
        # Methods have no parameter for what they convert to.
        reader = reader._replace(order=tuple(each for each in reader.order if each != "cast" or method == "get"))
    if method in _DATABASE_METHODS:
        url = _variable(reader, given, place, _Asked(prefix, usual="DATABASE_URL"))
        return _django_database(url, given, place, is_whole=False)
    if method and method not in reader.methods:
        return Unknown(place)
    cast, default = (reader.methods[method], None) if method else _declared(made, given)
    return _variable(reader, given, place, _Asked(prefix, cast, default))


class _Made(NamedTuple):
    """An object that reads variables, and what it was made with, where the project makes it."""

    reader: Reader
    given: Given | None


def _made(node: cst.CSTNode, scope: Scope, trail: Trail) -> _Made | None:
    """The object that an expression is, if it is one that reads variables."""
    if not isinstance(node, cst.Name | cst.Attribute):
        return None
    if (outside := qualified(node, scope)) is not None:
        reader = READERS.get(outside)
        return _Made(reader, None) if reader and not reader.is_object else None
    found = definitions(node, scope, trail).definitions
    if len(found) != 1:
        return None
    bound, around = found[0]
    call = bound.value if isinstance(bound, cst.AnnAssign) else bound
    reader = READERS.get(qualified(call.func, around) or "") if isinstance(call, cst.Call) else None
    if reader is None or not reader.is_object or not isinstance(call, cst.Call):
        return None
    return _Made(reader, Given(call, around, _literal))


def _literal(node: cst.CSTNode, scope: Scope) -> Value:
    """What an argument is worth that such an object is made with: a text that is written out, or a number."""
    place = (scope.span(node),)
    match node:
        case cst.SimpleString(evaluated_value=str() as text):
            return Known(text, place)
        case cst.Integer(evaluated_value=number) | cst.Float(evaluated_value=number):
            return Known(number, place)
        case cst.Name("True" | "False" as word):
            return Known(word == "True", place)
        case _:
            return Unknown(place)


def _prefix(made: _Made, given: Given) -> str | None:
    """What is put before the names of variables; None where that is not known."""
    if made.given is None or not made.reader.prefix:
        is_set = made.given is not None and re.search(r"\.prefix\s*=", made.given.scope.module.masked.text)
        return None if is_set else _prefixes_around(given)
    written = made.given.value(made.reader.prefix)
    own = made.given.text(made.reader.prefix) if written else ""
    around = _prefixes_around(given)
    return None if own is None or around is None else own + around


def _prefixes_around(given: Given) -> str | None:
    """What `with env.prefixed(…)` puts before names; None where that is not known."""
    scope = given.scope
    if ".prefixed" not in scope.module.masked.text:
        return ""
    place = scope.span(given.call)
    roots: tuple[cst.CSTNode, ...] = scope.functions[-1:] or tuple(scope.tree.statements)
    prefixes = ""
    for node in (node for root in roots for node in walk(root) if isinstance(node, cst.With)):
        span = scope.span(node)
        for item in node.items if span.start <= place.start and place.end <= span.end else ():
            match item.item:
                case cst.Call(func=cst.Attribute(attr=cst.Name("prefixed")), args=[cst.Arg(value=written), *_]):
                    prefix = _literal(written, scope)
                    if not isinstance(prefix, Known):
                        return None
                    prefixes += str(prefix.scalar)
                case _:
                    pass
    return prefixes


def _declared(made: _Made, given: Given) -> tuple[str, Value | None]:
    """What django-environ was told of a variable, `Env(SIZE=(int, 5))`: what to convert it to, and its default."""
    name = given.text(None, 0) or given.text("var")
    node = made.given.node(name) if made.given and name else None
    match node:
        case cst.Tuple(elements=[cst.Element(value=kind), cst.Element(value=default)]) if made.given:
            return _CASTS.get(dotted(kind) or "", ""), given.worth(default, made.given.scope)
        case cst.Name(value=word):
            return _CASTS.get(word, ""), None
        case _:
            return "", None


class _Asked(NamedTuple):
    """How a variable is asked for besides the arguments of the call."""

    prefix: str = ""
    cast: str = ""
    default: Value | None = None
    usual: str = ""


_PLAINLY = _Asked()


def _variable(reader: Reader, given: Given, place: Places, asked: _Asked = _PLAINLY) -> Value:
    """The variable that a call names, with its default, converted."""
    positions = {parameter: at for at, parameter in enumerate(reader.order)}
    written = given.value(reader.order[0], 0)
    name = asked.usual if written is None else given.text(reader.order[0], 0)
    otherwise = given.value("default", positions.get("default")) or asked.default
    if otherwise is None and reader.may_be_none:
        otherwise = Known(None, place)
    node = given.node("cast", positions["cast"]) if "cast" in positions else None
    cast = _CASTS.get((dotted(node) or "").rpartition(".")[2]) if node else asked.cast
    if not name or cast is None:
        return Unknown(place)
    variable = EnvRef(asked.prefix + name, otherwise, place)
    return compute(cast, [variable], place) if cast else variable


def _url_of(name: str | None, given: Given, place: Places) -> Value:
    """The URL that dj-database-url takes apart."""
    if name == "dj_database_url.parse":
        return given.value("url", 0) or Unknown(place)
    variable = "DATABASE_URL" if given.value("env", 1) is None else given.text("env", 1)
    return EnvRef(variable, given.value("default", 0), place) if variable else Unknown(place)


def _django_database(url: Value, given: Given, place: Places, *, is_whole: bool) -> Value:
    """What Django is told of a database by a URL; dj-database-url tells the whole, also from other arguments."""
    items: dict[str, Value] = {
        "ENGINE": given.value("engine") or compute("Django engine of URL", [url], place),
        "NAME": compute("database of URL", [url], place),
        "USER": compute("Django user of URL", [url], place),
        "HOST": compute("Django host of URL", [url], place),
        "PORT": compute("Django port of URL", [url], place),
    }
    for key, usual in (("CONN_MAX_AGE", 0), ("CONN_HEALTH_CHECKS", False)):
        if is_whole:
            items[key] = given.value(key.lower()) or Known(usual, place)
    return Table(tuple(items.items()), is_complete=False, places=place)
