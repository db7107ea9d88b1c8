"""Where an expression stands, and which classes and libraries the names mean that are used there."""

import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

import libcst as cst

from poolcheck.read.python.libraries.constructors import LIBRARY_NAMES
from poolcheck.read.python.syntax.bindings import Bound, bound_in, dotted, inside
from poolcheck.read.python.syntax.bound import bound_at_top, declared_in, openings
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.trees import Tree
from poolcheck.source import Span
from poolcheck.value import Value

DEEPEST = 40
FARTHEST = 20
MOST_STEPS = 1_000
STEPS_OF_EFFORT = 4
"""So deep a question leads, through so many imports of one name, and so many steps with all its branches."""


class Trail(NamedTuple):
    """How far a question has led: how much deeper it may go, and the steps that are left for all its branches.

    `callers` finds out who calls functions, where that is to be asked for the sake of their parameters.
    """

    depth: int
    steps: Iterator[int]
    callers: "Callers | None" = None

    def on(self) -> "Trail | None":
        """One step further; None where it ends."""
        if self.depth == 0 or next(self.steps, None) is None:
            return None
        return self._replace(depth=self.depth - 1)

    def spend(self, effort: int) -> None:
        """Takes away steps for what took longer than one."""
        for _ in zip(range(effort * STEPS_OF_EFFORT), self.steps, strict=False):
            pass


def outset(callers: "Callers | None" = None) -> Trail:
    """The trail of a new question."""
    return Trail(DEEPEST, iter(range(MOST_STEPS)), callers)


@dataclass(frozen=True, eq=False, slots=True)
class Call:
    """A call of a function or a class, and the scope that its arguments are to be read in.

    Without a node it has no arguments. `values` are what parameters are given where no expression says so.
    """

    node: cst.Call | None
    scope: "Scope"
    values: Mapping[str, Value] | None = None


class Class(NamedTuple):
    """A class of a module, by its dotted name within the module.

    As what an expression is an object of: the `call` that made it, None where it is not known; and whether it
    `is_exact`, and not perhaps an object of a class that inherits from this one. `field` is the field of another
    object that it is made for.
    """

    module: Module
    name: str
    call: Call | None = None
    is_exact: bool = False
    field: "Definition | None" = None

    @property
    def is_as_declared(self) -> bool:
        """Whether the object was made without arguments."""
        return self.call is not None and (self.call.node is None or not self.call.node.args)

    @property
    def itself(self) -> "Class":
        """The class, not as what anything is an object of."""
        return Class(self.module, self.name)

    @property
    def as_class(self) -> "Class":
        """The class as what `A` is, and not what `A()` is."""
        return Class(self.module, self.name, is_exact=True)

    @property
    def is_class(self) -> bool:
        """Whether that is meant."""
        return self.is_exact and self.call is None


class Scope(NamedTuple):
    """Where an expression stands: its module, its tree, the functions around it, inmost last, and their class.

    `calls` are those of the functions that led here, `this` is the object whose methods they are, and `values` are
    what names are worth at the place of the expression, whatever they are bound to elsewhere.
    """

    module: Module
    tree: Tree
    functions: tuple[cst.FunctionDef, ...] = ()
    owner: Class | None = None
    calls: tuple[tuple[cst.FunctionDef, Call], ...] = ()
    this: Class | None = None
    values: tuple[tuple[str, Value], ...] = ()

    def span(self, node: cst.CSTNode) -> Span:
        """The place of a node of the tree."""
        return self.tree.span(node)

    def inside(self, function: cst.FunctionDef, call: Call | None = None) -> "Scope":
        """The scope of a function's own statements."""
        calls = (*self.calls, (function, call)) if call else self.calls
        return self._replace(functions=(*self.functions, function), calls=calls, values=())

    @property
    def outside(self) -> "Scope":
        """The scope in which the inmost function is defined, and in which its parameters have their defaults."""
        return self._replace(functions=self.functions[:-1], values=())

    @property
    def call(self) -> Call | None:
        """The call of the inmost function that led here; None where it is not known."""
        return next((call for function, call in reversed(self.calls) if function is self.functions[-1]), None)

    @property
    def is_method(self) -> bool:
        """Whether the inmost function is a method."""
        return self.owner is not None and len(self.functions) == 1


