"""A pooler's image without a version: the next pull may bring another PgBouncer."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity, one_for_each_place
from poolcheck.read.template import has_template
from poolcheck.rule import Rule
from poolcheck.system.containers import PoolerContainer
from poolcheck.system.whole import System
from poolcheck.value import HOLE

_MOVING = frozenset({"", "latest", "main", "master", "edge", "stable"})


class PoolerImageUnpinned(Rule[System]):
    id = "pooler-image-unpinned"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for each in system.contained for found in self.of_container(each))

    def of_container(self, at: PoolerContainer) -> Iterator[Finding]:
        """What is said of the image of one container."""
        image = at.container.image
        is_told = at.image is None or at.image.version is not None or at.is_base
        if image and not is_told and is_moving(image.value):
            yield self.finding(image.span, f"{image.value} is whichever PgBouncer it is on the day of the pull")


def is_moving(image: str) -> bool:
    """Whether the name says no more than which image it is."""
    if "@" in image or HOLE in image or has_template(image):
        return False
    return image.rpartition("/")[2].partition(":")[2] in _MOVING
