"""From the bytes of a file to its text, and back."""

import re

from poolcheck.files import Format, TooLarge

LARGEST_BYTES = 32 * 1024 * 1024
"""The nodes of a YAML file of this size take a gigabyte."""

UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
"""The encodings that the first two bytes of a YAML file may tell."""

_CODING = re.compile(rb"\A(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n?|\n))?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")
_VARIANT = re.compile(r"(utf-8|latin-1|iso-8859-1|iso-latin-1)-.*")


def decode(data: bytes, form: Format) -> str:
    """The text of a file of this format. Raises TooLarge, UnicodeError, and LookupError for an unknown encoding.

    PgBouncer reads bytes and minds none of them in comments and values, so bytes of a pgbouncer.ini that are not
    UTF-8 become lone surrogates.
    """
    if len(data) > LARGEST_BYTES:
        raise TooLarge(f"larger than {LARGEST_BYTES // 2**20} MiB")
    return data.decode(encoding_of(data, form), _errors(form))


def encode(text: str, data: bytes, form: Format) -> bytes:
    """The bytes for a text that was decoded from `data` and then edited. Raises UnicodeEncodeError."""
    return text.encode(encoding_of(data, form), _errors(form))


def encoding_of(data: bytes, form: Format) -> str:
    """The name of a file's encoding, as its first bytes tell it, or the comment at the top of a Python file."""
    if form is Format.YAML:
        return UTF_16.get(data[:2], "utf-8")
    if form is Format.PYTHON and (coding := _CODING.match(data)):
        name = coding[1].decode("ascii")
        # Emacs adds line ends, `utf-8-unix`, which Python passes over.
        variant = _VARIANT.fullmatch(name.lower().replace("_", "-"))
        return variant[1] if variant else name
    return "utf-8"


def _errors(form: Format) -> str:
    return "surrogateescape" if form is Format.INI else "strict"