class Definition(NamedTuple):
    """What a name is bound to, and the scope that it is to be read in."""

    node: Bound
    scope: Scope


class Bindings(NamedTuple):
    """What is seen to bind a name. Unless it `is_complete`, the name may be bound to something else as well."""

    definitions: tuple[Definition, ...] = ()
    is_complete: bool = True


UNSEEN = Bindings(is_complete=False)


class Calls(NamedTuple):
    """The calls of a function; there may be others unless it `is_complete`. It took `effort` to find them."""

    found: tuple[Call, ...] = ()
    is_complete: bool = False
    effort: int = 0


class Objects(NamedTuple):
    """Objects of a class, each with the call that makes it; there may be others unless it `is_complete`."""

    found: tuple[Class, ...] = ()
    is_complete: bool = False
    effort: int = 0


class Callers(Protocol):
    """Who calls functions, makes objects, and inherits."""

    def of(self, function: Definition, /) -> Calls:
        """The calls of a function."""
        ...

    def makings(self, owner: Class, /) -> Objects:
        """The objects that are made of a class, or of one that inherits from it."""
        ...

    def heirs(self, owner: Class, /) -> Sequence[Class]:
        """The classes of the project that inherit from a class."""
        ...

    def sets(self, owner: Class, name: str, /) -> bool:
        """Whether another module of the project assigns to an attribute of objects of a class."""
        ...


def qualified(node: cst.CSTNode, scope: Scope) -> str | None:
    """The dotted name of what an expression names outside of the project; None for anything else.

    `pg.connect` is `psycopg2.connect` after `import psycopg2 as pg`, also where it is taken from a module of the
    project that imports it.
    """
    first, _, rest = (dotted(node) or "").partition(".")
    module = scope.module
    target = module.imported(first, scope.tree.piece) or _by_star(first, module)
    if target is None or any(first in bound_in(function) for function in scope.functions):
        return None
    name = joined(target, rest)
    for _ in range(FARTHEST):
        if name is None or first in declared_in(module):
            return None
        if name.partition(".")[0] in _OUTSIDE:
            return name
        found = module.project.find(name, module.path)
        if found is None:
            return None if name.startswith(".") else name
        module, rest = found
        first, _, rest = rest.partition(".")
        name = joined(module.imported(first), rest)
    return None


def _by_star(name: str, module: Module) -> str | None:
    """What a name is imported as that nothing else can bind than the only `from … import *` of a module."""
    if len(module.starred) != 1 or not name or name in _BUILT_IN or bound_at_top(name, module):
        return None
    return module.starred[0] + name


def class_named(node: cst.CSTNode, scope: Scope) -> Class | None:
    """The class of the project that a name stands for."""
    name = dotted(node)
    if name is None:
        return None
    # In the body of a class, the classes inside of it come first.
    inner = f"{scope.owner.name}.{name}" if scope.owner and not scope.functions else name
    own = next((each for each in (inner, name) if scope.module.classes(each)), None)
    target = imported(node, scope)
    if not (own or target) or any(name.partition(".")[0] in bound_in(function) for function in scope.functions):
        return None
    if own:
        return Class(scope.module, own)
    for _ in range(FARTHEST):
        is_inside = target and target.partition(".")[0] not in _OUTSIDE
        found = scope.module.project.find(target, scope.module.path) if target and is_inside else None
        if found is None:
            return None
        module, rest = found
        if module.classes(rest):
            return Class(module, rest)
        first, _, rest = rest.partition(".")
        scope, target = scope._replace(module=module), joined(module.imported(first), rest)
    return None


def class_in_annotation(annotation: cst.Annotation | None, scope: Scope) -> Class | None:
    """The class of the project that a type names, be it one with `| None`, `Optional` or `Annotated`."""
    waiting: list[cst.BaseExpression] = [annotation.annotation] if annotation else []
    while waiting:
        node = waiting.pop()
        match node:
            case cst.BinaryOperation(left=left, operator=cst.BitOr(), right=right):
                waiting += [right, left]
            case cst.Subscript(value=wrapper, slice=[cst.SubscriptElement(slice=cst.Index(value=inner)), *_]):
                if (dotted(wrapper) or "").rpartition(".")[2] in {"Annotated", "ClassVar", "Final", "Optional"}:
                    waiting.append(inner)
            case cst.SimpleString(evaluated_value=str() as written) if written.isidentifier():
                waiting.append(cst.Name(written))
            case _ if found := class_named(node, scope):
                return found
            case _:
                pass
    return None


