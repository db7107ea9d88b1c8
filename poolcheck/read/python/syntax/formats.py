"""Texts that values are put into: `"…{}…".format(…)` and `"…%s…" % …`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from string import Formatter

from poolcheck.value import Known, Places, Unknown, Value

_PERCENT = re.compile(
    r"%(?:\((?P<name>\w+)\))?(?P<form>[-#0 +]*[0-9*]*(?:\.[0-9*]*)?[hlL]?)(?P<kind>.?)", re.DOTALL
)


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
            continue
        value = named.get(mark["name"], Unknown(place)) if mark["name"] else next(fields, Unknown(place))
        yield Unknown(place) if mark["form"] or mark["kind"] not in {"s", "d"} else value
        if "*" in mark["form"]:
            # It takes values for its width, too.
            yield Unknown(place)
            return
    yield Known(text[done:], place)
