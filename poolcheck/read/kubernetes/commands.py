"""From the command of a container to the program that does the work, behind shells and other wrappers."""

import os.path
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from poolcheck.read.kubernetes.environment import expand
from poolcheck.read.kubernetes.launcher_table import LAUNCHERS
from poolcheck.read.kubernetes.manifest import Container
from poolcheck.read.kubernetes.script_variables import after, is_activation
from poolcheck.read.kubernetes.shell import (
    ARGUMENTS,
    Command,
    Variable,
    commands,
    file_at,
    last_part,
    script_at,
)
from poolcheck.source import Located, Source, Span
from poolcheck.value import HOLE, Known, Lookup, Unknown, Value, text_of

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_PYTHON = re.compile(rf"\b(?:python[0-9.]*|{'|'.join(re.escape(each.name) for each in LAUNCHERS)})[ \t]")
_LONGEST_CHAIN = 16


class Started(NamedTuple):
    """A program with its arguments, none where it is not to be told, and its environment.

    Where a part of a word is not known, the word has a HOLE.
    """

    words: tuple[Located[str], ...]
    environment: Lookup


Scripts: TypeAlias = Callable[[str], Source | None]
"""The script in a file of the project that a container has under a path; None where it is not seen."""


class _Wrapper(NamedTuple):
    """A program that starts the one that follows its subcommand, its options and its operands, or `--` at last."""

    subcommand: str = ""
    valued: frozenset[str] = frozenset()
    operands: int = 0
    is_behind_dashes: bool = False


_UV = frozenset(
    {"--directory", "--env-file", "--extra", "--group", "--package", "--project", "--python", "--with", "-p"}
)
_DOCKERIZE = frozenset(
    {"-delims", "-stderr", "-stdout", "-template", "-timeout", "-wait", "-wait-http-header"}
    | {"-wait-retry-interval"}
)
_OPENTELEMETRY = frozenset({"--logs_exporter", "--metrics_exporter", "--service_name", "--traces_exporter"})

_WRAPPERS: Mapping[str, _Wrapper] = {
    "catatonit": _Wrapper(),
    "chamber": _Wrapper("exec", is_behind_dashes=True),
    "conda": _Wrapper("run", frozenset({"-n", "--name", "-p", "--prefix", "--cwd"})),
    "ddtrace-run": _Wrapper(),
    "dockerize": _Wrapper(valued=_DOCKERIZE),
    "doppler": _Wrapper("run", frozenset({"-c", "--config", "-p", "--project", "-t", "--token"})),
    "dumb-init": _Wrapper(valued=frozenset({"-r", "--rewrite"})),
    "env": _Wrapper(valued=frozenset({"-u", "--unset", "-C", "--chdir"})),
    "exec": _Wrapper(valued=frozenset({"-a"})),
    "gosu": _Wrapper(operands=1),
    "hatch": _Wrapper("run"),
    "infisical": _Wrapper("run", is_behind_dashes=True),
    "launcher": _Wrapper(),
    "micromamba": _Wrapper("run", frozenset({"-n", "--name", "-p", "--prefix"})),
    "newrelic-admin": _Wrapper("run-program"),
    "nice": _Wrapper(valued=frozenset({"-n", "--adjustment"})),
    "nohup": _Wrapper(),
    "opentelemetry-instrument": _Wrapper(valued=_OPENTELEMETRY),
    "pdm": _Wrapper("run", frozenset({"-p", "--project"})),
    "pipenv": _Wrapper("run"),
    "poetry": _Wrapper("run"),
    "rye": _Wrapper("run"),
    "s6-setuidgid": _Wrapper(operands=1),
    "stdbuf": _Wrapper(valued=frozenset({"-i", "-o", "-e"})),
    "su-exec": _Wrapper(operands=1),
    "timeout": _Wrapper(valued=frozenset({"-k", "--kill-after", "-s", "--signal"}), operands=1),
    "tini": _Wrapper(valued=frozenset({"-p", "-e"})),
    "uv": _Wrapper("run", _UV),
    "wait-for": _Wrapper(is_behind_dashes=True),
    "wait-for-it": _Wrapper(is_behind_dashes=True),
    "wait-for-it.sh": _Wrapper(is_behind_dashes=True),
    "wait-for.sh": _Wrapper(is_behind_dashes=True),
}


