"""Who calls a function of the project, makes objects of a class, or inherits from it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.bindings import last_name
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.read.python.syntax.slices import Kind, Piece
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.names import definitions, making_of, objects_of
from poolcheck.read.python.values.scope import (
    Call,
    Calls,
    Class,
    Definition,
    Objects,
    Scope,
    class_named,
    imported,
    is_kept,
    lineage,
    outset,
    qualified,
)
from poolcheck.source import Span

MOST_CALLS = 16
MOST_HEIRS = 16
MOST_PIECES = 32
MOST_USES = 200
MOST_KEPT = 256
"""So many calls of a function, and classes below a class, are followed. They are looked for in so many pieces of
code that name them so often, and so many answers are kept."""

_MANAGING = frozenset(
    {
        "asynccontextmanager", "contextlib.asynccontextmanager", "contextlib.contextmanager", "contextmanager",
    }
)  # fmt: skip
"""Decorators that leave to a function the arguments that it is called with, but not what it returns."""

_ABOUT_TYPES = frozenset({"cast", "isinstance", "issubclass", "super"})
"""Functions that are told of a class and make no object of it."""

_PARSING = frozenset(
    {
        "construct", "from_orm", "model_construct", "model_validate", "model_validate_json", "parse_file",
        "parse_obj", "parse_raw",
    }
)  # fmt: skip
"""Methods by which pydantic makes objects of values that no call shows."""

_TESTS = re.compile(r"(?:^|/)(?:tests?|testing)/|(?:^|/)(?:conftest|test_[^/]*|[^/]*_test|tests?)\.py$")


class Nobody:
    """What is asked for callers while they are looked for."""

    def of(self, _: Definition) -> Calls:
        """None that are known."""
        return Calls()

    def makings(self, _: Class) -> Objects:
        """None that are known."""
        return Objects()

    def heirs(self, _: Class) -> Sequence[Class]:
        """None that are known."""
        return ()

    def sets(self, _owner: Class, _name: str) -> bool:
        """Not as far as is known."""
        return False


class Everybody:
    """The callers of a project, looked for once for each function."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._calls: dict[Span, Calls] = {}
        self._makings: dict[tuple[str, str], Objects] = {}
        self._heirs: dict[tuple[str, str], tuple[Class, ...]] = {}
        self._setters: dict[str, tuple[tuple[cst.BaseExpression, Scope], ...]] = {}

    def of(self, function: Definition) -> Calls:
        """The calls of a function, but for those in tests of what is no test."""
        node, scope = function
        place = scope.span(node)
        if len(self._calls) > MOST_KEPT:
            self._calls.clear()
        if place not in self._calls:
            self._calls[place] = Calls()
            if isinstance(node, cst.FunctionDef) and is_kept(node, scope, _MANAGING):
                self._calls[place] = self._calls_of(node, scope, place)
        return self._calls[place]

    def makings(self, owner: Class) -> Objects:
        """The objects that are made of a class, or of one that inherits from it, each with its call."""
        key = owner.module.path, owner.name
        if len(self._makings) > MOST_KEPT:
            self._makings.clear()
        if key not in self._makings:
            self._makings[key] = Objects()
            found = [_makings(each, self._modules(_last(each.name), each.module)) for each in self._family(owner)]
            made = tuple(each for objects in found for each in objects.found)
            is_complete = bool(made) and len(made) <= MOST_CALLS and all(objects.is_complete for objects in found)
            self._makings[key] = Objects(made[:MOST_CALLS], is_complete, sum(each.effort for each in found))
        return self._makings[key]

    def heirs(self, owner: Class) -> Sequence[Class]:
        """The classes that inherit from a class; only those of its module where the others are not looked at."""
        key = owner.module.path, owner.name
        if len(self._heirs) > MOST_KEPT:
            self._heirs.clear()
        if key not in self._heirs:
            self._heirs[key] = tuple(self._family(owner)[1:])
        return self._heirs[key]

    def sets(self, owner: Class, name: str) -> bool:
        """Whether a module besides that of a class, and no test, assigns to an attribute of objects of it."""
        if name not in self._setters:
            self._setters[name] = tuple(self._assignments(name))
        return any(
            each and each.itself == owner.itself
            for base, scope in self._setters[name]
            for each in objects_of(base, scope, outset(Nobody()))
        )

    def _assignments(self, name: str) -> Iterator[tuple[cst.BaseExpression, Scope]]:
        """The objects to whose attribute of a name modules assign, but for `self`."""
        assigned = re.compile(rf"\.{re.escape(name)}\s*(?:[-+*/|]|//)?=[^=]".encode())
        mention = re.compile(rf"(?<!\bself)(?<!\bcls)\.{re.escape(name)}\s*(?:[-+*/|]|//)?=(?!=)")
        for path in self._project.mentions.matching(name, assigned):
            module = None if _TESTS.search(path) else self._project.module(path)
            for piece in module.mentioning(mention) if module else ():
                yield from _assigned_in(piece, name, module) if module else ()

    def _family(self, owner: Class) -> list[Class]:
        """A class and those that inherit from it."""
        found = [owner.itself]
        for each in found:
            for module in self._modules(_last(each.name), each.module) or (each.module,):
                found += [heir for heir in _heirs(each, module) if heir not in found]
            if len(found) > MOST_HEIRS:
                break
        return found

    def _calls_of(self, function: cst.FunctionDef, scope: Scope, place: Span) -> Calls:
        name = function.name.value
        if name == "__init__" and scope.owner and not scope.functions:
            made = self.makings(scope.owner)
            known = [call for each in made.found if (call := making_of(scope.owner.itself, each))]
            return Calls(tuple(known), made.is_complete and len(known) == len(made.found), made.effort)
        modules = (scope.module,) if scope.functions else self._modules(name, scope.module)
        if modules is None or name.startswith("__"):
            return Calls()
        uses = _uses(name, modules)
        if uses is None:
            return Calls()
        calls: list[Call] = []
        for at, use in enumerate(uses):
            is_meant = _is_meant(use, place, scope)
            if is_meant is None or (is_meant and not isinstance(use.node, cst.Call)) or len(calls) == MOST_CALLS:
                return Calls(tuple(calls), effort=at + 1)
            if is_meant and isinstance(use.node, cst.Call):
                calls.append(Call(use.node, use.scope))
        return Calls(tuple(calls), bool(calls), len(uses))

    def _modules(self, word: str, home: Module) -> Sequence[Module] | None:
        """The modules that mention what another defines; None where not all that may are looked at."""
        paths = self._project.mentions.of(word)
        if paths is None or home.path not in paths:
            return None
        is_for_tests = _TESTS.search(home.path)
        modules = [self._project.module(path) for path in paths if is_for_tests or not _TESTS.search(path)]
        return [module for module in modules if module]


