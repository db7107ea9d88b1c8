"""What becomes of a pool after the call that makes it: the call's surroundings, and where its name stands."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum, auto
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.syntax.arguments import keyword_of
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Piece
from poolcheck.read.python.syntax.trees import children
from poolcheck.read.python.values.names import definitions
from poolcheck.read.python.values.scope import Class, Scope
from poolcheck.source import Span


class How(StrEnum):
    """How a name is used.

    `METHOD`: an attribute of it is. `ENTERED`: it stands in a `with` statement or is handed to an exit stack.
    `AWAITED`: it is awaited itself. `BOUND`: something is assigned to it, or it is declared. `TESTED`: it is asked
    whether it is there. `IMPORTED`: it comes from another module. `OTHER`: anything, so that others may have it.
    """

    METHOD = auto()
    ENTERED = auto()
    AWAITED = auto()
    BOUND = auto()
    TESTED = auto()
    IMPORTED = auto()
    OTHER = auto()


class Use(NamedTuple):
    """A place where a name stands, as code, and how it is used; `method` is the attribute that is."""

    how: How
    span: Span
    method: str = ""


class Placed(NamedTuple):
    """A call with its scope, and the nodes around it, inmost first, as far as the statement."""

    call: cst.Call
    scope: Scope
    around: tuple[cst.CSTNode, ...]

    @property
    def is_entered(self) -> bool:
        """Whether a `with` statement enters what the call makes, or an exit stack does."""
        match self.around[:2]:
            case (cst.WithItem(), *_):
                return True
            case (cst.Arg(), cst.Call(func=cst.Attribute(attr=cst.Name(value=method)))):
                return method in _ENTERING
            case _:
                return False

    @property
    def is_awaited(self) -> bool:
        """Whether it is awaited on the spot."""
        return isinstance(self.around[0], cst.Await) if self.around else False

    @property
    def is_assigned(self) -> bool:
        """Whether it is given a name, and handed to nobody else in the same statement."""
        return isinstance(self.around[0], cst.Assign | cst.AnnAssign | cst.NamedExpr) if self.around else False

    @property
    def is_deferred(self) -> bool:
        """Whether it is made later than the code around it runs: in a function or a lambda."""
        return bool(self.scope.functions) or any(isinstance(each, cst.Lambda) for each in self.around)


_ENTERING = frozenset({"enter_async_context", "enter_context", "enterAsyncContext", "enterContext"})


def placed(module: Module, span: Span) -> Placed | None:
    """The call in a place with what is around it; None where there is none."""
    for piece in module.around(span):
        tree = module.tree(piece)
        for each in tree.at(span) if tree else ():
            if tree and isinstance(each.node, cst.Call):
                owner = Class(module, piece.scope) if piece.scope else None
                return Placed(each.node, Scope(module, tree, each.functions, owner=owner), each.around)
    return None


def is_made(module: Module, call: Span, name: str) -> bool:
    """Whether an argument of a call is a function or an object, and no parameter, which may be None."""
    found = placed(module, call)
    for argument in found.call.args if found else ():
        if found and keyword_of(argument) == name:
            is_expression = isinstance(argument.value, cst.Lambda | cst.Call | cst.Attribute)
            bound = definitions(argument.value, found.scope).definitions
            return is_expression or any(not isinstance(each.node, cst.Param) for each in bound)
    return False


def calls_in(root: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.Call, Scope, tuple[cst.CSTNode, ...]]]:
    """The calls in a statement in order, each with its scope and the nodes around it, inmost first."""
    waiting: list[tuple[cst.CSTNode, Scope, tuple[cst.CSTNode, ...]]] = [(root, scope, ())]
    while waiting:
        node, around, above = waiting.pop()
        if isinstance(node, cst.Call):
            yield node, around, above
        within = around.inside(node) if isinstance(node, cst.FunctionDef) else around
        waiting += [(child, within, (node, *above)) for child in children(node)][::-1]


def uses_of(name: str, module: Module, made: Span) -> Sequence[Use] | None:
    """Where a name or an attribute of a module stands in the project, except in tests; None where not all is seen.

    `made` is the call whose value is assigned to it. The name of a local variable is looked for in its function.
    """
    last = name.rpartition(".")[2]
    if piece := _function_of(name, module, made):
        return [*_in_piece(last, module, piece)]
    paths = module.project.mentions.of(last)
    if paths is None or module.path not in paths:
        return None
    is_for_tests = role_of(module.path) is Role.TEST
    found = [module.project.module(path) for path in paths if is_for_tests or role_of(path) is not Role.TEST]
    return [use for each in found if each for use in _in_module(last, each)]


def _function_of(name: str, module: Module, made: Span) -> Piece | None:
    """The function whose local variable a name is."""
    for piece in module.pieces:
        if piece.start <= made.start < piece.end:
            is_function = re.match(r"(?:@|(?:async\s+)?def\b)", module.code(piece)) is not None
            is_global = re.search(rf"\b(?:global|nonlocal)\b[^\n]*\b{re.escape(name)}\b", module.code(piece))
            return piece if is_function and "." not in name and not is_global else None
    return None


def _in_piece(name: str, module: Module, piece: Piece) -> Iterator[Use]:
    return (use for use in _in_module(name, module) if piece.start <= use.span.start < piece.end)


def _in_module(name: str, module: Module) -> Iterator[Use]:
    """The places in a module where a name stands, be it an attribute's, or what it is imported as."""
    renamed = (each.name for each in module.imports if each.target.rpartition(".")[2] == name)
    for word in dict.fromkeys((name, *renamed)):
        for found in re.finditer(rf"\b{re.escape(word)}\b", module.masked.text):
            yield _use(found.start(), found.end(), module)


