"""What binds names in a function or a statement, as its syntax alone tells."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import libcst as cst

from poolcheck.read.python.syntax.trees import children, walk

Bound: TypeAlias = cst.FunctionDef | cst.BaseExpression | cst.AnnAssign | cst.AugAssign | cst.WithItem | cst.Param
"""What binds a name: a function, an expression that is assigned, an assignment with a type or with an operator, a
`with … as`, a parameter."""


@lru_cache(maxsize=1024)
def bound_in(root: cst.CSTNode) -> Mapping[str, tuple[Bound | None, ...]]:
    """The names that are bound inside a function or a statement, not counting functions and classes in it.

    Each with what it is bound to; None for what is not an expression, such as the target of a loop.
    """
    found: dict[str, list[Bound | None]] = {}
    declared: set[str] = set()
    if isinstance(root, cst.FunctionDef):
        for parameter in parameters(root):
            found.setdefault(parameter.name.value, []).append(parameter)
    for node in inside(root) if isinstance(root, cst.FunctionDef) else (root, *inside(root)):
        if type(node) is cst.Global or type(node) is cst.Nonlocal:
            declared |= {item.name.value for item in node.names}
        for name, bound in names_bound(node):
            found.setdefault(name, []).append(bound)
        if type(node) is cst.FunctionDef:
            for name in found.keys() & {*_nonlocal_in(node)}:
                found[name].append(None)
    return {name: tuple(bound) for name, bound in found.items() if name not in declared}


def _nonlocal_in(function: cst.FunctionDef) -> Iterator[str]:
    """The names that a function inside of another binds for it."""
    for node in walk(function):
        if isinstance(node, cst.Nonlocal):
            yield from (item.name.value for item in node.names)


def inside(root: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes inside a function or a statement in the order of the source, but none inside functions in it."""
    return iter(_inside_function(root)) if isinstance(root, cst.FunctionDef) else _inside(root)


@lru_cache(maxsize=64)
def _inside_function(function: cst.FunctionDef) -> Sequence[cst.CSTNode]:
    """The same for a function, which many ask for."""
    return tuple(_inside(function))


def _inside(root: cst.CSTNode) -> Iterator[cst.CSTNode]:
    waiting = [*children(root)][::-1]
    while waiting:
        node = waiting.pop()
        yield node
        if type(node) not in _OF_THEIR_OWN:
            waiting += children(node)[::-1]


_OF_THEIR_OWN = frozenset({cst.FunctionDef, cst.ClassDef, cst.Lambda})
"""What has names of its own."""


@lru_cache(maxsize=1024)
def returned(function: cst.FunctionDef) -> tuple[cst.BaseExpression, ...]:
    """The expressions that a function may return."""
    return tuple(node.value for node in inside(function) if isinstance(node, cst.Return) and node.value)


def annotation_of(name: str, function: cst.FunctionDef) -> cst.BaseExpression | None:
    """The type that a function declares for one of its parameters."""
    found = (parameter for parameter in parameters(function) if parameter.name.value == name)
    return next((parameter.annotation.annotation for parameter in found if parameter.annotation), None)


def dotted(node: cst.CSTNode) -> str | None:
    """`a.b.c` as it is written; None for anything but a name and attributes of it."""
    names: list[str] = []
    while isinstance(node, cst.Attribute):
        names.append(node.attr.value)
        node = node.value
    return ".".join([node.value, *reversed(names)]) if isinstance(node, cst.Name) else None


def last_name(node: cst.CSTNode) -> str:
    """The last part of a dotted name, whatever it is an attribute of; "" for anything else."""
    match node:
        case cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name):
            return name
        case _:
            return ""


def last_name_behind(node: cst.CSTNode) -> str:
    """The same of what is called, or subscripted, in the end."""
    while isinstance(node, cst.Call | cst.Subscript):
        node = node.func if isinstance(node, cst.Call) else node.value
    return last_name(node)


_BINDING = frozenset(
    {
        cst.AnnAssign, cst.Assign, cst.AugAssign, cst.ClassDef, cst.CompFor, cst.Del, cst.ExceptHandler, cst.For,
        cst.FunctionDef, cst.Lambda, cst.MatchAs, cst.MatchStar, cst.NamedExpr, cst.WithItem,
    }
)  # fmt: skip
"""The nodes that bind names. Asked first, as to match a node against fifteen patterns takes a while."""


def names_bound(node: cst.CSTNode) -> Iterator[tuple[str, Bound | None]]:
    """The names that a node binds by itself."""
    if type(node) not in _BINDING:
        return
    match node:
        case cst.Assign(targets=targets, value=value):
            for target in targets:
                yield from _bound_by(target.target, value)
        case cst.AnnAssign(target=target):
            if node.value and (name := dotted(target)):
                yield name, node
        case cst.AugAssign(target=target):
            yield from ((name, node) for name in [dotted(target)] if name)
        case cst.NamedExpr(target=cst.Name(value=name), value=value):
            yield name, value
        case cst.WithItem(asname=cst.AsName(name=cst.Name() | cst.Attribute() as target)):
            yield from ((name, node) for name in [dotted(target)] if name)
        case cst.FunctionDef(name=cst.Name(value=name)):
            yield name, node
        case _:
            yield from ((name, None) for name in _bound_to_unseen(node))


def _bound_to_unseen(node: cst.CSTNode) -> Iterator[str]:
    """The names that a node binds to what is no expression."""
    match node:
        case cst.For(target=target) | cst.CompFor(target=target):
            yield from (name for name, _ in _bound_by(target, None))
        case cst.Del(target=target):
            yield from (name for name, _ in _bound_by(target, None))
        case cst.Lambda():
            yield from (parameter.name.value for parameter in parameters(node))
        case cst.WithItem(asname=cst.AsName(name=target)) | cst.ExceptHandler(name=cst.AsName(name=target)):
            yield from (name for name, _ in _bound_by(target, None))
        case cst.MatchAs(name=cst.Name(value=name)) | cst.MatchStar(name=cst.Name(value=name)):
            yield name
        case cst.ClassDef(name=cst.Name(value=name)):
            yield name
        case _:
            pass


def _bound_by(target: cst.CSTNode, value: cst.BaseExpression | None) -> Iterator[tuple[str, Bound | None]]:
    """What a target of an assignment binds, element by element where both sides are written out."""
    if name := dotted(target):
        yield name, value
    elif isinstance(target, cst.Tuple | cst.List):
        values: list[cst.BaseExpression | None] = [None] * len(target.elements)
        if isinstance(value, cst.Tuple | cst.List) and len(value.elements) == len(target.elements):
            values = [element.value for element in value.elements]
        for element, each in zip(target.elements, values, strict=True):
            yield from _bound_by(element.value, each)
    elif isinstance(target, cst.StarredElement):
        yield from _bound_by(target.value, None)


def parameters(function: cst.FunctionDef | cst.Lambda) -> Iterator[cst.Param]:
    """All parameters of a function, `*` and `**` last."""
    params = function.params
    yield from (*params.posonly_params, *params.params, *params.kwonly_params)
    yield from (each for each in (params.star_arg, params.star_kwarg) if isinstance(each, cst.Param))


def names_entered(item: cst.WithItem) -> tuple[str, ...] | None:
    """The names that a `with` statement gives to what it is over; None where it is not a name."""
    match item.asname:
        case None:
            return ()
        case cst.AsName(name=cst.Name(value=name)):
            return (name,)
        case _:
            return None
