"""A fallback entry that PgBouncer refuses when the first client needs it, and not when it starts."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import FALLBACK, PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause, Refusal
from poolcheck.read.pgbouncer.settings import NEWEST, OF_FORKS, Scope
from poolcheck.read.pgbouncer.startup import entry_refusals
from poolcheck.rule import Rule

_OF_A_NAME = frozenset({Cause.UNKNOWN_SETTING, Cause.WRONG_SCOPE, Cause.NEEDS_NEWER})
_OF_OTHERS = re.compile(r'"[^"]*"|[a-z_]+=.*')
"""A port in double quotes, and the pair behind a key without a value: rules of their own tell of those."""


class FallbackEntryInvalid(Rule[PgBouncerConfig]):
    id = "fallback-entry-invalid"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for entry in config.databases:
            if entry.name.value == FALLBACK and entry.in_effect:
                faults = [entry.fault] if entry.fault else []
                for fault in (*entry_refusals(Scope.DATABASE, entry, config), *faults):
                    if is_certain(fault, config):
                        what = fault.reason.partition(": ")[2]
                        message = f"PgBouncer starts and turns away every client that needs this entry: {what}"
                        yield self.finding(fault.written.span, message)


def is_certain(fault: Refusal, config: PgBouncerConfig) -> bool:
    """Whether no newer PgBouncer and no fork can know better, and no other rule tells of it."""
    if fault.cause is Cause.COMMENT or fault.written.value in OF_FORKS:
        return False
    if fault.cause in {Cause.PORT, Cause.WORD} and _OF_OTHERS.fullmatch(fault.written.value):
        return False
    is_newer = config.version is not None and config.version > NEWEST
    return not (is_newer and fault.cause in _OF_A_NAME)
