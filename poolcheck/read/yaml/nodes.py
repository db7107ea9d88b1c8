"""The shape of YAML text: documents of mappings, sequences and scalars, every one with its place.

PyYAML composes the nodes, with libyaml where it was built with it. They are wrapped when they are looked at, and a
look-up that meets anything else than it expects finds nothing. A place is where a node is written: what an alias
stands for lies at its anchor.
"""

import re
from collections.abc import Iterator
from typing import TypeAlias

import yaml
from yaml import CollectionNode, MappingNode, ScalarNode, SequenceNode

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.template import is_filled_in_yaml
from poolcheck.read.yaml.json_values import ends
from poolcheck.read.yaml.loaders import DEEPEST, TOO_DEEP, composed
from poolcheck.read.yaml.scalars import ScalarKind, integer_of, kind_of_plain
from poolcheck.read.yaml.templated import PUT_IN, filled, may_be_template
from poolcheck.source import Located, Source, Span
from poolcheck.value import Unknown

_SEPARATOR = re.compile(r"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_YTT = re.compile(r"(?:^|[ \t])#@", re.MULTILINE)
_ANCHOR = re.compile(r"&\S*\s+")
_BLOCKS = ("|", ">")
_FORBIDDEN = r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Compiled when it is needed: that takes as long as all else in here."""

_KINDS_OF_TAGS = {
    "tag:yaml.org,2002:int": ScalarKind.INTEGER,
    "tag:yaml.org,2002:float": ScalarKind.FLOAT,
    "tag:yaml.org,2002:bool": ScalarKind.BOOLEAN,
    "tag:yaml.org,2002:null": ScalarKind.NULL,
}


class TooManyAliases(Exception):
    """Aliases of one document that stand for more nodes than anybody means, or for themselves."""


class Node:
    """A part of a document."""

    __slots__ = ("_document", "_node")

    def __init__(self, document: "_Document", node: yaml.Node) -> None:
        self._document = document
        self._node = node

    @property
    def span(self) -> Span:
        """Where it is written, without its anchor and without the comments behind it."""
        return self._document.span(self._node)

    @property
    def is_null(self) -> bool:
        """Whether it is null, which says as little as its absence."""
        return _is_null(self._node)

    @property
    def written(self) -> str:
        """Its text as the file has it."""
        return self._document.written(self._node)

    @property
    def is_of_template(self) -> bool:
        """Whether its document is a template, be it that only what surrounds the node shows that."""
        return self._document.is_template


class Scalar(Node):
    """A text or a number."""

    _node: ScalarNode

    @property
    def text(self) -> str:
        """What it says, without quotes, escapes and indentation."""
        return self._document.said(self._node)

    @property
    def style(self) -> str:
        """The sign that begins it, `'`, `"`, `|` or `>`; nothing where it is plain."""
        return self._node.style or ""

    @property
    def kind(self) -> ScalarKind:
        """What the Kubernetes API is given for it; what its tag says, where one is written."""
        return _kind(self._node)

    @property
    def integer(self) -> int | None:
        """The whole number it is; None where it is anything else."""
        return integer_of(self.text) if self.kind is ScalarKind.INTEGER else None

    @property
    def block(self) -> Span | None:
        """The lines of a literal block (`|`), indentation included; None in every other style."""
        if self.style != "|":
            return None
        document = self._document
        end = document.offset + self._node.end_mark.index
        start = document.text.find("\n", self.span.start, end) + 1
        return Span(document.path, start or end, end)


class Sequence(Node):
    """A list of nodes."""

    def __iter__(self) -> Iterator[Node]:
        self._document.look_at(len(self._node.value))
        return (_wrapped(self._document, item) for item in self._node.value)


class Mapping(Node):
    """Nodes by their keys. Of keys that are written twice the last counts; what is merged with `<<` gives way."""

    __slots__ = ("_entries",)

    _node: MappingNode

    def __init__(self, document: "_Document", node: MappingNode) -> None:
        super().__init__(document, node)
        self._entries = document.entries(node)

    @property
    def first(self) -> Span:
        """Where its first key begins."""
        document, entries = self._document, self._node.value
        start = document.span(entries[0][0] if entries else self._node).start
        return Span(document.path, start, start)

    @property
    def separator(self) -> str:
        """What parts its keys: a comma, or a line break and the indentation."""
        if self._node.flow_style:
            return ", "
        text, start = self._document.text, self.first.start
        column = start - text.rfind("\n", 0, start) - 1
        line_end = text.find("\n", start)
        return ("\r\n" if text[line_end - 1 : line_end] == "\r" else "\n") + " " * column

    def items(self) -> Iterator[tuple[Scalar, Node]]:
        """The keys and what they stand for."""
        self._document.look_at(len(self._entries))
        for key, value in self._entries.values():
            yield Scalar(self._document, key), _wrapped(self._document, value)

    def key(self, key: str) -> Scalar | None:
        """The key itself, for its place."""
        entry = self._entries.get(key)
        return entry and Scalar(self._document, entry[0])

    def at(self, *keys: str) -> Node | None:
        """What stands at a path of keys."""
        node = self._find(keys)
        return None if node is None else _wrapped(self._document, node)

    def text(self, *keys: str) -> Located[str] | None:
        """What a scalar at a path of keys says, unless it is null; what the file has where it is no scalar."""
        node = self._find(keys)
        if node is None or _is_null(node):
            return None
        text = self._document.said(node) if isinstance(node, ScalarNode) else self._document.written(node)
        return Located(text, self._document.span(node))

    def integer(self, *keys: str) -> Located[int] | Unknown | None:
        """The whole number at a path of keys; None where there is nothing or null."""
        found = self.at(*keys)
        if found is None or found.is_null:
            return None
        number = found.integer if isinstance(found, Scalar) else None
        return Unknown((found.span,)) if number is None else Located(number, found.span)

    def mapping(self, *keys: str) -> "Mapping | None":
        """The mapping at a path of keys."""
        found = self.at(*keys)
        return found if isinstance(found, Mapping) else None

    def mappings(self, *keys: str) -> Iterator["Mapping"]:
        """The mappings among the items of the sequence at a path of keys."""
        found = self.at(*keys)
        if isinstance(found, Sequence):
            yield from (item for item in found if isinstance(item, Mapping))

    def _find(self, keys: tuple[str, ...]) -> yaml.Node | None:
        entry = self._entries.get(keys[0])
        for key in keys[1:]:
            if entry is None or not isinstance(entry[1], MappingNode):
                return None
            entry = self._document.entries(entry[1]).get(key)
        return None if entry is None else entry[1]


def regions(source: Source) -> Iterator[Span]:
    """Where the documents of a file are, each with the line that separates it from the one before."""
    start = 1 if source.text.startswith("\ufeff") else 0
    for end in ends(source.text, start):
        yield Span(source.path, start, end)
        start = end
    for separator in _SEPARATOR.finditer(source.text, start):
        if separator.start() > start:
            yield Span(source.path, start, separator.start())
        start = separator.start() if separator[0] == "---" else separator.end()
    yield Span(source.path, start, len(source.text))


def compose(source: Source, region: Span) -> Iterator[Node | SyntaxFault]:
    """What a region of a file holds: a node, nothing where it is empty, or the fault that ends it.

    The text of a template is no fault where it is not YAML, and nothing where it is ytt, whose values stand in
    comments.
    """
    text = source.text[region.start : region.end]
    if "#@" in text and _YTT.search(text):
        return
    is_template = may_be_template(text)
    document = _Document(source, region, is_template=is_template)
    yaml_text = filled(text) if is_template else text
    try:
        for node in composed(yaml_text):
            yield _wrapped(document, node)
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        if not _is_template(text, error):
            yield _fault(source, region, error)


class _Document:
    """One document: where its marks count from, and how many more nodes may be looked at."""

    __slots__ = ("_left", "is_template", "offset", "path", "text")

    def __init__(self, source: Source, region: Span, *, is_template: bool) -> None:
        self.path, self.text = source
        self.offset = region.start
        self.is_template = is_template
        self._left = 1000 + region.end - region.start

    def span(self, node: yaml.Node) -> Span:
        """Where a node is written."""
        text, start = self.text, self.offset + node.start_mark.index
        if isinstance(node, ScalarNode) and node.style not in _BLOCKS:
            end = self.offset + node.end_mark.index
        else:
            end = start + len(text[start : self.offset + _end(node)].rstrip())
        if text.startswith("&", start) and (anchor := _ANCHOR.match(text, start, end)):
            start = anchor.end()
        return Span(self.path, start, end)

    def written(self, node: yaml.Node) -> str:
        """The text of a node as the file has it."""
        span = self.span(node)
        return self.text[span.start : span.end]

    def said(self, node: ScalarNode) -> str:
        """What a scalar says; as the file has it where a template puts something in."""
        text: str = node.value
        if not self.is_template:
            return text
        if node.style in _BLOCKS:
            written = self.written(node)
            return written if may_be_template(written) else text
        return self.written(node).strip("'\"") if PUT_IN in text else text

    def look_at(self, nodes: int) -> None:
        """Counts nodes that are looked at. Raises TooManyAliases: without aliases there is not one a character."""
        self._left -= nodes
        if self._left < 0:
            raise TooManyAliases

    def entries(self, node: MappingNode, depth: int = 0) -> "_Entries":
        """The keys and values of a mapping, by the text of the key. Raises TooManyAliases."""
        found = {key.value: (key, value) for key, value in node.value if isinstance(key, ScalarNode)}
        return {**self._merged(found["<<"][1], depth), **found} if "<<" in found else found

    def _merged(self, node: yaml.Node, depth: int) -> "_Entries":
        """What `<<` brings in: a mapping, or the first to have a key in a list of mappings."""
        if depth > DEEPEST:
            raise TooManyAliases
        found: _Entries = {}
        for source in reversed(node.value) if isinstance(node, SequenceNode) else (node,):
            if isinstance(source, MappingNode):
                found |= self.entries(source, depth + 1)
                self.look_at(1 + len(found))
        return found


_Entries: TypeAlias = dict[str, tuple[ScalarNode, yaml.Node]]


def _wrapped(document: _Document, node: yaml.Node) -> Node:
    if isinstance(node, ScalarNode):
        return Scalar(document, node)
    return Mapping(document, node) if isinstance(node, MappingNode) else Sequence(document, node)


def _kind(node: ScalarNode) -> ScalarKind:
    if node.tag:
        return _KINDS_OF_TAGS.get(node.tag, ScalarKind.STRING)
    return ScalarKind.STRING if node.style else kind_of_plain(node.value)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, ScalarNode) and _kind(node) is ScalarKind.NULL


def _end(node: yaml.Node) -> int:
    """Where a node ends. PyYAML has a block end where the next node begins, behind all comments."""
    while isinstance(node, CollectionNode) and not node.flow_style and node.value:
        before, last = node.value[-1] if isinstance(node, MappingNode) else (node, node.value[-1])
        if last.start_mark.index < before.start_mark.index or last is before:
            return before.end_mark.index if isinstance(before, ScalarNode) else before.start_mark.index
        node = last
    return node.end_mark.index


def _is_template(text: str, error: Exception) -> bool:
    """Whether something is put in the text, or in the lines at fault, that makes YAML of it."""
    if any(opening in text for opening in ("{{", "{%", "<%")):
        return True
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return False
    first = error.context_mark or error.problem_mark
    start, end = text.rfind("\n", 0, first.index) + 1, text.find("\n", error.problem_mark.index)
    return is_filled_in_yaml(text[start:end] if end >= 0 else text[start:])


def _fault(source: Source, region: Span, error: Exception) -> SyntaxFault:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        at = region.start + error.problem_mark.index
        # libyaml has a limit of its own since 0.2.6. Its scanner reads ahead and may come upon that before ours.
        is_too_deep = "nesting depth" in (error.problem or "")
        reason = TOO_DEEP if is_too_deep else " ".join(filter(None, (error.problem, error.context)))
        if "cannot start any token" in reason and source.text[at : at + 1] == "\t":
            reason = "a tab where only spaces may indent"
    else:
        forbidden = re.compile(_FORBIDDEN).search(source.text, region.start, region.end)
        at = forbidden.start() if forbidden else region.start
        reason = f"the character U+{ord(source.text[at]):04X} must be escaped"
    return SyntaxFault(Span(source.path, at, min(at + 1, len(source.text))), f"not YAML: {reason}")
