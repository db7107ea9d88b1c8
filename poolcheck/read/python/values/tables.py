"""Dictionaries: put together, changed behind the place where they are made, and asked for their entries."""

from collections.abc import Iterable, Sequence

import libcst as cst

from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.values.changes import Act, Change, changes, is_changed_somewhere
from poolcheck.read.python.values.flow import Worth
from poolcheck.read.python.values.scope import Definition, Scope
from poolcheck.source import Span
from poolcheck.value import (
    Computed,
    Either,
    Known,
    Places,
    Table,
    Unknown,
    Value,
    compute,
    either,
    entry_of,
    known_text,
    moved,
    options_of,
)

MOST_TABLES = 8
"""What a dictionary may have become, for each way through the branches behind it."""


def merged(tables: Iterable[Value], places: Places) -> Table:
    """Dictionaries put into one, the later over the earlier."""
    items: dict[str, Value] = {}
    is_complete = True
    for table in tables:
        if not isinstance(table, Table) or not table.is_complete:
            # What is not seen may be in place of anything before it.
            items, is_complete = {}, False
        if isinstance(table, Table):
            items |= dict(table.items)
    return Table(tuple(items.items()), is_complete, places)


def written_out(node: cst.Dict, scope: Scope, worth: Worth) -> Table:
    """A dictionary that is written out."""
    place = (scope.span(node),)
    parts: list[Value] = []
    for element in node.elements:
        value = worth(element.value, scope)
        if isinstance(element, cst.DictElement):
            key = known_text(worth(element.key, scope))
            value = Unknown(place) if key is None else Table(((key, value),), is_complete=True, places=place)
        parts.append(value)
    return merged(parts, place)


def pairs(arguments: Sequence[cst.Arg], values: Sequence[Value], places: Places) -> Table:
    """What `dict(…)` makes of its arguments, and `update(…)` of its own."""
    parts = [
        Table(((argument.keyword.value, value),), is_complete=True, places=places) if argument.keyword else value
        for argument, value in zip(arguments, values, strict=True)
    ]
    return merged(parts, places)


def entry_for(table: Value, key: Value, otherwise: Value, place: Places) -> Value:
    """The entry of a dictionary under a key that is not known by now."""
    if not isinstance(table, Table) or not table.is_complete or len(table.items) > MOST_TABLES:
        return Unknown(place)
    value = otherwise
    for name, item in reversed(table.items):
        value = compute("if", [compute("==", [key, Known(name, place)], place), item, value], ())
    return moved(value, place)


def entry(table: Value, key: str, otherwise: Value, place: Places) -> Value:
    """The entry of a dictionary, or else something."""
    found = entry_of(table, key)
    return moved(otherwise if found is None else found, place)


def changed(
    value: Value, definition: Definition, node: cst.Name | cst.Attribute, scope: Scope, worth: Worth
) -> Value:
    """A dictionary as it is where it is used, behind what was done to it since it was made."""
    if isinstance(node, cst.Attribute) or definition.scope.module is not scope.module:
        names = {dotted(node) or "", (dotted(node) or "").rpartition(".")[2]}
        modules = (scope.module, definition.scope.module)
        is_changed = any(is_changed_somewhere(name, module) for module in modules for name in names)
        return Table((), is_complete=False, places=value.places) if is_changed else value
    made, used = definition.scope.span(definition.node), scope.span(node)
    options = [*options_of(value)]
    for change in changes(node.value, scope):
        is_before = change.scope.functions == definition.scope.functions and change.place.end <= made.end
        is_behind = change.scope.functions == scope.functions and change.place.end > used.start
        if (is_before and not _holds(change.loop, made)) or (is_behind and not _holds(change.loop, used)):
            continue
        if change.tests is None:
            options = [*dict.fromkeys((*options, *(_after(change, each, worth) for each in options)))]
        else:
            options = [_where_tested(change, each, worth) for each in options]
        if len(options) > MOST_TABLES:
            return Unknown(value.places)
    return either(options, value.places)


def _holds(loop: Span | None, place: Span) -> bool:
    return loop is not None and loop.start <= place.start and place.end <= loop.end


def _where_tested(change: Change, before: Value, worth: Worth) -> Value:
    """What a dictionary becomes, or what it stays where something is asked that is not so."""
    found = _after(change, before, worth)
    for test in reversed(change.tests or ()):
        found = _either_way(worth(test.node, change.scope), found, before, is_true=test.is_true)
    return found


def _either_way(answer: Value, found: Value, before: Value, *, is_true: bool) -> Value:
    """What it becomes where the answer is true, or is not, and what it was else."""
    ways = [_where(answer, found, is_true=is_true), _where(answer, before, is_true=not is_true)]
    told = compute("if", [answer, *(ways if is_true else reversed(ways))], ())
    is_open = isinstance(answer, Unknown | Either) or isinstance(told, Unknown)
    return either([before, found], ()) if is_open else told


def _where(answer: Value, value: Value, *, is_true: bool) -> Value:
    """What a value is where an answer is known that it asks for."""
    match value:
        case Computed("if", (asked, then, otherwise), _) if asked == answer:
            return then if is_true else otherwise
        case _:
            return value


def _after(change: Change, before: Value, worth: Worth) -> Value:
    """What a dictionary becomes."""
    match before:
        case Table():
            return _table_after(change, before, worth)
        case Computed("if", (test, *ways), places):
            return compute("if", [test, *(_after(change, way, worth) for way in ways)], places)
        case Either(options, places):
            return either([_after(change, option, worth) for option in options], places)
        case _:
            return before


def _table_after(change: Change, before: Table, worth: Worth) -> Value:
    unseen = Table((), is_complete=False, places=before.places)
    if change.path:
        name = known_text(worth(change.path[0], change.scope))
        inner = entry_of(before, name) if name else None
        if name is None or not isinstance(inner, Table):
            return unseen
        after = _after(change._replace(path=change.path[1:]), inner, worth)
        return before._replace(items=tuple((dict(before.items) | {name: after}).items()))
    key = known_text(worth(change.key, change.scope)) if change.key else None
    given = [worth(argument.value, change.scope) for argument in change.arguments]
    items = dict(before.items)
    match change.act:
        case Act.UPDATE:
            return merged([before, pairs(change.arguments, given, before.places)], before.places)
        case Act.SET if key is not None:
            items[key] = given[0]
        case Act.DEFAULT if key is not None:
            if key in items or not before.is_complete:
                return before
            items[key] = given[0] if given else Known(None, before.places)
        case Act.REMOVE if key is not None:
            items.pop(key, None)
        case _:
            return unseen
    return before._replace(items=tuple(items.items()))
