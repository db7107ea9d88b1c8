"""Waiting for one of several connections as in M/M/c queues: Poisson arrivals, exponential times, none gives up.

Erlang's C formula, and the waits that follow from it: Chan and Lin, IEE Proceedings Communications 150(3), 2003.
An `offered` load is what is busy on average if nobody had to wait: arrivals in a second times seconds of each.
"""

import math
from collections.abc import Iterator

ALMOST = 1e-9
"""Products of decimal fractions come out beside whole numbers by less than this."""


def waiting_probability(servers: int, offered: float) -> float:
    """How likely it is that who arrives finds all servers busy. Erlang C."""
    return 1.0 if servers <= offered else _waiting(servers, offered, _blocking(servers, offered))


def probability_of_longer_wait(servers: int, offered: float, service: float, wait: float) -> float:
    """How likely it is to wait longer than so much, in the unit of the service time."""
    if servers <= offered:
        return 1.0
    return waiting_probability(servers, offered) * math.exp(-(servers - offered) * wait / service)


def mean_wait(servers: int, offered: float, service: float) -> float:
    """How long it takes on average to get a server, in the unit of the service time; infinite with too few."""
    if servers <= offered:
        return math.inf
    return waiting_probability(servers, offered) * service / (servers - offered)


def wait_of(share: float, servers: int, offered: float, service: float) -> float:
    """The longest wait of this share of all, in the unit of the service time; infinite with too few."""
    if servers <= offered:
        return math.inf
    waiting = waiting_probability(servers, offered)
    return 0.0 if waiting <= 1 - share else service / (servers - offered) * math.log(waiting / (1 - share))


def fewest_servers(offered: float, service: float, wait: float, share: float) -> int:
    """The fewest servers with which at least this share wait no longer than so much."""
    for servers, blocking in _blockings(offered):
        if servers > offered:
            longer = _waiting(servers, offered, blocking) * math.exp(-(servers - offered) * wait / service)
            if longer <= 1 - share + ALMOST:
                return servers
    raise AssertionError("the more servers there are, the less is waited")


def square_root_servers(offered: float) -> int:
    """Servers for a load and for its variation: the load and its square root. Halfin and Whitt, 1981, beta 1."""
    return math.ceil(offered + math.sqrt(offered) - ALMOST)


def _waiting(servers: int, offered: float, blocking: float) -> float:
    """Erlang C from Erlang B: a quotient of small numbers, in place of one of powers and factorials."""
    return blocking / (1 - offered / servers * (1 - blocking))


def _blocking(servers: int, offered: float) -> float:
    return next(blocking for number, blocking in _blockings(offered) if number == servers)


def _blockings(offered: float) -> Iterator[tuple[int, float]]:
    """Erlang B for one server, two and so on."""
    servers, blocking = 0, 1.0
    while True:
        servers += 1
        blocking = offered * blocking / (servers + offered * blocking)
        yield servers, blocking
