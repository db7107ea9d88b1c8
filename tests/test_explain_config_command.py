import io
import json
from pathlib import Path
from typing import Any

import pytest

from poolcheck.cli import main

SHOP = """\
[databases]
shop = host=10.0.0.7 user=app password=hunter22 pool_size=5
*    = host=10.0.0.8

[pgbouncer]
listen_addr = 10.0.0.1
pool_mode = session
default_pool_size = 20
default_pool_size = 40
%include more.ini
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pgbouncer.ini").write_text(SHOP)
    (tmp_path / "more.ini").write_text("server_lifetime = 010.5\n[users]\napp = pool_mode=transaction\n")
    return tmp_path


def explained(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[str]]:
    status = main(["explain-config", "pgbouncer.ini", *options])
    return status, capsys.readouterr().out.splitlines()


def document(capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    main(["explain-config", "pgbouncer.ini", "--output-format", "json", *options])
    return json.loads(capsys.readouterr().out)


def test_it_shows_what_is_in_effect_and_where_each_value_is_from(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines = explained(capsys, "--changed", "--target", "pgbouncer=1.22")

    assert status == 0
    assert lines == [
        "pgbouncer.ini as PgBouncer 1.22 reads it",
        "",
        "It starts, if",
        "  listen_addr 10.0.0.1 is an address of the machine  (line 6)",
        "  unix_socket_dir /tmp is a folder that can be written to  (default)",
        "line 10: includes more.ini",
        "",
        "[pgbouncer]",
        "  default_pool_size  40        line 9 (default 20)",
        "                     not 20 at line 8: replaced at line 9",
        '  listen_addr        10.0.0.1  line 6 (default "")',
        "  pool_mode          session   line 7",
        "  server_lifetime    10.5      more.ini:1 (default 3600)",
        "",
        "[databases]",
        "  shop  line 2",
        "    host       10.0.0.7  line 2",
        "    user       app       line 2",
        "    pool_size  5         line 2",
        "  *  line 3",
        "    host  10.0.0.8  line 3",
        "",
        "[users]",
        "  app  more.ini:3",
        "    pool_mode  transaction  more.ini:3",
    ]


def test_every_setting_of_the_version_is_shown_with_its_default(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, lines = explained(capsys, "--target", "pgbouncer=1.18")
    names = {line.split()[0] for line in lines if line.startswith("  ") and line.endswith("default")}

    assert {"server_tls_sslmode", "query_wait_timeout", "max_client_conn"} <= names
    assert "max_prepared_statements" not in names
    assert [line.split() for line in lines if line.startswith("  server_tls_sslmode")] == [
        ["server_tls_sslmode", "disable", "default"]
    ]


def test_what_is_refused_is_shown_first_and_is_the_exit_status(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "more.ini").write_text("pool_mode = tx\n")

    status, lines = explained(capsys)

    assert status == 1
    assert lines[2:4] == [
        "It does not start.",
        "  more.ini:1:13: PgBouncer does not start: pool_mode is session, transaction or statement, not 'tx'",
    ]


def test_a_variable_is_taken_as_it_stands_for_nothing_expands_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "pgbouncer.ini").write_text("[pgbouncer]\nlisten_addr = $ADDR\ndefault_pool_size = ${SIZE}\n")

    status, lines = explained(capsys, "--changed")

    assert status == 1
    assert "${SIZE}" in lines[3]


def test_what_a_header_sets_back_is_shown_with_the_header(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "pgbouncer.ini").write_text("[pgbouncer]\nmax_client_conn = 500\n[databases]\n[pgbouncer]\n")

    _, lines = explained(capsys, "--changed")

    at = lines.index("  max_client_conn  100  default")
    assert lines[at + 1].strip() == "not 500 at line 2: [pgbouncer] at line 4 sets it back"


def test_includes_are_looked_for_where_pgbouncer_is_started(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "etc").mkdir()
    (place / "more.ini").rename(place / "etc" / "more.ini")

    assert explained(capsys)[0] == 1
    assert explained(capsys, "--working-directory", "etc")[0] == 0


def test_the_file_may_come_from_standard_input(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"[pgbouncer]\nlisten_port = 5433\n")))

    status = main(["explain-config", "-", "--changed"])

    assert status == 0
    assert "  listen_port  5433  line 2 (default 6432)" in capsys.readouterr().out.splitlines()


def test_no_password_is_printed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "more.ini").write_text(
        'auth_ldap_options = ldapserver=x ldapbindpasswd="opensesame" ldapport=389\n'
        "[databases]\naudit = host=a connect_query='ALTER USER app PASSWORD ''opensesame'''\n"
    )

    for options in ([], ["--output-format", "json"]):
        explained_lines = "\n".join(explained(capsys, *options)[1])
        assert "hunter22" not in explained_lines
        assert "opensesame" not in explained_lines


def test_the_document_says_the_same_with_places(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, "--target", "pgbouncer=1.22")

    assert (told["version"], told["target"], told["pgbouncer"]) == (1, "1.22", "1.22")
    assert told["starts"] is True
    assert told["refusals"] == []
    (size,) = [each for each in told["settings"] if each["name"] == "default_pool_size"]
    assert size == {
        "name": "default_pool_size",
        "value": "40",
        "origin": "file",
        "place": {
            "path": "pgbouncer.ini",
            "start": {"line": 9, "column": 21},
            "end": {"line": 9, "column": 23},
        },
        "default": "20",
        "undone": [
            {
                "value": "20",
                "place": {
                    "path": "pgbouncer.ini",
                    "start": {"line": 8, "column": 21},
                    "end": {"line": 8, "column": 23},
                },
                "by": "line",
                "by_place": {
                    "path": "pgbouncer.ini",
                    "start": {"line": 9, "column": 1},
                    "end": {"line": 9, "column": 18},
                },
            }
        ],
    }
    assert [each["found"] for each in told["includes"]] == ["more.ini"]
    assert [each["name"] for each in told["databases"]] == ["shop", "*"]


def test_the_document_tells_what_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "more.ini").write_text("idle_transaction_timeout = 5min\n")

    told = document(capsys)

    assert told["starts"] is False
    assert [(each["cause"], each["place"]["path"]) for each in told["refusals"]] == [("unit", "more.ini")]


def test_the_version_may_be_a_setting_of_the_project(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "poolcheck.toml").write_text('[target]\npgbouncer = "1.20"\n')

    assert explained(capsys)[1][0] == "pgbouncer.ini as PgBouncer 1.20 reads it"
    assert explained(capsys, "--isolated")[1][0].startswith("pgbouncer.ini as PgBouncer 1.26.1, the newest")


@pytest.mark.parametrize("name", ["missing.ini", "."])
def test_a_file_that_cannot_be_read_is_told_in_one_line(
    name: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["explain-config", name])

    told = capsys.readouterr()
    assert (status, told.out) == (2, "")
    assert told.err.startswith(f"poolcheck: {name}")
    assert told.err.count("\n") == 1


def test_bytes_that_are_no_text_are_shown_as_such(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "pgbouncer.ini").write_bytes(b"[pgbouncer]\nadmin_users = caf\xe9\n")

    status, lines = explained(capsys, "--changed")

    assert status == 0
    assert any(line.startswith("  admin_users  caf") for line in lines)
