"""A pooler whose preStop hook sleeps for as long as its pod is given to stop, or longer."""

import math
import os.path
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.kubernetes.manifest import Container, ExecHook, Manifest, SleepHook, Workload
from poolcheck.read.kubernetes.pooler_images import pooler_image
from poolcheck.read.kubernetes.shell import Word, commands, literal, script_at
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span

DEFAULT_GRACE_S = 30
TO_STOP_S = 10
"""What a pooler is left to stop in when it has slept."""

_DURATION = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]*)?|\.[0-9]+|inf(?:inity)?)(?P<unit>[smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_CONDITIONS = frozenset({"[", "command", "false", "grep", "pgrep", "pidof", "test", "which"})
_MOST_OPERANDS = 4


class Pause(NamedTuple):
    """Sleeps that follow one another, in seconds, and the place that says so."""

    sleeps_s: tuple[float, ...]
    span: Span

    @property
    def seconds(self) -> float:
        """All of them together."""
        return sum(self.sleeps_s)


class PoolerPrestopExceedsGrace(Rule[Manifest]):
    id = "pooler-prestop-exceeds-grace"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        for workload in manifest.workloads:
            for container in (*workload.init_containers, *workload.containers):
                pause, grace = pause_of(container), grace_of(workload)
                if pause and grace and 0 < grace.value <= pause.seconds and is_pooler(container):
                    yield self.finding(
                        pause.span,
                        f"the preStop hook of {container.name.value} sleeps {written_out(pause)}, and its pod has "
                        f"{grace.value} s to stop",
                        notes=[note_of(workload, grace)],
                        fix=more_grace(workload, pause),
                    )


def is_pooler(container: Container) -> bool:
    """Whether it runs a pooler's image, or is given a pgbouncer.ini to read."""
    if container.image and pooler_image(container.image.value):
        return True
    read = [*(container.command or ()), *(container.args or ())]
    for mount in container.mounts:
        read += [mount.path, *([mount.sub_path] if mount.sub_path else [])]
    return any("pgbouncer.ini" in text.value for text in read)


def pause_of(container: Container) -> Pause | None:
    """How long the preStop hook sleeps at least; None where that depends on what happens, or nothing is known."""
    match container.pre_stop:
        case SleepHook(seconds):
            return Pause((seconds.value,), seconds.span)
        case ExecHook(command):
            script = script_at([word.value for word in command])
            if script is not None:
                return Pause(tuple(sleeps_in(command[script].value)), command[script].span)
            return Pause((slept([(word.value,) for word in command]),), command[-1].span)
        case None:
            return None


def sleeps_in(script: str) -> Iterator[float]:
    """The sleeps of a script of which every command runs once, after the one before it."""
    found = commands(script) or ()
    if any(command.then in {"||", "|", "&"} for command in found):
        return
    if any(command.then == "&&" and literal(command.words[0]) in _CONDITIONS for command in found):
        return
    for command in found:
        if seconds := slept(command.words):
            yield seconds


def slept(words: Sequence[Word]) -> float:
    """The seconds that a `sleep` takes, 0 for any other command."""
    texts = [literal(word) or "" for word in words]
    name, *durations = texts[1:] if texts[0] == "exec" and texts[1:] else texts
    told = [_DURATION.fullmatch(duration) for duration in durations]
    if os.path.basename(name) != "sleep" or None in told:
        return 0
    return sum(float(duration["number"]) * _SECONDS[duration["unit"]] for duration in told if duration)


def grace_of(workload: Workload) -> Located[int] | None:
    """The seconds between the request to stop and the kill, at the pod's spec where it is the default."""
    grace = workload.grace_s
    if isinstance(grace, Located):
        return grace
    if grace is not None or workload.is_partial or workload.pod is None:
        return None
    return Located(DEFAULT_GRACE_S, workload.pod.key)


def written_out(pause: Pause) -> str:
    """The sum, "60 s" or "30 + 90 = 120 s", with its operands where they are few."""
    if math.isinf(pause.seconds):
        return "without end"
    total = f"{pause.seconds:.9g} s"
    sleeps = " + ".join(f"{seconds:.9g}" for seconds in pause.sleeps_s)
    return f"{sleeps} = {total}" if 1 < len(pause.sleeps_s) <= _MOST_OPERANDS else total


def note_of(workload: Workload, grace: Located[int]) -> Note:
    """Where the grace period is written, or could be."""
    if workload.grace_s is None:
        return Note(grace.span, f"without terminationGracePeriodSeconds a pod has {grace.value} s")
    return Note(grace.span, f"what is left after {grace.value} s is killed")


def more_grace(workload: Workload, pause: Pause) -> Fix | None:
    """A grace period that leaves some seconds behind the sleep; None where the sleep has no end."""
    if math.isinf(pause.seconds):
        return None
    wanted = math.ceil(pause.seconds) + TO_STOP_S
    if isinstance(workload.grace_s, Located):
        edit = Edit(workload.grace_s.span, str(wanted))
    elif workload.pod:
        edit = workload.pod.insertion(f"terminationGracePeriodSeconds: {wanted}")
    else:
        return None
    return Fix(f"Give the pod {wanted} s to stop", (edit,))
