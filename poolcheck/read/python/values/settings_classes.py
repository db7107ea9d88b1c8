"""From which environment variables pydantic's settings take their fields."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.bindings import dotted, returned
from poolcheck.read.python.syntax.bound import bound_in_body, openings
from poolcheck.read.python.values.flow import Worth
from poolcheck.read.python.values.given import Given
from poolcheck.read.python.values.records import Record, Said, methods_of, record_of, said_of
from poolcheck.read.python.values.scope import Call, Class, Scope, lineage
from poolcheck.value import Known, Unknown, Value, entry_of


class Variable(NamedTuple):
    """The names of a variable, of which the first that is set counts, and how they are looked for.

    An empty one counts as not set where it `ignores_empty`. The fields of a field have variables of their own
    where there is a `delimiter` between the names.
    """

    names: tuple[str, ...]
    ignores_case: bool = True
    ignores_empty: bool = False
    delimiter: str = ""


class _Odd(Exception):
    """The settings are made in a way that is not followed."""


def variable_of(
    field: cst.AnnAssign, scope: Scope, this: Class, call: Call | None, worth: Worth
) -> Variable | None:
    """The variable of a field; None where that is not known. `call` makes the object."""
    config = _Config(this, call, worth)
    said = said_of(field)
    try:
        if not _reads_the_environment(this):
            return None
        if config.scalar("str_strip_whitespace", default=False):
            return None
        is_exact = bool(config.scalar("case_sensitive", default=False))
        own = f"{config.scalar('env_prefix', default='')}{dotted(field.target)}"
        is_old = record_of(this) is Record.SETTINGS_1
        aliases = _aliases(said, config, is_old=is_old)
        names = tuple(_text(alias, scope, worth) for alias in aliases)
        by_name = ("populate_by_name", "validate_by_name", "allow_population_by_field_name")
        if not names or (not is_old and any(config.scalar(key, default=False) for key in by_name)):
            names = (*names, own)
        ignores_empty = bool(config.scalar("env_ignore_empty", default=False))
        delimiter = config.scalar("env_nested_delimiter", default="")
    except _Odd:
        return None
    return Variable(
        names if is_exact else (*_in_capitals(names),), not is_exact, ignores_empty, str(delimiter or "")
    )


def _in_capitals(names: Iterable[str]) -> Iterator[str]:
    """The names as everybody writes them, and as they are written where that is a mixture."""
    for name in names:
        yield name.upper()
        if name not in {name.upper(), name.lower()}:
            yield name


def _aliases(said: Said, config: "_Config", *, is_old: bool) -> Sequence[cst.BaseExpression]:
    """The names that a field is given in place of its own. Raises _Odd."""
    if config.find("fields" if is_old else "alias_generator") is not None:
        raise _Odd
    match said.argument("env") if is_old else said.argument("validation_alias", "alias"):
        case None:
            return ()
        case cst.List(elements=elements) | cst.Tuple(elements=elements):
            return [element.value for element in elements]
        case cst.Call(func=func, args=arguments) if (dotted(func) or "").endswith("AliasChoices"):
            return [argument.value for argument in arguments]
        case alias:
            return [alias]


def _text(node: cst.BaseExpression, scope: Scope, worth: Worth) -> str:
    """A name that is written out, or in a constant. Raises _Odd."""
    value = worth(node, scope)
    if isinstance(value, Known) and isinstance(value.scalar, str):
        return value.scalar
    raise _Odd


class _Config:
    """How a class, and those that it inherits from, configure the settings."""

    def __init__(self, this: Class, call: Call | None, worth: Worth) -> None:
        self._this = this
        self._call = call
        self._worth = worth

    def scalar(self, key: str, *, default: str | bool) -> str | bool:
        """A setting. Raises _Odd where it is not known."""
        found = self.find(key)
        if found is None:
            return default
        if isinstance(found, Known) and found.scalar is None:
            return default
        if isinstance(found, Known) and isinstance(found.scalar, str | bool):
            return found.scalar
        raise _Odd

    def find(self, key: str) -> Value | None:
        """What is configured; None where nothing is."""
        if self._call and self._call.node:
            given = Given(self._call.node, self._call.scope, self._worth).value(f"_{key}")
            if given is not None and not isinstance(given, Unknown):
                return given
        for owner in lineage(self._this).classes:
            for found in (
                self._in_header(owner, key),
                self._in_model_config(owner, key),
                self._in_class(owner, key),
            ):
                if found is not None:
                    return found
        return None

    def _in_header(self, owner: Class, key: str) -> Value | None:
        for tree, statement in openings(owner.module, owner.name):
            for argument in statement.keywords:
                if argument.keyword and argument.keyword.value == key:
                    return self._worth(argument.value, Scope(owner.module, tree))
        return None

    def _in_model_config(self, owner: Class, key: str) -> Value | None:
        for bound, tree, _ in bound_in_body("model_config", owner.module, owner.name):
            node = bound.value if isinstance(bound, cst.AnnAssign) else bound
            scope = Scope(owner.module, tree, owner=owner)
            if isinstance(node, cst.Call):
                return Given(node, scope, self._worth).value(key)
            return entry_of(self._worth(node, scope), key) if node else Unknown(())
        return None

    def _in_class(self, owner: Class, key: str) -> Value | None:
        for bound, tree, _ in bound_in_body(key, owner.module, f"{owner.name}.Config"):
            node = bound.value if isinstance(bound, cst.AnnAssign) else bound
            return self._worth(node, Scope(owner.module, tree, owner=owner)) if node else Unknown(())
        return None


def _reads_the_environment(this: Class) -> bool:
    """Whether nothing goes before the environment but the arguments, as is usual."""
    for owner in lineage(this).classes:
        for function, _ in methods_of(owner, "settings_customise_sources"):
            sources = [dotted(element.value) for element in _sources(function)]
            if sources[:2] != ["init_settings", "env_settings"]:
                return False
    return True


def _sources(function: cst.FunctionDef) -> list[cst.BaseElement]:
    values = returned(function)
    return list(values[0].elements) if len(values) == 1 and isinstance(values[0], cst.Tuple | cst.List) else []
