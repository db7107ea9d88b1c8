"""A session or a connection that several tasks, threads or requests use at the same time."""

import re
from collections import defaultdict
from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.project.roles import Role
from poolcheck.read.python.running.at_once import Use, global_sessions, uses_at_once
from poolcheck.read.python.running.sessions import Kind
from poolcheck.read.python.running.together import Group, groups_in
from poolcheck.rule import Rule

ERRORS = {
    Kind.ASYNC_SESSION: "the second to ask it for a connection gets an InvalidRequestError",
    Kind.ASYNCPG: "the second gets an InterfaceError (another operation is in progress)",
    Kind.SESSION: "the second to ask it for a connection gets an InvalidRequestError",
}
TURNS = "they wait for one another, and what one commits or breaks is the other's transaction"
MOST_NAMES = 3


class SessionSharedAcrossTasks(Rule[PythonModule]):
    id = "session-shared-across-tasks"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        if module.role is Role.TEST:
            return
        for group in groups_in(module.module):
            yield from self.in_group(group, module)
        for found in global_sessions(module.module) if module.role is Role.APPLICATION else ():
            what = "session" if found.kind in {Kind.SESSION, Kind.ASYNC_SESSION} else "connection"
            message = (
                f"{found.name} is one {what} for the whole module, and each {found.entry.occasion} uses it: "
                "requests at the same time share its transaction, and one that fails leaves it broken for all"
            )
            notes = [Note(found.used, f"{found.function}() uses it here")]
            yield self.finding(found.place, message, notes=notes, severity=Severity.WARNING)

    def in_group(self, group: Group, module: PythonModule) -> Iterator[Finding]:
        """A session that at least two of the children use."""
        shared: dict[str, list[Use]] = defaultdict(list)
        for child in group.children:
            for use in uses_at_once(child, group):
                shared[use.name].append(use)
        for name, uses in shared.items():
            if len(uses) < 2 and not any(use.is_repeated for use in uses):
                continue
            kind = uses[0].session.kind
            what = "connection" if kind is Kind.ASYNCPG else "session"
            is_begun = was_used(name, uses, group, module)
            outcome = TURNS if is_begun else ERRORS[kind]
            message = f"{group.title} has {words(uses)} use one {what}, {name}, at the same time: {outcome}"
            is_certain = kind is not Kind.ASYNC_SESSION or (uses[0].session.made_here and not is_begun)
            severity = Severity.ERROR if is_certain else Severity.WARNING
            places = [place for place in uses[0].session.places if place != group.place]
            notes = [Note(place, f"{name} is this one") for place in places[:1]]
            yield self.finding(group.place, message, notes=notes, severity=severity)


def words(uses: list[Use]) -> str:
    """The calls that use the session."""
    calls = [*dict.fromkeys(f"{use.call}()" for use in uses)]
    if len(calls) == 1:
        return f"several calls of {calls[0]}"
    shown, others = calls[:MOST_NAMES], len(calls) - MOST_NAMES
    return f"{', '.join(shown)} and {others} more" if others > 0 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def was_used(name: str, uses: list[Use], group: Group, module: PythonModule) -> bool:
    """Whether something used an asynchronous session before, so that it has its connection already."""
    session = uses[0].session
    if session.kind is not Kind.ASYNC_SESSION:
        return False
    before = module.module.masked.text[max(place.end for place in session.places) : group.start]
    return any(re.search(rf"\bawait\b.*\b{re.escape(name)}\b", line) for line in outside_functions(before))


def outside_functions(code: str) -> Iterator[str]:
    """The lines of a function that are in no function inside of it."""
    depth: int | None = None
    for line in code.splitlines():
        indentation = len(line) - len(line.lstrip())
        if line.strip() and (depth is None or indentation <= depth):
            depth = indentation if re.match(r"\s*(?:async\s+)?def\b", line) else None
            if depth is None:
                yield line