_BEFORE = re.compile(r"(?P<word>\w+|[^\w\s]|^)(?P<blank>\s*)(?P<base>(?:\w+(?:\(\))?\s*\.\s*)*)\Z")
_METHOD = re.compile(r"\s*\.\s*(\w+)")
_BOUND = re.compile(r"\s*(?::[^=\n]*)?=(?!=)|\s*:(?=[^\n=]*$)", re.MULTILINE)
_TEST = re.compile(r"\s*(?:is\b|==|!=|:|\)?\s*(?:and|or)\b)")
_STACK = re.compile(rf"(?:{'|'.join(sorted(_ENTERING))})\s*\(\s*(?:\w+\s*\.\s*)*\Z")
NEAR = 200
"""So many characters before a name tell how it is used."""


def _use(start: int, end: int, module: Module) -> Use:
    code = module.masked.text
    span = Span(module.path, start, end)
    if method := _METHOD.match(code, end):
        return Use(How.METHOD, span, method[1])
    before = code[max(0, start - NEAR) : start]
    if _STACK.search(before):
        return Use(How.ENTERED, span)
    line = before.rpartition("\n")[2]
    if re.match(r"\s*(?:from|import)\b", line) or _is_in_import(code, start):
        return Use(How.IMPORTED, span)
    found = _BEFORE.search(before)
    word = found["word"] if found else ""
    match word:
        case "await":
            return Use(How.AWAITED, span)
        case "with":
            return Use(How.ENTERED, span)
        case "global" | "nonlocal" | "def" | "class" | "as" | "del":
            return Use(How.BOUND, span)
        case "if" | "elif" | "not" | "and" | "or" | "assert" | "while" if _TEST.match(code, end):
            return Use(How.TESTED, span)
        case _:
            pass
    if line.strip() and re.match(r"\s*(?:global|nonlocal)\b", line):
        return Use(How.BOUND, span)
    is_target = re.fullmatch(r"\s*(?:(?:\w+\s*\.\s*)*)", line) is not None
    if is_target and _BOUND.match(code, end):
        return Use(How.BOUND, span)
    return Use(How.OTHER, span)


def _is_in_import(code: str, at: int) -> bool:
    """Whether a place is between the parentheses of an import."""
    opened = code.rfind("(", 0, at)
    return (
        opened >= 0
        and code.find(")", opened, at) < 0
        and _IMPORT.search(code[max(0, opened - NEAR) : opened]) is not None
    )


_IMPORT = re.compile(r"(?:^|\n)\s*from\s+[\w.]+\s+import\s*\Z")
