"""What pages show, made into what the real PgBouncer can be started on.

A page's configuration is for another machine: it names addresses, files, users and folders that are not here. They
are replaced by some that are, and nothing else is, so that nothing but the configuration keeps it from starting.
"""

import grp
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple, TypeAlias

from poolcheck.files import Format, Memory
from poolcheck.read.document import Reader
from poolcheck.read.pgbouncer.config import Absent, Part, PgBouncerConfig
from poolcheck.read.pgbouncer.includes import in_folder, in_project
from poolcheck.read.pgbouncer.load import load
from poolcheck.read.pgbouncer.needs import Kind, Need, needs
from poolcheck.read.pgbouncer.refusal import Cause, Refusal
from poolcheck.read.pgbouncer.settings import Scope, Version
from poolcheck.read.pgbouncer.startup import for_version
from poolcheck.read.text import decode
from poolcheck.source import Edit, Source, Span, apply
from poolcheck.testing import SETTINGS, Example
from proofs.certificates import self_signed
from servers.client import Refused, Row
from servers.pgbouncer import PgBouncer, Room
from servers.process import account

MAIN = "pgbouncer.ini"
"""What a configuration is called that a page shows inside a manifest."""

PACKAGED = frozenset({"auth_query", "tcp_defer_accept", "unix_socket_dir"})
"""Settings whose defaults are not the same in all builds of a version and on all systems."""
COLUMNS: Mapping[str, str] = {
    "database": "dbname",
    "force_user": "user",
    "max_client_connections": "max_db_client_connections",
    "max_connections": "max_db_connections",
    "reserve_pool": "reserve_pool_size",
}
"""What SHOW DATABASES calls otherwise than the settings."""

_ELSEWHERE = "elsewhere.ini"
_KEY, _CERTIFICATE = "server.key", "server.crt"
_PLACE = re.compile(r" \((?P<path>[^()]*):(?P<line>\d+)\)")


class Shown(NamedTuple):
    """A configuration on a page: the files in the folder that PgBouncer is started in, and which of them it is."""

    example: Example
    path: str
    texts: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.example} ({self.path})"


class Line(NamedTuple):
    """A line of a file, from 1."""

    path: str
    number: int


Tables: TypeAlias = Mapping[str, tuple[Row, ...]]
"""What the console shows: CONFIG, DATABASES, USERS and, where there are any, PEERS."""


class Run(NamedTuple):
    """What PgBouncer made of a configuration, and how poolcheck reads that.

    No tables are there where it did not start, and where its console lets nobody in.
    """

    config: PgBouncerConfig
    started: bool
    log: tuple[str, ...]
    tables: Tables | None


class Blame(NamedTuple):
    """The line at which PgBouncer stopped, None where it has read them all, and the words in which it says why."""

    line: Line | None
    words: str


def shown(example: Example) -> Iterator[Shown]:
    """The configurations in an example, files and parts of manifests, without those that others include."""
    texts = {path: text for path, text in example.sources.items() if path != SETTINGS}
    reader = Reader(Memory({path: text.encode() for path, text in texts.items()}))
    readings = [reader.read(path) for path in texts if not path.endswith(".py")]
    facts = [fact for reading in readings if reading for fact in reading.facts]
    configs = [fact for fact in facts if isinstance(fact, PgBouncerConfig)]
    included = {part.region for config in configs for part in config.parts[1:]}
    here = {path: text for path, text in texts.items() if not path.startswith("/")}
    for config in configs:
        if config.is_embedded:
            beside = {path.value: found.text for path, found, _ in config.includes if isinstance(found, Part)}
            yield Shown(example, MAIN, {MAIN: config.text, **beside})
        elif config.span not in included:
            yield Shown(example, config.span.path, here)


def completed(one: Shown) -> Shown:
    """What is shown, with what an excerpt leaves out: [pgbouncer], and, empty, the files of another machine."""
    config = read(one, None)
    files = Memory({path: text.encode() for path, text in one.texts.items()})
    elsewhere = [
        path.span
        for path, _, _ in config.includes
        if path.value.startswith("/") and in_project(files, one.path, path).found is Absent.UNSEEN
    ]
    texts = _edited(one.texts, dict.fromkeys(elsewhere, _ELSEWHERE))
    if elsewhere:
        texts[_ELSEWHERE] = ""
    if not any(header.value == Scope.PGBOUNCER for header in config.headers):
        texts[one.path] += "\n[pgbouncer]\n"
    return one._replace(texts=texts)


def read(one: Shown, version: Version | None) -> PgBouncerConfig:
    """What PgBouncer of a version reads there, character for character."""
    files = {path: text.encode(errors="surrogateescape") for path, text in one.texts.items()}
    return as_read(files, one.path, version)


def as_read(files: Mapping[str, bytes], path: str, version: Version | None) -> PgBouncerConfig:
    """What PgBouncer of a version, started in the folder of these files, reads under a path."""
    text = decode(files[path], Format.INI)
    part = Part(Source(path, text), Span(path, 0, len(text)))
    return for_version(load(part, partial(in_folder, Memory(files), ""), is_literal=True), version)


def in_whole_seconds(time: str) -> str:
    """How SHOW DATABASES shows a time: as what is left of it in an int."""
    return str((int(float(time)) + 2**31) % 2**32 - 2**31)


