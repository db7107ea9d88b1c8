"""How characters look in a terminal: harmless, and so many cells wide."""

import re
from unicodedata import category, east_asian_width

TAB = "    "
"""A tab is as wide wherever it stands, so that what is below a line can be lined up with it."""

_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, line separators, lone surrogates, and what turns the direction of writing (CVE-2021-42574)."""


def visible(text: str) -> str:
    """The text, as long as it was, with a picture in place of each character that could harm a terminal."""
    return _HARMFUL.sub(_picture, text)


def flat(text: str) -> str:
    """The text on one line, with nothing in it that could harm a terminal."""
    return visible(" ".join(filter(None, map(str.strip, text.replace("\t", " ").splitlines()))))


def glyph(character: str) -> str:
    """What is shown for one character of a source line: one character, several for a tab, none for a joiner.

    Joiners and variation selectors are left out: with them terminals disagree about widths.
    """
    if character.isascii() and character.isprintable():
        return character
    if character == "\t":
        return TAB
    if character == "\u200d" or "\ufe00" <= character <= "\ufe0f":
        return ""
    return "\ufffd" if category(character) == "Cf" else visible(character)


def width(shown: str) -> int:
    """How many cells of a terminal a shown text takes."""
    return len(shown) if shown.isascii() else sum(map(_width, shown))


def _width(character: str) -> int:
    if category(character).startswith("M") or "\u1160" <= character <= "\u11ff":  # the inner letters of Hangul
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _picture(harmful: re.Match[str]) -> str:
    """Unicode has pictures of the ASCII control characters, from U+2400 on."""
    code = ord(harmful[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