@lru_cache(maxsize=2)
def callers(project: Project) -> Everybody:
    """The callers of a project."""
    return Everybody(project)


class _Use(NamedTuple):
    """A name, or an attribute, as it is used: the call of it, or else itself; and what is around that."""

    named: cst.Name | cst.Attribute
    node: cst.CSTNode
    around: tuple[cst.CSTNode, ...]
    scope: Scope


def _uses(word: str, modules: Iterable[Module]) -> list[_Use] | None:
    """Where modules use what is called so, but for where it is only defined, imported or named as a type.

    None where they do so in so many places that it would take long.
    """
    named = [(each, module) for module in modules for each in _names_of(word, module)]
    places = [
        (each, module, piece)
        for each, module in named
        for piece in module.naming(each)
        if _is_code(module, piece) and _is_value(each, module.masked.text, piece.start, piece.end)
    ]
    if len(places) > MOST_PIECES:
        return None
    found: list[_Use] = []
    for each, module, piece in places:
        owner = Class(module, piece.scope) if piece.scope else None
        for tree, statement in module.statements(piece):
            found += islice(_uses_in(each, statement, Scope(module, tree, owner=owner)), MOST_USES)
    return found if len(found) <= MOST_USES else None


def _names_of(word: str, module: Module) -> Iterable[str]:
    """What a module may call something that is called so elsewhere: also what it imports it as."""
    renamed = (each.name for each in module.imports if each.target.rpartition(".")[2] == word)
    return dict.fromkeys((word, *renamed))


