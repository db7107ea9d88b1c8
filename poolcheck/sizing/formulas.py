"""The published formulas for the size of pools, with numbers put in, what they come to, and who published them."""

import math
from typing import NamedTuple

from poolcheck.amount import Reason
from poolcheck.sizing import queueing
from poolcheck.sizing.words import percent, plain, time

CERTAIN_SHARE = 0.99
"""So many wait no longer than is acceptable, unless it is said how many."""


class Source(NamedTuple):
    """A publication, and the part of it that has a formula; none where that is its subject."""

    title: str
    section: str
    url: str = ""


WIKI = Source(
    "PostgreSQL wiki, Number Of Database Connections",
    "How to Find the Optimal Database Connection Pool Size",
    "https://wiki.postgresql.org/wiki/Number_Of_Database_Connections",
)
GOETZ = Source("Goetz et al., Java Concurrency in Practice, 2006", "8.2 Sizing Thread Pools")
LITTLE = Source(
    "Little, A Proof for the Queuing Formula: L = λW, Operations Research 9(3), 1961",
    "",
    "https://doi.org/10.1287/opre.9.3.383",
)
CHAN_LIN = Source(
    "Chan and Lin, Waiting Time Distribution for the M/M/m Queue, IEE Proceedings Communications 150(3), 2003",
    "",
    "https://doi.org/10.1049/ip-com:20030274",
)
HALFIN_WHITT = Source(
    "Halfin and Whitt, Heavy-Traffic Limits for Queues with Many Exponential Servers,"
    " Operations Research 29(3), 1981",
    "square-root staffing, with β = 1",
    "https://doi.org/10.1287/opre.29.3.567",
)
HIKARI = Source(
    "HikariCP wiki, About Pool Sizing",
    "Pool-locking",
    "https://github.com/brettwooldridge/HikariCP/wiki/About-Pool-Sizing",
)


class Given(NamedTuple):
    """A number that a formula is given, and what says it; its unit is s, /s or none."""

    name: str
    number: float
    because: tuple[Reason, ...]
    unit: str = ""

    @property
    def text(self) -> str:
        """The number with its unit."""
        return time(self.number) if self.unit == "s" else f"{plain(self.number)}{self.unit}"


class Load(NamedTuple):
    """What is known of a server and of what it has to do.

    `rate` are the transactions in a second, `held_s` is how long each of them holds its connection, `worked_s` how
    long the server works on it meanwhile. At least a `share` of them shall wait no longer than `wait_s`.
    """

    cores: Given | None = None
    spindles: Given | None = None
    rate: Given | None = None
    held_s: Given | None = None
    worked_s: Given | None = None
    wait_s: Given | None = None
    share: float = CERTAIN_SHARE


class Worked(NamedTuple):
    """A formula worked out: what its result is, the formula, the same with the numbers put in, and its source."""

    name: str
    result: float
    formula: str
    numbers: str
    given: tuple[Given, ...]
    source: Source
    notes: tuple[str, ...] = ()


def at_work(cores: Given, spindles: Given) -> Worked:
    """The active connections with which a server does most."""
    result = max(math.floor(cores.number * 2 + spindles.number), 1)
    return Worked(
        "active connections that the server can put to work",
        result,
        "(cores × 2) + effective spindles",
        f"({plain(cores.number)} × 2) + {plain(spindles.number)}",
        (cores, spindles),
        WIKI,
        (
            "a number to start from, and to adjust in small steps under the real load: it was measured before"
            " PostgreSQL 9.2, and not with SSDs",
            "cores are those of the processor; a second thread of a core (most vCPUs are one) does not count",
        ),
    )


def at_work_between(cores: Given, held_s: Given, worked_s: Given) -> Worked:
    """The connections that keep all cores at work though transactions leave the server idle now and then."""
    idle_s = max(held_s.number - worked_s.number, 0)
    result = max(math.floor(cores.number * (1 + idle_s / worked_s.number) + queueing.ALMOST), 1)
    return Worked(
        "connections that keep the cores at work while transactions are idle between queries",
        result,
        "cores × (1 + idle time / time at work)",
        f"{plain(cores.number)} × (1 + {time(idle_s)} / {worked_s.text})",
        (cores, held_s, worked_s),
        GOETZ,
    )


def busy(rate: Given, held_s: Given) -> Worked:
    """The connections that a load keeps busy on average."""
    return Worked(
        "connections that the load keeps busy, on average",
        offered(rate, held_s),
        "L = λ × W: transactions per second × time that each holds a connection",
        f"{rate.text} × {held_s.text}",
        (rate, held_s),
        LITTLE,
    )


def offered(rate: Given, held_s: Given) -> float:
    """The load that is offered, as the number of connections that it keeps busy."""
    return round(rate.number * held_s.number, 9)


def with_short_waits(load: float, pools: int, held_s: Given, wait_s: Given, share: float) -> Worked:
    """The fewest connections with which hardly anybody waits longer than is acceptable, in so many pools."""
    part = load / pools
    fewest = queueing.fewest_servers(part, held_s.number, wait_s.number, share)
    return Worked(
        "connections that keep the wait for one short",
        fewest * pools,
        "the fewest c with C(c, L) × exp(−(c − L) × wait / W) ≤ share that may wait longer; C is Erlang's",
        f"L = {_part(load, pools)}, W = {held_s.text}, wait = {wait_s.text}, share = {percent(1 - share)}:"
        f" {_in_pools(fewest, pools)}",
        (wait_s,),
        CHAN_LIN,
        (waits(fewest, load, pools, held_s.number, share),),
    )


def with_headroom(load: float, pools: int, held_s: Given, share: float) -> Worked:
    """The connections for a load that varies, in so many pools, where it is not said which wait is acceptable."""
    enough = queueing.square_root_servers(load / pools)
    return Worked(
        "connections for the load and its variation",
        enough * pools,
        "L + √L, rounded up",
        f"L = {_part(load, pools)}: {_in_pools(enough, pools)}",
        (),
        HALFIN_WHITT,
        (waits(enough, load, pools, held_s.number, share), "--wait-time says which wait is acceptable instead"),
    )


def _part(load: float, pools: int) -> str:
    return plain(load) if pools == 1 else f"{plain(load)} / {pools} pools = {plain(load / pools)}"


def _in_pools(size: int, pools: int) -> str:
    return f"c = {size}" if pools == 1 else f"c = {size}, {pools} × {size} = {size * pools}"


def waits(size: int, load: float, pools: int, held_s: float, share: float) -> str:
    """How long is waited for a connection, with so many in each of so many pools."""
    part, those = load / pools, f"with {size}" if pools == 1 else f"with {size} in each of {pools} pools"
    if size <= part:
        return f"{those} the queue grows for as long as the load lasts"
    probability = queueing.waiting_probability(size, part)
    mean = queueing.mean_wait(size, part, held_s)
    longest = queueing.wait_of(share, size, part, held_s)
    return (
        f"{those} {percent(probability)} wait at all, {time(mean)} on average over all;"
        f" {percent(share)} wait no longer than {time(longest)}"
    )


def never_locked(threads: Given, held: Given) -> Worked:
    """The connections with which threads that hold several at once never wait for each other for ever."""
    return Worked(
        "connections in a process, lest its threads wait for each other for ever",
        threads.number * (held.number - 1) + 1,
        "threads × (connections that a thread holds at once − 1) + 1",
        f"{plain(threads.number)} × ({plain(held.number)} − 1) + 1",
        (threads, held),
        HIKARI,
        ("the least that works, not the best: a thread that needs no second connection needs no such pool",),
    )
