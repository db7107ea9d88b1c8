"""Pieces of Python as LibCST trees: the nodes in them, and the place of each in its file.

libcst recurses as deep as the code is nested, so parsing and asking for places belong inside
`poolcheck.deep.deep`.
"""

import ast
import re
import warnings
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from types import NoneType
from typing import NamedTuple

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider
from libcst.metadata.span_provider import SpanProvidingCodegenState

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.python.syntax.slices import MOST_STRAIN, Kind, Masked, Piece, mask, strain, whole
from poolcheck.source import Source, Span

NOTABLE_STRAIN = 10_000
"""What is less of a strain than this never meets the limits that Python has for recursion."""
LARGEST = 10_000_000
"""Characters of which Python makes a tree in a second, and in 300 MB."""


class Placed(NamedTuple):
    """An expression, and the nodes around it, inmost first."""

    node: cst.BaseExpression
    around: tuple[cst.CSTNode, ...]

    @property
    def functions(self) -> tuple[cst.FunctionDef, ...]:
        """The functions around it, outmost first."""
        return tuple(each for each in reversed(self.around) if isinstance(each, cst.FunctionDef))


class Tree:
    """A piece that `parse` parsed; `code` is what libcst was given, which would begin at `offset` of the file.

    The class in a HEADER has a body, `pass`, which the file does not have.
    """

    def __init__(self, path: str, piece: Piece, module: cst.Module, code: str, offset: int) -> None:
        self.path = path
        self.piece = piece
        self._module = module
        self._code = code
        self._offset = offset

    @cached_property
    def statements(self) -> Sequence[cst.BaseStatement]:
        """The statements of the piece; those of the whole file for a FILE."""
        around: cst.Module | cst.BaseSuite = self._module
        if self.piece.indentation:
            around = cst.ensure_type(self._module.body[0], cst.ClassDef).body
        return tuple(statement for statement in around.body if isinstance(statement, cst.BaseStatement))

    def span(self, node: cst.CSTNode) -> Span:
        """Where a node of this tree stands.

        Left out are blanks around it, comments before it, its decorators, and parentheses around an expression,
        those of a tuple and of a generator expression too.
        """
        start, end = self._places[node]
        code = self._code[start:end].lstrip()
        start = min(self._offset + end - len(code), self.piece.end)
        return Span(self.path, start, min(start + len(code.rstrip()), self.piece.end))

    def is_inside(self, node: cst.CSTNode, outer: cst.CSTNode) -> bool:
        """Whether a node of this tree is another, or inside of it; that is sooner told than where they stand."""
        found: cst.CSTNode | None = node
        while found is not None and found is not outer:
            found = self._parents.get(found)
        return found is outer

    @cached_property
    def _parents(self) -> Mapping[cst.CSTNode, cst.CSTNode]:
        found: dict[cst.CSTNode, cst.CSTNode] = {}
        waiting: list[cst.CSTNode] = [*self.statements]
        while waiting:
            node = waiting.pop()
            below = children(node)
            found.update((child, node) for child in below)
            waiting += below
        return found

    def at(self, span: Span) -> Sequence[Placed]:
        """The expressions that are exactly in a place, outmost first."""
        return self._expressions.get(span, ())

    @cached_property
    def _expressions(self) -> Mapping[Span, Sequence[Placed]]:
        found = defaultdict[Span, list[Placed]](list)
        waiting: list[tuple[cst.CSTNode, tuple[cst.CSTNode, ...]]] = [(each, ()) for each in self.statements]
        while waiting:
            node, around = waiting.pop()
            if isinstance(node, cst.BaseExpression):
                found[self.span(node)].append(Placed(node, around))
            above = (node, *around)
            waiting += [(child, above) for child in children(node)]
        return found

    @property
    def has_places(self) -> bool:
        """Whether Python lets libcst recurse deep enough to tell them: 3.12 stops it where others do not."""
        try:
            return bool(self._places)
        except RecursionError:
            return False

    @cached_property
    def _places(self) -> Mapping[cst.CSTNode, tuple[int, int]]:
        return _places(self._module, self._code)


def parse(source: Source, masked: Masked, piece: Piece) -> Tree | None:
    """The tree of a piece; None where it is too deep for libcst, or libcst does not accept it."""
    strained = strain(masked, piece.start, piece.end)
    if strained > MOST_STRAIN:
        return None
    before = f"class _:\n{piece.indentation}" if piece.indentation else ""
    after = " pass" if piece.kind is Kind.HEADER else ""
    code = f"{before}{source.text[piece.start : piece.end]}{after}"
    try:
        module = cst.parse_module(code)
    except (cst.ParserSyntaxError, cst.CSTValidationError, UnicodeEncodeError):
        return None
    tree = Tree(source.path, piece, module, code, piece.start - len(before))
    return tree if strained < NOTABLE_STRAIN or tree.has_places else None


def syntax_fault(source: Source) -> SyntaxFault | None:
    """What is wrong with the syntax of a file, in the words of the Python that runs this.

    Nothing where this Python or libcst accepts the text, for each knows syntax that the other does not; nor where
    the text is a template that becomes Python later, or too large to ask.
    """
    refusal = _refusal(source) if len(source.text) <= LARGEST else None
    if refusal is None:
        return None
    masked = mask(source.text)
    if _TEMPLATE.search(masked.text) or parse(source, masked, whole(source.text)):
        return None
    return refusal


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The node and all that are inside it, in the order in which they begin in the source."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += children(node)[::-1]


