"""From paths to the files that might be worth reading."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.files import format_of

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

USUALLY_EXCLUDED = (
    ".bzr", ".direnv", ".eggs", ".git", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pytest_cache",
    ".ruff_cache", ".svn", ".terraform", ".tox", ".venv", "__pycache__", "node_modules", "site-packages", "venv",
)  # fmt: skip
"""Folders that hold what others wrote or what tools made."""


class NoSuchPath(FileNotFoundError):
    """A path that was named and does not exist."""


def discover(
    roots: Iterable[str],
    *,
    exclude: Sequence[str] | None = None,
    extend_exclude: Sequence[str] = (),
    respect_gitignore: bool = True,
) -> Iterator[str]:
    """The files under the roots that may hold something, each once, relative to the working directory.

    A root that is a file is taken as it is. Symbolic links to folders are not followed, so no folder is met
    twice. Raises NoSuchPath.
    """
    patterns = (*(USUALLY_EXCLUDED if exclude is None else exclude), *extend_exclude)
    walk = _Walk(patterns, respect_gitignore=respect_gitignore)
    seen: set[str] = set()
    for root in roots:
        if not os.path.lexists(root):
            raise NoSuchPath(root)
        for path in walk.files(root) if os.path.isdir(root) else (root,):
            shown = relative(path)
            if shown not in seen:
                seen.add(shown)
                yield shown


def relative(path: str) -> str:
    """The path relative to the working directory, with `/`."""
    return os.path.relpath(path).replace(os.sep, "/")


class _Ignores(NamedTuple):
    """What the `.gitignore` of one folder says of the paths below the folder."""

    folder: str
    patterns: "GitIgnoreSpec"

    def verdict(self, path: str) -> bool | None:
        """Whether the path is ignored; None where nothing is said of it. Folders end with `/`."""
        below = os.path.relpath(path, self.folder)
        return self.patterns.check_file(f"{below}/" if path.endswith("/") else below).include


class _Walk:
    def __init__(self, exclude: Sequence[str], *, respect_gitignore: bool) -> None:
        self._names = {pattern for pattern in exclude if not set(pattern) & set("/*?[!")}
        self._patterns = [_Ignores(os.curdir, _patterns([each])) for each in exclude if each not in self._names]
        self._respect_gitignore = respect_gitignore

    def files(self, root: str) -> Iterator[str]:
        """The files below a folder in the order of their names.

        Who names a folder wants it looked at, so whatever would leave out the folder itself is disregarded.
        """
        ignores = [*self._patterns, *self._gitignores_above(root)]
        yield from self._below(root, [ignore for ignore in ignores if not ignore.verdict(_as_folder(root))])

    def _below(self, folder: str, ignores: list[_Ignores]) -> Iterator[str]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            return
        if self._respect_gitignore and any(entry.name == ".gitignore" for entry in entries):
            ignores = [*ignores, _read_gitignore(folder)]
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in self._names and not _is_ignored(_as_folder(entry.path), ignores):
                    yield from self._below(entry.path, ignores)
            elif format_of(entry.name) and entry.name not in self._names and not _is_ignored(entry.path, ignores):
                yield entry.path

    def _gitignores_above(self, root: str) -> list[_Ignores]:
        """The `.gitignore` files between the repository's top and the root."""
        if not self._respect_gitignore:
            return []
        above: list[_Ignores] = []
        folder = os.path.abspath(root)
        while not os.path.exists(os.path.join(folder, ".git")) and os.path.dirname(folder) != folder:
            folder = os.path.dirname(folder)
            if os.path.isfile(os.path.join(folder, ".gitignore")):
                above.insert(0, _read_gitignore(folder))
        return above


def _as_folder(path: str) -> str:
    return path.rstrip("/") + "/"


def _is_ignored(path: str, ignores: list[_Ignores]) -> bool:
    verdicts = (ignore.verdict(path) for ignore in reversed(ignores))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def _read_gitignore(folder: str) -> _Ignores:
    with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="replace") as file:
        return _Ignores(folder, _patterns(file))


def _patterns(lines: Iterable[str]) -> "GitIgnoreSpec":
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines)
