import pytest

from poolcheck.source import Edit, EditsOverlap, Span, apply


def edit(start: int, end: int, text: str) -> Edit:
    return Edit(Span("a.ini", start, end), text)


def test_edits_are_made_whatever_their_order() -> None:
    text = "one two three"

    mended = apply(text, [edit(8, 13, "drei"), edit(0, 3, "eins")])

    assert mended == "eins two drei"


def test_an_empty_span_inserts_and_an_empty_text_deletes() -> None:
    assert apply("ab", [edit(1, 1, "-"), edit(1, 2, "")]) == "a-"


def test_offsets_count_characters() -> None:
    assert apply("é🐘 = 1", [edit(5, 6, "2")]) == "é🐘 = 2"


def test_edits_that_meet_are_refused() -> None:
    with pytest.raises(EditsOverlap, match=r"a\.ini"):
        apply("abcdef", [edit(0, 3, "x"), edit(2, 4, "y")])
