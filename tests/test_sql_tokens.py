"""SQL is cut as PostgreSQL cuts it: its own parser, pglast, is asked."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pglast import keywords, parser
from pglast.parser import ParseError

from poolcheck.read.sql.statements import statements
from poolcheck.read.sql.tokens import Kind, tokens

PIECES = st.sampled_from(
    [
        "'it''s'", "''", "E'a\\'b;'", "e'\\\\'", "U&'d\\0061t'", "B'01'", "x'1F'", "'a'\n'b'", "E'a' -- ;\n '\\''",
        '"a"', '"a""b;"', 'U&"x"', "$$;$$", "$f$ $$ ' $f$", "$é_1$;$é_1$", "/* ; */", "/* /* ; */ ' */", "-- ;'\n",
        "--\r", "1", "1.5e-3", ".5", "0x1F", "1_000", "1..2", "$1", "$27", "a", "_b$c", "é", "SELECT", "set", "+",
        "-", "a+-b", "@-", "<-", "<@--c\n", "*/*c*/2", "a::text", "f(x => 1)", "x := 1", "a[1:2]", "(", ")", ";",
        ",", ".", "=", "<=", "!=", "||", "->>", "?", "|", "~*", " ", "\n", "\t", "'", '"', "$", "\\", "/*", "*/",
        "{",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.text("aE'\"$;-/*\\\n %s:{}?(.1\0é", max_size=20)

STRINGS = ("'a;b'", "'it''s'", "E'\\';'", "U&'d\\0061;'", "$$;$$", "$x$ $$;' $x$", "'a'\n';b'")
BLANKS = (" ", "\n", "\t", " /* ; */ ", " /* /* ' */ ; */ ", " -- ; '\n", "\r\n", "\f")
TEMPLATES = (
    "SELECT {string} {blank} , \"a;\"\"b\" FROM t WHERE x = {string}",
    "INSERT INTO t VALUES ({string}, {blank} {string}) RETURNING id",
    "SET{blank}LOCAL search_path TO {string}",
    "SET x.y = {string}",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2;{blank}END",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT {string};{blank}SELECT 2)",
    "DO $do$ BEGIN PERFORM 1; END $do$",
    "CREATE FUNCTION g() RETURNS text LANGUAGE plpgsql AS $body$ BEGIN RETURN 1; END; $body$",
    "SELECT case when a then {string} end {blank} , atomic",
    "BEGIN{blank}ISOLATION LEVEL SERIALIZABLE",
    "LISTEN{blank}orders",
    "EXECUTE q(1, {string})",
    "SELECT 1 AS \"begin\", 2 AS \"end\"",
)  # fmt: skip


def written(template: str, string: str, blank: str) -> str:
    return template.replace("{string}", string).replace("{blank}", blank)


STATEMENTS = st.builds(written, st.sampled_from(TEMPLATES), st.sampled_from(STRINGS), st.sampled_from(BLANKS))
SEPARATORS = st.sampled_from([";", ";;", " ; ", ";/* ; */", "; -- ;\n"])


KEYWORDS = sorted(
    keywords.COL_NAME_KEYWORDS
    | keywords.RESERVED_KEYWORDS
    | keywords.TYPE_FUNC_NAME_KEYWORDS
    | keywords.UNRESERVED_KEYWORDS
)
INSTALLED = sorted(Path("/usr/share/postgresql").glob("*/**/*.sql"))
"""The SQL that PostgreSQL itself comes with, where it is installed: its system catalogues and extensions."""
_FOR_PSQL = re.compile(r"^\\.*$", re.MULTILINE)
"""What psql takes out of it before it is SQL."""


def scanned(text: str) -> list[tuple[int, int]]:
    """Where PostgreSQL's lexer sees the tokens of a text. Raises ParseError."""
    found = parser.scan(text)
    return [(each.start, each.end + 1) for each in found if each.name not in {"SQL_COMMENT", "C_COMMENT"}]


def has_placeholders(text: str) -> bool:
    """Whether something is a placeholder to a driver, which PostgreSQL reads as something else."""
    return any(token.kind is Kind.PLACEHOLDER and not token.text.startswith("$") for token in tokens(text))


