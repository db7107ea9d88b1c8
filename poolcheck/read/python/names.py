"""What names stand for: in a function, in a class, in a module, and through the imports of other modules."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.bindings import Bound, bound_in, dotted, inside, names_bound, returned
from poolcheck.read.python.constructors import LIBRARY_NAMES
from poolcheck.read.python.module import Module
from poolcheck.read.python.slices import Kind, Piece
from poolcheck.read.python.trees import Tree
from poolcheck.source import Span

DEEPEST = 40
FARTHEST = 20
MOST_STEPS = 1_000
"""So deep a question leads, through so many imports of one name, and so many steps with all its branches."""


class Trail(NamedTuple):
    """How far a question has led: how much deeper it may go, and the steps that are left for all its branches."""

    depth: int
    steps: Iterator[int]

    def on(self) -> "Trail | None":
        """One step further; None where it ends."""
        if self.depth == 0 or next(self.steps, None) is None:
            return None
        return Trail(self.depth - 1, self.steps)


def outset() -> Trail:
    """The trail of a new question."""
    return Trail(DEEPEST, iter(range(MOST_STEPS)))


class Class(NamedTuple):
    """A class of a module, by its dotted name within the module.

    As what an expression is an object of, `is_as_declared` where the object was made without arguments.
    """

    module: Module
    name: str
    is_as_declared: bool = False


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


class Definition(NamedTuple):
    """What a name is bound to, and the scope that it is to be read in."""

    node: Bound
    scope: Scope


class Bindings(NamedTuple):
    """What is seen to bind a name. Unless it `is_complete`, the name may be bound to something else as well."""

    definitions: tuple[Definition, ...] = ()
    is_complete: bool = True


UNSEEN = Bindings(is_complete=False)


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
        if name is None or first in _declared_in(module):
            return None
        if name.partition(".")[0] in _OUTSIDE:
            return name
        found = module.project.find(name, module.path)
        if found is None:
            return None if name.startswith(".") else name
        module, rest = found
        first, _, rest = rest.partition(".")
        name = _joined(module.imported(first), rest)
    return None


def definitions(node: cst.CSTNode, scope: Scope, trail: Trail | None = None) -> Bindings:
    """What the name, or the attribute, that an expression is may be bound to."""
    if (on := (trail or outset()).on()) is None:
        return UNSEEN
    match node:
        case cst.Name(value=name):
            return _until(node, scope, _of_name(name, scope, on))
        case cst.Attribute(value=base, attr=cst.Name(value=name)):
            if owner := class_named(base, scope):
                return in_class(owner._replace(is_as_declared=True), name)
            if owner := class_of(base, scope, on):
                return _until(node, scope, in_class(owner, name))
            target = _imported(node, scope)
            found = scope.module.project.find(target, scope.module.path) if target else None
            return in_module(*found, trail=on) if found and found[1] else UNSEEN
        case _:
            return UNSEEN


def in_module(module: Module, name: str, piece: Piece | None = None, *, trail: Trail | None = None) -> Bindings:
    """What binds a name of a module, be it in another module that this one, or a piece of it, imports it from."""
    if (on := (trail or outset()).on()) is None:
        return UNSEEN
    first, _, rest = name.partition(".")
    found: list[Definition | None] = []
    if module.imported(first, piece) == module.imported(first):
        found += _bound_at_top(first, module)
    if found and rest:
        return UNSEEN
    own = _bindings(found)
    if target := _joined(module.imported(first, piece), rest):
        imported = _followed(target, module, on)
        return Bindings(own.definitions + imported.definitions, own.is_complete and imported.is_complete)
    if found:
        return own
    everything = [each.target.removesuffix("*") + name for each in module.imports if each.name == "*"]
    found_there = (_followed(target, module, on) for target in reversed(everything))
    return next((bindings for bindings in found_there if bindings.definitions), UNSEEN)


def in_class(owner: Class, name: str) -> Bindings:
    """What binds an attribute of the objects of a class: the class's body, its methods, or a base of it."""
    inherited = lineage(owner)
    for each in inherited.classes:
        if found := [*_in_body(name, each), *_in_methods(name, each)]:
            bindings = _bindings(found)
            may_be_given = inherited.is_record and not owner.is_as_declared
            is_argument = may_be_given and any(map(_is_field, bindings.definitions))
            return bindings._replace(is_complete=False) if is_argument or _is_set_outside(name, each) else bindings
    return UNSEEN


