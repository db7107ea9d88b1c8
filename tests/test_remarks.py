import pytest

from poolcheck.read.yaml.remarks import remarked
from poolcheck.source import Source


def lines(text: str) -> list[str]:
    return [text[span.start : span.end].strip() for span in remarked(Source("k8s.yaml", text))]


@pytest.mark.parametrize(
    "comment",
    [
        "# direct: LISTEN/NOTIFY",
        "# Bypasses PgBouncer",
        "# holds an advisory lock",
        "# not through the pooler",
        "# migrations",
    ],
)
def test_the_line_below_a_comment_that_gives_a_reason(comment: str) -> None:
    assert lines(f"a: 1\n  {comment}\n  # and more\nb: 2\nc: 3\n") == ["b: 2"]


def test_the_line_that_ends_in_one() -> None:
    assert lines("a: 1\nb: 2  # direct\nc: 3 # pooled\n") == ["b: 2  # direct"]


@pytest.mark.parametrize("text", ["a: 1\n", "# the pooler\na: 1\n", "a: x#direct\n", "# indirect\na: 1\n", ""])
def test_other_lines_are_not_remarked_upon(text: str) -> None:
    assert lines(text) == []


def test_a_line_in_a_comment_is_none_that_ends_in_one() -> None:
    assert lines("# a # direct\n") == [""]
