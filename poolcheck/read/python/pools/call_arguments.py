"""The arguments of a call that makes a pool, those included that a dictionary brings."""

import re
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.libraries.constructor import Constructor
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.values.evaluate import evaluate
from poolcheck.read.python.values.scope import Scope, qualified
from poolcheck.value import (
    HOLE,
    Computed,
    Known,
    Places,
    Table,
    Unknown,
    Value,
    compute,
    either,
    options_of,
    text_of,
)


class Given(NamedTuple):
    """Arguments by name, of which some may be given `partly`: on some branches only.

    If they are complete, there are no others.
    """

    values: dict[str, Value]
    partly: frozenset[str]
    is_complete: bool


def arguments_of(call: cst.Call, constructor: Constructor, scope: Scope) -> Given:
    """The arguments of a call that makes what a constructor says."""
    given = Given({}, frozenset(), is_complete=True)
    for at, argument in enumerate(call.args):
        if argument.star == "**":
            given = _with(given, spread(evaluate(argument.value, scope), constructor, scope.module))
        elif argument.star or (argument.keyword is None and at >= len(constructor.parameters)):
            given = given._replace(is_complete=False)
        else:
            parameter = argument.keyword.value if argument.keyword else constructor.parameters[at]
            is_name = parameter in _NAMES_OF_THINGS
            given.values[parameter] = (_last_name if is_name else evaluate)(argument.value, scope)
    table = given.values.get(constructor.spread or "")
    if table is None:
        return given
    table = _of_alembic(table, scope) or table
    unprefixed = _without_prefix(table, given.values.get("prefix"), constructor)
    more = spread(unprefixed, constructor, scope.module)
    return _with(more, given)._replace(is_complete=given.is_complete and more.is_complete)


def _of_alembic(table: Value, scope: Scope) -> Value | None:
    """What alembic.ini has, where a module asks for its section; None where nobody asks."""
    place = table.places[-1]
    if not isinstance(table, Unknown) or place.path != scope.module.path:
        return None
    written = scope.module.source.text[place.start : place.end]
    return scope.module.project.alembic.configured(written, table.places[0])


def _with(given: Given, more: Given) -> Given:
    """Arguments with others behind them, which come in place of the former."""
    partly = (given.partly - more.values.keys()) | more.partly
    return Given(given.values | more.values, partly, given.is_complete and more.is_complete)


def _without_prefix(value: Value, prefix: Value | None, constructor: Constructor) -> Value:
    """A dictionary of arguments whose names begin with `sqlalchemy.`, or with what a call says."""
    if "prefix" not in constructor.parameters:
        return value
    begin = "sqlalchemy." if prefix is None else text_of(prefix)
    if HOLE in begin:
        return Unknown(value.places)
    tables = [
        each._replace(
            items=tuple((key.removeprefix(begin), item) for key, item in each.items if key.startswith(begin))
        )
        if isinstance(each, Table)
        else each
        for each in options_of(value)
    ]
    return either(tables, value.places)


_NAMES_OF_THINGS = frozenset({"getmode", "poolclass"})
"""Parameters that are given classes or constants of a library."""


def spread(value: Value, constructor: Constructor, module: Module) -> Given:
    """The arguments that `**value` gives.

    What only some of several dictionaries have is one of their values or the parameter's default.
    """
    if isinstance(value, Computed) and value.function == "if":
        return _one_or_other(value, constructor, module)
    tables = [option for option in options_of(value) if isinstance(option, Table)]
    if len(tables) < len(options_of(value)):
        return Given({}, frozenset(), is_complete=False)
    values: dict[str, Value] = {}
    partly: set[str] = set()
    is_complete = all(table.is_complete for table in tables)
    for name in dict.fromkeys(name for table in tables for name, _ in table.items):
        missing = _where_missing(name, Given({}, frozenset(), is_complete), constructor, value.places)
        found = [dict(table.items).get(name) for table in tables]
        if None in found:
            partly.add(name)
        values[name] = either([each or missing for each in found], value.places)
        if name in _NAMES_OF_THINGS:
            values[name] = _named_in_table(values[name], module)
    return Given(values, frozenset(partly), is_complete)


def _one_or_other(value: Computed, constructor: Constructor, module: Module) -> Given:
    """The arguments that one dictionary gives or another, as what is asked tells."""
    test, *branches = value.arguments
    ways = [spread(branch, constructor, module) for branch in branches]
    values: dict[str, Value] = {}
    for name in dict.fromkeys(name for way in ways for name in way.values):
        found = [way.values.get(name) or _where_missing(name, way, constructor, value.places) for way in ways]
        values[name] = compute("if", [test, *found], value.places)
    partly = {name for way in ways for name in way.partly | (values.keys() - way.values.keys())}
    return Given(values, frozenset(partly), all(way.is_complete for way in ways))


def _where_missing(name: str, given: Given, constructor: Constructor, places: Places) -> Value:
    """What a parameter is that a dictionary does not give."""
    is_told = given.is_complete and name in constructor.defaults
    return Known(constructor.defaults[name], places) if is_told else Unknown(places)


def _named_in_table(value: Value, module: Module) -> Value:
    """A class that an entry of a dictionary of the same module names."""
    place = value.places[-1]
    written = module.source.text[place.start : place.end] if place.path == module.path else ""
    if not isinstance(value, Unknown) or not _DOTTED.fullmatch(written):
        return value
    first, dot, rest = written.partition(".")
    target = module.imported(first)
    return Known(f"{target}{dot}{rest}".rpartition(".")[2], value.places) if target else value


_DOTTED = re.compile(r"[A-Za-z_][\w.]*")


def _last_name(node: cst.BaseExpression, scope: Scope) -> Value:
    """A class or a constant that is handed over, by the last part of its name."""
    place = (scope.span(node),)
    if isinstance(node, cst.IfExp):
        return either([_last_name(node.body, scope), _last_name(node.orelse, scope)], place)
    if isinstance(node, cst.Name) and node.value == "None":
        return Known(None, place)
    name = qualified(node, scope)
    return Known(name.rpartition(".")[2], place) if name else Unknown(place)
