"""Whether a value is text, as what is read from the environment always is."""

import re
from typing import NamedTuple

from poolcheck.read.python.syntax.module import Module
from poolcheck.value import Computed, Either, EnvRef, Known, Value

_TEXTS = frozenset({"join", "lower", "replace", "str", "strip"})
_READS = re.compile(r"[\w.]*(?:environ|getenv|config)\b")
"""How expressions begin that read a variable; a field of a settings class has a type besides."""


class Text(NamedTuple):
    """A value that is text, or may be: the variable it is read from, and what it is where nothing sets that."""

    variable: str
    otherwise: Value | None
    written: Value


def text_in(value: Value | None, module: Module) -> Text | None:
    """What of a value is text; None where nothing is, or that is not known."""
    match value:
        case Known(str(), _):
            return Text("", value, value)
        case EnvRef(name, default, _):
            return Text(name, default, value) if _is_read(value, module) else None
        case Computed(function, _, _) if function in _TEXTS:
            return Text("", None, value)
        case Computed("or", arguments, _):
            return next(filter(None, (text_in(each, module) for each in arguments)), None)
        case Either(options, _):
            # A name may be text first and a number of it later.
            found = [text_in(each, module) for each in options]
            return found[0] if all(found) else None
        case _:
            return None


def _is_read(value: EnvRef, module: Module) -> bool:
    """Whether a variable is read by an expression, and not by a class that converts it."""
    place = value.places[-1]
    holder = module if place.path == module.path else module.project.module(place.path)
    return holder is not None and _READS.match(holder.source.text, place.start) is not None
