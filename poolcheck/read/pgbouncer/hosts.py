"""Hosts as PgBouncer's settings name them, and which of them are on its own machine."""

import re
from ipaddress import ip_address

from poolcheck.source import Located, Span

_NAME = re.compile(r"[^\s;#,/\"'()<>@=]+")


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
        try:
            ip_address(host.partition("%")[0])
        except ValueError:
            return False
        return True
    return host == "*" or _NAME.fullmatch(host) is not None


def is_socket(host: str) -> bool:
    """Whether a host is the directory of a Unix socket, or an abstract one."""
    return host.startswith(("/", "@"))


def is_near(host: str) -> bool:
    """Whether a host is on the machine itself: a Unix socket or a loopback address."""
    if is_socket(host) or host.lower() in {"localhost", "localhost.localdomain", "ip6-localhost"}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
