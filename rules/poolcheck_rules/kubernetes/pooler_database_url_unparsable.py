"""A database URL that the image of the pooler takes apart in a way that does not fit it."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.pooler_environment import is_refused
from poolcheck.read.kubernetes.pooler_names import CALLED
from poolcheck.read.kubernetes.pooler_scripts import SCRIPTS
from poolcheck.rule import Rule
from poolcheck.source import Located, Span
from poolcheck.system.containers import PoolerContainer
from poolcheck.system.whole import System
from poolcheck.value import Known

ENCODED = re.compile(r"://[^/?@]*%[0-9a-fA-F]{2}[^/?@]*@")
IN_BRACKETS = re.compile(r"(?:@|://)\[[0-9a-fA-F:.]+\]")


class PoolerDatabaseUrlUnparsable(Rule[System]):
    id = "pooler-database-url-unparsable"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        seen: set[Span] = set()
        for each in system.contained:
            if each.image is None or not each.is_written_by_image:
                continue
            for name, url in urls_of(each):
                misreading = misread(url.value, name)
                if misreading and url.span not in seen:
                    seen.add(url.span)
                    is_certain = is_refused(url.value) and not each.workload.is_partial
                    yield self.finding(
                        url.span,
                        f"{CALLED[each.image.family]} {misreading}",
                        severity=None if is_certain else Severity.WARNING,
                    )


def urls_of(at: PoolerContainer) -> Iterator[tuple[str, Located[str]]]:
    """The variable with a URL that the script reads, where its value is known and no secret."""
    script = SCRIPTS[at.image.family] if at.image else None
    for line in (script.url_list, script.url) if script else ():
        name = line.variable if line else ""
        value = at.environment.variables.get(name)
        if value is not None:
            is_seen = name not in at.may_change and not at.environment.is_secret(name)
            if isinstance(value, Known) and value.places and is_seen:
                yield name, Located(str(value.scalar), value.places[-1])
            # The stronger of the two is the only one that is looked at.
            return


def misread(url: str, name: str) -> str | None:
    """What a script makes of a URL, or of one of several, without quoting it."""
    if is_refused(url):
        return f"takes the query of {name} for part of the database's name, and PgBouncer does not start on that"
    if ENCODED.search(url):
        return f"does not decode the user and the password of {name}: they are sent with their % signs"
    if IN_BRACKETS.search(url):
        return f"cuts the host of {name} at its first colon, and an address in brackets is full of them"
    return None
