import pytest

from poolcheck.files import Format, TooLarge
from poolcheck.read.text import LARGEST_BYTES, decode, encode, encoding_of


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("text", ["", "é = 1\r\n", "\ufeffa: 🎉\n", "a\0b\r"])
def test_a_text_is_the_files_character_for_character(form: Format, text: str) -> None:
    data = text.encode()

    assert decode(data, form) == text
    assert encode(decode(data, form), data, form) == data


@pytest.mark.parametrize("form", [Format.PYTHON, Format.YAML])
def test_bytes_that_are_not_utf_8_are_refused(form: Format) -> None:
    with pytest.raises(UnicodeDecodeError):
        decode(b"a: \xff", form)


def test_pgbouncer_minds_no_bytes() -> None:
    data = b"; caf\xe9\n[pgbouncer]\n"

    text = decode(data, Format.INI)

    assert text.startswith("; caf")
    assert encode(text + "a", data, Format.INI) == data + b"a"


@pytest.mark.parametrize(
    "first",
    [
        "# coding: latin-1",
        "# -*- coding: iso-8859-1 -*-",
        "# vim: set fileencoding=cp1252 :",
        "#!/usr/bin/python\n# coding=latin1",
        "\n# coding: latin-1",
        "# é\r\n# coding: latin-1",
        "  # coding: Latin_1-unix",
    ],
)
def test_python_may_say_what_it_is_encoded_in(first: str) -> None:
    data = f"{first}\na = 'é'\n".encode("latin-1")

    assert decode(data, Format.PYTHON).endswith("a = 'é'\n")
    assert encode("# coding: latin-1\né", data, Format.PYTHON) == b"# coding: latin-1\n\xe9"


@pytest.mark.parametrize(
    "text",
    [
        "# -*- coding: utf-8-unix -*-\n",
        "# coding: UTF_8\n",
        "# no encoding\n",
        "import a\n# coding: as we do it here\n",
        "\n\n# coding: latin-1\n",
        "# one\n# two\n# coding: latin-1\n",
        "a = '# coding: latin-1'\n",
    ],
)
def test_everything_else_is_utf_8(text: str) -> None:
    assert decode(f"{text}é".encode(), Format.PYTHON) == f"{text}é"


@pytest.mark.parametrize("name", ["no-such", "rot13", "zlib"])
def test_an_encoding_of_no_text_is_unknown(name: str) -> None:
    data = f"# coding: {name}\n".encode()

    with pytest.raises(LookupError):
        decode(data, Format.PYTHON)

    assert encoding_of(data, Format.PYTHON) == name


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_yaml_may_be_utf_16(encoding: str) -> None:
    data = "\ufeffa: é\n".encode(encoding)

    assert decode(data, Format.YAML) == "\ufeffa: é\n"
    assert encode("\ufeffb: é\n", data, Format.YAML) == "\ufeffb: é\n".encode(encoding)


@pytest.mark.parametrize("form", list(Format))
def test_what_nobody_wrote_is_too_large(form: Format) -> None:
    assert decode(b" " * LARGEST_BYTES, form)
    with pytest.raises(TooLarge, match="larger than 32 MiB"):
        decode(b" " * (LARGEST_BYTES + 1), form)
