"""How large pools are to be, as one JSON document; version 1 may grow and does not change."""

from collections.abc import Iterable, Sequence
from typing import TextIO, TypeAlias

from poolcheck import __version__
from poolcheck.amount import Amount, Reason
from poolcheck.report.places import Places
from poolcheck.report.redact import redact_message
from poolcheck.sizing.advice import Sized
from poolcheck.sizing.formulas import Given, Worked
from poolcheck.sizing.shares import Setting
from poolcheck.source import Span

VERSION = 1

Object: TypeAlias = dict[str, object]


def print_sizes(found: Iterable[Sized], places: Places, stream: TextIO) -> None:
    """Writes the document. Bytes of a file that are no characters are written as `?`."""
    import json

    document = {
        "version": VERSION,
        "poolcheck": __version__,
        "servers": [_server(each, places) for each in found],
    }
    text = json.dumps(document, ensure_ascii=False, indent=2)
    stream.write(text.encode("utf-8", "replace").decode() + "\n")


def _server(sized: Sized, places: Places) -> Object:
    """A server; what is recommended is null where neither its cores nor its load are known."""
    deployed, advice = sized
    return {
        "name": deployed.name,
        "place": _place(deployed.place, places),
        "formulas": [_worked(each, places) for each in advice.formulas] if advice else [],
        "connections": advice.active if advice else None,
        "decided_by": advice.decided if advice else None,
        "settings": [_setting(each, places) for each in advice.settings] if advice else [],
        "notes": list(advice.notes) if advice else [],
    }


def _worked(worked: Worked, places: Places) -> Object:
    source = worked.source
    return {
        "name": worked.name,
        "result": worked.result,
        "formula": worked.formula,
        "numbers": worked.numbers,
        "given": [_given(each, places) for each in worked.given],
        "source": {"title": source.title, "section": source.section, "url": source.url or None},
        "notes": list(worked.notes),
    }


def _given(given: Given, places: Places) -> Object:
    """A number in its unit: seconds for a time."""
    return {
        "name": given.name,
        "value": given.number,
        "unit": given.unit or None,
        "because": _reasons(given.because, places),
    }


def _setting(setting: Setting, places: Places) -> Object:
    return {
        "of": setting.of,
        "name": setting.name,
        "now": setting.now and _amount(setting.now, places),
        "recommended": setting.recommended,
        "is_at_least": setting.at_least,
        "sum": setting.written,
        "place": _place(setting.place, places),
    }


def _amount(amount: Amount, places: Places) -> Object:
    return {"low": amount.low, "high": amount.high, "because": _reasons(amount.because, places)}


def _reasons(reasons: Sequence[Reason], places: Places) -> list[Object]:
    return [
        {"text": redact_message(each.text), "place": _place(each.span, places)} for each in dict.fromkeys(reasons)
    ]


def _place(span: Span | None, places: Places) -> Object | None:
    """A place; of another project's, whose files are not there, all that it wrote down is the path."""
    if span is None:
        return None
    place = places.of(span)
    return dict(place._asdict()) if place else {"path": span.path, "line": None, "column": None}
