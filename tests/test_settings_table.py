"""The table of settings against a real PgBouncer: the distribution's, or the one that POOLCHECK_PGBOUNCER names.

By hand with another release: POOLCHECK_PGBOUNCER=/opt/pgbouncer-1.24.1/pgbouncer make test.
"""

from collections.abc import Mapping

import pytest

from poolcheck.read.pgbouncer.settings import SETTINGS, Kind, KnownSetting, Scope, Version, known
from servers.client import Row
from servers.pgbouncer import Room

ALL = SETTINGS[Scope.PGBOUNCER]
ENTRIES = [(scope, name) for scope in Scope if scope is not Scope.PGBOUNCER for name in SETTINGS[scope]]
NAMES = sorted({name for settings in SETTINGS.values() for name in settings})

ON_WINDOWS = {"service_name"}

BY_DISTRIBUTION = {
    "auth_query": ALL["auth_query"].default,  # security updates carry that of 1.24.1 back: CVE-2025-2291
    "unix_socket_dir": "/var/run/postgresql",  # a package may be built so; Debian has it in its pgbouncer.ini
}
"""Defaults of a distribution's package that are not those of its release, and why."""

AS_PRINTED = {"unix_socket_mode": "511", "verbose": "0", "tcp_defer_accept": "1"}
"""Values of settings that nothing sets, where SHOW CONFIG prints another text than that of the default."""

SET_HERE = {"conffile", "listen_port", "unix_socket_dir"}

VALUES = {Kind.ENUM: "session", Kind.HOSTS: "127.0.0.1", Kind.STRING: "word"}
"""A value that an entry can have, by kind; a number where the kind is not here."""

NOT_IN_EVERY_BUILD = {"pam", "ldap"}


@pytest.fixture(scope="module")
def printed(room: Room) -> Mapping[str, Row]:
    """The rows of SHOW CONFIG where nothing is set but what keeps a run apart from others, by name."""
    with room.start("[pgbouncer]\n" + room.address) as pooler:
        return {str(row["key"]): row for row in pooler.show("CONFIG")}


def in_release(version: Version) -> dict[str, KnownSetting]:
    """What the table has for [pgbouncer] of a release, as it is built for anything but Windows."""
    return {name: fact for name, fact in ALL.items() if fact.is_in(version) and name not in ON_WINDOWS}


def test_the_program_and_the_table_have_the_same_settings(room: Room, printed: Mapping[str, Row]) -> None:
    assert set(printed) == set(in_release(room.program.version))


def test_the_program_tells_the_defaults_of_the_table(room: Room, printed: Mapping[str, Row]) -> None:
    version, is_packaged = room.program.version, room.program.is_packaged

    differing = {
        name: (printed[name]["default"], default)
        for name, setting in in_release(version).items()
        if (default := setting.default_in(version)) != printed[name]["default"]
        and not (is_packaged and (name, printed[name]["default"]) in BY_DISTRIBUTION.items())
    }
    assert differing == {}


def test_what_is_not_set_has_its_default(printed: Mapping[str, Row]) -> None:
    differing = {name: row["value"] for name, row in printed.items() if row["value"] != row["default"]}

    assert {name: value for name, value in differing.items() if name not in SET_HERE} == {
        name: value for name, value in AS_PRINTED.items() if printed[name]["default"] != value
    }


def test_the_program_tells_what_a_reload_changes(room: Room, printed: Mapping[str, Row]) -> None:
    version = room.program.version

    assert {name: row["changeable"] == "yes" for name, row in printed.items()} == {
        name: setting.is_reloadable_in(version) for name, setting in in_release(version).items()
    }


def entry(scope: Scope, text: str) -> str:
    """A section with one entry; that of a peer has the host that it needs."""
    host = "host=127.0.0.1 " if scope is Scope.PEER else ""
    return f"[{scope}]\n1 = {host}{text}\n"


def starts(room: Room, scope: Scope, text: str) -> bool:
    return room.does_start(f"{entry(scope, text)}[pgbouncer]\n{room.address}")


