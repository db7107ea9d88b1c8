"""What may be open at the same time of connections that several may open."""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import NamedTuple

from poolcheck.amount import Amount, either, total
from poolcheck.budget.facts import Owner
from poolcheck.scale import Scale
from poolcheck.source import Span


class Part(NamedTuple):
    """What a client pool, or the pools of a pooler, may open in each situation.

    `id` is that of the workload or the pooler, `with_reserve` what it comes to if a pooler uses its reserve too.
    Of the parts of an owner with the same `choice`, only one is there. `place` is where a client pool is made.
    """

    id: str
    owner: Owner
    title: str
    choice: str
    connections: Scale
    with_reserve: Scale
    is_pooler: bool = False
    is_sidecar: bool = False
    place: Span | None = None

    @property
    def is_any(self) -> bool:
        """Whether it may open any connections."""
        return self.with_reserve.worst.high != 0

    @property
    def is_counted(self) -> bool:
        """Whether anything is known of how many."""
        return self.with_reserve.worst.most > 0


class Deployment(NamedTuple):
    """Parts that may be there at the same time: those of some stages, behind the names of one namespace."""

    stages: frozenset[str]
    namespace: str | None
    parts: tuple[Part, ...]


def deployments(parts: Iterable[Part]) -> Iterator[Deployment]:
    """What comes together, once for each deployment that the files are for.

    What is written down for staging and what is for production do not meet, nor do two namespaces behind one name.
    Where something is written down for all stages and for one of them, that counts there.
    """
    wanted = [part for part in parts if part.is_any]
    seen: set[tuple[Part, ...]] = set()
    all_stages = dict.fromkeys(part.owner.stages for part in wanted)
    for stages, namespace in product(all_stages, dict.fromkeys(part.owner.namespace for part in wanted)):
        together = _most_special(
            part for part in wanted if part.owner.stages <= stages and part.owner.namespace in {None, namespace}
        )
        if together and together not in seen:
            seen.add(together)
            yield Deployment(stages, namespace, together)


def _most_special(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts without those whose owner is written down for more of the stages too: that takes its place."""
    parts = tuple(parts)
    stages: dict[tuple[str, str], set[frozenset[str]]] = {}
    for part in parts:
        stages.setdefault((part.owner.kind, part.owner.name), set()).add(part.owner.stages)
    return tuple(
        part
        for part in parts
        if not any(part.owner.stages < more for more in stages[part.owner.kind, part.owner.name])
    )


def together(parts: Iterable[Part], number: Callable[[Part], Amount]) -> Amount:
    """What all owners come to. One that is written down in several places is deployed from one of them."""
    return total(amount for _, amount in by_owner(parts, number))


def by_owner(parts: Iterable[Part], number: Callable[[Part], Amount]) -> Iterator[tuple[Owner, Amount]]:
    """What each owner comes to."""
    by_name: dict[tuple[str, str], dict[Owner, list[Part]]] = {}
    for part in parts:
        copies = by_name.setdefault((part.owner.kind, part.owner.name), {})
        copies.setdefault(part.owner, []).append(part)
    for copies in by_name.values():
        yield next(iter(copies)), either(_of_one(own, number) for own in copies.values())


def _of_one(parts: Iterable[Part], number: Callable[[Part], Amount]) -> Amount:
    choices: dict[str, list[Amount]] = {}
    for part in parts:
        choices.setdefault(part.choice, []).append(number(part))
    return total(map(either, choices.values()))
