"""What the formulas come to for a server: how many connections it is to have, and what to set for that."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from poolcheck.sizing.deployed import Deployed, Kind
from poolcheck.sizing.formulas import (
    Given,
    Load,
    Worked,
    at_work,
    at_work_between,
    busy,
    never_locked,
    offered,
    waits,
    with_headroom,
    with_short_waits,
)
from poolcheck.sizing.shares import Setting, settings
from poolcheck.sizing.words import plain


class Advice(NamedTuple):
    """The formulas worked out, the connections that a server is to have, what decides that, and what to set."""

    formulas: tuple[Worked, ...]
    active: int
    decided: str
    settings: tuple[Setting, ...]
    notes: tuple[str, ...]


class Sized(NamedTuple):
    """A server, and what to set for it, None where too little is known of it."""

    deployed: Deployed
    advice: Advice | None


def advice(load: Load, deployed: Deployed) -> Advice | None:
    """What to set for a server; None where neither its cores nor its load are known."""
    able, wanted = [*_able(load)], [*_wanted(load, deployed)]
    worked = [*able, *wanted]
    if not worked:
        return None
    best = max((round(each.result) for each in able), default=None)
    active, decided = _decided(best, round(wanted[-1].result) if wanted else None, max(deployed.shared_by, 1))
    limit = _limit(deployed)
    if limit is not None and limit < active:
        active, decided = max(limit, 1), f"the server accepts no more, and the formulas come to {active}"
    found = tuple(settings(load, deployed, active))
    told = wanted[-1].result if wanted else None
    notes = (
        *_about_load(load, deployed, best, active, is_told=told == active),
        *_about_pools(deployed, active),
        *_about_doors(deployed),
        *_about_limits(deployed, found),
    )
    return Advice((*worked, *_locked(deployed)), active, decided, found, notes)


def _able(load: Load) -> Iterator[Worked]:
    """What the server can do; the most counts."""
    if load.cores is None or load.spindles is None:
        return
    yield at_work(load.cores, load.spindles)
    if load.held_s and load.worked_s and load.held_s.number > load.worked_s.number:
        yield at_work_between(load.cores, load.held_s, load.worked_s)


def _wanted(load: Load, deployed: Deployed) -> Iterator[Worked]:
    """What the load needs, in pools that do not help each other out; the last counts."""
    if load.rate is None or load.held_s is None:
        return
    yield busy(load.rate, load.held_s)
    size, pools = offered(load.rate, load.held_s), max(deployed.shared_by, 1)
    if load.wait_s:
        yield with_short_waits(size, pools, load.held_s, load.wait_s, load.share)
    else:
        yield with_headroom(size, pools, load.held_s, load.share)


def _decided(able: int | None, wanted: int | None, pools: int) -> tuple[int, str]:
    """The connections to have, and why it is so many; what a server can do is not known to a connection a pool."""
    if able is None:
        return max(wanted or 1, 1), "for the load; whether the server can put so many to work, --cores tells"
    if wanted is None:
        return able, "what the server can put to work; whether the load needs so many is not known"
    if wanted <= able:
        return max(wanted, 1), f"what the load needs, of {able} that the server can put to work"
    if wanted <= math.ceil(able / pools) * pools:
        return wanted, f"what the load needs, and about the {able} that the server can put to work"
    return able, f"what the server can put to work, of {wanted} that the load asks for"


def _limit(deployed: Deployed) -> int | None:
    """The connections that are left of the most that the server can have."""
    return None if deployed.limit is None else round(deployed.limit.number - deployed.kept_back.number)


def _locked(deployed: Deployed) -> Iterator[Worked]:
    """The least sizes of the client pools whose threads hold several connections at once."""
    for pool in (*deployed.pools, *deployed.clients):
        if deployed.held and pool.threads and deployed.fewest_of(pool):
            threads = Given(f"threads in a process of {pool.of}", pool.threads.most, pool.threads.because)
            yield never_locked(threads, deployed.held)


def _about_load(load: Load, deployed: Deployed, able: int | None, active: int, *, is_told: bool) -> Iterator[str]:
    """What the server and the load are to each other, but for the waits if they are told."""
    if load.rate is None or load.held_s is None or able is None:
        return
    size = offered(load.rate, load.held_s)
    if size >= able:
        yield (
            f"the load keeps {plain(size)} connections busy, and the server can put {able} to work: transactions"
            " queue until they are fewer or shorter, or cores more; a larger pool makes each of them slower"
        )
    elif not is_told:
        pools = max(deployed.shared_by, 1)
        yield waits(max(active // pools, 1), size, pools, load.held_s.number, load.share)
    if load.cores and load.worked_s and offered(load.rate, load.worked_s) > load.cores.number:
        working = plain(offered(load.rate, load.worked_s))
        yield (
            f"queries keep {working} processes at work on {load.cores.text} cores: that goes only as far as they"
            " wait for storage or for locks"
        )


def _about_pools(deployed: Deployed, active: int) -> Iterator[str]:
    """What the pools are to the connections that the server is to have."""
    number = deployed.shared_by
    if number > 1 and active < 2 * number:
        is_direct = any(pool.kind is Kind.DIRECT for pool in deployed.pools)
        instead = "a pooler between them and the server lets" if is_direct else "fewer poolers let"
        yield f"{number} pools cannot lend each other any of {active} connections: {instead} clients share them"
    elif len({pool.of for pool in deployed.pools if not pool.is_unsized}) > 1:
        yield f"all pools have the same part; one may have more, and another less, with {active} together"
    unlocked = deployed.unlocked
    if unlocked > active:
        yield (
            f"pools in which no thread waits for ever have {unlocked} connections, more than {active}: where each"
            " holds one at a time, fewer do"
        )
    for pool in (*deployed.pools, *deployed.clients):
        if pool.number.is_open:
            yield f"how many pools {pool.of} has is not known; counted as {max(pool.number.most, 1)}"
        if pool.is_unsized:
            most = None if pool.open_now is None or pool.open_now.is_open else pool.open_now.most
            number_of = "and how many is not known" if most is None else f"up to {most} together"
            yield f"{pool.setting} in {pool.of} opens a connection for whoever asks, {number_of}"
        yield from pool.remarks


def _about_doors(deployed: Deployed) -> Iterator[str]:
    for door in deployed.doors:
        if door.keeps:
            yield f"{door.of} pools sessions: a client keeps its server connection for as long as it is connected"


def _about_limits(deployed: Deployed, found: Sequence[Setting]) -> Iterator[str]:
    """What the present limits are to what has to be accepted."""
    for each in found:
        if each.at_least and each.now and not each.now.is_open and each.now.most < each.recommended:
            yield f"{each.of} accepts {each.now.most} with its {each.name}, fewer than {each.recommended}"
    most = deployed.may_open
    if most and not most.is_open and deployed.max_connections and not deployed.max_connections.is_open:
        yield f"as it is, {most.most} connections may be open, and {deployed.max_connections.most} are accepted"
