"""Which functions FastAPI or Litestar call for each request, as where they are named says."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind
from poolcheck.read.python.syntax.trees import Placed
from poolcheck.read.python.values.names import definitions
from poolcheck.read.python.values.scope import Class, Scope
from poolcheck.source import Span

MOST_DEPENDENTS = 200
"""So many places that name one function are looked at."""

_ASKING = r"\b(?:Depends|Security|Provide)\s*\(\s*(?:dependency\s*=\s*)?"
_MENTION = re.compile(rb"\b(?:Depends|Security|Provide)\s*\(")


class Dependent(NamedTuple):
    """A place that has a function called for each request: the argument, and its module.

    `name` is the parameter that gets what the function returns, or the type that stands for it elsewhere; ""
    where nothing does.
    """

    place: Span
    module: Module
    name: str


def dependent(function: cst.FunctionDef, scope: Scope) -> Span | None:
    """The first place that has a function called for each request; `scope` is inside of it."""
    return _first(function, scope.module, scope.owner, len(scope.functions))


@lru_cache(maxsize=64)
def _first(function: cst.FunctionDef, home: Module, owner: Class | None, depth: int) -> Span | None:
    if depth > 1:
        return None
    return next((each.place for each in _dependents(function, home, owner)), None)


def is_closed_by_dependents(function: cst.FunctionDef, scope: Scope) -> bool:
    """Whether any of those that get what a function returns may close it, or give it back."""
    first = islice(_dependents(function, scope.module, scope.owner), MOST_DEPENDENTS)
    return any(closes(name, code) for each in first for name, code in _receivers(each))


def _dependents(function: cst.FunctionDef, home: Module, owner: Class | None) -> Iterator[Dependent]:
    name = function.name.value
    paths = home.project.mentions.matching(name, _MENTION)
    for path in dict.fromkeys((home.path, *paths)):
        module = home.project.module(path)
        if module and (path == home.path or role_of(path) is not Role.TEST):
            for word in (name, *module.renamed(name)):
                yield from _named_in(module, word, function, home, owner)


def _named_in(
    module: Module, word: str, function: cst.FunctionDef, home: Module, owner: Class | None
) -> Iterator[Dependent]:
    text = module.masked.text
    if word not in text:
        return
    for found in re.finditer(rf"{_ASKING}((?:\w+\s*\.\s*)*{re.escape(word)})\s*[,)]", text):
        place = Span(module.path, found.start(1), found.end(1))
        for scope, placed in _placed(module, place):
            if _is_meant(placed.node, scope, function, home, owner):
                yield Dependent(place, module, _receiver(placed))


def _placed(module: Module, place: Span) -> Iterator[tuple[Scope, Placed]]:
    for piece in module.around(place):
        tree = module.tree(piece)
        owner = Class(module, piece.scope) if piece.scope else None
        for each in tree.at(place) if tree else ():
            if tree:
                yield Scope(module, tree, _functions(each), owner=owner), each


def _functions(placed: Placed) -> tuple[cst.FunctionDef, ...]:
    """The functions in whose body an expression stands; not the one that it is a default or a type of."""
    found: list[cst.FunctionDef] = []
    inner: cst.CSTNode = placed.node
    for each in placed.around:
        if isinstance(each, cst.FunctionDef) and inner is each.body:
            found.append(each)
        inner = each
    return tuple(reversed(found))


def _is_meant(
    node: cst.BaseExpression, scope: Scope, function: cst.FunctionDef, home: Module, owner: Class | None
) -> bool:
    """Whether an expression names the function; no other of its name is in its module, or in its class."""
    return any(
        isinstance(each.node, cst.FunctionDef)
        and each.node.name.value == function.name.value
        and each.scope.module is home
        and (each.scope.owner and each.scope.owner.name) == (owner and owner.name)
        for each in definitions(node, scope).definitions
    )


def _receiver(placed: Placed) -> str:
    """What gets the value: `db: Session = Depends(f)`, `db: Annotated[…, Depends(f)]`, `Db = Annotated[…]`."""
    for each in placed.around:
        match each:
            case cst.Param(name=cst.Name(value=name)):
                return name
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name)), *_]):
                return name
            case cst.AnnAssign(target=cst.Name(value=name)):
                return name
            case cst.FunctionDef() | cst.ClassDef():
                return ""
            case _:
                pass
    return ""


def _receivers(found: Dependent) -> Iterator[tuple[str, str]]:
    """The parameters that get the value, each with the code that it is used in; also those of a type for it."""
    if not found.name:
        return
    yield found.name, _code_around(found.place, found.module)
    if not found.name[:1].isupper():
        return
    project = found.module.project
    for path in dict.fromkeys((found.module.path, *(project.mentions.of(found.name) or ()))):
        if module := project.module(path):
            for word in (found.name, *module.renamed(found.name)):
                for each in re.finditer(rf"\b(\w+)\s*:\s*(?:\w+\s*\.\s*)*{re.escape(word)}\b", module.masked.text):
                    yield each[1], _code_around(Span(path, each.start(), each.end()), module)


def _code_around(place: Span, module: Module) -> str:
    """The code of the function that a place is in; of a method's whole module, as others may use the object."""
    functions = [each for each in module.around(place) if each.kind is Kind.FUNCTION and not each.scope]
    return module.code(functions[0]) if functions else module.masked.text


def closes(name: str, code: str) -> bool:
    """Whether code closes what stands under a name, or gives it back."""
    own = re.escape(name)
    closing = (
        rf"\b{own}\s*\.\s*(?:aclose|close|close_all|invalidate|remove|terminate)\b"
        rf"|\bwith\s+(?:[\w.]+\s*\(\s*)?{own}\b"
        rf"|\b\w*(?:close|closing|dispose|enter_context|give_back|putconn|release|return)\w*\s*\(\s*{own}\b"
    )
    return re.search(closing, code) is not None
