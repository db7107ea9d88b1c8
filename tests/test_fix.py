from poolcheck.finding import Finding, Fix, Severity
from poolcheck.fix import mend
from poolcheck.source import Edit, Span


def finding(*edits: tuple[int, int, str], safe: bool = True, path: str = "a.ini") -> Finding:
    fix = Fix("mend it", tuple(Edit(Span(path, start, end), text) for start, end, text in edits), safe)
    return Finding("some-rule", "any", Severity.ERROR, fix.edits[0].span, "found", fix=fix)


def test_all_fixes_that_fit_together_are_made() -> None:
    first, second = finding((0, 1, "A")), finding((2, 3, "C"))

    mended = mend([first, second], {"a.ini": "abc"})

    assert mended.texts == {"a.ini": "AbC"}
    assert mended.findings == (first, second)


def test_a_fix_is_made_whole_or_not_at_all() -> None:
    first, second = finding((0, 2, "X")), finding((1, 2, "Y"), (3, 4, "Z"))

    mended = mend([first, second], {"a.ini": "abcd"})

    assert mended.texts == {"a.ini": "Xcd"}
    assert mended.findings == (first,)


def test_two_insertions_at_one_place_are_not_made_together() -> None:
    mended = mend([finding((1, 1, "x")), finding((1, 1, "y"))], {"a.ini": "ab"})

    assert mended.texts == {"a.ini": "axb"}


def test_edits_that_only_border_on_each_other_fit() -> None:
    assert mend([finding((0, 2, "X")), finding((2, 4, "Y"))], {"a.ini": "abcd"}).texts == {"a.ini": "XY"}


def test_unsafe_fixes_are_made_on_request_only() -> None:
    unsafe = finding((0, 1, "A"), safe=False)

    assert mend([unsafe], {"a.ini": "a"}).texts == {}
    assert mend([unsafe], {"a.ini": "a"}, unsafe=True).texts == {"a.ini": "A"}


def test_a_fix_may_change_several_files() -> None:
    edits = (Edit(Span("a.py", 0, 1), "A"), Edit(Span("b.yaml", 0, 1), "B"))
    both = Finding("some-rule", "any", Severity.ERROR, edits[0].span, "found", fix=Fix("mend", edits))

    assert mend([both], {"a.py": "a", "b.yaml": "b"}).texts == {"a.py": "A", "b.yaml": "B"}
