"""The project that a command looks at, and the facts of other projects that are given beside it."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.budget.exchange import KIND, BadFacts, facts_in
from poolcheck.budget.facts import Facts
from poolcheck.budget.shared import together
from poolcheck.catalog import installed
from poolcheck.command.refused import Refused, told
from poolcheck.config import Configurations, Settings
from poolcheck.discover import discover, extent
from poolcheck.files import STANDARD_INPUT, Disk, Files, Memory
from poolcheck.read.pgbouncer.rendered import Renderings
from poolcheck.report.terminal import progress
from poolcheck.run import Linked, linked
from poolcheck.system.whole import System

if TYPE_CHECKING:
    from poolcheck.render import Rendered

_BEGINNING = 200
"""So many characters of a document are enough to say whether it holds facts."""


class Project(NamedTuple):
    """What is linked in the files at some paths, with the settings and the number of files."""

    linked: Linked
    settings: Settings
    files: int


class Budgeted(NamedTuple):
    """A system, the facts of it and of other projects, the texts of its files, and how many were looked at."""

    system: System
    facts: Facts
    texts: Mapping[str, str]
    settings: Settings
    files: int

    @property
    def renderings(self) -> Renderings:
        """What stands in no file, and where it is written."""
        return Renderings(self.system.rendered)


def project_at(paths: Sequence[str], options: Namespace, besides: Iterable[str] = ()) -> Project:
    """What is in the files at these paths, of which `-` is standard input, and in some files `besides`.

    With the option `render`, it is what Helm and Kustomize make of them. Raises Refused.
    """
    with told():
        settings = Configurations(installed(), only=options.config, isolated=options.isolated).in_folder("")
        roots = [path for path in paths if path != STANDARD_INPUT]
        found = discover(
            roots,
            exclude=(*settings.exclude, *settings.extend_exclude),
            beneath=settings.folder or ".",
        )
        piped = {STANDARD_INPUT: sys.stdin.buffer.read()} if len(roots) < len(paths) else {}
        all_paths = sorted({*found, *besides, *piped})
        files: Files = Memory(piped, Disk())
        if getattr(options, "render", False):
            all_paths, files = as_rendered(all_paths, files)
        with progress(sys.stderr) as show:
            project = linked(
                all_paths,
                files,
                settings.stated,
                show,
                extent=extent(roots),
            )
    return Project(project, settings, len(all_paths))


def as_rendered(paths: list[str], files: Files) -> "Rendered":
    """A project as Helm and Kustomize render it. Raises Refused."""
    from poolcheck.render import NoTool, rendered

    try:
        return rendered(paths, files)
    except NoTool as error:
        raise Refused(str(error)) from None


def budgeted(options: Namespace) -> Budgeted:
    """The project at the paths of a command, with the facts of others that are among them. Raises Refused."""
    others = {path: facts for path in options.paths if (facts := _facts_at(path)) is not None}
    paths = [path for path in options.paths if path not in others]
    if paths:
        (system, texts), settings, files = project_at(paths, options)
        named = [("", system.facts), *others.values()]
        return Budgeted(system, together(named), texts, settings, files)
    with told():
        settings = Configurations(installed(), only=options.config, isolated=options.isolated).in_folder("")
    return Budgeted(System((), (), (), (), ()), together([*others.values()]), {}, settings, 0)


def _facts_at(path: str) -> tuple[str, Facts] | None:
    """The facts in a file, with the name of their project; None where it holds none. Raises Refused."""
    if not path.endswith(".json"):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        return facts_in(json.loads(text)) if KIND in text[:_BEGINNING] else None
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise Refused(f"{path}: not JSON: {error}") from None
    except BadFacts as error:
        raise Refused(f"{path}: {error}") from None
