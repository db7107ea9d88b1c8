"""Releases of PgBouncer: which came first, and which a package may have changed."""

from poolcheck.read.pgbouncer.settings import Version

_KEPT: tuple[Version, ...] = ((1, 15, 0), (1, 16, 1), (1, 18, 0), (1, 22, 0), (1, 24, 1))
"""What Debian 11, Ubuntu 22.04, Debian 12, Ubuntu 24.04 and Debian 13 came with."""


def is_older(version: Version | None, release: Version) -> bool:
    """Whether a version is certainly older than a release; 1.24 is not older than 1.24.1, which it may be."""
    return version is not None and version < release[: len(version)]


def may_be_mended(version: Version) -> bool:
    """Whether this may be a release that a distribution keeps for years and mends without a new number."""
    return any(kept[: len(version)] == version for kept in _KEPT)