def class_named(node: cst.CSTNode, scope: Scope) -> Class | None:
    """The class of the project that a name stands for."""
    name = dotted(node)
    if name is None or any(name.partition(".")[0] in bound_in(function) for function in scope.functions):
        return None
    if scope.module.classes(name):
        return Class(scope.module, name)
    target = _imported(node, scope)
    for _ in range(FARTHEST):
        is_inside = target and target.partition(".")[0] not in _OUTSIDE
        found = scope.module.project.find(target, scope.module.path) if target and is_inside else None
        if found is None:
            return None
        module, rest = found
        if module.classes(rest):
            return Class(module, rest)
        first, _, rest = rest.partition(".")
        scope, target = scope._replace(module=module), _joined(module.imported(first), rest)
    return None


def class_of(node: cst.CSTNode, scope: Scope, trail: Trail | None = None) -> Class | None:
    """The class of the project that the value of an expression is an object of."""
    if (on := (trail or outset()).on()) is None:
        return None
    if isinstance(node, cst.Name) and node.value in {"self", "cls"} and scope.owner and scope.functions:
        return scope.owner
    if isinstance(node, cst.Await):
        return class_of(node.expression, scope, on)
    if isinstance(node, cst.Call):
        if made := class_named(node.func, scope):
            return made._replace(is_as_declared=not node.args)
        return _class_returned(node.func, scope, on)
    found = definitions(node, scope, on) if isinstance(node, cst.Name | cst.Attribute) else UNSEEN
    classes = {_class_bound(each, on) for each in found.definitions}
    return classes.pop() if len(classes) == 1 else None


class Lineage(NamedTuple):
    """A class and its bases in the project, nearest first, and the dotted names of its bases outside of it.

    It `is_decorated` where one of the classes is.
    """

    classes: tuple[Class, ...]
    outside: frozenset[str]
    is_decorated: bool

    @property
    def is_record(self) -> bool:
        """Whether fields may be arguments of a constructor that nobody wrote."""
        return self.is_decorated or bool(self.outside & _RECORDS)


def lineage(owner: Class) -> Lineage:
    """What a class inherits from."""
    classes: dict[Class, None] = {}
    outside: set[str] = set()
    is_decorated = False
    waiting = [Class(owner.module, owner.name)]
    while waiting and len(classes) < FARTHEST:
        each = waiting.pop(0)
        if each in classes:
            continue
        classes[each] = None
        for statement, scope in _openings(each):
            is_decorated = is_decorated or bool(statement.decorators)
            for base in statement.bases:
                if found := class_named(base.value, scope):
                    waiting.append(found)
                elif name := qualified(base.value, scope):
                    outside.add(name)
    return Lineage(tuple(classes), frozenset(outside), is_decorated)


_RECORDS = frozenset({"msgspec.Struct", "pydantic.BaseModel", "sqlmodel.SQLModel", "typing.NamedTuple"})
"""Bases outside of the project that make a constructor of a class's fields."""

_OUTSIDE = LIBRARY_NAMES | {"os", "pydantic", "pydantic_settings"}
"""Packages that are not looked for in the project."""


def loop_around(place: Span, scope: Scope) -> Span | None:
    """The outmost loop around a place in a function, or else in a statement of a module."""
    roots = scope.functions[-1:] or scope.tree.statements
    loops = (each for root in roots for each in (root, *inside(root)) if isinstance(each, cst.For | cst.While))
    spans = (scope.span(loop) for loop in loops)
    return next((span for span in spans if span.start <= place.start and place.end <= span.end), None)


def functions_called(node: cst.BaseExpression, scope: Scope, trail: Trail | None = None) -> Iterator[Definition]:
    """The functions of the project that an expression, which is called, may stand for."""
    found = definitions(node, scope, trail).definitions
    return (each for each in found if isinstance(each.node, cst.FunctionDef))


