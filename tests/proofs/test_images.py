"""What PgBouncer makes of the configurations that images write, as poolcheck has them written."""

from collections.abc import Mapping

import pytest

from poolcheck.read.kubernetes.pooler_environment import Given, written_by
from poolcheck.read.kubernetes.pooler_images import Family
from poolcheck.read.kubernetes.pooler_scripts import SCRIPTS
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.load import read_rendered
from poolcheck.read.pgbouncer.startup import for_version
from poolcheck.source import Located, Span
from servers.pgbouncer import Room

PLACE = Span("deploy.yaml", 0, 1)
HOST = {"DB_HOST": "db.example", "DATABASES_HOST": "db.example", "POSTGRESQL_HOST": "db.example"}


def written(family: Family, room: Room, variables: Mapping[str, str]) -> tuple[str, PgBouncerConfig]:
    """The text that an image writes, moved into the room, and what poolcheck makes of it."""

    def given(name: str) -> Given | None:
        return Given(PLACE, Located(variables[name], PLACE)) if name in variables else None

    rendered = written_by(SCRIPTS[family], given, PLACE, version=None)
    assert rendered
    [config] = (each for each in read_rendered(rendered, "pgbouncer.ini") if isinstance(each, PgBouncerConfig))
    # The account and the folders are those of the image.
    lines = rendered.source.text.splitlines()
    moved = [line for line in lines if line.partition(" ")[0] not in {"user", "pidfile", "unix_socket_dir"}]
    text = "\n".join(line for line in moved if not line.startswith("listen_port")) + "\n"
    return f"{text}{room.address}", for_version(config, room.program.version)


@pytest.mark.parametrize("family", SCRIPTS)
def test_with_nothing_but_a_host_it_starts(family: Family, room: Room) -> None:
    text, config = written(family, room, HOST)

    outcome = room.outcome(text)

    assert outcome.started, outcome.log
    assert not config.refusals
    assert not config.malformed


@pytest.mark.parametrize(
    ("family", "variables", "says"),
    [
        (Family.EDOBURU, {"POOL_SIZE": "30"}, "unknown parameter: pgbouncer/pool_size"),
        (Family.EDOBURU, {"TIMEZONE": "UTC"}, "unknown parameter: pgbouncer/timezone"),
        (Family.EDOBURU, {"CLIENT_ENCODING": "UTF8"}, "syntax error in connection string"),
        (
            Family.EDOBURU,
            {"DATABASE_URL": "postgres://app:x@db/shop?sslmode=require"},
            "syntax error in configuration",
        ),
        (Family.EDOBURU, {"POOL_MODE": "transactional"}, "invalid value"),
        (Family.EDOBURU, {"MAX_CLIENT_CONN": "1000 # many"}, "invalid value"),
        (Family.BITNAMI, {"PGBOUNCER_QUERY_TIMEOUT": "30s"}, "invalid value"),
        (Family.BITNAMI, {"PGBOUNCER_DSN_0": "shop=host=db port=x"}, "invalid port"),
        (Family.PGBOUNCER, {"PGBOUNCER_CONFFILE": "/etc/x.ini", "PGBOUNCER_POOL_MODE": "x"}, "invalid value"),
        (Family.BRAINSAM, {"AUTH_TYPE": "scram"}, "invalid value"),
    ],
)
def test_what_poolcheck_takes_for_refused_is_refused(
    family: Family, variables: Mapping[str, str], says: str, room: Room
) -> None:
    text, config = written(family, room, {**HOST, **variables})

    outcome = room.outcome(text)

    assert not outcome.started
    assert any(says in line for line in outcome.log), outcome.log
    assert config.refusals or config.malformed


@pytest.mark.parametrize(
    ("family", "variables", "expected"),
    [
        (
            Family.EDOBURU,
            {"POOL_MODE": "transaction", "DEFAULT_POOL_SIZE": "7", "RESERVE_POOL_SIZE": "3"},
            {"pool_mode": "transaction", "default_pool_size": "7", "reserve_pool_size": "3", "auth_type": "md5"},
        ),
        (
            Family.BITNAMI,
            {"PGBOUNCER_POOL_MODE": "statement", "PGBOUNCER_MAX_CLIENT_CONN": "40", "POOL_MODE": "session"},
            {"pool_mode": "statement", "max_client_conn": "40", "auth_type": "scram-sha-256"},
        ),
        (
            Family.PGBOUNCER,
            {"PGBOUNCER_MIN_POOL_SIZE": "2", "DEFAULT_POOL_SIZE": "9"},
            {"min_pool_size": "2", "default_pool_size": "20", "auth_type": "any", "pool_mode": "session"},
        ),
    ],
)
def test_what_it_is_told_is_what_it_works_with(
    family: Family, variables: Mapping[str, str], expected: Mapping[str, str], room: Room
) -> None:
    text, _ = written(family, room, {**HOST, **variables})

    settings = room.outcome(text).settings

    assert settings is not None
    assert {name: settings[name] for name in expected} == expected
