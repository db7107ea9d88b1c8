"""A workload that connects to a server past the pooler through which others connect."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from poolcheck.finding import Finding, Note, Severity
from poolcheck.rule import Rule
from poolcheck.source import Span
from poolcheck.system.whole import System
from poolcheck.system.wiring import Addressed, Fronted


class DirectConnectionBypassesPooler(Rule[System]):
    id = "direct-connection-bypasses-pooler"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        told: set[tuple[int, Span]] = set()
        for fronted in system.wiring.fronted:
            users = lasting_users(fronted)
            for place, strays in by_place(fronted.strays) if users else ():
                if (key := (id(fronted.server), place)) not in told:
                    told.add(key)
                    yield self.finding(
                        place,
                        message(fronted, strays, users),
                        notes=notes(fronted, users),
                        severity=None if is_like_them(strays, users) else Severity.INFO,
                    )


def lasting_users(fronted: Fronted) -> list[Addressed]:
    """The first address of each workload that uses the pooler for as long as it runs."""
    lasting = (each for each in fronted.pooled if not each.runs_once and each.target and not each.target.in_pod)
    return list({each.workload.name.value: each for each in reversed([*lasting])}.values())[::-1]


def by_place(strays: Iterable[Addressed]) -> Iterator[tuple[Span, Sequence[Addressed]]]:
    """Those that get their address from one place, together."""
    found: dict[Span, list[Addressed]] = defaultdict(list)
    for each in strays:
        found[each.place].append(each)
    yield from found.items()


def is_like_them(strays: Iterable[Addressed], users: Iterable[Addressed]) -> bool:
    """Whether something shows that a workload is of the same kind as those that use the pooler.

    That is its source, which needs no session, or that it has its address from the same variable, or the image of
    another. What somebody else has made may have its reasons.
    """
    variables = {user.by for user in users}
    images = {user.container.image.value for user in users if user.container.image}
    return not any(each.needs_session for each in strays) and any(
        each.is_of_source
        or each.by in variables
        or (each.container.image and each.container.image.value in images)
        for each in strays
    )


def message(fronted: Fronted, strays: Sequence[Addressed], users: Sequence[Addressed]) -> str:
    """Who goes past the pooler, and who does not."""
    own, others = names(strays), names(users)
    verb = "connects" if len(strays) == 1 else "connect"
    past = f"past {fronted.pooler.name}, which {others} {'uses' if len(users) == 1 else 'use'}"
    text = f"{own} {verb} to {fronted.server.name} directly, {past}"
    is_reason = any(each.needs_session for each in strays)
    return f"{text}; its source needs a session of its own, so it may be meant to" if is_reason else text


def names(addressed: Iterable[Addressed]) -> str:
    """The names of workloads as a part of a sentence."""
    *before, last = list(dict.fromkeys(each.workload.name.value for each in addressed))
    if len(before) > 2:
        return f"{before[0]}, {before[1]} and {len(before) - 1} others"
    return f"{', '.join(before)} and {last}" if before else last


def notes(fronted: Fronted, users: Iterable[Addressed]) -> Iterator[Note]:
    """Where the pooler leads to the server, and where others are led to the pooler."""
    for entry in fronted.entries[:1]:
        host = entry.parameter("host")
        yield Note(
            (host or entry.name).span, f"{fronted.pooler.name} leads {entry.name.value} to {fronted.server.name}"
        )
    for user in users:
        yield Note(user.place, f"{user.workload.name.value} connects to {fronted.pooler.name}")
