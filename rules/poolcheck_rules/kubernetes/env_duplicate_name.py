"""A container that sets the same environment variable twice, of which only the last counts."""

from collections.abc import Iterator, Sequence

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.kubernetes.manifest import Container, EnvVar, Manifest
from poolcheck.rule import Rule


class EnvDuplicateName(Rule[Manifest]):
    id = "env-duplicate-name"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        seen: set[EnvVar] = set()
        for workload in manifest.workloads:
            if workload.is_partial:
                continue  # in a template, each of the two may stand under a condition of its own
            for container in (*workload.init_containers, *workload.containers):
                for variable, later in repeated(container):
                    # What stands behind an anchor is in several containers, and written once.
                    if variable not in seen:
                        seen.add(variable)
                        yield self.finding(
                            variable.name.span,
                            f"{variable.name.value} does not count, as {container.name.value} sets it again",
                            notes=[Note(later.name.span, "this is what the container gets")],
                            severity=Severity.INFO if is_same(variable, later) else None,
                        )


def repeated(container: Container) -> Iterator[tuple[EnvVar, EnvVar]]:
    """The variables that a later one replaces, each with the last of its name.

    One that is used in between does count there.
    """
    for at, variable in enumerate(container.env):
        later = [each for each in container.env[at + 1 :] if each.name.value == variable.name.value]
        if later and not is_used(variable, container.env[at + 1 :]):
            yield variable, later[-1]


def is_used(variable: EnvVar, behind: Sequence[EnvVar]) -> bool:
    """Whether the value of a variable behind it refers to it: `$(NAME)`."""
    return any(each.value and f"$({variable.name.value})" in each.value.text for each in behind)


def is_same(one: EnvVar, other: EnvVar) -> bool:
    """Whether two entries say the same, apart from where they say it."""
    texts = [each.value.text if each.value else None for each in (one, other)]
    return one.source is None and other.source is None and texts[0] == texts[1]
