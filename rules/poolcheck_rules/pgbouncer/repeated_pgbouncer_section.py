"""A second [pgbouncer] header: it sets what was set above it back to the defaults."""

from collections import defaultdict
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Setting
from poolcheck.read.pgbouncer.settings import KnownSetting, Scope, known
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_MOST_NOTES = 5
_PACKAGED = frozenset({"auth_query", "unix_socket_dir"})
"""Settings whose defaults are not the same in all builds of a version."""


class RepeatedPgbouncerSection(Rule[PgBouncerConfig]):
    id = "repeated-pgbouncer-section"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for header, lost in lost_at(config).items():
            one, many = f"{lost[0].name.value} back to its default", f"{len(lost)} settings back to their defaults"
            message = f"this repeated header sets {one if len(lost) == 1 else many}"
            yield self.finding(header.span, message, notes=notes(lost, config), fix=merged(header, config))


def lost_at(config: PgBouncerConfig) -> dict[Located[str], list[Setting]]:
    """The settings that nothing but a header undoes, by that header."""
    last = {setting.name.value: setting for setting in config.settings}
    lost: defaultdict[Located[str], list[Setting]] = defaultdict(list)
    for setting in config.settings:
        name = setting.name.value
        may_be_set_again = last[name] is not setting or config.is_unknown(name)
        if setting.reset_by and not may_be_set_again and matters(setting, config):
            lost[setting.reset_by].append(setting)
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


def merged(header: Located[str], config: PgBouncerConfig) -> Fix | None:
    """One section in place of this and the one above; None where a header shares its line, or not their file."""
    own = [each for each in config.headers if each.value == Scope.PGBOUNCER]
    in_file = [each for each in config.headers if each.span.path == header.span.path]
    above, line = own[own.index(header) - 1], config.line(header.span)
    if line.value.strip() != "[pgbouncer]" or above not in in_file or len(in_file) != len(config.headers):
        return None
    at = in_file.index(header)
    if above is in_file[at - 1]:
        return Fix("Remove the header", (Edit(line.span, ""),), safe=False)
    following = in_file[at + 1 : at + 2]
    end = config.line(following[0].span).span.start if following else config.span.end
    body = config.text[line.span.end - config.span.start : end - config.span.start].strip("\r\n")
    next_header = in_file[in_file.index(above) + 1]
    last = [each for each in config.settings if each.name.span.start < next_header.span.start][-1]
    line_break = "\r\n" if line.value.endswith("\r\n") else "\n"
    behind = config.line(last.value.span).span.end
    moved = Edit(line.span._replace(start=behind, end=behind), f"{body}{line_break}" if body else "")
    return Fix(
        "Move the settings to the section above", (moved, Edit(line.span._replace(end=end), "")), safe=False
    )
