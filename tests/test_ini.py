from collections.abc import Iterator

import pytest

from poolcheck.read.pgbouncer.ini import Gap, Include, Ini, Refused, Statement, read_ini
from poolcheck.source import Located, Source, Span


def read(text: str) -> Ini:
    return read_ini(Source("pgbouncer.ini", text), Span("pgbouncer.ini", 0, len(text)))


def assignments(ini: Ini) -> list[tuple[str | None, str, str]]:
    return [
        (section.header.value if section.header else None, name.value, value.value)
        for section in ini.sections
        for name, value in section.assignments
    ]


def statements(ini: Ini) -> Iterator[Statement]:
    return (statement for section in ini.sections for statement in section.statements)


def faults(text: str) -> list[tuple[str, str]]:
    refusals = [statement.refusal for statement in statements(read(text)) if isinstance(statement, Refused)]
    assert all(text[span.start : span.end] == written for _, (written, span), _ in refusals)
    return [(written.value, reason) for _, written, reason in refusals]


def assert_places_hold_what_is_written(ini: Ini, text: str) -> None:
    for section in ini.sections:
        for located in (part for assignment in section.assignments for part in assignment):
            assert text[located.span.start : located.span.end] == located.value


def test_names_and_values_are_found_where_they_are_written() -> None:
    text = "[databases]\n  shop =  host=db port=5432 \n[pgbouncer]\nlisten_addr=*\n"

    ini = read(text)

    assert assignments(ini) == [("databases", "shop", "host=db port=5432"), ("pgbouncer", "listen_addr", "*")]
    assert_places_hold_what_is_written(ini, text)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", " \t\n", "\v\f\n"])
def test_blanks_at_the_end_of_a_line_are_no_part_of_a_value(line_end: str) -> None:
    text = f"[pgbouncer]{line_end}pool_mode = session{line_end}"

    ini = read(text)

    assert assignments(ini) == [("pgbouncer", "pool_mode", "session")]
    assert_places_hold_what_is_written(ini, text)


def test_places_count_characters_whatever_stands_before_them() -> None:
    text = "; größe 🐘\n[pgbouncer]\n\tadmin_users =\tzoë, 🐘 # é\n"

    ini = read(text)

    assert assignments(ini) == [("pgbouncer", "admin_users", "zoë, 🐘 # é")]
    assert_places_hold_what_is_written(ini, text)


def test_indentation_continues_nothing() -> None:
    text = "[databases]\nshop = host=db\n    dbname = host=other\n"

    assert assignments(read(text)) == [("databases", "shop", "host=db"), ("databases", "dbname", "host=other")]


def test_a_backslash_continues_nothing() -> None:
    text = "[databases]\nshop = host=db \\\n    port = 1\n"

    assert assignments(read(text)) == [("databases", "shop", "host=db \\"), ("databases", "port", "1")]


def test_an_empty_value_has_a_place() -> None:
    text = "[pgbouncer]\nunix_socket_dir = \nlisten_port = 6432\n"

    (directory, _) = read(text).sections[1].assignments

    assert directory.value == Located("", Span("pgbouncer.ini", text.index("=") + 1, text.index("=") + 1))


def test_a_comment_stands_on_a_line_of_its_own() -> None:
    text = "[pgbouncer]\n ; pool_mode = statement\n\t# pool_mode = session\npool_mode = transaction ; Django\n"

    assert assignments(read(text)) == [("pgbouncer", "pool_mode", "transaction ; Django")]


def test_a_value_may_hold_equals_signs_colons_percent_signs_and_brackets() -> None:
    text = "[pgbouncer]\nauth_query = SELECT %(a)s: x[1] = $1 == [b]\n"

    assert assignments(read(text)) == [("pgbouncer", "auth_query", "SELECT %(a)s: x[1] = $1 == [b]")]


