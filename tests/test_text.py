import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from textwrap import dedent
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.report.styled import Line, write
from poolcheck.report.text import concise, full, summary
from poolcheck.run import Report
from poolcheck.source import Span

INI = "[databases]\nshop = host=orders password=hunter2\n\n[pgbouncer]\npool_mode = session ; for now\n"
SAFE = Fix("move the comment to a line of its own", ())
UNSAFE = SAFE._replace(safe=False)


def place(marked: str) -> Span:
    start = INI.index(marked)
    return Span("a.ini", start, start + len(marked))


def finding(severity: Severity = Severity.ERROR, fix: Fix | None = None, message: str = "no comment") -> Finding:
    return Finding("inline-comment", "pgbouncer", severity, place("; for now"), message, fix=fix)


def report(*findings: Finding, files: int = 12, suppressed: int = 0) -> Report:
    return Report(findings, {"a.ini": INI}, files, (finding(),) * suppressed)


def written(lines: Iterable[Line], *, color: bool = False) -> str:
    stream = io.StringIO()
    write(lines, stream, color=color)
    return stream.getvalue()


def test_a_finding_is_shown_with_its_frame_and_a_blank_line_behind_it() -> None:
    other = Finding("secret-in-ini", "pgbouncer", Severity.WARNING, place("password"), "a secret of shop")

    assert written(full(report(other, finding(fix=SAFE)))) == dedent("""\
        warning[secret-in-ini]: a secret of shop
         --> a.ini:2:20
          |
        2 | shop = host=orders password=*******
          |                    ^^^^^^^^

        error[inline-comment]: no comment
         --> a.ini:5:21
          |
        5 | pool_mode = session ; for now
          |                     ^^^^^^^^^
          |
          = help: move the comment to a line of its own (applied by `--fix`)

        """)


def test_a_finding_can_be_shown_on_one_line() -> None:
    assert written(concise(report(finding()))) == "a.ini:5:21: error inline-comment no comment\n"


@pytest.mark.parametrize("line_break", ["\n", "\r\n  ", " \n\n", "\t"])
def test_a_message_takes_one_line(line_break: str) -> None:
    broken = report(finding(message=f"one{line_break}two"))

    assert written(concise(broken)) == "a.ini:5:21: error inline-comment one two\n"
    assert written(full(broken)).startswith("error[inline-comment]: one two\n")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (report(), "No problems found in 12 files."),
        (report(files=1, suppressed=1), "No problems found in 1 file; 1 suppressed."),
        (report(finding()), "Found 1 problem (1 error) in 12 files."),
        (
            report(finding(), finding(Severity.WARNING), finding(Severity.WARNING), finding(Severity.INFO)),
            "Found 4 problems (1 error, 2 warnings, 1 info) in 12 files.",
        ),
        (report(finding(), suppressed=3), "Found 1 problem (1 error) in 12 files; 3 suppressed."),
        (report(finding(fix=SAFE)), "Found 1 problem (1 error) in 12 files.\n1 fixable with `--fix`."),
        (
            report(finding(fix=UNSAFE)),
            "Found 1 problem (1 error) in 12 files.\n1 fixable with `--fix --unsafe-fixes`.",
        ),
        (
            report(finding(fix=SAFE), finding(fix=SAFE), finding(fix=UNSAFE)),
            "Found 3 problems (3 errors) in 12 files.\n"
            "2 fixable with `--fix`, 1 more with `--fix --unsafe-fixes`.",
        ),
    ],
)
def test_the_summary_counts(found: Report, told: str) -> None:
    assert written(summary(found)) == f"{told}\n"


@pytest.mark.parametrize("show", [full, concise, summary])
def test_colour_adds_escape_sequences_and_nothing_else(
    show: Callable[[Report], Iterator[Line]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "20")
    found = report(finding(fix=SAFE, message="[bold]not markup[/bold] :tada: 10.0.0.1 日本" + " long" * 50))

    colored = written(show(found), color=True)

    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == written(show(found))


def test_only_colour_needs_rich() -> None:
    program = "import sys, poolcheck.report.text; sys.exit('rich' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@given(st.from_regex(r"[A-Za-z0-9!%+.^_~-]{8,20}", fullmatch=True))
def test_a_password_is_shown_neither_in_code_nor_in_messages(password: str) -> None:
    ini = f"shop = host=orders password=S3{password} dbname=shop"
    manifest = (
        f"- name: DB_PASSWORD\n  value: S3{password}\n- name: URL\n  value: postgres://app:S3{password}@db/shop\n"
    )
    python = f'connect(password="S3{password}")'
    notes = tuple(
        Note(Span(path, found.start(), found.end()), f"password=S3{password}")
        for path, text in (("a.yaml", manifest), ("a.py", python))
        for found in re.finditer(f"S3{re.escape(password)}", text)
    )
    fix = Fix(f"write postgres://app:S3{password}@db", ())
    found = Finding(
        "some-rule", "any", Severity.ERROR, Span("a.ini", 7, len(ini)), f"cannot read {ini!r}", notes, fix
    )
    told = Report((found,), {"a.ini": ini, "a.yaml": manifest, "a.py": python}, 3, ())

    assert password not in written(full(told)) + written(concise(told))


@given(st.text(), st.text(), st.text(), st.data())
def test_no_output_has_a_control_character_but_line_ends(
    path: str, text: str, said: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    span = Span(path, start, data.draw(st.integers(start, len(text))))
    found = Finding("some-rule", "any", Severity.INFO, span, said, (Note(span, said),), Fix(said, ()))
    told = Report((found,), {path: text}, 1, ())

    shown = written(full(told)) + written(concise(told))

    assert [character for character in shown.replace("\n", "") if category(character) in {"Cc", "Cs"}] == []
    assert written(concise(told)).count("\n") == 1