def _is_value(word: str, text: str, start: int, end: int) -> bool:
    """Whether a word is used in a part of a text, and not only defined, imported or named as a type."""
    at = text.find(word, start, end)
    while at >= 0:
        behind = at + len(word)
        if _BEHIND.match(text, behind, end) and not _NO_VALUE.search(text, max(start, at - _BACK), at):
            return True
        at = text.find(word, behind, end)
    return False


_BACK = 8
"""As far before a word it is looked for what says that it is no value."""
_NO_VALUE = re.compile(r"(?:\w|def |class |: ?|-> ?|\| |import )\Z")
_BEHIND = re.compile(r"(?!\w|\s*:)")


def _is_code(module: Module, piece: Piece) -> bool:
    """Whether a piece is more than an import."""
    return not module.masked.text.startswith(("from ", "import "), piece.start)


def _uses_in(word: str, statement: cst.CSTNode, scope: Scope) -> Iterator[_Use]:
    waiting: list[tuple[cst.CSTNode, tuple[cst.CSTNode, ...], Scope]] = [(statement, (), scope)]
    while waiting:
        node, around, within = waiting.pop()
        if isinstance(node, _NO_USES):
            continue
        if isinstance(node, cst.Name | cst.Attribute) and last_name(node) == word and _is_used(node, around):
            is_called = bool(around) and isinstance(around[0], cst.Call) and around[0].func is node
            yield _Use(node, around[0] if is_called else node, around[1:] if is_called else around, within)
        inner = within.inside(node) if isinstance(node, cst.FunctionDef) else within
        above = (node, *around[:5])
        waiting += [(child, above, inner) for child in children(node)][::-1]


_NO_USES = (cst.Import, cst.ImportFrom, cst.Annotation, cst.Global, cst.Nonlocal)


def _is_used(node: cst.Name | cst.Attribute, around: tuple[cst.CSTNode, ...]) -> bool:
    """Whether a name stands for a value, and is not the name of something else or of an attribute."""
    match around[:1]:
        case (cst.FunctionDef(name=name) | cst.ClassDef(name=name) | cst.Param(name=name),):
            return name is not node
        case (cst.Arg(keyword=name),):
            return name is not node
        case (cst.AssignTarget() | cst.Attribute(),):
            return False
        case (cst.AnnAssign(target=target) | cst.NamedExpr(target=target) | cst.For(target=target),):
            return target is not node
        case _:
            return True


def _is_meant(use: _Use, place: Span, scope: Scope) -> bool | None:
    """Whether the function at a place is what is used; None where it may be."""
    if isinstance(use.named, cst.Attribute) and not scope.owner and not imported(use.named, use.scope):
        return False
    found = definitions(use.named, use.scope, outset(Nobody())).definitions
    if found:
        return any(
            isinstance(each.node, cst.FunctionDef) and each.scope.span(each.node) == place for each in found
        )
    is_method = scope.owner and isinstance(use.named, cst.Attribute) and qualified(use.named, use.scope) is None
    return None if is_method else False


def _assigned_in(piece: Piece, name: str, module: Module) -> Iterator[tuple[cst.BaseExpression, Scope]]:
    """The objects to whose attribute of a name a piece of a module assigns."""
    owner = Class(module, piece.scope) if piece.scope else None
    for tree, statement in module.statements(piece):
        waiting: list[tuple[cst.CSTNode, Scope]] = [(statement, Scope(module, tree, owner=owner))]
        while waiting:
            node, scope = waiting.pop()
            match node:
                case cst.AssignTarget(target=cst.Attribute(value=base, attr=cst.Name(value=attribute))):
                    yield from [(base, scope)] if attribute == name else ()
                case _:
                    pass
            inner = scope.inside(node) if isinstance(node, cst.FunctionDef) else scope
            waiting += [(child, inner) for child in children(node)]


