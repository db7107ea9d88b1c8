"""Findings as one JSON document, for programs; version 1 may grow and does not change."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TextIO, TypeAlias

from poolcheck import __version__
from poolcheck.finding import Fix, Severity
from poolcheck.report.fingerprint import fingerprints
from poolcheck.report.positions import Positions
from poolcheck.report.redact import redact_message, writes_secret
from poolcheck.run import Report
from poolcheck.source import Span

VERSION = 1

Object: TypeAlias = dict[str, object]

_SURROGATE = re.compile("[\ud800-\udfff]")


def write(report: Report, stream: TextIO) -> None:
    """Writes the document. Bytes of a file that are no characters are written as U+FFFD."""
    import json

    text = json.dumps(document(report), ensure_ascii=False, indent=2)
    stream.write(_SURROGATE.sub("\ufffd", text) + "\n")


def document(report: Report) -> Object:
    """The whole document."""
    counted = Counter(finding.severity for finding in report.findings)
    return {
        "version": VERSION,
        "poolcheck": __version__,
        "findings": list(findings(report)),
        "summary": {
            "files": report.files,
            **{severity.value: counted[severity] for severity in Severity},
            "suppressed": len(report.silenced),
        },
    }


def findings(report: Report) -> Iterator[Object]:
    """One object a finding."""

    @cache
    def positions(path: str) -> Positions:
        return Positions(report.texts[path])

    def place(span: Span) -> Object:
        start, end = map(positions(span.path).position, (span.start, span.end))
        return {"path": span.path, "start": start._asdict(), "end": end._asdict()}

    for finding, fingerprint in zip(report.findings, fingerprints(report.findings, report.texts), strict=True):
        yield {
            "rule": finding.rule,
            "group": finding.group,
            "severity": finding.severity.value,
            "message": redact_message(finding.message),
            **place(finding.span),
            "notes": [{**place(note.span), "message": redact_message(note.message)} for note in finding.notes],
            **({"sum": [redact_message(line) for line in finding.sum]} if finding.sum else {}),
            "fix": _fix(finding.fix, place, report.texts) if finding.fix else None,
            "fingerprint": fingerprint,
            "help": None,
        }


def _fix(fix: Fix, place: Callable[[Span], Object], texts: Mapping[str, str]) -> Object | None:
    """A fix; None for one that writes a secret, which is not to be seen and cannot be made without."""
    if any(writes_secret(edit, texts[edit.span.path]) for edit in fix.edits):
        return None
    edits = [{**place(edit.span), "text": edit.text} for edit in fix.edits]
    return {"title": redact_message(fix.title), "safe": fix.safe, "edits": edits}
