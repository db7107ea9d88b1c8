"""A Python module as text, pieces and names, and the project of modules that it can import from."""

import os
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import itemgetter

import libcst as cst

from poolcheck.files import Files, Format
from poolcheck.read.python.project.alembic import AlembicFiles
from poolcheck.read.python.project.lambdas import LambdaTemplates
from poolcheck.read.python.project.served import LARGEST, Starts
from poolcheck.read.python.project.versions import Versions
from poolcheck.read.python.syntax.imports import Import, imports
from poolcheck.read.python.syntax.mentions import Mentions
from poolcheck.read.python.syntax.slices import Kind, Masked, Piece, mask, pieces, whole
from poolcheck.read.python.syntax.trees import Tree, parse
from poolcheck.read.text import decode
from poolcheck.source import Source, Span

FARTHEST = 12
"""So many folders above a module its absolute imports are looked for."""
MOST_PARSED = 1_000_000
"""Characters of code whose trees are kept, in 40 MB; libcst parses as many in a second."""

_WORD = re.compile(r"[^\W\d]\w*")


class Project:
    """The Python modules of a run, each read once, when somebody asks for it."""

    def __init__(self, files: Files, paths: Sequence[str] = ()) -> None:
        self._files = files
        self._paths = paths
        self.mentions = Mentions(files, paths)
        """The words in the files of the run, as far as all that belongs together is in the run."""
        self._modules: dict[str, Module | None] = {}
        self._found: dict[tuple[str, str], tuple[Module, str] | None] = {}
        self._folders: dict[str, bool] = {}
        self.versions = Versions(files)
        """What the project's lock files and requirements tell of its libraries."""
        self.alembic = AlembicFiles(files)
        """What alembic.ini tells."""
        self.lambdas = LambdaTemplates(files)
        """What AWS Lambda calls."""
        self.starts = Starts(files, self.versions)
        """The commands that start its programs."""
        self._texts: dict[str, str | None] = {}
        self.parsed = 0
        """Characters of code that were parsed since trees were last forgotten."""

    def module(self, path: str) -> "Module | None":
        """The module in a file; None where there is no such file or it is not text."""
        if path not in self._modules:
            try:
                text = decode(self._files.read(path), Format.PYTHON)
            except (OSError, UnicodeError, LookupError):
                self._modules[path] = None
            else:
                return self.add(Source(path, text))
        return self._modules[path]

    def text(self, path: str) -> str | None:
        """The text of a file that is no module; None where there is none, or it is larger than anybody's own."""
        if path not in self._texts:
            try:
                data = self._files.read(path) if self._files.has(path) else None
            except OSError:
                data = None
            is_read = data is not None and len(data) <= LARGEST
            self._texts[path] = data.decode("utf-8", "replace") if data is not None and is_read else None
        return self._texts[path]

    def mentioning(self, paths: Iterable[str], mentions: Callable[[bytes], bool]) -> "Iterator[Module]":
        """The modules in those of these files whose bytes mention what is asked for."""
        for path in paths:
            try:
                is_wanted = mentions(self._files.read(path))
            except OSError:
                continue
            if is_wanted and (module := self.module(path)):
                yield module

    def add(self, source: Source) -> "Module":
        """The module of a text that was read already."""
        module = self._modules.get(source.path) or Module(source, self)
        self._modules[source.path] = module
        return module

    def forget(self) -> None:
        """Lets go of trees where they are many. Who asks for one again has it parsed again."""
        if self.parsed > MOST_PARSED:
            self.parsed = 0
            for module in filter(None, self._modules.values()):
                module.forget()

    @property
    def texts(self) -> Mapping[str, str]:
        """The texts of all files read so far, by path."""
        others = {path: text for path, text in self._texts.items() if text is not None}
        return {**others, **{path: module.source.text for path, module in self._modules.items() if module}}

    def find(self, dotted: str, importer: str) -> "tuple[Module, str] | None":
        """The module that a dotted name leads to from another, and the rest of the name inside that module.

        Relative names begin with dots. Absolute ones are looked for from the importer's folder upwards, as the
        folder that Python was started in is not known; then in the `src` folder of another package beside it.
        """
        asked = dotted, os.path.dirname(importer)
        if asked not in self._found:
            self._found[asked] = self._find(*asked)
        return self._found[asked]

    def _find(self, dotted: str, folder: str) -> "tuple[Module, str] | None":
        level = len(dotted) - len(dotted.lstrip("."))
        names = [name for name in dotted[level:].split(".") if name]
        if level:
            above = os.path.join(folder, *[os.pardir] * (level - 1))
            return self._below(above, names) or self._at(os.path.join(above, "__init__.py"), names)
        found: list[tuple[bool, int, tuple[Module, str]]] = []
        for _ in range(FARTHEST):
            if below := self._below(folder, names):
                # In a package, `app` is the package above and not the module beside; and no module holds modules.
                in_package = self._files.has(_path_of(os.path.join(folder, "__init__.py")))
                found.append((in_package, below[1].count("."), below))
                if not in_package and "." not in below[1]:
                    break
            if folder.rpartition("/")[2] in {"", os.pardir}:
                break
            folder = os.path.dirname(folder)
        if not found:
            roots = self._sources.get(names[0], set[str]()) if names else set[str]()
            return self._below(min(roots), names) if len(roots) == 1 else None
        return min(found, key=itemgetter(0, 1))[2]

    @cached_property
    def _sources(self) -> Mapping[str, set[str]]:
        """The `src` folders that the packages are in which the run has, as far as it has any."""
        found: dict[str, set[str]] = defaultdict(set)
        for path in self._paths:
            before, marker, behind = f"/{path}".rpartition("/src/")
            name, slash, _ = behind.partition("/")
            if marker and slash and path.endswith(".py"):
                found[name].add(f"{before}/src".removeprefix("/"))
        return found

    def _below(self, folder: str, names: list[str]) -> "tuple[Module, str] | None":
        # Most names are those of libraries, which nothing in the project is called like.
        longest = len(names) if names and self._has_folder(os.path.join(folder, names[0])) else min(len(names), 1)
        for count in range(longest, 0, -1):
            stem = os.path.join(folder, *names[:count])
            for path in (f"{stem}.py", os.path.join(stem, "__init__.py")):
                if found := self._at(path, names[count:]):
                    return found
        return None

    def _has_folder(self, path: str) -> bool:
        if path not in self._folders:
            self._folders[path] = self._files.has_folder(_path_of(path))
        return self._folders[path]

    def _at(self, path: str, names: list[str]) -> "tuple[Module, str] | None":
        path = _path_of(path)
        module = self.module(path) if self._files.has(path) else None
        return (module, ".".join(names)) if module else None


