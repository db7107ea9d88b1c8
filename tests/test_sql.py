"""The statements of an SQL text are those that PostgreSQL would find."""

import pytest

from poolcheck.read.pgbouncer.sql import Statement, comment_behind, statements


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" ; -- DISCARD ALL; x", []),
        ("/* one;\ntwo */ discard  all ;", [("DISCARD", "ALL")]),
        ("UNLISTEN *; CLOSE ALL", [("UNLISTEN", "*"), ("CLOSE", "ALL")]),
        ("SELECT pg_advisory_unlock_all()", [("SELECT", "PG_ADVISORY_UNLOCK_ALL", "(", ")")]),
        ("SET a.b = 'x;y''z'", [("SET", "A", ".", "B", "=", "'x;y''z'")]),
        (r"SELECT E'\';'", [("SELECT", r"E'\';'")]),
        ("DO $x$ a; $$ b; $x$", [("DO", "$x$ a; $$ b; $x$")]),
        ('RESET "a;B"', [("RESET", '"a;B"')]),
        ("`DISCARD ALL`", [("`", "DISCARD", "ALL", "`")]),
        ('""', [('""',)]),
        ("/* a /* b */ ; */ RESET x.y", [("RESET", "X", ".", "Y")]),
    ],
)
def test_a_text_is_cut_at_semicolons_outside_of_quotes_and_comments(text: str, found: list[Statement]) -> None:
    assert statements(text) == tuple(found)


@pytest.mark.parametrize("text", ["'DISCARD ALL", 'RESET "a', "RESET ALL /* all"])
def test_what_never_closes_is_no_sql(text: str) -> None:
    assert statements(text) is None


@pytest.mark.parametrize(
    ("query", "comment"),
    [
        ("DISCARD ALL ; clean up", "; clean up"),
        ("DISCARD ALL # clean up", "# clean up"),
        ("DISCARD ALL; reset the session", None),
        ("DISCARD ALL ; reset the session", "; reset the session"),
        ("RESET ALL ; reset role", None),
        ("RESET ALL ; CLOSE ALL", None),
        ("RESET ALL ; -- all", None),
        ("SELECT 1 ; SELECT 'a ; b'", None),
        ("; nothing", "; nothing"),
    ],
)
def test_the_end_of_a_query_is_a_comment_unless_it_can_be_sql(query: str, comment: str | None) -> None:
    found = comment_behind(query, is_reset_query=True)

    assert (found[0] if found else None) == comment


def test_a_number_sign_is_an_operator_in_other_queries() -> None:
    assert comment_behind("SELECT 5 # 3") is None


def test_long_texts_take_no_longer_than_they_are() -> None:
    assert statements("$1" * 20_000) is not None
