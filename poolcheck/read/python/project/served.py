"""The commands that start the programs of a project, as files beside a module tell: a Procfile, a Dockerfile."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from poolcheck.files import Files
from poolcheck.read.kubernetes.commands import program, started
from poolcheck.read.kubernetes.launchers import launch
from poolcheck.read.kubernetes.manifest import Container, Manifest
from poolcheck.read.python.project.versions import Versions
from poolcheck.source import Located, Source, Span
from poolcheck.value import HOLE, text_of

DOCKERFILES = (
    "Dockerfile", "Dockerfile.prod", "Dockerfile.production", "compose/production/django/Dockerfile",
    "deploy/Dockerfile", "docker/Dockerfile", "docker/Dockerfile.prod", "docker/prod/Dockerfile",
)  # fmt: skip
COMPOSE_FILES = (
    "compose.yaml", "compose.yml", "docker-compose.prod.yaml", "docker-compose.prod.yml",
    "docker-compose.production.yml", "docker-compose.yaml", "docker-compose.yml",
)  # fmt: skip
SCRIPTS = (
    "bin/start", "bin/start.sh", "compose/production/django/start", "docker-entrypoint.sh", "docker/entrypoint.sh",
    "docker/start.sh", "entrypoint.prod.sh", "entrypoint.sh", "run.sh", "scripts/entrypoint.sh",
    "scripts/run.sh", "scripts/start.sh", "start.sh",
)  # fmt: skip
LINES = {
    "Procfile": re.compile(r"^[\w-]+:[ \t]*(.+)$", re.MULTILINE),
    "fly.toml": re.compile(r'^\s*[\w-]+\s*=\s*"(.+)"\s*$', re.MULTILINE),
    "render.yaml": re.compile(r"^\s*(?:-\s+)?startCommand:[ \t]*(.+)$", re.MULTILINE),
    "supervisord.conf": re.compile(r"^command\s*=[ \t]*(.+)$", re.MULTILINE),
}
"""Where commands are usually written, and how, where a line is one."""
LARGEST = 200_000
"""Characters of a file beyond which it is nobody's script."""

_ASYNCHRONOUS = frozenset({"daphne", "hypercorn", "uvicorn"})
_DOCKER = re.compile(r"^[ \t]*(ENTRYPOINT|CMD)[ \t]+(.+)$", re.MULTILINE | re.IGNORECASE)
_CONTINUED = re.compile(r"\\[ \t]*\r?\n")


class Start(NamedTuple):
    """A command that starts something: the words of the program, behind shells and wrappers, and its file.

    `module` is what the program is told to run, `config` is gunicorn's configuration file, or the one it reads
    unasked. `kind` is the worker class or the pool that the command asks for; "" where it asks for none.
    """

    path: str
    words: tuple[str, ...]
    module: str
    config: str
    kind: str

    @property
    def program(self) -> str:
        """What it is called."""
        return os.path.basename(self.words[0])

    @property
    def is_asynchronous(self) -> bool:
        """Whether it speaks ASGI to what it runs, as far as its own words tell."""
        return self.program in _ASYNCHRONOUS or (self.program == "gunicorn" and speaks_asgi(self.kind))

    @property
    def is_for_development(self) -> bool:
        """Whether it starts anew with every change of the source."""
        return "--reload" in self.words


def speaks_asgi(worker_class: str) -> bool:
    """Whether gunicorn's workers of a class do."""
    return "uvicorn" in worker_class.lower() or "asgi" in worker_class.lower()


