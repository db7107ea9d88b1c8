from textwrap import dedent
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.report.frames import frame
from poolcheck.report.glyphs import glyph
from poolcheck.report.positions import Positions
from poolcheck.report.styled import Style
from poolcheck.source import Span

ERROR = "some-rule", "any", Severity.ERROR


def place(text: str, marked: str, path: str = "a.ini") -> Span:
    start = text.index(marked)
    return Span(path, start, start + len(marked))


def drawn(finding: Finding, texts: dict[str, str]) -> str:
    pages = {path: Positions(text) for path, text in texts.items()}
    return "".join("".join(text for text, _ in line) + "\n" for line in frame(finding, pages.__getitem__))


def picture(text: str) -> str:
    return dedent(text).removeprefix("\n")


def test_the_place_of_a_finding_is_marked_below_its_line() -> None:
    text = "[pgbouncer]\npool_mode = sesion\n"
    finding = Finding(*ERROR, place(text, "sesion"), "no such pool mode")

    assert drawn(finding, {"a.ini": text}) == picture("""
         --> a.ini:2:13
          |
        2 | pool_mode = sesion
          |             ^^^^^^
        """)


def test_notes_of_several_files_are_drawn_in_one_frame() -> None:
    pooler = "[databases]\nshop =\naudit = host=orders pool_size=30\n\n[pgbouncer]\ndefault_pool_size = 80\n"
    server = "max_connections = 100\n"
    notes = (Note(place(pooler, "30"), "audit may want 30"), Note(place(pooler, "80"), "shop may want 80"))
    finding = Finding(*ERROR, place(server, "100", "b.conf"), "too many", notes)

    assert drawn(finding, {"b.conf": server, "a.ini": pooler}) == picture("""
         --> b.conf:1:19
          |
        1 | max_connections = 100
          |                   ^^^
          |
         ::: a.ini:3:31
          |
        3 | audit = host=orders pool_size=30
          |                               -- audit may want 30
        ...
        6 | default_pool_size = 80
          |                     -- shop may want 80
        """)


def test_the_numbers_of_all_files_share_one_margin() -> None:
    long = "\n" * 99 + "replicas: 4\n"
    finding = Finding(*ERROR, place("a = 1", "1"), "found", (Note(place(long, "4", "b.yaml"), "4 replicas"),))

    assert drawn(finding, {"a.ini": "a = 1", "b.yaml": long}) == picture("""
           --> a.ini:1:5
            |
          1 | a = 1
            |     ^
            |
           ::: b.yaml:100:11
            |
        100 | replicas: 4
            |           - 4 replicas
        """)


def test_one_line_between_two_is_shown_and_more_are_left_out() -> None:
    text = "a = 1\nb = 2\nc = 3\nd = 4\ne = 5\nf = 6\n"
    notes = (Note(place(text, "6"), "six"), Note(place(text, "3"), "three"))

    assert drawn(Finding(*ERROR, place(text, "1"), "found", notes), {"a.ini": text}) == picture("""
         --> a.ini:1:5
          |
        1 | a = 1
          |     ^
        2 | b = 2
        3 | c = 3
          |     - three
        ...
        6 | f = 6
          |     - six
        """)


def test_messages_on_one_line_hang_below_one_another() -> None:
    text = "pool = create(size=5, overflow=10, timeout=30)\n"
    notes = (
        Note(place(text, "5"), "5 kept"),
        Note(place(text, "10"), "10 more"),
        Note(place(text, "30"), "waits 30 s"),
    )

    assert drawn(Finding(*ERROR, place(text, "create"), "found", notes), {"a.ini": text}) == picture("""
         --> a.ini:1:8
          |
        1 | pool = create(size=5, overflow=10, timeout=30)
          |        ^^^^^^      -           --          -- waits 30 s
          |                    |           |
          |                    |           10 more
          |                    5 kept
        """)


def test_a_message_left_of_another_mark_hangs_below_it() -> None:
    text = "pool.size = 5"
    finding = Finding(*ERROR, place(text, "5"), "found", (Note(place(text, "pool"), "this pool"),))

    assert drawn(finding, {"a.ini": text}) == picture("""
         --> a.ini:1:13
          |
        1 | pool.size = 5
          | ----        ^
          | |
          | this pool
        """)


