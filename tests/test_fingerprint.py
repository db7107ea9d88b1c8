from textwrap import dedent

import pytest

from poolcheck.finding import Finding, Note, Severity
from poolcheck.report.fingerprint import fingerprints
from poolcheck.source import Span

INI = "[databases]\nshop = host=orders\n\n[pgbouncer]\nmin_pool_size = 5 ; why\ndefault_pool_size = 5 ; why\n"
PYTHON = dedent("""\
    def first() -> None:
        conn = pool.getconn()

    def second(
        pool: Pool,
    ) -> None:
        # see above
        conn = pool.getconn()
    """)
MANIFEST = dedent("""\
    kind: Deployment
    metadata:
      name: web
    spec:
      replicas: 3
    ---
    kind: Deployment
    metadata:
      name: worker
    spec:
      replicas: 3
    """)
CONTAINERS = dedent("""\
    initContainers:
    - name: app
      image: shop
    containers:
    - name: app
      image: shop
    """)


def places(marked: str, text: str, path: str) -> list[Span]:
    starts = [start for start in range(len(text)) if text.startswith(marked, start)]
    return [Span(path, start, start + len(marked)) for start in starts]


def identities(text: str, marked: str, path: str = "a.yaml", rule: str = "some-rule") -> list[str]:
    """The fingerprints of one finding at each place where this is written."""
    found = [Finding(rule, "any", Severity.ERROR, span, "found") for span in places(marked, text, path)]
    return list(fingerprints(found, {path: text}))


def test_a_fingerprint_is_32_hexadecimal_digits() -> None:
    (fingerprint,) = identities(INI, "orders")

    assert len(fingerprint) == 32
    assert set(fingerprint) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("text", "marked"),
    [(INI, "; why"), (PYTHON, "pool.getconn()"), (MANIFEST, "3"), (CONTAINERS, "shop")],
    ids=["sections and keys", "functions", "objects", "lists"],
)
def test_what_encloses_a_place_tells_it_from_others(text: str, marked: str) -> None:
    first, second = identities(text, marked)

    assert identities(text.replace(marked, "x", 1), marked) == [second]
    assert first != second


@pytest.mark.parametrize(
    ("text", "marked"), [(INI, "; why"), (PYTHON, "pool.getconn()"), (MANIFEST, "3"), (CONTAINERS, "shop")]
)
def test_lines_that_come_and_go_elsewhere_change_nothing(text: str, marked: str) -> None:
    moved = "# a comment\n\n" + text.replace("\n", "\n\n") + "\nmore: 1\n"

    assert identities(moved, marked) == identities(text, marked)


def test_a_new_object_before_the_others_changes_nothing() -> None:
    new = MANIFEST.partition("---\n")[0].replace("web", "cron")

    assert identities(f"{new}---\n{MANIFEST}", "3")[1:] == identities(MANIFEST, "3")


def test_blanks_and_line_ends_do_not_matter() -> None:
    assert identities("a:\n  b: 1,  2\n", "1,  2") == identities("a:\r\n    b:  1, 2\r\n", "1, 2")


def test_rule_path_and_text_matter() -> None:
    (identity,) = identities("a = 5", "5")

    assert identities("a = 5", "5", rule="other-rule") != [identity]
    assert identities("a = 5", "5", path="b.yaml") != [identity]
    assert identities("a = 6", "6") != [identity]


def test_the_places_of_notes_matter_and_their_messages_do_not() -> None:
    def with_note(span: Span, message: str) -> list[str]:
        finding = Finding("some-rule", "any", Severity.ERROR, Span("a.ini", 0, 1), "found", (Note(span, message),))
        return list(fingerprints([finding], {"a.ini": "a = 5\nb = 6\n"}))

    assert with_note(Span("a.ini", 4, 5), "5 wanted") == with_note(Span("a.ini", 4, 5), "five wanted")
    assert with_note(Span("a.ini", 4, 5), "5 wanted") != with_note(Span("a.ini", 10, 11), "5 wanted")


def test_findings_that_nothing_tells_apart_are_counted() -> None:
    assert len(set(identities("a = 5\na = 5\na = 5\n", "5"))) == 3


def test_a_place_of_no_width_is_told_by_its_line() -> None:
    found = [Finding("some-rule", "any", Severity.ERROR, Span("a.ini", at, at), "found") for at in (0, 6)]

    moved = [
        finding._replace(span=Span("a.ini", finding.span.start + 1, finding.span.end + 1)) for finding in found
    ]

    assert len(set(fingerprints(found, {"a.ini": "a = 1\nb = 2\n"}))) == 2
    assert list(fingerprints(moved, {"a.ini": "\na = 1\nb = 2\n"})) == list(
        fingerprints(found, {"a.ini": "a = 1\nb = 2\n"})
    )


def test_a_fingerprint_says_nothing_of_a_password() -> None:
    assert identities("a = password=hunter2", "password=hunter2") == identities(
        "a = password=hunter3", "password=hunter3"
    )


def test_bytes_that_are_no_characters_are_no_matter() -> None:
    assert len(identities("a = \udcff5", "\udcff5")) == 1
