"""How wide text is in a font that the viewer chooses: guessed, and rather too wide than too narrow."""

from collections.abc import Iterator
from unicodedata import category, east_asian_width

from poolcheck.report.glyphs import flat

_PLAIN = {
    30: "'IJijl", 35: " ,./:;\\|", 40: "()-[]ft", 45: "!r", 50: '"*_`', 55: "?csz", 60: "FLkvxy",
    65: "$0123456789EPSTYabdeghnopqu{}", 70: "ABCKRVXZ", 75: "NU", 80: "&DGHOQ", 85: "#+<=>^w~", 90: "M",
    100: "%@Wm",
}  # fmt: skip
_BOLD = {
    35: " 'ijl", 40: ",./:;IJ\\|", 45: "-f", 50: "!()[]_`rt", 55: '"*', 60: "?csz", 65: "Lx",
    70: "$0123456789EFTaekovy", 75: "CPSYZbdghnpqu{}", 80: "ABKRVX", 85: "#+<=>DGHNU^~", 90: "&OQ", 95: "w",
    100: "@M", 105: "%m", 115: "W",
}  # fmt: skip
"""Hundredths of the font's size, rounded up, of DejaVu Sans: the widest of the usual sans-serif fonts."""

_OTHER = 110
"""Letters beyond ASCII: hardly any is wider."""
_WIDE = 200
"""What a terminal gives two cells; emoji are wider than their size."""

_PLAIN_OF = {character: width for width, characters in _PLAIN.items() for character in characters}
_BOLD_OF = {character: width for width, characters in _BOLD.items() for character in characters}
_ELLIPSIS = "…"


def text_width(text: str, size: int, *, bold: bool = False) -> int:
    """The pixels that a line of text takes at most, at a font size in pixels."""
    known = _BOLD_OF if bold else _PLAIN_OF
    hundredths = sum(known.get(character) or _unusual(character) for character in text)
    return -(-hundredths * size // 100)


def shortened(text: str, most: int, size: int, *, bold: bool = False) -> str:
    """The text where it is no wider, else its beginning and its end: names differ at either."""
    text = flat(text)
    if text_width(text, size, bold=bold) <= most:
        return text
    text = text[:most] + text[most:][-most:]
    for kept in range(len(text) - 1, 0, -1):
        head = (kept + 1) // 2
        short = text[:head] + _ELLIPSIS + text[len(text) - kept + head :]
        if text_width(short, size, bold=bold) <= most:
            return short
    return _ELLIPSIS


def wrapped(text: str, most: int, size: int) -> Iterator[str]:
    """The text in lines that are no wider; a word that is wider is broken."""
    line = ""
    for word in flat(text).split(" "):
        longer = f"{line} {word}" if line else word
        if text_width(longer, size) <= most:
            line = longer
            continue
        if line:
            yield line
        *full, line = _pieces(word, most, size)
        yield from full
    if line:
        yield line


def _pieces(word: str, most: int, size: int) -> Iterator[str]:
    """A word in pieces that are no wider; one character at least is in each."""
    piece = ""
    for character in word:
        if piece and text_width(piece + character, size) > most:
            yield piece
            piece = ""
        piece += character
    yield piece


def _unusual(character: str) -> int:
    if category(character).startswith("M"):
        return 0
    return _WIDE if east_asian_width(character) in "WF" else _OTHER
