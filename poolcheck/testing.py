"""A rule's page as its test: for the built-in rules and for anybody's rule pack.

`python -m poolcheck.testing my_pack` runs all pages of a pack. In a test suite of one's own:

    from poolcheck.testing import examples, expected, found

    @pytest.mark.parametrize("example", examples("my_pack"), ids=str)
    def test_findings_are_the_marks_drawn_in_the_page(example):
        assert found(example) == expected(example)

A page's title is the rule's id. It shows sources in code blocks whose info string is a language and a path. Below
a line, `^^^` draws the place of a finding and `~~~` the place of one of its notes, each followed by the message;
`error:`, `warning:` or `info:` before the message where the severity is not the rule's own. A block called
poolcheck.toml holds settings. Sections whose titles begin with Bad have findings, those that begin with Good have
none, and Fixed shows what the section before it becomes. Sources names what the page's claims rest on.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from poolcheck.catalog import BrokenRulePack, RuleFile, installed, load, rules_of
from poolcheck.config import BadConfiguration, Configurations, Settings, check_names, parse
from poolcheck.files import Memory
from poolcheck.finding import Finding, Severity
from poolcheck.fix import mend
from poolcheck.judge import RuleFailed
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

    def __str__(self) -> str:
        """As a report on the terminal has it."""
        return f"{self.path}:{self.line + 1}:{self.start + 1}: {self.severity or 'note'}: {self.message}"


class Example(NamedTuple):
    """One section of a page: the sources it shows, without the marks, and the marks."""

    rule: RuleFile
    title: str
    sources: Mapping[str, str]
    marks: tuple[Mark, ...]

    def __str__(self) -> str:
        return f"{self.rule.id}: {self.title}"


class FixesDoNotSettle(Exception):
    """Fixes that undo one another, or never come to an end."""


def examples(package: str) -> list[Example]:
    """All sections with sources on all pages of a pack. Raises BrokenRulePack, and OSError for a missing page."""
    return [example for rule in rules_of(package, package) for example in examples_of(rule)]


def examples_of(rule: RuleFile) -> list[Example]:
    """All sections with sources on a rule's page. Raises BrokenRulePack, and OSError where there is no page."""
    own_severity = str(load(rule).severity)
    shown: list[Example] = []
    for section in _SECTION.finditer(page_of(rule)):
        blocks = [_read(block["path"], block["text"], own_severity) for block in _BLOCK.finditer(section["body"])]
        if blocks:
            sources = {path: text for path, text, _ in blocks}
            marks = tuple(mark for _, _, drawn in blocks for mark in drawn)
            shown.append(Example(rule, section["title"], sources, marks))
    return shown


def page_of(rule: RuleFile) -> str:
    """The text of a rule's page. Raises OSError where there is none."""
    with open(rule.page, encoding="utf-8") as file:
        return file.read()


def expected(example: Example) -> list[Mark]:
    """The marks drawn in the section."""
    return sorted(example.marks)


def found(example: Example) -> list[Mark]:
    """The marks that the rule makes on the section's sources."""
    report = report_on(example)
    return sorted(mark for finding in report.findings for mark in _marks(finding, report.texts))


def mended(example: Example) -> Mapping[str, str]:
    """The section's sources after all fixes, the unsafe ones too, until nothing is left to fix.

    Raises FixesDoNotSettle.
    """
    for _ in range(ROUNDS):
        report = report_on(example)
        mending = mend(report.findings, report.texts, unsafe=True)
        if not mending.texts:
            return example.sources
        example = example._replace(sources={**example.sources, **mending.texts})
    raise FixesDoNotSettle(f"after {ROUNDS} rounds there is still something to fix")


def report_on(example: Example) -> Report:
    """What the example's rule reports on its sources.

    The settings are those of the poolcheck.toml among them. It may select other rules to be there as well; their
    findings are left out. Raises RuleFailed, BrokenRulePack and BadConfiguration.
    """
    rule, sources = example.rule, example.sources
    rules = {rule.id: rule, **installed()}
    settings = Settings()
    if SETTINGS in sources:
        configuration = parse(SETTINGS, sources[SETTINGS])
        check_names(configuration, rules)
        settings = configuration.settings
    settings = settings._replace(select=settings.select or (rule.id,), min_severity=Severity.INFO)
    configurations = Configurations({}, isolated=True, override=lambda _: settings)
    files = Memory({path: text.encode() for path, text in sources.items()})
    paths = [path for path in sources if path != SETTINGS]
    report = check(paths, files, rules, configurations)
    return report._replace(findings=tuple(found for found in report.findings if found.rule == rule.id))


