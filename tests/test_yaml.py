from collections.abc import Iterator

import pytest

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.yaml import loaders
from poolcheck.read.yaml.nodes import Mapping, Node, Scalar, Sequence, TooManyAliases, compose, regions
from poolcheck.read.yaml.scalars import ScalarKind
from poolcheck.source import Located, Source, Span
from poolcheck.value import Unknown


@pytest.fixture(params=["libyaml", "pure"], autouse=True)
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pure":
        monkeypatch.setattr(loaders, "LOADERS", (loaders.PureLoader, loaders.PureLoader))


def documents(text: str) -> list[Node | SyntaxFault]:
    source = Source("m.yaml", text)
    return [found for region in regions(source) for found in compose(source, region)]


def read(text: str) -> Mapping:
    found = documents(text)
    assert isinstance(found[0], Mapping)
    return found[0]


def scalar(text: str) -> Scalar:
    """The scalar under the key `a`."""
    found = read(text).at("a")
    assert isinstance(found, Scalar)
    return found


def faults(text: str) -> list[tuple[str, str]]:
    """Where the faults are, as the text from there to the end of its line, and what they say."""
    return [
        (text[fault.span.start :].partition("\n")[0], fault.message)
        for fault in documents(text)
        if isinstance(fault, SyntaxFault)
    ]


def cut(text: str, span: Span) -> str:
    return text[span.start : span.end]


def everything(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield key
            yield from everything(value)
    if isinstance(node, Sequence):
        for item in node:
            yield from everything(item)


def test_a_path_of_keys_leads_to_what_stands_there() -> None:
    text = "spec:\n  template:\n    spec: {replicas: 3}\n"

    found = read(text).text("spec", "template", "spec", "replicas")

    assert found == Located("3", Span("m.yaml", text.index("3"), text.index("3") + 1))


def test_a_path_that_meets_anything_else_leads_nowhere() -> None:
    root = read("spec:\n  template: text\n  list: [a]\n")

    assert root.at("spec", "template", "spec") is None
    assert root.at("spec", "list", "0") is None
    assert root.at("metadata", "name") is None
    assert root.mapping("spec", "template") is None
    assert list(root.mappings("spec", "template")) == []


def test_of_keys_that_are_written_twice_the_last_counts() -> None:
    assert scalar("a: 1\nb: 2\na: 3\n").text == "3"


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_places_count_the_characters_of_the_file(mark: str, line_end: str) -> None:
    lines = [
        "é: 🎉 # ü",
        "---",
        "# 🎉🎉",
        "key: 'é 🎉'",
        "list:",
        "- {x: 1, ß: é}",
        "- |",
        "  🎉",
        "last: plain  # é",
    ]
    text = mark + line_end.join(lines)

    root = next(found for found in documents(text)[1:] if isinstance(found, Mapping))

    shown = [cut(text, node.span) for node in everything(root) if isinstance(node, Scalar)]
    assert shown == ["key", "'é 🎉'", "list", "x", "1", "ß", "é", f"|{line_end}  🎉", "last", "plain"]


def test_the_place_of_a_block_ends_with_its_last_value() -> None:
    text = "a:\n  b:\n    - c: 1\n      d: |\n        # e\n\n    # comment\n# comment\nf: 2\n"

    found = read(text).at("a")

    assert found
    assert cut(text, found.span) == "b:\n    - c: 1\n      d: |\n        # e"


def test_the_place_of_a_value_begins_behind_its_anchor() -> None:
    text = "a: &one 1\nb: &two\n  c: 2\n"

    root = read(text)

    assert [cut(text, node.span) for node in (root.at("a"), root.at("b")) if node] == ["1", "c: 2"]


def test_an_alias_stands_for_what_its_anchor_marks_and_lies_there() -> None:
    text = "a: &one {b: 1}\nc: *one\n"

    assert read(text).text("c", "b") == Located("1", Span("m.yaml", text.index("1"), text.index("1") + 1))


def test_merged_keys_give_way_to_own_ones_and_to_those_merged_before() -> None:
    text = "one: &one {a: 1, b: 1}\ntwo: &two {a: 2, c: 2}\nall:\n  <<: [*two, *one]\n  c: 3\n"

    found = read(text).mapping("all")

    assert found
    assert {key.text: value.text for key, value in found.items() if isinstance(value, Scalar)} == {
        "a": "2",
        "b": "1",
        "c": "3",
    }


@pytest.mark.parametrize("text", ["a: &a\n  <<: *a\n", "a: &a\n  <<: [*a]\n  b: 1\n"])
def test_what_merges_itself_is_refused(text: str) -> None:
    with pytest.raises(TooManyAliases):
        read(text).at("a", "b", "c")


def test_what_holds_itself_can_be_looked_at() -> None:
    text = "a: &a\n  b: *a\n"

    found = read(text).at("a", "b", "b", "b")

    assert found
    assert cut(text, found.span) == "b"


def test_aliases_that_multiply_are_refused_when_they_are_looked_at() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))

    with pytest.raises(TooManyAliases):
        list(everything(read(bomb)))


