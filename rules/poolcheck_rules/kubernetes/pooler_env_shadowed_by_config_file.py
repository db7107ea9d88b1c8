"""Variables that set up a pooler beside a pgbouncer.ini for which its image ignores them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.read.kubernetes.manifest import EnvVar, Given
from poolcheck.read.kubernetes.pooler_images import READS, Family
from poolcheck.read.kubernetes.pooler_names import CALLED
from poolcheck.read.kubernetes.pooler_scripts import SCRIPTS
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.containers import BroughtIni, PoolerContainer
from poolcheck.system.whole import System
from poolcheck.value import Known

_OVERWRITES = Family.PGBOUNCER
_READ_ANYWAY = frozenset({"auth_type", "auth_file", "auth_user", "admin_users", "user"})
"""What scripts also make a list of users of."""


class Shadowed(NamedTuple):
    """A variable, where it is, and the setting that it is for."""

    name: str
    span: Span
    setting: str


class PoolerEnvShadowedByConfigFile(Rule[System]):
    id = "pooler-env-shadowed-by-config-file"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(found for each in system.contained for found in self.of_container(each))

    def of_container(self, at: PoolerContainer) -> Iterator[Finding]:
        """What is said of the variables of one container."""
        family = at.image.family if at.image and at.runs_script else _OVERWRITES
        brought = next((own for own in at.brought if own.place == READS[family]), None)
        if family is _OVERWRITES or brought is None:
            return
        shadowed = [*shadowed_by(brought, family, at)]
        if shadowed:
            yield self.finding(
                shadowed[0].span,
                f"{CALLED[family]} reads {brought.place} in place of {listed(shadowed)}",
                notes=notes_on(shadowed, brought),
            )


def shadowed_by(brought: BroughtIni, family: Family, at: PoolerContainer) -> Iterator[Shadowed]:
    """The variables of settings that the file has otherwise, or not at all."""
    settings = {line.variable: line.setting for line in SCRIPTS[family].settings if line.variable}
    for variable in at.container.env:
        setting = settings.get(variable.name.value)
        place = place_of(variable, at)
        if (
            place
            and setting
            and setting not in _READ_ANYWAY
            and is_other(variable.name.value, setting, brought, at)
        ):
            yield Shadowed(variable.name.value, place, setting)


def place_of(variable: EnvVar, at: PoolerContainer) -> Span | None:
    """Where a variable is named; in a Compose file, where its value is; None in a file beside that."""
    if not isinstance(variable.source, Given):
        return variable.name.span
    return next((each for each in variable.source.value.places if each.path == at.workload.span.path), None)


def is_other(variable: str, setting: str, brought: BroughtIni, at: PoolerContainer) -> bool:
    """Whether the file does not say the same, as far as that is seen."""
    value = at.environment.get(variable)
    if value is None or (isinstance(value, Known) and not str(value.scalar)):
        return False
    if brought.config is None:
        return True
    if brought.config.is_unknown(setting):
        return False
    own = brought.config.setting(setting)
    return own is None or not isinstance(value, Known) or own.value.strip() != str(value.scalar).strip()


def listed(shadowed: Sequence[Shadowed]) -> str:
    """The names of the variables, or of the first of many."""
    names = [each.name for each in shadowed]
    if len(names) > 3:
        names = [*names[:2], f"{len(names) - 2} other variables"]
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def notes_on(shadowed: Sequence[Shadowed], brought: BroughtIni) -> Iterator[Note]:
    """Where the file is from, and what it says."""
    yield Note(brought.mount.path.span, "the file is mounted here")
    for each in shadowed:
        own = brought.config.setting(each.setting) if brought.config else None
        if own:
            yield Note(own.span, f"this counts, and not {each.name}")
