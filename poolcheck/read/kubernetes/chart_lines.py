"""The lines of a pgbouncer.ini that a chart's templates print of its values."""

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf

from poolcheck.read.kubernetes.managed import Statement
from poolcheck.read.kubernetes.operator_settings import DATABASES, SECTION
from poolcheck.read.template import is_filled_in
from poolcheck.read.yaml.nodes import Mapping, Node, Scalar
from poolcheck.read.yaml.scalars import ScalarKind
from poolcheck.source import Located

HIDDEN = "${VALUE}"
"""Stands for what is not told."""
_AS_WRITTEN = re.compile(r"-?(?:0|[1-9]\d{0,5})|true|false")
"""Numbers and booleans that Go's templates print as they are written: of a million 1e+06, of 0777 511."""
_ENCRYPTED = "ENC["
"""What a value begins with that SOPS has encrypted."""
_REST = re.compile(r"^[ \t]*(?P<name>\w+)[ \t]*=[ \t]*(?P<value>[^\r\n]*?)[ \t]*$", re.MULTILINE)


def databases_in(databases: Mapping | None) -> Iterator[Statement]:
    """A line for each database, of its parameters as they stand."""
    for key, parameters in databases.items() if databases else ():
        if isinstance(parameters, Mapping):
            parts = tuple(part for name, value in parameters.items() for part in _parameter(name, value))
            yield Statement(DATABASES, Located(key.text, key.span), Located("", parameters.span), parts=parts)


def _parameter(name: Scalar, value: Node) -> Iterator[Located[str]]:
    if not value.is_null:
        yield Located(f" {name.text}=", name.span)
        yield Located(said(value), value.span)


def settings_in(section: str, settings: Mapping | None) -> Iterator[Statement]:
    """A line for each setting; null takes one away."""
    for key, value in settings.items() if settings else ():
        if not value.is_null:
            yield Statement(section, Located(key.text, key.span), _value(value))


def renamed(section: Mapping | None, names: MappingOf[str, str]) -> Iterator[Statement]:
    """The settings that the chart has names of its own for."""
    for name, setting in names.items():
        yield from one(section, setting, name)


def one(section: Mapping | None, setting: str, *keys: str) -> Iterator[Statement]:
    """The line of a setting whose value stands at a path of keys, if there is one."""
    found = section.at(*keys) if section else None
    if found and not found.is_null:
        yield Statement(SECTION, Located(setting, found.span), _value(found))


def appended(section: Mapping, key: str) -> Iterator[Statement]:
    """The settings in a text that the chart appends."""
    found = section.at(key)
    if isinstance(found, Scalar):
        for line in _REST.finditer(found.text):
            value = Located(line["value"], found.span)
            yield Statement(SECTION, Located(line["name"], found.span), told(value))


def _value(node: Node) -> Located[str] | None:
    text = said(node)
    return None if text == HIDDEN else Located(text, node.span)


def said(node: Node) -> str:
    """What a template prints for a value; what is not told where that is not the text as it stands."""
    if not isinstance(node, Scalar) or "\n" in node.text or is_hidden(node.text):
        return HIDDEN
    is_as_written = node.kind is ScalarKind.STRING or _AS_WRITTEN.fullmatch(node.text)
    return node.text if is_as_written else HIDDEN


def is_hidden(text: str) -> bool:
    """Whether something else takes the place of a text: a template's value, or what SOPS decrypts."""
    return is_filled_in(text) or text.startswith(_ENCRYPTED)


def told(written: Located[str]) -> Located[str] | None:
    """A text that nothing takes the place of."""
    return None if is_hidden(written.value) else written
