"""A pool size of 0 or less: no limit since PgBouncer 1.24, and no pool to speak of before."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Effective, Entry, PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Located, Span

_UNLIMITED_AT_ZERO = (1, 24)
"""The first for which 0 is no limit. NEWS, 1.24.0."""
_SIZES_OF_USERS = (1, 23)
"""The first with pool_size in [users]. NEWS, 1.23.0."""
_PLAIN = re.compile(r"'?(?:[+-]?0+|-[0-9]+)'?", re.ASCII)
"""A number that is what it looks like: not one too large for PgBouncer, nor a text that it makes 0 of."""


class Pool(NamedTuple):
    """A pool whose size is not positive; `is_open` where surely nothing else limits it."""

    size: Effective[int]
    is_open: bool
    reserve: Effective[int] | None


class PoolSizeNotPositive(Rule[PgBouncerConfig]):
    id = "pool-size-not-positive"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        silenced = silenced_peers(config)
        for place, pools in pools_at(config).items():
            if finding := self._of_pools(config, place, pools):
                notes = (
                    Note(peer.span, f"no cancel request is passed on to peer {peer.value}")
                    for peer in silenced.pop(place, ())
                )
                yield finding._replace(notes=tuple(notes))
        for place, peers in silenced.items():
            size = written(config, place)
            who = f"peer {peers[0].value}" if len(peers) == 1 else f"{len(peers)} peers"
            message = f"no cancel request is passed on to {who}: for peers, {size} is a limit in all versions"
            yield self.finding(place, message)

    def _of_pools(self, config: PgBouncerConfig, place: Span, pools: list[Pool]) -> Finding | None:
        size = written(config, place)
        if config.is_before(_UNLIMITED_AT_ZERO):
            reserves = [pool.reserve.value if pool.reserve else None for pool in pools]
            if has_reserve(config) and any(reserve is None or reserve > 0 for reserve in reserves):
                message = f"before PgBouncer 1.24, a pool with {size} has nothing but its reserve"
                return self.finding(place, message)
            message = f"before PgBouncer 1.24, a pool with {size} serves nobody once it has been idle"
            return self.finding(place, message, severity=Severity.ERROR)
        if not any(pool.is_open for pool in pools):
            return None
        nothing = "neither max_db_connections nor max_user_connections does"
        if config.version is None:
            nothing = "before that, a pool serves nobody once it has been idle"
        return self.finding(place, f"{size} sets no limit from PgBouncer 1.24 on, and {nothing}")


def pools_at(config: PgBouncerConfig) -> dict[Span, list[Pool]]:
    """The pools of a size that is not positive, by the place that says so."""
    found: defaultdict[Span, list[Pool]] = defaultdict(list)
    for pool in (*pools_of_databases(config), *pools_of_users(config)):
        if pool.size.span and pool.size.value <= 0 and _PLAIN.fullmatch(text_at(config, pool.size.span)):
            found[pool.size.span].append(pool)
    return found


def pools_of_databases(config: PgBouncerConfig) -> Iterator[Pool]:
    """The pools of each database, as those of the user whom it names, or of one of whom [users] says nothing."""
    for entry in config.databases:
        if entry.in_effect and (size := config.pool_size(entry)):
            user = entry.parameter("user")
            users = [config.users_in_effect.get(user.value)] if user else [None, *config.users_in_effect.values()]
            is_open = not may_limit(config, "max_db_connections", entry) and not any(
                may_limit(config, "max_user_connections", each) for each in users
            )
            yield Pool(size, is_open, config.reserve_pool_size(entry))


def pools_of_users(config: PgBouncerConfig) -> Iterator[Pool]:
    """The pools of those who have a size of their own, in whatever database."""
    if config.is_before(_SIZES_OF_USERS):
        return
    for user in config.users_in_effect.values():
        size = user.parameter("pool_size")
        if size and not config.is_filled_in(size.value) and c_number.leading(size.value) == 0:
            databases = [entry for entry in config.databases if entry.in_effect]
            is_open = not may_limit(config, "max_user_connections", user) and not all(
                may_limit(config, "max_db_connections", entry) for entry in databases
            )
            yield Pool(Effective(0, size.span), is_open, config.effective_integer("reserve_pool_size"))


def may_limit(config: PgBouncerConfig, name: str, entry: Entry | None) -> bool:
    """Whether an entry, or [pgbouncer] for all, sets a limit of this name, or a template may."""
    own = entry.parameter(name) if entry else None
    if entry and own is None and not entry.is_complete:
        return True
    if own and (config.is_filled_in(own.value) or c_number.leading(own.value) > 0):
        return True
    limit = config.effective_integer(name)
    return limit is None or limit.value > 0


def has_reserve(config: PgBouncerConfig) -> bool:
    """Whether the reserves of pools are in use, as far as is known."""
    timeout = config.effective_seconds("reserve_pool_timeout")
    return timeout is None or timeout.value > 0


def silenced_peers(config: PgBouncerConfig) -> dict[Span, list[Located[str]]]:
    """The peers that get no cancel requests, by the place of their pool size."""
    found: defaultdict[Span, list[Located[str]]] = defaultdict(list)
    own_id = config.effective_integer("peer_id")
    if own_id is None or own_id.value == 0:
        return found
    for peer in config.peers:
        size = size_of_peer(config, peer) if peer.in_effect else None
        is_other = c_number.leading(peer.name.value) != own_id.value
        if is_other and size and size.span and size.value <= 0 and _PLAIN.fullmatch(text_at(config, size.span)):
            found[size.span].append(peer.name)
    return found


def size_of_peer(config: PgBouncerConfig, peer: Entry) -> Effective[int] | None:
    """The cancel requests that may be on their way to a peer at a time."""
    own = peer.parameter("pool_size")
    if (own and config.is_filled_in(own.value)) or (own is None and not peer.is_complete):
        return None
    if own and c_number.leading(own.value) >= 0:
        return Effective(c_number.leading(own.value), own.span)
    return config.effective_integer("default_pool_size")


def written(config: PgBouncerConfig, place: Span) -> str:
    """A size as it is written: `pool_size 0`."""
    inherited = config.settings_in_effect.get("default_pool_size")
    name = "default_pool_size" if inherited and inherited.span == place else "pool_size"
    return f"{name} {text_at(config, place)}"


def text_at(config: PgBouncerConfig, place: Span) -> str:
    """What stands in a place that is on one line."""
    text, line = config.line(place)
    return text[place.start - line.start : place.end - line.start]
