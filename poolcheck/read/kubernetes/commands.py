"""From the command of a container to the program that does the work, behind shells and other wrappers."""

import os.path
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from poolcheck.read.kubernetes.environment import expand
from poolcheck.read.kubernetes.manifest import Container
from poolcheck.read.kubernetes.shell import Command, Variable, commands, script_at
from poolcheck.source import Located, Span
from poolcheck.value import HOLE, Known, Lookup, Unknown, Value, text_of

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_LONGEST_CHAIN = 16


class Started(NamedTuple):
    """A program with its arguments, none where it is not to be told, and its environment.

    Where a part of a word is not known, the word has a HOLE.
    """

    words: tuple[Located[str], ...]
    environment: Lookup


class _Wrapper(NamedTuple):
    """A program that starts the one that follows its subcommand, its options and its operands."""

    subcommand: str = ""
    valued: frozenset[str] = frozenset()
    operands: int = 0


_UV = frozenset(
    {"--directory", "--env-file", "--extra", "--group", "--package", "--project", "--python", "--with", "-p"}
)
_OPENTELEMETRY = frozenset({"--logs_exporter", "--metrics_exporter", "--service_name", "--traces_exporter"})

_WRAPPERS: Mapping[str, _Wrapper] = {
    "catatonit": _Wrapper(),
    "ddtrace-run": _Wrapper(),
    "doppler": _Wrapper("run", frozenset({"-c", "--config", "-p", "--project", "-t", "--token"})),
    "dumb-init": _Wrapper(valued=frozenset({"-r", "--rewrite"})),
    "env": _Wrapper(valued=frozenset({"-u", "--unset", "-C", "--chdir"})),
    "exec": _Wrapper(valued=frozenset({"-a"})),
    "gosu": _Wrapper(operands=1),
    "hatch": _Wrapper("run"),
    "launcher": _Wrapper(),
    "newrelic-admin": _Wrapper("run-program"),
    "nice": _Wrapper(valued=frozenset({"-n", "--adjustment"})),
    "nohup": _Wrapper(),
    "opentelemetry-instrument": _Wrapper(valued=_OPENTELEMETRY),
    "pdm": _Wrapper("run", frozenset({"-p", "--project"})),
    "pipenv": _Wrapper("run"),
    "poetry": _Wrapper("run"),
    "su-exec": _Wrapper(operands=1),
    "timeout": _Wrapper(valued=frozenset({"-k", "--kill-after", "-s", "--signal"}), operands=1),
    "tini": _Wrapper(valued=frozenset({"-p", "-e"})),
    "uv": _Wrapper("run", _UV),
}


def started(container: Container, environment: Lookup) -> Started:
    """The program at the end of the chain that a container's `command` and `args` begin."""
    words = (*(container.command or ()), *(container.args or ()))
    found = Started(tuple(Located(_text(expand(word, environment)), word.span) for word in words), environment)
    for _ in range(_LONGEST_CHAIN):
        following = _following(found)
        if following is None:
            return found
        found = following
    return Started((), environment)


def program(words: Sequence[Located[str]]) -> str:
    """The name of a program without its folder; nothing where there is none."""
    return os.path.basename(words[0].value) if words else ""


def _text(value: Value) -> str:
    text = text_of(value)
    return HOLE if "{{" in text or "{%" in text else text


def _following(found: Started) -> Started | None:
    """What a program starts in its place; None where it does its own work."""
    script = script_at([word.value for word in found.words])
    if script is not None:
        return _last_command(found.words[script], found.environment)
    wrapper = _WRAPPERS.get(program(found.words))
    return _wrapped(wrapper, found) if wrapper else None


def _wrapped(wrapper: _Wrapper, found: Started) -> Started:
    words = list(found.words[1:])
    if wrapper.subcommand and (not words or words.pop(0).value != wrapper.subcommand):
        return Started((), found.environment)
    while words and words[0].value.startswith("-"):
        option = words.pop(0).value
        if option == "--":
            break
        if option in wrapper.valued and words:
            words.pop(0)
    shell = _Shell(found.environment)
    return Started(shell.assign(words[wrapper.operands :]), shell.get)


def _last_command(script: Located[str], environment: Lookup) -> Started:
    """The last command of a script, in the environment those before it leave; none if it is not what goes on."""
    found = commands(script.value) or ()
    operators = [command.then for command in found[:-1]]
    if not found or found[-1].then == "&" or {"&", "|"} & {*operators} or operators[-1:] == ["||"]:
        return Started((), environment)
    shell = _Shell(environment)
    for command in found[:-1]:
        shell.run(_filled(command, shell.get, script.span))
    return Started(shell.assign(_filled(found[-1], shell.get, script.span)), shell.get)


class _Shell:
    """An environment that commands change."""

    def __init__(self, environment: Lookup) -> None:
        self._inherited = environment
        self._assigned: dict[str, Value] = {}
        self._unseen: Unknown | None = None

    def get(self, name: str) -> Value | None:
        """The value of a variable; None where it is not set."""
        return self._assigned.get(name) or self._inherited(name) or self._unseen

    def run(self, words: Sequence[Located[str]]) -> None:
        """What a command leaves behind that only assigns variables, or that reads a file, which may set any."""
        first = words[0].value if words else ""
        if first in {".", "source", "eval"}:
            self._unseen = Unknown((words[0].span,))
        elif first == "export" or all(_ASSIGNMENT.fullmatch(word.value) for word in words):
            self.assign(words[1:] if first == "export" else words)

    def assign(self, words: Sequence[Located[str]]) -> tuple[Located[str], ...]:
        """Takes over the assignments, `NAME=value`, that a command may begin with; the words behind them."""
        for at, word in enumerate(words):
            assignment = _ASSIGNMENT.fullmatch(word.value)
            if assignment is None:
                return tuple(words[at:])
            value, places = assignment["value"], (word.span,)
            self._assigned[assignment["name"]] = Unknown(places) if HOLE in value else Known(value, places)
        return ()


def _filled(command: Command, environment: Lookup, span: Span) -> list[Located[str]]:
    """The words of a command as the shell hands them on. A variable that is not in quotes may become several."""
    filled: list[Located[str]] = []
    for word in command.words:
        text = "".join(_part(part, environment) for part in word)
        may_split = any(isinstance(part, Variable) and not part.is_quoted for part in word)
        filled += (Located(piece, span) for piece in (text.split() if may_split else (text,)))
    return filled


def _part(part: str | Variable | None, environment: Lookup) -> str:
    if part is None:
        return HOLE
    if isinstance(part, str):
        return part
    found = environment(part.name)
    if found is not None:
        return text_of(found) or part.default or ""
    return HOLE if part.default is None else part.default
