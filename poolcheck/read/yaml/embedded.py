"""A pgbouncer.ini in a scalar of a YAML file: each place in a literal block, otherwise the scalar as a whole."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.pgbouncer.rendered import Piece, Rendered
from poolcheck.read.yaml.nodes import Scalar
from poolcheck.source import Located, Source, Span

if TYPE_CHECKING:
    from poolcheck.read.pgbouncer.config import Inclusion, PgBouncerConfig

_HEADER = re.compile(r"^[ \t]*\[[ \t]*pgbouncer[ \t]*\]", re.MULTILINE | re.IGNORECASE)


def is_pgbouncer_ini(name: str, text: str) -> bool:
    """Whether a text that becomes a file of this name is a configuration of PgBouncer's."""
    if name.endswith(".ini") and "pgbouncer" in name:
        return True
    return "pgbouncer" in text.lower() and _HEADER.search(text) is not None


def read_in_scalar(
    scalar: Scalar, source: Source, name: str, blocks: Mapping[str, Span]
) -> "Iterator[PgBouncerConfig | SyntaxFault]":
    """The configuration in a scalar. What it names by a path may stand in one of the blocks beside it."""
    from poolcheck.read.pgbouncer.config import Part
    from poolcheck.read.pgbouncer.load import read_embedded, read_rendered

    if block := scalar.block:
        yield from read_embedded(Part(source, block), name, partial(_found, source, blocks))
    else:
        yield from read_rendered(Rendered(scalar.span, (Piece(scalar.text, scalar.span),)), name)


def read_in_base64(scalar: Scalar, name: str) -> "Iterator[PgBouncerConfig | SyntaxFault]":
    """The configuration that is encoded in a scalar, which nobody may quote; nothing where there is none."""
    text = _decoded(scalar.text) if _may_be_worth_it(name) else ""
    if text and is_pgbouncer_ini(name, text):
        from poolcheck.read.pgbouncer.load import read_rendered

        yield from read_rendered(Rendered(scalar.span, (Piece(text, scalar.span),), is_secret=True), name)


def _found(source: Source, blocks: Mapping[str, Span], path: Located[str]) -> "Inclusion":
    from poolcheck.read.pgbouncer.config import Absent, Inclusion, Part

    block = blocks.get(path.value.rpartition("/")[2])
    return Inclusion(path, Part(source, block) if block else Absent.UNSEEN)


def _may_be_worth_it(name: str) -> bool:
    return "pgbouncer" in name.lower() or name.endswith((".ini", ".conf", ".cfg"))


def _decoded(text: str) -> str:
    try:
        return b64decode("".join(text.split()), validate=True).decode()
    except ValueError:
        return ""
