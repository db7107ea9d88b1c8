"""What the statements of a text do to the session that they are executed in.

Behind a pooler in transaction mode a session is a server connection, which the next transaction may not get again.
PostgreSQL's manual, SQL Commands; System Administration Functions for set_config and the advisory locks; Sequence
Manipulation Functions for currval and lastval.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum, auto
from functools import lru_cache, partial
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from poolcheck.read.sql.statements import Statement, statements
from poolcheck.read.sql.tokens import HOLE, Kind, Token


class Act(StrEnum):
    """What is done.

    SET is for the session, SET_LOCAL for the transaction, RESET back to the default. TEMP makes something
    temporary that outlives the transaction, DROP is of a table, a view or a sequence. HOLD declares a cursor that
    outlives the transaction. LOCK takes an advisory lock for the session, UNLOCK gives such locks back. SEQUENCE
    asks for the number that the session got last. HEAR waits for what LISTEN has asked for. CURSOR is a cursor
    that a library declares by itself. OTHER does nothing to the session.
    """

    SET = auto()
    SET_LOCAL = auto()
    RESET = auto()
    LISTEN = auto()
    UNLISTEN = auto()
    HEAR = auto()
    NOTIFY = auto()
    PREPARE = auto()
    EXECUTE = auto()
    DEALLOCATE = auto()
    TEMP = auto()
    DROP = auto()
    HOLD = auto()
    CLOSE = auto()
    LOCK = auto()
    UNLOCK = auto()
    SEQUENCE = auto()
    LOAD = auto()
    DISCARD = auto()
    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    CURSOR = auto()
    OTHER = auto()


class Deed(NamedTuple):
    """An act, what it is done to, and where that is written, from `start` up to `end` of the text.

    `name` is the parameter in lower case, the channel, the statement, the table, the cursor, the function or the
    library, without quotes; `*` for all of them, "" where there is none, None where it is not known.
    """

    act: Act
    name: str | None
    start: int
    end: int


@lru_cache(maxsize=256)
def deeds(text: str) -> tuple[Deed, ...]:
    """What a text does, statement by statement; nothing of a text with something that never closes.

    Each statement has at least one deed, OTHER if nothing else.
    """
    found = statements(text)
    if any(token.kind is Kind.OPEN for statement in found for token in statement.tokens):
        return ()
    return tuple(deed for statement in found for deed in _deeds(statement))


def _deeds(statement: Statement) -> Iterator[Deed]:
    own = _own(statement)
    called = tuple(_called(statement)) if statement.words(1)[0] in _CALLING else ()
    if own or not called:
        yield own or _deed(Act.OTHER, "", statement.tokens[:1])
    yield from called


_CALLING = frozenset(
    {"(", "CALL", "COPY", "DELETE", "EXPLAIN", "INSERT", "MERGE", "SELECT", "UPDATE", "VALUES", "WITH"}
)
"""How statements begin in which functions are called at once, and not later by what the statement makes."""


Tokens: TypeAlias = tuple[Token, ...]


def _own(statement: Statement) -> Deed | None:
    """What a statement does by what it is."""
    tell = _BY_FIRST_WORD.get(statement.words(1)[0])
    return tell(statement.tokens) if tell else None


def _deed(act: Act, name: str | None, shown: Tokens) -> Deed:
    return Deed(act, name, shown[0].start, shown[-1].end)


def _to_one(act: Act, tokens: Tokens, *fillers: str) -> Deed:
    """A statement about one thing, or about all, which is called `*`; before its name may stand fillers."""
    rest = tokens[1:]
    if len(rest) > 1 and rest[0].word in fillers:
        rest = rest[1:]
    is_all = bool(rest) and (rest[0].word == "ALL" or rest[0].text == "*")
    return _deed(act, "*" if is_all else _name(rest[:1]), tokens[:2])


def _transaction(act: Act, tokens: Tokens) -> Deed | None:
    """`BEGIN …`, `COMMIT …` and the like, but for what leaves the transaction as it is."""
    words = {token.word for token in tokens[1:]}
    return None if words & {"PREPARED", "TO"} else _deed(act, "", tokens[:1])


def _declared(tokens: Tokens) -> Deed | None:
    is_held = ("WITH", "HOLD") in pairwise(token.word for token in tokens)
    return _deed(Act.HOLD, _name(tokens[1:2]), tokens[:2]) if is_held else None


SESSION_CHARACTERISTICS = "session characteristics"
"""The name of what is no parameter but several."""

_OTHERWISE_CALLED = {
    "NAMES": "client_encoding",
    "ROLE": "role",
    "SCHEMA": "search_path",
    "SEED": "seed",
    "SESSION AUTHORIZATION": "session_authorization",
    "SESSION CHARACTERISTICS": SESSION_CHARACTERISTICS,
    "TIME ZONE": "timezone",
    "TRANSACTION ISOLATION": "transaction_isolation",
    "XML OPTION": "xmloption",
}
"""How SET, RESET and SHOW call parameters that have other names."""


def _loaded(tokens: Tokens) -> Deed | None:
    """`LOAD 'library'`; MySQL's `LOAD DATA` is not meant."""
    is_library = len(tokens) == 2 and tokens[1].kind in {Kind.STRING, Kind.PLACEHOLDER}
    return _deed(Act.LOAD, _string(tokens[1:2]), tokens[:2]) if is_library else None


