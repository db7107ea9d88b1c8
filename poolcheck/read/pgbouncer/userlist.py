"""The users in an auth_file, up to where PgBouncer stops reading it.

A line holds `"name" "secret"`, in which `""` is a quote. Whatever stands between the two is skipped, line breaks
too, and so is what follows on the line. A `;` begins a comment where a name is due; anything else there ends the
reading for good. PgBouncer, loader.c, load_auth_file().
"""

import re
from enum import StrEnum
from typing import NamedTuple

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.pgbouncer.releases import is_older
from poolcheck.read.pgbouncer.settings import Version
from poolcheck.read.template import has_template, is_placeholder
from poolcheck.source import Located, Source, Span

LONGEST_NAME = 127
LONGEST_SECRET = 65530
_LONGEST_BEFORE = 2047
_READS_LONG_SECRETS: Version = (1, 26)
"""In bytes, a doubled quote counted as two. PgBouncer, bouncer.h, MAX_USERNAME and MAX_PASSWORD; NEWS, 1.26.0."""

_STATEMENT = re.compile(
    r"""(?![ \t\n\v\f\r])(?:
        (?P<comment>;[^\n]*)
      | (?P<named>"(?P<name>(?:[^"]++|"")*+)")(?P<between>[^"]*+)(?P<stored>"(?P<secret>(?:[^"]++|"")*+)")[^\n]*
      | (?P<refused>[^\n]+)
    )""",
    re.VERBOSE,
)
_NAME_ALONE = re.compile(r'"(?:[^"]++|"")*+"')
_UNREAD = re.compile(r'^[ \t]*(?P<named>"(?P<name>(?:[^"\n]|"")+)")', re.MULTILINE)
_HASH = re.compile(r"^[ \t]*(?P<hash>\#)", re.MULTILINE)

_MD5 = re.compile(r"md5[0-9a-f]{32}")
_SCRAM = re.compile(
    r"SCRAM-SHA-256\$[0-9]+:(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/=]{4}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}="
)
_LIKE_A_HASH = re.compile(r"(?i:md5)[0-9A-Fa-f]{32}|SCRAM-SHA-256[A-Za-z0-9+/=:$]{60,}")
"""An example, with `<salt>` or dots in it, is not like one."""


class SecretKind(StrEnum):
    """What PgBouncer takes a secret for: the password itself, a hash of it, or nothing, which matches nothing."""

    PLAIN = "plain"
    MD5 = "md5"
    SCRAM = "scram"
    EMPTY = "empty"


class User(NamedTuple):
    """One entry. Of its secret only the kind is kept, None where a template fills it in, and the place.

    Places hold the quotes. `looks_hashed` is a plain secret that has the form of a hash. An entry `runs_on` where
    its line lacks a quote, and PgBouncer takes the next one in the file.
    """

    name: Located[str]
    secret: Located[SecretKind | None]
    looks_hashed: bool
    runs_on: bool


class Userlist(NamedTuple):
    """An auth_file: the users that PgBouncer reads, and the `fault` that ends the reading.

    From there on stand the names that are left `unread`, and the `#` that begin lines, the `hashes`. It is not
    complete where a template may bring in more users. `older` is what releases before 1.26 read, if it is less.
    """

    span: Span
    users: tuple[User, ...]
    fault: SyntaxFault | None
    unread: tuple[Located[str], ...]
    hashes: tuple[Span, ...]
    is_complete: bool
    older: "Userlist | None" = None

    def of(self, version: Version | None) -> "Userlist":
        """What a version reads, the newest where it is None."""
        return self.older if self.older and is_older(version, _READS_LONG_SECRETS) else self

    def user(self, name: str) -> User | None:
        """The entry that counts for a name: the last one."""
        return next((user for user in reversed(self.users) if user.name.value == name), None)

    def lacks(self, name: str) -> bool:
        """Whether there is certainly no entry for a name, nor one that PgBouncer does not read as it is meant."""
        is_sound = self.is_complete and not any(user.runs_on for user in self.users)
        return is_sound and self.user(name) is None and all(unread.value != name for unread in self.unread)


