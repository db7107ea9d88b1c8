"""Which variables a script may set, where it is not a mere list of commands."""

import re

from poolcheck.source import Span
from poolcheck.value import Known, Lookup, Unknown, Value

_COMMENT = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_READING = re.compile(r"(?:^|[\s;&|(])(?:\.|source|eval)[ \t]+(?P<what>[^\s;&|]+)")
_ACTIVATE = "bin/activate"
"""The script of a virtual environment, which sets nothing that a program reads."""


def is_activation(path: str) -> bool:
    """Whether a script that is read is that of a virtual environment."""
    return path.strip("\"'").endswith(_ACTIVATE)


def after(script: str, span: Span, environment: Lookup) -> Lookup:
    """The environment that a script leaves behind; not known where it may have changed a variable."""
    script = _COMMENT.sub("", script)
    if any(not is_activation(found["what"]) for found in _READING.finditer(script)):
        return lambda name: environment(name) or Unknown((span,))

    def value(name: str) -> Value | None:
        inherited = environment(name)
        if (default := _defaulted(script, name)) is not None:
            return inherited or Known(default, (span,))
        return Unknown((span,)) if _may_set(script, name) else inherited

    return value


def _may_set(script: str, name: str) -> bool:
    """Whether a variable is named otherwise than to be read."""
    return re.search(rf"(?<![\w$])(?<!\$\{{){name}\b|\$\{{{name}:?=", script) is not None


def _defaulted(script: str, name: str) -> str | None:
    """The default of a variable to which a script does nothing but to give it that: `X="${X:-2}"`."""
    own = rf"^(?:export[ \t]+)?{name}=\"?\$\{{{name}:?-(?P<default>[^}}$`\"]*)\}}\"?[ \t]*$"
    found = [*re.finditer(own, script, re.MULTILINE)]
    rest = re.sub(own, "", script, flags=re.MULTILINE)
    return found[0]["default"] if len(found) == 1 and not _may_set(rest, name) else None