def test_merges_that_multiply_are_refused_when_they_are_looked_at() -> None:
    bomb = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40))

    with pytest.raises(TooManyAliases):
        read(bomb).at("a39", "k")


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("4", ScalarKind.INTEGER),
        ('"4"', ScalarKind.STRING),
        ("'on'", ScalarKind.STRING),
        ("on", ScalarKind.BOOLEAN),
        ("1e3", ScalarKind.FLOAT),
        ("", ScalarKind.NULL),
        ("''", ScalarKind.STRING),
        (">-\n  4", ScalarKind.STRING),
        ("!!str 4", ScalarKind.STRING),
        ('!!int "4"', ScalarKind.INTEGER),
        ("!mine 4", ScalarKind.STRING),
        ("&x 4", ScalarKind.INTEGER),
    ],
)
def test_only_a_plain_scalar_without_a_tag_is_anything_but_a_string(written: str, kind: ScalarKind) -> None:
    assert scalar(f"a: {written}\n").kind is kind


def test_null_says_as_little_as_nothing() -> None:
    root = read("a: null\nb:\nc: {}\n")

    assert (root.text("a"), root.text("b"), root.integer("a"), root.integer("missing")) == (None, None, None, None)


def test_a_number_that_is_not_told_is_unknown() -> None:
    root = read("a: {{ .Values.a }}\nb: '3'\nc: 3\nd: [3]\n")

    assert [type(root.integer(key)) for key in "abcd"] == [Unknown, Unknown, Located, Unknown]


def test_a_template_in_place_of_a_text_is_read_as_it_is_written() -> None:
    text = "a: {{ .Values.a }}\n"

    assert read(text).text("a") == Located("{{ .Values.a }}", Span("m.yaml", 3, 18))


@pytest.mark.parametrize("header", ["|", "|-", "|+", "| # why", "|2", "&x |"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_lines_of_a_literal_block_can_be_read_where_they_are(header: str, line_end: str) -> None:
    text = line_end.join([f"a: {header}", "  [pgbouncer]", "", "  é = 1", "# comment", "b: 2", ""])

    found = scalar(text).block

    assert found
    assert cut(text, found) == line_end.join(["  [pgbouncer]", "", "  é = 1", ""])


@pytest.mark.parametrize("written", [">\n  x", '"x"', "x", "'x'"])
def test_no_other_style_keeps_its_lines(written: str) -> None:
    assert scalar(f"a: {written}\n").block is None


@pytest.mark.parametrize(
    ("text", "first", "separator"),
    [
        ("a:\n  b: 1\n  c: 2\n", "b: 1", "\n  "),
        ("a:\r\n   b: 1\r\n", "b: 1", "\r\n   "),
        ("a: {b: 1}\n", "b: 1", ", "),
        ("a: &x\n  b: 1\n", "b: 1", "\n  "),
        ("a:\n  &x b: 1\n", "b: 1", "\n     "),
    ],
)
def test_a_key_can_be_put_before_the_first(text: str, first: str, separator: str) -> None:
    found = read(text).mapping("a")

    assert found
    assert text[found.first.start :].startswith(first)
    assert found.separator == separator


def test_a_separator_may_be_followed_by_a_comment_or_by_content() -> None:
    found = documents("--- # one\na: 1\n--- {b: 2}\n---\n---\nc: -----BEGIN\n...\nd: 4\n")

    assert [[key.text for key, _ in node.items()] for node in found if isinstance(node, Mapping)] == [
        ["a"],
        ["b"],
        ["c"],
        ["d"],
    ]


def test_a_broken_document_does_not_hide_the_others() -> None:
    text = "a: 1\n---\nb: [\n---\nc: 3\n"

    found = documents(text)

    assert [type(item) for item in found] == [Mapping, SyntaxFault, Mapping]


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("a:\n\tb: 2\n", "\tb: 2", "not YAML: a tab where only spaces may indent"),
        ("a: 1\n---\né: b: c\n", ": c", "not YAML: mapping values are not allowed"),
        ("a: *none\n", "*none", "not YAML: found undefined alias"),
        ("é: \x07\n", "\x07", "not YAML: the character U+0007 must be escaped"),
        ("é: \ud800\n", "\ud800", "not YAML: the character U+D800 must be escaped"),
        ("a: 'x\n", "", "not YAML: found unexpected end of stream while scanning a quoted scalar"),
    ],
)
def test_a_fault_lies_where_the_text_stops_being_yaml(text: str, place: str, reason: str) -> None:
    [(found, message)] = faults(text)

    assert found == place
    assert message.startswith(reason)


