"""What the fields of records are worth: given to the constructor, read from the environment, or by default.

Observed with pydantic 2.14 and pydantic-settings 2.16. pydantic 1 documents that it reads `env` and no aliases.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.arguments import passed
from poolcheck.read.python.syntax.bindings import dotted, inside, parameters
from poolcheck.read.python.values.flow import Worth
from poolcheck.read.python.values.given import Given
from poolcheck.read.python.values.names import functions_called
from poolcheck.read.python.values.outcome import outcome
from poolcheck.read.python.values.records import (
    ENUMERATIONS,
    Record,
    Said,
    fields_of,
    has_own_constructor,
    is_of_class,
    methods_of,
    position_of,
    record_of,
    said_of,
)
from poolcheck.read.python.values.scope import (
    Call,
    Class,
    Definition,
    Objects,
    Scope,
    Trail,
    class_in_annotation,
    lineage,
)
from poolcheck.read.python.values.settings_classes import Variable, variable_of
from poolcheck.value import EnvRef, Known, Places, Table, Unknown, Value, compute, either, moved

_SETTINGS = frozenset({Record.SETTINGS, Record.SETTINGS_1})
_PYDANTIC = _SETTINGS | {Record.MODEL}

_CONVERSIONS: Mapping[str, str] = {
    "bool": "as bool",
    "float": "as float",
    "int": "as int",
    "NonNegativeFloat": "as float",
    "NonNegativeInt": "as int",
    "PositiveFloat": "as float",
    "PositiveInt": "as int",
    "StrictBool": "as bool",
    "StrictInt": "as int",
    "confloat": "as float",
    "conint": "as int",
}
_TEXTS = frozenset({"str", "SecretStr"})
_COMPOUND = frozenset({"dict", "list", "set", "tuple", "Dict", "List", "Mapping", "Sequence", "Set", "Tuple"})
"""What pydantic reads from a variable as JSON."""


def field_value(node: cst.AnnAssign, scope: Scope, worth: Worth, trail: Trail) -> Value:
    """What a field is worth of the object that `scope` is about, or of all objects of the class."""
    this = scope.this or (scope.owner.itself if scope.owner else None)
    record = record_of(this) if this else None
    if this is None or record is None or this.is_class or is_of_class(node):
        return _default(said_of(node), node, scope, worth) or Unknown((scope.span(node),))
    return _Field(node, scope, worth, this, record).of_objects(trail)


class _Field(NamedTuple):
    """A field of a record, and the object that is asked about."""

    node: cst.AnnAssign
    scope: Scope
    worth: Worth
    this: Class
    record: Record

    @property
    def name(self) -> str:
        """What the field is called."""
        return dotted(self.node.target) or ""

    @property
    def place(self) -> Places:
        """Where it is declared."""
        return (self.scope.span(self.node),)

    def of_objects(self, trail: Trail) -> Value:
        """What it is worth of the object, or of every object where it is not known which it is."""
        if self.this.call:
            objects = Objects((self.this,), is_complete=True)
        else:
            objects = trail.callers.makings(self.this) if trail.callers else Objects()
            trail.spend(objects.effort)
        values = [
            moved(self._replace(this=each).of_object(each.call), _place_of(each.call))
            for each in objects.found
            if each.call
        ]
        if not objects.is_complete:
            values += [self.of_object(None), Unknown(self.place)]
        return either(values, ())

    def of_object(self, call: Call | None) -> Value:
        """What it is worth of an object that a call makes."""
        is_written = self.record in _PYDANTIC and has_own_constructor(self.this)
        if is_written and call and call.node and call.node.args:
            return Unknown(self.place)
        given = self._given(call)
        if given is not None:
            value = self._converted(given) if self.record is not Record.MODEL else given
            return self._validated(value)
        if self.record in _SETTINGS:
            return self._from_environment(call)
        value = _default(said_of(self.node), self.node, self.scope, self.worth) or Unknown(self.place)
        return self._nested(self._converted(value) if self.record is Record.ATTRS else value)

    def _given(self, call: Call | None) -> Value | None:
        """What the call that makes the object gives for the field."""
        if call is None or call.node is None:
            return None
        given = Given(call.node, call.scope, self.worth)
        found = given.value(self.name, position_of(self.name, self.this))
        alias = said_of(self.node).argument("alias", "validation_alias") if self.record in _PYDANTIC else None
        match alias:
            case cst.SimpleString(evaluated_value=str() as other) if found is None:
                return given.value(other)
            case _:
                return found

    def _converted(self, value: Value) -> Value:
        """What attrs makes of a value that is given or is the default."""
        converter = said_of(self.node).argument("converter") if self.record is Record.ATTRS else None
        if converter is None:
            return value
        name = dotted(converter)
        return compute(name, [value], self.place) if name in {"int", "float", "str"} else Unknown(self.place)

    def _from_environment(self, call: Call | None) -> Value:
        """What settings take from the environment."""
        variable = variable_of(self.node, self.scope, self.this, call, self.worth)
        declared = class_in_annotation(self.node.annotation, self.scope)
        if variable is None or (declared and lineage(declared).outside & ENUMERATIONS):
            return Unknown(self.place)
        default = _default(said_of(self.node), self.node, self.scope, self.worth)
        return self._validated(self._nested(self._read(variable, default)))

    def _read(self, variable: Variable, default: Value | None) -> Value:
        """A variable, or several of which the first that is set counts, as what is read from it."""
        first, *others = variable.names
        reference = EnvRef(first, default, self.place, tuple(others), ignores_case=variable.ignores_case)
        if variable.ignores_empty and default is not None:
            reading: Value = compute(
                "or", [reference._replace(default=Known(None, self.place)), default], self.place
            )
        else:
            reading = reference
        kinds = {node.value for node in inside(self.node.annotation) if isinstance(node, cst.Name)}
        if kinds & _COMPOUND:
            is_set = reference._replace(default=Known(None, self.place))
            return compute("if", [is_set, Unknown(self.place), default or Unknown(self.place)], self.place)
        conversion = next((_CONVERSIONS[kind] for kind in sorted(kinds & _CONVERSIONS.keys())), None)
        return compute(conversion, [reading], self.place) if conversion and not kinds & _TEXTS else reading

    def _nested(self, value: Value) -> Value:
        """A field of what is itself a field of settings: read from a variable of its own, where there is one."""
        outer = self.this.field
        variable = nested_variable(self.name, outer, self.worth) if outer else None
        if variable is None:
            return value
        whole, names = variable
        is_set = EnvRef(whole, Known(None, self.place), self.place, ignores_case=True)
        inner = self._read(names, value) if names else value
        return compute("if", [is_set, Unknown(self.place), inner], self.place)

    def _validated(self, value: Value) -> Value:
        """What the validators of the class make of a value."""
        if self.record not in _PYDANTIC:
            return value
        for owner in lineage(self.this).classes:
            for function, scope in methods_of(owner, "validator"):
                value = self._behind(value, function, scope._replace(this=self.this))
        return value

    def _behind(self, value: Value, function: cst.FunctionDef, scope: Scope) -> Value:
        """What a method makes of a value, if it is a validator."""
        for decorator in function.decorators:
            node = decorator.decorator
            call = node if isinstance(node, cst.Call) else None
            name = (dotted(call.func if call else node) or "").rpartition(".")[2]
            if name in {"field_validator", "validator"} and call and self._is_named_in(call):
                return self._behind_validator(value, function, scope, call)
            is_before = name == "root_validator" or (name == "model_validator" and call and _mode(call) != "after")
            if is_before and self._may_be_changed_in(function, scope):
                return Unknown(self.place)
        return value

    def _is_named_in(self, call: cst.Call) -> bool:
        names = [each.value.evaluated_value for each in call.args if isinstance(each.value, cst.SimpleString)]
        return self.name in names or "*" in names

    def _may_be_changed_in(self, function: cst.FunctionDef, scope: Scope) -> bool:
        """Whether a validator of a whole object may change the field."""
        span = scope.span(function)
        code = scope.module.source.text[span.start : span.end]
        return re.search(rf"\b{re.escape(self.name)}\b|\bfor\b|\*\*|\bupdate\b|\bsetattr\b", code) is not None

    def _behind_validator(self, value: Value, function: cst.FunctionDef, scope: Scope, call: cst.Call) -> Value:
        if _mode(call) in {"plain", "wrap"}:
            return Unknown(self.place)
        names = [parameter.name.value for parameter in parameters(function)]
        own = names[1:2] if names[:1] == ["cls"] else names[:1]
        if not own:
            return Unknown(self.place)
        others = self._others(function, scope)
        # In pydantic 1 a validator is given the other fields themselves, since 2 an object with them in `data`.
        told = {told: others for name in names for told in (name, f"{name}.data")}
        within = scope.inside(function, Call(None, scope, told | {own[0]: value}))
        return moved(outcome(function, within, self.worth), self.place)

    def _others(self, function: cst.FunctionDef, scope: Scope) -> Table:
        """The other fields that a validator mentions, as those that are validated before."""
        span = scope.span(function)
        code = scope.module.source.text[span.start : span.end]
        items: dict[str, Value] = {}
        for owner in lineage(self.this).classes:
            for node, around in fields_of(owner):
                name = dotted(node.target) or ""
                if name != self.name and name not in items and re.search(rf"[\"']{re.escape(name)}[\"']", code):
                    other = self._replace(node=node, scope=around._replace(this=self.this))
                    items[name] = other.of_object(self.this.call)
        return Table(tuple(items.items()), is_complete=False, places=self.place)


def nested_variable(name: str, outer: Definition, worth: Worth) -> tuple[str, Variable | None] | None:
    """The variables of a whole field of settings and of a field in it; None for a field of something else."""
    node, scope = outer
    this = scope.this
    if not isinstance(node, cst.AnnAssign) or this is None or record_of(this) not in _SETTINGS:
        return None
    variable = variable_of(node, scope, this, this.call, worth)
    if variable is None:
        return None
    names = tuple(f"{whole}{variable.delimiter}{name}" for whole in variable.names)
    inner = Variable(
        tuple(each.upper() for each in names) if variable.ignores_case else names, variable.ignores_case
    )
    return variable.names[0], inner if variable.delimiter else None


def _place_of(call: Call) -> Places:
    """Where an object is made."""
    return (call.scope.span(call.node),) if call.node else ()


def _mode(call: cst.Call) -> str:
    """When a validator is asked."""
    found = passed(call, "mode", None).node
    return str(found.evaluated_value) if isinstance(found, cst.SimpleString) else ""


def _default(said: Said, node: cst.AnnAssign, scope: Scope, worth: Worth) -> Value | None:
    """What a field is where nothing else is given; None where something must be."""
    if said.factory is None:
        return worth(said.default, scope) if said.default else None
    match said.factory:
        case cst.Lambda(body=body):
            return worth(body, scope)
        case cst.Name() | cst.Attribute() as factory:
            found = (_returned(each, worth) for each in functions_called(factory, scope))
            return either([*found] or [Unknown((scope.span(node),))], ())
        case _:
            return Unknown((scope.span(node),))


def _returned(function: Definition, worth: Worth) -> Value:
    node, scope = function
    if not isinstance(node, cst.FunctionDef):
        return Unknown((scope.span(node),))
    return outcome(node, scope.inside(node, Call(None, scope)), worth)
