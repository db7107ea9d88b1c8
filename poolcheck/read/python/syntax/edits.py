"""Edits of calls and dictionaries that leave every other character of a module as it is."""

from collections.abc import Iterator

import libcst as cst

from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.trees import Tree, walk
from poolcheck.source import Edit, Span


def call_at(module: Module, span: Span) -> tuple[Tree, cst.Call] | None:
    """The call in a place, with its tree."""
    for tree, node in _nodes_at(module, span):
        if isinstance(node, cst.Call):
            return tree, node
    return None


def without_argument(module: Module, call: Span, name: str) -> Edit | None:
    """An edit that takes a keyword argument out of a call; None where it is not written in it."""
    if (found := call_at(module, call)) is None:
        return None
    tree, node = found
    at = _index(node, name)
    return None if at is None else _without(module, [tree.span(each) for each in node.args], at)


def with_argument(module: Module, call: Span, written: str) -> Edit | None:
    """An edit that gives a call one more argument, behind its others; None where `**` may have it already."""
    if (found := call_at(module, call)) is None:
        return None
    tree, node = found
    if not node.args:
        inside = Span(call.path, tree.span(node).end - 1, tree.span(node).end - 1)
        return Edit(inside, written)
    if any(argument.star for argument in node.args):
        return None
    end = tree.span(node.args[-1]).end
    return Edit(Span(call.path, end, end), f", {written}")


def with_entry(module: Module, table: Span, written: str) -> Edit | None:
    """An edit that gives a dictionary that is written out in this place one more entry, behind its others."""
    for tree, node in _nodes_at(module, table):
        if isinstance(node, cst.Dict):
            if not node.elements:
                inside = Span(table.path, table.end - 1, table.end - 1)
                return Edit(inside, written)
            end = tree.span(node.elements[-1].value).end
            return Edit(Span(table.path, end, end), f", {written}")
    return None


def renamed_argument(module: Module, call: Span, name: str, new: str) -> Edit | None:
    """An edit that gives a keyword argument of a call another name."""
    if (found := call_at(module, call)) is None:
        return None
    tree, node = found
    at = _index(node, name)
    keyword = None if at is None else node.args[at].keyword
    return Edit(tree.span(keyword), new) if keyword else None


def replaced_argument(module: Module, call: Span, name: str, written: str) -> Edit | None:
    """An edit that writes something else in place of a keyword argument; `{}` is its value as it is written."""
    if (found := call_at(module, call)) is None:
        return None
    tree, node = found
    at = _index(node, name)
    if at is None:
        return None
    value = tree.span(node.args[at].value)
    return Edit(tree.span(node.args[at]), written.replace("{}", module.source.text[value.start : value.end]))


def without_entry(module: Module, value: Span) -> Edit | None:
    """An edit that takes the entry with a value in this place out of its dictionary, be it made by `dict()`."""
    for tree, node in _around(module, value):
        if isinstance(node, cst.Dict):
            places = [_entry(tree, each, module) for each in node.elements]
        elif isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "dict":
            places = [tree.span(each) for each in node.args]
        else:
            continue
        for at, place in enumerate(places):
            if place.start < value.start and place.end == value.end:
                return _without(module, places, at)
    return None


def entry_around(module: Module, value: Span, key: str) -> Span | None:
    """The entry of this key that a value in this place is written inside of."""
    for tree, node in _around(module, value):
        for each in node.elements if isinstance(node, cst.Dict) else ():
            if isinstance(each, cst.DictElement) and isinstance(each.key, cst.SimpleString):
                place = _entry(tree, each, module)
                if place.start < value.start and value.end <= place.end and each.key.evaluated_value == key:
                    return place
    return None


def _index(call: cst.Call, name: str) -> int | None:
    """Which argument of a call is given by a name."""
    names = [argument.keyword.value if argument.keyword else None for argument in call.args]
    return names.index(name) if name in names else None


def _entry(tree: Tree, element: cst.BaseDictElement, module: Module) -> Span:
    value = tree.span(element.value)
    if isinstance(element, cst.DictElement):
        return Span(value.path, tree.span(element.key).start, value.end)
    return Span(value.path, module.source.text.rindex("**", 0, value.start), value.end)


def _without(module: Module, places: list[Span], at: int) -> Edit:
    """An edit that takes one of several things out, with the comma before it, or else the one behind it."""
    own, text = places[at], module.source.text
    if at > 0:
        return Edit(Span(own.path, places[at - 1].end, own.end), "")
    if len(places) > 1:
        return Edit(Span(own.path, own.start, places[1].start), "")
    behind = text[own.end :]
    rest = behind.lstrip()
    end = own.end + (len(behind) - len(rest) + 1 if rest.startswith(",") else 0)
    return Edit(Span(own.path, own.start, end), "")


def _nodes_at(module: Module, span: Span) -> Iterator[tuple[Tree, cst.CSTNode]]:
    """The nodes that are exactly in a place."""
    for piece in module.around(span):
        if tree := module.tree(piece):
            yield from ((tree, each.node) for each in tree.at(span))


def _around(module: Module, span: Span) -> Iterator[tuple[Tree, cst.CSTNode]]:
    """The expressions that a place is inside of, outmost first."""
    for piece in module.around(span):
        for tree, statement in module.statements(piece):
            for node in walk(statement):
                if isinstance(node, cst.BaseExpression):
                    place = tree.span(node)
                    if place.start <= span.start and span.end <= place.end:
                        yield tree, node
