from collections.abc import Mapping

import pytest

from poolcheck.catalog import installed
from poolcheck.config import Configurations, Settings
from poolcheck.files import Disk, Memory
from poolcheck.finding import Finding, Severity
from poolcheck.run import Report, check

DEFAULTS = Settings()
INI = "[pgbouncer]\npool_mode = session ; for now\n"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  annotations: {{{on_object}}}
spec:
  selector: {{}}
  template:
    metadata:
      annotations: {{{on_template}}}
    spec:
      containers:
        - name: api
          image: api
          env: [{{name: PORT, value: 5432}}]
"""


def report_on(texts: Mapping[str, str], settings: Settings = DEFAULTS) -> Report:
    files = Memory({path: text.encode() for path, text in texts.items()})
    configurations = Configurations({}, isolated=True, override=lambda _: settings)
    return check(list(texts), files, installed(), configurations)


def told(texts: Mapping[str, str], settings: Settings = DEFAULTS) -> list[tuple[str, str]]:
    """The rule and the marked text of each finding."""
    report = report_on(texts, settings)
    return [(each.rule, marked(each, report)) for each in report.findings]


def marked(finding: Finding, report: Report) -> str:
    path, start, end = finding.span
    return report.texts[path][start:end]


def test_findings_come_by_path_then_place_then_rule() -> None:
    texts = {
        "b.ini": INI,
        "a.ini": "[pgbouncer]\nlog_connections = yes ; please\nserver_lifetime = 1h ; long\n",
    }

    found = report_on(texts).findings

    assert [(each.span.path, each.span.start, each.rule) for each in found] == sorted(
        (each.span.path, each.span.start, each.rule) for each in found
    )
    assert {each.span.path for each in found} == {"a.ini", "b.ini"}


def test_the_order_of_the_paths_makes_no_difference() -> None:
    texts = {"b.ini": INI, "a.ini": INI, "c.yaml": DEPLOYMENT.format(on_object="", on_template="")}

    assert report_on(texts) == report_on(dict(reversed(texts.items())))


def test_all_files_are_counted_and_only_those_that_hold_something_are_kept() -> None:
    report = report_on({"a.ini": INI, "b.ini": "[unit]\n", "c.py": "import os\n", "d.yaml": "- a\n"})

    assert report.files == 4
    assert list(report.texts) == ["a.ini"]


def test_a_comment_silences_a_finding() -> None:
    report = report_on({"a.ini": f"; poolcheck: ignore-file[inline-comment] why\n{INI}"})

    assert report.findings == ()
    assert [finding.rule for finding in report.silenced] == ["inline-comment"]


@pytest.mark.parametrize("place", ["on_object", "on_template"])
def test_an_annotation_silences_what_is_found_in_its_object(place: str) -> None:
    annotations = {"on_object": "", "on_template": "", place: 'poolcheck.dev/ignore: "env-value-not-string"'}
    silent, loud = DEPLOYMENT.format(**annotations), DEPLOYMENT.format(on_object="", on_template="")

    report = report_on({"a.yaml": f"{silent}---\n{loud}"})

    assert [finding.span.start > len(silent) for finding in report.findings] == [True]
    assert [finding.span.start < len(silent) for finding in report.silenced] == [True]


def test_an_annotation_silences_what_is_found_in_a_pgbouncer_ini_in_its_object() -> None:
    text = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: pooler
  annotations:
    poolcheck.dev/ignore: inline-comment
data:
  pgbouncer.ini: |
    [pgbouncer] unix_socket_dir = /run
    pool_mode = session ; for now
    server_lifetime = 1h
"""

    assert told({"a.yaml": text}) == [("time-with-unit", "1h")]


def test_mistakes_in_an_annotation_are_found() -> None:
    text = DEPLOYMENT.format(on_object="poolcheck.dev/ignore: 'boolean-word, no-such'", on_template="")

    found = told({"a.yaml": text}, Settings(min_severity=Severity.INFO))

    assert ("unused-suppression", "boolean-word") in found
    assert ("unknown-suppression", "no-such") in found


def test_an_annotation_elsewhere_is_none() -> None:
    assert told({"a.ini": f"; poolcheck.dev/ignore: inline-comment\n{INI}"}) == [("inline-comment", "; for now")]


def test_what_is_not_severe_enough_is_not_reported() -> None:
    text = "; poolcheck: ignore[boolean-word]\n[pgbouncer]\n"

    assert told({"a.ini": text}) == []
    assert told({"a.ini": text}, Settings(min_severity=Severity.INFO)) == [("unused-suppression", "boolean-word")]


def test_progress_is_told_before_each_file() -> None:
    shown: list[tuple[int, int]] = []

    check(
        ["a.ini", "b.ini"],
        Memory({"a.ini": b"", "b.ini": b""}),
        installed(),
        Configurations({}, isolated=True),
        lambda done, total: shown.append((done, total)),
    )

    assert shown == [(0, 2), (1, 2)]


def test_python_that_is_nested_deep_does_not_hide_the_rest() -> None:
    text = f"import psycopg2\nx = {'[' * 5000}{']' * 5000}\nconn = psycopg2.connect('host=db')\n"

    assert [rule for rule, _ in told({"a.py": text})] == ["connect-timeout-missing"]


def test_a_file_that_went_away_is_a_finding() -> None:
    report = check(["nowhere.ini"], Disk(), installed(), Configurations({}, isolated=True))

    assert [(each.rule, each.message) for each in report.findings] == [
        ("unreadable-file", "cannot be read: No such file or directory")
    ]
