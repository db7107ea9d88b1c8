"""From paths to the files that might be worth reading."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from poolcheck.files import format_of

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

USUALLY_EXCLUDED = (
    ".bzr", ".direnv", ".eggs", ".git", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pytest_cache",
    ".ruff_cache", ".svn", ".terraform", ".tox", ".venv", "__pycache__", "node_modules", "site-packages", "venv",
)  # fmt: skip
"""Folders that hold what others wrote or what tools made."""


_NAME = re.compile(r"[\w.-]+")
"""A pattern that is one beyond doubt: there is no need to import what understands the others."""


class NoSuchPath(FileNotFoundError):
    """A path that was named and does not exist."""


def discover(
    roots: Iterable[str],
    *,
    exclude: Sequence[str] = USUALLY_EXCLUDED,
    beneath: str = os.curdir,
    respect_gitignore: bool = True,
) -> Iterator[str]:
    """The files under the roots that may hold something, each once, relative to the working directory.

    `exclude` are patterns of what is left out `beneath` a folder. A root that is a file is taken as it is.
    Symbolic links to folders are not followed, so no folder is met twice, and what is found and is no file, such
    as a link that leads nowhere, is left out. Raises NoSuchPath, and OSError for a root that cannot be listed.
    """
    walk = _Walk(exclude, beneath, respect_gitignore=respect_gitignore)
    seen: set[str] = set()
    for root in roots:
        if not os.path.lexists(root):
            raise NoSuchPath(root)
        for path in walk.files(root) if os.path.isdir(root) else (root,):
            shown = relative(path)
            if shown not in seen:
                seen.add(shown)
                yield shown


def relative(path: str, folder: str = os.curdir) -> str:
    """The path relative to a folder, by default the working directory, with `/`."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


class Extent(NamedTuple):
    """What is looked at: whether it `is_whole`, so that all who use what is in it are seen, and where it lies.

    It lies in a `folder`, which is that of the repository, or else that around everything; "" where that is the
    working directory, or above.
    """

    is_whole: bool = True
    folder: str = ""


def extent(roots: Iterable[str]) -> Extent:
    """What roots are: not whole where one is a file by itself, or a folder inside of a package."""
    roots = tuple(roots)
    whole = all(os.path.isdir(root) and not os.path.exists(os.path.join(root, "__init__.py")) for root in roots)
    return Extent(whole, _project_folder(roots))


def _project_folder(roots: Iterable[str]) -> str:
    folders = [relative(root if os.path.isdir(root) else os.path.dirname(root) or os.curdir) for root in roots]
    around = os.path.commonpath(folders) if folders else os.curdir
    if around == os.curdir:
        return ""
    folder = os.path.abspath(around)
    while not os.path.exists(os.path.join(folder, ".git")):
        if (above := os.path.dirname(folder)) == folder:
            return around.replace(os.sep, "/")
        folder = above
    shown = relative(folder)
    is_around = shown == os.curdir or all(part == os.pardir for part in shown.split("/"))
    return "" if is_around else shown


def matcher(patterns: Iterable[str]) -> "GitIgnoreSpec":
    """What matches any of the patterns, as `.gitignore` has them. What is no pattern matches nothing."""
    patterns = list(patterns)
    try:
        return _compiled(patterns)
    except ValueError:
        return _compiled([each for each in patterns if is_pattern(each)])


def is_pattern(written: str) -> bool:
    """Whether a text is a pattern as `.gitignore` has them."""
    if _NAME.fullmatch(written):
        return True
    try:
        _compiled([written])
    except ValueError:
        return False
    return True


def _compiled(patterns: list[str]) -> "GitIgnoreSpec":
    """Raises ValueError where one is no pattern."""
    import warnings

    from pathspec import GitIgnoreSpec

    try:
        with warnings.catch_warnings(action="ignore"):  # `re` has doubts about [[:alpha:]]
            return GitIgnoreSpec.from_lines(patterns)
    except re.error as error:
        raise ValueError(str(error)) from error


class _Ignores(NamedTuple):
    """What the `.gitignore` of one folder says of the paths below the folder."""

    folder: str
    patterns: "GitIgnoreSpec"

    def verdict(self, path: str) -> bool | None:
        """Whether the path is ignored; None where nothing is said of it. Folders end with `/`."""
        below = os.path.relpath(path, self.folder)
        return self.patterns.check_file(f"{below}/" if path.endswith("/") else below).include


_Met: TypeAlias = tuple[str, list[_Ignores] | None]
"""A file, or a folder with what may leave out what is in it."""


class _Walk:
    def __init__(self, exclude: Sequence[str], beneath: str, *, respect_gitignore: bool) -> None:
        self._names = {pattern for pattern in exclude if not set(pattern) & set("/*?[!")}
        self._patterns = [_Ignores(beneath, matcher([each])) for each in exclude if each not in self._names]
        self._respect_gitignore = respect_gitignore

    def files(self, root: str) -> Iterator[str]:
        """The files below a folder in the order of their names.

        Who names a folder wants it looked at, so whatever would leave out the folder itself is disregarded.
        """
        os.scandir(root).close()  # who may not list a folder that was named is told
        ignores = [*self._patterns, *self._gitignores_above(root)]
        yield from self._below(root, [ignore for ignore in ignores if not ignore.verdict(_as_folder(root))])

    def _below(self, root: str, ignores: list[_Ignores]) -> Iterator[str]:
        left: list[_Met] = [(root, ignores)]
        while left:
            path, ignores_inside = left.pop()
            if ignores_inside is None:
                yield path
            else:
                left += reversed(list(self._inside(path, ignores_inside)))

    def _inside(self, folder: str, ignores: list[_Ignores]) -> "Iterator[_Met]":
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            return
        if self._respect_gitignore and any(entry.name == ".gitignore" and entry.is_file() for entry in entries):
            ignores = [*ignores, _read_gitignore(folder)]
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder or (format_of(entry.name) and entry.is_file()):
                path = _as_folder(entry.path) if is_folder else entry.path
                if not self._is_left_out(entry.name, path, ignores):
                    yield entry.path, ignores if is_folder else None

    def _is_left_out(self, name: str, path: str, ignores: list[_Ignores]) -> bool:
        if name in self._names:
            return True
        verdicts = (ignore.verdict(path) for ignore in reversed(ignores))
        return next((verdict for verdict in verdicts if verdict is not None), False)

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


def _read_gitignore(folder: str) -> _Ignores:
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="replace") as file:
            return _Ignores(folder, matcher(file))
    except OSError:
        return _Ignores(folder, matcher(()))
