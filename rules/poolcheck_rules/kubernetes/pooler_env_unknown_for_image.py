"""An environment variable that the image of the pooler does not read: mostly it is another image's."""

import os.path
import re
from collections.abc import Iterator, Sequence

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.kubernetes.manifest import Given, WorkloadKind
from poolcheck.read.kubernetes.pooler_images import Family, is_of_docker_hub
from poolcheck.read.kubernetes.pooler_names import (
    CALLED,
    is_alike,
    is_of_a_pooler,
    is_of_the_server,
    meaning_of,
    read_by,
    variables_for,
)
from poolcheck.read.kubernetes.pooler_scripts import SCRIPTS
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span
from poolcheck.system.containers import PoolerContainer
from poolcheck.system.whole import System

_REFERENCE = re.compile(r"\$[({]?(\w+)")
_ONLY_OF_POOLERS = frozenset(
    {
        "pool_mode", "max_client_conn", "default_pool_size", "min_pool_size", "reserve_pool_size",
        "reserve_pool_timeout", "max_db_connections", "max_user_connections", "server_reset_query",
        "ignore_startup_parameters", "max_prepared_statements",
    }
)  # fmt: skip
"""What nothing but a pooler is told, whoever else is given the variable."""


class PoolerEnvUnknownForImage(Rule[System]):
    id = "pooler-env-unknown-for-image"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        seen: set[Span] = set()
        for each in system.contained:
            if each.image and each.runs_script and not is_configured_by_file(each.image.family, each):
                for name in (*named_in(each), *given_by_objects(each)):
                    meaning = unread(name, each.image.family, each)
                    if meaning and name.span not in seen:
                        # What stands behind an anchor is in several containers, and written once.
                        seen.add(name.span)
                        yield self.judged(name, meaning, each.image.family, each)

    def judged(self, name: Located[str], meaning: str, family: Family, at: PoolerContainer) -> Finding:
        """What becomes of a variable that is not read."""
        own = variables_for(family, meaning)
        what = described(meaning, own)
        taken = f"it takes {what} from {own[0]}" if own else f"it has no variable for {what}"
        is_name = is_own(name, at) and at.workload.kind is not WorkloadKind.SERVICE
        if own and is_name and is_alike(name.value, own[0]):
            rename = Fix(f"Call it {own[0]}", (Edit(name.span, own[0]),), safe=False)
        else:
            rename = None
        return self.finding(
            name.span,
            f"{CALLED[family]} does not read {name.value}: {taken}",
            fix=rename,
            severity=None if is_own(name, at) and is_sure_of(family, at) else Severity.WARNING,
        )


def described(meaning: str, own: Sequence[str]) -> str:
    """What an image takes from a variable, in words."""
    if own and meaning_of(own[0]) == "host":
        return "the host"
    return f"the {meaning}" if is_of_the_server(meaning) else meaning


def is_configured_by_file(family: Family, at: PoolerContainer) -> bool:
    """Whether what the image reads may be a file that is brought; one image writes over it."""
    return family is not Family.PGBOUNCER and at.may_bring_file


def is_sure_of(family: Family, at: PoolerContainer) -> bool:
    """Whether the image is the one that everybody has, and nothing else configures it."""
    if at.workload.is_partial:
        return False
    if family is not Family.PGBOUNCER:
        return True
    is_official = at.container.image is not None and is_of_docker_hub(at.container.image.value)
    return is_official and not at.may_bring_file


def named_in(at: PoolerContainer) -> Iterator[Located[str]]:
    """The names of the variables of a container; in a Compose file, at the place of the value."""
    for variable in at.container.env:
        if isinstance(variable.source, Given):
            places = variable.source.value.places
            own = [each for each in places if each.path == at.workload.span.path]
            # `.env` is there for what Compose puts into its files; a service is given all of it for one of them.
            if own or not any(os.path.basename(each.path).startswith(".env") for each in places):
                yield Located(variable.name.value, (*own, *places, variable.name.span)[0])
        else:
            yield variable.name


def given_by_objects(at: PoolerContainer) -> Iterator[Located[str]]:
    """The names of the variables that are keys of ConfigMaps, at the place of the value."""
    named = {variable.name.value for variable in at.container.env}
    for name, value in at.environment.variables.items():
        if name not in named and not at.environment.is_secret(name) and value.places:
            yield Located(name, value.places[-1])


def is_own(name: Located[str], at: PoolerContainer) -> bool:
    """Whether it is set for this container, and not where others may be given it too."""
    if at.workload.kind is WorkloadKind.SERVICE:
        path, start, end = at.workload.span
        return name.span.path == path and start <= name.span.start < end
    return name.span in [variable.name.span for variable in at.container.env]


def unread(located: Located[str], family: Family, at: PoolerContainer) -> str | None:
    """What a variable means that the image does not read; None where that does no harm, or is not known."""
    name, script = located.value, SCRIPTS[family]
    base = name.removesuffix("_FILE") if script.reads_files else name
    if {name, base} & read_by(family) or (script.dsns and name.startswith(script.dsns)):
        return None
    meaning = meaning_of(name)
    if meaning is None or is_referred_to(name, at) or is_told(family, meaning, at):
        return None
    if not is_own(located, at):
        return meaning if meaning in _ONLY_OF_POOLERS else None
    if not is_of_the_server(meaning):
        return meaning
    lacks_server = variables_for(family, meaning) and not knows_server(family, at)
    return meaning if lacks_server and (is_of_a_pooler(name) or not at.environment.hidden) else None


def is_told(family: Family, meaning: str, at: PoolerContainer) -> bool:
    """Whether a variable that the image reads says the same, or what is to be said."""
    return any(is_set(name, at) for name in variables_for(family, meaning))


def is_set(variable: str, at: PoolerContainer) -> bool:
    """Whether a variable is set, here or in a patch."""
    return variable in at.environment.variables or variable in at.may_change


def knows_server(family: Family, at: PoolerContainer) -> bool:
    """Whether the image is, or may be, told where the server is."""
    names = [*variables_for(family, "host"), *variables_for(family, "URL")]
    script = SCRIPTS[family]
    if script.reads_files:
        names += [f"{name}_FILE" for name in names]
    if script.dsns:
        names.append(f"{script.dsns}0")
    return any(is_set(name, at) or at.environment.get(name) is not None for name in names)


def is_referred_to(name: str, at: PoolerContainer) -> bool:
    """Whether a command or another variable uses it."""
    own = at.container
    texts: Sequence[str] = [
        *(word.value for word in (*(own.command or ()), *(own.args or ()))),
        *(each.value.text for each in own.env if each.value),
    ]
    return any(name in _REFERENCE.findall(text) for text in texts)
