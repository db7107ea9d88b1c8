from poolcheck.read.yaml.json_values import ends
from poolcheck.read.yaml.nodes import Mapping, compose, regions
from poolcheck.source import Source


def kinds(text: str) -> list[str]:
    """The kinds of the objects in a file."""
    source = Source("objects.json", text)
    nodes = [node for region in regions(source) for node in compose(source, region)]
    return [kind.value for node in nodes if isinstance(node, Mapping) and (kind := node.text("kind"))]


def test_objects_of_json_follow_one_another_without_a_separator() -> None:
    assert kinds('{"kind": "A"}\n{"kind": "B",\n "of": {"kind": "x"}}{"kind": "C"}\n') == ["A", "B", "C"]


def test_what_follows_may_be_yaml() -> None:
    assert kinds('{"kind": "A"}\n---\nkind: B\n---\n{"kind": C}\n') == ["A", "B", "C"]


def test_one_that_is_broken_does_not_hide_those_before() -> None:
    assert kinds('{"kind": "A"}{"kind": ') == ["A"]


def test_the_places_are_those_in_the_file() -> None:
    source = Source("objects.json", '{"kind": "A"} {"kind": "B"}')

    [_, other] = [node for region in regions(source) for node in compose(source, region)]

    assert source.text[other.span.start : other.span.end] == '{"kind": "B"}'


def test_a_template_and_a_mapping_of_yaml_are_none() -> None:
    assert list(ends("{{ .Values.x }}", 0)) == []
    assert list(ends("{kind: A}", 0)) == []


def test_brackets_without_end_are_left_to_yaml() -> None:
    assert list(ends('{"a": ' * 100_000, 0)) == []
