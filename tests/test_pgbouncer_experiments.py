"""Whether the reader says of a configuration what PgBouncer did with it: several hundred experiments.

`pgbouncer_experiments.json` holds for each its files, and for each version it was made with whether PgBouncer
started, and what its console showed then: the settings that differ from their defaults, databases, users, peers.
"""

import json
import ssl
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from poolcheck.read.pgbouncer import effective
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.read.pgbouncer.effective import EntryInEffect
from poolcheck.read.pgbouncer.needs import Kind, Need, needs
from poolcheck.read.pgbouncer.settings import Kind as SettingKind
from poolcheck.read.pgbouncer.settings import Scope, known
from proofs.pages import as_read, in_whole_seconds


class Experiment(NamedTuple):
    """What PgBouncer of a version did with the configuration at a path."""

    id: str
    version: str
    path: str
    files: dict[str, bytes]
    accepted: bool
    shown: dict[str, Any]
    is_daemon: bool

    def __str__(self) -> str:
        return f"{self.id}-{self.version}"


def experiments() -> list[Experiment]:
    stored = json.loads((Path(__file__).parent / "pgbouncer_experiments.json").read_text(encoding="ascii"))
    return [
        Experiment(
            each["id"],
            version,
            each["path"],
            {path: text.encode("latin-1") for path, text in each["files"].items()},
            outcome["accepted"],
            outcome.get("shown", {}),
            each.get("daemon", False),
        )
        for each in stored
        for version, outcome in each["outcomes"].items()
    ]


EXPERIMENTS = experiments()
of_every_experiment = pytest.mark.parametrize("experiment", EXPERIMENTS, ids=str)
FOLDERS = {"", "/tmp", "/run/pgb"}
ADDRESSES = {"127.0.0.1", "::1", "*", "localhost", "0.0.0.0", "::"}


def version_of(experiment: Experiment) -> Version:
    return tuple(map(int, experiment.version.split(".")))


def read(experiment: Experiment) -> PgBouncerConfig:
    return as_read(experiment.files, experiment.path, version_of(experiment))


def starts(config: PgBouncerConfig, experiment: Experiment) -> bool:
    found = list(needs(config))
    addresses = [is_met(need, experiment) for need in found if need.kind is Kind.ADDRESS]
    if addresses and not any(addresses):
        return False
    pidfile = config.effective_text("pidfile")
    if experiment.is_daemon and not (pidfile and pidfile.value):
        return False
    return not config.refusals and all(is_met(need, experiment) for need in found if need.kind is not Kind.ADDRESS)


def is_met(need: Need, experiment: Experiment) -> bool:
    """Whether the machine that the experiments were made on had what is needed."""
    text = need.value.value
    match need.kind:
        case Kind.FILE:
            return text in experiment.files
        case Kind.NEW_FILE:
            return text.rpartition("/")[0] in FOLDERS
        case Kind.FOLDER:
            return text in FOLDERS
        case Kind.ADDRESS:
            return text in ADDRESSES
        case Kind.CIPHERS:
            return is_cipher_list(text)
        case Kind.USER | Kind.GROUP:
            return text == "nobody"
        case Kind.BUILD:
            return text.lower() != "ldap" or version_of(experiment) >= (1, 25, 2)


def is_cipher_list(text: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(text)
    except ssl.SSLError:
        return False
    return True


@of_every_experiment
def test_the_reader_knows_whether_pgbouncer_starts(experiment: Experiment) -> None:
    config = read(experiment)

    assert starts(config, experiment) == experiment.accepted, config.refusals


@of_every_experiment
def test_the_reader_knows_what_pgbouncer_runs_with(experiment: Experiment) -> None:
    config = read(experiment)

    found_settings = {each.name: each.value or "" for each in effective.settings(config)}
    for name, value in experiment.shown.get("config", {}).items():
        assert in_six_digits(name, found_settings[name]) == value, name
    found = {each.name.value: each for each in effective.databases(config) if each.name.value != "*"}
    assert not experiment.shown or found.keys() == experiment.shown["databases"].keys()
    for name, row in experiment.shown.get("databases", {}).items():
        assert_shows(found[name], row)
    for name, row in experiment.shown.get("users", {}).items():
        assert_shows(next(each for each in effective.users(config) if each.name.value == name), row)
    peers = {each.name.value: each for each in effective.peers(config)}
    for row in experiment.shown.get("peers", ()):
        number = row.pop("peer_id")
        assert_shows(peers[str(number)], row)


def assert_shows(entry: EntryInEffect, row: dict[str, Any]) -> None:
    values = {each.name: each.value for each in entry.values}
    for name, value in row.items():
        shown = values.get(name)
        if name == "server_lifetime" and shown is not None:
            shown = in_whole_seconds(shown)
        assert shown == (None if value is None else str(value)), name


def in_six_digits(name: str, value: str) -> str:
    """How SHOW CONFIG shows a value: times are cut."""
    fact = known(Scope.PGBOUNCER, name)
    return f"{float(value):g}" if fact and fact.kind is SettingKind.SECONDS else value
