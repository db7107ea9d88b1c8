"""The cases were run through compose-go 2's dotenv as well, which says the same of each."""

from collections.abc import Mapping

import pytest

from poolcheck.read.compose.dotenv import read_dotenv
from poolcheck.source import Source, Span
from poolcheck.value import HOLE, Known, text_of

OUTER = {"HOST": Known("db", ()), "NOTHING": Known("", ())}


def variables(text: str) -> Mapping[str, str] | None:
    """The variables of a file, with HOLEs for what is not known."""
    found = read_dotenv(Source(".env", text), OUTER)
    return None if found is None else {name: text_of(value) for name, value in found.items()}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=1", "1"),
        ("export A=1", "1"),
        ("A: 1", "1"),
        (" A = 1 ", "1"),
        ("A=", ""),
        ("A=a=b=c", "a=b=c"),
        ("A=a b # c", "a b"),
        ("A=a#b", "a#b"),
        ("A=x\\ny", "x\\ny"),
        ("A=$HOST/${HOST}", "db/db"),
        ("A=${NONE:-5}", HOLE),
        ("A=${NOTHING:-5}", "5"),
        ("A='$HOST # x'", "$HOST # x"),
        ("A='it\\'s'", "it's"),
        ('A="x\\ny"', "x\ny"),
        ('A="a\\"b"', 'a"b'),
        ('A="\\$HOST $HOST" # c', "$HOST db"),
        ('A="two\nlines"', "two\nlines"),
        ("\ufeffA=1", "1"),
        ("A=1\r\nB=2\r\n", "1"),
        ("# c\n\nA=1\n# d", "1"),
        ("B=1\nA=$B", "1"),
        ("A=1\nA=2", "2"),
    ],
)
def test_a_variable_has_the_value_that_compose_gives_it(text: str, value: str) -> None:
    found = variables(text)

    assert found
    assert found["A"] == value


def test_a_name_alone_is_what_it_is_where_compose_runs() -> None:
    assert variables("HOST\nNONE\nA=1\n") == {"HOST": "db", "A": "1"}


@pytest.mark.parametrize("text", ["FOO BAR=1", 'A="x\nB=2', "=x", "a b c"])
def test_a_file_that_compose_refuses_has_none(text: str) -> None:
    assert variables(text) is None


def test_a_value_stands_where_it_is_written() -> None:
    found = read_dotenv(Source("docker/.env", "B=1\nA = 20 # x\n"), {})

    assert found
    assert found["A"] == Known("20", (Span("docker/.env", 8, 10),))
