"""Edits that move the statements of a block one step to the right, and lines of one's own between them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import libcst as cst

from poolcheck.read.python.syntax.trees import Tree, walk
from poolcheck.source import Edit, Span

_BREAK = re.compile(r"\r\n?|\n")
_BLANK = re.compile(r"[ \t\f]*")


class Block(NamedTuple):
    """The statements of a block, each on lines of its own, in the indentation that they share.

    `step` is what the block is indented by beyond the statement that it belongs to.
    """

    tree: Tree
    text: str
    statements: Sequence[cst.BaseStatement]
    indentation: str
    step: str

    def span(self, node: cst.CSTNode) -> Span:
        """The place of a node."""
        return self.tree.span(node)

    @property
    def line_break(self) -> str:
        """What ends the line before the block's first statement."""
        found = [each.group() for each in _BREAK.finditer(self.text, 0, self.starts_at(self.statements[0]))]
        return found[-1] if found else "\n"

    def starts_at(self, statement: cst.CSTNode) -> int:
        """Where a statement's first line begins; that of its first decorator, if it has any."""
        nodes = [
            statement,
            *(statement.decorators if isinstance(statement, cst.FunctionDef | cst.ClassDef) else ()),
        ]
        return line_start(self.text, min(self.span(each).start for each in nodes))

    def ends_at(self, statement: cst.CSTNode) -> int:
        """Where the line behind a statement begins, and behind comments that are further to the right than it."""
        end = _line_end(self.text, self.span(statement).end)
        if isinstance(statement, cst.BaseCompoundStatement):
            for start, after in _lines(self.text, end, len(self.text)):
                comment = _comment(self.text[start:after])
                if comment is not None and _is_deeper(comment, self.indentation):
                    end = after
                elif self.text[start:after].strip():
                    break
        return end

    def head_of(self, statement: cst.CSTNode, floor: int) -> int:
        """Where the comments directly above a statement begin, but not before `floor`."""
        at = self.starts_at(statement)
        for start, after in reversed([*_lines(self.text, floor, at)]):
            if _comment(self.text[start:after]) != self.indentation:
                break
            at = start
        return at

    def first_line(self, start: int, end: int) -> int:
        """Where the first line begins that is not blank."""
        return next((at for at, after in _lines(self.text, start, end) if self.text[at:after].strip()), end)

    def lines(self, at: int, *written: str) -> Edit:
        """Lines of the block's own indentation where a line begins, or behind the last one, broken off or not."""
        added = "".join(f"{self.indentation}{each}{self.line_break}" for each in written)
        if at == len(self.text) and not self.text.endswith(("\n", "\r")):
            added = self.line_break + added.removesuffix(self.line_break)
        return _insertion(self.tree.path, at, added)

    def shifted(self, start: int, end: int) -> Iterator[Edit]:
        """One step to the right for the lines from `start` to `end`.

        Left alone are blank lines, what stands further to the left than the block, and all of a string but for its
        first line.
        """
        kept = _inside_strings(self)
        for at, after in _lines(self.text, start, end):
            line = self.text[at:after]
            if line.strip() and line.startswith(self.indentation) and at not in kept:
                yield _insertion(self.tree.path, at + len(self.indentation), self.step)

    def removed(self, statement: cst.CSTNode) -> Edit | None:
        """An edit that takes out a statement with its line; None where a comment speaks of it."""
        start, end = self.starts_at(statement), _line_end(self.text, self.span(statement).end)
        own = self.text[start : self.span(statement).start] + self.text[self.span(statement).end : end]
        above = self.text[:start].rstrip("\r\n")
        has_comment = self.text[line_start(self.text, len(above)) : len(above)].lstrip().startswith("#")
        return None if own.strip() or has_comment else Edit(Span(self.tree.path, start, end), "")


def block_of(body: cst.CSTNode | None, owner: cst.CSTNode | None, tree: Tree, text: str) -> Block | None:
    """The block that is the body of a statement; None for one that is written on the statement's own line."""
    if not isinstance(body, cst.IndentedBlock) or owner is None or not body.body:
        return None
    statements = [*body.body]
    outer = _indentation(text, tree.span(owner).start)
    inner = _indentation(text, tree.span(statements[0]).start)
    if outer is None or inner is None or not inner.startswith(outer):
        return None
    return Block(tree, text, statements, inner, inner[len(outer) :])


def is_alone(statement: cst.CSTNode) -> bool:
    """Whether a simple statement has its line to itself, and ends without a semicolon."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return False
    return isinstance(statement.body[0].semicolon, cst.MaybeSentinel)


def line_start(text: str, at: int) -> int:
    """Where the line begins that a place is on."""
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def _line_end(text: str, at: int) -> int:
    found = _BREAK.search(text, at)
    return found.end() if found else len(text)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the lines begin and end, with their breaks, of a part of a text that begins with a line."""
    while start < end:
        after = _line_end(text, start)
        yield start, after
        start = after


def _indentation(text: str, at: int) -> str | None:
    """What stands before a place on its line, if that is blank."""
    before = text[line_start(text, at) : at].removeprefix("\ufeff")
    return before if _BLANK.fullmatch(before) else None


def _comment(line: str) -> str | None:
    """What stands before a comment that has a line to itself."""
    before, sign, _ = line.partition("#")
    return before if sign and not before.strip() else None


def _is_deeper(indentation: str, than: str) -> bool:
    return indentation.startswith(than) and len(indentation) > len(than)


def _inside_strings(block: Block) -> set[int]:
    """Where the lines begin that begin inside a string."""
    return {
        found.end()
        for statement in block.statements
        for span in _strings(block, statement)
        for found in _BREAK.finditer(block.text, span.start, span.end)
    }


def _strings(block: Block, statement: cst.CSTNode) -> Iterable[Span]:
    for node in walk(statement):
        if isinstance(node, cst.BaseString) and not isinstance(node, cst.ConcatenatedString):
            yield block.span(node)


def _insertion(path: str, at: int, written: str) -> Edit:
    return Edit(Span(path, at, at), written)
