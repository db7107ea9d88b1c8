"""Where client pools lead, and whether server connections change hands there."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from poolcheck.amount import Reason
from poolcheck.finding import Severity
from poolcheck.read.pgbouncer.config import Effective, Entry, PgBouncerConfig, PoolMode
from poolcheck.source import Located
from poolcheck.system.poolers import Pooler, Server


class Target(NamedTuple):
    """Where a client pool leads: to a pooler, there to a database, or to a server; and what shows it.

    It is not certain where only a port or a host's name suggests a pooler. `pooler` is None then, unless the
    project has only one; `among` are those that it may be. A pooler may be `in_pod`, one for each of the client's.
    `entry` is None where it is not known which it is, and `user`, who logs in, as well. `behind` is where a pooler
    leads that opens its connections to another one. It is certain but for variables, where it `is_by_default`.
    """

    pooler: Pooler | None
    entry: Entry | None
    server: Server | None
    is_certain: bool
    because: tuple[Reason, ...]
    in_pod: bool = False
    among: tuple[Pooler, ...] = ()
    user: str | None = None
    behind: "Target | None" = None
    is_by_default: bool = False

    @property
    def name(self) -> str:
        """What to call it in a message."""
        found = self.pooler or self.server
        return found.name if found else "a pooler"

    @property
    def mode(self) -> Effective[PoolMode] | None:
        """The pool mode that clients get; None where it is not known, or there is no pooler."""
        if self.pooler is None:
            return None
        if self.pooler.config is None:
            return self.pooler.mode
        first, *others = _modes(self.pooler.config, self.entry, self.user)
        is_one = all(first and other and other.value is first.value for other in others)
        return first if is_one else None


def _modes(config: PgBouncerConfig, entry: Entry | None, user: str | None) -> Iterator[Effective[PoolMode] | None]:
    """The modes that a client may get: in any database where `entry` is None, as anybody where `user` is."""
    databases: list[Entry | None] = [each for each in config.databases if each.in_effect]
    for database in [entry] if entry else databases or [None]:
        users: Mapping[str, Entry] = {} if database and database.parameter("user") else config.users_in_effect
        modes = {name: mode for name, each in users.items() if (mode := each.parameter("pool_mode"))}
        if user and user in modes:
            yield _mode_of(modes[user])
            continue
        yield config.pool_mode(database)
        if not user:
            yield from map(_mode_of, modes.values())


def _mode_of(written: Located[str]) -> Effective[PoolMode] | None:
    word = written.value.lower()
    return Effective(PoolMode(word), written.span) if word in set(PoolMode) else None


class Sharing(NamedTuple):
    """That server connections change hands between the clients of a pooler, and what shows it.

    Where the pooler, its pool mode or its support for prepared statements is not seen, `provided` says what must
    hold, as the end of a sentence.
    """

    pooler: str
    because: tuple[Reason, ...]
    provided: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether everything is seen."""
        return not self.provided

    @property
    def severity(self) -> Severity | None:
        """How severe what rests on it is: as severe as the rule has it, or less where not everything is seen."""
        return None if self.is_certain else Severity.WARNING


def sharing(target: Target | None) -> Sharing | None:
    """Whether a client's prepared statements meet those of others; None where nothing suggests it.

    They do if they meet at any of the poolers on the way: one that keeps them apart prepares them under names of
    its own at the next. Observed with two of 1.25.2.
    """
    return _at_any(target, _sharing_at)


def exchange(target: Target | None) -> Sharing | None:
    """Whether others get a client's server connection in between; None where nothing suggests it."""
    return _at_any(target, _exchange_at)


def _at_any(target: Target | None, found_at: Callable[[Target], Sharing | None]) -> Sharing | None:
    """What is found at the first of the poolers on the way that has it."""
    if target is None:
        return None
    if target.pooler is None:
        return _unseen(target, found_at)
    found, further = found_at(target), _at_any(target.behind, found_at)
    return found or (further and further._replace(because=(*target.because, *further.because)))


def _unseen(target: Target, found_at: Callable[[Target], Sharing | None]) -> Sharing | None:
    """What may be at a pooler of which only a name or a port tells; what is seen to be a server is none."""
    among = [target._replace(pooler=pooler) for pooler in target.among]
    is_harmless = among and not any(_at_any(each, found_at) for each in among)
    if target.server is not None or target.is_certain or is_harmless:
        return None
    return Sharing(target.name, target.because, _if_so(target))


def _sharing_at(target: Target) -> Sharing | None:
    mode, kept = target.mode, target.pooler.prepared_statements if target.pooler else None
    if mode is None or mode.value is PoolMode.SESSION or (kept and kept.value > 0):
        return None
    because = [*target.because, Reason(f"server connections change hands after each {mode.value}", mode.span)]
    if kept and kept.span:
        because.append(Reason("prepared statements are not kept apart", kept.span))
    if not target.is_certain:
        return Sharing(target.name, tuple(because), _if_so(target))
    before = ", and before 1.24 PgBouncer does not keep them apart by default"
    return Sharing(target.name, tuple(because), "" if kept else before)


def _exchange_at(target: Target) -> Sharing | None:
    if (mode := target.mode) is None or mode.value is PoolMode.SESSION:
        return None
    because = (*target.because, Reason(f"server connections change hands after each {mode.value}", mode.span))
    return Sharing(target.name, because, "" if target.is_certain else _if_so(target))


def _if_so(target: Target) -> str:
    return f", if {target.because[0].assumption}"
