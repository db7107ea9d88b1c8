"""What a budget comes to with other numbers, and how large a number may be until it does not hold."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple, TypeAlias

from poolcheck.amount import Reason, exactly
from poolcheck.budget.accounts import Account, Kind, Limit, budget
from poolcheck.budget.facts import DatabaseFacts, Facts, PoolerFacts, WorkloadFacts
from poolcheck.budget.knobs import Item, knobs
from poolcheck.scale import Situation
from poolcheck.typed import suggestion

LARGEST = 1_000_000
"""No number that is asked for is larger."""
COUNTED = (Situation.STEADY, Situation.ROLLOUT, Situation.AUTOSCALED, Situation.PEAK)


class NotThere(Exception):
    """Nothing has this name, or it has no such number; what there is."""


class Knob(NamedTuple):
    """A number that can be set: `web.replicas`."""

    name: str
    what: str


class Room(NamedTuple):
    """Between which numbers a limit holds in a situation; None where every number is large or small enough.

    No number is right where `least` is more than `most`. It is not `is_known` where what is wanted, or accepted,
    has no known end.
    """

    limit: Limit
    situation: Situation
    least: int | None
    most: int | None
    is_known: bool


_Key: TypeAlias = tuple[Kind, str, Situation]


class _Left(NamedTuple):
    """What is left of a limit, below zero where something is missing."""

    limit: Limit
    number: int
    is_known: bool


def knob(written: str) -> Knob:
    """`web.replicas` as a name and what of it. Names may have dots themselves. Raises NotThere."""
    name, _, what = written.rpartition(".")
    if not name or not what:
        raise NotThere(f"{written!r} is not NAME.WHAT, such as web.replicas")
    return Knob(name, what.replace("-", "_"))


def changed(facts: Facts, turned: Knob, number: int) -> Facts:
    """The facts with another number. Raises NotThere."""
    everything: tuple[Item, ...] = (*facts.databases, *facts.poolers, *facts.workloads)
    meant = [each for each in everything if turned.name in {each.id, each.owner.name}]
    if not meant:
        raise NotThere(
            f"nothing is called {turned.name!r}{_or(turned.name, {each.owner.name for each in everything})}"
        )
    found = {id(each): knobs(each) for each in meant}
    names = {name for each in found.values() for name in each}
    if turned.what not in names:
        raise NotThere(f"{turned.name} has no number {turned.what!r} that can be set{_or(turned.what, names)}")
    to = exactly(number, Reason(f"{turned.what} {number} as asked for"))
    new = [
        found[id(each)][turned.what](to) if turned.what in found.get(id(each), {}) else each for each in everything
    ]
    return Facts(
        tuple(each for each in new if isinstance(each, DatabaseFacts)),
        tuple(each for each in new if isinstance(each, PoolerFacts)),
        tuple(each for each in new if isinstance(each, WorkloadFacts)),
    )


def rooms(facts: Facts, turned: Knob) -> Iterator[Room]:
    """How large a number may be for each limit that it counts for, in each situation. Raises NotThere.

    A number that rises adds to what is wanted of a limit, or to what that accepts, at a steady rate or not at all:
    so there is one end at most on each side.
    """

    @cache
    def left(number: int) -> Mapping[_Key, _Left]:
        return _left_of_all(budget(changed(facts, turned, number)).accounts)

    for key, at_most in left(LARGEST).items():
        at_least = left(0).get(key)
        if at_least is None or at_least.number == at_most.number:
            continue

        def holds(number: int, key: _Key = key) -> bool:
            return left(number)[key].number >= 0

        least = _first(holds) if not holds(0) else None
        most = _first(lambda number: not holds(number)) - 1 if not holds(LARGEST) else None
        yield Room(at_most.limit, key[2], least, most, at_most.is_known)


def _first(is_so: Callable[[int], bool]) -> int:
    """The smallest number of which something is so, which is so of all larger ones; LARGEST + 1 where of none."""
    low, high = 0, LARGEST + 1
    while low < high:
        middle = (low + high) // 2
        if middle <= LARGEST and is_so(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _left_of_all(accounts: Iterable[Account]) -> Mapping[_Key, _Left]:
    """What is left of each limit in each situation, in the deployment that wants most."""
    found: dict[_Key, _Left] = {}
    for account in accounts:
        for situation in COUNTED:
            key, own = (account.limit.kind, account.limit.id, situation), _left(account, situation)
            known = found.setdefault(key, own)
            if own.number < known.number:
                found[key] = own._replace(is_known=own.is_known and known.is_known)
    return found


def _left(account: Account, situation: Situation) -> _Left:
    wanted, accepts = account.wanted(situation), account.limit.accepts
    return _Left(account.limit, accepts.low - wanted.most, not (wanted.is_open or accepts.is_open))


def _or(written: str, names: Iterable[str]) -> str:
    """What may be meant, or else what there is."""
    names = sorted(names)
    return suggestion(written, names) or (f"; there is {', '.join(names)}" if names else "")
