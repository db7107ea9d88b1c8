"""Where a tall picture is cut, to be printed on several sheets."""

from collections.abc import Iterator

from poolcheck.report.map_layout import GAP, Layout

LEEWAY = 0.15
"""A cut may be so much higher or lower than where all slices would be alike, as a part of their height."""


def slices(layout: Layout, most: int) -> Iterator[tuple[int, int]]:
    """The tops and the bottoms of slices that are no higher than `most`, cut where the fewest boxes are."""
    top = 0
    while layout.height - top > most:
        alike = (layout.height - top) / -((top - layout.height) // most)
        bottom = _cut(layout, top + round(alike), round(alike * LEEWAY), top + most)
        yield top, bottom
        top = bottom
    yield top, layout.height


def _cut(layout: Layout, best: int, leeway: int, last: int) -> int:
    boxes = layout.boxes.values()
    above = {box.y - GAP // 2 for box in boxes}
    candidates = [y for y in above if best - leeway <= y <= min(best + leeway, last)] or [best]
    return min(candidates, key=lambda y: (sum(box.y < y < box.bottom for box in boxes), abs(y - best)))
