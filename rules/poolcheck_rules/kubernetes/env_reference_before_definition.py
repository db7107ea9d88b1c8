"""A `$(NAME)` in the value of an environment variable that stands above NAME, so that nothing is filled in."""

import re
from collections.abc import Iterator, Sequence

from poolcheck.finding import Finding, Note, Severity, one_for_each_place
from poolcheck.read.kubernetes.environment import Environment, Objects, environment
from poolcheck.read.kubernetes.manifest import Container, EnvVar, Manifest, Workload
from poolcheck.rule import Rule
from poolcheck.system.whole import System

REFERENCE = re.compile(r"\$\$|\$\((?P<name>[-._a-zA-Z0-9]+)\)")
OF_A_DATABASE = re.compile(r"://|dbname=|host=")
NAMES = re.compile(r"(?:^|_)(?:DB|DATABASE|DSN|HOST|PASS|PASSWORD|PG\w*|POSTGRES\w*|URI|URL)(?:_|$)")
"""What variables are called without which there is no connection."""


class EnvReferenceBeforeDefinition(Rule[System]):
    id = "env-reference-before-definition"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        manifests = [each for each in system.documents if isinstance(each, Manifest)]
        objects = Objects(manifests)
        yield from one_for_each_place(
            finding
            for manifest in manifests
            for workload in manifest.workloads
            for container in (*workload.init_containers, *workload.containers)
            for finding in self.judged(container, workload, objects)
        )

    def judged(self, container: Container, workload: Workload, objects: Objects) -> Iterator[Finding]:
        """What is wrong with the variables of one container."""
        for at, variable in enumerate(container.env):
            for name in referred(variable):
                above, behind = container.env[:at], container.env[at + 1 :]
                later = next((each for each in behind if each.name.value == name), None)
                if later is None or any(each.name.value == name for each in above):
                    continue
                if variable.value and environment_before(container, workload, objects).get(name) is None:
                    yield self.finding(
                        variable.value.span,
                        f"{variable.name.value} gets the text $({name}), as {name} is set only further down",
                        notes=[Note(later.name.span, "set here")],
                        severity=None if leads_to_a_database(variable) else Severity.WARNING,
                    )


def referred(variable: EnvVar) -> Sequence[str]:
    """The names that a value refers to, once each."""
    found = REFERENCE.finditer(variable.value.text) if variable.value else ()
    return [*dict.fromkeys(each["name"] for each in found if each["name"])]


def environment_before(container: Container, workload: Workload, objects: Objects) -> Environment:
    """What `envFrom` sets, which counts before everything in `env`."""
    return environment(workload, container._replace(env=()), objects)


def leads_to_a_database(variable: EnvVar) -> bool:
    """Whether there is no connection without the right value, as the value shows or the name."""
    text = variable.value.text if variable.value else ""
    return OF_A_DATABASE.search(text) is not None or NAMES.search(variable.name.value.upper()) is not None
