"""Which pieces of a module execute SQL that is worth taking apart, told without parsing any."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from poolcheck.read.python.syntax.module import Module
from poolcheck.read.python.syntax.slices import Kind, Piece

EXECUTING = frozenset(
    {
        "cursor", "exec", "exec_driver_sql", "execute", "execute_query", "execute_sql", "executemany", "fetch",
        "fetch_all", "fetch_one", "fetch_val", "fetchmany", "fetchrow", "fetchval", "iterate", "prepare", "query",
        "scalar", "scalars", "stream", "stream_scalars",
    }
)  # fmt: skip
"""Methods whose first argument is SQL: those of cursors, connections, sessions, pools and databases."""

_WORDS = (
    "DECLARE", "EXECUTE", "LISTEN", "LOAD", "PREPARE", "SET", "advisory_lock", "currval", "lastval", "set_config",
    "TEMP", "declare", "execute", "listen", "load", "prepare", "set", "temp",
)  # fmt: skip
"""What texts hold that are worth taking apart."""
_BEGINNING = re.compile(
    r"""
    (?<=["'\s;]) (?:
        (?:declare|listen|load|prepare) \s+ ["'\w{%]
      | execute \s+ \w+ \s* (?: \( | ["';] | $ )
      | set \s+ (?: session \s+ )? (?: (?: role|session|time|names|schema)\b | ["\w.{}]+ \s* (?: = | to\s ) )
      | temp (?:orary)? \s+ \w
    )
    | (?: advisory_lock (?:_shared)? | currval | lastval | set_config ) \s* \(
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
"""How these words go on where it is SQL."""
_EXECUTING = re.compile(rf"\.\s*(?:{'|'.join(sorted(EXECUTING))})\s*\(")
_IN_CODE = re.compile(
    r"\.\s*(?:add_listener|a?iterator|notifies|set_session)\s*\(|\bwithhold\s*="
    r"|\.\s*(?:currval|lastval|pg_(?:try_)?advisory_lock\w*|set_config)\s*\("
)
"""What code mentions that does the same without SQL, or with SQL that a library writes."""
_WORDS_IN_CODE = (
    "add_listener",
    "advisory_lock",
    "currval",
    "iterator(",
    "lastval",
    "notifies(",
    "set_config",
    "set_session",
    "withhold",
)
"""Words that such code has. To look for these one by one takes less time."""


def pieces_executing(module: Module) -> Iterator[Piece]:
    """The pieces that execute what is worth taking apart, be it by a name that it is assigned to elsewhere."""
    text = module.source.text
    found = {*module.mentioning(_IN_CODE)} if any(word in text for word in _WORDS_IN_CODE) else set[Piece]()
    new = seen = set(_pieces_with_sql(module))
    while names := {piece.name for piece in new if piece.kind is Kind.STATEMENT and piece.name}:
        new = {*module.mentioning(_any_of(names))} - seen
        seen = seen | new
    found |= {piece for piece in seen if _EXECUTING.search(module.code(piece))}
    yield from sorted(found, key=lambda piece: piece.start)


_SETTING = frozenset({"SET", "set"})
_AMID = re.compile(r"""[\w})]["`]?\s+\Z""")
"""How what stands before a word ends that is not the beginning of a statement: in a name, perhaps in quotes."""


def _is_amid(text: str, at: int) -> bool:
    """Whether what stands before a word of SQL belongs to the same statement, and is no comment."""
    before = text[max(0, at - 200) : at]
    return _AMID.search(before) is not None and "--" not in before.rstrip().rpartition("\n")[2]


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(sorted(names))})\b")


def _pieces_with_sql(module: Module) -> Iterator[Piece]:
    """The pieces in whose strings words stand that SQL may begin with."""
    text, code, ends = module.source.text, module.masked.text, [piece.end for piece in module.pieces]
    for word in _WORDS:
        at = text.find(word)
        while at >= 0:
            # In code it is another thing that is called the same, and behind a table's name part of an UPDATE.
            if code[at] == " " and _BEGINNING.match(text, at) and not (word in _SETTING and _is_amid(text, at)):
                index = bisect_right(ends, at)
                if index < len(ends) and module.pieces[index].start <= at:
                    yield module.pieces[index]
            at = text.find(word, at + len(word))
