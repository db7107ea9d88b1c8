"""Session state that stays on a server connection when a pooler gives it to another client."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from poolcheck.finding import Finding, Fix, Severity, one_for_each_place
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.read.sql.acts import SESSION_CHARACTERISTICS, Act
from poolcheck.read.sql.parameters import is_parameter
from poolcheck.read.sql.tokens import tokens
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span
from poolcheck.system.clients import Sent, operands
from poolcheck.system.whole import SystemWithLinks

if TYPE_CHECKING:
    from poolcheck.read.python.sql.executed import Executed

_TRACKED: tuple[tuple[Version, frozenset[str]], ...] = (
    (
        (),
        frozenset({"application_name", "client_encoding", "datestyle", "standard_conforming_strings", "timezone"}),
    ),
    ((1, 20), frozenset({"intervalstyle"})),
)
"""What PgBouncer sets again for each client, and since when."""
_MAY_BE_TRACKED: tuple[tuple[Version, frozenset[str]], ...] = (
    ((1, 26), frozenset({"default_transaction_read_only", "search_path", "session_authorization"})),
)
"""What it does if the server reports it."""

_GIVES_NUMBERS = re.compile(r"\b(?:INSERT|NEXTVAL|SETVAL)\b", re.IGNORECASE)


class TxmodeSessionState(Rule[SystemWithLinks]):
    id = "txmode-session-state"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        yield from one_for_each_place(found for sent in firsts(system.sent) for found in self.of_one(sent))

    def of_one(self, sent: Sent) -> Iterator[Finding]:
        """What is wrong with one statement on a connection of one pool."""
        done, shared = sent.executed, sent.shared
        what = told(done) if shared and done.is_kept and not is_tracked(sent) else None
        if shared and what:
            yield self.finding(
                done.span,
                what.format(words=done.words, pooler=shared.pooler) + shared.provided,
                notes=operands(shared.because, done.span),
                fix=fix_of(done),
                severity=shared.severity,
            )


def firsts(sent: Iterable[Sent]) -> Iterator[Sent]:
    """All but what sets a parameter once more in a function: mostly it is set to what it was before."""
    seen: dict[tuple[Located[str] | None, str, str | None], Span] = {}
    for each in sent:
        done = each.executed
        first = seen.setdefault((done.function, done.span.path, done.name), done.span)
        if done.act is not Act.SET or first == done.span:
            yield each


def told(done: "Executed") -> str | None:
    """What to say of what is done; None where it is no state that later transactions rely on, or others get."""
    match done.act:
        case Act.SET if done.name and is_parameter(done.name):
            return "{words} changes a server connection that {pooler} gives to other clients afterwards"
        case Act.SEQUENCE if (done.is_alone or done.is_first) and not _GIVES_NUMBERS.search(done.text):
            return "{words} asks a server connection that {pooler} may have given to other clients in between"
        case Act.LOAD if done.is_alone:
            return "{words} is done on one server connection, and {pooler} gives this client others afterwards"
        case _:
            return None


def is_tracked(sent: Sent) -> bool:
    """Whether PgBouncer sets a parameter again for each client, or may do so."""
    pooler = sent.client.target.pooler if sent.client.target else None
    tracked = tracked_by(pooler.config if pooler else None)
    return sent.executed.act is Act.SET and (tracked is None or sent.executed.name in tracked)


def tracked_by(config: PgBouncerConfig | None) -> frozenset[str] | None:
    """The parameters that a PgBouncer sets again, or may; None where they are not known."""
    built_in = frozenset(
        name for since, names in _TRACKED if not (config and config.is_before(since)) for name in names
    )
    if config is None:
        return built_in
    extra = config.words("track_extra_parameters")
    if extra is None:
        return None
    newer = (names for since, names in _MAY_BE_TRACKED if config.is_since(since))
    return built_in.union((word.value.lower() for word in extra), *newer)


def fix_of(done: "Executed") -> Fix | None:
    """The parameter set for the transaction, where more is done in it."""
    if done.act is not Act.SET or done.written is None or done.written != done.span or done.is_alone:
        return None
    if not done.is_followed or done.name == SESSION_CHARACTERISTICS:
        return None
    return Fix("Set it for the transaction", (Edit(done.span, for_the_transaction(done.phrase)),), safe=False)


def for_the_transaction(phrase: str) -> str:
    """`SET [SESSION] x`, or `set_config(x, y, false`, that ends with the transaction."""
    found = tokens(phrase)
    if found[0].word != "SET":
        return f"{phrase[: found[-1].start]}true"
    words = [token.word for token in found[1:3]]
    filler = found[1] if words[0] == "SESSION" and words[1:] != ["AUTHORIZATION"] else found[0]
    return f"{phrase[: found[0].end]} LOCAL{phrase[filler.end :]}"
