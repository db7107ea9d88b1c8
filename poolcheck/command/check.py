"""`poolcheck check`."""

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from functools import partial
from io import TextIOWrapper
from typing import TYPE_CHECKING, NamedTuple, TextIO, TypeAlias

from poolcheck import write
from poolcheck.catalog import RuleFile, installed
from poolcheck.command.refused import Refused, told
from poolcheck.config import Configurations, FailOn, Settings, unknown_selector
from poolcheck.discover import discover, extent, relative
from poolcheck.files import STANDARD_INPUT, Disk, Files, Format, Memory, format_of
from poolcheck.finding import Finding, Severity
from poolcheck.fix import mend
from poolcheck.read.text import decode, encode
from poolcheck.report.terminal import has_color, progress
from poolcheck.run import Report, check

if TYPE_CHECKING:
    from poolcheck.render import Rendered

ROUNDS = 10
"""A fix may make others possible; fixes that have not settled by then undo one another."""

Look: TypeAlias = Callable[[Files], Report]


class Change(NamedTuple):
    """The bytes of a file, as they were checked and as they are after mending."""

    old: bytes
    new: bytes


class Mended(NamedTuple):
    """The report on the files as mended, the changes to them by path, and how many findings that mended."""

    report: Report
    changes: Mapping[str, Change]
    fixed: int


def run(options: Namespace) -> int:
    """Checks, mends where asked to, prints; the exit status. Raises Refused."""
    with told():
        rules = installed()
        _refuse_unknown_names(options, rules)
        override = partial(_override, options)
        configurations = Configurations(rules, only=options.config, isolated=options.isolated, override=override)
        settings = configurations.in_folder("")
        paths = _paths(options, settings)
        if options.show_files:
            sys.stdout.writelines(f"{path}\n" for path in paths)
            return 0
        files = _files(options)
        if options.render:
            paths, files = _rendered(paths, files, options)
        with progress(sys.stderr, quiet=options.quiet) as show:
            roots = _roots(options)
            look = partial(
                check,
                paths,
                rules=rules,
                configurations=configurations,
                progress=show,
                extent=extent(roots),
            )
            mended = _mended(look, files, options)
        if options.fix and not options.diff:
            _write(mended, files, options)
    if options.diff:
        return _print_diff(mended, options)
    _print(mended, options)
    if options.verbose:
        _print_unjudged(mended.report, options)
    return 0 if options.exit_zero else _status(mended.report, settings.fail_on)


def _refuse_unknown_names(options: Namespace, rules: Mapping[str, RuleFile]) -> None:
    for selector in [*(options.select or ()), *(options.extend_select or ()), *(options.ignore or ())]:
        if message := unknown_selector(selector, rules):
            raise Refused(message)


def _override(options: Namespace, settings: Settings) -> Settings:
    """Settings of a file under what the command line says."""
    return settings._replace(
        select=settings.select if options.select is None else tuple(options.select),
        extend_select=(*settings.extend_select, *(options.extend_select or ())),
        ignore=(*settings.ignore, *(options.ignore or ())),
        min_severity=Severity(options.min_severity or settings.min_severity),
        fail_on=FailOn(options.fail_on or settings.fail_on),
        target=settings.target._replace(**dict(options.target)),
    )


def _piped(options: Namespace) -> str | None:
    """The file whose text is on standard input; None where nothing is to be read from there."""
    if options.stdin_filename is not None:
        return relative(options.stdin_filename)
    return STANDARD_INPUT if STANDARD_INPUT in options.paths else None


def _paths(options: Namespace, settings: Settings) -> list[str]:
    """The files to look at, in order. With `--stdin-filename`, a path `-` says the same once more."""
    piped, roots = _piped(options), _roots(options)
    found = discover(
        roots,
        exclude=(*settings.exclude, *settings.extend_exclude),
        beneath=settings.folder or ".",
        respect_gitignore=options.respect_gitignore,
    )
    paths = sorted({*found, piped} if piped else found)
    if not paths and not options.quiet:
        sys.stderr.write(f"poolcheck: nothing to check in {' '.join(roots)}: no .ini, .yaml, .yml or .py files\n")
    return paths


def _roots(options: Namespace) -> list[str]:
    """The files and folders to look in; with nothing but a stream, none."""
    roots = [path for path in options.paths if path != STANDARD_INPUT]
    return roots or ([] if _piped(options) == STANDARD_INPUT else ["."])


def _files(options: Namespace) -> Files:
    piped = _piped(options)
    return Memory({piped: sys.stdin.buffer.read()}, Disk()) if piped else Disk()


def _rendered(paths: list[str], files: Files, options: Namespace) -> "Rendered":
    """The project as Helm and Kustomize render it. Raises Refused."""
    from poolcheck.command.project import as_rendered

    if options.fix or options.diff:
        raise Refused("what --render makes stands in no file that could be mended")
    return as_rendered(paths, files)


