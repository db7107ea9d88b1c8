"""What a module may call something that it would have to import, and the edit that imports it."""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.bindings import dotted
from poolcheck.read.python.syntax.indentation import line_start
from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind
from poolcheck.read.python.syntax.trees import Tree
from poolcheck.source import Edit, Span

_BREAK = re.compile(r"\r\n?|\n")


class Imported(NamedTuple):
    """What something is called in a module, once the edits are made that import it."""

    name: str
    edits: tuple[Edit, ...] = ()


class _Statement(NamedTuple):
    """An import at the top of a module, that has a line to itself or shares it with others."""

    tree: Tree
    node: cst.Import | cst.ImportFrom
    is_alone: bool
    span: Span

    @property
    def package(self) -> str:
        """What is imported, or imported from; "" where it is relative."""
        match self.node:
            case cst.ImportFrom(module=cst.BaseExpression() as module, relative=[]):
                return dotted(module) or ""
            case cst.Import(names=[first, *_]):
                return dotted(first.name) or ""
            case _:
                return ""


def imported(package: str, name: str, module: Module) -> Imported | None:
    """What `package.name` is called in a module; None where the name means something else there.

    It is imported beside what is imported from the package already, or else among the imports at the top, in their
    order.
    """
    statements = [*_at_top(module)]
    for each in statements:
        if known := _called(each.node, package, name):
            return Imported(known)
    if not statements or re.search(rf"\b{name}\b", module.masked.text):
        return None
    for each in statements:
        if isinstance(each.node, cst.ImportFrom) and each.package == package and each.is_alone:
            return Imported(name, (_beside(each, name, module.source.text),))
    found = _among([each for each in statements if each.package != "__future__"], package, name, module)
    return Imported(name, (found,)) if found else None


def _at_top(module: Module) -> Iterator[_Statement]:
    code = module.masked.text
    for piece in module.pieces:
        if piece.scope or piece.kind is not Kind.STATEMENT or not code.startswith(("from", "import"), piece.start):
            continue
        for tree, statement in module.statements(piece):
            if isinstance(statement, cst.SimpleStatementLine):
                for node in statement.body:
                    if isinstance(node, cst.Import | cst.ImportFrom):
                        yield _Statement(tree, node, len(statement.body) == 1, tree.span(statement))


def _called(node: cst.Import | cst.ImportFrom, package: str, name: str) -> str | None:
    """What an import makes of it."""
    match node:
        case cst.ImportFrom(module=cst.BaseExpression() as module, names=names, relative=[]):
            if dotted(module) != package:
                return None
            if isinstance(names, cst.ImportStar):
                return name
            return next((_bound(alias) for alias in names if dotted(alias.name) == name), None)
        case cst.Import(names=aliases):
            return next((f"{_bound(alias)}.{name}" for alias in aliases if dotted(alias.name) == package), None)
        case _:
            return None


def _bound(alias: cst.ImportAlias) -> str | None:
    return dotted(alias.asname.name if alias.asname else alias.name)


def _beside(statement: _Statement, name: str, text: str) -> Edit:
    """An edit that adds a name to those that are imported, in their order, on a line of its own if they are."""
    names: Sequence[cst.ImportAlias] = (
        () if isinstance(statement.node.names, cst.ImportStar) else statement.node.names
    )
    spans = [statement.tree.span(each) for each in names]
    keys = [_order(dotted(each.name) or "") for each in names]
    behind = next((span for span, key in zip(spans, keys, strict=True) if key > _order(name)), None)
    if behind:
        return _inserted(behind.path, behind.start, f"{name},{_gap(text, behind.start) or ' '}")
    last = spans[-1]
    return _inserted(last.path, last.end, f",{_gap(text, last.start) or ' '}{name}")


def _gap(text: str, at: int) -> str:
    """The line break and the blanks before what has a line to itself."""
    start = line_start(text, at)
    before = text[start:at]
    return "" if before.strip() or not before else f"{_line_break(text)}{before}"


def _order(name: str) -> tuple[int, str]:
    """Constants first, then classes, then all else, each by the alphabet."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name.lower()


def _among(statements: Sequence[_Statement], package: str, name: str, module: Module) -> Edit | None:
    """An edit that adds a line to the first imports, or before them where they are of other kinds."""
    text = module.source.text
    if not statements:
        return None
    group = [statements[0]]
    for each in statements[1:]:
        if text[group[-1].span.end : each.span.start].strip() or _is_parted(
            text, group[-1].span.end, each.span.start
        ):
            break
        group.append(each)
    written = f"from {package} import {name}{_line_break(text)}"
    first = line_start(text, group[0].span.start)
    if not any(each.package.partition(".")[0] in sys.stdlib_module_names for each in group):
        return _inserted(module.path, _behind_mark(text, first), f"{written}{_line_break(text)}")
    for each in group:
        if isinstance(each.node, cst.ImportFrom) and (each.package > package or not each.package):
            start = line_start(text, each.span.start)
            return _inserted(module.path, _behind_mark(text, start), written)
    found = _BREAK.search(text, group[-1].span.end)
    return _inserted(module.path, found.end(), written) if found else None


def _is_parted(text: str, start: int, end: int) -> bool:
    """Whether a blank line is in between."""
    return len(_BREAK.findall(text, start, end)) > 1


def _behind_mark(text: str, at: int) -> int:
    return at + text.startswith("\ufeff", at)


def _line_break(text: str) -> str:
    found = _BREAK.search(text)
    return found.group() if found else "\n"


def _inserted(path: str, at: int, written: str) -> Edit:
    return Edit(Span(path, at, at), written)
