"""How large each pool is to be, so that all of them together have the connections that a server is to have."""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from poolcheck.amount import Amount
from poolcheck.sizing.deployed import Deployed, Door, Pool
from poolcheck.sizing.formulas import Load, offered
from poolcheck.sizing.queueing import fewest_servers, square_root_servers
from poolcheck.sizing.words import plain
from poolcheck.source import Span


class Setting(NamedTuple):
    """What to set, to how much or to `at_least` so much, how that comes about, and what it is now."""

    of: str
    name: str
    recommended: int
    written: str
    now: Amount | None
    place: Span | None
    at_least: bool = False


def settings(load: Load, deployed: Deployed, active: int) -> Iterator[Setting]:
    """What to set so that so many connections are there together, from applications to the server."""
    sizes = _Sizes(load, deployed, active)
    for door in deployed.doors:
        yield from sizes.of_clients(door)
        yield from (sizes.of_server(pool) for pool in deployed.pools if pool.of == door.of)
        if accepted := sizes.accepted(door):
            yield accepted
    doors = {door.of for door in deployed.doors}
    direct = (pool for pool in deployed.pools if pool.of not in doors and not pool.is_unsized)
    yield from map(sizes.of_server, direct)
    if limit := sizes.limit():
        yield limit


class _Size(NamedTuple):
    number: int
    written: str
    at_least: bool = False


class _Sizes:
    def __init__(self, load: Load, deployed: Deployed, active: int) -> None:
        self._load = load
        self._deployed = deployed
        self._active = active

    def of_server(self, pool: Pool) -> Setting:
        """What to set for a pool of connections to the server."""
        return _set(pool, self._share(pool))

    def of_clients(self, door: Door) -> Iterator[Setting]:
        """What to set for the client pools in front of a pooler."""
        yield from (_set(pool, self._client(pool, door)) for pool in door.clients if not pool.is_unsized)

    def accepted(self, door: Door) -> Setting | None:
        """What each process of a pooler has to accept: all that clients may open now, or will."""
        sizes = [(pool, _most(pool.now)) for pool in door.clients if pool.is_unsized]
        sizes += [
            (pool, max(self._client(pool, door).number, _most(pool.now)))
            for pool in door.clients
            if not pool.is_unsized
        ]
        total, written = _sum(sizes)
        if total == 0 or any(pool.at_rollout.is_open for pool, _ in sizes):
            return None
        written += ", all of which one process may have to take"
        return Setting(door.of, "max_client_conn", total, written, door.now, door.place, at_least=True)

    def limit(self) -> Setting | None:
        """The connections that the server has to accept; None where it is not known how many pools there are."""
        pools, kept_back = self._deployed.pools, round(self._deployed.kept_back.number)
        if not pools or any(pool.at_rollout.is_open for pool in pools):
            return None
        sizes = [(pool, _most(pool.now) if pool.is_unsized else self._share(pool).number) for pool in pools]
        total, written = _sum(sizes)
        return Setting(
            self._deployed.name or "server",
            "max_connections",
            total + kept_back,
            f"{written} + {kept_back} kept back",
            self._deployed.max_connections,
            self._deployed.place,
            at_least=True,
        )

    def _share(self, pool: Pool) -> _Size:
        """The part of one pool, all of which have the same."""
        pools = max(self._deployed.shared_by, 1)
        share = max(self._active // pools, 1)
        return self._unlocked(pool, _Size(share, self._part(pools, "rounded down")))

    def _client(self, pool: Pool, door: Door) -> _Size:
        """The part of a client pool in front of a pooler.

        What has a server connection for itself has its part of these; else its part of the load, or its threads,
        decide. Where neither is known, it is only known with how few the server connections would not be used.
        """
        pools = sum(max(each.number.most, 1) for each in door.clients if not each.is_unsized)
        if door.keeps:
            share = max(self._active // pools, 1)
            written = f"{self._part(pools, 'rounded down')}: clients keep server connections"
            return self._unlocked(pool, _Size(share, written))
        used = None
        if pool.threads and not pool.threads.is_open:
            used = max(pool.threads.most * self._held, 1)
        size = self._of_load(pools)
        if used is not None and (size is None or used < size.number):
            return _Size(used, "as many as its threads can hold")
        if size is None:
            share = max(math.ceil(self._active / pools), 1)
            return _Size(share, self._part(pools, "rounded up"), at_least=True)
        return self._unlocked(pool, size)

    def _of_load(self, pools: int) -> _Size | None:
        """A size for one of so many parts of the load; more in front of a pooler costs little."""
        load = self._load
        if load.rate is None or load.held_s is None:
            return None
        part = offered(load.rate, load.held_s) / pools
        written = f"for {plain(part)} busy on average, its part of the load"
        if load.wait_s is None:
            return _Size(max(square_root_servers(part), 1), written, at_least=True)
        fewest = fewest_servers(part, load.held_s.number, load.wait_s.number, load.share)
        return _Size(fewest, written, at_least=True)

    def _part(self, pools: int, rounded: str) -> str:
        return "all, in one pool" if pools == 1 else f"{self._active} / {pools} pools, {rounded}"

    def _unlocked(self, pool: Pool, size: _Size) -> _Size:
        """A size with which threads never wait for each other for ever."""
        fewest = self._deployed.fewest_of(pool)
        if fewest <= size.number or pool.threads is None:
            return size
        written = f"{pool.threads.most} × ({self._held} − 1) + 1, lest threads wait for each other for ever"
        return _Size(fewest, written)

    @property
    def _held(self) -> int:
        return round(self._deployed.held.number) if self._deployed.held else 1


def _set(pool: Pool, size: _Size) -> Setting:
    return Setting(pool.of, pool.setting, size.number, size.written, pool.now, pool.place, size.at_least)


def _most(amount: Amount | None) -> int:
    return 0 if amount is None else amount.most


def _sum(sizes: Iterable[tuple[Pool, int]]) -> tuple[int, str]:
    """What pools of these sizes have together, also written out."""
    sizes = [(pool, size) for pool, size in sizes if size]
    total = sum(pool.at_rollout.most * (size + pool.reserve) for pool, size in sizes)
    written = (
        f"{pool.at_rollout.most} × " + (f"({size} + {pool.reserve} in reserve)" if pool.reserve else str(size))
        for pool, size in sizes
    )
    return total, " + ".join(written) or "0"