def _mended(look: Look, files: Files, options: Namespace) -> Mended:
    """The report, after all fixes that are asked for were made in memory, again and again until none is left."""
    report = first = _asked_for(look(files), options)
    contents: dict[str, bytes] = {}
    fixed = 0
    for _ in range(ROUNDS if options.fix or options.diff else 0):
        candidates = [finding for finding in report.findings if _may_be_mended(finding, options)]
        mending = mend(candidates, report.texts, unsafe=options.unsafe_fixes)
        if not mending.texts:
            break
        for path, text in mending.texts.items():
            contents[path] = _encoded(text, path, files)
        fixed += len(mending.findings)
        report = _asked_for(look(Memory(contents, files)), options)
    changes = {path: Change(_encoded(first.texts[path], path, files), new) for path, new in contents.items()}
    return Mended(report, changes, fixed)


def _encoded(text: str, path: str, files: Files) -> bytes:
    return encode(text, files.read(path), format_of(path) or Format.INI)


def _asked_for(report: Report, options: Namespace) -> Report:
    """What of a report is to be told: with `--stdin-filename`, what is about that file."""
    if options.stdin_filename is None:
        return report
    name = relative(options.stdin_filename)
    return report._replace(
        findings=tuple(finding for finding in report.findings if finding.span.path == name),
        silenced=tuple(finding for finding in report.silenced if finding.span.path == name),
        unjudged=tuple(each for each in report.unjudged if each.span.path == name),
    )


def _may_be_mended(finding: Finding, options: Namespace) -> bool:
    """With `--stdin-filename` other files stay as they are: who gives an unsaved text wants that text back."""
    if options.stdin_filename is None or finding.fix is None:
        return True
    return {edit.span.path for edit in finding.fix.edits} == {relative(options.stdin_filename)}


def _write(mended: Mended, files: Files, options: Namespace) -> None:
    """Writes what was mended; the text from standard input to standard output, mended or not. Raises Refused."""
    piped = _piped(options)
    if piped:
        sys.stdout.buffer.write(mended.changes[piped].new if piped in mended.changes else files.read(piped))
    for path, change in mended.changes.items():
        try:
            if path != piped:
                write.replace(path, *change)
        except OSError as error:
            raise Refused(f"{path}: not mended: {error.strerror or error}") from None


def _print_diff(mended: Mended, options: Namespace) -> int:
    """Prints what mending would change; the exit status is 1 if it would change anything."""
    from poolcheck.report.diff import diff
    from poolcheck.report.styled import write

    color = has_color(options.color, sys.stdout)
    for path, (old, new) in mended.changes.items():
        form = format_of(path) or Format.INI
        write(diff(path, decode(old, form), decode(new, form)), sys.stdout, color=color)
    return 1 if mended.changes and not options.exit_zero else 0


def _print(mended: Mended, options: Namespace) -> None:
    """Prints the report in every form and to every place that is asked for.

    When the mended text of a file goes to standard output, the report goes to standard error.
    """
    usual = sys.stderr if options.fix and _piped(options) else sys.stdout
    for form, path in options.output_format or [("full", None)]:
        if path is None:
            _render(mended, form, usual, options)
            continue
        try:
            with open(path, "w", encoding="utf-8", errors="replace", newline="") as stream:
                _render(mended, form, stream, options)
        except OSError as error:
            raise Refused(f"{path}: cannot be written: {error.strerror or error}") from None


def _print_unjudged(report: Report, options: Namespace) -> None:
    """Prints to standard error why nothing is said of some connections."""
    from poolcheck.report.styled import write
    from poolcheck.report.text import unjudged

    sys.stdout.flush()
    write(unjudged(report), sys.stderr, color=has_color(options.color, sys.stderr))


def _render(mended: Mended, form: str, stream: TextIO, options: Namespace) -> None:
    report = mended.report
    if form == "json":
        from poolcheck.report.json import write as write_json

        _write_utf_8(stream)
        write_json(report, stream)
        return
    from poolcheck.report import text
    from poolcheck.report.styled import write

    color = has_color(options.color, stream)
    show = text.statistics if options.statistics else text.full if form == "full" else text.concise
    write(show(report), stream, color=color)
    if not options.quiet:
        write(text.summary(report, fixed=mended.fixed), stream, color=color)


def _write_utf_8(stream: object) -> None:
    """Has a stream encode as JSON is encoded, whatever the terminal would like."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="replace")


def _status(report: Report, fail_on: FailOn) -> int:
    if fail_on is FailOn.NEVER:
        return 0
    least = Severity(fail_on).rank
    return 1 if any(finding.severity.rank >= least for finding in report.findings) else 0
