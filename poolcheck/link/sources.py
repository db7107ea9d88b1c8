"""Which Python modules a workload loads."""

import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from poolcheck.amount import Reason, exactly
from poolcheck.link.images import Images, Run
from poolcheck.link.siblings import beside
from poolcheck.link.stacks import settled
from poolcheck.read.document import Fact
from poolcheck.read.kubernetes.commands import Scripts, no_script
from poolcheck.read.kubernetes.launchers import Launch, launch
from poolcheck.read.kubernetes.manifest import Container, Workload
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.interest import mentions_a_session
from poolcheck.read.python.project.roles import Role, role_of
from poolcheck.read.python.running.gunicorn import configured
from poolcheck.read.python.syntax.module import Module, Project
from poolcheck.stated import StatedWorkload
from poolcheck.value import Lookup, Value, known_text

MOST_MODULES = 2_000
"""A workload that loads more modules of the project than this is followed no further."""

_NAMED_MODULE = re.compile(r"""["'](?P<name>[A-Za-z_]\w*(?:\.\w+)+)["']""")
_ROOT_URLCONF = re.compile(r"""^ROOT_URLCONF\s*=\s*["'](?P<name>\w+(?:\.\w+)*)["']""", re.MULTILINE)
_NAMING_OBJECTS = frozenset({"arq", "celery", "huey_consumer", "huey_consumer.py", "procrastinate"})
"""Launchers that may be told a module together with an object in it, behind a dot."""
_DJANGO_SETTINGS = "DJANGO_SETTINGS_MODULE"
_SET_BY_MODULE = re.compile(
    rf"""["']{_DJANGO_SETTINGS}["']\s*(?:,|\]\s*=)\s*["'](?P<name>[A-Za-z_]\w*(?:\.\w+)*)["']"""
)
_STARTING_PROCESSES = (
    "multiprocess", "ProcessPool", "Process(", "to_process.", "import to_process", "subprocess", "Popen",
    "fork", "os.exec", "spawn", "billiard", "joblib", "loky", "mpire", "pathos", "pebble", "dask", "pyspark",
    "import torch", "from torch", "import ray", "from ray", "airflow", "dagster", "luigi", "prefect",
    "import rq", "from rq", "dramatiq", "worker_main", "Worker(", "circus", "gunicorn", "granian", "honcho",
    "hypercorn", "robyn", "sanic", "tornado", "uwsgi", " workers=", "(workers=", ",workers=", "--workers",
    '"workers"', "'workers'", "debug=", "hupper", " reload=", "(reload=", ",reload=", "--reload", '"reload"',
    "'reload'", "autoreload", "watchfiles", "execute_from_command_line",
)  # fmt: skip
"""What Python says of itself where it may start other processes that make the same pools."""

_WEB_CONCURRENCY = "WEB_CONCURRENCY"
_READING_WEB_CONCURRENCY = "uvicorn"


