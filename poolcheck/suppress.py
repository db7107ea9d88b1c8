"""What silences rules: a comment `poolcheck: ignore[rule-a, rule-b] why`, and `ignore-file[rule-a]` for a file.

For a Kubernetes object, an annotation `poolcheck.dev/ignore: "rule-a, rule-b"`.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from poolcheck.finding import Finding
from poolcheck.source import Located, Source, Span

_TOLD = re.compile(r"poolcheck:[ \t]*(?P<what>ignore(?:-file)?)(?![-\w])(?:[ \t]*\[(?P<rules>[^\]\n]*)\])?")
_NAME = re.compile(r"[^\s,]+")
_QUOTED_NAME = re.compile(r"""\w[^\s,"']*""")

ANNOTATION = "poolcheck.dev/ignore"

TOP_LINES = 20
"""`ignore-file` counts within this many lines of the top."""


class Suppression(NamedTuple):
    """A comment or an annotation: where it stands, the rules it names, the characters that it is about."""

    comment: Span
    rules: tuple[Located[str], ...]
    covers: Span


class UnknownSuppression(NamedTuple):
    """A suppression that names no rule, or a rule that does not exist."""

    span: Span
    message: str


class UnusedSuppression(NamedTuple):
    """A suppression, and the rules it names of which it silences no finding."""

    comment: Span
    unused: tuple[Located[str], ...]
    rules: tuple[Located[str], ...]


class Silenced(NamedTuple):
    """The findings that are left, those that are silenced, and the names in suppressions that silence them."""

    left: tuple[Finding, ...]
    silenced: tuple[Finding, ...]
    used: frozenset[Span]


def suppressions(path: str, text: str, comments: Iterable[Span]) -> Iterator[Suppression]:
    """The suppressions among a file's comments.

    A comment behind something is about its own line; a comment on a line of its own is about the next line that
    is not a comment, too.
    """
    stand_alone: dict[int, int] = {}
    found: list[tuple[Span, re.Match[str]]] = []
    for comment in comments:
        line = text.rfind("\n", 0, comment.start) + 1
        if not text[line : comment.start].strip():
            stand_alone[line] = comment.end
        if told := _TOLD.search(text, comment.start, comment.end):
            found.append((comment, told))
    for comment, told in found:
        rules = tuple(
            Located(name[0], Span(path, name.start(), name.end()))
            for name in _NAME.finditer(text, *(told.span("rules") if told["rules"] else (0, 0)))
        )
        if told["what"] == "ignore":
            yield Suppression(comment, rules, _lines_meant(path, text, comment, stand_alone))
        elif text.count("\n", 0, comment.start) < TOP_LINES:
            yield Suppression(comment, rules, Span(path, 0, len(text) + 1))


def annotated(source: Source, value: Span, item: Span) -> Suppression:
    """The suppression in the value of an object's annotation, which is about the whole object."""
    names = _QUOTED_NAME.finditer(source.text, value.start, value.end)
    rules = (Located(name[0], Span(source.path, name.start(), name.end())) for name in names)
    return Suppression(value, tuple(rules), item)


def silence(findings: Iterable[Finding], suppressions: Collection[Suppression]) -> Silenced:
    """Parts the findings of one file by its suppressions."""
    left: list[Finding] = []
    silenced: list[Finding] = []
    used: set[Span] = set()
    for finding in findings:
        named = [
            rule.span
            for suppression in suppressions
            if suppression.covers.start <= finding.span.start < suppression.covers.end
            for rule in suppression.rules
            if rule.value == finding.rule
        ]
        used.update(named)
        (silenced if named else left).append(finding)
    return Silenced(tuple(left), tuple(silenced), frozenset(used))


def mistakes(
    suppressions: Iterable[Suppression], used: Collection[Span], known: Collection[str], active: Collection[str]
) -> Iterator[UnknownSuppression | UnusedSuppression]:
    """Suppressions that name nothing, name what does not exist, or silence nothing.

    Of a rule that is not active it cannot be told whether its suppression is needed.
    """
    for suppression in suppressions:
        if not suppression.rules:
            yield UnknownSuppression(suppression.comment, "the suppression names no rule")
        for rule in suppression.rules:
            if rule.value not in known:
                yield UnknownSuppression(rule.span, _unknown(rule.value, known))
        unused = tuple(rule for rule in suppression.rules if rule.value in active and rule.span not in used)
        if unused:
            yield UnusedSuppression(suppression.comment, unused, suppression.rules)


def _lines_meant(path: str, text: str, comment: Span, stand_alone: dict[int, int]) -> Span:
    start = text.rfind("\n", 0, comment.start) + 1
    end = _line_end(text, comment.end)
    if start in stand_alone:
        while end in stand_alone:
            end = _line_end(text, stand_alone[end])
        end = _line_end(text, end)
    return Span(path, start, end)


def _line_end(text: str, offset: int) -> int:
    """The offset behind the line break that ends the line."""
    found = text.find("\n", offset)
    return len(text) + 1 if found < 0 else found + 1


def _unknown(name: str, known: Collection[str]) -> str:
    from poolcheck.typed import suggestion

    return f"no rule is called {name!r}{suggestion(name, known)}"
