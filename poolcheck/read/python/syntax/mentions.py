"""In which Python files of a run a word stands, told from their bytes."""

import re
from collections.abc import Sequence

from poolcheck.files import Files, Format, format_of

MOST_FILES = 4_000
MOST_BYTES = 32 * 1024 * 1024
"""Of a project that is larger than this it is not looked up who uses what in it."""


class Mentions:
    """The Python files of a run, all read when somebody asks for a word."""

    def __init__(self, files: Files, paths: Sequence[str]) -> None:
        self._files = files
        self._paths = [path for path in paths if format_of(path) is Format.PYTHON]
        self._contents: list[tuple[str, bytes]] | None = None
        self._found: dict[str, tuple[str, ...]] = {}

    def of(self, word: str) -> Sequence[str] | None:
        """The files in which a word stands; None where there are none to look at, or too many."""
        if self._contents is None:
            self._contents = self._read()
        if not self._contents:
            return None
        if word not in self._found:
            written = word.encode()
            self._found[word] = tuple(path for path, content in self._contents if written in content)
        return self._found[word]

    def matching(self, word: str, pattern: re.Pattern[bytes]) -> Sequence[str]:
        """The files in which a pattern matches that has a word in it."""
        paths = {*(self.of(word) or ())}
        return [path for path, content in self._contents or () if path in paths and pattern.search(content)]

    def _read(self) -> list[tuple[str, bytes]]:
        contents: list[tuple[str, bytes]] = []
        left = MOST_BYTES if len(self._paths) <= MOST_FILES else 0
        for path in self._paths:
            try:
                content = self._files.read(path)
            except OSError:
                continue
            left -= len(content)
            if left < 0:
                return []
            contents.append((path, content))
        return contents