def _heirs(owner: Class, module: Module) -> Iterator[Class]:
    """The classes of a module that inherit from a class directly."""
    for piece in module.naming(_last(owner.name)):
        if piece.kind in {Kind.HEADER, Kind.CLASS} and piece.name:
            name = f"{piece.scope}.{piece.name}".lstrip(".")
            if owner.itself in lineage(Class(module, name)).classes[1:]:
                yield Class(module, name)


def _makings(owner: Class, modules: Sequence[Module] | None) -> Objects:
    """The objects that are made of a class itself."""
    if modules is None:
        return Objects()
    uses = _uses(_last(owner.name), modules)
    if uses is None:
        return Objects()
    found: list[Class] = []
    is_complete = not _is_made_by_itself(owner)
    for use in uses:
        if class_named(use.named, use.scope) == owner.itself:
            if made := _made(use, owner):
                found.append(made)
            elif not _is_about_types(use):
                is_complete = False
    found += _made_in_methods(owner)
    return Objects(tuple(found), is_complete and not _is_parsed(owner, modules), effort=len(uses))


def _made(use: _Use, owner: Class) -> Class | None:
    match use.node, use.around:
        case cst.Call() as call, _:
            return owner._replace(call=Call(call, use.scope), is_exact=True)
        case _, (cst.Arg(keyword=cst.Name("default_factory" | "factory")), *_):
            return owner._replace(call=Call(None, use.scope), is_exact=True)
        case _:
            return None


def _is_about_types(use: _Use) -> bool:
    """Whether a class is named where no object is made of it: as a base, in a type, to be compared with."""
    match use.around:
        case (cst.Arg(), cst.ClassDef(), *_):
            return True
        case (cst.Arg(keyword=None), cst.Call(func=func), *_):
            return last_name(func) in _ABOUT_TYPES
        case (cst.Element(), cst.Tuple(), cst.Arg(keyword=None), cst.Call(func=func), *_):
            return last_name(func) in _ABOUT_TYPES
        case (
            cst.ExceptHandler() | cst.Raise() | cst.MatchClass() | cst.ComparisonTarget() | cst.Comparison(),
            *_,
        ):
            return True
        case _:
            return any(isinstance(each, cst.SubscriptElement) for each in use.around)


def _made_in_methods(owner: Class) -> Iterator[Class]:
    """What methods make by `cls(…)`."""
    for each in lineage(owner).classes:
        for piece in each.module.members(each.name):
            if piece.kind is Kind.FUNCTION and re.search(r"\bcls\s*\(", each.module.code(piece)):
                for tree, statement in each.module.statements(piece):
                    for use in _uses_in("cls", statement, Scope(each.module, tree, owner=each, this=owner.itself)):
                        if isinstance(use.node, cst.Call) and isinstance(use.named, cst.Name):
                            yield owner._replace(call=Call(use.node, use.scope), is_exact=True)


def _is_made_by_itself(owner: Class) -> bool:
    """Whether methods of a class make objects of it in ways that are not followed."""
    return any(
        re.search(r"\b__class__\b|\btype\(self\)|\breplace\(\s*self\b|\b__new__\b", each.module.code(piece))
        for each in lineage(owner).classes
        for piece in each.module.members(each.name)
    )


def _is_parsed(owner: Class, modules: Sequence[Module]) -> bool:
    """Whether pydantic makes objects of a class: of texts and dictionaries, or for fields of other classes."""
    if not lineage(owner).outside & {"pydantic.BaseModel", "sqlmodel.SQLModel", "pydantic.v1.BaseModel"}:
        return False
    name = re.escape(_last(owner.name))
    parsed = re.compile(rf"\b{name}\s*\.\s*(?:{'|'.join(sorted(_PARSING))})\b|:\s*[\w.\[\], |]*\b{name}\b")
    return any(parsed.search(module.masked.text) for module in modules)


def _last(name: str) -> str:
    return name.rpartition(".")[2]