def children(node: cst.CSTNode) -> Sequence[cst.CSTNode]:
    """The nodes directly inside, in the order of the source, except for blanks, comments and punctuation."""
    if type(node) in _LEAVES:
        return ()
    found: list[cst.CSTNode] = []
    for field in _fields(type(node)):
        value = getattr(node, field)
        if type(value) in _SEQUENCES:
            found += value
        elif type(value) not in _NO_NODES:
            found.append(value)
    return found


_LEAVES = frozenset[type]({cst.Ellipsis, cst.Float, cst.Integer, cst.Name, cst.SimpleString})
"""Nodes without others inside: every second is a name."""
_SEQUENCES = frozenset[type]({list, tuple})
_NO_NODES = frozenset[type]({NoneType, bool, str, cst.MaybeSentinel})
"""What else is in fields. To ask whether a value is a node takes several times as long."""

_PUNCTUATION = re.compile(
    r"whitespace|.*(?:whitespace|lines?|brace|bracket|par|colon|comma)$"
    r"|(?:asynchronous|comment|dot|equal|footer|header|indent|newline|operator|posonly_ind|relative|semicolon|separator)$"
)
_SOURCE_ORDER: Mapping[type[cst.CSTNode], Sequence[str]] = {
    cst.Arg: ("keyword", "value"),
    cst.ClassDef: ("decorators", "name", "type_parameters", "bases", "keywords", "body"),
    cst.ExceptHandler: ("type", "name", "body"),
    cst.ExceptStarHandler: ("type", "name", "body"),
    cst.FunctionDef: ("decorators", "name", "type_parameters", "params", "returns", "body"),
    cst.IfExp: ("body", "test", "orelse"),
    cst.MatchCase: ("pattern", "guard", "body"),
    cst.Parameters: ("posonly_params", "params", "star_arg", "kwonly_params", "star_kwarg"),
    cst.TypeAlias: ("name", "type_parameters", "value"),
}
"""Nodes whose fields libcst declares in another order than the source has them."""


@cache
def _fields(kind: type[cst.CSTNode]) -> Sequence[str]:
    from dataclasses import fields

    names = _SOURCE_ORDER.get(kind) or [field.name for field in fields(kind)]
    return tuple(name for name in names if not _PUNCTUATION.match(name))


class _Places(SpanProvidingCodegenState):
    """Generates code and notes, in characters, where that of each node begins and ends.

    The state it replaces does so too, in twice the time and for a provider of metadata.
    """

    def __init__(self, module: cst.Module) -> None:
        super().__init__(module.default_indent, module.default_newline, ByteSpanPositionProvider())
        self.places: dict[cst.CSTNode, tuple[int, int]] = {}

    def add_token(self, value: str) -> None:
        """Notes how far the code has come."""
        self.tokens.append(value)
        self.position += len(value)

    def add_indent_tokens(self) -> None:
        """The same for each step of indentation."""
        for token in self.indent_tokens:
            self.add_token(token)

    def after_codegen(self, node: cst.CSTNode) -> None:
        """Notes all the code of a node of which no part is its proper one."""
        self.places.setdefault(node, (self._stack.pop(), self.position))

    @contextmanager
    def record_syntactic_position(
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> Generator[None]:
        """Notes the part of a node's code that is not blanks, comments and parentheses around it."""
        before = self.position
        yield
        start = self.places[start_node][0] if start_node else before
        end = self.places[end_node][1] if end_node else self.position
        self.places[node] = start, end


def _places(module: cst.Module, code: str) -> Mapping[cst.CSTNode, tuple[int, int]]:
    """Where each node stands in the code that the module was parsed from."""
    state = _Places(module)
    module._codegen(state)  # pyright: ignore[reportPrivateUsage]  # libcst has no other way to pass a state
    generated = "".join(state.tokens)
    if generated == code:
        return state.places
    offsets = _offsets(generated, code, behind=state.position - len(generated))
    return {
        node: (offsets[start], offsets[end - 1] + 1 if end > start else offsets[start])
        for node, (start, end) in state.places.items()
    }


def _offsets(generated: str, code: str, behind: int) -> Sequence[int]:
    """For each character that libcst gives back, and for those `behind` that it takes back, where it was.

    Blanks it does not always give back as they were: it forgets form feeds before code, backslashes on lines of
    their own, and blanks before some colons and in some placeholders.
    """
    offsets: list[int] = []
    position = 0
    for character in generated:
        if not character.isspace() or code.startswith(character, position):
            position = code.index(character, position) + 1
        offsets.append(max(position - 1, 0))
    return [*offsets, *[len(code)] * (behind + 1)]


_TEMPLATE = re.compile(r"\{\{|\{%|<%")
_LINE_BREAK = re.compile(r"\r\n?|\n")


def _refusal(source: Source) -> SyntaxFault | None:
    """What this Python has against a text; nothing where the text is merely more than it can take."""
    text = source.text.removeprefix("\ufeff")
    before = len(source.text) - len(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except SyntaxError as error:
            start = before + _offset(text, error.lineno, error.offset)
            end = before + _offset(text, error.end_lineno, error.end_offset)
            return SyntaxFault(Span(source.path, start, max(start, end)), error.msg)
        except ValueError as error:
            start = before + _offset(text, None, None)
            return SyntaxFault(Span(source.path, start, start), str(error))
        except (MemoryError, RecursionError):
            return None
    return None


def _offset(text: str, line: int | None, column: int | None) -> int:
    """The offset of a line and column that count from 1; what Python gives no line for is a null character."""
    if line is None:
        return max(text.find("\0"), 0)
    lines = [0, *(line_break.end() for line_break in _LINE_BREAK.finditer(text))]
    return min(lines[min(line, len(lines)) - 1] + max((column or 1) - 1, 0), len(text))
