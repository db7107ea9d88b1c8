"""A number or a boolean among the settings of an operator's object, where its definition demands strings."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.kubernetes.managed import Parameter
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.yaml.scalars import ScalarKind, description, is_string_to_kustomize
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span


class OperatorParameterNotString(Rule[Manifest]):
    id = "operator-parameter-not-string"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        for parameter, kind in mistaken(manifest).items():
            found = description(parameter.kind, parameter.value.value)
            is_word = is_string_to_kustomize(parameter.kind, parameter.value.value)
            yield self.finding(
                parameter.value.span,
                f"{parameter.name.value} is {found}, and {kind} takes only strings under {parameter.field}",
                fix=quoted(parameter),
                severity=Severity.WARNING if is_word else None,
            )


def mistaken(manifest: Manifest) -> dict[Parameter, str]:
    """The settings that are no strings with the kinds of their objects, once each."""
    return {
        parameter: managed.kind
        for managed in manifest.managed
        for parameter in managed.parameters
        if parameter.kind is not ScalarKind.STRING
    }


def quoted(parameter: Parameter) -> Fix | None:
    """Quotes around a value that is as it is written."""
    text, (path, start, end) = parameter.value
    if parameter.kind is ScalarKind.COLLECTION or end - start != len(text):
        return None
    return Fix("Put the value in quotes", (Edit(Span(path, start, end), f'"{text}"'),))
