"""What names stand for: in a function, in a class, in a module, and through the imports of other modules."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import libcst as cst

from poolcheck.read.constructors import LIBRARY_NAMES
from poolcheck.read.module import Module
from poolcheck.read.slices import Kind, Piece
from poolcheck.read.trees import Tree, children
from poolcheck.source import Span

FARTHEST = 20
"""So many imports of imports a name is followed through."""


class Class(NamedTuple):
    """A class of a module, by its dotted name within the module."""

    module: Module
    name: str


class Scope(NamedTuple):
    """Where an expression stands: its module, its tree, the functions around it, inmost last, and their class."""

    module: Module
    tree: Tree
    functions: tuple[cst.FunctionDef, ...] = ()
    owner: Class | None = None

    def span(self, node: cst.CSTNode) -> Span:
        """The place of a node of the tree."""
        return self.tree.span(node)

    def inside(self, function: cst.FunctionDef) -> "Scope":
        """The scope of a function's own statements."""
        return self._replace(functions=(*self.functions, function))


Bound: TypeAlias = cst.FunctionDef | cst.BaseExpression | cst.AnnAssign | cst.WithItem
"""What binds a name: a function, an expression that is assigned, an assignment with a type, a `with … as`."""


class Definition(NamedTuple):
    """What a name is bound to, and the scope that it is to be read in."""

    node: Bound
    scope: Scope


class Bindings(NamedTuple):
    """What is seen to bind a name. Unless it `is_complete`, the name may be bound to something else as well."""

    definitions: tuple[Definition, ...] = ()
    is_complete: bool = True


UNSEEN = Bindings(is_complete=False)


def dotted(node: cst.CSTNode) -> str | None:
    """`a.b.c` as it is written; None for anything but a name and attributes of it."""
    names: list[str] = []
    while isinstance(node, cst.Attribute):
        names.append(node.attr.value)
        node = node.value
    return ".".join([node.value, *reversed(names)]) if isinstance(node, cst.Name) else None


def qualified(node: cst.CSTNode, scope: Scope) -> str | None:
    """The dotted name of what an expression names outside of the project; None for anything else.

    `pg.connect` is `psycopg2.connect` after `import psycopg2 as pg`, also where it is taken from a module of the
    project that imports it.
    """
    first, _, rest = (dotted(node) or "").partition(".")
    if any(first in bound_in(function) for function in scope.functions):
        return None
    module, name = scope.module, _joined(scope.module.imported(first, scope.tree.piece), rest)
    for _ in range(FARTHEST):
        if name is None or name.partition(".")[0] in _OUTSIDE:
            return name
        found = module.project.find(name, module.path)
        if found is None:
            return None if name.startswith(".") else name
        module, rest = found
        first, _, rest = rest.partition(".")
        name = _joined(module.imported(first), rest)
    return None


def definitions(node: cst.CSTNode, scope: Scope) -> Bindings:
    """What the name, or the attribute, that an expression is may be bound to."""
    match node:
        case cst.Name(value=name):
            for depth, function in reversed([*enumerate(scope.functions)]):
                if name in bound_in(function):
                    return _within(function, name, scope._replace(functions=scope.functions[: depth + 1]))
            return in_module(scope.module, name)
        case cst.Attribute(value=base, attr=cst.Name(value=name)):
            if owner := class_of(base, scope):
                return in_class(owner, name)
            target = _imported(node, scope)
            found = scope.module.project.find(target, scope.module.path) if target else None
            return in_module(*found) if found and found[1] else UNSEEN
        case _:
            return UNSEEN


def in_module(module: Module, name: str, steps: int = 0) -> Bindings:
    """What binds a name of a module, be it in another module that this one imports it from."""
    first, _, rest = name.partition(".")
    found = [each for piece in _top(module) for each in _bound(first, piece, module)]
    found += _bound_as_global(first, module)
    if found:
        return UNSEEN if rest else Bindings(tuple(found))
    target = _joined(module.imported(first), rest)
    other = module.project.find(target, module.path) if target and steps < FARTHEST else None
    return in_module(*other, steps + 1) if other and other[1] else UNSEEN


