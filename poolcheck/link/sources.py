"""Which Python modules a workload loads."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence

from poolcheck.read.document import Fact
from poolcheck.read.kubernetes import Workload
from poolcheck.read.launchers import Launch
from poolcheck.read.module import Module, Project
from poolcheck.read.python import PythonModule
from poolcheck.stated import StatedWorkload

MOST_MODULES = 2_000
"""A workload that loads more modules of the project than this is followed no further."""

_NAMED_MODULE = re.compile(r"""["'](?P<name>[A-Za-z_]\w*(?:\.\w+)+)["']""")


class Sources:
    """The Python modules of a project, and which of them a workload loads."""

    def __init__(self, facts: Iterable[Fact], paths: Iterable[str], project: Project) -> None:
        self._project = project
        self._paths = sorted(path for path in paths if path.endswith(".py"))
        self._modules = {fact.span.path: fact for fact in facts if isinstance(fact, PythonModule)}

    @property
    def modules(self) -> Sequence[PythonModule]:
        """All modules that hold something."""
        return [self._modules[path] for path in sorted(self._modules)]

    def loaded_by(self, workload: Workload, launch: Launch | None, stated: StatedWorkload) -> list[PythonModule]:
        """The modules that a workload loads and that hold something; none where it is not known what it runs."""
        if stated.source:
            return [
                each for each in self.modules if any(_is_below(each.span.path, root) for root in stated.source)
            ]
        entry = self._entry(launch, workload)
        if launch is None or entry is None:
            return []
        loaded = self._loaded(entry, names_modules=launch.launcher.startswith("celery"))
        return [each for each in self.modules if each.span.path in loaded]

    def _entry(self, launch: Launch | None, workload: Workload) -> Module | None:
        """The module that a launcher is told to run; of several of that name, the one in the workload's folder."""
        written = launch.module.value.partition(":")[0] if launch and launch.module else ""
        stem = (
            written.removesuffix(".py") if "/" in written or written.endswith(".py") else written.replace(".", "/")
        )
        endings = tuple(f"/{stem}{rest}" for rest in (".py", "/__init__.py", "/__main__.py"))
        found = [path for path in self._paths if f"/{path}".endswith(endings)] if stem else []
        if len(found) > 1:
            found = [path for path in found if workload.name.value in path.split("/")]
        return self._project.module(found[0]) if len(found) == 1 else None

    def _loaded(self, entry: Module, *, names_modules: bool) -> set[str]:
        """The paths of all modules that are imported when the entry is; celery imports what it is told by name."""
        seen = {entry.path}
        waiting = [entry]
        while waiting and len(seen) < MOST_MODULES:
            module = waiting.pop()
            targets = [each.target for each in module.imports]
            if names_modules and module is entry:
                targets += [".celery", *(name["name"] for name in _NAMED_MODULE.finditer(module.source.text))]
            for target in targets:
                for found in self._imported(target, module):
                    if found.path not in seen:
                        seen.add(found.path)
                        waiting.append(found)
        return seen

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


def _is_below(path: str, root: str) -> bool:
    root = os.path.normpath(root).replace(os.sep, "/")
    return root in {".", path} or path.startswith(f"{root}/")