def no_script(_: str) -> Source | None:
    """The project in which no script is seen."""
    return None


def started(container: Container, environment: Lookup, scripts: Scripts = no_script) -> Started:
    """The program at the end of the chain that a container's `command` and `args` begin."""
    words = (*(container.command or ()), *(container.args or ()))
    found = Started(tuple(Located(_text(expand(word, environment)), word.span) for word in words), environment)
    for _ in range(_LONGEST_CHAIN):
        following = _following(found, scripts)
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


def _following(found: Started, scripts: Scripts) -> Started | None:
    """What a program starts in its place; None where it does its own work."""
    words = [word.value for word in found.words]
    script = script_at(words)
    if script is not None:
        return _last_command(found.words[script], found.environment, found.words[script + 2 :])
    wrapper = _WRAPPERS.get(program(found.words))
    if wrapper:
        return _wrapped(wrapper, found)
    file = file_at(words)
    source = None if file is None or HOLE in words[file] else scripts(words[file])
    if file is None or source is None:
        return None
    return _last_command(Located(source.text, _last_line(source)), found.environment, found.words[file + 1 :])


def _last_line(source: Source) -> Span:
    """Where the last line is that says something."""
    end = len(source.text.rstrip())
    return Span(source.path, source.text.rfind("\n", 0, end) + 1, end)


def _wrapped(wrapper: _Wrapper, found: Started) -> Started:
    words = list(found.words[1:])
    if wrapper.subcommand and (not words or words.pop(0).value != wrapper.subcommand):
        return Started((), found.environment)
    if wrapper.is_behind_dashes:
        at = next((at for at, word in enumerate(words) if word.value == "--"), len(words))
        words = words[at:]
    while words and words[0].value.startswith("-"):
        option = words.pop(0).value
        if option == "--":
            break
        if option in wrapper.valued and words:
            words.pop(0)
    shell = _Shell(found.environment)
    return Started(shell.assign(words[wrapper.operands :]), shell.get)


def _last_command(script: Located[str], environment: Lookup, arguments: Sequence[Located[str]]) -> Started:
    """The last command of a script, in the environment those before it leave; none if it is not what goes on."""
    found = commands(script.value)
    is_whole = found is not None
    found = found or commands(last_part(script.value)) or ()
    operators = [command.then for command in found[:-1]]
    if not found or found[-1].then == "&" or {"&", "|"} & {*operators} or operators[-1:] == ["||"]:
        return Started((), environment)
    if not is_whole:
        before = script.value.removesuffix(last_part(script.value))
        if _runs_beside(before):
            return Started((), environment)
        environment = after(before, script.span, environment)
    shell = _Shell(environment)
    for command in found[:-1]:
        shell.run(_filled(command, shell.get, script.span, arguments))
    return Started(shell.assign(_filled(found[-1], shell.get, script.span, arguments)), shell.get)


def _runs_beside(script: str) -> bool:
    """Whether a line of a script starts Python and leaves it running beside what follows."""
    lines = (line.rstrip() for line in script.splitlines())
    left = (line for line in lines if line.endswith("&") and not line.endswith("&&"))
    return any(_PYTHON.search(line) and not line.lstrip().startswith("#") for line in left)


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
        if first in {".", "source", "eval"} and not any(is_activation(word.value) for word in words[1:2]):
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


def _filled(
    command: Command, environment: Lookup, span: Span, arguments: Sequence[Located[str]]
) -> list[Located[str]]:
    """The words of a command as the shell hands them on. A variable that is not in quotes may become several."""
    filled: list[Located[str]] = []
    for word in command.words:
        if len(word) == 1 and isinstance(word[0], Variable) and word[0].name == ARGUMENTS:
            filled += arguments
            continue
        text = "".join(_part(part, environment) for part in word)
        may_split = any(isinstance(part, Variable) and not part.is_quoted for part in word)
        filled += (Located(piece, span) for piece in (text.split() if may_split else (text,)))
    return filled


def _part(part: str | Variable | None, environment: Lookup) -> str:
    if part is None:
        return HOLE
    if isinstance(part, str):
        return part
    found = Unknown(()) if part.name == ARGUMENTS else environment(part.name)
    if found is not None:
        return text_of(found) or part.default or ""
    return HOLE if part.default is None else part.default
