"""One configuration before two judges: a rule of poolcheck, and the real PgBouncer.

    with blamed("host-with-port", room, ini) as pooler:
        ...  # the rule finds something in it, and this is what PgBouncer makes of it
    with cleared("host-with-port", room, ini.replace(":5432", ""), server=postgres) as pooler:
        ...  # the rule finds nothing in it, and PgBouncer does what was meant

A rule reads the text as it stands, and PgBouncer with the loopback for the addresses 10.0.0.5 and 10.0.0.7.
"""

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias, TypeVar

import pytest

from poolcheck.catalog import RuleFile, installed
from poolcheck.testing import SETTINGS, Example, report_on
from servers import client
from servers.client import Row
from servers.pgbouncer import PgBouncer, Room
from servers.postgres import OWNER, PostgreSQL
from servers.process import PATIENCE_S
from servers.programs import Program, Version

T = TypeVar("T")
Texts: TypeAlias = Mapping[str, str]

HOST = "127.0.0.1"
POOLER = "10.0.0.5"
"""Stands for an address of the pooler in the network."""
SERVER = "host=10.0.0.7"
"""Stands for the server's address, at the beginning of an entry."""

MAIN = "pgbouncer.ini"
WHO = "select current_user as who"
HEADER = "[pgbouncer]\n"
NO_TEXTS: Texts = {}

_PAUSE_S = 0.005


def blamed(
    rule: str, room: Room, ini: str, files: Texts = NO_TEXTS, server: PostgreSQL | None = None
) -> PgBouncer:
    """A PgBouncer on a text in which the rule finds something. It has ended where it does not start."""
    assert found(rule, {MAIN: ini, **files}, room.program), f"{rule} finds nothing in\n{ini}"
    return room.start(placed(ini, room, server), files)


def cleared(
    rule: str, room: Room, ini: str, files: Texts = NO_TEXTS, server: PostgreSQL | None = None
) -> PgBouncer:
    """A PgBouncer on a text in which the rule finds nothing."""
    assert found(rule, {MAIN: ini, **files}, room.program) == []
    return room.start(placed(ini, room, server), files)


def found(rule: str, sources: Texts, program: Program) -> list[str]:
    """The messages of a rule's findings, advice among them, for the release of a PgBouncer."""
    target = f'[target]\npgbouncer = "{".".join(map(str, program.version))}"\n'
    example = Example(_rules()[rule], "", {**sources, SETTINGS: target}, ())
    return [finding.message for finding in report_on(example).findings]


def placed(ini: str, room: Room, server: PostgreSQL | None = None) -> str:
    """The text as PgBouncer runs it: in its room, and in front of the real server if one is given."""
    assert HEADER in ini
    address = f"host={HOST} port={server.port} dbname={OWNER}" if server else SERVER
    return ini.replace(HEADER, HEADER + room.address).replace(POOLER, HOST).replace(SERVER, address)


def over_tcp(pooler: PgBouncer, database: str, user: str, password: str, statement: str) -> tuple[Row, ...]:
    """What a client gets that comes over the network."""
    return client.query(pooler.dsn(database, user, password, HOST), statement)


def logs(pooler: PgBouncer, words: str) -> bool:
    """Whether a line that it has logged holds these words."""
    return any(words in line for line in pooler.log)


def until(look: Callable[[], T]) -> T:
    """Looks again and again, until there is something to see."""
    end = time.monotonic() + PATIENCE_S
    while not (seen := look()):
        assert time.monotonic() < end, f"nothing is seen after {PATIENCE_S} s"
        time.sleep(_PAUSE_S)
    return seen


def skip_before(program: Program, release: Version, why: str) -> None:
    """Skips the test for a release that came before."""
    if program.version < release:
        pytest.skip(f"{program}: {why} from {'.'.join(map(str, release))} on")


@cache
def _rules() -> Mapping[str, RuleFile]:
    return installed()
