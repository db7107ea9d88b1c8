"""Whether PgBouncer starts on a configuration: everything in it that keeps PgBouncer from serving anybody."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import FALLBACK, Absent, Effective, Entry, PgBouncerConfig, Setting
from poolcheck.read.pgbouncer.hosts import hosts_of, is_address
from poolcheck.read.pgbouncer.refusal import Cause, Refusal
from poolcheck.read.pgbouncer.settings import (
    NEWEST,
    SETTINGS,
    Kind,
    KnownSetting,
    Scope,
    Version,
    known,
    scopes_of,
    written,
)
from poolcheck.source import Located

_COMMENT = re.compile(r"[;#][ \t]*[^ \t].*")
_BEHIND_A_BLANK = re.compile(r"(?:^|(?<=[ \t]))[;#].*")
_TIME = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[ \t]*(?P<unit>[A-Za-z]+)")
MILLISECONDS = {
    **dict.fromkeys(("us", "usec", "usecs", "microsecond", "microseconds"), 0.001),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1_000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
    **dict.fromkeys(("w", "week", "weeks"), 604_800_000),
}
"""How long the units are that people write behind a time."""
SWITCHES = {
    **dict.fromkeys(("on", "yes", "y", "true", "t", "enable", "enabled"), "1"),
    **dict.fromkeys(("off", "no", "n", "false", "f", "disable", "disabled"), "0"),
}
"""The words that people write for a switch, and the numbers that PgBouncer wants."""
_ZERO_FIRST = re.compile(r"[+-]?0[0-9]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

_LIBPQ = {
    "connect_timeout": "server_connect_timeout",
    "keepalives": "tcp_keepalive",
    "keepalives_idle": "tcp_keepidle",
    "sslcert": "server_tls_cert_file",
    "sslkey": "server_tls_key_file",
    "sslmode": "server_tls_sslmode",
    "sslrootcert": "server_tls_ca_file",
}
"""Parameters of PostgreSQL's own connection strings, and what takes their place in [pgbouncer]."""

_KNOWS_PEERS = (1, 19)
_NEEDS_ALL_SOCKETS = (1, 19)
"""Before, a PgBouncer that cannot listen on an address starts with what is left. NEWS, 1.19.0."""
LONGEST_DATABASE = 63
"""The bytes of the longest name of a database. PgBouncer, MAX_DBNAME."""
LONGEST_USER = 127
"""The bytes that are kept of the name of a user. PgBouncer, MAX_USERNAME."""
HIGHEST_PEER = 65_535
_PROTOCOLS = frozenset({"all", "default", "secure", "tlsv1", "tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3"})
_DH_PARAMETERS = frozenset({"none", "auto", "legacy"})


def for_version(config: PgBouncerConfig, version: Version | None) -> PgBouncerConfig:
    """The configuration as PgBouncer of a version reads it; the newest, where the version is not known."""
    if version == config.version:
        return config
    userlist = config.userlist.of(version) if config.userlist else None
    config = config._replace(version=version, userlist=userlist)
    return config._replace(refusals=tuple(refusals(config)))


def refusals(config: PgBouncerConfig) -> Iterator[Refusal]:
    """What PgBouncer refuses of a configuration, where nothing is known but the configuration itself."""
    yield from config.malformed
    yield from _sections(config)
    for setting in config.settings:
        yield from _quoted(setting.name, config.version)
        yield from _setting(setting, config)
    for scope, entries in (
        (Scope.DATABASE, config.databases),
        (Scope.USER, config.users),
        (Scope.PEER, config.peers),
    ):
        for entry in entries:
            yield from _quoted(entry.name, config.version)
            yield from _named(scope, entry, config.version)
            is_unread = scope is Scope.PEER and config.is_before(_KNOWS_PEERS)
            if (scope, entry.name.value) != (Scope.DATABASE, FALLBACK) and not is_unread:
                yield from entry_refusals(scope, entry, config)
    yield from _cut_names(config)
    yield from _includes(config)
    yield from _tls(config)
    yield from _listening(config)


def entry_refusals(scope: Scope, entry: Entry, config: PgBouncerConfig) -> Iterator[Refusal]:
    """What is refused of the pairs of an entry; those of the fallback only when a client asks for it."""
    for name, value in entry.parameters:
        yield from _parameter(scope, name, value, config)
    if entry.comment:
        reason = f"PgBouncer takes the comment for part of {_noun(scope)} {entry.name.value} and does not start"
        yield Refusal(Cause.COMMENT, entry.comment, reason)
    elif scope is Scope.PEER and entry.is_complete and entry.fault is None and entry.parameter("host") is None:
        yield Refusal(Cause.PEER, entry.name, f"PgBouncer does not start: peer {entry.name.value} has no host")


