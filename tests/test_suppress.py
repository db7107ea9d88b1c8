import pytest

from poolcheck.finding import Finding, Severity
from poolcheck.read.comments import comments
from poolcheck.read.document import Reading
from poolcheck.source import Source, Span
from poolcheck.suppress import (
    Suppression,
    UnknownSuppression,
    UnusedSuppression,
    annotated,
    mistakes,
    silence,
    suppressions,
)


def told(text: str, path: str = "pgbouncer.ini") -> list[Suppression]:
    return list(suppressions(path, text, comments(Reading(path, text, ()))))


def silenced_lines(text: str, path: str = "pgbouncer.ini") -> list[int]:
    """The lines, from 1, on which a finding of `some-rule` is silenced."""
    starts = [0] + [offset + 1 for offset, sign in enumerate(text) if sign == "\n"]
    findings = [Finding("some-rule", "any", Severity.ERROR, Span(path, start, start), "found") for start in starts]
    silenced = silence(findings, told(text, path)).silenced
    return [starts.index(finding.span.start) + 1 for finding in silenced]


def test_a_comment_on_its_own_line_is_about_the_next_line() -> None:
    assert silenced_lines("[pgbouncer]\n; poolcheck: ignore[some-rule] why\na = 1\nb = 2\n") == [2, 3]


def test_a_comment_behind_something_is_about_its_own_line_only() -> None:
    assert silenced_lines("a = 1\nb = 2  # poolcheck: ignore[some-rule]\nc = 3\n", "app.py") == [2]


def test_other_comments_may_stand_between() -> None:
    text = "# poolcheck: ignore[some-rule]\n# because of the batch jobs\na = 1\nb = 2\n"

    assert silenced_lines(text, "app.py") == [1, 2, 3]


def test_only_named_rules_are_silenced() -> None:
    assert silenced_lines("; poolcheck: ignore[other-rule, third-rule]\na = 1\n") == []


def test_a_whole_file_is_silenced_from_near_its_top() -> None:
    text = "; poolcheck: ignore-file[some-rule]\na = 1\nb = 2"

    assert silenced_lines(text) == [1, 2, 3]
    assert silenced_lines("\n" * 30 + text) == []


def test_pgbouncer_knows_no_comment_behind_a_value() -> None:
    assert told("a = 1 ; poolcheck: ignore[some-rule]\n") == []


def test_yaml_knows_a_comment_behind_a_value() -> None:
    assert silenced_lines("a: 1\nreplicas: 3  # poolcheck: ignore[some-rule]\n", "deploy.yaml") == [2]


def test_a_string_is_no_comment() -> None:
    assert told('HELP = "# poolcheck: ignore[some-rule]"\n', "app.py") == []


def test_what_only_resembles_a_suppression_is_none() -> None:
    assert told("; poolcheck: ignored[some-rule]\n; poolcheck ignore[some-rule]\n") == []


def test_a_suppression_that_silences_nothing_is_told_of_if_its_rule_is_active() -> None:
    (suppression,) = told("; poolcheck: ignore[some-rule, other-rule]\na = 1\n")
    known = ["some-rule", "other-rule"]

    (mistake,) = mistakes([suppression], used=[], known=known, active=["some-rule"])

    assert isinstance(mistake, UnusedSuppression)
    assert [rule.value for rule in mistake.unused] == ["some-rule"]


def test_a_suppression_without_a_rule_and_one_of_an_unknown_rule_are_told_of() -> None:
    text = "; poolcheck: ignore\n; poolcheck: ignore[some-rul]\na = 1\n"

    found = list(mistakes(told(text), used=[], known=["some-rule"], active=[]))

    assert found == [
        UnknownSuppression(Span("pgbouncer.ini", 0, 19), "the suppression names no rule"),
        UnknownSuppression(
            Span("pgbouncer.ini", 40, 48), "no rule is called 'some-rul'; did you mean 'some-rule'?"
        ),
    ]


def test_line_ends_of_any_kind_end_a_comments_line() -> None:
    assert silenced_lines("; poolcheck: ignore[some-rule]\r\na = 1\r\nb = 2\r\n") == [1, 2]


@pytest.mark.parametrize(
    "value",
    ['"rule-a, rule-b"', "rule-a,rule-b", "'rule-a rule-b'", ">-\n  rule-a,\n  rule-b", "|\n  rule-a\n  rule-b\n"],
)
def test_an_annotation_names_rules_however_it_is_quoted(value: str) -> None:
    text = f"ignore: {value}"

    found = annotated(Source("a.yaml", text), Span("a.yaml", 8, len(text)), Span("a.yaml", 0, len(text)))

    assert [rule.value for rule in found.rules] == ["rule-a", "rule-b"]
    assert [text[rule.span.start : rule.span.end] for rule in found.rules] == ["rule-a", "rule-b"]