def run(one: Shown, room: Room) -> Run:
    """Starts PgBouncer on what is shown, and asks it for all that it knows."""
    there = furnished(one, room)
    config = read(there, room.program.version)
    others = {path: text for path, text in there.texts.items() if path != there.path}
    with room.start(there.texts[there.path], others, name=there.path) as pooler:
        return Run(config, pooler.started, pooler.log, _tables(pooler, room) if pooler.started else None)


def furnished(one: Shown, room: Room) -> Shown:
    """What is shown, with things of this machine in place of those of another. What is refused stays as it is."""
    config = read(one, room.program.version)
    edits = {
        header.span._replace(start=header.span.end): f"\n{room.address}"
        for header in config.headers
        if header.value == Scope.PGBOUNCER
    }
    refused = {refusal.written.span for refusal in config.refusals}
    wanted = [(need, span) for need in needs(config) if (span := need.value.span) and span not in refused]
    addresses = [span for need, span in wanted if need.kind is Kind.ADDRESS]
    edits |= {span: _address(number, room) for number, span in enumerate(addresses, 1)}
    edits |= {span: stand_in for need, span in wanted if (stand_in := _of_here(need, room)) is not None}
    folder, port = config.setting("unix_socket_dir"), config.integer("listen_port")
    if folder and folder.value:
        edits[folder.span] = str(room.folder)
    if port and config.listens_on() and 0 < port.value < 2**16:
        edits[port.span] = str(room.port)
    files: Mapping[str, str] = _tls_files() if any(need.kind is Kind.FILE for need, _ in wanted) else {}
    return one._replace(texts={**_edited(one.texts, edits), **files})


def blamed(log: Iterable[str], room: Room) -> Blame:
    """What a PgBouncer that has ended says why."""
    for words in log:
        if place := _PLACE.search(words):
            return Blame(Line(place["path"].removeprefix(f"{room.folder}/"), int(place["line"])), words)
        if words.startswith(("ERROR load_init_file: main section missing", "FATAL")):
            return Blame(None, words)
    raise AssertionError(f"nothing is said about a place, and nothing is fatal: {log}")


def is_at(refusal: Refusal, line: Line, config: PgBouncerConfig) -> bool:
    """Whether this is what PgBouncer stopped at, if it says that it was at this line.

    It counts the blank lines behind a line to it, and one more where the line itself ends in a blank.
    """
    start, end = refusal.written.span.start, refusal.written.span.end
    [text] = {part.source.text for part in config.parts if part.region.path == refusal.written.span.path}
    number = text.count("\n", 0, start) + 1
    rest = text[end:].partition("\n")
    blank = rest[2][: len(rest[2]) - len(rest[2].lstrip())].count("\n") + (text[:end] + rest[0])[-1:].isspace()
    return line.path == refusal.written.span.path and number <= line.number <= number + blank


def is_late(refusal: Refusal, config: PgBouncerConfig) -> bool:
    """Whether PgBouncer finds out only when it has read everything."""
    if refusal.cause in {Cause.TLS, Cause.LISTENING} or refusal.written.span.end == 0:
        return True
    late = [written.span for name in ("listen_addr", "user") if (written := config.setting(name))]
    return any(_is_in(refusal.written.span, place) for place in late)


def without(one: Shown, lines: Iterable[Line]) -> Shown:
    """What is shown, with these lines blank."""
    blank = set(lines)
    return one._replace(
        texts={
            path: "\n".join(
                "" if Line(path, number) in blank else line for number, line in enumerate(text.split("\n"), 1)
            )
            for path, text in one.texts.items()
        }
    )


def line_of(place: Span, one: Shown) -> Line:
    """The line that a place begins on."""
    return Line(place.path, one.texts[place.path].count("\n", 0, place.start) + 1)


def changed(example: Example, change: Callable[[str], str]) -> Example:
    """An example with another text in each of its files; its settings stay."""
    texts = {path: text if path == SETTINGS else change(text) for path, text in example.sources.items()}
    return example._replace(sources=texts)


def _tables(pooler: PgBouncer, room: Room) -> Tables | None:
    names = ["CONFIG", "DATABASES", "USERS", *(["PEERS"] if room.program.version >= (1, 19) else [])]
    try:
        return {name: pooler.show(name) for name in names}
    except Refused:
        return None


def _address(number: int, room: Room) -> str:
    """An address that nobody else listens on, whatever the port: the loopback has many."""
    return f"127.{room.port // 256}.{room.port % 256}.{number}"


def _of_here(need: Need, room: Room) -> str | None:
    """What there is in the room of what is needed; None where that can stay as it is."""
    match need.kind:
        case Kind.USER:
            return ""
        case Kind.GROUP:
            return grp.getgrgid(account().gid).gr_name
        case Kind.NEW_FILE:
            return f"{room.folder}/{need.setting}"
        case Kind.FILE:
            return _KEY if need.setting == "client_tls_key_file" else _CERTIFICATE
        case _:
            return None


def _tls_files() -> Mapping[str, str]:
    made = self_signed("pooler")
    return {_KEY: made.key, _CERTIFICATE: made.certificate}


def _is_in(inner: Span, outer: Span) -> bool:
    return inner.path == outer.path and outer.start <= inner.start and inner.end <= outer.end


def _edited(texts: Mapping[str, str], edits: Mapping[Span, str]) -> dict[str, str]:
    by_path: dict[str, list[Edit]] = defaultdict(list)
    for span, text in edits.items():
        by_path[span.path].append(Edit(span, text))
    return {path: apply(text, by_path[path]) for path, text in texts.items()}
