"""What is done to a dictionary behind the place where it is made."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum, auto
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.bindings import bound_in, dotted, inside
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind
from poolcheck.read.python.syntax.trees import walk
from poolcheck.read.python.values.scope import Scope, loop_around
from poolcheck.source import Span


class Act(StrEnum):
    """What is done: `d[key] = value`, `d.setdefault(…)`, `d.update(…)`, `d.pop(key)`, or who knows what."""

    SET = auto()
    DEFAULT = auto()
    UPDATE = auto()
    REMOVE = auto()
    UNSEEN = auto()


class Test(NamedTuple):
    """What an `if` asks, and whether that has to be true."""

    node: cst.BaseExpression
    is_true: bool


class Change(NamedTuple):
    """One thing that is done, its place, and the scope it is done in.

    It is done to a dictionary inside of the dictionary, to which the keys in `path` lead, or to itself. It is done
    where all `tests` say so, the outermost first; None where another branch goes around it. It is done again and
    again where there is a `loop` around it.
    """

    act: Act
    path: tuple[cst.BaseExpression, ...]
    key: cst.BaseExpression | None
    arguments: tuple[cst.Arg, ...]
    place: Span
    tests: tuple[Test, ...] | None
    scope: Scope
    loop: Span | None


class _Done(NamedTuple):
    act: Act
    path: tuple[cst.BaseExpression, ...]
    key: cst.BaseExpression | None
    arguments: tuple[cst.Arg, ...]


_UNSEEN = _Done(Act.UNSEEN, (), None, ())


_METHODS: Mapping[str, Act] = {"update": Act.UPDATE, "setdefault": Act.DEFAULT, "pop": Act.REMOVE}
_HARMLESS = frozenset({"copy", "get", "items", "keys", "values"})
_EMPTYING = frozenset({"clear", "popitem"})


def changes(name: str, scope: Scope) -> Iterator[Change]:
    """What is done to the dictionary that a name stands for in a scope, in order."""
    for depth, function in reversed([*enumerate(scope.functions)]):
        if name in bound_in(function):
            around = scope._replace(functions=scope.functions[: depth + 1])
            yield from _changes_in(function, name, around)
            return
    yield from _changes_at_top(name, scope.module)


@lru_cache(maxsize=4096)
def is_changed_somewhere(name: str, module: Module) -> bool:
    """Whether code of a module does something to what is called so, be it an attribute."""
    written = re.escape(name)
    entry = r"\[[^\]\n]*\]\s*"
    method = r"\.\s*(?:update|setdefault|pop|popitem|clear)\b"
    changed = rf"\b{written}\s*(?:(?:{entry})+(?:[-+*/|]|//)?=(?!=)|(?:{entry})*{method})"
    return re.search(changed, module.masked.text) is not None


def _changes_at_top(name: str, module: Module) -> Iterator[Change]:
    for piece in module.naming(name):
        for tree, statement in module.statements(piece):
            scope = Scope(module, tree)
            if piece.scope or piece.kind is Kind.FUNCTION or isinstance(statement, cst.FunctionDef | cst.ClassDef):
                if _is_changed_inside(statement, name):
                    place = Span(module.path, piece.start, piece.end)
                    yield Change(*_UNSEEN, place=place, tests=None, scope=scope, loop=None)
            else:
                yield from _changes_in(statement, name, scope)


def _is_changed_inside(root: cst.CSTNode, name: str) -> bool:
    """Whether a function, a class or a lambda does something to a name that it does not bind itself."""
    if isinstance(root, cst.FunctionDef) and name in bound_in(root):
        return False
    return any(_change(node, name) for node in walk(root))


def _changes_in(root: cst.CSTNode, name: str, scope: Scope) -> Iterator[Change]:
    tested = dict(_tested(root, ()))
    whole = {call for node in inside(root) if (call := _called(node))}
    for node in inside(root):
        if node in whole:
            continue
        if isinstance(node, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            found = _UNSEEN if _is_changed_inside(node, name) else None
        else:
            found = _change(node, name)
        if found:
            place = scope.span(node)
            yield Change(*found, place, tested.get(node), scope=scope, loop=loop_around(place, scope))


def _tested(root: cst.CSTNode, tests: tuple[Test, ...]) -> Iterator[tuple[cst.CSTNode, tuple[Test, ...]]]:
    """The simple statements of a block around which nothing goes but what an `if` asks."""
    match root:
        case cst.FunctionDef(body=block) | cst.With(body=block) | cst.Else(body=block):
            for statement in block.body:
                yield from _tested(statement, tests)
        case cst.If(test=test, body=block, orelse=orelse):
            for statement in block.body:
                yield from _tested(statement, (*tests, Test(test, is_true=True)))
            if orelse:
                yield from _tested(orelse, (*tests, Test(test, is_true=False)))
        case cst.SimpleStatementLine(body=statements):
            for statement in statements:
                yield from _tested(statement, tests)
        case cst.BaseSmallStatement():
            yield root, tests
        case _:
            pass


def _called(node: cst.CSTNode) -> cst.Call | None:
    """The call that is all of a statement."""
    match node:
        case cst.Expr(value=cst.Call() as call) | cst.Expr(value=cst.Await(expression=cst.Call() as call)):
            return call
        case _:
            return None


def _change(node: cst.CSTNode, name: str) -> _Done | None:
    """What a statement does to a name, or a call that is not all of one; None where it does nothing to it."""
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=target)], value=value) if _is_entry(target, name):
            keys = _keys(target)
            return _Done(Act.SET, keys[:-1], keys[-1], (cst.Arg(value),)) if keys else _UNSEEN
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
        case cst.Attribute(value=base, attr=cst.Name(value=method)) if _is_of(base, name):
            act, path = _METHODS.get(method), _keys(base)
            if path is None:
                return _UNSEEN
            if act is Act.UPDATE:
                return _Done(act, path, None, tuple(call.args))
            if act and call.args and not call.args[0].star:
                return _Done(act, path, call.args[0].value, tuple(call.args[1:]))
            # An entry may be anything, and most methods of anything change nothing that is followed.
            return None if method in _HARMLESS or (path and method not in _EMPTYING) else _UNSEEN
        case _:
            return None


def _is_entry(node: cst.CSTNode, name: str) -> bool:
    """Whether something is an entry of what a name stands for, or of a dictionary inside of it."""
    return isinstance(node, cst.Subscript) and _is_of(node.value, name)


def _is_of(node: cst.CSTNode, name: str) -> bool:
    """Whether something is what a name stands for, or an entry of it."""
    return _is_entry(node, name) or (isinstance(node, cst.Name) and node.value == name)


def _keys(node: cst.CSTNode) -> tuple[cst.BaseExpression, ...] | None:
    """The keys by which `d[a][b]` leads from a name to an entry; None where one is no key."""
    match node:
        case cst.Name():
            return ()
        case cst.Subscript(value=base, slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            before = _keys(base)
            return None if before is None else (*before, key)
        case _:
            return None
