"""A pooler's image without a version: the next pull may bring another PgBouncer."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.template import has_template
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.whole import System
from poolcheck.value import HOLE

_MOVING = frozenset({"", "latest", "main", "master", "edge", "stable"})


class PoolerImageUnpinned(Rule[System]):
    id = "pooler-image-unpinned"
    severity = Severity.INFO
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        seen: set[Span] = set()
        for each in system.contained:
            image = each.container.image
            is_told = each.image is None or each.image.version is not None or each.is_base
            if image and not is_told and is_moving(image.value) and image.span not in seen:
                seen.add(image.span)
                yield self.finding(
                    image.span, f"{image.value} is whichever PgBouncer it is on the day of the pull"
                )


def is_moving(image: str) -> bool:
    """Whether the name says no more than which image it is."""
    if "@" in image or HOLE in image or has_template(image):
        return False
    return image.rpartition("/")[2].partition(":")[2] in _MOVING
