"""What is read of an auth_file.

Observed with PgBouncer 1.18.0, 1.25.2 and 1.26.1: SHOW USERS, `broken auth file` in the log, and who may log in.
"""

import pytest

from poolcheck.read.pgbouncer.userlist import (
    LONGEST_NAME,
    LONGEST_SECRET,
    SecretKind,
    Userlist,
    read_userlist,
    secret_kind,
)
from poolcheck.source import Source, Span

KEY = "A" * 43 + "="
SCRAM = f"SCRAM-SHA-256$4096:c2FsdHNhbHQ=${KEY}:{KEY}"
MD5 = "md5" + "0123456789abcdef" * 2


def read(text: str) -> Userlist:
    return read_userlist(Source("userlist.txt", text))


def names(text: str) -> list[str]:
    return [user.name.value for user in read(text).users]


def kinds(text: str) -> dict[str, SecretKind | None]:
    return {user.name.value: user.secret.value for user in read(text).users}


def text_at(text: str, span: Span) -> str:
    return text[span.start : span.end]


def stop(text: str) -> tuple[str, str] | None:
    """Where PgBouncer stops reading, and why."""
    fault = read(text).fault
    return (text_at(text, fault.span), fault.message) if fault else None


def test_a_line_holds_a_name_and_a_secret_and_the_rest_of_it_is_skipped() -> None:
    assert names('"app" "x" ""\n  "web""s" "y" ; note\r\n\n"etl"="z"') == ["app", 'web"s', "etl"]


def test_a_semicolon_begins_a_comment_line() -> None:
    assert names('; users\n\t;"old" "x"\n"app" "x"') == ["app"]


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("", SecretKind.EMPTY),
        ("s3cret", SecretKind.PLAIN),
        ("md5 of nothing", SecretKind.PLAIN),
        (MD5, SecretKind.MD5),
        (MD5.upper(), SecretKind.PLAIN),
        (MD5 + "0", SecretKind.PLAIN),
        (SCRAM, SecretKind.SCRAM),
        (SCRAM.replace("$", "$$"), SecretKind.PLAIN),
        (SCRAM[:-1], SecretKind.PLAIN),
        ("${PASSWORD}", None),
        ("__PASSWORD__", None),
    ],
)
def test_the_kind_of_a_secret_is_told_by_its_form(secret: str, kind: SecretKind | None) -> None:
    assert secret_kind(secret) is kind
    assert kinds(f'"app" "{secret}"') == {"app": kind}


def test_variables_are_not_seen_in_a_hash() -> None:
    key = "ZnlSHsgfybB6xNQGVBBDwWbXe0VN6XOdheRfBpLNXeY="

    assert secret_kind(f"SCRAM-SHA-256$4096:c2FsdHNhbHQ=${key}:{key}") is SecretKind.SCRAM


@pytest.mark.parametrize(
    ("secret", "looks_hashed"),
    [
        (MD5, False),
        (MD5.upper(), True),
        (SCRAM, False),
        (SCRAM.replace("$", "$$"), True),
        ("SCRAM-SHA-256$4096:<salt>$<stored key>:<server key>, as psql shows it with --echo-hidden", False),
        ("md5sum", False),
    ],
)
def test_what_was_meant_as_a_hash_is_told_from_a_password(secret: str, looks_hashed: bool) -> None:
    (user,) = read(f'"app" "{secret}"').users

    assert user.looks_hashed is looks_hashed


@pytest.mark.parametrize(
    ("line", "name", "secret"),
    [('"app" s3cret', "app", '"web"'), ('"app" "s3cret', "app", '"s3cret\n"'), ('"app', "app\n", '" "')],
)
def test_where_a_line_lacks_a_quote_the_next_one_in_the_file_counts(line: str, name: str, secret: str) -> None:
    text = f'{line}\n"web" "x"\n"etl" "y"\n'

    app, etl = read(text).users

    assert (app.name.value, text_at(text, app.secret.span), app.runs_on) == (name, secret, True)
    assert (etl.name.value, etl.runs_on) == ("etl", False)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("# users", "a comment begins with a semicolon"),
        ("web s3cret", "a name stands in double quotes"),
        ("'web' 's3cret'", "a name stands in double quotes"),
        ("\ufeff", "the file begins with a byte-order mark"),
    ],
)
def test_reading_ends_at_a_line_that_is_neither_an_entry_nor_a_comment(line: str, reason: str) -> None:
    text = f'"app" "x"\n {line}  \r\n"etl" "y"\n'

    assert names(text) == ["app"]
    assert stop(text) == (line, reason)
    assert [unread.value for unread in read(text).unread] == ["etl"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('"app', "this quote is never closed"),
        ('"app"', "no secret in double quotes follows the name"),
        ('"app" s3cret', "no secret in double quotes follows the name"),
        ('"app" "s3cret', "no secret in double quotes follows the name"),
    ],
)
def test_reading_ends_at_an_entry_that_the_file_does_not_end(line: str, reason: str) -> None:
    assert stop(f"{line}\n") == (line, reason)


