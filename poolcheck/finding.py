"""What a rule reports: a place, a message, the other places that take part, and perhaps the mend."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from poolcheck.source import Edit, Span

LONGEST_MESSAGE = 400
"""Longer messages quote something that nobody would read."""


class Severity(StrEnum):
    """How sure harm is.

    `error`: it will not start, will refuse, lose or corrupt, or provably run out. `warning`: it fails under
    load or on a bad day. `info`: advice, shown only when asked for.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for `info`, rising with severity, so that severities can be compared."""
        return (Severity.INFO, Severity.WARNING, Severity.ERROR).index(self)

    @property
    def milder(self) -> "Severity":
        """The next severity down; `info` has none below it."""
        return {Severity.ERROR: Severity.WARNING}.get(self, Severity.INFO)


def shortened(message: str) -> str:
    """A message without its middle where it is too long."""
    if len(message) <= LONGEST_MESSAGE:
        return message
    return f"{message[: LONGEST_MESSAGE * 3 // 4]} … {message[-LONGEST_MESSAGE // 4 :]}"


class Note(NamedTuple):
    """A second place and what it has to do with the finding."""

    span: Span
    message: str


class Unjudged(NamedTuple):
    """A place where a rule might have found something, why none did, and where that is seen if elsewhere."""

    span: Span
    title: str
    reason: str
    at: Span | None = None


class Fix(NamedTuple):
    """Edits that mend a finding, all or none of them.

    A safe fix does what the author meant and nothing else; one that changes how a working system behaves is
    not safe.
    """

    title: str
    edits: tuple[Edit, ...]
    safe: bool = True


class Finding(NamedTuple):
    """One fault. The message names the things and numbers involved and reads well after `path:line:col:`.

    `sum` are the lines of the arithmetic, where there is any.
    """

    rule: str
    group: str
    severity: Severity
    span: Span
    message: str
    notes: tuple[Note, ...] = ()
    fix: Fix | None = None
    sum: tuple[str, ...] = ()


def one_for_each_place(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The most severe finding at each place: what is wrong with a pool is wrong in all workloads that make it."""
    found: dict[Span, Finding] = {}
    for finding in findings:
        known = found.setdefault(finding.span, finding)
        if finding.severity.rank > known.severity.rank:
            found[finding.span] = finding
    yield from found.values()
