"""A list of startup parameters to ignore without the one that older JDBC and Go drivers always send."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Edit

_PARAMETER = "extra_float_digits"


class JdbcParameterMissing(Rule[PgBouncerConfig]):
    id = "jdbc-parameter-missing"
    severity = Severity.INFO
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        ignored = config.words("ignore_startup_parameters")
        tracked = config.words("track_extra_parameters")
        if not ignored or tracked is None:
            return
        if _PARAMETER in {word.value for word in (*ignored, *tracked)}:
            return
        first, last = ignored[0].span, ignored[-1].span
        has_comment = any(word.value[0] in ";#" for word in ignored)
        edit = Edit(last._replace(start=last.end), f", {_PARAMETER}")
        yield self.finding(
            first._replace(end=last.end),
            f"PgBouncer refuses clients that send {_PARAMETER}, "
            "as JDBC before 42.7.5 and Go's lib/pq before 1.11 do",
            fix=None if has_comment else Fix(f"Ignore {_PARAMETER} too", (edit,), safe=False),
        )