def test_the_smaller_of_two_places_is_drawn_on_the_larger() -> None:
    text = "size = 5 + 10"
    finding = Finding(*ERROR, place(text, "5 + 10"), "found", (Note(place(text, "+"), "added up"),))

    assert drawn(finding, {"a.ini": text}) == picture("""
         --> a.ini:1:8
          |
        1 | size = 5 + 10
          |        ^^-^^^
          |          |
          |          added up
        """)


def test_a_note_at_the_place_of_the_finding_adds_its_message() -> None:
    text = "size = 5"
    finding = Finding(
        *ERROR, place(text, "5"), "found", (Note(place(text, "5"), "one"), Note(place(text, "5"), "two"))
    )

    assert drawn(finding, {"a.ini": text}) == picture("""
         --> a.ini:1:8
          |
        1 | size = 5
          |        ^ one
          |        |
          |        two
        """)


def test_the_same_note_is_drawn_once() -> None:
    text = "size = 5"
    note = Note(place(text, "size"), "here")

    assert drawn(Finding(*ERROR, place(text, "5"), "found", (note, note)), {"a.ini": text}).count("here") == 1


def test_a_place_on_several_lines_has_a_bar_along_them() -> None:
    text = "engine = create_engine(\n    url,\n    pool_size=5,\n    echo=True,\n    future=True,\n)\n"
    finding = Finding(*ERROR, place(text, text[9:-1]), "found", (Note(place(text, "5"), "5 kept"),))

    assert drawn(finding, {"a.ini": text}) == picture("""
         --> a.ini:1:10
          |
        1 |   engine = create_engine(
          |  __________^
        2 | |     url,
        3 | |     pool_size=5,
          | |               - 5 kept
        ... |
        6 | | )
          | |_^
        """)


def test_places_on_several_lines_have_bars_side_by_side() -> None:
    text = "spec:\n  pool:\n    size: 5\nmode: x\n"
    notes = (Note(place(text, "pool:\n    size: 5"), "the pool"),)

    assert drawn(Finding(*ERROR, place(text, text[:-1]), "found", notes), {"a.ini": text}) == picture("""
         --> a.ini:1:1
          |
        1 |    spec:
          |  __^
        2 | |    pool:
          | | ___-
        3 | ||     size: 5
          | ||___________- the pool
        4 | |  mode: x
          | |________^
        """)


def test_a_place_may_end_with_the_end_of_its_line() -> None:
    text = "a = 1\r\n\r\nb = 2\r\n"

    assert drawn(Finding(*ERROR, Span("a.ini", 4, 9), "found"), {"a.ini": text}) == picture("""
         --> a.ini:1:5
          |
        1 | a = 1
          |     ^
        """)


@pytest.mark.parametrize(("offset", "column"), [(0, 1), (4, 5), (5, 6)])
def test_a_place_of_no_width_is_marked_where_it_is(offset: int, column: int) -> None:
    lines = drawn(Finding(*ERROR, Span("a.ini", offset, offset), "found"), {"a.ini": "a = 1\n"}).splitlines()

    assert lines[0] == f" --> a.ini:1:{column}"
    assert lines[-1] == f"  | {' ' * offset}^"


def test_nothing_is_drawn_of_a_file_without_text() -> None:
    assert drawn(Finding(*ERROR, Span("a.ini", 0, 0), "cannot be read"), {"a.ini": ""}) == " --> a.ini:1:1\n"


@pytest.mark.parametrize(
    ("safe", "applied"), [(True, "applied by `--fix`"), (False, "applied by `--fix --unsafe-fixes`")]
)
def test_the_fix_is_told_with_what_applies_it(safe: bool, applied: str) -> None:
    finding = Finding(*ERROR, Span("a.ini", 0, 1), "found", fix=Fix("remove the comment", (), safe))

    assert drawn(finding, {"a.ini": "a = 1"}).splitlines()[-2:] == [
        "  |",
        f"  = help: remove the comment ({applied})",
    ]


