"""The container images that poolers run in, told by the ends of their names.

Image names and what their tags say: the images' own sources and registries, 2026-08.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from poolcheck.read.template import has_template

_OLDEST, _NEXT_MAJOR = (1, 7), (2,)
_VERSION = re.compile(r"(?<!\d)\d{1,3}(?:\.\d{1,3}){1,2}")


class Family(StrEnum):
    """Images that take their configuration in the same way, by whose they are or what they run."""

    EDOBURU = "edoburu"
    BITNAMI = "bitnami"
    PGBOUNCER = "pgbouncer"
    BRAINSAM = "brainsam"
    ICORETECH = "icoretech"
    CLOUDNATIVE_PG = "cloudnative-pg"
    ZALANDO = "zalando"
    CRUNCHY = "crunchy"
    PERCONA = "percona"
    STACKGRES = "stackgres"
    OTHER_PGBOUNCER = "other pgbouncer"
    PGCAT = "pgcat"
    ODYSSEY = "odyssey"
    PGPOOL = "pgpool"
    PROXYSQL = "proxysql"
    PGDOG = "pgdog"
    SUPAVISOR = "supavisor"
    PGAGROAL = "pgagroal"


OTHER_POOLERS = frozenset(
    {
        Family.PGCAT, Family.ODYSSEY, Family.PGPOOL, Family.PROXYSQL, Family.PGDOG, Family.SUPAVISOR,
        Family.PGAGROAL,
    }
)  # fmt: skip
"""Poolers that are no PgBouncer; what they accept and how they pool is not known."""

READS: Mapping[Family, str] = {
    Family.EDOBURU: "/etc/pgbouncer/pgbouncer.ini",
    Family.BITNAMI: "/bitnami/pgbouncer/conf/pgbouncer.ini",
    Family.PGBOUNCER: "/etc/pgbouncer/pgbouncer.ini",
    Family.BRAINSAM: "/etc/pgbouncer/pgbouncer.ini",
    Family.ICORETECH: "/etc/pgbouncer/pgbouncer.ini",
    Family.CLOUDNATIVE_PG: "/etc/pgbouncer/pgbouncer.ini",
    Family.ZALANDO: "/etc/pgbouncer/pgbouncer.ini",
    Family.CRUNCHY: "/etc/pgbouncer/~postgres-operator.ini",
}
"""Where the images look for a pgbouncer.ini, if the command that they run names no other."""


_PERCONAS = "percona-postgresql-operator"
"""The name that Percona's images shared, told apart by their tags: `2.5.0-ppg16.4-pgbouncer1.23.1`."""


_DOCKER_HUB = frozenset({"", "docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_OF_MIRRORS = ("docker.io", "dockerhub", "docker-hub", "docker_hub", "mirror", "proxy")


class PoolerImage(NamedTuple):
    """The image of a pooler; `version` is PgBouncer's, where the tag says it."""

    family: Family
    version: tuple[int, ...] | None


class _Name(NamedTuple):
    """The end of an image's name, and whether its tag is PgBouncer's version."""

    end: str
    family: Family
    tag_is_version: bool = False


_NAMES = (
    _Name("edoburu/pgbouncer", Family.EDOBURU, tag_is_version=True),
    _Name("bitnami/pgbouncer", Family.BITNAMI, tag_is_version=True),
    _Name("bitnamilegacy/pgbouncer", Family.BITNAMI, tag_is_version=True),
    _Name("bitnamisecure/pgbouncer", Family.BITNAMI, tag_is_version=True),
    _Name("pgbouncer/pgbouncer", Family.PGBOUNCER),
    _Name("brainsam/pgbouncer", Family.BRAINSAM),
    _Name("icoretech/pgbouncer-docker", Family.ICORETECH),
    _Name("cloudnative-pg/pgbouncer", Family.CLOUDNATIVE_PG, tag_is_version=True),
    _Name("postgres-operator/pgbouncer", Family.ZALANDO),
    _Name("acid/pgbouncer", Family.ZALANDO),
    _Name("crunchy-pgbouncer", Family.CRUNCHY, tag_is_version=True),
    _Name("percona-pgbouncer", Family.PERCONA),
    _Name("ongres/pgbouncer", Family.STACKGRES),
    _Name("pgbouncer", Family.OTHER_PGBOUNCER),
    _Name("postgresml/pgcat", Family.PGCAT),
    _Name("yandex/odyssey", Family.ODYSSEY),
    _Name("bitnami/pgpool", Family.PGPOOL),
    _Name("bitnamilegacy/pgpool", Family.PGPOOL),
    _Name("pgpool/pgpool", Family.PGPOOL),
    _Name("proxysql/proxysql", Family.PROXYSQL),
    _Name("pgdogdev/pgdog", Family.PGDOG),
    _Name("pgdog", Family.PGDOG),
    _Name("supabase/supavisor", Family.SUPAVISOR),
    _Name("pgagroal", Family.PGAGROAL),
)
"""Those with a longer end come before those that it ends with."""


@lru_cache(maxsize=1024)
def pooler_image(image: str) -> PoolerImage | None:
    """What is known of an image by its name, such as `docker.io/edoburu/pgbouncer:v1.25.1-p0`; None of most."""
    folder, _, last = image.partition("@")[0].rpartition("/")
    name, _, tag = last.partition(":")
    if name == _PERCONAS and "pgbouncer" in tag:
        return PoolerImage(Family.PERCONA, _version(tag.rpartition("pgbouncer")[2]))
    for known in _NAMES:
        if f"/{folder}/{name}".endswith(f"/{known.end}"):
            return PoolerImage(known.family, _version(tag) if known.tag_is_version else None)
    return None


def is_of_docker_hub(image: str) -> bool:
    """Whether an image is from Docker Hub, perhaps through a mirror whose name says so, and not somebody's own."""
    registry = image.partition("@")[0].rpartition("/")[0].rpartition("/")[0]
    return registry in _DOCKER_HUB or any(word in registry for word in _OF_MIRRORS)


def _version(tag: str) -> tuple[int, ...] | None:
    """PgBouncer's version in `1.22.1`, `v1.25.2-p0`, `1.22.0-debian-11-r7` and `ubi8-1.22-0`.

    What is filled in elsewhere is not known, whatever its default: `${TAG:-1.22.1}`.
    """
    if has_template(tag):
        return None
    for number in _VERSION.findall(tag):
        version = tuple(map(int, number.split(".")))
        if _OLDEST <= version < _NEXT_MAJOR:
            return version
    return None
