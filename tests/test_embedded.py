from base64 import b64encode

import pytest

from poolcheck.read.compose.contents import read_contents
from poolcheck.read.fault import SyntaxFault
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.rendered import Renderings
from poolcheck.source import Source

INI = "[databases]\nshop = host=db\n[pgbouncer]\npool_mode = transaction\n"
QUOTED = '"[databases]\\nshop = host=db\\n[pgbouncer]\\npool_mode = transaction\\n"'
BLOCK = "|\n" + "".join(f"    {line}\n" for line in INI.splitlines())


def configs(text: str) -> list[PgBouncerConfig]:
    return [fact for fact in read_manifest(Source("m.yaml", text)) if isinstance(fact, PgBouncerConfig)]


def holder(kind: str, field: str, value: str, key: str = "pgbouncer.ini") -> str:
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: pooler}}\n{field}:\n  {key}: {value}\n"


def shown(text: str, config: PgBouncerConfig) -> str:
    """What the file shows at the place of the pool mode."""
    mode = config.setting("pool_mode")
    assert mode
    assert mode.value == "transaction"
    _, start, end = Renderings([config.rendered] if config.rendered else []).written(mode.span)
    return text[start:end]


def test_in_a_literal_block_every_place_is_exact() -> None:
    text = holder("ConfigMap", "data", BLOCK)
    [config] = configs(text)

    assert shown(text, config) == "transaction"
    assert config.rendered is None


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("ConfigMap", "data", QUOTED),
        ("Secret", "stringData", QUOTED),
        ("Secret", "data", b64encode(INI.encode()).decode()),
        ("ConfigMap", "binaryData", b64encode(INI.encode()).decode()),
    ],
)
def test_anywhere_else_a_place_is_the_whole_scalar(kind: str, field: str, value: str) -> None:
    text = holder(kind, field, value)
    [config] = configs(text)

    assert shown(text, config) == value
    assert config.is_embedded
    assert not config.is_generated


def test_lines_that_are_folded_into_one_are_refused() -> None:
    text = holder("ConfigMap", "data", BLOCK.replace("|", ">"))

    faults = [fact for fact in read_manifest(Source("m.yaml", text)) if isinstance(fact, SyntaxFault)]

    assert [fault.message for fault in faults] == ["PgBouncer refuses this entry: this word is no key=value pair"]


@pytest.mark.parametrize("value", ["bm90IGFuIGluaQ==", "not base64", "/w==", "", "[a]"])
def test_what_is_encoded_and_no_configuration_is_left_alone(value: str) -> None:
    assert configs(holder("Secret", "data", value, key="some.ini")) == []


def test_of_what_is_encoded_only_what_may_be_a_configuration_is_looked_at() -> None:
    assert configs(holder("Secret", "data", b64encode(INI.encode()).decode(), key="password")) == []


@pytest.mark.parametrize(("value", "is_block"), [(BLOCK, True), (QUOTED, False)])
def test_the_content_of_a_config_of_compose_is_read(value: str, *, is_block: bool) -> None:
    value = value.replace("\n    ", "\n        ")
    text = f"services: {{pooler: {{image: x, configs: [ini]}}}}\nconfigs:\n  ini:\n    content: {value}\n"

    [config] = read_contents(Source("compose.yaml", text))

    assert isinstance(config, PgBouncerConfig)
    assert (config.rendered is None) is is_block
    assert [entry.name.value for entry in config.databases] == ["shop"]


@pytest.mark.parametrize(
    "configs_section",
    [
        "ini: {file: ./pgbouncer.ini}",
        "ini: {content: '[other]'}",
        "ini:",
        "# [pgbouncer]\n  ini: {external: true}",
    ],
)
def test_what_is_no_content_of_pgbouncers_is_left_alone(configs_section: str) -> None:
    text = f"services: {{pooler: {{image: x}}}}\nconfigs:\n  {configs_section}\n"

    assert [*read_contents(Source("compose.yaml", text))] == []
