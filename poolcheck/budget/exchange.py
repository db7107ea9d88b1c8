"""Facts as a JSON document and back, so that projects which share a database can be put together.

Version 1 may grow and does not change: what it does not know is passed over. A place in a file of another project
is a Span whose path says the line, `shop/deploy/api.yaml:45:16`, and which has no length.
"""

from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from poolcheck.budget.facts import Facts
from poolcheck.source import Span
from poolcheck.typed import is_list, is_record, is_table

VERSION = 1
KIND = "poolcheck facts"
"""What says of a JSON document that it holds facts."""


class BadFacts(Exception):
    """A document that holds no facts of a version that is known: what is wrong, and where in it."""


def document(facts: Facts, project: str, version: str, place: Callable[[Span], str]) -> dict[str, object]:
    """The document of a project's facts; `place` writes out where something stands."""
    return {
        "kind": KIND,
        "version": VERSION,
        "poolcheck": version,
        "project": project,
        **{name: _encoded(value, place) for name, value in facts._asdict().items()},
    }


def facts_in(found: object) -> tuple[str, Facts]:
    """The name of the project and its facts in a document. Raises BadFacts."""
    if not is_table(found) or found.get("kind") != KIND:
        raise BadFacts(f'it is no document of facts: "kind" is not "{KIND}"')
    if found.get("version") != VERSION:
        raise BadFacts(f"its version is {found.get('version')!r}, and this poolcheck knows version {VERSION}")
    project = found.get("project")
    if not isinstance(project, str) or not project:
        raise BadFacts('"project" is no name')
    lists = {name: found.get(name, []) for name in Facts._fields}
    facts: Facts = _decoded(lists, Facts, project, "")
    return project, facts


def _encoded(value: object, place: Callable[[Span], str]) -> object:
    if isinstance(value, Span):
        return place(value)
    if isinstance(value, frozenset):
        return sorted(str(each) for each in cast("frozenset[object]", value))
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        as_table = getattr(items, "_asdict", None)
        if as_table is None:
            return [_encoded(each, place) for each in items]
        fields = cast("Mapping[str, object]", as_table())
        return {name: _encoded(each, place) for name, each in fields.items()}
    return value


def _decoded(found: object, kind: Any, project: str, at: str) -> Any:
    """A value of this type out of what JSON has for it. Raises BadFacts."""
    options: tuple[Any, ...] = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    if found is None and NoneType in options:
        return None
    kind = next(each for each in options if each is not NoneType)
    if kind is Span and isinstance(found, str):
        return Span(f"{project}/{found}", 0, 0)
    if get_origin(kind) in {tuple, frozenset} and is_list(found):
        of_items = get_args(kind)[0]
        items = [_decoded(each, of_items, project, f"{at}[{number}]") for number, each in enumerate(found)]
        return frozenset(items) if get_origin(kind) is frozenset else tuple(items)
    if is_record(kind) and is_table(found):
        return _record(found, kind, project, at)
    if type(found) is kind:
        return found
    raise BadFacts(f"{at.lstrip('.')} is {found!r}")


def _record(found: Mapping[str, object], kind: Any, project: str, at: str) -> Any:
    """A record, where what the document leaves out is as it is by default."""
    hints = _hints(kind)
    missing = [name for name in hints if name not in found and name not in kind._field_defaults]
    if missing:
        raise BadFacts(f"{at.lstrip('.') or 'the document'} does not say its {missing[0]}")
    given = {name: hint for name, hint in hints.items() if name in found}
    return kind(**{name: _decoded(found[name], hint, project, f"{at}.{name}") for name, hint in given.items()})


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    """The types of the fields of a record."""
    return {name: hint for name, hint in get_type_hints(kind).items() if name in kind._fields}
