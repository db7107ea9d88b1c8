"""What PgBouncer needs of the machine that it starts on, as far as its configuration tells."""

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from poolcheck.read.pgbouncer.config import Effective, PgBouncerConfig

SOCKET_IS_NEEDED = (1, 19)
"""The first PgBouncer that does not start without its Unix socket. NEWS, 1.19.0."""
_OLD_CIPHERS = frozenset({"compat", "legacy", "insecure", "all"})
_DEFAULT_CIPHERS = frozenset({"", "default", "secure", "normal", "fast"})


class Kind(Enum):
    """What it is that has to be there."""

    FILE = auto()
    """A file that can be read and holds a key or a certificate."""
    NEW_FILE = auto()
    """A file that can be written, in a folder that is there."""
    FOLDER = auto()
    """A folder that can be written to."""
    ADDRESS = auto()
    """A name or an address of the machine; one that binds of all that are needed is enough."""
    USER = auto()
    GROUP = auto()
    CIPHERS = auto()
    """Ciphers in the words of OpenSSL."""
    BUILD = auto()
    """A PgBouncer that was built with support for it."""


class Need(NamedTuple):
    """One thing that has to be there, and the setting and the text that ask for it."""

    kind: Kind
    setting: str
    value: Effective[str]


def needs(config: PgBouncerConfig) -> Iterator[Need]:
    """What has to be there for PgBouncer to start on a configuration that it does not refuse."""
    for address in config.listens_on() or ():
        yield Need(Kind.ADDRESS, "listen_addr", Effective(address.value, address.span))
    yield from _socket(config)
    for name in ("logfile", "pidfile"):
        yield from _if_set(config, Kind.NEW_FILE, name)
    yield from _if_set(config, Kind.USER, "user")
    if (folder := config.effective_text("unix_socket_dir")) and folder.value:
        yield from _if_set(config, Kind.GROUP, "unix_socket_group")
    auth = config.effective_text("auth_type")
    if auth and auth.value.lower() in {"pam", "ldap"}:
        yield Need(Kind.BUILD, "auth_type", auth)
    for side in ("client", "server"):
        mode = config.effective_text(f"{side}_tls_sslmode")
        if mode and mode.value.lower() != "disable":
            ciphers = config.effective_text(f"{side}_tls_ciphers")
            words = _DEFAULT_CIPHERS | _OLD_CIPHERS if config.is_before((1, 21)) else _DEFAULT_CIPHERS
            if ciphers and ciphers.value.lower() not in words:
                yield Need(Kind.CIPHERS, f"{side}_tls_ciphers", ciphers)
            if side == "client":
                for name in ("client_tls_key_file", "client_tls_cert_file", "client_tls_ca_file"):
                    yield from _if_set(config, Kind.FILE, name)


def _socket(config: PgBouncerConfig) -> Iterator[Need]:
    """The folder of the Unix socket, without which older releases start if they listen on an address."""
    folder = config.effective_text("unix_socket_dir")
    is_needed = not config.is_before(SOCKET_IS_NEEDED) or config.listens_on() == ()
    if folder and folder.value and not folder.value.startswith("@") and is_needed:
        yield Need(Kind.FOLDER, "unix_socket_dir", folder)


def _if_set(config: PgBouncerConfig, kind: Kind, name: str) -> Iterator[Need]:
    text = config.effective_text(name)
    if text and text.value:
        yield Need(kind, name, text)
