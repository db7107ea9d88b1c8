"""A client that speaks the simple query protocol: text is sent as it stands, and text comes back."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from select import select
from typing import TypeAlias

from psycopg import OperationalError, pq

Row: TypeAlias = Mapping[str, str | None]
"""One row, by the names of its columns."""


PATIENCE_S = 10
"""After so long a connection that says nothing is given up."""

_ANSWERED = {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY}


class Refused(Exception):
    """The server refused a client, or what a client asked."""


def dsn(host: str | Path, port: int, database: str, user: str, password: str = "") -> str:
    """A connection string for any libpq, to a server without TLS."""
    words = {"host": host, "port": port, "dbname": database, "user": user, "password": password}
    fixed = {"sslmode": "disable", "gssencmode": "disable", "connect_timeout": PATIENCE_S}
    return " ".join(f"{name}={_quoted(str(word))}" for name, word in (words | fixed).items() if word)


def query(where: str, statement: str) -> tuple[Row, ...]:
    """Connects, sends one text, and gives the rows of its last statement."""
    connection = connect(where)
    try:
        return ask(connection, statement)
    finally:
        connection.finish()


def connect(where: str) -> pq.abc.PGconn:
    """A connection that is the caller's to finish."""
    connection = pq.PGconn.connect(where.encode())
    if connection.status != pq.ConnStatus.OK:
        message = _text(connection.error_message)
        connection.finish()
        raise Refused(message)
    return connection


def ask(connection: pq.abc.PGconn, statement: str) -> tuple[Row, ...]:
    """Sends one text over a connection, and gives the rows of its last statement."""
    connection.send_query(statement.encode())
    rows: tuple[Row, ...] = ()
    while (result := _next_result(connection)) is not None:
        if result.status not in _ANSWERED:
            raise Refused(_text(result.error_message) or _text(connection.error_message) or str(result.status))
        rows = tuple(_rows(result))
    if connection.status != pq.ConnStatus.OK:
        raise Refused(_text(connection.error_message) or "the server closed the connection")
    return rows


def _next_result(connection: pq.abc.PGconn) -> pq.abc.PGresult | None:
    while connection.is_busy():
        if not select([connection.socket], [], [], PATIENCE_S)[0]:
            raise Refused(f"no answer after {PATIENCE_S} s")
        try:
            connection.consume_input()
        except OperationalError:
            break  # it was closed, and what was said before is in the result
    return connection.get_result()


def _rows(result: pq.abc.PGresult) -> Iterator[Row]:
    columns = [_text(result.fname(column) or b"") for column in range(result.nfields)]
    for row in range(result.ntuples):
        yield {name: _cell(result.get_value(row, column)) for column, name in enumerate(columns)}


def _cell(value: bytes | None) -> str | None:
    return None if value is None else _text(value)


def _text(written: bytes) -> str:
    return written.decode(errors="backslashreplace").strip()


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
