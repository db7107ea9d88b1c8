import pytest

from poolcheck.read.pgbouncer.connection_string import ConnectionString, read_connection_string
from poolcheck.source import Located, Span

START = 100


def read(text: str) -> ConnectionString:
    return read_connection_string(Located(text, Span("pgbouncer.ini", START, START + len(text))))


def pairs(text: str) -> list[tuple[str, str]]:
    return [(name.value, value.value) for name, value in read(text).parameters]


def text_at(text: str, span: Span) -> str:
    return text[span.start - START : span.end - START]


def test_blanks_around_an_equals_sign_do_not_matter() -> None:
    assert pairs("host = db  port= 5432 user =app") == [("host", "db"), ("port", "5432"), ("user", "app")]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_nothing_but_a_space_separates(separator: str) -> None:
    assert pairs(f"host=db{separator}port=5432") == [("host", f"db{separator}port=5432")]


def test_an_empty_value_takes_the_next_pair_for_itself() -> None:
    assert pairs("host= port=5432") == [("host", "port=5432")]


def test_a_doubled_quote_in_quotes_is_one_quote() -> None:
    assert pairs(r"dbname='it''s \ here'") == [("dbname", r"it's \ here")]


def test_a_quote_within_a_value_is_a_character_like_any_other() -> None:
    assert pairs("host=it's user=app") == [("host", "it's"), ("user", "app")]


def test_double_quotes_stay() -> None:
    assert pairs('host="db"') == [("host", '"db"')]


def test_the_character_behind_a_closing_quote_is_dropped() -> None:
    assert pairs("host='db'xport=5432") == [("host", "db"), ("port", "5432")]


def test_a_place_holds_the_quotes_and_counts_characters() -> None:
    text = "user='é🐘' port=5432"

    user, port = read(text).parameters

    assert text_at(text, user.value.span) == "'é🐘'"
    assert text_at(text, port.name.span) == "port"
    assert text_at(text, port.value.span) == "5432"


@pytest.mark.parametrize(
    ("text", "refused", "message"),
    [
        ("host=db and more", "and", "PgBouncer refuses this entry: this word is no key=value pair"),
        (
            "postgresql://app@db/shop",
            "postgresql://app@db/shop",
            "PgBouncer refuses this entry: a postgresql:// URI is no key=value pair",
        ),
        ("host=a, b", "b", "PgBouncer refuses this entry: a list of hosts ends at a blank"),
        ("host=db user=", "user=", "PgBouncer refuses this entry: this value is empty"),
        ("user=app password=''", "password=", "PgBouncer refuses this entry: this value is empty"),
        ("host=db user='app", "'", "PgBouncer refuses this entry: this quote is never closed"),
    ],
)
def test_a_fault_is_at_the_place_where_pgbouncer_stops(text: str, refused: str, message: str) -> None:
    fault = read(text).fault

    assert fault is not None
    assert fault.written.value == text_at(text, fault.written.span) == refused
    assert fault.reason == message


def test_what_looks_like_a_comment_ends_the_pairs() -> None:
    string = read("host=db ; main = yes")

    assert [name.value for name, _ in string.parameters] == ["host"]
    assert string.comment == Located("; main = yes", Span("pgbouncer.ini", START + 8, START + 20))
    assert string.fault is None


def test_a_sign_within_a_value_begins_no_comment() -> None:
    string = read("host=db; password=se#cr;et user='a ; b'")

    assert string.comment is None
    assert len(string.parameters) == 3


def test_what_follows_a_password_without_quotes_may_be_the_rest_of_it() -> None:
    string = read("user=app password=correct #horse")

    assert string.comment is None
    assert string.fault is not None
    assert "horse" not in string.fault.reason


def test_what_follows_a_password_in_quotes_is_no_part_of_it() -> None:
    assert read("password='correct' # rotated in May").comment is not None


def test_a_template_may_hold_blanks_and_is_never_at_fault() -> None:
    string = read("host={{ .Values.host }} port=${PORT} dbname=<%= @db %> user='{{ user }}'")

    assert [value.value for _, value in string.parameters] == [
        "{{ .Values.host }}",
        "${PORT}",
        "<%= @db %>",
        "{{ user }}",
    ]
    assert string.fault is None
    assert string.is_complete


@pytest.mark.parametrize(
    "text",
    ["host=db {{ extra }}", "host=db {% if x %}pool_size=5{% endif %}", "{{ a }}={{ b }}", "__SHOP__", "@SHOP@"],
)
def test_a_string_is_not_complete_where_a_template_may_bring_pairs_in(text: str) -> None:
    string = read(text)

    assert not string.is_complete
    assert string.fault is None
