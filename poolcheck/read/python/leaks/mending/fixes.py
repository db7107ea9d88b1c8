"""The fix for a connection that leaks, where one is sure to mend it and to do no more."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from poolcheck.finding import Fix
from poolcheck.read.python.leaks.following.outcome import Outcome
from poolcheck.read.python.leaks.mending.entered import closed_behind, entered_besides
from poolcheck.read.python.leaks.mending.entering import taken_in_with
from poolcheck.read.python.leaks.mending.finishing import released_in_finally, returned_to_pool
from poolcheck.read.python.leaks.mending.standing import Standing, standing
from poolcheck.read.python.leaks.taking.checkouts import Checkout, checkouts_of
from poolcheck.read.python.syntax.module import Module
from poolcheck.source import Source, Span, apply

_WAYS: dict[Outcome, Sequence[Callable[[Standing], Fix | None]]] = {
    Outcome.NEVER_RELEASED: (taken_in_with,),
    Outcome.RELEASED_IN_VAIN: (closed_behind, returned_to_pool, entered_besides),
    Outcome.LEFT_EARLY: (released_in_finally, taken_in_with),
    Outcome.LEFT_BY_DEPENDENCY: (released_in_finally,),
    Outcome.SKIPPED_ON_EXCEPTION: (released_in_finally, taken_in_with),
}
"""The fixes for each outcome, the safest first."""


def fix_of(checkout: Checkout, module: Module, known: Sequence[Checkout]) -> Fix | None:
    """The edits that mend what becomes of a connection; None where no fix is certain to.

    `known` is all that the module takes. Where the mended function were found to leak in another way, there is
    none.
    """
    taken = standing(checkout, module) if checkout.fate else None
    if taken is None or checkout.fate is None:
        return None
    fixes = (way(taken) for way in _WAYS.get(checkout.fate.outcome, ()))
    return next((fix for fix in fixes if fix and _mends(fix, checkout, taken, known)), None)


def _mends(fix: Fix, checkout: Checkout, taken: Standing, known: Sequence[Checkout]) -> bool:
    """Whether the function, once it is mended, has the other leaks that it had and no more."""
    module = taken.module
    at = taken.scope.span(taken.scope.functions[0].name)
    mended = Module(Source(module.path, apply(module.source.text, fix.edits)), module.project)
    moved = sum(
        len(edit.text) - (edit.span.end - edit.span.start) for edit in fix.edits if edit.span.end <= at.start
    )
    pieces = module.around(at)
    own = (each for each in known if any(piece.start <= each.span.start < piece.end for piece in pieces))
    moved_to = Span(at.path, at.start + moved, at.end + moved)
    before = _leaks(own)
    after = _leaks(checkouts_of(mended, mended.around(moved_to)))
    before[_leak(checkout)] -= 1
    return after <= before


def _leaks(checkouts: Iterable[Checkout]) -> Counter[tuple[str, Outcome | None]]:
    return Counter(_leak(each) for each in checkouts if each.fate and not each.fate.is_advice)


def _leak(checkout: Checkout) -> tuple[str, Outcome | None]:
    return checkout.title, checkout.fate.outcome if checkout.fate else None
