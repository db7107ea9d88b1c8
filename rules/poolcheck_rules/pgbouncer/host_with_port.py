"""A port or brackets in a host, or a list of ports: PgBouncer looks up all of it as a name."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig
from poolcheck.read.pgbouncer.hosts import hosts_of, is_socket
from poolcheck.read.pgbouncer.refusal import Cause
from poolcheck.read.template import masked
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_PORTS = re.compile(r"(?P<first>[0-9]+)(?:,[0-9]+)+")
_WITH_PORT = re.compile(r"(?P<host>[^:/@\[\]]+|\[(?P<address>[0-9A-Fa-f:.]+)\]):(?P<port>[0-9]{1,5})")
_PORT = re.compile(r":[0-9]{1,5}$")
_BEHIND_TEMPLATE = re.compile(r"\0+:[0-9]{4,5}")
_BRACKETED = re.compile(r"\[(?P<host>[0-9A-Fa-f:.]+|[\w-]+(?:\.[\w-]+)+)\]")
_MORE_THAN_A_HOST = re.compile(r"[\t\";=]")
"""What stands in it by another fault: quotes, or what was meant to be the next pair."""


class HostWithPort(Rule[PgBouncerConfig]):
    id = "host-with-port"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for _, written, reason in config.refused(Cause.HOST_LIST):
            yield self.finding(written.span, reason)
        for entry in (*config.databases, *config.peers):
            if entry.in_effect:
                yield from self.entry(entry, config)

    def entry(self, entry: Entry, config: PgBouncerConfig) -> Iterator[Finding]:
        """The findings about the host and the port of an entry."""
        host, port = entry.parameter("host"), entry.parameter("port")
        odd = next((each for each in hosts_of(host) if is_odd(each.value, config)), None) if host else None
        if host and odd:
            message = f"PgBouncer looks up {shown(odd.value)} as a name, {odd_part(odd.value)} and all"
            place = odd.span if host.value != odd.value else host.span
            fix = split(host, port, entry) if host.value == odd.value else None
            yield self.finding(place, message, fix=fix)
        ports = _PORTS.fullmatch(port.value) if port else None
        if port and ports and set(port.value.split(",")) != {ports["first"]}:
            yield self.finding(port.span, f"PgBouncer reads port={port.value} as {ports['first']}, for each host")


def is_odd(host: str, config: PgBouncerConfig) -> bool:
    """Whether a host has a colon and is neither a socket nor an IPv6 address, or has brackets around its dots."""
    read = masked(host) if config.is_filled_in(host) else host
    if "\0" in read:
        return _BEHIND_TEMPLATE.fullmatch(read) is not None
    if "." in read and _BRACKETED.fullmatch(read):
        return True
    if ":" not in read or is_socket(read) or _MORE_THAN_A_HOST.search(read):
        return False
    from ipaddress import IPv6Address

    try:
        IPv6Address(read)
    except ValueError:
        return True
    return False


def shown(host: str) -> str:
    """The host, unless it may be a URI, which may hold a password."""
    return "this" if "/" in host or "@" in host else host


def odd_part(host: str) -> str:
    """What does not belong to a host."""
    return "port" if _PORT.search(host) else "brackets" if _BRACKETED.fullmatch(host) else "colon"


def split(host: Located[str], port: Located[str] | None, entry: Entry) -> Fix | None:
    """The host, and the port on its own; None where the entry has another port, or may have."""
    if bracketed := _BRACKETED.fullmatch(host.value):
        return Fix("Write the host without brackets", (Edit(host.span, bracketed["host"]),))
    written = _WITH_PORT.fullmatch(host.value)
    if written is None or not entry.is_complete or int(written["port"]) == 0:
        return None
    name = written["address"] or written["host"]
    if port is None:
        return Fix("Write the port on its own", (Edit(host.span, f"{name} port={written['port']}"),))
    if port.value == written["port"]:
        return Fix("Write the host without its port", (Edit(host.span, name),))
    return None
