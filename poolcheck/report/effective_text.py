"""What PgBouncer makes of a configuration, for people to read."""

from collections.abc import Iterable, Iterator

from poolcheck.finding import shortened
from poolcheck.read.pgbouncer import effective
from poolcheck.read.pgbouncer.config import Absent, PgBouncerConfig, Setting
from poolcheck.read.pgbouncer.effective import EntryInEffect, InEffect, Origin
from poolcheck.read.pgbouncer.needs import Kind, Need, needs
from poolcheck.read.pgbouncer.settings import NEWEST, written
from poolcheck.report.redact import redact_message
from poolcheck.report.styled import Line, Segment, Style
from poolcheck.report.written import Written

_WIDEST = 40
"""Behind a value that is longer its origin is out of line."""


def described(config: PgBouncerConfig, *, only_changed: bool) -> Iterator[Line]:
    """Whether PgBouncer starts, then all that is in effect, or only what is not as it is by default."""
    places = Written(config)
    yield _title(config)
    yield ()
    yield from _verdict(config, places)
    yield from _includes(config, places)
    rows = [(each, each.undone) for each in effective.settings(config) if not (only_changed and _is_default(each))]
    yield ()
    yield (Segment("[pgbouncer]", Style.MESSAGE),)
    yield from _table(rows, places)
    for header, entries in (
        ("databases", effective.databases(config)),
        ("users", effective.users(config)),
        ("peers", effective.peers(config)),
    ):
        for number, entry in enumerate(entries):
            if number == 0:
                yield ()
                yield (Segment(f"[{header}]", Style.MESSAGE),)
            yield from _entry(entry, places, only_changed=only_changed)


def _title(config: PgBouncerConfig) -> Line:
    version = config.version
    who = f"PgBouncer {written(version)}" if version else f"PgBouncer {written(NEWEST)}, the newest that is known,"
    return Segment(config.span.path, Style.MESSAGE), Segment(f" as {who} reads it")


def _verdict(config: PgBouncerConfig, places: Written) -> Iterator[Line]:
    if config.refusals:
        yield (Segment("It does not start.", Style.ERROR),)
        for _, refused, reason in config.refusals:
            line, column = places.position(refused.span)
            yield Segment(f"  {refused.span.path}:{line}:{column}: "), Segment(shortened(redact_message(reason)))
        return
    wanted = list(needs(config))
    yield (Segment(f"It starts{', if' if wanted else ''}" + ("" if wanted else "."), Style.MESSAGE),)
    for need in wanted:
        place = f"  ({places.line(need.value.span)})" if need.value.span else "  (default)"
        yield Segment(f"  {_asked(need)}"), Segment(place, Style.MARGIN)


def _asked(need: Need) -> str:
    name, text = need.setting, need.value.value
    match need.kind:
        case Kind.FILE:
            return f"{name} {text} can be read and is right"
        case Kind.NEW_FILE:
            return f"{name} {text} can be written"
        case Kind.FOLDER:
            return f"{name} {text} is a folder that can be written to"
        case Kind.ADDRESS:
            return (
                f"{name} {text} is an address of the machine" if text != "*" else f"the port of {name} * is free"
            )
        case Kind.USER | Kind.GROUP:
            return f"{name} {text} exists"
        case Kind.CIPHERS:
            return f"OpenSSL knows the {name} {text}"
        case Kind.BUILD:
            return f"it was built with support for {name} {text}"


def _includes(config: PgBouncerConfig, places: Written) -> Iterator[Line]:
    for path, found, _ in config.includes:
        if found is Absent.FOLDER:
            yield (
                Segment(f"{places.line(path.span)}: {path.value} is a folder, and read as nothing", Style.WARNING),
            )
        elif not isinstance(found, Absent):
            yield (Segment(f"{places.line(path.span)}: includes {found.source.path}", Style.MARGIN),)
    for nul in config.nuls:
        yield (Segment(f"{places.line(nul)}: a NUL; nothing behind it is read", Style.WARNING),)


def _is_default(value: InEffect) -> bool:
    return value.origin is Origin.DEFAULT and not value.undone


def _table(
    rows: Iterable[tuple[InEffect, tuple[Setting, ...]]], places: Written, indent: str = "  "
) -> Iterator[Line]:
    """A line a value, with what it is and where that is from; below it the lines that it undoes."""
    cells = [(value, _shown(places.value(value)), _origin(value, places), undone) for value, undone in rows]
    names = max((len(value.name) for value, *_ in cells), default=0)
    width = max((len(shown) for _, shown, *_ in cells if len(shown) <= _WIDEST), default=0)
    for value, shown, origin, undone in cells:
        style = Style.MARGIN if value.origin is Origin.DEFAULT else Style.PLAIN
        text = Segment(f"{indent}{value.name:{names}}  {shown:{width}}  ", style)
        yield text, Segment(origin, Style.MARGIN if value.origin is Origin.DEFAULT else Style.NOTE)
        for setting in undone:
            yield (Segment(f"{indent}{'':{names}}  {_undone(setting, places)}", Style.WARNING),)


def _shown(value: str | None) -> str:
    return "-" if value is None else repr(value)[1:-1] if value else '""'


def _origin(value: InEffect, places: Written) -> str:
    place = places.line(value.span) if value.span else ""
    match value.origin:
        case Origin.FILE | Origin.ENTRY:
            by_default = (
                ""
                if value.default is None or value.default == value.value
                else f" (default {_shown(value.default)})"
            )
            return f"{place}{by_default}"
        case Origin.INHERITED:
            return f"{place}, from [pgbouncer]"
        case Origin.DEFAULT:
            return "default" if value.value is not None else "not set"
        case Origin.UNKNOWN:
            return "unknown"


def _undone(setting: Setting, places: Written) -> str:
    said = f"{places.text(setting.value)} at {places.line(setting.value.span)}"
    if setting.reset_by:
        return f"not {said}: [{setting.reset_by.value}] at {places.line(setting.reset_by.span)} sets it back"
    by = setting.replaced_by or setting.name
    return f"not {said}: replaced at {places.line(by.span)}"


def _entry(entry: EntryInEffect, places: Written, *, only_changed: bool) -> Iterator[Line]:
    yield Segment(f"  {entry.name.value}"), Segment(f"  {places.line(entry.name.span)}", Style.NOTE)
    for before in entry.replaced:
        yield (
            Segment(
                f"    not the line at {places.line(before.name.span)}: this one takes its place", Style.WARNING
            ),
        )
    values = [(each, ()) for each in entry.values if not (only_changed and each.origin is not Origin.ENTRY)]
    yield from _table(values, places, "    ")
