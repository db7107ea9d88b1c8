"""What is told of configurations that stand in no file, when the rules are done."""

from collections.abc import Mapping
from textwrap import dedent

import pytest

from poolcheck.catalog import installed
from poolcheck.config import Configurations, Settings
from poolcheck.files import Memory
from poolcheck.finding import Finding, Severity
from poolcheck.run import check


def findings(files: Mapping[str, str], *select: str) -> tuple[tuple[Finding, str], ...]:
    """What the rules find, each with what the file shows at its place."""
    settings = Settings()._replace(select=select or Settings().select, min_severity=Severity.INFO)
    configurations = Configurations({}, isolated=True, override=lambda _: settings)
    texts = {path: dedent(text) for path, text in files.items()}
    memory = Memory({path: text.encode() for path, text in texts.items()})
    report = check([*texts], memory, installed(), configurations)
    return tuple((each, texts[each.span.path][each.span.start : each.span.end]) for each in report.findings)


POD = """
    apiVersion: v1
    kind: Pod
    metadata: {name: pooler}
    spec:
      containers:
        - name: main
          image: edoburu/pgbouncer:v1.23.1-p2
          env:
            - {name: DB_HOST, value: db}
            - {name: POOL_MODE, value: Transactional}
            - {name: DEFAULT_POOL_SIZE, value: "50 # many"}
"""


def test_a_finding_is_at_the_variable_and_has_no_fix() -> None:
    found = findings({"pod.yaml": POD}, "unknown-value", "inline-comment")

    assert {(each.rule, place, each.fix) for each, place in found} == {
        ("unknown-value", "Transactional", None),
        ("inline-comment", "# many", None),
    }


def test_a_comment_and_an_annotation_keep_it_from_being_told() -> None:
    comment = POD.replace("Transactional}", "Transactional}  # poolcheck: ignore[unknown-value] so be it")
    annotation = POD.replace(
        "{name: pooler}", "{name: pooler, annotations: {poolcheck.dev/ignore: unknown-value}}"
    )

    assert not findings({"pod.yaml": comment}, "unknown-value")
    assert not findings({"pod.yaml": annotation}, "unknown-value")


CLUSTER = """
    apiVersion: acid.zalan.do/v1
    kind: postgresql
    metadata: {name: acid-shop}
    spec: {numberOfInstances: 2, enableConnectionPooler: true}
"""


def test_of_what_an_operator_always_writes_nothing_is_told() -> None:
    assert not findings({"cluster.yaml": CLUSTER}, "pgbouncer", "kubernetes")


def test_numbers_that_an_operator_always_writes_count() -> None:
    app = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: api}
        spec:
          replicas: 3000
          selector: {matchLabels: {app: api}}
          template:
            metadata: {labels: {app: api}}
            spec:
              containers:
              - {name: api, image: api, command: [gunicorn, -w, "8", "api:app"]}
    """
    module = """
        from sqlalchemy import create_engine
        engine = create_engine("postgresql://app@acid-shop-pooler/shop", pool_size=1, max_overflow=0)
    """

    found = findings(
        {"cluster.yaml": CLUSTER, "app.yaml": app, "api.py": module}, "client-connections-exceed-pooler"
    )

    [(finding, place)] = found
    assert place == "acid-shop"
    assert finding.message.startswith("acid-shop-pooler accepts 2 × 10000 = 20000 client connections")


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_one_that_is_quoted_is_told_of_as_a_whole_and_has_no_fix(kind: str) -> None:
    field = "data" if kind == "ConfigMap" else "stringData"
    text = f"""
        apiVersion: v1
        kind: {kind}
        metadata: {{name: pooler}}
        {field}:
          pgbouncer.ini: "[databases]\\nshop = host=db\\n[pgbouncer]\\npool_mode = transactoin\\n"
    """

    [(finding, place)] = findings({"m.yaml": text}, "unknown-value")

    assert place.startswith('"[databases]')
    assert finding.fix is None
