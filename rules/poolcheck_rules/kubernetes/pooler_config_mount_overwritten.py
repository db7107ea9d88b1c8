"""A pgbouncer.ini that is mounted where the script of the image writes one of its own at each start."""

import posixpath
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.pooler_images import READS, Family, is_of_docker_hub
from poolcheck.read.kubernetes.pooler_names import CALLED
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.containers import PoolerContainer
from poolcheck.system.whole import System
from poolcheck.value import text_of

_OVERWRITES = Family.PGBOUNCER
"""The image whose script does not ask whether there is one."""
_FILE = READS[_OVERWRITES]
_FOLDER = posixpath.dirname(_FILE)


class PoolerConfigMountOverwritten(Rule[System]):
    id = "pooler-config-mount-overwritten"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        seen: set[Span] = set()
        for each in system.contained:
            if each.runs_script and each.image and each.image.family is _OVERWRITES:
                for place, is_read_only in (*files(each), *folders(each)):
                    if place not in seen:
                        seen.add(place)
                        yield self.judged(place, each, is_read_only=is_read_only)

    def judged(self, place: Span, at: PoolerContainer, *, is_read_only: bool) -> Finding:
        """What becomes of what is mounted there."""
        is_official = at.container.image is not None and is_of_docker_hub(at.container.image.value)
        if is_read_only:
            outcome = ", and stops, as what is mounted there cannot be written"
        else:
            outcome = " over what is mounted there"
        is_sure = is_official and is_read_only and not at.workload.is_partial
        return self.finding(
            place,
            f"{CALLED[_OVERWRITES]} writes a {_FILE} of its own at each start{outcome}",
            severity=None if is_sure else Severity.WARNING,
        )


def files(at: PoolerContainer) -> Iterator[tuple[Span, bool]]:
    """The mounts that bring a configuration to the place, and whether it is read-only there."""
    for brought in at.brought:
        if brought.place == _FILE:
            yield brought.mount.path.span, brought.is_read_only


def folders(at: PoolerContainer) -> Iterator[tuple[Span, bool]]:
    """The mounts of the whole folder in which nothing can be written, whatever is in it."""
    if at.composed:
        for mount in at.composed.mounts:
            if mount.is_read_only and text_of(mount.target).rstrip("/") == _FOLDER and mount.target.places:
                yield mount.target.places[-1], True
        return
    held = {volume.name.value for volume in at.workload.volumes if volume.sources}
    for own in at.container.mounts:
        if own.volume.value in held and own.sub_path is None and own.path.value.rstrip("/") == _FOLDER:
            yield own.path.span, True