@pytest.mark.parametrize(
    ("name", "secret", "is_read"),
    [
        ("n" * LONGEST_NAME, "s" * LONGEST_SECRET, True),
        ("n" * (LONGEST_NAME + 1), "s", False),
        ("é" * (LONGEST_NAME // 2 + 1), "s", False),
        ("n", "s" * (LONGEST_SECRET + 1), False),
    ],
)
def test_reading_ends_at_a_name_or_a_secret_that_is_too_long(name: str, secret: str, is_read: bool) -> None:
    found = read(f'"{name}" "{secret}"\n')

    assert (len(found.users), found.fault is None) == (is_read, is_read)


def test_before_1_26_a_secret_has_fewer_bytes() -> None:
    found = read(f'"web" "{"s" * 2048}"\n')

    assert [len(found.of(version).users) for version in (None, (1, 25, 2), (1, 26))] == [1, 0, 1]
    assert read('"web" "s"\n').older is None


def test_the_hashes_that_begin_lines_from_the_fault_on_are_noted() -> None:
    text = '"app" "x#y"\n  # one\n"web" "z" # two\n  # three\n'

    assert [span.start for span in read(text).hashes] == [text.index("# one"), text.index("# three")]


def test_a_part_of_a_file_is_read_where_it_stands() -> None:
    text = 'data:\n  users: |\n    "app" "x"\n    # two\n    "web" "y"\nother: "z"\n'
    part = Span("users.yaml", text.index('    "app'), text.index("other"))

    found = read_userlist(Source("users.yaml", text), part)

    assert [text_at(text, user.name.span) for user in found.users] == ['"app"']
    assert [text_at(text, span) for span in found.hashes] == ["#"]
    assert [unread.value for unread in found.unread] == ["web"]
    assert found.span == part


def test_a_nul_ends_the_file() -> None:
    found = read('"app" "x"\n\0"web" "y"\n# z\n')

    assert ([user.name.value for user in found.users], found.fault, found.unread) == (["app"], None, ())


def test_the_last_of_two_entries_counts() -> None:
    found = read(f'"app" "{MD5}"\n"app" "{SCRAM}"\n').user("app")

    assert found
    assert found.secret.value is SecretKind.SCRAM


def test_a_file_lacks_only_whom_it_names_nowhere() -> None:
    found = read('"app" "x"\n# below nothing is read\n"web" "y"\n')

    assert [found.lacks(name) for name in ("app", "web", "etl")] == [False, False, True]


def test_a_file_with_an_entry_that_runs_on_may_hold_anybody() -> None:
    assert not read('"app" s3cret\n"web" "x"\n').lacks("web")


@pytest.mark.parametrize(
    "line", ['{{ range .users }}"{{ .name }}" "{{ .md5 }}"{{ end }}', '"${NAME}" "x"', "@USERS@", "{% for %}"]
)
def test_a_template_may_bring_in_anybody(line: str) -> None:
    found = read(f'"app" "x"\n{line}\n"web" "y"\n')

    assert ([user.name.value for user in found.users], found.fault) == (["app", "web"], None)
    assert (found.is_complete, found.lacks("etl")) == (False, False)


def test_places_hold_the_quotes_and_count_characters() -> None:
    text = '"é🐘" "ü" "y"'
    (user,) = read(text).users

    assert (text_at(text, user.name.span), text_at(text, user.secret.span)) == ('"é🐘"', '"ü"')


def test_nothing_of_a_secret_is_kept() -> None:
    assert "s3cret" not in repr(read('"app" "s3cret"\n"web" s3cret2\n"etl" "x"\n'))