@given(TEXTS)
@example("/*" * 1000 + "*/" * 999)
@example("'a'\n" * 500 + "'")
@example("+-" * 5000)
@example("\0")
def test_any_text_is_cut_into_tokens_that_stand_where_they_say(text: str) -> None:
    found = tokens(text)

    assert all(text[token.start : token.end] == token.text and token.text for token in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


@given(TEXTS)
def test_the_tokens_are_those_of_postgresql(text: str) -> None:
    assume("\0" not in text and not has_placeholders(text))
    try:
        expected = scanned(text)
    except ParseError:
        assume(False)
        raise

    assert [(token.start, token.end) for token in tokens(text)] == expected


@given(TEXTS)
def test_statements_are_made_of_all_tokens_but_semicolons(text: str) -> None:
    kept = [token for statement in statements(text) for token in statement.tokens]

    assert [token for token in tokens(text) if token.text != ";"] == [each for each in kept if each.text != ";"]


@given(st.lists(STATEMENTS, min_size=1, max_size=4), SEPARATORS)
def test_a_text_has_the_statements_that_postgresql_sees(parts: list[str], separator: str) -> None:
    text = separator.join(parts)
    slices = parser.split(text, only_slices=True)
    found = statements(text)

    assert len(found) == len(slices) == len(parts)
    for statement, place in zip(found, slices, strict=True):
        assert place.start <= statement.start < statement.end <= place.stop


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_keywords_are_words_wherever_they_stand(keyword: str) -> None:
    text = f"{keyword.upper()} '{keyword}' \"{keyword}\" a.{keyword}({keyword},{keyword});{keyword}"
    words = [token for token in tokens(text) if token.word == keyword.upper()]

    assert [(token.start, token.end) for token in tokens(text)] == scanned(text)
    assert len(words) == 5
    assert [each.words(1) for each in statements(text)] == [(keyword.upper(),)] * 2


@pytest.mark.skipif(not INSTALLED, reason="PostgreSQL is not installed")
def test_the_sql_that_postgresql_comes_with_is_cut_as_postgresql_cuts_it() -> None:
    for path in INSTALLED:
        text = _FOR_PSQL.sub("", path.read_text("utf-8")).replace("@extowner@", "owner")
        slices = [text[each] for each in parser.split(text, only_slices=True)]
        found = statements(text)

        assert [(token.start, token.end) for token in tokens(text)] == scanned(text), path
        assert [text[each.start : each.end] for each in found] == [_bare(each) for each in slices], path


def _bare(text: str) -> str:
    """A statement without the comments before it, which are none of its tokens, and those behind it."""
    places = scanned(text)
    return text[places[0][0] : places[-1][1]]


@pytest.mark.parametrize("count", [1, 10_000])
def test_any_number_of_statements_is_cut(count: int) -> None:
    found = statements("SET a.b = 'x;' -- ;\n;" * count)

    assert len(found) == count
    assert {each.words(2) for each in found} == {("SET", "A")}


@pytest.mark.parametrize(
    ("text", "placeholders"),
    [
        ("a = %s AND b = %(name)s AND c = %b", ["%s", "%(name)s", "%b"]),
        ("a = :id AND b::text = :name AND c[1:2]", [":id", ":name"]),
        ("a = $1 AND b = ? AND c = {}", ["$1", "?", "{}"]),
        ("SET x TO {schema}; SET y TO \0", ["{schema}", "\0"]),
        ("a<%s AND a %sum AND a->>'b' ?| c", ["%s"]),
        ("'%s {} :a ? $1' || \"%s\" || $$ %s $$ -- %s", []),
    ],
)
def test_placeholders_of_every_driver_are_told_from_operators(text: str, placeholders: list[str]) -> None:
    assert [token.text for token in tokens(text) if token.kind is Kind.PLACEHOLDER] == placeholders


@pytest.mark.parametrize(
    "text", ["SELECT 'a", 'SELECT "a', "SELECT E'a\\'", "SELECT $x$ $$", "SELECT /* /* */", "U&'"]
)
def test_what_never_closes_is_open_to_the_end(text: str) -> None:
    *_, last = tokens(text)

    assert last.kind is Kind.OPEN
    assert last.end == len(text)


def test_a_quoted_name_is_no_word() -> None:
    (statement,) = statements('SET "LOCAL" = 1')

    assert statement.words(4) == ("SET", "", "=", "")
