import pytest

from poolcheck.read.pgbouncer.releases import is_older, may_be_mended
from poolcheck.read.pgbouncer.settings import Version


@pytest.mark.parametrize(
    ("version", "release", "older"),
    [
        (None, (1, 24, 1), False),
        ((1, 23), (1, 24, 1), True),
        ((1, 24), (1, 24, 1), False),
        ((1, 24, 0), (1, 24, 1), True),
        ((1, 24, 1), (1, 24, 1), False),
        ((1, 25), (1, 24, 1), False),
    ],
)
def test_a_version_is_older_where_all_its_patches_are(
    version: Version | None, release: Version, older: bool
) -> None:
    assert is_older(version, release) is older


@pytest.mark.parametrize(
    ("version", "kept"), [((1, 18), True), ((1, 18, 0), True), ((1, 22, 1), False), ((1, 21), False)]
)
def test_packages_mend_what_their_distribution_keeps(version: Version, kept: bool) -> None:
    assert may_be_mended(version) is kept
