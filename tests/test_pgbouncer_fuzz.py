"""The reader and the real PgBouncer, given the same files: they agree on whether it starts, and on every value.

POOLCHECK_FUZZ is how many files are made; POOLCHECK_PGBOUNCER another PgBouncer than the distribution's.
"""

import os
import string
from collections.abc import Mapping
from typing import NamedTuple

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from poolcheck.read.pgbouncer import effective
from poolcheck.read.pgbouncer.config import FALLBACK, PgBouncerConfig
from poolcheck.read.pgbouncer.effective import EntryInEffect
from poolcheck.read.pgbouncer.needs import Kind as NeedKind
from poolcheck.read.pgbouncer.needs import needs
from poolcheck.read.pgbouncer.settings import SETTINGS, Kind, Scope, known
from proofs.pages import COLUMNS, MAIN, PACKAGED, as_read, in_whole_seconds
from servers.client import Row
from servers.pgbouncer import PgBouncer, Room

MADE = int(os.environ.get("POOLCHECK_FUZZ", "200"))
ADDRESS = b"@ADDRESS@\n"
"""Stands for the lines that keep the socket of a PgBouncer to itself; every header sets them back."""

OF_THE_MACHINE = frozenset(
    {
        "conffile", "disable_pqexec", "job_name", "listen_addr", "listen_backlog", "listen_port", "logfile",
        "max_packet_size", "pidfile", "pkt_buf", "resolv_conf", "sbuf_loopcnt", "service_name", "syslog",
        "syslog_facility", "syslog_ident", "track_extra_parameters", "unix_socket_dir", "unix_socket_group",
        "unix_socket_mode", "user", "verbose",
    }
)  # fmt: skip
"""Settings that are not played with: with some values a PgBouncer that starts cannot be asked."""
PLAYED_WITH = sorted(
    name for name in SETTINGS[Scope.PGBOUNCER] if name not in OF_THE_MACHINE and not name.startswith("tcp_")
)
BY_KIND: Mapping[Kind, list[str]] = {
    kind: [name for name in PLAYED_WITH if SETTINGS[Scope.PGBOUNCER][name].kind is kind] for kind in Kind
}
COMPARED = {
    "host", "port", "dbname", "user", "pool_size", "min_pool_size", "reserve_pool_size", "server_lifetime",
    "pool_mode", "load_balance_hosts", "max_db_connections", "max_db_client_connections",
}  # fmt: skip


class Files(NamedTuple):
    """A configuration and what it may include."""

    main: bytes
    others: dict[str, bytes]


