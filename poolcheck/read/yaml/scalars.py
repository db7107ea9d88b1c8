"""What the Kubernetes API is given for a plain YAML scalar.

kubectl and Helm read YAML with go-yaml, whose YAML 1.1 is not PyYAML's: `1e3` and `y` are no strings, `12:30` and
dates are. Observed with kubectl 1.32.
"""

import re
from enum import StrEnum
from math import isfinite

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = frozenset(
    cased
    for word in ("true", "false", "yes", "no", "on", "off", "y", "n")
    for cased in (word, word.capitalize(), word.upper())
)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?(?P<octal>[0-7]+)|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MOST_DIGITS = 70


class ScalarKind(StrEnum):
    """The types of JSON, into which manifests are turned."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    NULL = "null"
    COLLECTION = "collection"


def description(kind: ScalarKind, text: str) -> str:
    """What a value that is no string is, without the value: it may be a password."""
    match kind:
        case ScalarKind.BOOLEAN if is_string_to_kustomize(kind, text):
            return "a boolean to kubectl and Helm"
        case ScalarKind.BOOLEAN:
            return "a boolean"
        case ScalarKind.COLLECTION:
            return "a list or a mapping"
        case _:
            return "a number"


def is_string_to_kustomize(kind: ScalarKind, text: str) -> bool:
    """Whether it is one of the words, `yes` and `off` among them, that kustomize puts in quotes."""
    return kind is ScalarKind.BOOLEAN and text.lower() not in {"true", "false"}


def kind_of_plain(text: str) -> ScalarKind:
    """The kind of a scalar that is written without quotes."""
    if text in _NULLS:
        return ScalarKind.NULL
    if text in _BOOLEANS:
        return ScalarKind.BOOLEAN
    if text[0] not in "+-.0123456789":
        return ScalarKind.STRING
    if integer_of(text) is not None:
        return ScalarKind.INTEGER
    return ScalarKind.FLOAT if _NOT_FINITE.fullmatch(text) or _is_float(text) else ScalarKind.STRING


def integer_of(text: str) -> int | None:
    """A whole number of at most 64 bits: in base 8 behind a 0, with `_` anywhere behind its first character."""
    plain = text.replace("_", "")
    number = _INTEGER.fullmatch(plain) if len(plain) <= _MOST_DIGITS else None
    if number is None:
        return None
    sign = -1 if plain.startswith("-") else 1
    value = sign * int(number["octal"], 8) if number["octal"] else int(plain, 0)
    return value if -(2**63) <= value < 2**64 else None


def _is_float(text: str) -> bool:
    plain = text.replace("_", "")
    return _FLOAT.fullmatch(plain) is not None and isfinite(float(plain))
