"""Texts that values are put into: `"…{}…".format(…)` and `"…%s…" % …`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from string import Formatter

from poolcheck.value import Known, Places, Unknown, Value

_PERCENT = re.compile(r"%(?:\((?P<name>\w+)\))?(?P<kind>.?)", re.DOTALL)


def formatted(text: str, given: Sequence[Value], named: Mapping[str, Value], place: Places) -> Iterator[Value]:
    """The parts of what `text.format(*given, **named)` makes."""
    fields = iter(given)
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        yield Unknown(place)
        return
    for before, field, spec, conversion in parts:
        if before:
            yield Known(before, place)
        if field is None:
            continue
        if spec or conversion:
            yield Unknown(place)
        elif field == "":
            yield next(fields, Unknown(place))
        elif field.isdecimal():
            yield given[int(field)] if int(field) < len(given) else Unknown(place)
        else:
            yield named.get(field, Unknown(place))


def interpolated(text: str, given: Sequence[Value], named: Mapping[str, Value], place: Places) -> Iterator[Value]:
    """The parts of what `text % given`, or `text % named`, makes."""
    fields = iter(given)
    done = 0
    for mark in _PERCENT.finditer(text):
        yield Known(text[done : mark.start()], place)
        done = mark.end()
        if mark["kind"] == "%":
            yield Known("%", place)
        elif mark["kind"] not in {"s", "d"}:
            yield Unknown(place)
        elif mark["name"]:
            yield named.get(mark["name"], Unknown(place))
        else:
            yield next(fields, Unknown(place))
    yield Known(text[done:], place)