def _sections(config: PgBouncerConfig) -> Iterator[Refusal]:
    for header in config.headers:
        if header.value not in set(Scope) and not config.is_filled_in(header.value):
            meant = section_meant(header.value)
            reason = f"there is no section [{header.value}]{f'; did you mean [{meant}]?' if meant else ''}"
            yield Refusal(Cause.SECTION, header, f"PgBouncer does not start: {reason}")
        if header.value == Scope.PEER and config.is_before(_KNOWS_PEERS):
            reason = f"{_program(config.version)} does not start: [peers] is known from 1.19 on"
            yield Refusal(Cause.NEEDS_NEWER, header, reason)
    for name, _ in config.strays:
        yield Refusal(Cause.SECTION, name, f"PgBouncer does not start: {name.value} stands in no section")
    end = config.span._replace(start=config.span.end)
    has_own = any(header.value == Scope.PGBOUNCER for header in config.headers)
    if not has_own and config.gaps == (end,):
        start = config.span._replace(end=config.span.start)
        yield Refusal(
            Cause.SECTION, Located("", start), "PgBouncer does not start: there is no section [pgbouncer]"
        )


def section_meant(name: str) -> Scope | None:
    """The section that must be meant by the name of one."""
    from difflib import get_close_matches

    close = get_close_matches(name.strip().lower(), list(Scope), n=1, cutoff=0.8)
    return Scope(close[0]) if close else None


def _quoted(name: Located[str], version: Version | None) -> Iterator[Refusal]:
    if version is not None and version < (1, 25) and is_quoted(name):
        reason = f"{_program(version)} does not start: a name may stand in quotes from 1.25 on"
        yield Refusal(Cause.NAME_NEEDS_NEWER, name, reason)


def is_quoted(name: Located[str]) -> bool:
    """Whether a name stands in quotes, which are no part of it."""
    return name.span.end - name.span.start > len(name.value)


def _named(scope: Scope, entry: Entry, version: Version | None) -> Iterator[Refusal]:
    name = entry.name.value
    if scope is Scope.DATABASE and name == "pgbouncer" and (version is None or version >= (1, 16)):
        yield Refusal(
            Cause.RESERVED, entry.name, "PgBouncer does not start: the database pgbouncer is its console"
        )
    length = len(name.encode(errors="surrogateescape"))
    if scope is Scope.DATABASE and length > LONGEST_DATABASE:
        reason = (
            f"PgBouncer does not start: the name of a database has at most {LONGEST_DATABASE} bytes, not {length}"
        )
        yield Refusal(Cause.RESERVED, entry.name, reason)
    if scope is Scope.PEER and not 1 <= _whole(name) <= HIGHEST_PEER:
        reason = f"PgBouncer does not start: a peer is called by a number from 1 to {HIGHEST_PEER}, not {name}"
        yield Refusal(Cause.PEER, entry.name, reason)


def _cut_names(config: PgBouncerConfig) -> Iterator[Refusal]:
    """Users whose names are the same once they are cut: PgBouncer looks for the whole name and finds none."""
    of_databases = {entry.name.value: entry for entry in config.databases if entry.name.value != FALLBACK}
    keys = ("auth_user",) if config.is_before((1, 23)) else ("auth_user", "user")
    mentioned = [user.name for user in config.users]
    mentioned += [name for entry in of_databases.values() for key in keys if (name := entry.parameter(key))]
    seen: set[bytes] = set()
    for name in mentioned:
        cut = name.value.encode(errors="surrogateescape")[:LONGEST_USER]
        if len(cut) == LONGEST_USER and cut != name.value.encode(errors="surrogateescape"):
            if cut in seen:
                reason = f"two names of users are the same in their first {LONGEST_USER} bytes"
                yield Refusal(Cause.RESERVED, name, f"PgBouncer does not start: {reason}")
            seen.add(cut)


def _whole(text: str) -> int:
    """A whole number as `strtonum` reads it; 0 where it is none."""
    return c_number.leading(text) if re.fullmatch(r"[ \t\n\v\f\r]*[+-]?[0-9]{1,18}", text) else 0


