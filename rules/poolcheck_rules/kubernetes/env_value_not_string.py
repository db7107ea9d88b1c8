"""A number or a boolean as the value of an environment variable, for which the API server accepts only strings."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.kubernetes.manifest import Manifest, Written
from poolcheck.read.yaml.scalars import ScalarKind, description, is_string_to_kustomize
from poolcheck.rule import Rule
from poolcheck.source import Edit


class EnvValueNotString(Rule[Manifest]):
    id = "env-value-not-string"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        for value, name in mistaken(manifest).items():
            found = description(value.kind, value.text)
            yield self.finding(
                value.span,
                f"the value of {name} is {found}, and the API server accepts only a string",
                fix=Fix("Put the value in quotes", (Edit(value.span, f'"{value.text}"'),)),
                severity=Severity.WARNING if is_string_to_kustomize(value.kind, value.text) else None,
            )


def mistaken(manifest: Manifest) -> dict[Written, str]:
    """The values that are no strings with the names of their variables, once each, however often they are used."""
    return {
        variable.value: variable.name.value
        for workload in manifest.workloads
        for container in (*workload.init_containers, *workload.containers)
        for variable in container.env
        if variable.value and variable.value.kind is not ScalarKind.STRING
    }
