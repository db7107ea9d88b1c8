"""The statements of an SQL text are those that PostgreSQL would find."""

import pytest

from poolcheck.read.pgbouncer.sql import Statement, statements


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
    ],
)
def test_a_text_is_cut_at_semicolons_outside_of_quotes_and_comments(text: str, found: list[Statement]) -> None:
    assert statements(text) == tuple(found)


@pytest.mark.parametrize("text", ["'DISCARD ALL", 'RESET "a', "RESET ALL /* all", '""'])
def test_what_never_closes_is_no_sql(text: str) -> None:
    assert statements(text) is None


def test_long_texts_take_no_longer_than_they_are() -> None:
    assert statements("$1" * 20_000) is not None