@pytest.mark.parametrize(("scope", "name"), ENTRIES)
def test_an_entry_has_the_keys_of_its_release(room: Room, scope: Scope, name: str) -> None:
    setting = SETTINGS[scope][name]
    value = setting.values[0] if setting.values else VALUES.get(setting.kind, "1")

    assert starts(room, scope, f"{name}={value}") == setting.is_in(room.program.version)


@pytest.mark.parametrize("scope", [Scope.DATABASE, Scope.USER, Scope.PEER])
def test_an_entry_has_no_other_key(room: Room, scope: Scope) -> None:
    others = [name for name in NAMES if known(scope, name) is None]

    assert [name for name in others if starts(room, scope, f"{name}=1")] == []


def test_no_key_of_an_entry_is_a_setting(room: Room) -> None:
    others = [name for name in NAMES if known(Scope.PGBOUNCER, name) is None]

    assert [name for name in others if room.does_start(f"[pgbouncer]\n{room.address}{name} = 1\n")] == []


def test_an_entry_without_a_port_has_that_of_the_table(room: Room) -> None:
    peers = entry(Scope.PEER, "") if SETTINGS[Scope.PEER]["port"].is_in(room.program.version) else ""
    with room.start(f"{entry(Scope.DATABASE, 'host=db')}{peers}[pgbouncer]\n{room.address}") as pooler:
        ports = {row["name"]: row["port"] for row in pooler.show("DATABASES")}

        assert ports["1"] == SETTINGS[Scope.DATABASE]["port"].default
        if peers:
            assert [row["port"] for row in pooler.show("PEERS")] == [SETTINGS[Scope.PEER]["port"].default]


def listens(room: Room, name: str, value: int) -> bool:
    """Whether one starts, and on TCP: up to 1.18 one that may not listen there starts with a Unix socket only."""
    outcome = room.outcome(f"[pgbouncer]\n{room.address}listen_addr = 127.0.0.1\n{name} = {value}\n")
    return outcome.started and f"LOG listening on 127.0.0.1:{room.port}" in outcome.log


@pytest.mark.parametrize("name", [name for name, fact in ALL.items() if fact.minimum is not None])
def test_a_number_has_the_minimum_of_the_table(room: Room, name: str) -> None:
    minimum = ALL[name].minimum

    assert minimum is not None
    assert listens(room, name, minimum) == ALL[name].is_in(room.program.version)
    assert not listens(room, name, minimum - 1)


@pytest.mark.parametrize("name", [name for name, fact in ALL.items() if fact.maximum is not None])
def test_a_number_has_the_maximum_of_the_table(room: Room, name: str) -> None:
    maximum = ALL[name].maximum

    assert maximum is not None
    assert listens(room, name, maximum) == ALL[name].is_in(room.program.version)
    assert not listens(room, name, maximum + 1)


@pytest.mark.parametrize(("scope", "name"), [each for each in ENTRIES if SETTINGS[each[0]][each[1]].is_never_zero])
def test_a_port_is_never_zero(room: Room, scope: Scope, name: str) -> None:
    assert starts(room, scope, f"{name}=1") == SETTINGS[scope][name].is_in(room.program.version)
    assert not starts(room, scope, f"{name}=0")


@pytest.mark.parametrize("name", [name for name, fact in ALL.items() if fact.values])
def test_a_word_is_known_from_its_release_on(room: Room, name: str) -> None:
    known_words = ALL[name].values_in(room.program.version)

    refused = {
        word
        for word in ALL[name].values
        for line in room.outcome(f"[pgbouncer]\n{room.address}{name} = {word}\n").log
        if line.startswith(f'ERROR invalid value "{word}" for parameter {name}')
    }
    assert refused - NOT_IN_EVERY_BUILD == set(ALL[name].values) - set(known_words) - NOT_IN_EVERY_BUILD
    assert refused >= set(ALL[name].values) - set(known_words)