def _set(tokens: Tokens) -> Deed | None:
    """`SET [SESSION | LOCAL] …`, but for what only ever concerns one transaction."""
    words = [token.word for token in tokens[1:4]]
    rest, act = tokens[1:], Act.SET
    if words[:1] == ["LOCAL"]:
        rest, act = tokens[2:], Act.SET_LOCAL
    elif words[:1] == ["SESSION"] and words[1:2] not in (["AUTHORIZATION"], ["CHARACTERISTICS"]):
        rest = tokens[2:]
    first = rest[0].word if rest else ""
    if first in {"TRANSACTION", "CONSTRAINTS"}:
        return None
    named = _parameter_tokens(rest)
    name, value = _parameter(rest), rest[len(named) :]
    if not _has_own_words(named) and (not value or value[0].word not in {"=", "TO"}):
        return None
    if act is Act.SET and name and _resets(name, value):
        act = Act.RESET
    return _deed(act, name, (*tokens[:1], *named))


def _reset(tokens: Tokens) -> Deed:
    is_all = len(tokens) > 1 and tokens[1].word == "ALL"
    return _deed(Act.RESET, "*" if is_all else _parameter(tokens[1:]), tokens[:2])


def _resets(name: str, value: Tokens) -> bool:
    """Whether a value is what a parameter is without having been set."""
    words = [token.word for token in value]
    if name == "role":
        return words[-1:] == ["NONE"] or _string(value[-1:]) == "none"
    return words[-1:] in (["DEFAULT"], ["LOCAL"]) and len(words) <= 2


def _parameter_tokens(tokens: Tokens) -> Tokens:
    """The name of a parameter: `a`, `a.b`, or one that SQL has words of its own for."""
    if _has_own_words(tokens[:2]):
        return tokens[:2]
    count = 1
    while len(tokens) > count + 1 and tokens[count].text == ".":
        count += 2
    return tokens[:count]


def _has_own_words(tokens: Tokens) -> bool:
    return " ".join(token.word for token in tokens) in _OTHERWISE_CALLED


def _parameter(tokens: Tokens) -> str | None:
    """The name of a parameter in lower case; None where a part of it is not known."""
    named = _parameter_tokens(tokens)
    if _has_own_words(named):
        return _OTHERWISE_CALLED[" ".join(token.word for token in named)]
    parts = [token.text if token.text == "." else _name((token,)) for token in named]
    return "".join(filter(None, parts)).lower() if parts and None not in parts else None


def _name(tokens: Tokens) -> str | None:
    """A name, without quotes; None where it is a placeholder, or has a hole in it."""
    if not tokens:
        return None
    token = tokens[0]
    if token.kind is Kind.WORD:
        return None if HOLE in token.text else token.text
    inner = token.text.strip('"').replace('""', '"')
    is_known = token.kind is Kind.NAME and not _FILLED_IN.search(inner)
    return inner if is_known else None


def _string(tokens: Tokens) -> str | None:
    """A string in single quotes; None for anything else, and where it has a hole in it."""
    text = tokens[0].text if tokens and tokens[0].kind is Kind.STRING else ""
    is_plain = text.startswith("'") and not _FILLED_IN.search(text)
    return text[1:-1].replace("''", "'") if is_plain else None


_FILLED_IN = re.compile(rf"{HOLE}|\{{[^{{}}]*\}}|%(?:\(\w*\))?s")
"""What Python may put something in for, inside of quotes too."""


def _prepared(tokens: Tokens) -> Deed | None:
    """`PREPARE q (…) AS …`; MySQL's `PREPARE q FROM …` is not meant, `PREPARE TRANSACTION` ends a transaction."""
    words = [token.word for token in tokens[1:]]
    if words[:1] == ["TRANSACTION"]:
        return _deed(Act.COMMIT, "", tokens[:2])
    return _to_one(Act.PREPARE, tokens) if "AS" in words[1:] else None


def _executed(tokens: Tokens) -> Deed | None:
    """`EXECUTE q (…)`; procedures, as other databases execute them, are not meant."""
    is_plain = len(tokens) == 2 or (len(tokens) > 2 and tokens[2].text == "(")
    return _to_one(Act.EXECUTE, tokens) if is_plain else None


_TEMPORARY = frozenset({"TEMP", "TEMPORARY"})
_TEMPORARY_KINDS = frozenset({"RECURSIVE", "SEQUENCE", "TABLE", "VIEW"})