def in_class(owner: Class, name: str, steps: int = 0) -> Bindings:
    """What binds an attribute of the objects of a class: the class's body, its methods, or a base of it."""
    members = [piece for piece in owner.module.pieces if piece.scope == owner.name]
    found = [each for piece in members for each in _bound(name, piece, owner.module, owner)]
    assigned = re.compile(rf"\b(?:self|cls)\.{re.escape(name)}\b[^\n=]*=(?!=)")
    for piece in members:
        if piece.kind is Kind.FUNCTION and assigned.search(owner.module.masked.text, piece.start, piece.end):
            found += _assigned_to_self(name, piece, owner)
    if found:
        return Bindings(tuple(found))
    if steps == FARTHEST:
        return UNSEEN
    inherited = (in_class(base, name, steps + 1) for base in bases_of(owner)[0])
    return next((bindings for bindings in inherited if bindings.definitions), UNSEEN)


def class_named(node: cst.CSTNode, scope: Scope) -> Class | None:
    """The class of the project that a name stands for."""
    name = dotted(node)
    if name is None or any(name.partition(".")[0] in bound_in(function) for function in scope.functions):
        return None
    if _has_class(scope.module, name):
        return Class(scope.module, name)
    target = _imported(node, scope)
    for _ in range(FARTHEST):
        found = scope.module.project.find(target, scope.module.path) if target else None
        if found is None:
            return None
        module, rest = found
        if _has_class(module, rest):
            return Class(module, rest)
        first, _, rest = rest.partition(".")
        scope, target = scope._replace(module=module), _joined(module.imported(first), rest)
    return None


def class_of(node: cst.CSTNode, scope: Scope, steps: int = 0) -> Class | None:
    """The class of the project that the value of an expression is an object of."""
    if steps > FARTHEST:
        return None
    if isinstance(node, cst.Name) and node.value in {"self", "cls"} and scope.owner and scope.functions:
        return scope.owner
    if isinstance(node, cst.Await):
        return class_of(node.expression, scope, steps + 1)
    if isinstance(node, cst.Call):
        return class_named(node.func, scope) or _class_returned(node.func, scope, steps)
    found = definitions(node, scope) if isinstance(node, cst.Name | cst.Attribute) else UNSEEN
    classes = {_class_bound(each, steps) for each in found.definitions}
    return classes.pop() if len(classes) == 1 else None


def bases_of(owner: Class) -> tuple[tuple[Class, ...], tuple[str, ...]]:
    """The bases of a class: those in the project, and the dotted names of those outside of it."""
    inside: list[Class] = []
    outside: list[str] = []
    for piece in owner.module.pieces:
        for tree, statement in owner.module.statements(piece) if _opens(piece, owner.name) else ():
            scope = Scope(owner.module, tree)
            for base in statement.bases if isinstance(statement, cst.ClassDef) else ():
                if found := class_named(base.value, scope):
                    inside.append(found)
                elif name := qualified(base.value, scope):
                    outside.append(name)
    return tuple(inside), tuple(outside)


_OUTSIDE = LIBRARY_NAMES | {"os", "pydantic", "pydantic_settings"}
"""Packages that are not looked for in the project."""


@lru_cache(maxsize=1024)
def bound_in(root: cst.CSTNode) -> Mapping[str, tuple[Bound | None, ...]]:
    """The names that are bound inside a function or a statement, not counting functions and classes in it.

    Each with what it is bound to; None for what is not an expression, such as a parameter or the target of a loop.
    """
    found: dict[str, list[Bound | None]] = {}
    declared: set[str] = set()
    if isinstance(root, cst.FunctionDef):
        for parameter in _parameters(root):
            found.setdefault(parameter.name.value, []).append(None)
    for node in inside(root):
        if isinstance(node, cst.Global | cst.Nonlocal):
            declared |= {item.name.value for item in node.names}
        for name, bound in _binding(node):
            found.setdefault(name, []).append(bound)
    return {name: tuple(bound) for name, bound in found.items() if name not in declared}


