"""Where a text writes out passwords, tokens and keys.

A secret is told by its form: the value of a name that speaks of one, the password in a URL. In doubt it is one.
What only refers to a secret (`${X}`, `$(X)`, `{{ x }}`) is none.
"""

import re
from collections.abc import Iterator
from typing import TypeAlias

Part: TypeAlias = tuple[int, int]
"""Characters from an offset up to another."""

SPEAKS_OF_ONE = r"""[apstAPST](?i:
    (?<=p)assword | (?<=p)asswd | (?<=p)assphrase | (?<=p)wd | (?<=p)ass(?<![^\W_]pass)(?![^\W_])
  | (?<=s)ecret | (?<=t)oken | (?<=a)pi[_-]?key )"""
"""Part of a pattern. It begins with a set of letters: what does not, takes five times as long to search for."""
NAME = rf"(?P<name> {SPEAKS_OF_ONE} [\w.-]{{0,64}}+ )"
HARMLESS = re.compile(r"(?:names?|refs?|files?|paths?|types?|tokens|ttl|timeout|encryption)\Z", re.IGNORECASE)
"""Ends of names whose values are no secrets, such as `secretName` and `password_file`."""

_NAMED = re.compile(
    rf"""{NAME} \\* ["']? \]? (?P<sign>
        [ \t]* = [ \t]*                                             # password=x
      | [ \t]* : (?!-) [ \t]*                                       # password: x
      | (?<=(?i:password)) [ \t]+ (?=')                             # ALTER USER app PASSWORD 'x'
      | ["']? ,? (?: \s*+ \#[^\n]{{0,200}}+ \n ){{0,9}}+ \s*+       # name: DB_PASSWORD, value: x
        ["']?value["']? [ \t]* : [ \t]*
    )""",
    re.VERBOSE,
)
_QUOTED = re.compile(
    r""" \\* (["']) (?: \1 (?! [\s,;:)\]}] | $ ) )? (?P<secret> (?: (?!\1)[^\\\r\n] | '' | \\[^\r\n] )*+ )""",
    re.VERBOSE | re.MULTILINE,
)
"""Where it begins with two quotes, it stands in a quoted string itself."""
_LETTER = r"""(?: [^ \r\n"'`] | ["'`](?! [\s,;:)\]}] | $ ) )"""
"""A character of a word; for PgBouncer a tab is one. A quote is none where it looks like the end of a string."""
_WORD = re.compile(
    rf"""(?! (?:host|port|dbname|(?:auth_)?user|\w*pool_\w+|connect_query|client_encoding)[ \t]*= )
    (?P<secret> {_LETTER}+ )""",
    re.VERBOSE | re.MULTILINE,
)
"""What follows `=`, but not the next name of a connection string whose password is empty."""
_SCALAR = re.compile(
    r"""(?! \{[^{] | \[ ) (?P<secret> (?: (?!
        (?<=[ \t])\# | ,[ \t]* (?: ["'][\w.-]+["'][ \t]*: | [\w.-]+[ \t]*:[ \t] )
    ) [^\r\n] )++ )""",
    re.VERBOSE,
)
"""What follows `:` up to a comment or the next name of a flow mapping, but no mapping and no list."""
_BLOCK = re.compile(r"(?:[!&]\S+[ \t]+)*[|>][-+\d]*[ \t]*(?:#[^\r\n]*)?\r?$", re.MULTILINE)
_NO_SECRET = re.compile(r"""(?:null|~|none|true|false)?["',;)\]}\s]*""", re.IGNORECASE)

_URL = re.compile(
    rf"""://(?: \$\{{[^}}\s]{{0,99}}+\}} | [^\s"'`:@/] )*+ : (?P<rest> {_LETTER}*+ )""", re.VERBOSE | re.MULTILINE
)
_AUTH_FILE = re.compile(
    r'^[ \t]*(?:[#;][ \t]*)?"(?:[^"\r\n]|"")*+"[ \t]+"(?P<secret>(?:[^"\r\n]|"")*+)"', re.MULTILINE
)
"""A line of PgBouncer's auth_file: `"user" "secret"`."""
_AUTH_FILE_LINE = re.compile(
    r"""^[ \t]*(?![;#])(?:"(?:[^"\r\n]|"")*+"|\S+)[ \t]*(?P<secret>[^\r\n]*)""", re.MULTILINE
)
_VALUE_FIRST = re.compile(
    rf"""value["']?[ \t]*: [ \t]* (?P<secret>[^\r\n]{{1,300}}+) \r?\n
    [ \t]* ["']?name["']?[ \t]*: [ \t]* ["']? [\w.-]{{0,64}}? {NAME}""",
    re.VERBOSE,
)
_DEFAULT = re.compile(rf"\$\{{ \w{{0,64}}? {SPEAKS_OF_ONE} \w* :?[-=+] (?P<secret>[^{{}}]*)", re.VERBOSE)
_REFERENCE = re.compile(
    r"\$\{\w+ (?: :?[-=+?] (?P<default>[^{}]*) )? \} | \$\(\w+\) | \{\{ (?: (?!default|\}\}). )*+ \}\}", re.VERBOSE
)

