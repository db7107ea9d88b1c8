"""A word such as yes or off for a switch that PgBouncer reads as a number."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.settings import Kind, Scope, known
from poolcheck.rule import Rule
from poolcheck.source import Edit

_NUMBERS = {
    **dict.fromkeys(("on", "yes", "y", "true", "t", "enable", "enabled"), "1"),
    **dict.fromkeys(("off", "no", "n", "false", "f", "disable", "disabled"), "0"),
}


class BooleanWord(Rule[PgBouncerConfig]):
    id = "boolean-word"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for setting in config.settings:
            name, (word, place) = setting.name.value, setting.value
            fact = known(Scope.PGBOUNCER, name)
            number = _NUMBERS.get(word.lower())
            if number and fact and fact.kind is Kind.BOOL:
                fix = Fix(f"Write {number}", (Edit(place, number),))
                yield self.finding(
                    place, f"PgBouncer reads {name} as 0 or 1 and does not start with {word}", fix=fix
                )