class Starts:
    """The commands in the files of a project. A file is read when somebody asks."""

    def __init__(self, files: Files, versions: Versions) -> None:
        self._files = files
        self._versions = versions
        self._in_folder: dict[str, tuple[Start, ...]] = {}
        self._in_manifest: dict[Span, tuple[Start, ...]] = {}

    def near(self, path: str) -> Iterator[Start]:
        """The commands in the files beside a module and in the folders above it, nearest first."""
        for folder in self._versions.folders(os.path.dirname(path)):
            if folder not in self._in_folder:
                self._in_folder[folder] = tuple(self._starts(folder))
            yield from self._in_folder[folder]

    def in_containers(self, manifest: Manifest) -> Sequence[Start]:
        """The commands of the containers in a manifest."""
        if manifest.span not in self._in_manifest:
            containers = (each for workload in manifest.workloads for each in workload.containers)
            starts = (start_in(container, manifest.span.path) for container in containers)
            self._in_manifest[manifest.span] = tuple(filter(None, starts))
        return self._in_manifest[manifest.span]

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return self._files.has(path)

    def _starts(self, folder: str) -> Iterator[Start]:
        for name in (*LINES, *DOCKERFILES, *SCRIPTS, *COMPOSE_FILES):
            path = os.path.normpath(os.path.join(folder, name)).replace(os.sep, "/")
            text = self._text(path)
            for words in _commands(name, path, text) if text else ():
                if start := start_of(words, path):
                    yield start

    def _text(self, path: str) -> str | None:
        try:
            data = self._files.read(path) if self._files.has(path) else b""
        except OSError:
            return None
        text = data.decode("utf-8", "replace") if len(data) <= LARGEST else ""
        return None if "{%" in text else text


def start_of(words: Sequence[str], path: str) -> Start | None:
    """What a command starts; None where it is nothing that is known to start Python."""
    place = Span(path, 0, 0)
    located = tuple(Located(word, place) for word in words)
    return start_in(Container(Located("", place), None, located, None, (), (), (), (), None, None), path)


def start_in(container: Container, path: str) -> Start | None:
    """The same for a container."""
    found = started(container, _unset)
    launched = launch(container, _unset)
    if launched is None or launched.launcher == "python" or not found.words:
        return None
    at = next((at for at, word in enumerate(found.words) if program([word]) == launched.launcher.split()[0]), None)
    if at is None:
        return None
    own = tuple(word.value for word in found.words[at:])
    module = launched.module.value if launched.module else ""
    return Start(path, own, module, launched.file.value if launched.file else "", _kind(own))


def _unset(_: str) -> None:
    """The environment in which nothing is known."""


_KINDS = {"gunicorn": ("-k", "--worker-class"), "celery": ("-P", "--pool")}


def _kind(words: tuple[str, ...]) -> str:
    short, long = _KINDS.get(os.path.basename(words[0]), ("", ""))
    for at, word in enumerate(words[1:], 1):
        if not short:
            break
        if word in {short, long}:
            return words[at + 1] if at + 1 < len(words) else HOLE
        if word.startswith(f"{long}="):
            return word.partition("=")[2]
        if word.startswith(short) and not word.startswith("--"):
            return word[len(short) :]
    return ""


def _commands(name: str, path: str, text: str) -> Iterator[Sequence[str]]:
    """The commands in a file, each as the words that are started."""
    if name in LINES:
        yield from (
            ("sh", "-c", line.strip().strip("\"'")) for line in LINES[name].findall(_CONTINUED.sub(" ", text))
        )
    elif name in DOCKERFILES:
        yield from _in_dockerfile(_CONTINUED.sub(" ", text))
    elif name in SCRIPTS:
        yield from (("sh", "-c", line) for line in _CONTINUED.sub(" ", text).splitlines() if line.strip())
    else:
        yield from _in_compose_file(Source(path, text))


def _in_dockerfile(text: str) -> Iterator[Sequence[str]]:
    """What the last ENTRYPOINT and CMD start, together and CMD alone, as an entry point may go on to it."""
    last = {keyword.upper(): _words(written.strip()) for keyword, written in _DOCKER.findall(text)}
    entry, command = last.get("ENTRYPOINT", ()), last.get("CMD", ())
    yield from (words for words in dict.fromkeys(((*entry, *command), command)) if words)


def _words(written: str) -> tuple[str, ...]:
    if written.startswith("["):
        try:
            listed: object = json.loads(written)
        except ValueError:
            return ()
        return tuple(map(str, cast("list[object]", listed))) if isinstance(listed, list) else ()
    return ("sh", "-c", written)


def _in_compose_file(source: Source) -> Iterator[Sequence[str]]:
    from poolcheck.read.compose.services import read_compose

    for file in read_compose(source):
        for service in file.services:
            entry = [text_of(word) for word in service.entrypoint or ()]
            command = [text_of(word) for word in service.command or ()]
            if len(command) == 1:
                command = ["sh", "-c", command[0]]
            yield from (words for words in (command, [*entry, *command] if entry else []) if words)
