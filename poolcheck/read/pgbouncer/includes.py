"""Where the files are that a configuration includes."""

import posixpath
import re
from collections.abc import Iterator

from poolcheck.files import Files, Format, TooLarge
from poolcheck.read.pgbouncer.config import Absent, Inclusion, Part
from poolcheck.read.text import decode
from poolcheck.source import Located, Source, Span

_NO_FILE = re.compile(r"""[*?"]|^['~]|[ \t][;#]""")
"""What no name of a file holds: a pattern, quotes, a comment, a `~` that nobody expands."""


def in_folder(files: Files, folder: str, path: Located[str]) -> Inclusion:
    """What an include names for a PgBouncer that is started in a folder. There are no files but these."""
    place = posixpath.normpath(posixpath.join(folder, path.value))
    if path.value and (part := _read(files, place)):
        return Inclusion(path, part)
    is_folder = path.value and files.has_folder(place)
    return Inclusion(path, Absent.FOLDER if is_folder else Absent.MISSING)


def in_project(files: Files, main: str, path: Located[str]) -> Inclusion:
    """What an include of a configuration names, where nothing tells which folder PgBouncer is started in.

    It may be the working directory, or that of the configuration. What is named by its place on another machine
    is looked for beside the configuration. Files outside of these two folders are not looked at.
    """
    for place in _places(main, path.value):
        if part := _read(files, place):
            is_beside = place != posixpath.normpath(path.value) and not path.value.startswith("/")
            return Inclusion(path, part, is_assumed=is_beside)
        if files.has_folder(place):
            return Inclusion(path, Absent.FOLDER)
    is_none = not path.value or _NO_FILE.search(path.value)
    return Inclusion(path, Absent.MISSING if is_none else Absent.UNSEEN)


def _places(main: str, path: str) -> Iterator[str]:
    beside = posixpath.dirname(main)
    if not path.startswith("/"):
        candidates = [path, posixpath.join(beside, path)]
    else:
        folders = path.strip("/").split("/")
        candidates = [posixpath.join(beside, *folders[at:]) for at in range(len(folders))]
    for place in (posixpath.normpath(each) for each in candidates if path):
        is_beside = beside and place.startswith(f"{posixpath.normpath(beside)}/")
        if is_beside or not place.startswith(("..", "/")):
            yield place


def _read(files: Files, path: str) -> Part | None:
    if not files.has(path):
        return None
    try:
        text = decode(files.read(path), Format.INI)
    except (OSError, TooLarge):
        return None
    return Part(Source(path, text), Span(path, 0, len(text)))
