"""Where functions and classes of the project are named as values."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.syntax.arguments import keyword_of
from poolcheck.read.python.syntax.bindings import last_name_behind
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.names import definitions
from poolcheck.read.python.values.scope import Class, Definition, Scope, class_named

MOST_REFERENCES = 64
"""So many names that may stand for a function are looked at."""


class Reference(NamedTuple):
    """A name or an attribute that stands for a function, with the nodes around it, inmost first, and its scope."""

    node: cst.Name | cst.Attribute
    around: tuple[cst.CSTNode, ...]
    scope: Scope

    @property
    def call(self) -> cst.Call | None:
        """The call of the function, if it is called there."""
        match self.around[:1]:
            case (cst.Call(func=func) as call,) if func is self.node:
                return call
            case _:
                return None

    @property
    def is_handed_on(self) -> bool:
        """Whether it is handed to what calls it once and soon: a thread, an executor."""
        match self.around[:2]:
            case (cst.Arg() as argument, cst.Call(func=func)):
                name = last_name_behind(func)
                return name in _CALLING or (name in {"Process", "Thread"} and keyword_of(argument) == "target")
            case _:
                return False


_CALLING = frozenset(
    {
        "add_task", "run_in_executor", "run_in_threadpool", "run_sync", "start_soon", "submit", "sync_to_async",
        "to_thread",
    }
)  # fmt: skip


def references(function: Definition) -> Iterator[Reference]:
    """Where a function of the project is named as a value, except in tests and where it is defined.

    Not all are found where many pieces of code name it. The order is that of the modules, its own first.
    """
    node, scope = function
    if not isinstance(node, cst.FunctionDef):
        return
    name, home = node.name.value, scope.module
    paths = () if scope.functions else home.project.mentions.of(name) or ()
    yield from (each for each in _everywhere(name, home, paths) if _is_meant(each, function))


def references_to_class(owner: Class) -> Iterator[Reference]:
    """Where a class of the project is named as a value, except in tests."""
    home = owner.module
    last = owner.name.rpartition(".")[2]
    return (
        each
        for each in _everywhere(last, home, home.project.mentions.of(last) or ())
        if class_named(each.node, each.scope) == owner.itself
    )


def _everywhere(name: str, home: Module, paths: Iterable[str]) -> Iterator[Reference]:
    """All that is called so, or is imported from what is called so, first in one module and then in others."""
    count = 0
    for path in dict.fromkeys((home.path, *paths)):
        module = home.project.module(path)
        if module is None or (path != home.path and role_of(path) is Role.TEST):
            continue
        for word in (name, *module.renamed(name)):
            for reference in _named(word, module):
                count += 1
                if count > MOST_REFERENCES:
                    return
                yield reference


@lru_cache(maxsize=1024)
def _named(word: str, module: Module) -> tuple[Reference, ...]:
    """The names and attributes in a module that are called so: many functions may be called alike."""
    return tuple(_find_named(word, module))


def _find_named(word: str, module: Module) -> Iterator[Reference]:
    for piece in module.naming(word):
        if module.masked.text.startswith(("from ", "import "), piece.start):
            continue
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            yield from _named_in(statement, word, Scope(module, tree, owner=owner))


def _named_in(root: cst.CSTNode, word: str, scope: Scope) -> Iterator[Reference]:
    waiting: list[tuple[cst.CSTNode, tuple[cst.CSTNode, ...], Scope]] = [(root, (), scope)]
    while waiting:
        node, around, within = waiting.pop()
        if isinstance(node, cst.Import | cst.ImportFrom):
            continue
        if (
            isinstance(node, cst.Name | cst.Attribute)
            and last_name_behind(node) == word
            and _is_value(node, around)
        ):
            yield Reference(node, around, within)
        if isinstance(node, cst.FunctionDef):
            inner = within.inside(node)
            above = (node, *around)
            # Decorators, defaults and types are read where the function is defined.
            waiting += [(child, above, inner if child is node.body else within) for child in children(node)][::-1]
        else:
            waiting += [(child, (node, *around), within) for child in children(node)][::-1]


def _is_value(node: cst.Name | cst.Attribute, around: tuple[cst.CSTNode, ...]) -> bool:
    match around[:1]:
        case (cst.FunctionDef(name=name) | cst.ClassDef(name=name) | cst.Param(name=name),):
            return name is not node
        case (cst.Arg(keyword=name),):
            return name is not node
        case (cst.Attribute(attr=name),):
            return name is not node
        case (cst.AssignTarget() | cst.Global() | cst.Nonlocal() | cst.NameItem(),):
            return False
        case _:
            return True


def _is_meant(reference: Reference, function: Definition) -> bool:
    """Whether a function is what a name stands for."""
    found = definitions(reference.node, reference.scope).definitions
    return any(isinstance(each.node, cst.FunctionDef) and _is_same(each, function) for each in found)


def _is_same(one: Definition, other: Definition) -> bool:
    """Whether two definitions are one. A piece may have been parsed twice; places in a tree take long to find."""
    if one.node is other.node:
        return True
    mine, its = one.scope.tree, other.scope.tree
    return (mine.path, mine.piece) == (its.path, its.piece) and one.scope.span(one.node) == other.scope.span(
        other.node
    )