def test_what_follows_a_header_is_a_line_like_any_other() -> None:
    text = "[databases][pgbouncer] pool_mode = session\n[users] ; none\n"

    ini = read(text)

    assert [section.header.value for section in ini.sections if section.header] == [
        "databases",
        "pgbouncer",
        "users",
    ]
    assert assignments(ini) == [("pgbouncer", "pool_mode", "session")]


def test_a_header_is_taken_as_it_is_written() -> None:
    text = "[ pgbouncer ]\n[DEFAULT]\n[]\n[[users]\n"

    headers = [section.header for section in read(text).sections if section.header]

    assert [header.value for header in headers] == [" pgbouncer ", "DEFAULT", "", "[users"]
    assert [text[span.start : span.end] for _, span in headers] == ["[ pgbouncer ]", "[DEFAULT]", "[]", "[[users]"]


def test_sections_and_names_that_are_repeated_are_all_kept_in_order() -> None:
    text = "[pgbouncer]\na = 1\nA = 2\n[databases]\n[pgbouncer]\na = 3\n"

    assert assignments(read(text)) == [("pgbouncer", "a", "1"), ("pgbouncer", "A", "2"), ("pgbouncer", "a", "3")]


def test_what_precedes_all_headers_has_none() -> None:
    assert assignments(read("shop = host=db\n[pgbouncer]\n")) == [(None, "shop", "host=db")]


def test_a_name_in_quotes_may_hold_anything_even_a_line_break() -> None:
    text = "[databases]\n'my db = [x]' = host=a\n'two\nlines'= host=b\n"

    ini = read(text)

    assert assignments(ini) == [("databases", "my db = [x]", "host=a"), ("databases", "two\nlines", "host=b")]
    (quoted, _) = ini.sections[1].assignments
    assert text[quoted.name.span.start : quoted.name.span.end] == "'my db = [x]'"


def test_a_name_may_be_empty() -> None:
    assert assignments(read("[databases]\n= host=db\n")) == [("databases", "", "host=db")]


def test_includes_are_found_in_any_section() -> None:
    text = "%include base.ini\n[pgbouncer]\n  %include\tlocal settings.ini \r\npool_mode = session\n"

    paths = [statement.path for statement in statements(read(text)) if isinstance(statement, Include)]

    assert [path.value for path in paths] == ["base.ini", "local settings.ini"]
    assert [text[span.start : span.end] for _, span in paths] == ["base.ini", "local settings.ini"]


def test_a_nul_ends_the_text() -> None:
    assert assignments(read("[pgbouncer]\na = 1\0\nb = 2\n")) == [("pgbouncer", "a", "1")]


@pytest.mark.parametrize("blank", ["\xa0", "\x85", "\x1c", "\u2028", "\u3000"])
def test_what_only_python_takes_for_a_blank_is_part_of_a_value(blank: str) -> None:
    text = f"[pgbouncer]\njob_name = {blank}a{blank}b{blank}\nsyslog = 1\n"

    ini = read(text)

    assert assignments(ini) == [
        ("pgbouncer", "job_name", f"{blank}a{blank}b{blank}"),
        ("pgbouncer", "syslog", "1"),
    ]
    assert_places_hold_what_is_written(ini, text)


def test_a_lone_carriage_return_ends_no_line() -> None:
    assert assignments(read("[databases]\rshop = host=db\r[pgbouncer]\n")) == [
        ("databases", "shop", "host=db\r[pgbouncer]")
    ]


