"""From one file to the facts in it: which reader reads it, and whether it is worth reading at all."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from poolcheck.files import Files, Format, TooLarge, format_of
from poolcheck.read.fault import ReadFault, SyntaxFault
from poolcheck.read.text import UTF_16, decode, encoding_of
from poolcheck.source import Located, Source, Span

if TYPE_CHECKING:
    from poolcheck.read.compose.facts import ComposeFile
    from poolcheck.read.kubernetes.kustomization import Kustomization
    from poolcheck.read.kubernetes.manifest import Manifest
    from poolcheck.read.pgbouncer.config import Inclusion, PgBouncerConfig
    from poolcheck.read.python.facts import PythonModule
    from poolcheck.read.python.syntax.module import Project

Fact: TypeAlias = (
    "PgBouncerConfig | Manifest | Kustomization | ComposeFile | PythonModule | SyntaxFault | ReadFault"
)

_HAS_SECTION = re.compile(rb"^[ \t]*\[[ \t]*pgbouncer[ \t]*\]", re.MULTILINE | re.IGNORECASE)
_HAS_SERVICES = re.compile(rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?(?:services|include)[ \t]*:", re.MULTILINE)
_MAKES = (b"Generator", b"bases", b"components", b"images", b"namespace", b"patch", b"replicas", b"resources")
_COMPOSE_FILE = re.compile(r"(?:^|[-_.])(?:compose|stack)(?=[-_.])", re.IGNORECASE)
_IN_VALUES = (
    b"pgbouncer:",
    b"connectionLimits:",
    b"max_connections",
    b"maxConnections:",
    b"poolers:",
    b"MAX_CONNECTIONS",
)
_KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml"})


class Reading(NamedTuple):
    """A file that holds something: its text, and the facts read from it."""

    path: str
    text: str
    facts: tuple[Fact, ...]


class Reader:
    """Reads the files of a project. What reads a format is imported with the first file of that format."""

    def __init__(self, files: Files, whole: Sequence[str] = ()) -> None:
        """`whole` are all files of a project, where it is known that they are all."""
        self._files = files
        self._whole = whole
        self.project: Project | None = None
        """The Python modules read so far and those that they import; None as long as there are none."""
        self.included: dict[str, str] = {}
        """The texts that configurations of PgBouncer and Compose files name, by their paths."""

    def read(self, path: str) -> Reading | None:
        """The facts in a file; None where its bytes show that it holds nothing of interest."""
        try:
            data = self._files.read(path)
        except OSError as error:
            return _unread(path, str(error.strerror or error))
        form = format_of(path) or _format_inside(data)
        if form is None or not _is_of_interest(data, form, path):
            return None
        try:
            text = decode(data, form)
        except TooLarge as error:
            return _unread(path, str(error))
        except LookupError:
            return _unread(path, f"no encoding of text is called {encoding_of(data, form)!r}")
        except UnicodeError as error:
            return _undecodable(path, data, encoding_of(data, form), error)
        return Reading(path, text, tuple(self._facts(Source(path, text), form, data)))

    def _facts(self, source: Source, form: Format, data: bytes) -> Iterator[Fact]:
        match form:
            case Format.INI:
                from poolcheck.read.pgbouncer.load import read_pgbouncer

                yield from read_pgbouncer(source, partial(self._included, source.path))
            case Format.YAML:
                yield from _facts_in_yaml(source, _plain(data), self._beside)
            case Format.PYTHON:
                from poolcheck.read.python.facts import read_python
                from poolcheck.read.python.syntax.module import Project

                self.project = self.project or Project(self._files, self._whole)
                yield from read_python(source, self.project)

    def _beside(self, path: str) -> str | None:
        """The text of a file that another names, kept for what is told of it; None where there is none."""
        try:
            text = decode(self._files.read(path), Format.YAML) if self._files.has(path) else None
        except (OSError, UnicodeError, LookupError):
            return None
        if text is not None:
            self.included[path] = text
        return text

    def _included(self, main: str, path: Located[str]) -> "Inclusion":
        """What a configuration names; its text is kept, for something may be wrong in it."""
        from poolcheck.read.pgbouncer.config import Part
        from poolcheck.read.pgbouncer.includes import in_project

        inclusion = in_project(self._files, main, path)
        if isinstance(inclusion.found, Part):
            self.included[inclusion.found.source.path] = inclusion.found.source.text
        return inclusion


def _format_inside(data: bytes) -> Format | None:
    """The format of a file that was named and whose name tells nothing."""
    if data[:100].lstrip()[:1] in {b"{", b"["} and _may_hold_objects(data):
        return Format.YAML  # of which JSON is a part
    return Format.INI if _HAS_SECTION.search(data) else None


def _is_of_interest(data: bytes, form: Format, path: str) -> bool:
    match form:
        case Format.INI:
            return "pgbouncer" in os.path.basename(path).lower() or _HAS_SECTION.search(data) is not None
        case Format.YAML:
            plain = _plain(data)
            return (
                _may_hold_objects(plain)
                or _may_be_compose(path, plain)
                or _is_kustomization(path, plain)
                or _may_be_values(path, plain)
            )
        case Format.PYTHON:
            from poolcheck.read.python.interest import mentions_a_pool

            return mentions_a_pool(data)


def _facts_in_yaml(source: Source, data: bytes, beside: Callable[[str], str | None]) -> Iterator[Fact]:
    if _may_hold_objects(data):
        from poolcheck.read.kubernetes.objects import read_manifest

        yield from read_manifest(source)
    if _may_be_compose(source.path, data):
        from poolcheck.read.compose.contents import read_contents
        from poolcheck.read.compose.services import read_compose

        yield from read_compose(source, beside)
        yield from read_contents(source)
    if _is_kustomization(source.path, data):
        from poolcheck.read.kubernetes.generators import read_kustomization

        yield from read_kustomization(source, beside)
    if _may_be_values(source.path, data):
        from poolcheck.read.kubernetes.chart_values import read_values

        yield from read_values(source, beside)


def _plain(data: bytes) -> bytes:
    """The bytes of a text, one for each character of ASCII."""
    return data.replace(b"\0", b"") if data[:2] in UTF_16 else data


def _may_hold_objects(data: bytes) -> bool:
    return b"kind" in data and b"apiVersion" in data


def _may_be_compose(path: str, data: bytes) -> bool:
    """Whether it may be a Compose file: by its name, or where it may run a PgBouncer by what is in it."""
    is_called_so = _COMPOSE_FILE.search(os.path.basename(path)) is not None
    return (is_called_so or b"pgbouncer" in data) and _HAS_SERVICES.search(data) is not None


def _is_kustomization(path: str, data: bytes) -> bool:
    """Whether it is a kustomization.yaml that builds from something, or makes it."""
    return os.path.basename(path) in _KUSTOMIZATIONS and any(each in data for each in _MAKES)


def _may_be_values(path: str, data: bytes) -> bool:
    """Whether it may be a file of Helm's values for one of the charts that are known."""
    return "values" in os.path.basename(path).lower() and any(each in data for each in _IN_VALUES)


def _unread(path: str, reason: str) -> Reading:
    return Reading(path, "", (ReadFault(Span(path, 0, 0), f"cannot be read: {reason}"),))


def _undecodable(path: str, data: bytes, encoding: str, error: UnicodeError) -> Reading:
    if not isinstance(error, UnicodeDecodeError):
        return _unread(path, f"not {encoding}")
    offset = len(data[: error.start].decode("utf-8", "replace"))
    fault = ReadFault(Span(path, offset, offset + 1), f"byte 0x{data[error.start]:02x} is not {encoding}")
    return Reading(path, data.decode("utf-8", "replace"), (fault,))
