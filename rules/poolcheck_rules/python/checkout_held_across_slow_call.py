"""A connection of a pool that a function holds while it waits for something that is no database."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.holding.waits import Wait, waits_of
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.running.crowd import Crowd, answers_requests, crowd_of
from poolcheck.rule import Rule


class CheckoutHeldAcrossSlowCall(Rule[PythonModule]):
    id = "checkout-held-across-slow-call"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        if module.role is Role.TEST:
            return
        for wait in waits_of(module.module):
            if is_meant_to_wait(wait):
                continue
            severity = Severity.INFO if crowd_of(wait.hold) is Crowd.ONE else None
            yield self.finding(wait.place, message(wait), notes=notes(wait), severity=severity)


def is_meant_to_wait(wait: Wait) -> bool:
    """Whether something polls, throttles itself or tries again, and nobody waits for it."""
    return wait.slow.sleeps and wait.in_loop and not answers_requests(wait.hold)


def message(wait: Wait) -> str:
    """What waits for what, and whose connection nobody else has until then."""
    hold, slow = wait.hold, wait.slow
    title = hold.taking.title
    whose = f"the connection of its session, {hold.name}" if hold.is_of_request else f"what {title} took"
    if hold.taking.is_session and not hold.is_of_request:
        whose = f"the connection of its session, which {title} made"
    holds = f"{hold.function.name.value}() holds {whose}"
    if wait.is_streamed:
        return f"{holds}, until the response is sent, and the stream {slow.waits} in {slow.steps[-1].called}"
    if slow.steps:
        return f"{slow.title} {slow.waits} in {slow.steps[-1].called} while {holds}"
    return f"{slow.title} {slow.waits} while {holds}"


def notes(wait: Wait) -> Iterator[Note]:
    """Where the connection was taken, and the calls on the way to what waits."""
    if wait.taken_at:
        yield Note(wait.taken_at, "the session has its connection from here on")
    elif not wait.hold.is_of_request:
        yield Note(wait.hold.place, "it is taken here")
    for step in wait.slow.steps:
        yield Note(step.place, f"{step.called} is called here")
