import re
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolcheck.report.diff import diff
from poolcheck.report.styled import Style


def patch(before: str, after: str, path: str = "a.ini") -> str:
    return "".join("".join(text for text, _ in line) + "\n" for line in diff(path, before, after))


def test_a_change_is_shown_with_three_lines_around_it() -> None:
    before = "a\nb\nc\nd\ne\nf\ng\nh\ni\n"

    assert patch(before, before.replace("e", "E")) == (
        "--- a.ini\n+++ a.ini\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n"
    )


def test_nothing_is_shown_where_nothing_changes() -> None:
    assert patch("a\n", "a\n") == ""


def test_changes_far_apart_have_hunks_of_their_own() -> None:
    before = "".join(f"{number}\n" for number in range(20))
    after = before.replace("2\n", "two\n", 1).replace("17\n", "")

    assert re.findall("@@.*", patch(before, after)) == ["@@ -1,6 +1,6 @@", "@@ -15,6 +15,5 @@"]


def test_changes_whose_surroundings_meet_share_a_hunk() -> None:
    before = "".join(f"{number}\n" for number in range(12))

    assert patch(before, before.replace("2\n", "two\n", 1).replace("9\n", "nine\n")).count("@@ -") == 1


def test_an_unchanged_line_between_two_changes_is_shown_once() -> None:
    assert patch("a\nb\nc\n", "A\nb\nC\n").endswith("@@ -1,3 +1,3 @@\n-a\n+A\n b\n-c\n+C\n")


@pytest.mark.parametrize(
    ("before", "after", "hunk"),
    [
        ("", "a\n", "@@ -0,0 +1 @@\n+a\n"),
        ("a\n", "", "@@ -1 +0,0 @@\n-a\n"),
        ("a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"),
        ("a\nb", "A\nb", "@@ -1,2 +1,2 @@\n-a\n+A\n b\n\\ No newline at end of file\n"),
        ("a\r\nb\r\n", "a\r\nB\r\n", "@@ -1,2 +1,2 @@\n a\r\n-b\r\n+B\r\n"),
        ("a\r\n", "a\n", "@@ -1 +1 @@\n-a\r\n+a\n"),
        ("\ta = 1\n", "\ta = 2\n", "@@ -1 +1 @@\n-\ta = 1\n+\ta = 2\n"),
    ],
)
def test_line_ends_are_shown_as_git_shows_them(before: str, after: str, hunk: str) -> None:
    assert patch(before, after) == f"--- a.ini\n+++ a.ini\n{hunk}"


def test_a_name_with_blanks_ends_with_a_tab_as_with_git() -> None:
    assert patch("a\n", "b\n", "my file.ini").startswith("--- my file.ini\t\n+++ my file.ini\t\n")


def test_what_could_harm_a_terminal_is_shown_as_a_picture() -> None:
    assert "-\x1b" not in patch("\x1b[31m\n", "a\n")
    assert "-␛[31m\n" in patch("\x1b[31m\n", "a\n")


def test_a_secret_is_not_shown() -> None:
    before = "shop = host=db password=hunter2 ; shop\n"

    assert patch(before, f"; shop\n{before[:-8]}\n").splitlines()[3:] == [
        "-shop = host=db password=******* ; shop",
        "+; shop",
        "+shop = host=db password=*******",
    ]


def test_what_goes_and_what_comes_have_styles_of_their_own() -> None:
    styles = [line[0].style for line in diff("a.ini", "a\nb\n", "a\nc\n")]

    assert styles[-3:] == [Style.PLAIN, Style.REMOVED, Style.ADDED]


LINES = st.lists(st.sampled_from("aaabcd"), max_size=40)


@given(LINES, LINES, st.sampled_from(["", "\n"]), st.sampled_from(["", "\n"]))
def test_a_diff_makes_the_new_text_of_the_old(old: list[str], new: list[str], end: str, new_end: str) -> None:
    before, after = "\n".join(old) + end, "\n".join(new) + new_end

    assert applied(patch(before, after), before) == after


def test_small_changes_to_a_long_file_of_like_lines_stay_small() -> None:
    lines = [f"- name: a{number % 50}\n  value: {number % 7}\n" for number in range(20_000)]
    changed = [line.replace("value", "key") if number % 1000 == 0 else line for number, line in enumerate(lines)]

    begun = perf_counter()
    shown = patch("".join(lines), "".join(changed))

    assert perf_counter() - begun < 5
    assert len(re.findall("^[-+] ", shown, re.MULTILINE)) == 40


def test_a_file_that_changes_in_all_its_lines_is_one_change() -> None:
    before = "a = 1\n" * 5000

    assert patch(before, before.replace("\n", "\r\n")).count("@@ -") == 1


def applied(shown: str, before: str) -> str:
    """What a diff makes of a text."""
    old = before.splitlines(keepends=True)
    new: list[str] = []
    done = 0
    for line in shown.replace("\n\\ No newline at end of file", "\0").split("\n")[2:-1]:
        if hunk := re.match(r"@@ -(\d+)(,0 )?", line):
            start = int(hunk[1]) - (hunk[2] is None)
            new += old[done:start]
            done = start
            continue
        sign, content = line[0], line[1:-1] if line.endswith("\0") else f"{line[1:]}\n"
        if sign in " -":
            assert old[done] == content
            done += 1
        if sign in " +":
            new.append(content)
    return "".join(new + old[done:])
