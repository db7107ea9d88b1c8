from textwrap import dedent

import pytest

from poolcheck.read.kubernetes.annotations import annotations
from poolcheck.source import Source


def found(text: str) -> list[tuple[str, str]]:
    """What the annotation `ignore` says, and the name of the object that it is about."""
    text = dedent(text)
    pairs = annotations(Source("a.yaml", text), "ignore")
    return [
        (text[value.start : value.end], text[item.start : item.end].partition("\n")[0]) for value, item in pairs
    ]


def test_an_annotation_is_about_its_object() -> None:
    assert found(
        """\
        kind: ConfigMap
        metadata: {name: a, annotations: {ignore: "x"}}
        ---
        kind: Service
        metadata:
          annotations:
            ignore: y, z  # for now
        """
    ) == [('"x"', "kind: ConfigMap"), ("y, z", "kind: Service")]


@pytest.mark.parametrize(
    "path", ["spec.template", "spec.jobTemplate", "spec.jobTemplate.spec.template"], ids=lambda path: path
)
def test_the_annotation_of_a_template_is_about_the_object_it_is_in(path: str) -> None:
    template = "{metadata: {annotations: {ignore: x}}}"
    for key in reversed(path.split(".")):
        template = f"{{{key}: {template}}}"

    assert found(f"kind: Deployment\n{template[1:-1]}\n") == [("x", "kind: Deployment")]


def test_objects_in_a_list_have_their_own() -> None:
    assert found(
        """\
        kind: List
        metadata: {annotations: {ignore: all}}
        items:
          - kind: Service
            metadata: {annotations: {ignore: x}}
          - kind: Secret
        """
    ) == [("x", "kind: Service")]


def test_other_annotations_and_other_places_say_nothing() -> None:
    assert (
        found(
            """\
            kind: Service
            metadata:
              labels: {ignore: x}
              annotations: {ignored: x}
            spec: {annotations: {ignore: x}}
            """
        )
        == []
    )


def test_text_that_is_not_yaml_says_nothing() -> None:
    assert found("metadata: {annotations: {ignore: x}\n---\nmetadata: {annotations: {ignore: y}}\n") == [
        ("y", "metadata: {annotations: {ignore: y}}")
    ]