def read_userlist(source: Source, region: Span | None = None) -> Userlist:
    """The users in a file, or in a part of one, up to the first NUL in it."""
    region = region or Span(source.path, 0, len(source.text))
    newest = _read(source, region, LONGEST_SECRET)
    has_long_ones = any(span.end - span.start > _LONGEST_BEFORE // 4 for _, (_, span), *_ in newest.users)
    older = _read(source, region, _LONGEST_BEFORE) if has_long_ones else newest
    return newest if newest == older else newest._replace(older=older)


def _read(source: Source, region: Span, longest: int) -> Userlist:
    path, text = source
    nul = text.find("\0", region.start, region.end)
    end = region.end if nul < 0 else nul
    users: list[User] = []
    fault: SyntaxFault | None = None
    is_complete = True
    for statement in _STATEMENT.finditer(text, region.start, end):
        if statement["comment"]:
            continue
        if fault := _fault(path, statement, longest):
            break
        if statement["refused"] or _is_filled_in(statement["name"]):
            is_complete = False
        else:
            users.append(_user(path, statement))
    left = text.rfind("\n", 0, fault.span.start) + 1 if fault else end
    return Userlist(
        region,
        tuple(users),
        fault,
        unread=tuple(
            Located(_unquoted(found["name"]), Span(path, *found.span("named")))
            for found in _UNREAD.finditer(text, left, end)
        ),
        hashes=tuple(Span(path, *found.span("hash")) for found in _HASH.finditer(text, left, end)),
        is_complete=is_complete,
    )


def secret_kind(secret: str) -> SecretKind | None:
    """What PgBouncer takes a secret for; None where a template fills it in. scram.c, get_password_type()."""
    if not secret:
        return SecretKind.EMPTY
    if _MD5.fullmatch(secret):
        return SecretKind.MD5
    if _SCRAM.fullmatch(secret):
        return SecretKind.SCRAM
    # What stands behind a `$` in a hash is no variable.
    return None if _is_filled_in(secret) and not _LIKE_A_HASH.fullmatch(secret) else SecretKind.PLAIN


def _fault(path: str, statement: re.Match[str], longest: int) -> SyntaxFault | None:
    """Why PgBouncer reads neither this nor anything below it; None where it does, or a template fills it in."""
    line = statement[0].partition("\n")[0].rstrip()
    reason = _reason(statement, longest)
    if reason is None or (statement["refused"] and _is_filled_in(line)):
        return None
    start = statement.start()
    return SyntaxFault(Span(path, start, start + len(line)), reason)


def _reason(statement: re.Match[str], longest: int) -> str | None:
    if not statement["refused"]:
        if _bytes(statement["name"]) > LONGEST_NAME:
            return f"a name has at most {LONGEST_NAME} bytes"
        return f"a secret has at most {longest} bytes" if _bytes(statement["secret"]) > longest else None
    match statement[0][0]:
        case "#":
            return "a comment begins with a semicolon"
        case "\ufeff":
            return "the file begins with a byte-order mark"
        case '"':
            is_closed = _NAME_ALONE.match(statement.string, statement.start(), statement.endpos)
            return "no secret in double quotes follows the name" if is_closed else "this quote is never closed"
        case _:
            return "a name stands in double quotes"


def _user(path: str, entry: re.Match[str]) -> User:
    secret = _unquoted(entry["secret"])
    kind = secret_kind(secret)
    return User(
        Located(_unquoted(entry["name"]), Span(path, *entry.span("named"))),
        Located(kind, Span(path, *entry.span("stored"))),
        looks_hashed=kind is SecretKind.PLAIN and _LIKE_A_HASH.fullmatch(secret) is not None,
        runs_on="\n" in entry["name"] + entry["between"] + entry["secret"],
    )


def _is_filled_in(content: str) -> bool:
    return has_template(content) or is_placeholder(content)


def _unquoted(content: str) -> str:
    return content.replace('""', '"')


def _bytes(content: str) -> int:
    return len(content.encode("utf-8", "replace"))
