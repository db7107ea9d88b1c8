from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolcheck.report.positions import Position, Positions


def test_lines_and_columns_count_from_one() -> None:
    positions = Positions("ab\ncd\n")

    assert positions.position(0) == Position(1, 1)
    assert positions.position(4) == Position(2, 2)


def test_the_end_of_a_text_is_a_place() -> None:
    assert Positions("ab").position(2) == Position(1, 3)
    assert Positions("ab\n").position(3) == Position(2, 1)
    assert Positions("").position(0) == Position(1, 1)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end_ends_a_line(line_end: str) -> None:
    positions = Positions(f"a{line_end}{line_end}b")

    assert positions.position(1 + 2 * len(line_end)) == Position(3, 1)
    assert [positions.line_text(number) for number in (1, 2, 3)] == ["a", "", "b"]
    assert len(positions) == 3


@pytest.mark.parametrize("character", ["\v", "\f", "\x1c", "\x85", "\u2028"])
def test_nothing_else_ends_a_line(character: str) -> None:
    assert Positions(f"a{character}b").position(2) == Position(1, 3)


def test_a_byte_order_mark_has_no_width() -> None:
    positions = Positions("\ufeffab\n")

    assert positions.position(0) == positions.position(1) == Position(1, 1)
    assert positions.position(2) == Position(1, 2)
    assert positions.line_text(1) == "ab"


def test_columns_count_characters_and_not_bytes() -> None:
    assert Positions("é日🐘x").position(3) == Position(1, 4)


@given(st.text(alphabet="ab\r\né"), st.data())
def test_line_and_column_lead_back_to_the_offset(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    line, column = Positions(text).position(offset)

    assert sum(map(len, _lines(text)[: line - 1])) + column - 1 == offset


def test_a_file_of_many_lines_is_no_matter() -> None:
    begun = perf_counter()
    positions = Positions("x = 1\r\n" * 200_000)
    for offset in range(0, 1_400_000, 14):
        positions.position(offset)

    assert perf_counter() - begun < 2


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\0").replace("\r", "\r|").replace("\n", "\n|").replace("\0", "\r\n|").split("|")
