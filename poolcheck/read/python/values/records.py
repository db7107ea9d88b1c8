"""Classes whose fields are arguments of a constructor that nobody wrote, and what is said of their fields.

They are dataclasses, attrs, named tuples, pydantic's models and its settings.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum, auto
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.bindings import dotted, inside
from poolcheck.read.python.syntax.bound import bound_in_body
from poolcheck.read.python.syntax.slices import Kind
from poolcheck.read.python.values.scope import Class, Scope, lineage


class Record(StrEnum):
    """What makes the constructor of a class. OTHER is a decorator that is not known."""

    SETTINGS = auto()
    SETTINGS_1 = auto()
    MODEL = auto()
    DATACLASS = auto()
    ATTRS = auto()
    TUPLE = auto()
    OTHER = auto()


_BASES: Mapping[str, Record] = {
    "pydantic_settings.BaseSettings": Record.SETTINGS,
    "pydantic_settings.main.BaseSettings": Record.SETTINGS,
    "pydantic.BaseSettings": Record.SETTINGS_1,
    "pydantic.env_settings.BaseSettings": Record.SETTINGS_1,
    "pydantic.v1.BaseSettings": Record.SETTINGS_1,
    "pydantic.BaseModel": Record.MODEL,
    "pydantic.v1.BaseModel": Record.MODEL,
    "sqlmodel.SQLModel": Record.MODEL,
    "typing.NamedTuple": Record.TUPLE,
    "msgspec.Struct": Record.TUPLE,
}
_DECORATORS: Mapping[str, Record] = {
    "dataclass": Record.DATACLASS,
    "attr.attrs": Record.ATTRS,
    "attr.define": Record.ATTRS,
    "attr.frozen": Record.ATTRS,
    "attr.mutable": Record.ATTRS,
    "attr.s": Record.ATTRS,
    "attrs.define": Record.ATTRS,
    "attrs.frozen": Record.ATTRS,
    "attrs.mutable": Record.ATTRS,
}
ENUMERATIONS = frozenset({"enum.Enum", "enum.Flag", "enum.IntEnum"})
"""Bases of classes whose attributes are other things than what they are assigned."""
_UNORDERED = frozenset({Record.SETTINGS, Record.SETTINGS_1, Record.MODEL})
"""Records whose fields are given by name only."""


def record_of(owner: Class) -> Record | None:
    """What makes the constructor of a class; None where its own `__init__` does, or nothing."""
    inherited = lineage(owner)
    found = next((record for name, record in _BASES.items() if name in inherited.outside), None)
    if found or not inherited.is_decorated:
        return found
    decorators = {name.rpartition(".")[2] if name.endswith("dataclass") else name for name in inherited.decorators}
    return next((record for name, record in _DECORATORS.items() if name in decorators), Record.OTHER)


def reads_variables(owner: Class | None) -> bool:
    """Whether the fields of a class are read from the environment."""
    return owner is not None and record_of(owner) in {Record.SETTINGS, Record.SETTINGS_1}


class Said(NamedTuple):
    """What is said of a field besides its type: the call of `Field`, `field` or `attr.ib`, and its default.

    `default` and `factory` are None where there is none; where neither is, the field must be given.
    """

    call: cst.Call | None = None
    default: cst.BaseExpression | None = None
    factory: cst.BaseExpression | None = None

    def argument(self, *names: str) -> cst.BaseExpression | None:
        """What else is said by one of these names."""
        found = {each.keyword.value: each.value for each in self.call.args if each.keyword} if self.call else {}
        return next((found[name] for name in names if name in found), None)


_SAYING = frozenset({"attrib", "field", "ib"})


def said_of(node: cst.AnnAssign) -> Said:
    """What is said of a field, where it is assigned or in `Annotated`."""
    calls = [call for call in (node.value, *_in_annotation(node.annotation)) if _is_saying(call)]
    call = cst.ensure_type(calls[0], cst.Call) if calls else None
    if call is None:
        return Said(default=node.value)
    said = Said(call)
    listed = next((each.value for each in call.args if not each.keyword and not each.star), None)
    default = said.argument("default") or (listed if _takes_default(call) else None)
    if node.value is not None and node.value is not call:
        default = node.value
    factory = said.argument("default_factory", "factory")
    return said._replace(default=None if isinstance(default, cst.Ellipsis) else default, factory=factory)


def _is_saying(node: cst.CSTNode | None) -> bool:
    name = (dotted(node.func) or "") if isinstance(node, cst.Call) else ""
    return name.lower().rpartition(".")[2] in _SAYING


def _takes_default(call: cst.Call) -> bool:
    """Whether the default is the first argument, as it is of pydantic's `Field` and of `attr.ib`."""
    return (dotted(call.func) or "").rpartition(".")[2] in {"Field", "attrib", "ib"}


def _in_annotation(annotation: cst.Annotation) -> Iterator[cst.BaseExpression]:
    match annotation.annotation:
        case cst.Subscript(value=wrapper, slice=[_, *others]) if (dotted(wrapper) or "").endswith("Annotated"):
            yield from (each.slice.value for each in others if isinstance(each.slice, cst.Index))
        case _:
            pass


def is_of_class(node: cst.AnnAssign) -> bool:
    """Whether a field is not one of the objects but of the class itself."""
    return any(isinstance(each, cst.Name) and each.value == "ClassVar" for each in inside(node.annotation))


def position_of(name: str, owner: Class) -> int | None:
    """At which position a field is an argument of the constructor; None where it is given by name only."""
    record = record_of(owner)
    if record is None or record in _UNORDERED:
        return None
    names: dict[str, None] = {}
    for each in reversed(lineage(owner).classes):
        for node, _ in fields_of(each):
            said = said_of(node)
            is_apart = any(
                _is(said.argument(word), value=value) for word, value in (("init", False), ("kw_only", True))
            )
            field = dotted(node.target)
            if field and not is_of_class(node) and not is_apart:
                names.setdefault(field)
    return [*names].index(name) if name in names else None


def fields_of(owner: Class) -> Iterator[tuple[cst.AnnAssign, Scope]]:
    """The fields in the body of a class, in order."""
    for piece in owner.module.members(owner.name):
        if piece.kind is Kind.STATEMENT:
            for tree, statement in owner.module.statements(piece):
                for node in inside(statement):
                    if isinstance(node, cst.AnnAssign):
                        yield node, Scope(owner.module, tree, owner=owner)


def methods_of(owner: Class, word: str) -> Iterator[tuple[cst.FunctionDef, Scope]]:
    """The methods of a class whose code, decorators included, mentions a word."""
    for piece in owner.module.members(owner.name):
        if piece.kind is Kind.FUNCTION and word in owner.module.code(piece):
            for tree, statement in owner.module.statements(piece):
                if isinstance(statement, cst.FunctionDef):
                    yield statement, Scope(owner.module, tree, owner=owner)


def has_own_constructor(owner: Class) -> bool:
    """Whether somebody wrote an `__init__` for a class, or for one that it inherits from."""
    return any(
        isinstance(each.bound, cst.FunctionDef)
        for each_class in lineage(owner).classes
        for each in bound_in_body("__init__", each_class.module, each_class.name)
    )


def _is(node: cst.BaseExpression | None, *, value: bool) -> bool:
    return isinstance(node, cst.Name) and node.value == str(value)
