"""An environment variable of which the image of the pooler makes a line that PgBouncer refuses."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.kubernetes.manifest import EnvVar, WorkloadKind
from poolcheck.read.kubernetes.pooler_names import CALLED
from poolcheck.read.kubernetes.pooler_scripts import SCRIPTS, Line
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.system.containers import PoolerContainer
from poolcheck.system.whole import System


class PoolerEnvEmitsInvalidSetting(Rule[System]):
    id = "pooler-env-emits-invalid-setting"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        seen: set[Span] = set()
        for each in system.contained:
            if each.image is None or not each.is_written_by_image:
                continue
            script, called = SCRIPTS[each.image.family], CALLED[each.image.family]
            for line in (*script.settings, *script.loose_lines):
                place = place_of(line, each) if line.variable in script.refused else None
                if place and place not in seen:
                    seen.add(place)
                    yield self.finding(
                        place,
                        f"{called} writes {line.variable} as {line.setting}, and PgBouncer does not start on that",
                        fix=rename(line.variable, script.refused[line.variable], place, each),
                        severity=Severity.WARNING if each.workload.is_partial else None,
                    )


def place_of(line: Line, at: PoolerContainer) -> Span | None:
    """Where the variable of a line is set, if it certainly is, and the release of the image reads it."""
    name, version = line.variable, at.image.version if at.image else None
    value = at.environment.variables.get(name)
    if value is None or name in at.may_change or (version is not None and version < line.since):
        return None
    own = own_variable(name, at)
    if own and at.workload.kind is not WorkloadKind.SERVICE:
        return None if own.value and not own.value.text else own.name.span
    return value.places[-1] if value.places else None


def own_variable(name: str, at: PoolerContainer) -> EnvVar | None:
    """The variable as the container itself has it."""
    return next((each for each in reversed(at.container.env) if each.name.value == name), None)


def rename(name: str, meant: str, place: Span, at: PoolerContainer) -> Fix | None:
    """The name of what was meant, where the container does not have that too."""
    own = own_variable(name, at)
    if not meant or own is None or own.name.span != place or meant in at.environment.variables:
        return None
    return Fix(f"Call it {meant}", (Edit(place, meant),))