class Sources:
    """The Python modules of a project, and which of them a workload loads."""

    def __init__(
        self, facts: Iterable[Fact], paths: Iterable[str], project: Project, workloads: Iterable[Workload] = ()
    ) -> None:
        paths = tuple(paths)
        self._project = project
        self._images = Images(paths, workloads, project.text)
        self._all = frozenset(paths)
        self._paths: dict[str, list[str]] = defaultdict(list)
        for path in sorted(paths):
            self._paths[path.rpartition("/")[2]].append(path)
        self._endings: dict[str, Sequence[str]] = {}
        self._imports: dict[str, Sequence[Module]] = {}
        self._modules = {fact.span.path: fact for fact in facts if isinstance(fact, PythonModule)}

    @property
    def modules(self) -> Sequence[PythonModule]:
        """All modules that hold something."""
        return [self._modules[path] for path in sorted(self._modules)]

    def among(self, paths: Collection[str]) -> list[PythonModule]:
        """The modules among these files that hold something."""
        return [each for each in self.modules if each.span.path in paths]

    def loaded_by(
        self,
        workload: Workload,
        container: Container,
        started: Launch | None,
        stated: StatedWorkload,
        environment: Lookup = lambda _: None,
    ) -> frozenset[str]:
        """The paths of all modules that a container loads; none where it is not known what it runs."""
        if stated.source:
            return self.paths_below(stated.source)
        entry = self._entry(started, workload, container)
        if started is None or entry is None:
            return frozenset()
        loaded = self._loaded(entry, names_modules=started.launcher.startswith("celery"))
        if settings := self._settings_of_django(entry, loaded, environment(_DJANGO_SETTINGS)):
            loaded |= self._loaded(settings, names_modules=True)
        return frozenset(loaded)

    def _settings_of_django(self, entry: Module, loaded: Iterable[str], told: Value | None) -> Module | None:
        """The settings that the environment names, or else a module that is loaded; of several, none."""
        if told is not None:
            names = {known_text(settled(told)) or ""}
        else:
            texts = (module.source.text for path in loaded if (module := self._project.module(path)))
            names = {found["name"] for text in texts for found in _SET_BY_MODULE.finditer(text)}
        found = self._project.find(names.pop(), entry.path) if len(names) == 1 else None
        return found[0] if found and not found[1] else None

    def below(self, roots: Iterable[str]) -> list[PythonModule]:
        """The modules that hold something in these files and folders."""
        roots = tuple(roots)
        return [each for each in self.modules if any(_is_below(each.span.path, root) for root in roots)]

    def paths_below(self, roots: Iterable[str]) -> frozenset[str]:
        """The paths of all modules in these files and folders."""
        roots = tuple(roots)
        return frozenset(path for path in self.paths if any(_is_below(path, root) for root in roots))

    @property
    def paths(self) -> Iterator[str]:
        """The paths of all Python files in the run."""
        return (path for paths in self._paths.values() for path in paths if path.endswith(".py"))

    def mention(self, word: str) -> bool:
        """Whether a word is seen to stand in a module of the project."""
        return bool(self._project.mentions.of(word))

    def may_mention(self, words: Iterable[str]) -> bool:
        """Whether one of these words stands in a module of the project, or that is not to be told."""
        found = map(self._project.mentions.of, words)
        return any(each is None or bool(each) for each in found)

    def of_sessions(self) -> Iterator[Module]:
        """The modules of the application that mention what is done to sessions, be it all that they hold."""
        paths = (path for path in sorted(self.paths) if _is_of_application(path))
        for module in self._project.mentioning(paths, mentions_a_session):
            yield module
            self._project.forget()

    def of_sessions_among(self, paths: Iterable[str]) -> Iterator[Module]:
        """Those of these modules that mention what is done to sessions, and do not migrate or test anything."""
        own = (path for path in sorted(paths) if _is_of_application(path))
        return self._project.mentioning(own, mentions_a_session)

    def text(self, path: str) -> str | None:
        """The text of a file of the project; None where there is none."""
        return self._project.text(path)

    def run(self, container: Container, workload: Workload, environment: Lookup) -> Run:
        """A container with what its image runs where its manifest names no command."""
        return self._images.run(container, _names(workload, container), environment)

    def started(
        self, container: Container, workload: Workload, environment: Lookup, scripts: Scripts = no_script
    ) -> Launch | None:
        """What a container starts, as its command and a configuration file of gunicorn's say."""

        def settled_variable(name: str) -> Value | None:
            value = environment(name)
            return None if value is None else settled(value)

        names = _names(workload, container)
        is_seen = self._images.is_seen(container, names)
        found = launch(container, settled_variable, scripts)
        if found and found.launcher == "python":
            is_told = not is_seen or environment(_WEB_CONCURRENCY) is not None
            starting = (*_STARTING_PROCESSES, _READING_WEB_CONCURRENCY) if is_told else _STARTING_PROCESSES
            return self._alone(found, workload, container, starting)
        if found and found.file:
            file = self._file(found.file.value, names, _folder(container), workload.span.path)
            if file is None:
                is_seen = is_seen and posixpath.basename(found.file.value) not in self._paths
            elif seen := launch(container, settled_variable, scripts, is_file_seen=True, is_image_seen=is_seen):
                return configured(seen, file, environment)
        return launch(container, settled_variable, scripts, is_image_seen=True) if found and is_seen else found

    def _alone(self, started: Launch, workload: Workload, container: Container, starting: Iterable[str]) -> Launch:
        """What a script or a module starts: one process if nothing that it loads has a word of `starting` more."""
        entry = self._entry(started, workload, container)
        if entry is None or started.module is None:
            return started
        loaded = self._loaded(entry, names_modules=False)
        speaking = map(self._project.mentions.of, starting)
        is_all_seen = len(loaded) < MOST_MODULES
        if not is_all_seen or any(paths is None or not loaded.isdisjoint(paths) for paths in speaking):
            return started
        reason = Reason(f"python {started.module.value} is one process", started.module.span)
        return started._replace(processes=exactly(1, reason))

    def _entry(self, started: Launch | None, workload: Workload, container: Container) -> Module | None:
        """The module that a launcher is told to run."""
        if started is None or started.module is None:
            return None
        written, _, behind = started.module.value.partition(":")
        found = self._module(written, started, workload, container)
        if found or behind or started.launcher.partition(" ")[0] not in _NAMING_OBJECTS:
            return found
        return self._module(written.rpartition(".")[0], started, workload, container)

    def _module(self, written: str, started: Launch, workload: Workload, container: Container) -> Module | None:
        """A module by its name or its file; of several, the one in a folder called like what runs it."""
        names, folder = _names(workload, container), _folder(container)
        is_file = "/" in written or written.endswith(".py")
        stem = written.replace(".", "/")
        endings = [written] if is_file else [f"{stem}.py", f"{stem}/__init__.py", f"{stem}/__main__.py"]
        if not stem:
            return None
        for root in ("", *started.python_path):
            for end in endings:
                sources = self._images.sources_of(container, names, posixpath.join(root, end))
                if copied := next((each for each in sources if each in self._all), None):
                    return self._project.module(copied)
        near = workload.span.path
        return self._file(written, names, folder, near) if is_file else self._only(endings, names, folder, near)

    def _file(self, written: str, names: Collection[str], folder: str | None, near: str) -> Module | None:
        """The module in a file. What folder of the project an image has at `/app` nobody knows."""
        parts = os.path.normpath(written).replace(os.sep, "/").split("/")
        shorter = range(1, len(parts)) if written.startswith("/") else range(1)
        return next(
            (found for at in shorter if (found := self._only(("/".join(parts[at:]),), names, folder, near))), None
        )

    def _only(
        self, endings: Collection[str], names: Collection[str], folder: str | None, near: str
    ) -> Module | None:
        """The module whose path ends like this; of several, the one in a folder of one of these names.

        What is in the folder that the image is made of comes first, and right there at the very first. Where all
        are at the same place in folders beside one another, the one counts that is beside what is `near`.
        """
        found = [path for end in endings for path in self._ending(end)]
        if folder is not None:
            found = [path for path in found if _is_below(path, folder)]
            right_there = {os.path.normpath(os.path.join(folder, end)) for end in endings}
            found = [path for path in found if path in right_there] or found
        if len(found) > 1:
            found = [path for path in found if not {*path.split("/")}.isdisjoint(names)]
        if len(found) > 1:
            found = beside(found, near)
        return self._project.module(found[0]) if len(found) == 1 else None

    def _ending(self, end: str) -> Sequence[str]:
        """The paths that end like this, which many containers ask for."""
        if end not in self._endings:
            named = self._paths.get(end.rpartition("/")[2], ())
            self._endings[end] = [path for path in named if f"/{path}".endswith(f"/{end}")]
        return self._endings[end]

    def _loaded(self, entry: Module, *, names_modules: bool) -> set[str]:
        """The paths of all modules that are imported when the entry is.

        Celery imports what it is told by name, and so does Django, whose settings name the URLs.
        """
        seen = {entry.path}
        waiting = [entry]
        while waiting and len(seen) < MOST_MODULES:
            module = waiting.pop()
            is_naming = names_modules and module is entry
            for found in self._named_by(module) if is_naming else self._imported_by(module):
                if found.path not in seen:
                    seen.add(found.path)
                    waiting.append(found)
        return seen

    def _imported_by(self, module: Module) -> Sequence[Module]:
        """What a module imports, or has Django import, which every program that loads the module asks for."""
        if module.path not in self._imports:
            self._imports[module.path] = self._leads_to(module, ())
        return self._imports[module.path]

    def _named_by(self, module: Module) -> Sequence[Module]:
        """The same, and the modules of which the names are written in it."""
        named = (name["name"] for name in _NAMED_MODULE.finditer(module.source.text))
        return self._leads_to(module, (".celery", *named))

    def _leads_to(self, module: Module, named: Sequence[str]) -> Sequence[Module]:
        urls = (name["name"] for name in _ROOT_URLCONF.finditer(module.source.text))
        targets = (*(each.target for each in module.imports), *named, *urls)
        found = {each.path: each for target in targets for each in self._imported(target, module)}
        return tuple(found.values())

    def _imported(self, target: str, importer: Module) -> Iterator[Module]:
        """The module that an import leads to, and the packages around it, which are loaded before it."""
        found = self._project.find(target, importer.path)
        if found is None:
            return
        yield found[0]
        folder = os.path.dirname(found[0].path)
        while folder and (package := self._project.module(f"{folder}/__init__.py")):
            yield package
            folder = os.path.dirname(folder)


def _is_of_application(path: str) -> bool:
    """Whether a file is the application's own, and not there to migrate it once."""
    return role_of(path) is Role.APPLICATION and "migrat" not in path.rpartition("/")[2]


def _names(workload: Workload, container: Container) -> set[str]:
    """What the folder may be called in which the source of a container is."""
    return {workload.name.value, container.name.value, _image_name(container)}


def _folder(container: Container) -> str | None:
    """The folder that the image is made of."""
    return container.context.folder if container.context else None


def _image_name(container: Container) -> str:
    image = container.image.value if container.image else ""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _is_below(path: str, root: str) -> bool:
    root = os.path.normpath(root).replace(os.sep, "/")
    return root in {".", path} or path.startswith(f"{root}/")
