"""How large a number may be, for people and for programs."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TextIO

from poolcheck import __version__
from poolcheck.budget.accounts import Limit
from poolcheck.budget.what_if import COUNTED, Room
from poolcheck.report.glyphs import flat
from poolcheck.report.styled import Line, Segment, Style

VERSION = 1


def described(knob: str, rooms: Sequence[Room]) -> Iterator[Line]:
    """A line for each limit that the number counts for, and what holds for all of them."""
    if not rooms:
        yield (Segment(f"{knob} counts for no limit that is known."),)
        return
    headings = ["", *(situation.value for situation in COUNTED)]
    limits = [(limit, [*own]) for limit, own in groupby(rooms, key=lambda room: room.limit)]
    rows = [headings, *(_row(_called(limit, rooms), limit, own) for limit, own in limits)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield (Segment(flat(knob), Style.MESSAGE),)
    for at, row in enumerate(rows):
        cells = "  ".join(f"{cell:{cells}}" for cell, cells in zip(row, widths, strict=True))
        yield (Segment(f"  {cells}".rstrip(), Style.PLAIN if at else Style.MARGIN),)
    yield ()
    yield from _together(knob, rooms)


def print_rooms(knob: str, rooms: Sequence[Room], stream: TextIO) -> None:
    """Writes the document."""
    import json

    document = {
        "version": VERSION,
        "poolcheck": __version__,
        "number": knob,
        "limits": [
            {
                "kind": room.limit.kind.value,
                "id": room.limit.id,
                "situation": room.situation.value,
                "least": room.least,
                "most": room.most,
                "is_known": room.is_known,
            }
            for room in rooms
        ],
    }
    stream.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def _called(limit: Limit, rooms: Sequence[Room]) -> str:
    """Its name, or its id where others have that name: `postgres@production`."""
    ids = {room.limit.id for room in rooms if (room.limit.name, room.limit.kind) == (limit.name, limit.kind)}
    return limit.name if len(ids) == 1 else limit.id


def _row(name: str, limit: Limit, rooms: Sequence[Room]) -> list[str]:
    found = {room.situation: _between(room) for room in rooms}
    return [f"{flat(name)} ({limit.kind.value})", *(found.get(situation, "any") for situation in COUNTED)]


def _between(room: Room) -> str:
    """`≤ 12`, `≥ 3`; with a sign where what is wanted has no known end."""
    doubt = "" if room.is_known else " ?"
    if room.least is None and room.most is None:
        return f"any{doubt}"
    if room.least is None:
        return f"none{doubt}" if room.most is not None and room.most < 0 else f"≤ {room.most}{doubt}"
    if room.most is None:
        return f"≥ {room.least}{doubt}"
    return f"none{doubt}" if room.least > room.most else f"{room.least} to {room.most}{doubt}"


def _together(knob: str, rooms: Sequence[Room]) -> Iterator[Line]:
    """The largest number with which everything holds, and what decides about it."""
    deciding = min(
        (room for room in rooms if room.most is not None), key=lambda room: room.most or 0, default=None
    )
    needed = max(
        (room for room in rooms if room.least is not None), key=lambda room: room.least or 0, default=None
    )
    if deciding and (deciding.most or 0) < (needed.least or 0 if needed else 0):
        yield (Segment(f"No {knob} is right for all of them.", Style.ERROR),)
        return
    if deciding:
        yield (
            Segment(f"The largest that fits everywhere is {deciding.most}", Style.MESSAGE),
            Segment(
                f": more is too much for {flat(_called(deciding.limit, rooms))} ({deciding.situation.value})."
            ),
        )
    if needed:
        yield (
            Segment(f"The smallest is {needed.least}", Style.MESSAGE),
            Segment(f": less is too little for {flat(_called(needed.limit, rooms))} ({needed.situation.value})."),
        )
    if not all(room.is_known for room in rooms):
        yield (Segment("Where a number has a question mark, more may be wanted than is known.", Style.NOTE),)