def _setting(setting: Setting, config: PgBouncerConfig) -> Iterator[Refusal]:
    name, value, version = setting.name, setting.value, config.version
    fact = known(Scope.PGBOUNCER, name.value)
    if fact is None or not fact.is_in(version):
        yield _unknown(Scope.PGBOUNCER, name, version)
    elif fact.name == "service_name":
        reason = "PgBouncer does not start: it knows service_name on Windows only"
        yield Refusal(Cause.UNKNOWN_SETTING, name, reason)
    elif not config.is_filled_in(value.value):
        # What is looked up when all is read, is looked up of the last line only.
        found = _value(fact, value, version) or (_looked_up(fact, value) if setting.in_effect else None)
        if found:
            yield Refusal(found[0], value, found[1])


def _value(fact: KnownSetting, value: Located[str], version: Version | None) -> tuple[Cause, str] | None:
    """Why a setting of [pgbouncer] cannot have this value; None where it can."""
    name, text = fact.name, value.value
    match fact.kind:
        case Kind.INT | Kind.UNSIGNED | Kind.BOOL:
            return None if c_number.signed(text) is not None else _no_number(fact, text)
        case Kind.SECONDS:
            return None if c_number.seconds(text) is not None else _no_number(fact, text)
        case Kind.ENUM:
            if is_word_of(fact, text, version):
                return None
            return _commented(name, text, _COMMENT) or (
                Cause.WORD,
                f"PgBouncer does not start: {_choice(fact, text, version)}",
            )
        case _ if name == "auth_dbname" and text == "pgbouncer":
            return Cause.RESERVED, "PgBouncer does not start: the database pgbouncer is its console"
        case _:
            return None


def _looked_up(fact: KnownSetting, value: Located[str]) -> tuple[Cause, str] | None:
    """Why there cannot be such a thing on any machine; None where there can."""
    if fact.name == "user":
        return _commented(fact.name, value.value, _BEHIND_A_BLANK)
    odd = [host.value for host in hosts_of(value) if not is_address(host.value)] if fact.kind is Kind.HOSTS else []
    if not odd:
        return None
    reason = f"PgBouncer does not start: {odd[0]} in {fact.name} is no address"
    return _commented(fact.name, value.value, _BEHIND_A_BLANK) or (Cause.LISTENING, reason)


def _no_number(fact: KnownSetting, text: str) -> tuple[Cause, str]:
    name, unit = fact.name, "seconds" if fact.kind is Kind.SECONDS else fact.unit
    if found := _commented(name, text, _COMMENT):
        return found
    if fact.kind is Kind.BOOL and text.lower() in SWITCHES:
        return Cause.BOOLEAN_WORD, f"PgBouncer reads {name} as 0 or 1 and does not start with {text}"
    time = _TIME.fullmatch(text)
    if unit in MILLISECONDS and time and time["unit"].lower() in MILLISECONDS:
        return Cause.UNIT, f"PgBouncer reads {name} as a number of {unit} and does not start with {text}"
    if fact.kind is not Kind.SECONDS and _ZERO_FIRST.fullmatch(text):
        reason = f"PgBouncer reads {name} = {text} as octal, for its leading 0, and does not start with it"
        return Cause.LEADING_ZERO, reason
    wanted = "a number of seconds, 0 or more," if fact.kind is Kind.SECONDS else "a whole number"
    given = f"with {text if text.isprintable() else ascii(text)}" if text else "without one"
    return Cause.NUMBER, f"PgBouncer reads {name} as {wanted} and does not start {given}"


def _commented(name: str, text: str, comment: re.Pattern[str]) -> tuple[Cause, str] | None:
    if not comment.search(text):
        return None
    return Cause.COMMENT, f"PgBouncer takes the comment for part of {name} and does not start"


def is_word_of(fact: KnownSetting, text: str, version: Version | None) -> bool:
    """Whether a word is one of those a setting has in a version; upper and lower case are the same."""
    return text.isascii() and text.lower() in fact.values_in(version)


def _choice(fact: KnownSetting, text: str, version: Version | None) -> str:
    words = fact.values_in(version)
    shown = repr(text) if text else "nothing"
    later = "" if text.lower() not in fact.values else f" before {written(fact.since_of(text.lower()))}"
    return f"{fact.name} is {', '.join(words[:-1])} or {words[-1]}, not {shown}{later}"


