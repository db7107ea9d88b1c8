"""What comes together of connections that several may open, and whether it is more than is accepted."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from poolcheck.amount import Amount, Overrun, either, overrun, total
from poolcheck.system import Owner, Part


class Load(NamedTuple):
    """Connections that may all be open at the same time, and who opens them."""

    connections: Amount
    names: tuple[str, ...]

    @property
    def who(self) -> str:
        """Those who open them, in words."""
        shown = list(self.names[:MOST_NAMES])
        if len(self.names) > MOST_NAMES:
            shown[-1] = f"{len(self.names) - MOST_NAMES + 1} others"
        *others, last = shown
        return f"{', '.join(others)} and {last}" if others else last


MOST_NAMES = 4
"""A sentence names so many workloads."""


def loads(parts: Iterable[Part]) -> Iterator[Load]:
    """What comes together of connections, once for each deployment that the files are for.

    What is written down for staging and what is for production do not meet, nor do two namespaces behind one name.
    """
    wanted = [part for part in parts if part.connections.most]
    all_stages = dict.fromkeys(part.owner.stages for part in wanted)
    for stages, namespace in product(all_stages, dict.fromkeys(part.owner.namespace for part in wanted)):
        together = [
            part for part in wanted if part.owner.stages <= stages and part.owner.namespace in {None, namespace}
        ]
        if together:
            yield Load(_sum(together), tuple(dict.fromkeys(part.owner.name for part in together)))


def worst(loads: Iterable[Load], allowed: Amount) -> tuple[Load, Overrun] | None:
    """The load that overruns what is allowed: one that certainly does, else the largest."""
    found = [(load, over) for load in loads if (over := overrun(load.connections, allowed))]
    return max(found, key=lambda each: (each[1].certain, each[1].wanted), default=None)


def _sum(parts: Iterable[Part]) -> Amount:
    """What all owners open. One that is written down in several places is deployed from one of them."""
    by_name: dict[tuple[str, str], dict[Owner, list[Part]]] = {}
    for part in parts:
        copies = by_name.setdefault((part.owner.kind, part.owner.name), {})
        copies.setdefault(part.owner, []).append(part)
    return total(either(map(_sum_of_one, copies.values())) for copies in by_name.values())


def _sum_of_one(parts: Iterable[Part]) -> Amount:
    choices: dict[object, list[Amount]] = {}
    for part in parts:
        choices.setdefault(part.choice, []).append(part.connections)
    return total(map(either, choices.values()))
