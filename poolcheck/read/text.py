"""From the bytes of a file to its text, and back."""

import re

from poolcheck.files import Format

_CODING = re.compile(rb"\A(?:[^\r\n]*[\r\n]{1,2})?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")


def decode(data: bytes, form: Format) -> str:
    """The text of a file of this format. Raises UnicodeDecodeError, and LookupError for an unknown encoding.

    PgBouncer reads bytes and minds none of them in comments and values, so bytes of a pgbouncer.ini that are not
    UTF-8 become lone surrogates.
    """
    return data.decode(*_codec(data, form))


def encode(text: str, data: bytes, form: Format) -> bytes:
    """The bytes for a text that was decoded from `data` and then edited. Raises UnicodeEncodeError."""
    return text.encode(*_codec(data, form))


def _codec(data: bytes, form: Format) -> tuple[str, str]:
    if form is Format.INI:
        return "utf-8", "surrogateescape"
    if form is Format.YAML and data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return ("utf-16-le" if data[:2] == b"\xff\xfe" else "utf-16-be"), "strict"
    if form is Format.PYTHON and (coding := _CODING.match(data)):
        return coding[1].decode("ascii"), "strict"
    return "utf-8", "strict"
