import pytest

from poolcheck.files import Memory
from poolcheck.link.versions import Versions, only_version
from poolcheck.read.document import Reader
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version

INI = "[databases]\nshop = host=db\n[pgbouncer]\ntransaction_timeout = 5\n"
COMPOSE = """\
services:
  pgbouncer:
    image: edoburu/pgbouncer:v1.24.1-p1
    volumes: [./pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini]
"""


@pytest.mark.parametrize(
    ("versions", "target", "only"),
    [
        ([(1, 22)], None, (1, 22)),
        ([(1, 22), (1, 22)], (1, 25), (1, 22)),
        ([(1, 22), (1, 23)], (1, 22), None),
        ([None], None, None),
        ([None], (1, 25), (1, 25)),
        ([None, (1, 25)], (1, 25), (1, 25)),
        ([None, (1, 25)], (1, 24), None),
        ([None, (1, 25)], None, None),
        ([], (1, 25), None),
    ],
)
def test_a_version_is_told_where_it_is_the_only_one(
    versions: list[Version | None], target: Version | None, only: Version | None
) -> None:
    assert only_version(versions, target) == only


def read(files: dict[str, str], target: Version | None = None) -> tuple[Versions, PgBouncerConfig]:
    """The versions in a project, and its only configuration."""
    reader = Reader(Memory({path: text.encode() for path, text in files.items()}))
    facts = [fact for path in files if (reading := reader.read(path)) for fact in reading.facts]
    [config] = [fact for fact in facts if isinstance(fact, PgBouncerConfig)]
    return Versions(facts, target), config


def test_a_compose_file_tells_the_version_and_with_it_what_is_refused() -> None:
    versions, config = read({"compose.yaml": COMPOSE, "pgbouncer.ini": INI})

    known = versions.known(config)

    assert known.version == (1, 24, 1)
    assert [refusal.written.value for refusal in known.refusals] == ["transaction_timeout"]
    assert versions.known(config) is known


@pytest.mark.parametrize(("target", "version"), [(None, None), ((1, 22), (1, 22))])
def test_without_a_version_the_target_is_assumed(target: Version | None, version: Version | None) -> None:
    untold = COMPOSE.replace(":v1.24.1-p1", "")
    alone, config = read({"pgbouncer.ini": INI}, target)
    composed, other = read({"compose.yaml": untold, "pgbouncer.ini": INI}, target)

    assert (alone.known(config).version, composed.known(other).version) == (version, version)


def test_what_two_versions_read_has_none_whatever_the_target_is() -> None:
    versions, config = read({"compose.yaml": COMPOSE, "pgbouncer.ini": INI}, (1, 24, 1))

    versions.add(config, [(1, 25, 1)])

    assert versions.known(config).version is None