def test_tabs_are_four_cells_wide_everywhere() -> None:
    text = "\ta =\t1"

    assert drawn(Finding(*ERROR, place(text, "1"), "found"), {"a.ini": text}) == picture("""
         --> a.ini:1:6
          |
        1 |     a =    1
          |            ^
        """)


def test_marks_line_up_below_wide_and_combining_characters() -> None:
    text = "日本 = e\u0301🐘; x = 1"
    finding = Finding(*ERROR, place(text, "1"), "found", (Note(place(text, "e\u0301🐘"), "here"),))

    assert drawn(finding, {"a.ini": text}).splitlines()[3] == "  |        ---      ^"


def test_what_could_harm_a_terminal_is_shown_as_a_picture() -> None:
    text = "a = \x1b[0m\x7f\x9b\u202e\ud800\u200b1"

    assert drawn(Finding(*ERROR, place(text, "1"), "found"), {"a.ini": text}).splitlines()[2:] == [
        "1 | a = ␛[0m␡\ufffd\ufffd\ufffd\ufffd1",
        "  |              ^",
    ]


def test_paths_messages_and_titles_are_harmless_too() -> None:
    finding = Finding(
        *ERROR, Span("a.ini", 0, 1), "found", (Note(Span("a.ini", 0, 1), "a\x1bb\n  c"),), Fix("d\x1be", ())
    )

    assert "␛" in drawn(finding, {"a.ini": "a = 1"})
    assert "\x1b" not in drawn(finding, {"a.ini": "a = 1"})
    assert "a␛b c" in drawn(finding, {"a.ini": "a = 1"})


def test_a_long_line_is_cut_to_what_is_around_its_marks() -> None:
    text = "x" * 1_000_000 + "|10|" + "y" * 1_000_000 + "|20|" + "z" * 1_000_000
    finding = Finding(*ERROR, place(text, "10"), "found", (Note(place(text, "20"), "twenty"),))

    source, marks = drawn(finding, {"a.ini": text}).splitlines()[2:4]

    assert source == f"1 | …{'x' * 49}|10|{'y' * 49}…{'y' * 49}|20|{'z' * 49}…"
    assert marks == f"{'  |'}{' ' * 52}^^{' ' * 101}-- twenty"


def test_a_long_place_is_cut_in_its_middle() -> None:
    text = "a = " + "x" * 1000

    source, marks = drawn(Finding(*ERROR, place(text, "x" * 1000), "found"), {"a.ini": text}).splitlines()[2:4]

    assert source == f"1 | a = {'x' * 50}…{'x' * 50}"
    assert marks == f"  |     {'^' * 101}"


def test_the_marks_have_the_colour_of_the_severity() -> None:
    finding = Finding("some-rule", "any", Severity.WARNING, Span("a.ini", 0, 1), "found")

    lines = list(frame(finding, lambda _: Positions("a = 1")))

    assert [segment.style for segment in lines[-1] if segment.text == "^"] == [Style.WARNING]


@given(
    st.text(alphabet="a \t\x00\x1b\x9b\u0301\u200d\u200b\ufe0f\u202e\ud8aa日\uff21🐘é한\u1161", max_size=60),
    st.data(),
)
def test_marks_are_as_wide_as_what_they_mark(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))

    marks = drawn(Finding(*ERROR, Span("a.ini", start, end), "found"), {"a.ini": f"{text}\n"}).splitlines()[3:]

    before, marked = (cell_len("".join(map(glyph, part))) for part in (text[:start], text[start:end]))
    assert marks == ([f"  | {' ' * before}{'^' * max(marked, 1)}"] if text else [])


@given(st.text(), st.text(), st.data())
def test_no_control_character_reaches_the_terminal(text: str, message: str, data: st.DataObject) -> None:
    spans = st.builds(Span, st.just("a.ini"), st.integers(0, len(text)), st.integers(0, len(text)))
    note = Note(data.draw(spans), message)

    lines = drawn(Finding(*ERROR, data.draw(spans), "found", (note, note)), {"a.ini": text}).split("\n")

    assert [
        character for line in lines for character in line if category(character) in {"Cc", "Cs", "Zl", "Zp"}
    ] == []