def _path_of(path: str) -> str:
    return os.path.normpath(path).replace(os.sep, "/")


class Module:
    """One module. No part of it is parsed before somebody asks about the part."""

    def __init__(self, source: Source, project: Project) -> None:
        self.source = source
        self.path = source.path
        self.project = project
        self._trees: dict[Piece, Tree | None] = {}
        self._has: dict[re.Pattern[str], bool] = {}

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
            self.project.parsed += piece.end - piece.start
        return self._trees[piece]

    def forget_refused(self) -> None:
        """Lets go of the pieces that could not be parsed, which so far only other modules have asked for."""
        self._trees = {piece: tree for piece, tree in self._trees.items() if tree}

    def forget(self) -> None:
        """Lets go of all that can be made again of the text."""
        self._trees.clear()
        for name in ("masked", "pieces", "_ends", "_members", "_classes", "_named"):
            vars(self).pop(name, None)

    def statements(self, piece: Piece) -> Iterator[tuple[Tree, cst.BaseStatement]]:
        """The statements of a piece, each with its tree; none where the piece cannot be parsed."""
        if tree := self.tree(piece):
            yield from ((tree, statement) for statement in tree.statements)

    def members(self, scope: str) -> Sequence[Piece]:
        """The pieces directly inside a class, by its dotted name; those at the top of the module for ""."""
        return self._members.get(scope, ())

    def classes(self, name: str) -> Sequence[Piece]:
        """The pieces that are, or begin, the classes of a dotted name."""
        return self._classes.get(name, ())

    @cached_property
    def _members(self) -> Mapping[str, Sequence[Piece]]:
        return _by(lambda piece: piece.scope, self.pieces)

    @cached_property
    def _classes(self) -> Mapping[str, Sequence[Piece]]:
        classes = (piece for piece in self.pieces if piece.kind in {Kind.CLASS, Kind.HEADER})
        return _by(lambda piece: f"{piece.scope}.{piece.name}".lstrip("."), classes)

    def code(self, piece: Piece) -> str:
        """The code of a piece, strings and comments blanked."""
        return self.masked.text[piece.start : piece.end]

    def naming(self, word: str) -> Sequence[Piece]:
        """The pieces in whose code a name stands."""
        return self._named.get(word, ())

    @cached_property
    def _named(self) -> Mapping[str, Sequence[Piece]]:
        """All names, each with the pieces in which it stands: to look for one at a time takes much longer."""
        code, found = self.masked.text, defaultdict[str, list[Piece]](list)
        for piece in self.pieces:
            for word in {*_WORD.findall(code, piece.start, piece.end)}:
                found[word].append(piece)
        return found

    def has(self, pattern: re.Pattern[str]) -> bool:
        """Whether a pattern is found in the code, which is looked up once."""
        if pattern not in self._has:
            self._has[pattern] = pattern.search(self.masked.text) is not None
        return self._has[pattern]

    def mentioning(self, names: re.Pattern[str]) -> Iterator[Piece]:
        """The pieces in whose code a pattern is found."""
        code, found = self.masked.text, names.search(self.masked.text)
        while found and (at := bisect_right(self._ends, found.start())) < len(self.pieces):
            piece = self.pieces[at]
            if names.search(code, piece.start, piece.end):
                yield piece
            found = names.search(code, piece.end)

    def around(self, span: Span) -> Sequence[Piece]:
        """The piece that a place is inside of, if it is inside of one."""
        at = bisect_right(self._ends, span.start)
        found = self.pieces[at : at + 1]
        return [piece for piece in found if piece.start <= span.start and span.end <= piece.end]

    @cached_property
    def _ends(self) -> list[int]:
        return [piece.end for piece in self.pieces]

    def imported(self, name: str, piece: Piece | None = None) -> str | None:
        """The dotted name that a name was imported as: in the function that the piece is, or in the module."""
        return self._imports.get((piece, name)) or self._imports.get((None, name))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """All imports in the module, wherever they stand."""
        return tuple(imports(self.masked.text))

    @cached_property
    def starred(self) -> Sequence[str]:
        """What the names begin with that `from … import *` imports."""
        return [each.target.removesuffix("*") for each in self.imports if each.name == "*"]

    def renamed(self, word: str) -> Sequence[str]:
        """What the module calls what is called so elsewhere, where it calls it otherwise."""
        return self._renamed.get(word, ())

    @cached_property
    def _renamed(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for each in self.imports:
            word = each.target.rpartition(".")[2]
            if each.name != word:
                found[word][each.name] = None
        return {word: [*names] for word, names in found.items()}

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


def _by(key: Callable[[Piece], str], pieces: Iterable[Piece]) -> Mapping[str, Sequence[Piece]]:
    found: dict[str, list[Piece]] = defaultdict(list)
    for piece in pieces:
        found[key(piece)].append(piece)
    return found