def _parameter(
    scope: Scope, name: Located[str], value: Located[str], config: PgBouncerConfig
) -> Iterator[Refusal]:
    version = config.version
    fact, text = known(scope, name.value), value.value
    if fact is None or not fact.is_in(version):
        yield _unknown(scope, name, version)
    elif config.is_filled_in(text):
        return
    elif fact.kind is Kind.ENUM and not is_word_of(fact, text, version):
        yield Refusal(Cause.WORD, value, f"PgBouncer does not start: {_choice(fact, text, version)}")
    elif fact.name == "port" and c_number.leading(text) == 0:
        yield Refusal(Cause.PORT, value, f"PgBouncer does not start: {text} is no port")


def _unknown(scope: Scope, name: Located[str], version: Version | None) -> Refusal:
    """Why a name is not known; what looks like no name may be the rest of a password and is not repeated."""
    fact, places = known(scope, name.value), scopes_of(name.value)
    if fact and fact.until and fact.is_gone_in(version):
        reason = f"{name.value} is known in {described([scope])} before {written(fact.until)} only"
        return Refusal(Cause.NEEDS_OLDER, name, f"{_program(version)} does not start: {reason}")
    if fact:
        reason = f"{name.value} is known in {described([scope])} from {written(fact.since)} on"
        return Refusal(Cause.NEEDS_NEWER, name, f"{_program(version)} does not start: {reason}")
    program = "PgBouncer" if version is None or version <= NEWEST else f"PgBouncer {written(NEWEST)}"
    if places:
        reason = f"{name.value} is set in {described(places)}, not in {described([scope])}"
        return Refusal(Cause.WRONG_SCOPE, name, f"{program} does not start: {reason}")
    if "://" in name.value:
        scheme = name.value.partition("://")[0]
        return Refusal(Cause.URI, name, f"PgBouncer refuses this entry: a {scheme}:// URI is no key=value pair")
    if name.value.startswith('"'):
        return Refusal(Cause.QUOTED_NAME, name, f"{program} does not start: a name cannot stand in double quotes")
    return Refusal(Cause.UNKNOWN_SETTING, name, f"{program} does not start: {_unheard_of(scope, name.value)}")


def _unheard_of(scope: Scope, name: str) -> str:
    if not name:
        return "there is no name before the ="
    if not _NAME.fullmatch(name):
        return f"this is no setting of {described([scope])}"
    if name in _LIBPQ and scope is Scope.PGBOUNCER:
        return f"there is no setting {name} in [pgbouncer]; did you mean '{_LIBPQ[name]}'?"
    if name in _LIBPQ:
        return f"there is no setting {name} in {described([scope])}, but {_LIBPQ[name]} in [pgbouncer]"
    return f"there is no setting {name} in {described([scope])}{_suggestion(name, scope)}"


@lru_cache(maxsize=200)
def _suggestion(name: str, scope: Scope) -> str:
    """The setting that must have been meant; most names share words with others, so only a very close one."""
    from difflib import get_close_matches

    close = get_close_matches(name.lower().replace("-", "_"), sorted(SETTINGS[scope]), n=1, cutoff=0.8)
    return f"; did you mean '{close[0]}'?" if close else ""


def described(scopes: Iterable[Scope]) -> str:
    """Sections in words: "[pgbouncer] or in an entry of [databases], [users] or [peers]"."""
    names = [f"[{scope}]" for scope in scopes if scope is not Scope.PGBOUNCER]
    entries = " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
    own = ["[pgbouncer]"] if Scope.PGBOUNCER in scopes else []
    return " or in ".join([*own, *([f"an entry of {entries}"] if entries else [])])


def _includes(config: PgBouncerConfig) -> Iterator[Refusal]:
    for path, found, _ in config.includes:
        if found is Absent.MISSING:
            where = ", in a folder that is called ~" if path.value.startswith("~/") else ""
            reason = f"there is no file {path.value}{where}" if path.value else "no file is named"
            yield Refusal(Cause.INCLUDE, path, f"PgBouncer does not start: {reason}")


