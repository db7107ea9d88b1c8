"""What PgBouncer makes of a configuration, as one JSON document; version 1 may grow and does not change."""

import re
from collections.abc import Iterable
from typing import TextIO, TypeAlias

from poolcheck import __version__
from poolcheck.finding import shortened
from poolcheck.read.pgbouncer import effective
from poolcheck.read.pgbouncer.config import Absent, PgBouncerConfig, Setting
from poolcheck.read.pgbouncer.effective import EntryInEffect, InEffect
from poolcheck.read.pgbouncer.needs import needs
from poolcheck.read.pgbouncer.settings import NEWEST, written
from poolcheck.report.redact import redact_message
from poolcheck.report.written import Written
from poolcheck.source import Span

VERSION = 1

Object: TypeAlias = dict[str, object]

_SURROGATE = re.compile("[\ud800-\udfff]")


def print_config(config: PgBouncerConfig, stream: TextIO) -> None:
    """Writes the document. Bytes of a file that are no characters are written as U+FFFD."""
    import json

    text = json.dumps(document(config), ensure_ascii=False, indent=2)
    stream.write(_SURROGATE.sub("\ufffd", text) + "\n")


def document(config: PgBouncerConfig) -> Object:
    """The whole document. `pgbouncer` is the version it was read for; `target` is None where none was told."""
    places = Written(config)

    def place(span: Span | None) -> Object | None:
        if span is None:
            return None
        start, end = places.position(span)._asdict(), places.end(span)._asdict()
        return {"path": span.path, "start": start, "end": end}

    def value(each: InEffect) -> Object:
        return {
            "name": each.name,
            "value": places.value(each),
            "origin": str(each.origin),
            "place": place(each.span),
        }

    def undone(setting: Setting) -> Object:
        by = setting.reset_by or setting.replaced_by
        return {
            "value": places.text(setting.value),
            "place": place(setting.value.span),
            "by": "header" if setting.reset_by else "line",
            "by_place": place(by.span if by else None),
        }

    def entries(found: Iterable[EntryInEffect]) -> list[Object]:
        return [
            {
                "name": each.name.value,
                "place": place(each.name.span),
                "values": [value(one) for one in each.values],
                "replaced": [place(before.name.span) for before in each.replaced],
            }
            for each in found
        ]

    return {
        "version": VERSION,
        "poolcheck": __version__,
        "path": config.span.path,
        "target": written(config.version) if config.version else None,
        "pgbouncer": written(config.version or NEWEST),
        "starts": not config.refusals,
        "refusals": [
            {"cause": each.cause.name.lower().replace("_", "-"), "reason": shortened(redact_message(each.reason))}
            | {"place": place(each.written.span)}
            for each in config.refusals
        ],
        "needs": [
            {"kind": each.kind.name.lower().replace("_", "-"), "setting": each.setting, "value": each.value.value}
            | {"place": place(each.value.span)}
            for each in needs(config)
        ],
        "includes": [
            {"path": each.path.value, "place": place(each.path.span)}
            | {"found": each.found.source.path if not isinstance(each.found, Absent) else each.found.name.lower()}
            for each in config.includes
        ],
        "settings": [
            value(each) | {"default": each.default, "undone": [undone(one) for one in each.undone]}
            for each in effective.settings(config)
        ],
        "databases": entries(effective.databases(config)),
        "users": entries(effective.users(config)),
        "peers": entries(effective.peers(config)),
    }
