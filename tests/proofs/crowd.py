"""Many clients of one PgBouncer, and how many server connections they come to."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from proofs.judged import Texts, until
from proofs.wire import ENDED, Message, Wire, knock
from servers.pgbouncer import PgBouncer
from servers.postgres import OWNER

SHOP = f"[databases]\nshop = host=10.0.0.7 user={OWNER}"
"""An entry of which all clients are one user, to be continued or ended."""

ANY_USER = "[databases]\nshop = host=10.0.0.7"
"""An entry of which each client is a user of its own, to be continued or ended."""

IN_TRANSACTIONS = "[pgbouncer]\nauth_type = any\npool_mode = transaction\n"
LISTED = "[pgbouncer]\nauth_type = trust\nauth_file = userlist.txt\npool_mode = transaction\n"


def listing(*users: str) -> Texts:
    """An auth_file with these users."""
    return {"userlist.txt": "".join(f'"{user}" ""\n' for user in users)}


@contextmanager
def crowd(
    pooler: PgBouncer, count: int, database: str = "shop", user: str = "anyone"
) -> Generator[list[Wire], None, None]:
    """So many clients that have sent `begin`: each has a server connection for itself, or waits for one."""
    with ExitStack() as stack:
        clients = [stack.enter_context(knock(pooler, database, user)) for _ in range(count)]
        for client in clients:
            client.query("begin")
        yield clients


def has_got_in(pooler: PgBouncer, statement: str = "", database: str = "shop", user: str = "anyone") -> Wire:
    """A client that has logged in, and has the answer to its first statement if there is one."""
    client = knock(pooler, database, user)
    assert client.hears_of(b"Z") != ENDED, pooler.log
    if statement:
        client.query(statement)
        assert client.hears_of(b"Z") != ENDED, pooler.log
    return client


def still_busy(holder: Wire, other: Wire) -> Message:
    """What the other one gets while the holder is not idle for long, though always in its transaction."""
    while other.is_left_waiting(0.05):
        holder.query("select 1")
        assert holder.hears_of(b"Z") != ENDED
    return other.hears_of(b"C", b"E")


def held(pooler: PgBouncer, count: int) -> int:
    """The server connections that so many clients in transactions hold, when no more are to come for now."""
    seen = -1

    def has_settled() -> bool:
        nonlocal seen
        before, pools = seen, [row for row in pooler.show("POOLS") if row["database"] != "pgbouncer"]
        seen, waiting, coming = (
            sum(int(row[column] or 0) for row in pools) for column in ("sv_active", "cl_waiting", "sv_login")
        )
        # PgBouncer opens the next one between two answers, never before it has answered.
        return seen + waiting == count and coming == 0 and seen == before

    until(has_settled)
    return seen


def servers(pooler: PgBouncer) -> set[str | None]:
    """The server connections that there are, by the process ids of PostgreSQL."""
    return {row["remote_pid"] for row in pooler.show("SERVERS") if row["state"] != "new"}


def times(pooler: PgBouncer, *words: str) -> int:
    """How many of the lines that it has logged hold one of these words."""
    return sum(any(word in line for word in words) for line in pooler.log)


def opened(pooler: PgBouncer) -> int:
    """How many server connections it has opened since it started."""
    return times(pooler, "new connection to server")
