"""A section that PgBouncer does not have, a setting in no section, or no section [pgbouncer]."""

import posixpath
from collections.abc import Iterator, Sequence

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.refusal import Cause, Refusal
from poolcheck.read.pgbouncer.settings import Scope, known
from poolcheck.read.pgbouncer.startup import section_meant
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span


class BadSectionName(Rule[PgBouncerConfig]):
    id = "bad-section-name"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        headers = {header.span for header in config.headers}
        refused = list(config.refused(Cause.SECTION))
        named = [each for each in refused if each.written.span in headers]
        if may_be_of_another(named, config):
            return
        for _, header, reason in named:
            if section_meant(header.value) or not may_be_included(config):
                yield self.finding(header.span, reason, fix=corrected(header, config))
        if may_be_included(config):
            return
        strays = [each for each in refused if each.written.value and each not in named]
        if strays and not is_behind_gap(strays[0].written.span, config):
            yield self.of_strays(strays, config)
        elif not has_reason(config):
            yield from (self.finding(place, reason) for _, (name, place), reason in refused if not name)

    def of_strays(self, strays: Sequence[Refusal], config: PgBouncerConfig) -> Finding:
        """One finding about all settings that stand in no section."""
        first, last = strays[0].written, strays[-1].written
        more = f" and {len(strays) - 1} more stand" if len(strays) > 1 else " stands"
        place = first.span
        if last.span.path == first.span.path:
            place = first.span._replace(end=last.span.end)
        message = f"PgBouncer does not start: {first.value}{more} in no section"
        return self.finding(place, message, fix=with_header(config))


def may_be_of_another(named: Sequence[Refusal], config: PgBouncerConfig) -> bool:
    """Whether the file may be another program's, with a section about PgBouncer among its own."""
    has_others = any(section_meant(header.value) is None for _, header, _ in named)
    return has_others and "pgbouncer" not in posixpath.basename(config.span.path).lower()


def may_be_included(config: PgBouncerConfig) -> bool:
    """Whether the file may be a part of a configuration, which gets its section from the one that includes it."""
    has_own = any(header.value == Scope.PGBOUNCER for header in config.headers)
    is_main = posixpath.basename(config.span.path).lower() == "pgbouncer.ini"
    return not is_main and (not has_own or bool(config.strays))


def is_behind_gap(place: Span, config: PgBouncerConfig) -> bool:
    """Whether something that is not seen may open a section above a place."""
    return any(gap.path != place.path or gap.end <= place.start for gap in config.gaps)


def has_reason(config: PgBouncerConfig) -> bool:
    """Whether something else is told that may keep PgBouncer from seeing the section [pgbouncer]."""
    is_meant = any(section_meant(header.value) == Scope.PGBOUNCER for header in config.headers)
    is_broken = any(
        cause is Cause.ENCODING or written.value.startswith("[") for cause, written, _ in config.malformed
    )
    return is_meant or is_broken or bool(config.nuls)


def corrected(header: Located[str], config: PgBouncerConfig) -> Fix | None:
    """The section that is meant; None for one more [pgbouncer], which would undo what is set in the other."""
    meant = section_meant(header.value)
    meant_so = [each for each in config.headers if section_meant(each.value) == meant]
    if meant is None or (meant == Scope.PGBOUNCER and len(meant_so) > 1):
        return None
    return Fix(f"Write [{meant}]", (Edit(header.span, f"[{meant}]"),))


def with_header(config: PgBouncerConfig) -> Fix | None:
    """[pgbouncer] above all; None where the file has that section, or something else stands above the first."""
    is_meant = any(section_meant(header.value) == Scope.PGBOUNCER for header in config.headers)
    names = [name for name, _ in config.strays]
    is_own = all(known(Scope.PGBOUNCER, name.value) and name.span.path == config.span.path for name in names)
    if is_meant or not is_own:
        return None
    line, place = config.line(names[0].span)
    line_break = "\r\n" if line.endswith("\r\n") else "\n"
    above = place._replace(end=place.start)
    return Fix("Write [pgbouncer] above", (Edit(above, f"[pgbouncer]{line_break}"),))
