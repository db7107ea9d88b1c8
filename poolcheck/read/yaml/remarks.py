"""The lines of a YAML file of which a comment says that something has its own way to a database."""

import re
from collections.abc import Iterator

from poolcheck.source import Source, Span

_TELLS = re.compile(
    r"advisory|bypass|\bdirect|instead of (?:pgbouncer|the pooler)|\blisten\b|listen/notify|migrat"
    r"|not (?:through|via)|prepared statement|replicat|\bsession|superuser|unpooled",
    re.IGNORECASE,
)
_BLOCK = re.compile(r"^[ \t]*#[^\n]*\n(?:[ \t]*#[^\n]*\n)*(?P<line>[^\n]*)", re.MULTILINE)
_BEHIND = re.compile(r"[ \t]#[^\n]*")


def remarked(source: Source) -> Iterator[Span]:
    """The lines below such comments, and those that end in one."""
    text = source.text
    if "#" not in text or not _TELLS.search(text):
        return
    for block in _BLOCK.finditer(text):
        if _TELLS.search(text, block.start(), block.start("line")):
            yield Span(source.path, *block.span("line"))
    for comment in _BEHIND.finditer(text):
        start = text.rfind("\n", 0, comment.start()) + 1
        before = text[start : comment.start()].strip()
        if before and not before.startswith("#") and _TELLS.search(comment[0]):
            yield Span(source.path, start, comment.end())
