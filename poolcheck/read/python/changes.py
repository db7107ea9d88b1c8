"""What is done to a dictionary behind the place where it is made."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum, auto
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.bindings import bound_in, dotted, inside
from poolcheck.read.python.module import Module
from poolcheck.read.python.scope import Scope, loop_around
from poolcheck.read.python.slices import Kind
from poolcheck.read.python.trees import walk
from poolcheck.source import Span


class Act(StrEnum):
    """What is done: `d[key] = value`, `d.setdefault(…)`, `d.update(…)`, `d.pop(key)`, or who knows what."""

    SET = auto()
    DEFAULT = auto()
    UPDATE = auto()
    REMOVE = auto()
    UNSEEN = auto()


class Change(NamedTuple):
    """One thing that is done, its place, and the scope it is done in.

    It `is_certain` where no branch goes around it, and is done again and again where there is a `loop` around it.
    """

    act: Act
    key: cst.BaseExpression | None
    arguments: tuple[cst.Arg, ...]
    place: Span
    is_certain: bool
    scope: Scope
    loop: Span | None


class _Done(NamedTuple):
    act: Act
    key: cst.BaseExpression | None
    arguments: tuple[cst.Arg, ...]


_UNSEEN = _Done(Act.UNSEEN, None, ())


_METHODS: Mapping[str, Act] = {"update": Act.UPDATE, "setdefault": Act.DEFAULT, "pop": Act.REMOVE}
_HARMLESS = frozenset({"copy", "get", "items", "keys", "values"})


def changes(name: str, scope: Scope) -> Iterator[Change]:
    """What is done to the dictionary that a name stands for in a scope, in order."""
    for depth, function in reversed([*enumerate(scope.functions)]):
        if name in bound_in(function):
            around = scope._replace(functions=scope.functions[: depth + 1])
            yield from _changes_in(function, name, around)
            return
    yield from _changes_at_top(name, scope.module)


def is_changed_somewhere(name: str, module: Module) -> bool:
    """Whether code of a module does something to what is called so, be it an attribute."""
    written = re.escape(name)
    changed = rf"\b{written}\s*(?:\[[^\]\n]*\]\s*=(?!=)|\.\s*(?:update|setdefault|pop|popitem|clear)\b)"
    return re.search(changed, module.masked.text) is not None


def _changes_at_top(name: str, module: Module) -> Iterator[Change]:
    mention = re.compile(rf"\b{re.escape(name)}\b")
    for piece in module.mentioning(mention):
        for tree, statement in module.statements(piece):
            scope = Scope(module, tree)
            if piece.scope or piece.kind is Kind.FUNCTION or isinstance(statement, cst.FunctionDef | cst.ClassDef):
                if _is_changed_inside(statement, name):
                    place = Span(module.path, piece.start, piece.end)
                    yield Change(*_UNSEEN, place=place, is_certain=False, scope=scope, loop=None)
            else:
                yield from _changes_in(statement, name, scope)


def _is_changed_inside(root: cst.CSTNode, name: str) -> bool:
    """Whether a function, a class or a lambda does something to a name that it does not bind itself."""
    if isinstance(root, cst.FunctionDef) and name in bound_in(root):
        return False
    return any(_change(node, name) for node in walk(root))


def _changes_in(root: cst.CSTNode, name: str, scope: Scope) -> Iterator[Change]:
    certain = {*_always(root)}
    for node in inside(root):
        if isinstance(node, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            found = _UNSEEN if _is_changed_inside(node, name) else None
        else:
            found = _change(node, name)
        if found:
            place = scope.span(node)
            yield Change(*found, place, is_certain=node in certain, scope=scope, loop=loop_around(place, scope))


def _always(root: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The simple statements of a block that no branch goes around."""
    match root:
        case cst.FunctionDef(body=block) | cst.With(body=block):
            for statement in block.body:
                yield from _always(statement)
        case cst.SimpleStatementLine(body=statements):
            yield from statements
        case cst.BaseSmallStatement():
            yield root
        case _:
            pass


def _change(node: cst.CSTNode, name: str) -> _Done | None:
    """What a statement or a call does to a name; None where it does nothing to it.

    A call that is a statement is seen twice, which does no harm: what is done twice is done.
    """
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=target)], value=value) if _is_entry(target, name):
            key = _key(target)
            return _Done(Act.SET, key, (cst.Arg(value),)) if key else _UNSEEN
        case cst.Assign(targets=targets):
            return _UNSEEN if any(_is_entry(each.target, name) for each in targets) else None
        case cst.AugAssign(target=target) | cst.AnnAssign(target=target) if _is_entry(target, name):
            return _UNSEEN
        case cst.Del(target=target):
            return _UNSEEN if any(_is_entry(each, name) for each in walk(target)) else None
        case cst.Expr(value=cst.Call() as call) | cst.Expr(value=cst.Await(expression=cst.Call() as call)):
            # A function that is called for what it does may do it to what it is given.
            is_handed_over = any(dotted(argument.value) == name for argument in call.args if not argument.star)
            return _UNSEEN if is_handed_over else _method(call, name)
        case cst.Call():
            return _method(node, name)
        case _:
            return None


def _method(call: cst.Call, name: str) -> _Done | None:
    match call.func:
        case cst.Attribute(value=cst.Name(value=word), attr=cst.Name(value=method)) if word == name:
            act = _METHODS.get(method)
            if act is Act.UPDATE:
                return _Done(act, None, tuple(call.args))
            if act and call.args and not call.args[0].star:
                return _Done(act, call.args[0].value, tuple(call.args[1:]))
            return None if method in _HARMLESS else _UNSEEN
        case _:
            return None


def _is_entry(target: cst.CSTNode, name: str) -> bool:
    return isinstance(target, cst.Subscript) and isinstance(target.value, cst.Name) and target.value.value == name


def _key(target: cst.CSTNode) -> cst.BaseExpression | None:
    match target:
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            return key
        case _:
            return None
