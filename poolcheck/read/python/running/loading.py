"""Which modules of a project are imported when another is, before any function of it runs."""

import os
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind

MOST_MODULES = 400
"""So many modules are followed."""

_PLAIN = re.compile(r"\s*import\b([^\n;]*)")
_DOTTED = re.compile(r"\w+(?:\s*\.\s*\w+)+")
_NOT_RUN = re.compile(r"if\s+(?:(?:typing\s*\.\s*)?TYPE_CHECKING|__name__)\b")


def loads(entry: Module, path: str) -> bool:
    """Whether the module in a file is imported when another is."""
    seen = {entry.path}
    waiting = [entry]
    while waiting and len(seen) < MOST_MODULES:
        module = waiting.pop(0)
        if module.path == path:
            return True
        for found in _modules_imported_at_once(module):
            if found.path not in seen:
                seen.add(found.path)
                waiting.append(found)
    return False


@lru_cache(maxsize=1024)
def _modules_imported_at_once(module: Module) -> tuple[Module, ...]:
    """The modules of the project that a module imports where it is imported itself, which many ask for."""
    found = (each for target in imported_at_once(module) for each in _imported(target, module))
    return tuple(dict.fromkeys(found))


def imported_at_once(module: Module) -> Iterator[str]:
    """The dotted names that a module imports where it is imported itself."""
    starts = [piece.start for piece in module.pieces]
    for each in module.imports:
        piece = module.pieces[max(bisect_right(starts, each.start) - 1, 0)]
        is_run = piece.kind in {Kind.STATEMENT, Kind.FILE, Kind.HEADER, Kind.CLASS}
        if is_run and not _NOT_RUN.match(module.masked.text, piece.start):
            yield each.target
            # `import a.b` binds only `a`, and imports both.
            if statement := _PLAIN.match(module.masked.text, each.start):
                yield from _DOTTED.findall(statement[1])


def _imported(target: str, importer: Module) -> Iterator[Module]:
    """The module that an import leads to, and the packages around it, which are imported before it."""
    found = importer.project.find(target.removesuffix(".*"), importer.path)
    if found is None:
        return
    yield found[0]
    folder = os.path.dirname(found[0].path)
    while folder and (package := importer.project.module(f"{folder}/__init__.py")):
        yield package
        folder = os.path.dirname(folder)