@pytest.mark.parametrize("text", ["a: {{ x }}: b: c\n", "{{ x }}: y\nb\n", "a: " + "{{ " * 300_000])
def test_a_template_that_is_not_yaml_is_no_fault(text: str) -> None:
    assert documents(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "{{- if .Values.enabled }}\na: 1\n{{- end }}\n",
        "{% for x in y %}\na: 1\n{% endfor %}\n",
        "{{/* a\n comment */}}\na: 1 # {{ b }}\n",
        "{{- if .x }}\na: 1\n{{- else if .y }}\na: 2\nb: 2\n{{- else }}\nc:\n  - {{ .z }}\n{{- end }}\n",
        "a: 1\n{{- with .x }}\n  {{- toYaml . | nindent 2 }}\n{{- end }}\n",
    ],
)
def test_of_a_template_is_read_what_is_told(text: str) -> None:
    found = read(text)

    assert [(key.text, value.written) for key, value in found.items()] == [("a", "1")]
    assert text[found.span.start : found.span.end].startswith("a: 1")


def test_what_a_template_puts_in_is_a_text_as_it_is_written() -> None:
    found = read(
        'a: {{ include "x" . }}-y\nb: "{{ .b }}"\nc: {{ .c }}\nd: [1, {{ .d }}]\ne: |\n  x\n  {{ .e }}\nf: 4\n'
    )

    assert [told and told.value for told in map(found.text, "abc")] == [
        '{{ include "x" . }}-y',
        "{{ .b }}",
        "{{ .c }}",
    ]
    assert isinstance(found.integer("c"), Unknown)
    told = found.text("e")
    assert told
    assert "{{ .e }}" in told.value
    assert found.integer("f") == Located(4, found.span._replace(start=91, end=92))


def test_branches_inside_of_branches_are_read_as_the_first_of_them() -> None:
    text = (
        "{{ if a }}\n{{ if b }}\na: 1\n{{ else }}\na: 2\n{{ end }}\n"
        "{{ else }}\n{{ if c }}\na: 3\n{{ else }}\na: 4\n{{ end }}\n{{ end }}\nz: 5\n"
    )

    assert [value.written for _, value in read(text).items()] == ["1", "5"]


@pytest.mark.parametrize("text", ["#@ load('x')\na: 1\n", "a: #@ data.values.a\n"])
def test_the_values_of_ytt_are_not_in_the_yaml(text: str) -> None:
    assert documents(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000 + "]" * 50_000,
        "{a: " * 50_000 + "}" * 50_000,
        "".join(" " * depth + "a:\n" for depth in range(1_000)),
        "- " * 50_000 + "x",
        "? " * 50_000 + "x",
        "[" * 60 + "{a: " * 200,
        "a:\r" + "- " * 50_000,
    ],
)
def test_nesting_that_would_overflow_the_stack_is_refused(text: str) -> None:
    [(_, message)] = faults(text)

    assert message == "not YAML: nested more than 200 levels deep"


def test_a_hundred_levels_are_read() -> None:
    text = "".join("  " * depth + f"k{depth}:\n" for depth in range(100))

    assert read(text).key("k0")


def test_empty_documents_hold_nothing_to_look_at() -> None:
    assert not any(isinstance(found, Mapping) for found in documents("---\n# nothing\n---\n%YAML 1.1\n---\n"))


def test_an_anchor_that_is_set_again_stands_for_the_later_node_from_there_on() -> None:
    """Observed with kubectl 1.32 and Kustomize 5.5."""
    found = read("a: &x one\nb: *x\nc: &x two\nd: *x\n")

    texts = [found.text(key) for key in "abcd"]
    assert [each and each.value for each in texts] == ["one", "one", "two", "two"]


def test_an_alias_without_an_anchor_is_a_fault() -> None:
    [fault] = documents("a: &x one\nb: &x two\nc: *y\n")

    assert isinstance(fault, SyntaxFault)
    assert "undefined alias" in fault.message
