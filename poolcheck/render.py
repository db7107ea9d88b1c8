"""Charts and kustomizations as Helm and Kustomize render them, in place of the files that they are made of.

Nothing is run but `helm template` and `kustomize build`, without a shell and without plugins.
"""

import os
import posixpath
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from poolcheck.files import Files, Memory
from poolcheck.read.kubernetes.generators import read_kustomization
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.source import Source

LONGEST_S = 60
"""So many seconds a tool may take for one chart or one kustomization."""
_FIRST = 300
"""So many characters of what a tool says are told."""
_OBJECT = re.compile(r"(?:\{|map\[).*")
"""What is quoted of an object, which may be a Secret."""
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
_NAME = re.compile(r"^name:[ \t]*[\"']?([a-z0-9](?:[a-z0-9-]{0,50}[a-z0-9])?)[\"']?[ \t\r]*$", re.MULTILINE)
_IS_LIBRARY = re.compile(r"^type:[ \t]*[\"']?library", re.MULTILINE)
_IS_COMPONENT = re.compile(r"^kind:[ \t]*[\"']?Component", re.MULTILINE)


class NoTool(Exception):
    """A program is not installed that is to render something; its message says which, and for what."""


class Rendered(NamedTuple):
    """The paths and the files of a project after rendering."""

    paths: list[str]
    files: Files


class _Root(NamedTuple):
    """A folder that is rendered, the programs that do it, and the name that what they print is given.

    The first program that is installed is run. The files that `make_up` what is rendered are looked at no more.
    """

    folder: str
    commands: tuple[tuple[str, ...], ...]
    path: str
    make_up: frozenset[str]


def rendered(paths: Sequence[str], files: Files) -> Rendered:
    """The charts and kustomizations below these paths as they are rendered. Raises NoTool.

    What a tool cannot render is a file that cannot be read, and its parts are looked at as they are.
    """
    texts: dict[str, bytes] = {}
    failures: dict[str, str] = {}
    replaced: set[str] = set()
    for root in (*_charts(paths, files), *_kustomizations(paths, files)):
        result = _run(root)
        if isinstance(result, bytes):
            texts[root.path] = result
            replaced |= root.make_up
        else:
            failures[root.path] = result
    return Rendered(
        sorted({*(path for path in paths if path not in replaced), *texts, *failures}),
        _Failing(failures, Memory(texts, files)),
    )


class _Failing(Memory):
    """Files of which some cannot be read."""

    def __init__(self, failures: Mapping[str, str], beneath: Files) -> None:
        super().__init__({}, beneath)
        self._failures = failures

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises OSError."""
        if path in self._failures:
            raise OSError(0, self._failures[path])
        return super().read(path)


def _charts(paths: Sequence[str], files: Files) -> Iterator[_Root]:
    """The charts that are no part of another; libraries are none that can be rendered."""
    folders = [posixpath.dirname(path) for path in paths if posixpath.basename(path) == "Chart.yaml"]
    for folder in folders:
        text = _text(posixpath.join(folder, "Chart.yaml"), files)
        if _IS_LIBRARY.search(text) or any(_is_below(folder, f"{other}/charts") for other in folders):
            continue
        name = found[1] if (found := _NAME.search(text)) else "release"
        parts = [posixpath.join(folder, each) for each in ("templates", "charts")]
        values = posixpath.join(folder, "values.yaml")
        yield _Root(
            folder,
            (("helm", "template", name, _argument(folder), "--skip-tests"),),
            posixpath.join(folder, "helm-template.yaml"),
            frozenset(path for path in paths if path == values or any(_is_below(path, each) for each in parts)),
        )


def _kustomizations(paths: Sequence[str], files: Files) -> Iterator[_Root]:
    """The kustomizations that none of the others builds from."""
    read = {
        posixpath.dirname(path): _text(path, files)
        for path in paths
        if posixpath.basename(path) in _KUSTOMIZATIONS
    }
    every = {folder: _kustomization(folder, text) for folder, text in read.items()}
    used = {part for folder, own in every.items() for part in _parts(folder, own)}
    for folder, text in read.items():
        if folder not in used and not _IS_COMPONENT.search(text):
            yield _Root(
                folder,
                (("kustomize", "build", _argument(folder)), ("kubectl", "kustomize", _argument(folder))),
                posixpath.join(folder, "kustomize-build.yaml"),
                frozenset(_all_parts(folder, every)) & frozenset(paths),
            )


def _kustomization(folder: str, text: str) -> Kustomization | None:
    facts = read_kustomization(Source(posixpath.join(folder, _KUSTOMIZATIONS[0]), text))
    return next((fact for fact in facts if isinstance(fact, Kustomization)), None)


def _all_parts(folder: str, every: Mapping[str, Kustomization | None]) -> Iterator[str]:
    """The files that a kustomization is made of, those of what it builds from too."""
    left, seen = [folder], set[str]()
    while left:
        part = left.pop()
        if part not in seen:
            seen.add(part)
            yield part
            yield from (posixpath.join(part, name) for name in _KUSTOMIZATIONS if part in every)
            left += _parts(part, every.get(part))


def _parts(folder: str, own: Kustomization | None) -> Iterator[str]:
    """The files and folders that a kustomization names."""
    if own:
        written = [each.value for each in own.resources]
        generated = [file.path.value for generator in own.generators for file in generator.files]
        for part in (*written, *own.patches, *generated):
            yield _below(folder, part)


def _below(folder: str, path: str) -> str:
    found = posixpath.normpath(posixpath.join(folder, path))
    return "" if found == "." else found


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.lstrip('/')}/")


def _text(path: str, files: Files) -> str:
    try:
        return files.read(path).decode("utf-8", "replace")
    except OSError:
        return ""


def _argument(folder: str) -> str:
    """A folder as no program takes it for an option or an address."""
    return os.path.join(os.curdir, folder)


def _run(root: _Root) -> bytes | str:
    """What a tool prints, or why it prints nothing. Raises NoTool."""
    command = next((each for each in root.commands if shutil.which(each[0])), None)
    if command is None:
        raise NoTool(_not_installed(root))
    told = " ".join(command[:2])
    try:
        done = subprocess.run(  # noqa: S603 (these are the tools that were asked for)
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"`{told}` takes longer than {LONGEST_S} seconds"
    except OSError as error:
        return f"`{told}` cannot be run: {error.strerror}"
    return f"`{told}` fails: {_reason(done.stderr)}" if done.returncode else done.stdout


def _not_installed(root: _Root) -> str:
    names = " or ".join(dict.fromkeys(command[0] for command in root.commands))
    verb = "are" if len(root.commands) > 1 else "is"
    return f"{names} {verb} not installed, which --render needs for {root.folder or os.curdir}"


def _reason(output: bytes) -> str:
    """The end of what a tool complains of: it begins with where it is."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")] or lines
    if not errors:
        return "it does not say why"
    reason = errors[-1].partition(":")[2].strip()
    return _OBJECT.sub("…", reason)[:_FIRST]
