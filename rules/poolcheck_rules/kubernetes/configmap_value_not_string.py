"""A number or a boolean under a key of a ConfigMap or a Secret, for which the API server accepts only strings."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.kubernetes.manifest import ConfigMap, DataEntry, Manifest, Secret, Written
from poolcheck.read.yaml.scalars import ScalarKind, description, is_string_to_kustomize
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span


class ConfigmapValueNotString(Rule[Manifest]):
    id = "configmap-value-not-string"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        for value, (holder, entry) in mistaken(manifest).items():
            accepted = "only base64 in a string" if entry.value is None else "only a string"
            is_word = is_string_to_kustomize(value.kind, value.text)
            yield self.finding(
                value.span,
                f"{entry.key.value} in {holder.name.value} is {description(value.kind, value.text)}, "
                f"and the API server accepts {accepted}",
                fix=None if entry.value is None else quoted(value),
                severity=Severity.WARNING if is_word else None,
            )


def mistaken(manifest: Manifest) -> dict[Written, tuple[ConfigMap | Secret, DataEntry]]:
    """The values that are no strings, once each, however many objects take them over from an anchor."""
    holders: list[ConfigMap | Secret] = [*manifest.config_maps, *manifest.secrets]
    return {entry.mistaken: (holder, entry) for holder in holders for entry in holder.data if entry.mistaken}


def quoted(value: Written) -> Fix | None:
    """Quotes around a value; it may be secret, and is not repeated."""
    path, start, end = value.span
    if value.kind is ScalarKind.COLLECTION or end - start != len(value.text):
        return None
    edits = Edit(Span(path, start, start), '"'), Edit(Span(path, end, end), '"')
    return Fix("Put the value in quotes", edits)
