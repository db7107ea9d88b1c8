"""Hosts as PgBouncer's settings name them, and which of them are on its own machine."""

import re
from typing import TYPE_CHECKING

from poolcheck.source import Located, Span

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_NAME = re.compile(r"[^\s;#,/\"'()<>@=]+")
_LIKE_IPV4 = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_SHORT_LOOPBACK = re.compile(r"127(?:\.[0-9]{1,8}){1,2}")
"""127.1, which is 127.0.0.1."""

_OWN_NAMES = frozenset(
    {
        "localhost",
        "localhost.localdomain",
        "localhost4",
        "localhost4.localdomain4",
        "localhost6",
        "localhost6.localdomain6",
        "ip6-localhost",
        "ip6-loopback",
        "host.docker.internal",
        "host.containers.internal",
    }
)
"""Names of the loopback in the hosts files of distributions, and of the machine in its containers."""


def hosts_of(written: Located[str]) -> tuple[Located[str], ...]:
    """The hosts of a list, which commas part; blanks around them belong to none. PgBouncer, util.c."""
    path, start, _ = written.span
    found: list[Located[str]] = []
    for part in written.value.split(","):
        if host := part.strip():
            begin = start + part.index(host)
            found.append(Located(host, Span(path, begin, begin + len(host))))
        start += len(part) + 1
    return tuple(found)


def is_address(host: str) -> bool:
    """Whether something may be the address of this machine: a name, an IPv4 or an IPv6 address, or `*` for all."""
    if ":" in host:
        return _parsed(host.partition("%")[0]) is not None
    return host == "*" or _NAME.fullmatch(host) is not None


def is_socket(host: str) -> bool:
    """Whether a host is the directory of a Unix socket, or an abstract one."""
    return host.startswith(("/", "@"))


def is_near(host: str) -> bool:
    """Whether a host is on the machine itself: a Unix socket, a loopback address, or a name that means one."""
    name = host.lower().removesuffix(".")
    if is_socket(host) or name in _OWN_NAMES or name.endswith(".localhost") or _SHORT_LOOPBACK.fullmatch(host):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def is_far(host: str) -> bool:
    """Whether a host is surely reached over a network: `*` for all addresses, or one that is no loopback.

    What a name stands for is not known.
    """
    if host == "*":
        return True
    address = _address(host)
    return address is not None and not address.is_loopback


def is_public(host: str) -> bool:
    """Whether a host is an IPv4 address of the Internet; those of IPv6 are used in closed networks, too."""
    address = _address(host)
    return address is not None and address.version == 4 and address.is_global


def _address(host: str) -> "IPv4Address | IPv6Address | None":
    """The address that a host is, of IPv4 where it is one of that in the clothes of IPv6; None for a name."""
    address = _parsed(host)
    return (address.ipv4_mapped or address) if address and address.version == 6 else address


def _parsed(host: str) -> "IPv4Address | IPv6Address | None":
    """The import takes longer than all else here, and most hosts are names."""
    if ":" not in host and not _LIKE_IPV4.fullmatch(host):
        return None
    from ipaddress import ip_address

    try:
        return ip_address(host)
    except ValueError:
        return None
