"""A connection that belongs to a thread, and that the thread still has when its work is done."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.running.thread_local import Kept, Kind, kept_by_threads, registries_kept
from poolcheck.rule import Rule


class ThreadLocalConnectionNotReleased(Rule[PythonModule]):
    id = "thread-local-connection-not-released"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        if module.role is not Role.APPLICATION:
            return
        for kept in kept_by_threads(module.module):
            message = f"the thread that {kept.title} runs {kept.runs}() in keeps its connection: {missing(kept)}"
            yield self.finding(kept.place, message, notes=[Note(kept.used_at, f"{kept.name} opens one here")])
        for registry in registries_kept(module.module):
            name = registry.name
            message = (
                f"nothing calls {name}.remove(): after each {registry.occasion} "
                "its thread keeps a session, and the session a connection"
            )
            yield self.finding(
                registry.made_at, message, notes=[Note(registry.used_at, f"{registry.function}() uses it here")]
            )


def missing(kept: Kept) -> str:
    """What does not happen, and what comes of it."""
    match kept.kind:
        case Kind.DJANGO:
            return "Django closes those of requests, and nothing closes this one"
        case Kind.PEEWEE:
            return "nothing closes it, and the pool counts it for ever when the thread is gone"
        case Kind.REGISTRY:
            return f"nothing calls {kept.name}.remove()"