def _of_name(name: str, scope: Scope, trail: Trail) -> Bindings:
    for depth, function in reversed([*enumerate(scope.functions)]):
        if name in bound_in(function):
            return _within(function, name, scope._replace(functions=scope.functions[: depth + 1]))
    if scope.owner and not scope.functions and (found := [*_in_body(name, scope.owner)]):
        return _bindings(found)
    return in_module(scope.module, name, scope.tree.piece, trail=trail)


def _followed(target: str, module: Module, trail: Trail) -> Bindings:
    """What binds a dotted name that a module imports."""
    found = module.project.find(target, module.path)
    return in_module(*found, trail=trail) if found and found[1] else UNSEEN


def _until(node: cst.CSTNode, scope: Scope, bindings: Bindings) -> Bindings:
    """What binds a name; in what it is bound to itself, as in `url = url + query`, only what bound it before."""
    place = scope.span(node)
    own = next((each for each in bindings.definitions if _holds(each, place, scope)), None)
    if own is None:
        return bindings
    end = own.scope.span(own.node).start
    before = tuple(each for each in bindings.definitions if _is_before(each, end, scope))
    is_once = loop_around(place, scope) is None
    return Bindings(before, is_complete=bindings.is_complete and bool(before) and is_once)


def _holds(definition: Definition, place: Span, scope: Scope) -> bool:
    if definition.scope.tree is not scope.tree or isinstance(definition.node, cst.FunctionDef):
        return False
    whole = scope.span(definition.node)
    return whole.start <= place.start and place.end <= whole.end


def _is_before(definition: Definition, end: int, scope: Scope) -> bool:
    return definition.scope.module is not scope.module or definition.scope.span(definition.node).end <= end


def _bindings(found: Sequence[Definition | None]) -> Bindings:
    seen = tuple(each for each in found if each)
    return Bindings(seen, is_complete=len(seen) == len(found))


def _joined(target: str | None, rest: str) -> str | None:
    return f"{target}.{rest}" if target and rest else target


def _imported(node: cst.CSTNode, scope: Scope) -> str | None:
    first, _, rest = (dotted(node) or "").partition(".")
    return _joined(scope.module.imported(first, scope.tree.piece), rest)


def _openings(owner: Class) -> Iterator[tuple[cst.ClassDef, Scope]]:
    """The statements that begin a class."""
    for piece in owner.module.classes(owner.name):
        for tree, statement in owner.module.statements(piece):
            if isinstance(statement, cst.ClassDef):
                yield statement, Scope(owner.module, tree)


@lru_cache(maxsize=64)
def _declared_in(module: Module) -> frozenset[str]:
    """The functions and classes of a module."""
    kinds = {Kind.FUNCTION, Kind.CLASS, Kind.HEADER}
    return frozenset(piece.name for piece in module.members("") if piece.kind in kinds and piece.name)


def _in_body(name: str, owner: Class) -> Iterator[Definition | None]:
    """What the body of a class binds a name to."""
    for piece in owner.module.members(owner.name):
        yield from _bound(name, piece, owner.module, owner)


def _in_methods(name: str, owner: Class) -> Iterator[Definition | None]:
    """What the methods of a class assign to an attribute of `self`."""
    assigned = re.compile(rf"\b(?:self|cls)\.{re.escape(name)}\b")
    for piece in owner.module.members(owner.name):
        if piece.kind is Kind.FUNCTION and assigned.search(owner.module.masked.text, piece.start, piece.end):
            for tree, function in owner.module.statements(piece):
                if isinstance(function, cst.FunctionDef):
                    scope = Scope(owner.module, tree, owner=owner).inside(function)
                    bound = bound_in(function)
                    for each in (*bound.get(f"self.{name}", ()), *bound.get(f"cls.{name}", ())):
                        yield Definition(each, scope) if each else None


def _is_set_outside(name: str, owner: Class) -> bool:
    """Whether the module of a class assigns to an attribute of this name by another name than `self`."""
    own = rf"(?<!\bself\.{re.escape(name)})(?<!\bcls\.{re.escape(name)})"
    assigned = rf"\.{re.escape(name)}{own}\s*(?:[-+*/|]|//)?=(?!=)"
    return re.search(assigned, owner.module.masked.text) is not None


