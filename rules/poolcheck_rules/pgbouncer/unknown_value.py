"""A word that a setting with a fixed choice of words does not have."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import NEWEST, KnownSetting, Scope, known
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span

_AROUND = " \t\"'`\xa0"
_CLOSE = 0.85
_NEXT_PAIR = re.compile(r"[a-z_]+=")
_MEANT = {
    **dict.fromkeys(("tx", "txn", "xact", "trans"), "transaction"),
    **dict.fromkeys(("off", "no", "none", "false", "0"), "disable"),
    "scram": "scram-sha-256",
}


class UnknownValue(Rule[PgBouncerConfig]):
    id = "unknown-value"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        is_newer = config.version is not None and config.version > NEWEST
        facts = dict(choices(config))
        for _, word, reason in config.refused(Cause.WORD):
            if "\r" in word.value or _NEXT_PAIR.match(word.value):
                continue
            fix = as_word(word, facts[word.span], config.version)
            yield self.finding(word.span, reason, severity=Severity.INFO if is_newer else None, fix=fix)


def choices(config: PgBouncerConfig) -> Iterator[tuple[Span, KnownSetting]]:
    """What is known of the settings with a choice of words, by the place of the word."""
    written = [(Scope.PGBOUNCER, setting.name, setting.value) for setting in config.settings]
    for scope, entries in (
        (Scope.DATABASE, config.databases),
        (Scope.USER, config.users),
        (Scope.PEER, config.peers),
    ):
        written += [(scope, *parameter) for entry in entries for parameter in entry.parameters]
    for scope, name, value in written:
        fact = known(scope, name.value)
        if fact and fact.values:
            yield value.span, fact


def as_word(word: Located[str], fact: KnownSetting, version: Version | None) -> Fix | None:
    """The one word of the choice that must be meant."""
    from difflib import get_close_matches

    bare = word.value.rstrip(";, \t").strip(_AROUND).lower()
    words = fact.values_in(version)
    if bare in fact.values and bare not in words:
        return None
    spelled = bare.replace("_", "-")
    close = [_MEANT.get(bare, ""), *get_close_matches(spelled, words, n=1, cutoff=_CLOSE)]
    meant = next((each for each in (bare, *close) if each in words), None)
    return Fix(f"Write {meant}", (Edit(word.span, meant),)) if meant else None
