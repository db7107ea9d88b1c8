"""What file-encoding says of bytes that cannot be shown on its page."""

import pytest

from poolcheck.files import Format
from poolcheck.finding import Finding
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.load import read_pgbouncer
from poolcheck.read.text import decode
from poolcheck.source import Source, apply
from poolcheck_rules.pgbouncer.file_encoding import FileEncoding

SECTIONS = "[databases]\nshop = host=10.0.0.7\n[pgbouncer]\n"
MAC = "; all of it\r[databases]\rshop = host=10.0.0.7\r\r[pgbouncer]\rpool_mode = session\r"


def findings(data: bytes) -> list[Finding]:
    source = Source("pgbouncer.ini", decode(data, Format.INI))
    (config,) = (fact for fact in read_pgbouncer(source) if isinstance(fact, PgBouncerConfig))
    return list(FileEncoding().check(config))


def fixed(text: str) -> str:
    edits = [edit for finding in findings(text.encode()) if finding.fix for edit in finding.fix.edits]
    return apply(text, edits)


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        ("default_pool_size = 20\rmax_client_conn = 50\n", "line"),
        ("admin_users = alice\r\rmax_client_conn = 50\r\n", "line"),
        ("[users] app = pool_size=5\rbatch = pool_size=5", "line"),
        ("%include a.ini\r%include b.ini\n", "line"),
        ("; per host\rmax_client_conn = 50\n", "comment"),
        ("# per host\r[users]\n", "comment"),
    ],
)
def test_a_carriage_return_alone_ends_no_line(lines: str, part: str) -> None:
    text = f"{SECTIONS}{lines}"

    (finding,) = findings(text.encode())

    assert finding.message == f"PgBouncer takes what follows this carriage return for part of the {part}"
    assert finding.span.start == text.index("\r")


@pytest.mark.parametrize(
    "lines",
    [
        "max_client_conn = 50\r\n\r\r\npool_mode = session\r\r\n",
        "\r\rmax_client_conn = 50\n",
        "[users]\r\rapp = pool_size=5\r",
        "; one\r; two\n",
        "; as it was: \r 20\n",
    ],
)
def test_nor_does_it_harm_where_nothing_follows_and_where_a_statement_begins(lines: str) -> None:
    assert findings(f"{SECTIONS}{lines}".encode()) == []


def test_lines_that_end_so_are_broken() -> None:
    (finding,) = findings(MAC.encode())

    assert finding.fix
    assert not finding.fix.safe
    assert fixed(MAC) == MAC[:-1].replace("\r", "\n") + "\r"


def test_it_is_safe_to_break_what_pgbouncer_refuses_and_no_comment() -> None:
    refused, comment = findings(f"{SECTIONS}default_pool_size = 20\rpkt_buf = 5\n; x\rpkt_buf = 4\n".encode())

    assert refused.fix
    assert comment.fix
    assert (refused.fix.safe, comment.fix.safe) == (True, False)


@pytest.mark.parametrize("behind", ["\nmax_client_conn = 50\n", "20\n", "\n; comment\n"])
def test_what_stands_behind_a_nul_is_not_read(behind: str) -> None:
    text = f"{SECTIONS}default_pool_size = 20\0{behind}"

    (finding,) = findings(text.encode())

    assert text[finding.span.start] == "\0"
    assert finding.message == "PgBouncer reads this file up to this NUL byte and ignores what follows"


def test_a_nul_at_the_end_hides_nothing() -> None:
    assert findings(f"{SECTIONS}pool_mode = session\n\0\0 \r\n\0".encode()) == []


def test_utf_16_is_one_fault() -> None:
    (finding,) = findings(b"\xff\xfe" + SECTIONS.encode("utf-16-le"))

    assert finding.message == "PgBouncer refuses this file: it is encoded in UTF-16"
    assert finding.fix is None
