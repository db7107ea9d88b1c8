"""`poolcheck check`."""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple, TextIO, TypeAlias

from poolcheck import write
from poolcheck.catalog import RuleFile, installed
from poolcheck.command.refused import Refused, told
from poolcheck.config import Configurations, FailOn, Settings, unknown_selector
from poolcheck.discover import discover, relative
from poolcheck.files import Disk, Files, Format, Memory, format_of
from poolcheck.finding import Severity
from poolcheck.fix import mend
from poolcheck.read.text import decode, encode
from poolcheck.report.terminal import has_color, progress
from poolcheck.run import Report, check

ROUNDS = 10
"""A fix may make others possible; fixes that have not settled by then undo one another."""

Look: TypeAlias = Callable[[Files], Report]


class Mended(NamedTuple):
    """The report on the files as mended, their new bytes by path, and how many findings that mended."""

    report: Report
    contents: Mapping[str, bytes]
    fixed: int


def run(options: Namespace) -> int:
    """Checks, mends where asked to, prints; the exit status. Raises Refused."""
    with told():
        rules = installed()
        _refuse_unknown_names(options, rules)
        override = partial(_override, options)
        configurations = Configurations(rules, only=options.config, isolated=options.isolated, override=override)
        settings = configurations.in_folder("")
        paths, files = list(_paths(options, settings)), _files(options)
        with progress(sys.stderr) as show:
            look = partial(check, paths, rules=rules, configurations=configurations, progress=show)
            mended = _mended(look, files, options)
    if options.diff:
        return _print_diff(mended, files, options)
    if options.fix:
        _write(mended, files, options)
    _print(mended, options)
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


def _files(options: Namespace) -> Files:
    if options.stdin_filename is None:
        return Disk()
    return Memory({relative(options.stdin_filename): sys.stdin.buffer.read()}, Disk())


def _paths(options: Namespace, settings: Settings) -> Iterator[str]:
    found = discover(
        options.paths,
        exclude=settings.exclude,
        extend_exclude=settings.extend_exclude,
        respect_gitignore=options.respect_gitignore,
    )
    if options.stdin_filename is None:
        yield from found
    else:
        yield from {*found, relative(options.stdin_filename)}


def _mended(look: Look, files: Files, options: Namespace) -> Mended:
    """The report, after all fixes that are asked for were made in memory, again and again until none is left."""
    contents: dict[str, bytes] = {}
    fixed = 0
    report = _asked_for(look(files), options)
    for _ in range(ROUNDS if options.fix or options.diff else 0):
        mending = mend(report.findings, report.texts, unsafe=options.unsafe_fixes)
        if not mending.texts:
            break
        for path, text in mending.texts.items():
            contents[path] = encode(text, files.read(path), format_of(path) or Format.INI)
        fixed += len(mending.findings)
        report = _asked_for(look(Memory(contents, files)), options)
    return Mended(report, contents, fixed)


def _asked_for(report: Report, options: Namespace) -> Report:
    """What of a report is to be told: with `--stdin-filename`, what is about that file."""
    if options.stdin_filename is None:
        return report
    name = relative(options.stdin_filename)
    return report._replace(findings=tuple(finding for finding in report.findings if finding.span.path == name))


def _write(mended: Mended, files: Files, options: Namespace) -> None:
    for path, content in mended.contents.items():
        if options.stdin_filename is not None and path == relative(options.stdin_filename):
            sys.stdout.buffer.write(content)
            continue
        try:
            write.replace(path, files.read(path), content)
        except OSError as error:
            raise Refused(f"{path}: not mended: {error.strerror or error}") from error


def _print_diff(mended: Mended, files: Files, options: Namespace) -> int:
    """Prints what mending would change; the exit status is 1 if it would change anything."""
    from poolcheck.report.diff import diff
    from poolcheck.report.styled import write

    color = has_color(options.color, sys.stdout)
    for path, content in mended.contents.items():
        form = format_of(path) or Format.INI
        write(diff(path, decode(files.read(path), form), decode(content, form)), sys.stdout, color=color)
    return 1 if mended.contents and not options.exit_zero else 0


def _print(mended: Mended, options: Namespace) -> None:
    """Prints the report in every form and to every place that is asked for.

    When the mended text of a file goes to standard output, the report goes to standard error.
    """
    usual = sys.stderr if options.fix and options.stdin_filename is not None else sys.stdout
    for form, path in options.output_format or [("full", None)]:
        if path is None:
            _render(mended, form, usual, options)
            continue
        try:
            with open(path, "w", encoding="utf-8", errors="replace", newline="") as stream:
                _render(mended, form, stream, options)
        except OSError as error:
            raise Refused(f"{path}: cannot be written: {error.strerror or error}") from error


def _render(mended: Mended, form: str, stream: TextIO, options: Namespace) -> None:
    report = mended.report
    if form == "json":
        from poolcheck.report.json import write as write_json

        write_json(report, stream)
        return
    from poolcheck.report import text
    from poolcheck.report.styled import write

    color = has_color(options.color, stream)
    write(text.full(report) if form == "full" else text.concise(report), stream, color=color)
    if not options.quiet:
        write(text.summary(report, fixed=mended.fixed), stream, color=color)


def _status(report: Report, fail_on: FailOn) -> int:
    if fail_on is FailOn.NEVER:
        return 0
    least = Severity(fail_on).rank
    return 1 if any(finding.severity.rank >= least for finding in report.findings) else 0