_DOCUMENT = re.compile(r"^(?=---)", re.MULTILINE)
_SECRET_OBJECT = re.compile(r"""^[ \t-]*kind:[ \t]*["']?Secret(?:List)?\b""", re.MULTILINE)
_DATA = re.compile(r"^(?P<indent> *)data:[ \t]*\r?\n(?P<data>(?:(?P=indent)[ \t][^\n]*\n?|\r?\n)*+)", re.MULTILINE)
_STRING_DATA = re.compile(
    r"^(?P<indent> *)stringData:[ \t]*\r?\n(?P<data>(?:(?P=indent)[ \t][^\n]*\n?|\r?\n)*+)", re.MULTILINE
)
_STRING = re.compile(r"^(?P<indent>[ \t]+)(?P<key>[\w.\"'-]+):[ \t]*(?P<secret>[^\r\n]*)", re.MULTILINE)
_OF_FORM = re.compile(r".*\.(?:ini|conf|txt|toml)[\"']?")
"""Keys of files in which secrets are told by their form."""
_DATUM = re.compile(r"^[ \t]+(?:[\w.\"'-]+:[ \t]*+)?+(?P<secret>[^\s|>#][^\r\n]*+)", re.MULTILINE)


def secrets_in_text(text: str, start: int, end: int) -> Iterator[Part]:
    """All that is told by its form in a part of a text. Parts may overlap here and below."""
    yield from secrets_in_urls(text, start, end)
    yield from named_secrets(text, start, end)
    for form in (_AUTH_FILE, _VALUE_FIRST, _DEFAULT):
        for found in form.finditer(text, start, end):
            yield from _literal(text, *found.span("secret"))


def secrets_in_auth_file(text: str) -> Iterator[Part]:
    """What stands behind the first word of each line that is no comment."""
    yield from (line.span("secret") for line in _AUTH_FILE_LINE.finditer(text))


def secrets_in_urls(text: str, start: int, end: int) -> Iterator[Part]:
    """From the colon behind the user's name up to the last `@`: few write `%40` for one in a password."""
    for url in _URL.finditer(text, start, end):
        at = text.rfind("@", *url.span("rest"))
        if at >= 0:
            yield from _literal(text, url.start("rest"), at)


def named_secrets(text: str, start: int, end: int, *, signs: str = "=:'") -> Iterator[Part]:
    """The values of names that speak of a secret, where one of these signs stands between them."""
    done = start
    for found in _NAMED.finditer(text, start, end):
        sign = found["sign"].strip()[-1:] or "'"
        if found.start() >= done and sign in signs and not HARMLESS.search(found["name"]):
            value = _value(text, found.end(), end, sign)
            yield from _literal(text, *value)
            done = value[1]


def secrets_in_objects(text: str) -> Iterator[Part]:
    """What stands in a Secret, whatever its names are: under `data` in base64, under `stringData` as it is."""
    if not _SECRET_OBJECT.search(text):
        return
    start = 0
    for document in _DOCUMENT.split(text):
        if _SECRET_OBJECT.search(document):
            for data in _DATA.finditer(document):
                for datum in _DATUM.finditer(document, *data.span("data")):
                    yield start + datum.start("secret"), start + datum.end("secret")
            for data in _STRING_DATA.finditer(document):
                for part in _in_strings(document, *data.span("data")):
                    yield start + part[0], start + part[1]
        start += len(document)


def _in_strings(text: str, start: int, end: int) -> Iterator[Part]:
    """The values below `stringData`, but for the lines of files."""
    found = list(_STRING.finditer(text, start, end))
    own = [each for each in found if each["indent"] == found[0]["indent"]]
    for each, following in zip(own, [*own[1:], None], strict=True):
        is_file = _BLOCK.match(each["secret"]) and _OF_FORM.fullmatch(each["key"])
        if not is_file:
            yield each.start("secret"), following.start() if following else end


def _value(text: str, start: int, end: int, sign: str) -> Part:
    """The value that starts here, empty where there is none."""
    if quoted := _QUOTED.match(text, start, end):
        return quoted.span("secret")
    if sign == ":" and (block := _BLOCK.match(text, start, end)):
        return _below(text, block.end(), end)
    bare = (_SCALAR if sign == ":" else _WORD).match(text, start, end)
    return bare.span() if bare and not _NO_SECRET.fullmatch(bare["secret"]) else (start, start)


def _below(text: str, at: int, end: int) -> Part:
    """The lines below the line of `at` that are indented more."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    deeper = len(line) - len(line.lstrip(" -")) + 1
    lines = re.compile(rf"(?:\n(?: {{{deeper}}}.*| *\r?$))*", re.MULTILINE).match(text, at, end)
    return lines.span() if lines else (at, at)


def _literal(text: str, start: int, end: int) -> Iterator[Part]:
    """What is left of a value without what it refers to. The default of a reference is left."""
    for reference in _REFERENCE.finditer(text, start, end):
        yield start, reference.start()
        if reference["default"]:
            yield reference.span("default")
        start = reference.end()
    yield start, end