def _created(tokens: Tokens) -> Deed | None:
    """`CREATE [OR REPLACE] [LOCAL] TEMP {TABLE | VIEW | SEQUENCE} [IF NOT EXISTS] …` without `ON COMMIT DROP`."""
    words = [token.word for token in tokens]
    at = next((at for at, word in enumerate(words[:5]) if word in _TEMPORARY), None)
    if at is None or words[at + 1 : at + 2] == [] or words[at + 1] not in _TEMPORARY_KINDS:
        return None
    is_dropped = any(words[at : at + 3] == ["ON", "COMMIT", "DROP"] for at in range(len(words)))
    named = at + (3 if words[at + 1] == "RECURSIVE" else 2)
    named += 3 if words[named : named + 3] == ["IF", "NOT", "EXISTS"] else 0
    return None if is_dropped else _deed(Act.TEMP, _last_name(tokens[named:]), tokens[: named + 1])


def _dropped(tokens: Tokens) -> Deed | None:
    if len(tokens) < 2 or tokens[1].word not in _TEMPORARY_KINDS:
        return None
    at = 4 if [token.word for token in tokens[2:4]] == ["IF", "EXISTS"] else 2
    return _deed(Act.DROP, _last_name(tokens[at:]), tokens[: at + 1])


def _last_name(tokens: Tokens) -> str | None:
    """A name without its schema."""
    at = 2 if len(tokens) > 2 and tokens[1].text == "." else 0
    name = _name(tokens[at : at + 1])
    return name if name is None or tokens[at].kind is Kind.NAME else name.lower()


def _selected_into(tokens: Tokens) -> Deed | None:
    """`SELECT … INTO TEMP t …`."""
    words = [token.word for token in tokens]
    for at, word in enumerate(words[:-2]):
        if word == "INTO" and words[at + 1] in _TEMPORARY:
            named = at + (3 if words[at + 2] == "TABLE" else 2)
            return _deed(Act.TEMP, _last_name(tokens[named:]), tokens[at : named + 1])
    return None


_BY_FIRST_WORD: Mapping[str, Callable[[Tokens], Deed | None]] = {
    "ABORT": partial(_transaction, Act.ROLLBACK),
    "BEGIN": partial(_transaction, Act.BEGIN),
    "CLOSE": partial(_to_one, Act.CLOSE),
    "COMMIT": partial(_transaction, Act.COMMIT),
    "CREATE": _created,
    "DEALLOCATE": lambda tokens: _to_one(Act.DEALLOCATE, tokens, "PREPARE"),
    "DECLARE": _declared,
    "DISCARD": partial(_to_one, Act.DISCARD),
    "DROP": _dropped,
    "END": partial(_transaction, Act.COMMIT),
    "EXECUTE": _executed,
    "LISTEN": partial(_to_one, Act.LISTEN),
    "LOAD": _loaded,
    "NOTIFY": partial(_to_one, Act.NOTIFY),
    "PREPARE": _prepared,
    "RESET": _reset,
    "ROLLBACK": partial(_transaction, Act.ROLLBACK),
    "SELECT": _selected_into,
    "SET": _set,
    "START": partial(_transaction, Act.BEGIN),
    "UNLISTEN": partial(_to_one, Act.UNLISTEN),
    "WITH": _selected_into,
}

_LOCKS = re.compile(
    r"pg_(?:try_)?advisory_(?P<xact>xact_)?(?:lock|(?P<un>unlock))(?:_shared|(?P<all>_all))?", re.IGNORECASE
)
_TRUE, _FALSE = frozenset({"true", "t", "on", "1"}), frozenset({"false", "f", "off", "0"})


def _called(statement: Statement) -> Iterator[Deed]:
    """What the functions do that a statement calls."""
    tokens = statement.tokens
    for at, token in enumerate(tokens[:-1]):
        if token.kind is not Kind.WORD or tokens[at + 1].text != "(":
            continue
        function = token.text.lower()
        if found := _LOCKS.fullmatch(function):
            if not found["xact"]:
                yield _deed(Act.UNLOCK if found["un"] else Act.LOCK, function, (token,))
        elif function in {"currval", "lastval"}:
            yield _deed(Act.SEQUENCE, function, (token,))
        elif function == "set_config" and (
            deed := _configured(token, _arguments(tokens[at + 2 : at + 2 + MOST_TOKENS]))
        ):
            yield deed


def _configured(function: Token, arguments: list[Tokens]) -> Deed | None:
    """`set_config(name, value, is_local)`; None where it is not known for how long."""
    if len(arguments) != 3 or len(arguments[2]) != 1:
        return None
    how_long = arguments[2][0]
    word = how_long.text.lower() if how_long.kind is Kind.WORD else _string((how_long,)) or ""
    name = _string(arguments[0]) if len(arguments[0]) == 1 else None
    # With NULL the parameter is what it is without having been set.
    is_reset = [token.word for token in arguments[1]] == ["NULL"]
    lasting = {Act.RESET if is_reset else Act.SET: _FALSE, Act.SET_LOCAL: _TRUE}
    act = next((act for act, words in lasting.items() if word in words), None)
    return Deed(act, name and name.lower(), function.start, how_long.end) if act else None


MOST_TOKENS = 200
"""A call whose arguments are longer than this is not understood."""


def _arguments(tokens: Tokens) -> list[Tokens]:
    """The arguments of a call, whose parenthesis was opened before these tokens; none where it is not closed."""
    found: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.text == ")" and depth == 0:
            return [tuple(each) for each in found]
        depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
        if token.text == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(token)
    return []
