import io
import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from poolcheck import __version__
from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.report.json import write
from poolcheck.run import Report
from poolcheck.source import Edit, Span

INI = "[pgbouncer]\npool_mode = session ; for now\n"
YAML = "replicas: 4\n"


def place(marked: str, text: str = INI, path: str = "a.ini") -> Span:
    start = text.index(marked)
    return Span(path, start, start + len(marked))


def finding(**changes: Any) -> Finding:
    return Finding("inline-comment", "pgbouncer", Severity.ERROR, place("; for now"), "no comment")._replace(
        **changes
    )


def written(*findings: Finding, texts: Mapping[str, str] = {"a.ini": INI, "b.yaml": YAML}) -> str:
    stream = io.StringIO()
    write(Report(findings, texts, 12, (finding(),) * 3), stream)
    return stream.getvalue()


def test_the_document_has_this_shape_and_order() -> None:
    note = Note(place("4", YAML, "b.yaml"), "4 replicas")
    fix = Fix("remove the comment", (Edit(place(" ; for now"), ""),), safe=False)

    text = written(finding(notes=(note,), fix=fix))

    fingerprint = json.loads(text)["findings"][0]["fingerprint"]
    assert (
        text
        == f"""{{
  "version": 1,
  "poolcheck": "{__version__}",
  "findings": [
    {{
      "rule": "inline-comment",
      "group": "pgbouncer",
      "severity": "error",
      "message": "no comment",
      "path": "a.ini",
      "start": {{
        "line": 2,
        "column": 21
      }},
      "end": {{
        "line": 2,
        "column": 30
      }},
      "notes": [
        {{
          "path": "b.yaml",
          "start": {{
            "line": 1,
            "column": 11
          }},
          "end": {{
            "line": 1,
            "column": 12
          }},
          "message": "4 replicas"
        }}
      ],
      "fix": {{
        "title": "remove the comment",
        "safe": false,
        "edits": [
          {{
            "path": "a.ini",
            "start": {{
              "line": 2,
              "column": 20
            }},
            "end": {{
              "line": 2,
              "column": 30
            }},
            "text": ""
          }}
        ]
      }},
      "fingerprint": "{fingerprint}",
      "help": null
    }}
  ],
  "summary": {{
    "files": 12,
    "error": 1,
    "warning": 0,
    "info": 0,
    "suppressed": 3
  }}
}}
"""
    )


def test_a_document_without_findings_is_complete() -> None:
    assert json.loads(written())["findings"] == []
    assert json.loads(written())["summary"]["error"] == 0


def test_a_finding_without_a_fix_says_so() -> None:
    assert json.loads(written(finding()))["findings"][0]["fix"] is None


def test_text_is_written_as_it_is_and_not_escaped() -> None:
    assert "größer als 100 日本 🐘" in written(finding(message="größer als 100 日本 🐘"))


def test_bytes_that_are_no_characters_are_replaced() -> None:
    text = written(finding(message="a\udcffb", span=Span("\udcff.ini", 0, 1)), texts={"\udcff.ini": "a\udcffb"})

    assert json.loads(text.encode("utf-8"))["findings"][0]["message"] == "a\ufffdb"


def test_secrets_in_messages_are_hidden() -> None:
    note = Note(place("session"), "postgres://app:hunter2@db")

    text = written(finding(message="password=hunter2", notes=(note,), fix=Fix("write password=hunter2", ())))

    assert "hunter2" not in text


def test_a_fix_that_writes_a_secret_is_left_out() -> None:
    ini = 'shop = host=db password="hunter2"'
    fix = Fix("use single quotes", (Edit(place('"hunter2"', ini), "'hunter2'"),))

    text = written(finding(span=place("host", ini), fix=fix), texts={"a.ini": ini})

    assert "hunter2" not in text
    assert json.loads(text)["findings"][0]["fix"] is None


@given(st.text(alphabet="ab\r\né🐘\u2028"), st.data())
def test_places_lead_back_to_the_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))

    found = json.loads(written(finding(span=Span("a.ini", start, end)), texts={"a.ini": text}))["findings"][0]

    assert text[offset(text, found["start"]) : offset(text, found["end"])] == text[start:end]


@given(st.text(), st.text())
def test_two_runs_write_the_same(text: str, message: str) -> None:
    found = finding(span=Span("a.ini", 0, len(text)), message=message)

    assert written(found, texts={"a.ini": text}) == written(found, texts={"a.ini": text})


def offset(text: str, position: Mapping[str, int]) -> int:
    """The offset of a line and a column."""
    lines = text.replace("\r\n", "\0\n").replace("\r", "\n").replace("\0", "\r").split("\n")
    return sum(len(line) + 1 for line in lines[: position["line"] - 1]) + position["column"] - 1
