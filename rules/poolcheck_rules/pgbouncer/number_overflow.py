"""A number, a port or a time that is too large for PgBouncer, which makes another one of it."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig, Setting
from poolcheck.read.pgbouncer.hosts import is_socket
from poolcheck.read.pgbouncer.settings import Kind, KnownSetting, Scope, known
from poolcheck.rule import Rule
from poolcheck.source import Located

_INTEGER = re.compile(
    r"\s*([+-]?)(?:0x(?P<hex>[0-9a-f]+)|(?P<octal>0[0-7]*)|(?P<decimal>[0-9]+))", re.IGNORECASE | re.ASCII
)
_LEADING = re.compile(r"\s*([+-]?)(?P<decimal>[0-9]+)", re.ASCII)
_BASES = {"hex": 16, "octal": 8, "decimal": 10}
_LONG_ENOUGH = 30
"""A number with more digits is too large in any base."""

_HIGHEST_PORT = 65_535
_MOST_SECONDS = 2**64 / 1_000_000

_AT_ZERO = {
    "dns_max_ttl": "",
    "dns_nxdomain_ttl": "",
    "server_check_delay": ", and checks a server connection before each use",
    "server_lifetime": ", and closes a server connection after one use",
    "server_login_retry": ", and makes no pause after a failed login",
}
"""The times of which 0 does not mean without end, and what it does mean."""


class NumberOverflow(Rule[PgBouncerConfig]):
    id = "number-overflow"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for setting in config.settings:
            harm = harm_of(setting, config) if setting.in_effect else None
            if harm:
                yield self.finding(setting.value.span, harm)
        for scope, entries in (
            (Scope.DATABASE, config.databases),
            (Scope.USER, config.users),
            (Scope.PEER, config.peers),
        ):
            for value, harm in (found for entry in entries for found in harms_in(scope, entry, config)):
                yield self.finding(value.span, harm)


def harm_of(setting: Setting, config: PgBouncerConfig) -> str | None:
    """What becomes of a setting of [pgbouncer] that is too large; None where nothing does."""
    fact, text = known(Scope.PGBOUNCER, setting.name.value), setting.value.value
    if fact is None or not fact.is_in(config.version):
        return None
    match fact.kind:
        case Kind.SECONDS:
            return lost_time(fact, text)
        case Kind.INT | Kind.BOOL:
            number = c_number.signed(text)
        case Kind.UNSIGNED:
            number = c_number.unsigned(text)
        case _:
            return None
    exact = exactly(_INTEGER, text)
    if number is None or exact is None or (fact.kind is Kind.UNSIGNED and exact < 0):
        return None
    is_tcp_port = fact.name == "listen_port" and config.listens_on() != ()
    return cut(fact, text, exact, number) or (cut_port(text, exact) if is_tcp_port else None)


def harms_in(scope: Scope, entry: Entry, config: PgBouncerConfig) -> Iterator[tuple[Located[str], str]]:
    """The numbers in an entry that are too large, and what becomes of them."""
    for name, value in entry.parameters if entry.in_effect else ():
        fact, text = known(scope, name.value), value.value
        if fact is None or not fact.is_in(config.version) or config.is_filled_in(text):
            continue
        exact = exactly(_LEADING, text)
        if exact is not None and fact.kind in {Kind.INT, Kind.SECONDS}:
            is_tcp_port = fact.name == "port" and is_by_tcp(entry)
            harm = cut(fact, text, exact, c_number.leading(text))
            if harm := harm or (cut_port(text, exact) if is_tcp_port else None):
                yield value, harm


def exactly(pattern: re.Pattern[str], text: str) -> int | None:
    """The whole number that a text begins with; None where it begins with none."""
    found = pattern.match(text)
    if found is None:
        return None
    form = found.lastgroup or "decimal"
    magnitude = int(found[form].lstrip("0")[:_LONG_ENOUGH] or "0", _BASES[form])
    return -magnitude if found[1] == "-" else magnitude


def cut(fact: KnownSetting, text: str, exact: int, number: int) -> str | None:
    """What becomes of a number that does not fit; None where it does."""
    if exact == number:
        return None
    return f"PgBouncer keeps {fact.name} in 32 bits, and {text} becomes {number}"


def cut_port(text: str, port: int) -> str | None:
    """What becomes of a port above the highest there is; None where it is none."""
    if port <= _HIGHEST_PORT:
        return None
    return f"the highest port is {_HIGHEST_PORT}, and {text} becomes {port % (_HIGHEST_PORT + 1)}"


def is_by_tcp(entry: Entry) -> bool:
    """Whether an entry connects to a host, and not to a Unix socket."""
    host = entry.parameter("host")
    return host is not None and not is_socket(host.value)


def lost_time(fact: KnownSetting, text: str) -> str | None:
    """What becomes of a time that is too long; None where nothing does, or what is meant."""
    seconds = c_number.seconds(text)
    if seconds is None:
        return None
    if "nan" in text.lower():
        return f"PgBouncer takes {fact.name} = {text} for a number, and makes {seconds:.0f} seconds of it"
    if fact.name not in _AT_ZERO or seconds != 0 or real(text) < _MOST_SECONDS:
        return None
    return f"{fact.name} = {text} is more than PgBouncer can count: it makes 0 of it{_AT_ZERO[fact.name]}"


def real(text: str) -> float:
    """The number in a text that `strtod` reads."""
    return float.fromhex(text) if "x" in text.lower() else float(text)