def main(packages: Sequence[str]) -> int:
    """Runs the pages of rule packs, says what is wrong: 0 if nothing is, 1, or 2 where a pack cannot be run."""
    if not packages:
        sys.stderr.write("usage: python -m poolcheck.testing PACKAGE...\n")
        return 2
    is_wrong = False
    for package in packages:
        try:
            rules, told = len(list(rules_of(package, package))), list(faults(package))
        except BrokenRulePack as error:
            sys.stderr.write(f"{error}\n")
            return 2
        sys.stdout.writelines(f"{fault}\n" for fault in told)
        sys.stdout.write(f"{package}: rules: {rules}, faults: {len(told)}\n")
        is_wrong |= bool(told)
    return 1 if is_wrong else 0


def faults(package: str) -> Iterator[str]:
    """What is wrong with the pages of a pack: a line for each fault, and indented below it what differs.

    Raises BrokenRulePack.
    """
    for rule in rules_of(package, package):
        try:
            shown, page = examples_of(rule), page_of(rule)
        except OSError as error:
            yield f"{rule.id}: there is no page {os.path.relpath(rule.page)}: {error.strerror}"
            continue
        yield from (f"{rule.id}: {fault}" for fault in _faults_of_form(page, shown, rule.id))
        for example in shown:
            yield from (f"{example}: {fault}" for fault in _faults_of(example))
        for before, example in zip([None, *shown], shown, strict=False):
            if example.title.startswith("Fixed"):
                yield from (f"{example}: {fault}" for fault in _faults_of_mending(before, example))


def _faults_of_form(page: str, shown: Sequence[Example], rule: str) -> Iterator[str]:
    """What a page lacks."""
    if not page.startswith(f"# {rule}\n"):
        yield f"the page's title is not {rule}"
    for kind in ("Bad", "Good"):
        if not any(example.title.startswith(kind) for example in shown):
            yield f"the page shows nothing under {kind}"
    if "\n## Sources\n" not in page:
        yield "the page has no section Sources"


def _faults_of(example: Example) -> Iterator[str]:
    """What an example draws and the rule does not find, or the other way round."""
    if example.title.startswith("Fixed"):
        return
    has_findings = any(mark.severity for mark in example.marks)
    if example.title.startswith("Bad") and not has_findings:
        yield "no finding is drawn"
    if example.title.startswith("Good") and has_findings:
        yield "a finding is drawn"
    try:
        drawn, made = Counter(expected(example)), Counter(found(example))
    except (RuleFailed, BadConfiguration) as error:
        yield str(error)
        return
    for said, marks in (("drawn, and not found", drawn - made), ("found, and not drawn", made - drawn)):
        for mark in marks.elements():
            yield f"{said}:\n{_drawn(mark, example)}"


def _faults_of_mending(before: Example | None, fixed: Example) -> Iterator[str]:
    """How the fixes of a section make something else of it than the page says."""
    from difflib import unified_diff

    if before is None:
        yield "there is nothing before it that could be fixed"
        return
    try:
        sources = mended(before)
    except (RuleFailed, FixesDoNotSettle) as error:
        yield str(error)
        return
    for path in sorted({*sources, *fixed.sources}):
        shown, made = (of.get(path, "").splitlines() for of in (fixed.sources, sources))
        if difference := list(unified_diff(shown, made, "the page", "the fixes", n=1, lineterm="")):
            yield "\n".join([f"the fixes make something else of {path}:", *_indented(difference)])


def _drawn(mark: Mark, example: Example) -> str:
    """A mark as the terminal shows it, and as it is drawn on a page."""
    own = str(load(example.rule).severity)
    severity = f"{mark.severity}: " if mark.severity not in {"", own} else ""
    line = example.sources[mark.path].splitlines()[mark.line : mark.line + 1]
    sign = "^" if mark.severity else "~"
    below = f"{' ' * mark.start}{sign * (mark.end - mark.start)} {severity}{mark.message}"
    return "\n".join(_indented([str(mark), *(f"  {each}" for each in (*line, below))]))


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}".rstrip() for line in lines)


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
