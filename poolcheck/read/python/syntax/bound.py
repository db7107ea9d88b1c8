"""What the pieces of a module bind names to: at its top, in the body of a class, and in the methods of a class."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.bindings import Bound, bound_in, dotted, inside, names_bound
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind, Piece
from poolcheck.read.python.syntax.trees import Tree


class Binding(NamedTuple):
    """What a name is bound to, None for what is no expression; its tree, and the function that it stands in."""

    bound: Bound | None
    tree: Tree
    function: cst.FunctionDef | None = None


@lru_cache(maxsize=4096)
def bound_at_top(name: str, module: Module) -> tuple[Binding, ...]:
    """What a module binds a name of its own to, also in functions that declare it `global`."""
    found = [each for piece in _binding(name, module, "") for each in _bound(name, piece, module)]
    return (*found, *_bound_as_global(name, module))


def bound_in_body(name: str, module: Module, owner: str) -> Iterator[Binding]:
    """What the body of a class binds a name to."""
    for piece in _binding(name, module, owner):
        yield from _bound(name, piece, module, in_class=True)


def bound_in_methods(name: str, module: Module, owner: str, *, of_class: bool = False) -> Iterator[Binding]:
    """What the methods of a class assign to an attribute of `self` or `cls`; for one of the class, not of `self`.

    A class may be called by its name as well.
    """
    own = owner.rpartition(".")[2]
    words = ("cls", own) if of_class else ("self", "cls", own)
    names = tuple(f"{word}.{name}" for word in words)
    for piece in _assigning(names, module, owner):
        for tree, function in module.statements(piece):
            if isinstance(function, cst.FunctionDef):
                bound = bound_in(function)
                for each in (each for own_name in names for each in bound.get(own_name, ())):
                    yield Binding(each, tree, function)


@lru_cache(maxsize=4096)
def is_set_outside(name: str, module: Module) -> bool:
    """Whether a module assigns to an attribute of this name of what is not `self`, or to any by `setattr`."""
    own = rf"(?<!\bself\.{re.escape(name)})(?<!\bcls\.{re.escape(name)})"
    assigned = rf"\.{re.escape(name)}{own}\s*(?:[-+*/|]|//)?=(?!=)"
    return "setattr(" in module.masked.text or re.search(assigned, module.masked.text) is not None


@lru_cache(maxsize=64)
def declared_in(module: Module) -> frozenset[str]:
    """The functions and classes of a module."""
    kinds = {Kind.FUNCTION, Kind.CLASS, Kind.HEADER}
    return frozenset(piece.name for piece in module.members("") if piece.kind in kinds and piece.name)


def openings(module: Module, name: str) -> Iterator[tuple[Tree, cst.ClassDef]]:
    """The statements that begin the classes of a name."""
    for piece in module.classes(name):
        for tree, statement in module.statements(piece):
            if isinstance(statement, cst.ClassDef):
                yield tree, statement


@lru_cache(maxsize=4096)
def _binding(name: str, module: Module, owner: str) -> Sequence[Piece]:
    """The pieces directly inside a class, or at the top of a module, that may bind a name of it."""
    return [piece for piece in module.naming(name) if piece.scope == owner and _may_be_meant(name, piece, module)]


def _may_be_meant(name: str, piece: Piece, module: Module) -> bool:
    if piece.kind is Kind.FUNCTION:
        return piece.name == name
    is_class = piece.kind in {Kind.HEADER, Kind.CLASS}
    return not is_class and _may_bind(name, module.masked.text, piece.start, piece.end)


@lru_cache(maxsize=4096)
def _assigning(names: Sequence[str], module: Module, owner: str) -> Sequence[Piece]:
    """The methods of a class that may assign to one of the names of an attribute."""
    text = module.masked.text
    return [
        piece
        for piece in module.naming(names[0].rpartition(".")[2])
        if piece.scope == owner
        and piece.kind is Kind.FUNCTION
        and any(_may_bind(name, text, piece.start, piece.end) for name in names)
    ]


def _bound(name: str, piece: Piece, module: Module, *, in_class: bool = False) -> Iterator[Binding]:
    """What a piece binds a name of its module, or of its class, to."""
    for tree, statement in module.statements(piece):
        bounds: tuple[Bound | None, ...] = ()
        if isinstance(statement, cst.FunctionDef):
            bounds = (statement,) if statement.name.value == name else ()
        elif not isinstance(statement, cst.ClassDef):
            bounds = bound_in(statement).get(name, ()) or (_declared(name, statement) if in_class else ())
        yield from (Binding(bound, tree) for bound in bounds)


def _declared(name: str, statement: cst.BaseStatement) -> tuple[cst.AnnAssign, ...]:
    """A field of a class that has a type and no value."""
    found = (node for node in inside(statement) if isinstance(node, cst.AnnAssign))
    return tuple(node for node in found if dotted(node.target) == name)


def _bound_as_global(name: str, module: Module) -> Iterator[Binding]:
    """What functions that declare a name `global` assign to it."""
    for piece in _declaring(module).get(name, ()):
        for tree, function in module.statements(piece):
            found: list[Binding] = []
            if isinstance(function, cst.FunctionDef):
                bindings = (binding for node in inside(function) for binding in names_bound(node))
                found = [Binding(bound, tree, function) for each, bound in bindings if each == name]
            # A function inside of that function may be meant.
            yield from found or [Binding(None, tree)]


_GLOBAL = re.compile(r"\bglobal\b([^\n;]*)")


@lru_cache(maxsize=64)
def _declaring(module: Module) -> Mapping[str, Sequence[Piece]]:
    """The pieces that declare names `global`, by the names."""
    found: dict[str, list[Piece]] = {}
    for piece in module.mentioning(_GLOBAL):
        listed = _GLOBAL.findall(module.masked.text, piece.start, piece.end)
        for name in {name.strip() for names in listed for name in names.split(",")}:
            found.setdefault(name, []).append(piece)
    return found


@lru_cache(maxsize=1024)
def may_be_bound(name: str, module: Module) -> bool:
    """Whether anything in a module may bind a name, besides its imports."""
    text = module.masked.text
    return _may_bind(name, text, 0, len(text))


def _may_bind(name: str, text: str, start: int, end: int) -> bool:
    """Whether a part of a text may bind a name, as what stands around the name tells."""
    # To compile a pattern for each name would take longer than to parse what it spares.
    at = text.find(name, start, end)
    while at >= 0:
        behind = at + len(name)
        if _BEHIND.match(text, behind, end):
            return True
        line = text[max(text.rfind("\n", start, at), start) : at]
        if _BEFORE.search(line) and not text[behind : behind + 1].isidentifier():
            return True
        at = text.find(name, behind, end)
    return False


_BEHIND = re.compile(r"\s*(?:(?:[-+*/%@&|^]|//|\*\*|<<|>>)?=(?!=)|[],):])")
_BEFORE = re.compile(r"\b(?:def|as)\s+$|\b(?:del|for)\b[^:]*$")