def _is_field(definition: Definition) -> bool:
    return isinstance(definition.node, cst.AnnAssign) and not definition.scope.functions


def _bound(name: str, piece: Piece, module: Module, owner: Class | None = None) -> Iterator[Definition | None]:
    """What a piece binds a name of its module, or of its class, to; None for what is not an expression."""
    if piece.kind is Kind.FUNCTION and piece.name != name:
        return
    if piece.kind in {Kind.HEADER, Kind.CLASS} or not _binds(name).search(
        module.masked.text, piece.start, piece.end
    ):
        return
    for tree, statement in module.statements(piece):
        bounds: tuple[Bound | None, ...] = ()
        if isinstance(statement, cst.FunctionDef):
            bounds = (statement,) if statement.name.value == name else ()
        elif not isinstance(statement, cst.ClassDef):
            bounds = bound_in(statement).get(name, ()) or (_declared(name, statement) if owner else ())
        scope = Scope(module, tree, owner=owner)
        yield from (Definition(bound, scope) if bound else None for bound in bounds)


def _declared(name: str, statement: cst.BaseStatement) -> tuple[cst.AnnAssign, ...]:
    """A field of a class that has a type and no value."""
    found = (node for node in inside(statement) if isinstance(node, cst.AnnAssign))
    return tuple(node for node in found if dotted(node.target) == name)


@lru_cache(maxsize=4096)
def _bound_at_top(name: str, module: Module) -> tuple[Definition | None, ...]:
    """What a module binds a name of its own to, also in functions that declare it `global`."""
    # The name comes first, as `re` looks for a text that every match begins with in no time.
    mention = re.compile(rf"{re.escape(name)}(?<!\w{re.escape(name)})(?!\w)")
    pieces = (piece for piece in module.mentioning(mention) if not piece.scope)
    found = [each for piece in pieces for each in _bound(name, piece, module)]
    return (*found, *_bound_as_global(name, module))


def _bound_as_global(name: str, module: Module) -> Iterator[Definition | None]:
    """What functions that declare a name `global` assign to it."""
    for piece in _declaring(module).get(name, ()):
        for tree, function in module.statements(piece):
            found: list[Definition | None] = []
            if isinstance(function, cst.FunctionDef):
                scope = Scope(module, tree).inside(function)
                bindings = (binding for node in inside(function) for binding in names_bound(node))
                found = [Definition(bound, scope) if bound else None for each, bound in bindings if each == name]
            # A function inside of that function may be meant.
            yield from found or [None]


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


@lru_cache(maxsize=256)
def _binds(name: str) -> re.Pattern[str]:
    """Text that may bind a name; what comes before it is not looked at."""
    escaped = re.escape(name)
    return re.compile(
        rf"\b(?:def|as|del)\s+{escaped}\b|\bfor\b[^\n:]*\b{escaped}\b"
        rf"|\b{escaped}\s*(?:(?:[-+*/%@&|^]|//|\*\*|<<|>>)?=(?!=)|[],):])"
    )


def _within(function: cst.FunctionDef, name: str, scope: Scope) -> Bindings:
    return _bindings([Definition(bound, scope) if bound else None for bound in bound_in(function)[name]])


def _class_bound(definition: Definition, trail: Trail) -> Class | None:
    node, scope = definition
    match node:
        case cst.FunctionDef():
            return None
        case cst.AnnAssign(annotation=annotation, value=value):
            assigned = class_of(value, scope, trail) if value else None
            return assigned or class_named(annotation.annotation, scope)
        case cst.WithItem(item=item):
            return class_of(item, scope, trail)
        case _:
            return class_of(node, scope, trail)


def _class_returned(func: cst.BaseExpression, scope: Scope, trail: Trail) -> Class | None:
    classes: set[Class | None] = set()
    for function, around in functions_called(func, scope, trail):
        if isinstance(function, cst.FunctionDef):
            made = {class_of(value, around.inside(function), trail) for value in returned(function)}
            declared = class_named(function.returns.annotation, around) if function.returns else None
            classes |= {declared} if declared and (None in made or len(made) != 1) else made
    return classes.pop() if len(classes) == 1 else None
