"""A pgbouncer.ini that is mounted where the pooler's image does not look for one."""

import posixpath
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.kubernetes.manifest import Given, Mount, WorkloadKind
from poolcheck.read.kubernetes.pooler_images import READS, Family
from poolcheck.read.kubernetes.pooler_names import CALLED
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.system.containers import BroughtIni, PoolerContainer
from poolcheck.system.whole import System
from poolcheck.value import text_of

_FOLDER = "/etc/pgbouncer"
"""Where most images have their configuration, and Bitnami's nothing."""


class PoolerConfigMountWrongPath(Rule[System]):
    id = "pooler-config-mount-wrong-path"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        seen: set[Span] = set()
        for each in system.contained:
            if each.image and each.runs_script:
                for finding in self.judged(each.image.family, each):
                    if finding.span not in seen:
                        seen.add(finding.span)
                        yield finding

    def judged(self, family: Family, at: PoolerContainer) -> Iterator[Finding]:
        """The one file that is brought, if it is not where the image looks; else what may well hold one."""
        wanted, is_fixable = READS[family], at.workload.kind is not WorkloadKind.SERVICE
        for brought in at.brought if len(at.brought) == 1 else ():
            if brought.place != wanted and is_all(brought.mount, brought.place, family, at):
                yield self.finding(
                    brought.mount.path.span,
                    f"{CALLED[family]} does not read {brought.place}: it takes its configuration from {wanted}",
                    fix=moved(brought, wanted) if is_fixable else None,
                    severity=Severity.WARNING if at.workload.is_partial or at.is_base else None,
                )
        for mount in folders(at) if family is Family.BITNAMI and not at.brought else ():
            if is_all(mount, f"{_FOLDER}/", family, at):
                yield self.finding(
                    mount.path.span,
                    f"{CALLED[family]} reads nothing in {_FOLDER}: it takes its configuration from {wanted}",
                    severity=Severity.WARNING,
                )


def folders(at: PoolerContainer) -> Iterator[Mount]:
    """The ConfigMaps of which nothing is seen, mounted as the folder."""
    volumes = {volume.name.value: volume for volume in at.workload.volumes}
    for mount in at.container.mounts:
        volume = volumes.get(mount.volume.value)
        is_config_map = volume is not None and any(not source.is_secret for source in volume.sources)
        if is_config_map and mount.sub_path is None and mount.path.value.rstrip("/") == _FOLDER:
            yield mount


def is_all(mount: Mount, place: str, family: Family, at: PoolerContainer) -> bool:
    """Whether nothing else may bring or use a file: another mount, a command, a variable with its path."""
    wanted = READS[family]
    mounts = [each.path.value.rstrip("/") for each in at.container.mounts if each != mount]
    texts = [word.value for word in (*(at.container.command or ()), *(at.container.args or ()))]
    texts += [each.value.text for each in at.container.env if each.value]
    texts += [text_of(each.source.value) for each in at.container.env if isinstance(each.source, Given)]
    names = [posixpath.dirname(place), *([posixpath.basename(place)] if posixpath.basename(place) else [])]
    is_used = any(name in text for name in names for text in texts)
    return not is_used and not any(path == wanted or wanted.startswith(f"{path}/") for path in mounts)


def moved(brought: BroughtIni, wanted: str) -> Fix | None:
    """The mount at the place that is read; None where the file may name others beside it."""
    path = brought.mount.path
    if path.value == brought.place:
        new = wanted
    elif path.value.rstrip("/") == posixpath.dirname(brought.place) and is_alone(brought):
        new = posixpath.dirname(wanted)
    else:
        return None
    return Fix(f"Mount it at {new}", (Edit(path.span, new),), safe=False)


def is_alone(brought: BroughtIni) -> bool:
    """Whether the file names none of the same folder."""
    folder = posixpath.dirname(brought.place)
    settings = brought.config.settings_in_effect.values() if brought.config else ()
    return not any(folder in each.value for each in settings)
