"""A Python module as text, pieces and names, and the project of modules that it can import from."""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property

import libcst as cst

from poolcheck.files import Files, Format
from poolcheck.read.imports import Import, imports
from poolcheck.read.slices import Kind, Masked, Piece, mask, pieces, whole
from poolcheck.read.text import decode
from poolcheck.read.trees import Tree, parse
from poolcheck.source import Source

FARTHEST = 12
"""So many folders above a module its absolute imports are looked for."""


class Project:
    """The Python modules of a run, each read once, when somebody asks for it."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._modules: dict[str, Module | None] = {}

    def module(self, path: str) -> "Module | None":
        """The module in a file; None where there is no such file or it is not text."""
        if path not in self._modules:
            try:
                text = decode(self._files.read(path), Format.PYTHON)
            except (OSError, UnicodeDecodeError, LookupError):
                self._modules[path] = None
            else:
                return self.add(Source(path, text))
        return self._modules[path]

    def add(self, source: Source) -> "Module":
        """The module of a text that was read already."""
        module = self._modules.get(source.path) or Module(source, self)
        self._modules[source.path] = module
        return module

    @property
    def texts(self) -> Mapping[str, str]:
        """The texts of all modules read so far, by path."""
        return {path: module.source.text for path, module in self._modules.items() if module}

    def find(self, dotted: str, importer: str) -> "tuple[Module, str] | None":
        """The module that a dotted name leads to from another, and the rest of the name inside that module.

        Relative names begin with dots. Absolute ones are looked for from the importer's folder upwards, as the
        folder that Python was started in is not known.
        """
        folder = os.path.dirname(importer)
        level = len(dotted) - len(dotted.lstrip("."))
        names = [name for name in dotted[level:].split(".") if name]
        if level:
            above = os.path.join(folder, *[os.pardir] * (level - 1))
            return self._below(above, names) or self._at(os.path.join(above, "__init__.py"), names)
        for _ in range(FARTHEST):
            if found := self._below(folder, names):
                return found
            if folder.rpartition("/")[2] in {"", os.pardir}:
                break
            folder = os.path.dirname(folder)
        return None

    def _below(self, folder: str, names: list[str]) -> "tuple[Module, str] | None":
        for count in range(len(names), 0, -1):
            stem = os.path.join(folder, *names[:count])
            for path in (f"{stem}.py", os.path.join(stem, "__init__.py")):
                if found := self._at(path, names[count:]):
                    return found
        return None

    def _at(self, path: str, names: list[str]) -> "tuple[Module, str] | None":
        path = os.path.normpath(path).replace(os.sep, "/")
        module = self.module(path) if self._files.has(path) else None
        return (module, ".".join(names)) if module else None


class Module:
    """One module. No part of it is parsed before somebody asks about the part."""

    def __init__(self, source: Source, project: Project) -> None:
        self.source = source
        self.path = source.path
        self.project = project
        self._trees: dict[Piece, Tree | None] = {}

    @cached_property
    def masked(self) -> Masked:
        """The text with everything blanked that is not code."""
        return mask(self.source.text)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The pieces of the module in order."""
        return pieces(self.source.text, self.masked)

    @property
    def is_in_doubt(self) -> bool:
        """Whether it was not certain where the statements begin, or one that was asked for could not be parsed."""
        return self.pieces[:1] == (whole(self.source.text),) or None in self._trees.values()

    def tree(self, piece: Piece) -> Tree | None:
        """A piece, parsed; None where it is nested too deep or is no Python."""
        if piece not in self._trees:
            self._trees[piece] = parse(self.source, self.masked, piece)
        return self._trees[piece]

    def statements(self, piece: Piece) -> Iterator[tuple[Tree, cst.BaseStatement]]:
        """The statements of a piece, each with its tree; none where the piece cannot be parsed."""
        if tree := self.tree(piece):
            yield from ((tree, statement) for statement in tree.statements)

    def code(self, piece: Piece) -> str:
        """The code of a piece, strings and comments blanked."""
        return self.masked.text[piece.start : piece.end]

    def mentioning(self, names: re.Pattern[str]) -> Iterator[Piece]:
        """The pieces in whose code a pattern is found."""
        return (piece for piece in self.pieces if names.search(self.masked.text, piece.start, piece.end))

    def imported(self, name: str, piece: Piece | None = None) -> str | None:
        """The dotted name that a name was imported as: in the function that the piece is, or in the module."""
        return self._imports.get((piece, name)) or self._imports.get((None, name))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """All imports in the module, wherever they stand."""
        return tuple(imports(self.masked.text))

    @cached_property
    def _imports(self) -> Mapping[tuple[Piece | None, str], str]:
        """What names are imported as: in the module (None), and in each function that imports by itself."""
        found: dict[tuple[Piece | None, str], str] = {}
        functions = [piece for piece in self.pieces if piece.kind is Kind.FUNCTION]
        at = 0
        for each in self.imports:
            while at < len(functions) and functions[at].end <= each.start:
                at += 1
            inside = at < len(functions) and functions[at].start <= each.start
            found[functions[at] if inside else None, each.name] = each.target
        return found
