"""How large pools are to be, for people to read."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from poolcheck.amount import Amount
from poolcheck.report.glyphs import flat
from poolcheck.report.places import Places
from poolcheck.report.redact import redact_message
from poolcheck.report.styled import Line, Segment, Style
from poolcheck.sizing.advice import Advice, Sized
from poolcheck.sizing.deployed import Deployed
from poolcheck.sizing.formulas import Given, Worked
from poolcheck.sizing.shares import Setting
from poolcheck.sizing.words import plain

_NOW, _RECOMMENDED = "now", "recommended"


def described(found: Iterable[Sized], places: Places) -> Iterator[Line]:
    """Each server with its formulas, what they come to, and what to set; a blank line between two."""
    for number, (deployed, advice) in enumerate(found):
        if number:
            yield ()
        if deployed.name:
            yield _titled(deployed, places)
        if advice is None:
            yield (Segment("  neither its cores nor its load are known", Style.WARNING),)
        else:
            yield from _advised(advice, places)


def _titled(deployed: Deployed, places: Places) -> Line:
    name, where = Segment(flat(deployed.name or ""), Style.MESSAGE), places.line(deployed.place)
    return (name, Segment(f"  {where}", Style.MARGIN)) if where else (name,)


def _advised(advice: Advice, places: Places) -> Iterator[Line]:
    for worked in advice.formulas:
        yield from _formula(worked, places)
        yield ()
    yield (
        Segment(f"{advice.active} connections to the server", Style.MESSAGE),
        Segment(f": {advice.decided}"),
    )
    if advice.settings:
        yield from _table(advice.settings, places)
    for note in advice.notes:
        yield from _note(note, "  ")


def _formula(worked: Worked, places: Places) -> Iterator[Line]:
    """A result, the formula with its numbers, where these are from, and who published it."""
    yield Segment(plain(worked.result), Style.INFO), Segment(f" {flat(worked.name)}", Style.MESSAGE)
    yield (Segment(f"  {worked.formula}"),)
    yield (Segment(f"  {worked.numbers}"),)
    width = max((len(_number(each)) for each in worked.given), default=0)
    for each in worked.given:
        where = ", ".join(_reasons(each, places))
        yield Segment(f"    {_number(each):{width}}  "), Segment(where, Style.NOTE)
    source = worked.source
    title = f"{source.title}: {source.section}" if source.section else source.title
    yield (Segment(f"  {title}", Style.MARGIN),)
    if source.url:
        yield (Segment(f"  {source.url}", Style.MARGIN),)
    for note in worked.notes:
        yield from _note(note, "  ")


def _number(given: Given) -> str:
    return f"{flat(given.name)} {given.text}"


def _reasons(given: Given, places: Places) -> Iterator[str]:
    for reason in given.because:
        where = places.line(reason.span)
        yield flat(redact_message(reason.text)) + (f" ({where})" if where else "")


def _note(text: str, indent: str) -> Iterator[Line]:
    yield Segment(f"{indent}note: ", Style.NOTE), Segment(flat(text))


def _table(settings: Sequence[Setting], places: Places) -> Iterator[Line]:
    """What to set: what it is now, what it is to be, how that comes about, and where it is."""
    names = max(len(flat(each.name)) for each in settings)
    has_now = any(each.now for each in settings)
    now = max(len(_NOW), *(len(_now(each)) for each in settings)) if has_now else 0
    recommended = max(len(_RECOMMENDED), *(len(_recommended(each)) for each in settings))
    column = f"{_NOW:>{now}}  " if has_now else ""
    yield (Segment(f"    {'':{names}}  {column}{_RECOMMENDED:>{recommended}}", Style.MARGIN),)
    for of, own in groupby(settings, key=lambda each: each.of):
        yield (Segment(f"  {flat(of)}", Style.MESSAGE),)
        for each in own:
            is_other = each.now is not None and not _is_as_recommended(each)
            where = ", ".join(_where(each, places)) if each.now else ""
            yield (
                Segment(f"    {flat(each.name):{names}}  "),
                Segment(f"{_now(each):>{now}}  " if has_now else "", Style.WARNING if is_other else Style.PLAIN),
                Segment(f"{_recommended(each):>{recommended}}  ", Style.INFO),
                Segment(each.written),
                Segment(f"  {where}" if where else "", Style.MARGIN),
            )


def _where(setting: Setting, places: Places) -> list[str]:
    """Where the numbers are written that it is now, and where what has it is."""
    spans = [*(reason.span for reason in (setting.now.because if setting.now else ())), setting.place]
    return list(dict.fromkeys(filter(None, map(places.line, spans))))


def _is_as_recommended(setting: Setting) -> bool:
    if setting.now is None or setting.now.is_open:
        return False
    low, most = setting.now.low, setting.now.most
    return low >= setting.recommended if setting.at_least else low == most == setting.recommended


def _recommended(setting: Setting) -> str:
    return f"at least {setting.recommended}" if setting.at_least else str(setting.recommended)


def _now(setting: Setting) -> str:
    """What is set now; `?` where that is not known."""
    return "?" if setting.now is None else written(setting.now)


def written(amount: Amount) -> str:
    """A number or the ends of a range."""
    if amount.is_open:
        return f"at least {amount.low}"
    return str(amount.most) if amount.low == amount.most else f"{amount.low} to {amount.most}"