def inside(root: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes inside a function or a statement in the order of the source, but none inside functions in it."""
    waiting = [*children(root)][::-1]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            waiting += [*children(node)][::-1]


def returned(function: cst.FunctionDef) -> tuple[cst.BaseExpression, ...]:
    """The expressions that a function may return."""
    return tuple(node.value for node in inside(function) if isinstance(node, cst.Return) and node.value)


def annotation_of(name: str, function: cst.FunctionDef) -> cst.BaseExpression | None:
    """The type that a function declares for one of its parameters."""
    found = (parameter for parameter in _parameters(function) if parameter.name.value == name)
    return next((parameter.annotation.annotation for parameter in found if parameter.annotation), None)


def functions_called(node: cst.BaseExpression, scope: Scope) -> Iterator[Definition]:
    """The functions of the project that an expression, which is called, may stand for."""
    return (each for each in definitions(node, scope).definitions if isinstance(each.node, cst.FunctionDef))


def _joined(target: str | None, rest: str) -> str | None:
    return f"{target}.{rest}" if target and rest else target


def _imported(node: cst.CSTNode, scope: Scope) -> str | None:
    first, _, rest = (dotted(node) or "").partition(".")
    return _joined(scope.module.imported(first, scope.tree.piece), rest)


def _top(module: Module) -> Iterator[Piece]:
    return (piece for piece in module.pieces if piece.scope == "")


def _has_class(module: Module, name: str) -> bool:
    return any(_opens(piece, name) for piece in module.pieces)


def _opens(piece: Piece, name: str) -> bool:
    """Whether a piece is a class of this name, or its beginning."""
    if piece.kind not in {Kind.HEADER, Kind.CLASS} or piece.name is None:
        return False
    return name == (f"{piece.scope}.{piece.name}" if piece.scope else piece.name)


def _bound(name: str, piece: Piece, module: Module, owner: Class | None = None) -> Iterator[Definition]:
    """What a piece binds a name of its module, or of its class, to."""
    if piece.kind is Kind.FUNCTION and piece.name != name:
        return
    if piece.kind in {Kind.HEADER, Kind.CLASS} or not _binds(name).search(
        module.masked.text, piece.start, piece.end
    ):
        return
    for tree, statement in module.statements(piece):
        if isinstance(statement, cst.FunctionDef):
            bounds: tuple[Bound | None, ...] = (statement,) if statement.name.value == name else ()
        else:
            bounds = bound_in(statement).get(name, ()) or (_declared(name, statement) if owner else ())
        yield from (Definition(bound, Scope(module, tree, owner=owner)) for bound in bounds if bound)


def _declared(name: str, statement: cst.BaseStatement) -> tuple[cst.AnnAssign, ...]:
    """A field of a class that has a type and no value."""
    found = (node for node in inside(statement) if isinstance(node, cst.AnnAssign))
    return tuple(node for node in found if dotted(node.target) == name)


def _bound_as_global(name: str, module: Module) -> Iterator[Definition]:
    """What functions that declare a name `global` assign to it."""
    declared = re.compile(rf"\bglobal\b[^\n;]*\b{re.escape(name)}\b")
    for piece in module.mentioning(declared):
        for tree, function in module.statements(piece):
            if isinstance(function, cst.FunctionDef):
                scope = Scope(module, tree).inside(function)
                bindings = (binding for node in inside(function) for binding in _binding(node))
                yield from (Definition(bound, scope) for each, bound in bindings if each == name and bound)


@lru_cache(maxsize=256)
def _binds(name: str) -> re.Pattern[str]:
    """Text that may bind a name; what comes before it is not looked at."""
    escaped = re.escape(name)
    return re.compile(
        rf"\bdef\s+{escaped}\b|\b{escaped}\b\s*(?::[^=\n]*)?=(?!=)|\b{escaped}\s*[,):]|\bas\s+{escaped}\b"
    )


def _assigned_to_self(name: str, piece: Piece, owner: Class) -> Iterator[Definition]:
    own = {f"self.{name}", f"cls.{name}"}
    for tree, function in owner.module.statements(piece):
        if not isinstance(function, cst.FunctionDef):
            continue
        scope = Scope(owner.module, tree, owner=owner).inside(function)
        for node in inside(function):
            targets: list[cst.CSTNode] = []
            if isinstance(node, cst.Assign):
                targets = [target.target for target in node.targets]
            elif isinstance(node, cst.AnnAssign):
                targets = [node.target]
            if isinstance(node, cst.Assign | cst.AnnAssign) and node.value and own & {*map(dotted, targets)}:
                yield Definition(node.value, scope)


def _within(function: cst.FunctionDef, name: str, scope: Scope) -> Bindings:
    bounds = bound_in(function)[name]
    found = tuple(Definition(bound, scope) for bound in bounds if bound)
    return Bindings(found, is_complete=None not in bounds)


def _class_bound(definition: Definition, steps: int) -> Class | None:
    node, scope = definition
    match node:
        case cst.FunctionDef():
            return None
        case cst.AnnAssign(annotation=annotation, value=value):
            declared = class_named(annotation.annotation, scope)
            return declared or (class_of(value, scope, steps + 1) if value else None)
        case cst.WithItem(item=item):
            return class_of(item, scope, steps + 1)
        case _:
            return class_of(node, scope, steps + 1)


def _class_returned(func: cst.BaseExpression, scope: Scope, steps: int) -> Class | None:
    classes: set[Class | None] = set()
    for function, around in functions_called(func, scope):
        if not isinstance(function, cst.FunctionDef):
            continue
        declared = class_named(function.returns.annotation, around) if function.returns else None
        within = around.inside(function)
        classes |= {declared} if declared else {class_of(value, within, steps + 1) for value in returned(function)}
    return classes.pop() if len(classes) == 1 else None


def _binding(node: cst.CSTNode) -> Iterator[tuple[str, Bound | None]]:
    """The names that a node binds by itself."""
    match node:
        case cst.Assign(targets=targets, value=value):
            for target in targets:
                yield from _bound_by(target.target, value)
        case cst.AnnAssign(target=cst.Name(value=name)):
            if node.value:
                yield name, node
        case cst.NamedExpr(target=cst.Name(value=name), value=value):
            yield name, value
        case cst.WithItem(asname=cst.AsName(name=cst.Name(value=name))):
            yield name, node
        case cst.FunctionDef(name=cst.Name(value=name)):
            yield name, node
        case _:
            yield from ((name, None) for name in _bound_to_unseen(node))


def _bound_to_unseen(node: cst.CSTNode) -> Iterator[str]:
    """The names that a node binds to what is no expression."""
    match node:
        case cst.AugAssign(target=target) | cst.For(target=target) | cst.Del(target=target):
            yield from (name for name, _ in _bound_by(target, None))
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
    if isinstance(target, cst.Name):
        yield target.value, value
    elif isinstance(target, cst.Tuple | cst.List):
        values: list[cst.BaseExpression | None] = [None] * len(target.elements)
        if isinstance(value, cst.Tuple | cst.List) and len(value.elements) == len(target.elements):
            values = [element.value for element in value.elements]
        for element, each in zip(target.elements, values, strict=True):
            yield from _bound_by(element.value, each)
    elif isinstance(target, cst.StarredElement):
        yield from _bound_by(target.value, None)


def _parameters(function: cst.FunctionDef) -> Iterator[cst.Param]:
    parameters = function.params
    yield from (*parameters.posonly_params, *parameters.params, *parameters.kwonly_params)
    yield from (each for each in (parameters.star_arg, parameters.star_kwarg) if isinstance(each, cst.Param))