class Lineage(NamedTuple):
    """A class and its bases in the project, nearest first, and the dotted names of its bases outside of it.

    `decorators` are what its classes are decorated with, as far as that has names.
    """

    classes: tuple[Class, ...]
    outside: frozenset[str]
    decorators: frozenset[str]
    is_decorated: bool

    @property
    def is_record(self) -> bool:
        """Whether fields may be arguments of a constructor that nobody wrote."""
        return self.is_decorated or bool(self.outside & _RECORDS)


@lru_cache(maxsize=256)
def _lineage(module: Module, name: str) -> Lineage:
    classes: dict[Class, None] = {}
    outside: set[str] = set()
    decorators: set[str] = set()
    is_decorated = False
    waiting = [Class(module, name)]
    while waiting and len(classes) < FARTHEST:
        each = waiting.pop(0)
        if each in classes:
            continue
        classes[each] = None
        for tree, statement in openings(each.module, each.name):
            scope = Scope(each.module, tree)
            is_decorated = is_decorated or bool(statement.decorators)
            found_names = (decorator_of(decorator, scope) for decorator in statement.decorators)
            decorators |= {found_name for found_name in found_names if found_name}
            for base in statement.bases:
                named = base.value.value if isinstance(base.value, cst.Subscript) else base.value
                if found := class_named(named, scope):
                    waiting.append(found)
                elif other := qualified(named, scope):
                    outside.add(other)
    return Lineage(tuple(classes), frozenset(outside), frozenset(decorators), is_decorated)


def lineage(owner: Class) -> Lineage:
    """What a class inherits from."""
    return _lineage(owner.module, owner.name)


def decorator_of(decorator: cst.Decorator, scope: Scope) -> str | None:
    """What a decorator is called, with or without arguments."""
    node = decorator.decorator
    node = node.func if isinstance(node, cst.Call) else node
    return qualified(node, scope) or dotted(node)


_RECORDS = frozenset({"msgspec.Struct", "pydantic.BaseModel", "sqlmodel.SQLModel", "typing.NamedTuple"})
"""Bases outside of the project that make a constructor of a class's fields."""

_BUILT_IN = frozenset(dir(builtins))
_OUTSIDE = LIBRARY_NAMES | {"os", "pydantic", "pydantic_settings"}
"""Packages that are not looked for in the project."""


KEEPING = frozenset(
    {
        "backoff.on_exception", "beartype", "beartype.beartype", "cache", "cached_property", "classmethod",
        "computed_field", "functools.cache", "functools.cached_property", "functools.lru_cache", "lru_cache",
        "override", "property", "pydantic.computed_field", "staticmethod", "tenacity.retry",
        "typeguard.typechecked", "typing.override",
    }
)  # fmt: skip
"""Decorators that leave to a function its arguments and what it returns."""


def is_kept(function: cst.FunctionDef, scope: Scope, besides: frozenset[str] = frozenset()) -> bool:
    """Whether a function is called as it is written, and not what a decorator made of it."""
    return all(decorator_of(each, scope) in KEEPING | besides for each in function.decorators)


def loop_around(place: Span, scope: Scope) -> Span | None:
    """The outmost loop around a place in a function, or else in a statement of a module."""
    roots = scope.functions[-1:] or scope.tree.statements
    loops = (each for root in roots for each in (root, *inside(root)) if isinstance(each, cst.For | cst.While))
    spans = (scope.span(loop) for loop in loops)
    return next((span for span in spans if span.start <= place.start and place.end <= span.end), None)


def joined(target: str | None, rest: str) -> str | None:
    """A dotted name with another behind it."""
    return f"{target}.{rest}" if target and rest else target


def imported(node: cst.CSTNode, scope: Scope) -> str | None:
    """The dotted name that a name, or an attribute, was imported as."""
    first, _, rest = (dotted(node) or "").partition(".")
    return joined(scope.module.imported(first, scope.tree.piece), rest)