def _tls(config: PgBouncerConfig) -> Iterator[Refusal]:
    """What TLS asks for together. PgBouncer, sbuf_tls_setup()."""
    client, auth = _word(config, "client_tls_sslmode"), _word(config, "auth_type")
    if client and client.value != "disable" and client.span:
        lacking = [name for name in ("client_tls_key_file", "client_tls_cert_file") if _is_empty(config, name)]
        if lacking:
            reason = f"client_tls_sslmode {client.value} needs {' and '.join(lacking)}"
            yield Refusal(Cause.TLS, Located(client.value, client.span), f"PgBouncer does not start: {reason}")
    if auth and auth.value == "cert" and auth.span:
        place = Located("cert", auth.span)
        if client and client.value != "verify-full":
            reason = f"auth_type cert needs client_tls_sslmode verify-full, and it is {client.value}"
            yield Refusal(Cause.TLS, place, f"PgBouncer does not start: {reason}")
        elif _is_empty(config, "client_tls_ca_file"):
            yield Refusal(Cause.TLS, place, "PgBouncer does not start: auth_type cert needs client_tls_ca_file")
    elif (
        auth
        and client
        and client.value == "verify-full"
        and client.span
        and _is_empty(config, "client_tls_ca_file")
    ):
        reason = "client_tls_sslmode verify-full needs client_tls_ca_file"
        yield Refusal(Cause.TLS, Located(client.value, client.span), f"PgBouncer does not start: {reason}")
    for side, mode in (("client", client), ("server", _word(config, "server_tls_sslmode"))):
        protocols = config.setting(f"{side}_tls_protocols")
        words = _PROTOCOLS | {"legacy"} if config.is_before((1, 21)) else _PROTOCOLS
        odd = _no_protocol(protocols.value, words) if protocols else None
        if mode and mode.value != "disable" and protocols and odd is not None:
            reason = f"{side}_tls_protocols knows no {odd!r}"
            yield Refusal(Cause.TLS, protocols, f"PgBouncer does not start: {reason}")
    parameters = config.setting("client_tls_dheparams")
    if (
        client
        and client.value != "disable"
        and parameters
        and parameters.value
        and parameters.value.lower() not in _DH_PARAMETERS
    ):
        reason = f"client_tls_dheparams is none, auto or legacy, not {parameters.value}"
        yield Refusal(Cause.TLS, parameters, f"PgBouncer does not start: {reason}")


def _no_protocol(protocols: str, known_ones: frozenset[str]) -> str | None:
    """The first of a list of TLS protocols that is none. libusual, tls_config_parse_protocols()."""
    for part in re.split("[,:]", protocols) if protocols else ():
        word = part.lstrip(" \t").removeprefix("!")
        if word.lower() not in known_ones:
            return word
    return None


def _listening(config: PgBouncerConfig) -> Iterator[Refusal]:
    addresses, port = config.listens_on(), config.integer("listen_port")
    if addresses and port and port.value < 0:
        reason = f"PgBouncer does not start: listen_port is {port.value}"
        yield Refusal(Cause.LISTENING, Located(str(port.value), port.span), reason)
    if addresses and not config.is_before(_NEEDS_ALL_SOCKETS):
        yield from _keepalive(config)
    directory = config.setting("unix_socket_dir")
    if addresses == () and directory and not directory.value:
        reason = "PgBouncer does not start: it listens on no address, and unix_socket_dir is empty"
        yield Refusal(Cause.LISTENING, directory, reason)


def _keepalive(config: PgBouncerConfig) -> Iterator[Refusal]:
    """Times and counts that Linux does not take for a socket that listens on an address."""
    is_on = config.effective_integer("tcp_keepalive")
    names = ["tcp_user_timeout"]
    names += ["tcp_keepcnt", "tcp_keepidle", "tcp_keepintvl"] if is_on and is_on.value else []
    for name in names:
        fact, number = known(Scope.PGBOUNCER, name), config.integer(name)
        if fact is None or number is None:
            continue
        least, most = fact.minimum, fact.maximum
        if (least is not None and number.value < least) or (most is not None and number.value > most):
            reason = f"Linux takes no {name} {number.value}, and no socket with it"
            yield Refusal(
                Cause.LISTENING, Located(str(number.value), number.span), f"PgBouncer does not start: {reason}"
            )


def _word(config: PgBouncerConfig, name: str) -> Effective[str] | None:
    """The word in effect of a setting with a choice of words; None where it is unknown or refused."""
    effective, fact = config.effective_text(name), known(Scope.PGBOUNCER, name)
    if effective is None or fact is None or not is_word_of(fact, effective.value, config.version):
        return None
    return effective._replace(value=effective.value.lower())


def _is_empty(config: PgBouncerConfig, name: str) -> bool:
    effective = config.effective_text(name)
    return effective is not None and not effective.value


def _noun(scope: Scope) -> str:
    return {Scope.DATABASE: "database", Scope.USER: "user", Scope.PEER: "peer"}[scope]


def _program(version: Version | None) -> str:
    return f"PgBouncer {written(version or NEWEST)}"
