"""Which files there are to read: their formats, and where their bytes come from, the disk or memory."""

import os
from collections.abc import Mapping
from enum import Enum
from stat import S_ISREG
from typing import Protocol

LARGEST_BYTES = 128 * 1024 * 1024
"""Nobody writes a larger file by hand."""


STANDARD_INPUT = "-"
"""What a stream of manifests on standard input is called."""


class Format(Enum):
    """The formats of the files that are read, told by the ends of their names."""

    INI = (".ini",)
    YAML = (".yaml", ".yml")
    PYTHON = (".py",)


def format_of(path: str) -> Format | None:
    """The format a file's name promises; None where nothing is read from such files."""
    if path == STANDARD_INPUT:
        return Format.YAML
    suffix = os.path.splitext(path)[1].lower()
    return next((candidate for candidate in Format if suffix in candidate.value), None)


class Files(Protocol):
    """The files of a project, by their path relative to the working directory."""

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises OSError."""
        ...

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        ...

    def has_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        ...


class NotAFile(OSError):
    """A directory, a pipe or a device where a file is wanted."""


class TooLarge(OSError):
    """More bytes than anybody wrote."""


class Disk:
    """The files as they are on disk."""

    def read(self, path: str) -> bytes:
        """The bytes of a regular file. Raises OSError."""
        with open(path, "rb", opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not S_ISREG(status.st_mode):
                raise NotAFile("not a regular file")
            if status.st_size > LARGEST_BYTES:
                raise TooLarge(f"larger than {LARGEST_BYTES // 2**20} MiB")
            return file.read()

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return os.path.isfile(path)

    def has_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        return os.path.isdir(path)


class Memory:
    """Files that are not on disk, in front of others that may be: unsaved text, the example on a page."""

    def __init__(self, texts: Mapping[str, bytes], beneath: Files | None = None) -> None:
        self._texts = texts
        self._beneath = beneath

    def read(self, path: str) -> bytes:
        """The bytes held in memory, else those beneath. Raises OSError."""
        if path in self._texts:
            return self._texts[path]
        if self._beneath is None:
            raise FileNotFoundError(path)
        return self._beneath.read(path)

    def has(self, path: str) -> bool:
        """Whether the file is held in memory or is beneath."""
        return path in self._texts or (self._beneath is not None and self._beneath.has(path))

    def has_folder(self, path: str) -> bool:
        """Whether a file held in memory is in the folder, or the folder is beneath."""
        is_here = any(each.startswith(f"{path.rstrip('/')}/") for each in self._texts)
        return is_here or (self._beneath is not None and self._beneath.has_folder(path))


def _open_without_waiting(path: str, flags: int) -> int:
    """Opens a pipe without waiting for somebody to write to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
