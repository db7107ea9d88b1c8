"""Records out of tables that anybody may have written: checked against the types of the record's fields.

The types a field may have: bool, int, str, a StrEnum, a Literal of strings, `tuple[str, ...]`, a `Mapping` from
str to any of these, another record, each of them `| None`, and object for what is checked elsewhere. A field's
type is `Annotated` with what the field is for and, for a str, with the Pattern it must match; a field that is not
is none that a table may set.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, TypeGuard, cast, get_args, get_origin, get_type_hints

Keys = tuple[str, ...]

WORDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    tuple: "a list of strings",
}
"""What to call a value of a type."""


class Mistake(NamedTuple):
    """What is wrong with the value under a path of keys, or with the last of the keys itself."""

    keys: Keys
    message: str


class Pattern(NamedTuple):
    """What a text must look like: all of it matches the expression, and what to call such a text."""

    expression: str
    description: str


class _Field(NamedTuple):
    kind: Any
    purpose: str
    pattern: Pattern | None


def record(table: object, kind: type[Any], mistakes: list[Mistake], keys: Keys = ()) -> Any:
    """A record of the given type out of a table; what is wrong is added to `mistakes`.

    The outermost table spells its keys with hyphens, those within it as PgBouncer and PostgreSQL spell theirs.
    """
    if not is_table(table):
        mistakes.append(Mistake(keys, f"{'.'.join(keys)} must be a table, not {table!r}"))
        return kind()
    fields = _fields_of(kind, outermost=not keys)
    found: dict[str, object] = {}
    for key, value in table.items():
        if key in fields:
            found[fields[key][0]] = _value(value, fields[key][1], mistakes, (*keys, key))
        else:
            within = f" in {'.'.join(keys)}" if keys else ""
            mistakes.append(Mistake((*keys, key), f"unknown setting {key!r}{within}{suggestion(key, fields)}"))
    return kind(**found)


def schema(kind: type[Any], *, outermost: bool = True) -> dict[str, object]:
    """The JSON schema of tables that `record` makes into such a record without a mistake."""
    properties = {
        key: {"description": field.purpose, **_schema_of(field)}
        for key, (_, field) in _fields_of(kind, outermost=outermost).items()
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def suggestion(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'select'?` where one of the names is close to what was written, else nothing."""
    from difflib import get_close_matches

    close = get_close_matches(name, sorted(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def is_like(value: object, example: object) -> bool:
    """Whether a value may stand in the place of another that is of one of the types in WORDS."""
    if isinstance(value, tuple):
        members = cast("tuple[object, ...]", value)
        return isinstance(example, tuple) and all(isinstance(member, str) for member in members)
    return type(value) is type(example) or (type(value) is int and type(example) is float)


def is_table(value: object) -> TypeGuard[dict[str, object]]:
    """Whether a value read from TOML is a table; their keys are always strings."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether a value read from TOML is an array."""
    return isinstance(value, list)


def is_record(kind: Any) -> bool:
    """Whether a type is that of records."""
    return isinstance(kind, type) and hasattr(kind, "_fields")


def _fields_of(kind: type[Any], *, outermost: bool) -> dict[str, tuple[str, _Field]]:
    return {
        name.replace("_", "-") if outermost else name: (name, _field(hint))
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if get_origin(hint) is Annotated
    }


def _value(value: object, field: _Field, mistakes: list[Mistake], keys: Keys) -> object:
    kind = field.kind
    if is_record(kind):
        return record(value, kind, mistakes, keys)
    if get_origin(kind) is Mapping and is_table(value):
        inner = _field(get_args(kind)[1])
        return {key: _value(item, inner, mistakes, (*keys, key)) for key, item in value.items()}
    if get_origin(kind) is tuple and is_list(value) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if kind is object:
        return tuple(value) if is_list(value) else value
    if _is_enum(kind) and value in set(kind):
        return kind(value)
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if type(value) is kind and (field.pattern is None or re.fullmatch(field.pattern.expression, str(value))):
        return value
    mistakes.append(Mistake(keys, f"{'.'.join(keys)} must be {_wanted(field)}, not {value!r}"))
    return None


def _schema_of(field: _Field) -> dict[str, object]:
    kind = field.kind
    if is_record(kind):
        return schema(kind, outermost=False)
    if get_origin(kind) is Mapping:
        return {"type": "object", "additionalProperties": _schema_of(_field(get_args(kind)[1]))}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": {"type": "string"}}
    if _is_enum(kind):
        return {"enum": [str(member) for member in kind]}
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    if kind is object:
        return {}
    simple: dict[str, object] = {"type": {bool: "boolean", int: "integer", str: "string"}[kind]}
    return simple if field.pattern is None else {**simple, "pattern": f"^(?:{field.pattern.expression})$"}


def _field(hint: Any) -> _Field:
    purpose, pattern = "", None
    if get_origin(hint) is Annotated:
        hint, purpose, *rest = get_args(hint)
        pattern = rest[0] if rest else None
    if NoneType in get_args(hint):
        hint = next(kind for kind in get_args(hint) if kind is not NoneType)
    return _Field(hint, purpose, pattern)


def _wanted(field: _Field) -> str:
    kind = field.kind
    if get_origin(kind) is Mapping:
        return "a table"
    if get_origin(kind) is tuple:
        return WORDS[tuple]
    if _is_enum(kind) or get_origin(kind) is Literal:
        return "one of " + ", ".join(str(member) for member in (get_args(kind) or kind))
    if field.pattern is not None:
        return field.pattern.description
    return WORDS[kind]


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)
