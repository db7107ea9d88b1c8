"""A server and all that opens connections to it, as far as that counts for the sizes of pools."""

from enum import StrEnum
from typing import NamedTuple

from poolcheck.amount import Amount, product
from poolcheck.sizing.formulas import Given
from poolcheck.source import Span


class Kind(StrEnum):
    """Where the connections of a pool lead."""

    POOLER = "pooler"
    """From a pooler to the server."""
    DIRECT = "direct"
    """From an application to the server."""
    CLIENT = "client"
    """From an application to a pooler."""


class Pool(NamedTuple):
    """Pools of one kind: what has them, the `setting` of their size, and how many there are of them.

    `number` are those that there are while nothing is rolled out, `at_rollout` those while something is. `now` is
    the size of each, None where none is set. A process asks for connections in so many `threads`, None where that
    is not known. It `is_unsized` where it opens a connection for whoever asks, whatever is set. A pooler may add a
    `reserve` to each.
    """

    kind: Kind
    of: str
    setting: str
    number: Amount
    at_rollout: Amount
    now: Amount | None = None
    place: Span | None = None
    threads: Amount | None = None
    is_unsized: bool = False
    reserve: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def open_now(self) -> Amount | None:
        """The connections that all of them have together."""
        return None if self.now is None else product(self.at_rollout, self.now)


class Door(NamedTuple):
    """The clients of a pooler, and how many each of its processes accepts of them, None where none is set.

    It `keeps` its server connections for clients where a client has its own for as long as it is connected.
    """

    of: str
    now: Amount | None
    place: Span | None
    clients: tuple[Pool, ...]
    keeps: bool = False


class Deployed(NamedTuple):
    """A server with all that opens connections to it, `may_open` so many as it is.

    `kept_back` is for superusers and operators. It can have no more than a `limit`; `held` is what a thread holds
    at once.
    """

    name: str | None
    place: Span | None
    pools: tuple[Pool, ...]
    doors: tuple[Door, ...]
    kept_back: Given
    max_connections: Amount | None = None
    may_open: Amount | None = None
    limit: Given | None = None
    held: Given | None = None

    @property
    def clients(self) -> tuple[Pool, ...]:
        """The client pools in front of all poolers."""
        return tuple(pool for door in self.doors for pool in door.clients)

    @property
    def shared_by(self) -> int:
        """The pools that have the connections of the server, where their size can be set."""
        return sum(max(pool.number.most, 1) for pool in self.pools if not pool.is_unsized)

    @property
    def unlocked(self) -> int:
        """The fewest connections of applications to the server with which no thread waits for ever for another."""
        return sum(self.fewest_of(pool) * pool.number.most for pool in self.pools)

    def fewest_of(self, pool: Pool) -> int:
        """The fewest connections of a pool with which no thread waits for ever; 0 where any number does."""
        held = round(self.held.number) if self.held else 1
        if held < 2 or pool.kind is Kind.POOLER or pool.threads is None or pool.threads.is_open:
            return 0
        return pool.threads.most * (held - 1) + 1
