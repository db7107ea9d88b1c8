"""What runs functions of a project from outside of its own code: frameworks, a clock, a command line."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from poolcheck.source import Span


class Occasion(StrEnum):
    """What runs a function.

    Again and again: `ROUTE` a request, `SOCKET` a websocket, `HOOK` what is called around requests, `DEPENDENCY`
    what FastAPI or Litestar calls for a request, `TASK` a worker that many tasks share, `MESSAGE` a message,
    `TOOL` a model or a user interface, `SERVICER` gRPC, `SCHEDULED` a clock, `LAMBDA` AWS Lambda.

    Once in a process: `STARTUP` the start of an application, `COMMAND` a command line, `MAIN` a program, `FIXTURE`
    a test, `JOB` a worker that makes a process for it, as Airflow and RQ do, `CACHED` whoever asks first.
    """

    ROUTE = "route"
    SOCKET = "websocket"
    HOOK = "hook"
    DEPENDENCY = "dependency"
    TASK = "task"
    MESSAGE = "message handler"
    TOOL = "tool"
    SERVICER = "gRPC method"
    SCHEDULED = "scheduled job"
    LAMBDA = "Lambda handler"
    STARTUP = "startup"
    COMMAND = "command"
    MAIN = "main"
    FIXTURE = "fixture"
    JOB = "job"
    CACHED = "cached"

    @property
    def is_repeated(self) -> bool:
        """Whether one process runs it again and again."""
        return self not in _ONCE


_ONCE = frozenset(
    {Occasion.STARTUP, Occasion.COMMAND, Occasion.MAIN, Occasion.FIXTURE, Occasion.JOB, Occasion.CACHED}
)


class EntryPoint(NamedTuple):
    """A function that something outside of the project's own code runs, and the place that shows it.

    `package` is the framework's, "" where it is not seen.
    """

    kind: Occasion
    name: str
    place: Span
    package: str = ""

    @property
    def occasion(self) -> str:
        """What it is run for, to go on from `each` in a message."""
        return _OCCASIONS.get(self.kind, "call of {}()").format(self.name)


_OCCASIONS: Mapping[Occasion, str] = {
    Occasion.ROUTE: "request to {}()",
    Occasion.SOCKET: "websocket of {}()",
    Occasion.HOOK: "request, for which {}() is called,",
    Occasion.DEPENDENCY: "request that depends on {}()",
    Occasion.TASK: "run of the task {}()",
    Occasion.MESSAGE: "message to {}()",
    Occasion.SCHEDULED: "run of {}()",
    Occasion.LAMBDA: "invocation of {}()",
}