def one_in(number: int, rare: st.SearchStrategy[str], usual: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Now and then what is rare. Not at an end of the range: the ends are drawn more often than the rest."""
    return st.integers(1, number).flatmap(lambda drawn: rare if drawn == number // 2 else usual)


words = st.sampled_from(
    [
        "on", "off", "yes", "true", "1s", "5min", "30 s", "session", "transaction", "statement", "Session",
        "md5", "trust", "any", "scram-sha-256", "ldap", "cert", "hba", "disable", "allow", "prefer", "require",
        "verify-ca", "secure", "all", "tlsv1.2", "<empty>", "inf", "nan", "infinity", "-nan", "NAN(1)", "0x",
        "lots",
    ]
)  # fmt: skip
whole = st.one_of(
    st.integers(-100, 100_000).map(str),
    st.sampled_from(["2147483647", "2147483648", "4294967303", "99999999999999999999", "-2147483649", "9" * 40]),
    st.from_regex(r"[+-]?(0x[0-9a-fA-F]{1,10}|0[0-9]{1,5}|[0-9]{1,12})", fullmatch=True),
)
real = st.one_of(
    whole,
    st.from_regex(r"[+-]?([0-9]{1,10}\.[0-9]{0,8}|\.[0-9]{1,8})([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"0x[0-9a-f]{1,4}(\.[0-9a-f]{0,3})?(p[+-]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["1e30", "1e400", "1e-400", "1e-320", "-0", "-0.0", "1_0", "1,5", "1.5.5", "0x1p70"]),
)
odd_value = st.one_of(
    words,
    real,
    st.sampled_from(
        ["", "'20'", '"20"', "20 ; why", "20 # why", "20;x", "$X", "${X}", "= 5", "5\\", "a,b c", "é"]
    ),
    st.text(string.printable.replace("\n", ""), max_size=12),
)


def right_value(kind: Kind, name: str) -> st.SearchStrategy[str]:
    match kind:
        case Kind.INT | Kind.UNSIGNED | Kind.BOOL:
            return st.integers(0, 300).map(str)
        case Kind.SECONDS:
            return st.one_of(st.integers(0, 10_000).map(str), st.floats(0, 1e6).map(str))
        case Kind.ENUM:
            return st.sampled_from(SETTINGS[Scope.PGBOUNCER][name].values)
        case _:
            return st.sampled_from(["", "a", "alice, bob", "x ; y", "SELECT 1", "it's"])


blanks = one_in(6, st.sampled_from(["\t", "  ", "\t \t", ""]), st.just(" "))
ends = one_in(8, st.sampled_from([" \n", "\r\n", "\t\n", "\n\n", "\v\n", "\f\n", "\n \n"]), st.just("\n"))
indents = one_in(6, st.sampled_from([" ", "\t", "\r", "\v", "   "]), st.just(""))


@st.composite
def setting(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(PLAYED_WITH))
    kind = SETTINGS[Scope.PGBOUNCER][name].kind
    value = draw(one_in(8, odd_value, right_value(kind, name)))
    odd_name = st.sampled_from([f"'{name}'", f'"{name}"', name.upper(), f"{name}x", "", "pool_size", f"{name} x"])
    written = draw(one_in(20, odd_name, st.just(name)))
    equals = draw(one_in(20, st.sampled_from(["==", ":", "", "\n="]), st.just("=")))
    return f"{draw(indents)}{written}{draw(blanks)}{equals}{draw(blanks)}{value}{draw(ends)}"


@st.composite
def number_setting(draw: st.DrawFn) -> str:
    """A setting whose value may be read otherwise than it looks."""
    kind = draw(st.sampled_from([Kind.INT, Kind.BOOL, Kind.SECONDS]))
    old = [name for name in BY_KIND[kind] if SETTINGS[Scope.PGBOUNCER][name].since < (1, 16)]
    return f"{draw(st.sampled_from(old))} = {draw(real if kind is Kind.SECONDS else whole)}\n"


PEER_KEYS = ["host", "port", "pool_size"]


class Choice(NamedTuple):
    """What may stand behind a key of a connection string, and what sometimes does."""

    usual: list[str]
    odd: list[str]


CHOICES: Mapping[str, Choice] = {
    "host": Choice(["db", "127.0.0.1", "/run", "a,b", "'a,b'", "'h'"], ["a, b", "h:1", "it''s", "a;b", "'h'x"]),
    "port": Choice(["5432", "'5432'", "70000", "5432abc", "-1"], ["0", "abc", '"5432"', "0x10", " "]),
    "dbname": Choice(["x", "'my db'", "'it''s'", '"x"', "a=b", "x\ty"], ["'a' ", "'a'b", "''", "'it's'"]),
    "user": Choice(["app", "'app user'", "a,b"], ["u" * 130, "'"]),
    "password": Choice(["secret", "se#cr;et", "'a ; b'"], ["''", "'x", "a ;b", "a #b"]),
    "connect_query": Choice(["'SELECT 1; SELECT 2'", "SELECT", "'SET x = ''y'''"], ["SELECT 1", "SET x = y"]),
    "auth_user": Choice(["app"], ["'a b'"]),
    "auth_query": Choice(["'SELECT 1'"], ["SELECT u, p FROM f($1)"]),
    "auth_dbname": Choice(["shop"], ["pgbouncer"]),
    "pool_mode": Choice(["session", "Transaction", "STATEMENT", "'session'"], ["tx", '"session"', "session;"]),
    "load_balance_hosts": Choice(["disable", "Round-Robin"], ["no", "1"]),
    "application_name": Choice(["x", "'x y'"], ["x y"]),
    "client_encoding": Choice(["utf8"], ["'utf8"]),
    "datestyle": Choice(["iso"], ["iso, mdy"]),
    "timezone": Choice(["utc"], ["Europe / Berlin"]),
}
ODD_KEYS = ["sslmode", "HOST", "", '"host"', "reserve_pool", "#port"]


@st.composite
def pair(draw: st.DrawFn, keys: list[str]) -> str:
    key = draw(one_in(40, st.sampled_from(ODD_KEYS), st.sampled_from(keys)))
    usual, odd = CHOICES.get(key, Choice(["5"], ["5"]))
    number = one_in(8, odd_value, st.one_of(st.integers(-3, 100).map(str), whole))
    value = draw(one_in(12, st.sampled_from(odd), st.sampled_from(usual)) if key in CHOICES else number)
    equals = draw(one_in(15, st.sampled_from([" = ", "= ", " =", ":", "=="]), st.just("=")))
    return f"{key}{equals}{value}"


@st.composite
def entry(draw: st.DrawFn, keys: list[str]) -> str:
    pairs = draw(st.lists(pair(keys), max_size=4))
    between = draw(one_in(25, st.sampled_from([",", ";", "\t", ", ", "  ", ""]), st.just(" ")))
    odd_names = [
        "'a b'",
        '"a"',
        "pgbouncer",
        "A",
        "a.b-c_d",
        "d" * 63,
        "d" * 64,
        "é",
        "a@b",
        "''",
        "'x",
        "a*",
        "01",
        "0",
    ]
    usual = ["shop", "audit", "*"] if "port" in keys else ["app", "web", "*"]
    usual = ["1", "2", "65535"] if keys == PEER_KEYS else usual
    needed = ["host=a"] if keys == PEER_KEYS else []
    name = draw(one_in(12, st.sampled_from(odd_names), st.sampled_from(usual)))
    return f"{draw(indents)}{name}{draw(blanks)}={draw(blanks)}{between.join([*needed, *pairs])}{draw(ends)}"


DATABASE_KEYS = sorted({*SETTINGS[Scope.DATABASE]})
lines_of = {
    "pgbouncer": st.one_of(setting(), number_setting()),
    "databases": entry([*DATABASE_KEYS, "host", "port", "user", "pool_size"]),
    "users": entry([*sorted(SETTINGS[Scope.USER]), "pool_mode"]),
    "peers": entry(PEER_KEYS),
}
harmless = st.sampled_from(["\n", "; note\n", "  # note\n", "\t;x = 1\n", "\r\n", "   \n"])
junk = st.sampled_from(
    [
        "// note\n", "-- note\n", "x\n", "[pgbouncer\n", "[ databases ]\n", "[DATABASES]\n", "[database]\n",
        "[]\n", "\0", "\0\n[x]\n", "\ufeff", "\xa0", "%include\n", "%INCLUDE a.ini\n", "%includea.ini\n", "]\n",
        "= 1\n", "\x1a", "\x1c\n",
    ]
)  # fmt: skip
include = one_in(
    8,
    st.sampled_from(
        ["none.ini", '"a.ini"', "a.ini ; x", "sub", "*.ini", "", "pgbouncer.ini", "./b.ini", "sub/../a.ini"]
    ),
    st.sampled_from(["a.ini", "b.ini", "sub/c.ini"]),
).map(lambda path: f"%include {path}\n")


@st.composite
def section(draw: st.DrawFn, names: st.SearchStrategy[str]) -> str:
    name = draw(names)
    usual = st.one_of(lines_of[name], lines_of[name], harmless)
    lines = draw(st.lists(one_in(20, st.one_of(junk, include, include), usual), max_size=6))
    own = ADDRESS.decode() if name == "pgbouncer" else ""
    after = draw(one_in(10, st.sampled_from([" ; note\n", "", " ", "]\n"]), st.just("\n")))
    after = after if "\n" in after or not own else after + "\n"
    return f"{draw(indents)}[{name}]{after}{own}{''.join(lines)}"


any_section = section(st.sampled_from(["pgbouncer", "databases", "databases", "users", "peers"]))


@st.composite
def files(draw: st.DrawFn) -> Files:
    sections = draw(st.lists(any_section, max_size=3))
    at = draw(st.integers(0, len(sections)))
    if draw(st.integers(1, 15)) != 7:
        sections[at:at] = [draw(section(st.just("pgbouncer")))]
    before = draw(one_in(15, st.one_of(junk, lines_of["pgbouncer"], include), st.just("")))
    others = {
        path: encoded(
            draw(st.one_of(any_section, st.lists(lines_of["pgbouncer"], max_size=2).map("".join), include))
        )
        for path in ("a.ini", "b.ini", "sub/c.ini")
    }
    return Files(encoded(before + "".join(sections)), others)


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def starts(config: PgBouncerConfig) -> bool:
    """Whether it should start in a room, where there are no keys, certificates and other users."""
    return not config.refusals and not any(
        need.kind in {NeedKind.FILE, NeedKind.NEW_FILE, NeedKind.USER, NeedKind.CIPHERS} for need in needs(config)
    )


@settings(
    max_examples=MADE,
    deadline=None,
    derandomize="POOLCHECK_FUZZ" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(files())
@example(Files(b"[databases]\nshop = host=a user=app\nshop = host=b\n[pgbouncer]\n" + ADDRESS, {}))
def test_the_reader_and_pgbouncer_agree(room: Room, made: Files) -> None:
    lines = room.address.encode()
    made = Files(
        made.main.replace(ADDRESS, lines),
        {path: text.replace(ADDRESS, lines) for path, text in made.others.items()},
    )
    config = as_read({**made.others, MAIN: made.main}, MAIN, room.program.version)
    # Not every PgBouncer is built with what these words ask for.
    assume(not any(need.kind is NeedKind.BUILD for need in needs(config)))

    with room.start(made.main, made.others) as pooler:
        assert starts(config) == pooler.started, (pooler.log, config.refusals)
        if pooler.started and pooler.socket and is_asked(config):
            assert_settings(config, pooler)
            assert_databases(config, pooler)


def is_asked(config: PgBouncerConfig) -> bool:
    """Whether its console can be asked: TLS and client limits do not keep its administrator away, but times do."""
    return all(
        (time := config.effective_seconds(name)) is not None and (time.value == 0 or time.value > 30)
        for name in ("client_login_timeout", "query_timeout", "client_idle_timeout", "query_wait_timeout")
    )


def assert_settings(config: PgBouncerConfig, pooler: PgBouncer) -> None:
    real = pooler.settings()
    for each in effective.settings(config):
        if each.name in PACKAGED or each.name in OF_THE_MACHINE:
            continue
        fact = known(Scope.PGBOUNCER, each.name)
        value = each.value or ""
        shown = f"{float(value):g}" if fact and fact.kind is Kind.SECONDS else value
        assert shown == (real[each.name] or ""), each.name


def assert_databases(config: PgBouncerConfig, pooler: PgBouncer) -> None:
    rows = {str(row["name"]): row for row in pooler.show("DATABASES") if row["name"] != "pgbouncer"}
    found = {entry.name.value: entry for entry in effective.databases(config) if entry.name.value != FALLBACK}
    assert found.keys() == rows.keys()
    for name, entry in found.items():
        assert_row(entry, rows[name])


def assert_row(entry: EntryInEffect, row: Row) -> None:
    values = {each.name: each.value for each in entry.values}
    for column, value in row.items():
        name = COLUMNS.get(column, column)
        if name in COMPARED:
            ours = values.get(name)
            if name == "server_lifetime" and ours is not None:
                ours = in_whole_seconds(ours)
            assert (ours or "") == (value or ""), (entry.name.value, name)