@pytest.mark.parametrize(
    ("line", "refused", "reason"),
    [
        ("default_pool_size: 20", "default_pool_size: 20", "a setting is written as name = value"),
        ("-- note", "-- note", "a setting is written as name = value"),
        ("%INCLUDE x.ini", "%INCLUDE x.ini", "a setting is written as name = value"),
        ("%include", "%include", "a setting is written as name = value"),
        ("my db = host=a", " ", "' ' cannot be part of a name"),
        ("café = host=a", "é", "'é' cannot be part of a name"),
        ('"shop" = host=a', '"shop"', "a name cannot stand in double quotes"),
        ("[databases", "[databases", "the header has no ]"),
        ("'shop = host=a", "'shop = host=a", "a name in quotes is closed, not empty, and followed by ="),
        ("'' = host=a", "'' = host=a", "a name in quotes is closed, not empty, and followed by ="),
        ("\xa0a = 1", "\xa0", "it begins with a no-break space"),
    ],
)
def test_a_line_that_pgbouncer_refuses_is_a_fault_and_the_next_is_read(
    line: str, refused: str, reason: str
) -> None:
    text = f"[pgbouncer]\n  {line}\r\nsyslog = 1\n"

    assert faults(text) == [(refused, f"PgBouncer refuses this line: {reason}")]
    assert ("pgbouncer", "syslog", "1") in assignments(read(text))


def test_refused_lines_that_follow_one_another_are_one_fault_at_the_first() -> None:
    text = "[pgbouncer]\nUsage:\n\n  pgbouncer -d pgbouncer.ini\npsql -p 6432\nsyslog = 1\nBye.\nBye = bye bye\n"

    assert faults(text) == [
        ("Usage:", "PgBouncer refuses this line and the 2 below it: a setting is written as name = value"),
        ("Bye.", "PgBouncer refuses this line: a setting is written as name = value"),
    ]


def test_of_two_refused_lines_the_first_is_told_apart() -> None:
    text = "[users]\na@x.org = pool_mode=session\nb@x.org = pool_mode=session\n"

    assert faults(text) == [
        ("@", "PgBouncer refuses this line and the one below it: '@' cannot be part of a name")
    ]


def test_faults_are_in_the_order_of_the_text() -> None:
    text = "oops\n[pgbouncer]\n\xa0syslog = 1\nsyslog: 1\n"

    assert [place for place, _ in faults(text)] == ["oops", "\xa0", "syslog: 1"]


def test_a_byte_order_mark_is_a_fault_and_the_header_behind_it_is_read() -> None:
    text = "\ufeff[pgbouncer]\nsyslog = 1\n"

    assert faults(text) == [("\ufeff", "PgBouncer refuses this line: it begins with a byte-order mark")]
    assert assignments(read(text)) == [("pgbouncer", "syslog", "1")]


@pytest.mark.parametrize(
    "line",
    [
        "{{- if .Values.tls }}",
        "{% for db in databases %}",
        "<% if tls %>",
        "%{ if tls ~}",
        "%%{ for x in y }",
        "${EXTRA_SETTINGS}",
        "$(EXTRA_SETTINGS)",
        "{{ name }} = {{ value }}",
        "__DATABASES__",
        "@DATABASES@",
        "%%DATABASES%%",
        "{{/* first\n second: line\n*/}}",
    ],
)
def test_a_line_that_a_template_fills_in_is_a_gap_and_no_fault(line: str) -> None:
    text = f"[pgbouncer]\n{line}\nsyslog = 1\n"

    ini = read(text)

    (gap, _) = ini.sections[1].statements
    assert isinstance(gap, Gap)
    assert text[gap.span.start : gap.span.end] == line
    assert assignments(ini) == [("pgbouncer", "syslog", "1")]


def test_a_template_that_never_closes_hides_no_more_than_its_line() -> None:
    text = "[pgbouncer]\n{{ if x\nsyslog: 1\n"

    assert faults(text) == [("syslog: 1", "PgBouncer refuses this line: a setting is written as name = value")]


def test_a_region_of_a_text_is_read_alone_and_with_the_offsets_of_the_text() -> None:
    before = "data:\n  größe: 🐘\n  pgbouncer.ini: |\n"
    block = "    [pgbouncer]\n      pool_mode = session\n"
    text = f"{before}{block}  other: |\n    [users]\n"

    ini = read_ini(Source("map.yaml", text), Span("map.yaml", len(before), len(before) + len(block)))

    assert assignments(ini) == [("pgbouncer", "pool_mode", "session")]
    assert_places_hold_what_is_written(ini, text)
