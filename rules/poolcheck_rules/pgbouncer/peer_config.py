"""Peers that PgBouncer refuses, or that cancel requests do not reach."""

from collections.abc import Iterator
from typing import NamedTuple

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer import c_number
from poolcheck.read.pgbouncer.config import Effective, Entry, PgBouncerConfig
from poolcheck.read.pgbouncer.hosts import is_socket
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.pgbouncer.settings import Scope
from poolcheck.rule import Rule
from poolcheck.source import Located, Span

_HIGHEST_IN_MANUAL = 16_383
_HIGHEST = 65_535
_PORT = 6432
_ALL = frozenset({"*", "0.0.0.0", "::"})  # noqa: S104 - addresses to look for
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_ASTRAY = "cancel requests go astray"


class PeerConfig(Rule[PgBouncerConfig]):
    id = "peer-config"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for _, written, reason in config.refused(Cause.PEER):
            yield self.finding(written.span, reason, severity=Severity.ERROR)
        if not config.is_before((1, 19)):
            own = config.effective_integer("peer_id")
            if own:
                yield from self.own_id(own, config)
            yield from self.addresses(own, config)

    def own_id(self, own: Effective[int], config: PgBouncerConfig) -> Iterator[Finding]:
        """The finding about the id of the process itself."""
        if own.value <= 0 and config.peers and (own.span or not config.is_embedded):
            given = "unset" if own.span is None else str(own.value)
            message = f"[peers] is not used: peer_id is {given}, which switches peering off"
            yield self.finding(own.span or header_of_peers(config), message)
        elif own.span and own.value > _HIGHEST:
            message = f"peer_id {own.value} is no 16-bit number, and all cancel requests of its clients are lost"
            yield self.finding(own.span, message, severity=Severity.ERROR)
        elif own.span and own.value > _HIGHEST_IN_MANUAL:
            message = f"peer_id {own.value} is above {_HIGHEST_IN_MANUAL}, the most that PgBouncer's manual allows"
            yield self.finding(own.span, message, severity=Severity.INFO)

    def addresses(self, own: Effective[int] | None, config: PgBouncerConfig) -> Iterator[Finding]:
        """The findings about peers that are another peer, or the process itself."""
        first: dict[Address, Peer] = {}
        for peer in peers_of(config):
            other = first.setdefault(peer.address, peer)
            if other is not peer:
                message = f"peers {other.number} and {peer.number} have one address, {peer.address}: {_ASTRAY}"
                yield self.finding(peer.host, message, notes=[Note(other.host, f"peer {other.number} is there")])
            elif own and 0 < own.value != peer.number and (at := own_address(peer.address, config)):
                message = f"peer {peer.number} has the address of this process, {peer.address}: {_ASTRAY}"
                yield self.finding(peer.host, message, notes=[Note(at, f"this process is peer {own.value}")])


class Address(NamedTuple):
    """Where a process listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.host} port {self.port}"


class Peer(NamedTuple):
    """An entry of [peers]: its id, its address, and the place of that."""

    number: int
    address: Address
    host: Span


def peers_of(config: PgBouncerConfig) -> Iterator[Peer]:
    """The peers in effect whose id and address are known."""
    for entry in config.peers:
        address = address_of(entry, config)
        if entry.in_effect and address and not config.is_filled_in(entry.name.value):
            yield Peer(c_number.leading(entry.name.value), address.value, address.span)


def address_of(entry: Entry, config: PgBouncerConfig) -> Located[Address] | None:
    """The address of a peer; None where it is not known, and where the peer is refused."""
    host, port = entry.parameter("host"), entry.parameter("port")
    if host is None or not entry.is_complete or entry.fault or config.is_filled_in(entry.text.value):
        return None
    number = c_number.leading(port.value) if port else _PORT
    return Located(Address(without_slash(host.value), number), host.span)


def own_address(address: Address, config: PgBouncerConfig) -> Span | None:
    """The place that makes an address the process's own; None where none is seen to."""
    port = config.effective_integer("listen_port")
    if port is None or port.value != address.port:
        return None
    if is_socket(address.host):
        folder = config.setting("unix_socket_dir")
        return folder.span if folder and without_slash(folder.value) == address.host else None
    for listening in config.listens_on() or ():
        if listening.value == address.host or (listening.value in _ALL and address.host in _LOOPBACK):
            return listening.span
    return None


def without_slash(host: str) -> str:
    """A folder without the slash at its end, and everything else as it is."""
    return host.rstrip("/") if len(host) > 1 else host


def header_of_peers(config: PgBouncerConfig) -> Span:
    """The header that the first peer stands under."""
    return next(header.span for header in config.headers if header.value == Scope.PEER)
