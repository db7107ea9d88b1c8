"""A second [pgbouncer] header: it sets what was set above it back to the defaults."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Setting
from poolcheck.read.pgbouncer.settings import KnownSetting, Scope, known
from poolcheck.rule import Rule
from poolcheck.source import Edit

_MOST_NOTES = 5
_PACKAGED = frozenset({"auth_query", "unix_socket_dir"})
"""Settings whose defaults are not the same in all builds of a version."""


class RepeatedPgbouncerSection(Rule[PgBouncerConfig]):
    id = "repeated-pgbouncer-section"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for at, lost in lost_at(config).items():
            one, many = f"{lost[0].name.value} back to its default", f"{len(lost)} settings back to their defaults"
            message = f"this repeated header sets {one if len(lost) == 1 else many}"
            yield self.finding(config.headers[at].span, message, notes=notes(lost, config), fix=merged(at, config))


def lost_at(config: PgBouncerConfig) -> dict[int, list[Setting]]:
    """The settings that nothing but a header undoes, by that header's index among all."""
    own = [at for at, header in enumerate(config.headers) if header.value == Scope.PGBOUNCER]
    starts = [config.headers[at].span.start for at in own]
    last = {setting.name.value: setting for setting in config.settings}
    last_gap = config.gaps[-1].start if config.gaps else -1
    lost: defaultdict[int, list[Setting]] = defaultdict(list)
    for setting in config.settings:
        start = setting.name.span.start
        if (
            not setting.in_effect
            and last[setting.name.value] is setting
            and start > last_gap
            and matters(setting, config)
        ):
            lost[own[bisect(starts, start)]].append(setting)
    return lost


def matters(setting: Setting, config: PgBouncerConfig) -> bool:
    """Whether PgBouncer knows the setting, and it is not just the default."""
    fact = known(Scope.PGBOUNCER, setting.name.value)
    return fact is not None and default_of(fact, config) != setting.value.value


def default_of(fact: KnownSetting, config: PgBouncerConfig) -> str | None:
    """What a header sets a setting back to; None where that is not known."""
    return None if fact.name in _PACKAGED else fact.default_in(config.version)


def notes(lost: list[Setting], config: PgBouncerConfig) -> Iterator[Note]:
    """The first of the settings, and how many more there are."""
    for setting in lost[:_MOST_NOTES]:
        name, value = setting.name.value, setting.value.value
        fact = known(Scope.PGBOUNCER, name)
        default = default_of(fact, config) if fact else None
        again = "" if default is None else f"; it is {default or 'empty'} again"
        left = len(lost) - _MOST_NOTES if setting is lost[:_MOST_NOTES][-1] else 0
        more = f" (and {left} more)" if left > 0 else ""
        yield Note(setting.name.span, f"{name} = {value} is lost{again}{more}")


def merged(at: int, config: PgBouncerConfig) -> Fix | None:
    """One section in place of this and the one above; None where a header shares its line."""
    header = config.headers[at]
    line = config.line(header.span)
    above = max(before for before in range(at) if config.headers[before].value == Scope.PGBOUNCER)
    if line.value.strip() != "[pgbouncer]":
        return None
    if above == at - 1:
        return Fix("Remove the header", (Edit(line.span, ""),), safe=False)
    following = config.headers[at + 1 : at + 2]
    end = config.line(following[0].span).span.start if following else config.span.end
    body = config.text[line.span.end - config.span.start : end - config.span.start].strip("\r\n")
    last = config.settings[bisect(config.settings, config.headers[above + 1].span.start, key=_place) - 1]
    line_break = "\r\n" if line.value.endswith("\r\n") else "\n"
    behind = config.line(last.value.span).span.end
    moved = Edit(line.span._replace(start=behind, end=behind), f"{body}{line_break}" if body else "")
    return Fix(
        "Move the settings to the section above", (moved, Edit(line.span._replace(end=end), "")), safe=False
    )


def _place(setting: Setting) -> int:
    return setting.name.span.start
