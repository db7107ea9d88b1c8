"""A rule's page as its test: for the built-in rules and for anybody's rule pack.

`python -m poolcheck.testing my_pack` runs all pages of a pack. In a test suite of one's own:

    from poolcheck.testing import examples, expected, found

    @pytest.mark.parametrize("example", examples("my_pack"), ids=str)
    def test_findings_are_the_marks_drawn_in_the_page(example):
        assert found(example) == expected(example)

A page shows sources in code blocks whose info string is a language and a path. Below a line, `^^^` draws the
place of a finding and `~~~` the place of one of its notes, each followed by the message; `error:`, `warning:` or
`info:` before the message where the severity is not the rule's own. A block called poolcheck.toml holds settings.
Sections whose titles begin with Bad have findings, those that begin with Good have none, and Fixed shows what the
section before it becomes.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from poolcheck.catalog import BrokenRulePack, RuleFile, installed, load, rules_of
from poolcheck.config import Configurations, Settings, parse
from poolcheck.files import Memory
from poolcheck.finding import Finding, Severity
from poolcheck.fix import mend
from poolcheck.run import Report, check
from poolcheck.source import Span

_SECTION = re.compile(r"^## +(?P<title>.+?) *\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```\w+ +(?P<path>\S+) *\n(?P<text>.*?)^``` *$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r" *(?P<mark>\^+|~+)(?: +(?:(?P<severity>error|warning|info): )?(?P<message>\S.*?))? *\n")

SETTINGS = "poolcheck.toml"
ROUNDS = 10
"""Fixes that have not settled after so many rounds never will."""


class Mark(NamedTuple):
    """A place that is drawn on a page, or found by the rule: its line and columns, from 0, and what is said there.

    `severity` is that of a finding, "" at a note.
    """

    path: str
    line: int
    start: int
    end: int
    severity: str
    message: str


class Example(NamedTuple):
    """One section of a page: the sources it shows, without the marks, and the marks."""

    rule: RuleFile
    title: str
    sources: Mapping[str, str]
    marks: tuple[Mark, ...]

    def __str__(self) -> str:
        return f"{self.rule.id}: {self.title}"


def examples(package: str) -> list[Example]:
    """All sections with sources on all pages of a pack. Raises BrokenRulePack, and OSError for a missing page."""
    return [example for rule in rules_of(package, package) for example in _sections(rule)]


def expected(example: Example) -> list[Mark]:
    """The marks drawn in the section."""
    return sorted(example.marks)


def found(example: Example) -> list[Mark]:
    """The marks that the rule makes on the section's sources."""
    report = report_on(example)
    return sorted(mark for finding in report.findings for mark in _marks(finding, report.texts))


def mended(example: Example) -> Mapping[str, str]:
    """The section's sources after all fixes, the unsafe ones too, until there is nothing left to fix."""
    for _ in range(ROUNDS):
        report = report_on(example)
        mending = mend(report.findings, report.texts, unsafe=True)
        if not mending.texts:
            return example.sources
        example = example._replace(sources={**example.sources, **mending.texts})
    raise AssertionError(f"{example}: the fixes do not settle")


def report_on(example: Example) -> Report:
    """What the example's rule reports on its sources.

    The settings are those of the poolcheck.toml among them. It may select other rules to be there as well; their
    findings are left out.
    """
    rule, sources = example.rule, example.sources
    settings = parse(SETTINGS, sources[SETTINGS]).settings if SETTINGS in sources else Settings()
    settings = settings._replace(select=settings.select or (rule.id,), min_severity=Severity.INFO)
    configurations = Configurations({}, isolated=True, override=lambda _: settings)
    files = Memory({path: text.encode() for path, text in sources.items()})
    paths = [path for path in sources if path != SETTINGS]
    report = check(paths, files, {rule.id: rule, **installed()}, configurations)
    return report._replace(findings=tuple(found for found in report.findings if found.rule == rule.id))


def main(packages: list[str]) -> int:
    """Runs the pages of rule packs and says what is wrong with them; the exit status."""
    try:
        wrong = [line for package in packages for line in faults(package)]
    except (BrokenRulePack, OSError) as error:
        wrong = [str(error)]
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    return 1 if wrong else 0


def faults(package: str) -> Iterator[str]:
    """What is wrong with the pages of a pack, one line each."""
    shown = examples(package)
    for rule in rules_of(package, package):
        titles = [example.title for example in shown if example.rule == rule]
        yield from (f"{rule.id}: the page has no section {kind}" for kind in _missing(titles))
    for before, example in zip([None, *shown], shown, strict=False):
        if example.title.startswith("Fixed"):
            if before and mended(before) != example.sources:
                yield f"{example}: the fixes make something else of {before.title!r}: {mended(before)}"
        elif found(example) != expected(example):
            yield f"{example}: drawn {expected(example)}, found {found(example)}"


def _missing(titles: list[str]) -> list[str]:
    return [kind for kind in ("Bad", "Good") if not any(title.startswith(kind) for title in titles)]


def _sections(rule: RuleFile) -> Iterator[Example]:
    with open(rule.page, encoding="utf-8") as file:
        page = file.read()
    own_severity = str(load(rule).severity)
    for section in _SECTION.finditer(page):
        blocks = [_read(block["path"], block["text"], own_severity) for block in _BLOCK.finditer(section["body"])]
        if blocks:
            sources = {path: text for path, text, _ in blocks}
            marks = tuple(mark for _, _, drawn in blocks for mark in drawn)
            yield Example(rule, section["title"], sources, marks)


def _read(path: str, block: str, own_severity: str) -> tuple[str, str, list[Mark]]:
    """A code block's path, its text without the marks, and the marks."""
    lines: list[str] = []
    marks: list[Mark] = []
    for line in block.splitlines(keepends=True):
        if drawn := _MARK.fullmatch(line):
            severity = (drawn["severity"] or own_severity) if drawn["mark"].startswith("^") else ""
            marks.append(Mark(path, len(lines) - 1, *drawn.span("mark"), severity, drawn["message"] or ""))
        else:
            lines.append(line)
    return path, "".join(lines), marks


def _marks(finding: Finding, texts: Mapping[str, str]) -> Iterator[Mark]:
    yield _mark(finding.span, texts, str(finding.severity), finding.message)
    for note in finding.notes:
        yield _mark(note.span, texts, "", note.message)


def _mark(span: Span, texts: Mapping[str, str], severity: str, message: str) -> Mark:
    """A place as it can be drawn: on its first line, and one character wide where it is empty."""
    text = texts[span.path]
    start_of_line = text.rfind("\n", 0, span.start) + 1
    line_break = text.find("\n", span.start)
    end = min(span.end, line_break if line_break >= 0 else len(text))
    start, end = span.start - start_of_line, max(end, span.start + 1) - start_of_line
    return Mark(span.path, text.count("\n", 0, span.start), start, end, severity, message)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
