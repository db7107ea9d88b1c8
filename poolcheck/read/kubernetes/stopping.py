"""What a preStop hook does before the kubelet tells the container to stop."""

import os.path
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from poolcheck.read.kubernetes.manifest import ExecHook, SleepHook
from poolcheck.read.kubernetes.shell import Command, Word, commands, first_part, literal, script_at
from poolcheck.source import Span

_SENDERS = frozenset({"kill", "killall", "pkill"})
_SIGNALS = {"1": "HUP", "2": "INT", "3": "QUIT", "9": "KILL", "10": "USR1", "12": "USR2", "15": "TERM"}
_ENDING = frozenset({"INT", "TERM", "QUIT", "KILL"})
_SHUTDOWN = re.compile(r"\bSHUTDOWN(?:\s+(?P<how>WAIT_FOR_(?:CLIENTS|SERVERS)))?", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]*)?|\.[0-9]+)(?P<unit>[smhd]?)")


class Pause(NamedTuple):
    """A `sleep`; None where it is not told how long."""

    seconds: float | None


class Signal(NamedTuple):
    """A signal that ends the pooler, without SIG: INT, TERM, QUIT or KILL."""

    name: str


class Shutdown(NamedTuple):
    """SHUTDOWN on the admin console, and what it is told to wait for, `WAIT_FOR_CLIENTS`, or nothing."""

    how: str


Deed = Pause | Signal | Shutdown | None
"""None is anything else."""


class Hook(NamedTuple):
    """What a hook does in this order, as far as it is a list of commands, and the place that says so.

    It is not `is_whole` where more follows.
    """

    deeds: tuple[Deed, ...]
    span: Span
    is_whole: bool


def hook_of(hook: ExecHook | SleepHook | None) -> Hook | None:
    """What a hook does; None where there is none, or it is not understood."""
    match hook:
        case SleepHook(seconds):
            return Hook((Pause(seconds.value),), seconds.span, is_whole=True)
        case ExecHook(command):
            words = [word.value for word in command]
            at = script_at(words)
            if at is None:
                return Hook((_deed([(word,) for word in words]),), command[-1].span, is_whole=True)
            script = words[at]
            whole = commands(script)
            found = whole if whole is not None else commands(first_part(script))
            return Hook(tuple(_deeds(found or ())), command[at].span, is_whole=whole is not None)
        case None:
            return None


def _deeds(found: Iterable[Command]) -> Iterator[Deed]:
    return (_deed(command.words) for command in found)


def _deed(words: Sequence[Word]) -> Deed:
    texts = [literal(word) for word in words]
    while texts and texts[0] in {"exec", "sudo"}:
        texts = texts[1:]
    name = os.path.basename(texts[0] or "") if texts else ""
    if name == "sleep":
        return Pause(_slept(texts[1:]))
    if name in _SENDERS:
        signal = _signal([text or "" for text in texts[1:]])
        return Signal(signal) if signal in _ENDING else None
    if name == "psql":
        said = [_SHUTDOWN.search(text) for text in texts if text]
        found = next(filter(None, said), None)
        return Shutdown((found["how"] or "").upper()) if found else None
    return None


def _slept(durations: Sequence[str | None]) -> float | None:
    told = [_DURATION.fullmatch(each or "") for each in durations]
    if not told or None in told:
        return None
    return sum(float(each["number"]) * _SECONDS[each["unit"]] for each in told if each)


def _signal(arguments: Sequence[str]) -> str:
    """The signal that is sent: `-INT`, `-SIGINT`, `-2`, `-s INT`, `--signal=INT`; TERM where none is told."""
    for at, argument in enumerate(arguments):
        if argument in {"-s", "--signal", "-n"} and at + 1 < len(arguments):
            return _named(arguments[at + 1])
        if argument.startswith("--signal="):
            return _named(argument.partition("=")[2])
        if argument in {"-0", "-l"}:
            return ""
        if re.fullmatch(r"-(?:SIG)?[A-Z][A-Z0-9]+|-[0-9]+", argument):
            return _named(argument[1:])
    return "TERM"


def _named(signal: str) -> str:
    return _SIGNALS.get(signal, signal.upper().removeprefix("SIG"))
