"""Findings as people read them: with code frames, or one line each; and how many there are.

What draws is imported where it is used: a run that finds nothing only counts.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cache

from poolcheck.finding import Severity
from poolcheck.report.styled import Line, Segment, Style
from poolcheck.run import Report


def full(report: Report) -> Iterator[Line]:
    """Every finding with its code frame, and a blank line behind it."""
    if not report.findings:
        return
    from poolcheck.report.frames import frame
    from poolcheck.report.glyphs import flat
    from poolcheck.report.positions import Positions
    from poolcheck.report.redact import redact, redact_message

    @cache
    def page(path: str) -> Positions:
        return Positions(redact(report.texts[path], path))

    for finding in report.findings:
        severity = Style(finding.severity)
        message = flat(redact_message(finding.message))
        yield Segment(f"{severity}[{finding.rule}]", severity), Segment(f": {message}", Style.MESSAGE)
        yield from frame(finding, page)
        yield ()


def concise(report: Report) -> Iterator[Line]:
    """Every finding on one line: `path:line:col: severity rule-id message`."""
    if not report.findings:
        return
    from poolcheck.report.glyphs import flat, visible
    from poolcheck.report.positions import Positions
    from poolcheck.report.redact import redact_message

    @cache
    def positions(path: str) -> Positions:
        return Positions(report.texts[path])

    for finding in report.findings:
        line, column = positions(finding.span.path).position(finding.span.start)
        yield (
            Segment(visible(finding.span.path)),
            Segment(f":{line}:{column}: ", Style.MARGIN),
            Segment(f"{finding.severity} {finding.rule}", Style(finding.severity)),
            Segment(f" {flat(redact_message(finding.message))}"),
        )


def unjudged(report: Report) -> Iterator[Line]:
    """Every connection of which nothing is said, on one line, with the reason: `path:line:col: call: reason`."""
    from poolcheck.report.glyphs import visible
    from poolcheck.report.positions import Positions

    @cache
    def positions(path: str) -> Positions:
        return Positions(report.texts[path])

    for each in report.unjudged:
        line, column = positions(each.span.path).position(each.span.start)
        at = positions(each.at.path).position(each.at.start) if each.at and each.at != each.span else None
        where = f" at {at.line}:{at.column}" if at else ""
        yield (
            Segment(visible(each.span.path)),
            Segment(f":{line}:{column}: ", Style.MARGIN),
            Segment(f"{each.title}: {each.reason}{where}"),
        )


def statistics(report: Report) -> Iterator[Line]:
    """How often each rule found something, the most often first."""
    found = Counter((finding.rule, finding.severity) for finding in report.findings)
    width = max(map(len, map(str, found.values())), default=0)
    for (rule, severity), number in sorted(found.items(), key=lambda item: (-item[1], item[0])):
        yield Segment(f"{number:{width}} "), Segment(f"{severity:8}", Style(severity)), Segment(rule)


def summary(report: Report, *, fixed: int = 0) -> Iterator[Line]:
    """How many findings were fixed, how many there are, and how many of them a fix would mend."""
    if fixed:
        yield (Segment(f"Fixed {_counted(fixed, 'problem')}."),)
    silenced = f"; {len(report.silenced)} suppressed" if report.silenced else ""
    within = Segment(f" in {_counted(report.files, 'file')}{silenced}.")
    if not report.findings:
        yield Segment("No problems found"), within
        return
    found = Counter(finding.severity for finding in report.findings)
    parts = [_part(severity, found[severity]) for severity in Severity if found[severity]]
    separated = [piece for part in parts for piece in (Segment(", "), part)][1:]
    yield Segment(f"Found {_counted(len(report.findings), 'problem')} ("), *separated, Segment(")"), within
    yield from _fixable(report)


def _fixable(report: Report) -> Iterator[Line]:
    fixes = Counter(finding.fix.safe for finding in report.findings if finding.fix)
    safe, unsafe = fixes[True], fixes[False]
    if safe and unsafe:
        yield (Segment(f"{safe} fixable with `--fix`, {unsafe} more with `--fix --unsafe-fixes`."),)
    elif safe:
        yield (Segment(f"{safe} fixable with `--fix`."),)
    elif unsafe:
        yield (Segment(f"{unsafe} fixable with `--fix --unsafe-fixes`."),)


def _part(severity: Severity, number: int) -> Segment:
    return Segment(f"{number} info" if severity is Severity.INFO else _counted(number, severity), Style(severity))


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
