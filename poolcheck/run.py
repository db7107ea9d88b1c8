"""The sentence poolcheck is: discover, read, link, check, report."""

import gc
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from poolcheck.catalog import RuleFile
from poolcheck.config import Configurations
from poolcheck.deep import deep
from poolcheck.discover import Extent
from poolcheck.files import Files, Format, format_of
from poolcheck.finding import Finding, Note, Unjudged
from poolcheck.judge import Judge
from poolcheck.read.comments import comments
from poolcheck.read.document import Fact, Reader, Reading
from poolcheck.source import Source
from poolcheck.stated import Stated
from poolcheck.suppress import ANNOTATION, Silenced, Suppression, annotated, mistakes, silence, suppressions
from poolcheck.within import lying_in

if TYPE_CHECKING:
    from poolcheck.read.pgbouncer.rendered import Renderings
    from poolcheck.system.whole import System

T = TypeVar("T")

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many of how many files are read."""

WHOLE = Extent()

COLLECT_AFTER = 50_000
"""New objects after which Python looks for cycles: here are few, and the looks took an eighth of a run."""


class Report(NamedTuple):
    """What a run came to: the findings in order, the texts of the files they speak of, and how many files it read.

    `silenced` are the findings that a comment or an annotation keeps from being told, `unjudged` the connections
    of which nothing is said.
    """

    findings: tuple[Finding, ...]
    texts: Mapping[str, str]
    files: int
    silenced: tuple[Finding, ...]
    unjudged: tuple[Unjudged, ...] = ()


def check(
    paths: Sequence[str],
    files: Files,
    rules: Mapping[str, RuleFile],
    configurations: Configurations,
    progress: Progress | None = None,
    extent: Extent = WHOLE,
) -> Report:
    """The findings in the files at these paths. Raises RuleFailed, BrokenRulePack and BadConfiguration.

    Where the paths are not all of a project, by their extent, it is not known who else uses what is in them.
    """
    paths = sorted(paths)
    reader = Reader(files, paths if extent.is_whole else ())

    def examine() -> Report:
        with lying_in(extent.folder):
            return _examine(paths, reader, Judge(rules, configurations), progress)

    return _deeply(examine, paths)


class Linked(NamedTuple):
    """A system, and the texts of all files that its parts are in."""

    system: "System"
    texts: Mapping[str, str]


def linked(
    paths: Sequence[str],
    files: Files,
    stated: Stated,
    progress: Progress | None = None,
    extent: Extent = WHOLE,
) -> Linked:
    """The system in the files at these paths, not judged by any rule."""
    from poolcheck.link.link import link

    paths = sorted(paths)
    reader = Reader(files, paths if extent.is_whole else ())

    def read() -> Linked:
        with lying_in(extent.folder):
            readings = list(_read(paths, reader, progress))
            facts = [fact for reading in readings for fact in reading.facts]
            system = link(facts, paths, reader.project, stated, budgeted=True)
            return Linked(system, _texts(reader, readings))

    return _deeply(read, paths)


def _deeply(work: Callable[[], T], paths: Iterable[str]) -> T:
    with _seldom_collecting():
        # Only what is read from Python is read by recursion.
        return deep(work) if any(path.endswith(".py") for path in paths) else work()


def _texts(reader: Reader, readings: Iterable[Reading]) -> Mapping[str, str]:
    """The texts of all files that were read."""
    modules: Mapping[str, str] = reader.project.texts if reader.project else {}
    return {**modules, **reader.included, **{each.path: each.text for each in readings}}


@contextmanager
def _seldom_collecting() -> Generator[None]:
    young, *older = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *older)
    try:
        yield
    finally:
        gc.set_threshold(young, *older)


def _examine(paths: Sequence[str], reader: Reader, judge: Judge, progress: Progress | None) -> Report:
    readings: list[Reading] = []
    found: list[Finding] = []
    for reading in _read(paths, reader, progress):
        readings.append(reading)
        found += _in_modules(reading, reader, judge)
    facts = [fact for reading in readings for fact in reading.facts]
    if facts or judge.stated.databases or judge.stated.poolers:
        found = _with_system(found, facts, paths, reader, judge)
    texts = _texts(reader, readings)
    found = [_with_template(finding, texts) for finding in found]
    by_path: dict[str, list[Finding]] = defaultdict(list)
    for finding in dict.fromkeys(found):
        by_path[finding.span.path].append(finding)
    # What holds nothing of interest itself may hold what is wrong elsewhere: the constants that a module imports.
    besides = by_path.keys() & {*paths, *reader.included} - {reading.path for reading in readings}
    readings += [Reading(path, texts[path], ()) for path in besides]
    parted = [_parted(reading, by_path[reading.path], judge) for reading in readings]
    left = [finding for part in parted for finding in part.left if judge.is_asked_for(finding)]
    silenced = [finding for part in parted for finding in part.silenced if judge.is_asked_for(finding)]
    return Report(
        findings=tuple(sorted(left, key=_place)),
        texts=texts,
        files=len(paths),
        silenced=tuple(sorted(silenced, key=_place)),
        unjudged=tuple(sorted(_unjudged(facts), key=lambda each: each[:3])) if reader.project else (),
    )


def _in_modules(reading: Reading, reader: Reader, judge: Judge) -> list[Finding]:
    """The findings in a Python file, judged as soon as it is read: nothing else changes what is in it.

    Its trees are still there. When all files are read most would have to be parsed a second time.
    """
    if format_of(reading.path) is not Format.PYTHON:
        return []
    found = [finding for fact in reading.facts for finding in judge.findings(fact, reading.path)]
    if reader.project:
        reader.project.forget()
    return found


def _with_system(
    found: list[Finding], facts: Sequence[Fact], paths: Sequence[str], reader: Reader, judge: Judge
) -> list[Finding]:
    """The findings, and those in the system that the facts make up. To import what makes it takes a while."""
    from poolcheck.link.link import link
    from poolcheck.read.pgbouncer.rendered import file_of
    from poolcheck.system.whole import SystemWithClients, SystemWithLinks, SystemWithVerdicts

    system = link(facts, paths, reader.project, judge.stated)
    others = (fact for fact in system.documents if format_of(fact.span.path) is not Format.PYTHON)
    found = [*found, *(finding for fact in others for finding in judge.findings(fact, file_of(fact.span.path)))]
    if facts:
        found += judge.findings(system, "")
    if system.verdicts:
        found += judge.findings(SystemWithVerdicts(*system), "")
    if system.clients:
        found += judge.findings(SystemWithClients(*system), "")
    if any(client.target for client in system.clients):
        found += judge.findings(SystemWithLinks(*system), "")
    return _in_files(found, system)


def _unjudged(facts: Iterable[Fact]) -> Iterator[Unjudged]:
    from poolcheck.read.python.facts import PythonModule

    return (each for fact in facts if isinstance(fact, PythonModule) for each in fact.unjudged)


def _in_files(found: list[Finding], system: "System") -> list[Finding]:
    """The findings at places of files.

    Texts that stand in no file as they are read have no fixes; where nobody can change them, or a rule for
    manifests tells what is wrong, nothing is told of the configuration itself.
    """
    all_rendered = [*system.rendered]
    if not all_rendered:
        return found
    from poolcheck.read.pgbouncer.rendered import Renderings

    renderings = Renderings(all_rendered)
    told = (each for each in found if each.group not in _OF_TEXTS or not renderings.is_forced(each.span))
    return [_in_file(finding, renderings) for finding in told]


_OF_TEXTS = frozenset({"engine", "pgbouncer"})


def _in_file(finding: Finding, renderings: "Renderings") -> Finding:
    places = [finding.span, *(note.span for note in finding.notes)]
    edits = finding.fix.edits if finding.fix else ()
    return finding._replace(
        span=renderings.written(finding.span),
        message=renderings.without_secrets(finding.message, places),
        notes=tuple(
            Note(renderings.written(note.span), renderings.without_secrets(note.message, places))
            for note in finding.notes
        ),
        fix=None if any(renderings.has(edit.span) for edit in edits) else finding.fix,
    )


def _with_template(finding: Finding, texts: Mapping[str, str]) -> Finding:
    """A finding in manifests that Helm has rendered, with the name of the template."""
    text = texts.get(finding.span.path, "")
    if "# Source:" not in text or format_of(finding.span.path) is not Format.YAML:
        return finding
    from poolcheck.rendered_from import with_template

    return with_template(finding, text)


def _read(paths: Sequence[str], reader: Reader, progress: Progress | None) -> Iterator[Reading]:
    for done, path in enumerate(paths):
        if progress:
            progress(done, len(paths))
        if reading := reader.read(path):
            yield reading


def _parted(reading: Reading, found: Sequence[Finding], judge: Judge) -> Silenced:
    """The findings in one file, parted by its suppressions, with what is to be said of the suppressions."""
    if "poolcheck" not in reading.text:
        return Silenced(tuple(found), (), frozenset())
    told = (*suppressions(reading.path, reading.text, comments(reading)), *_annotated(reading))
    parted = silence(found, told)
    wrong = mistakes(told, parted.used, judge.known, judge.active(reading.path))
    about = [finding for mistake in wrong for finding in judge.findings(mistake, reading.path)]
    return parted._replace(left=(*parted.left, *about))


def _annotated(reading: Reading) -> Iterator[Suppression]:
    """The suppressions in the annotations of Kubernetes objects."""
    if ANNOTATION in reading.text and format_of(reading.path) is Format.YAML:
        from poolcheck.read.kubernetes.annotations import annotations

        source = Source(reading.path, reading.text)
        yield from (annotated(source, value, item) for value, item in annotations(source, ANNOTATION))


def _place(finding: Finding) -> tuple[str, int, str, int, str]:
    return finding.span.path, finding.span.start, finding.rule, finding.span.end, finding.message
