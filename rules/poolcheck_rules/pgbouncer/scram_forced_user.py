"""A user that PgBouncer cannot log in to the server as, because SCRAM secrets stand where it needs a password."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig
from poolcheck.read.pgbouncer.hosts import hosts_of, is_near, is_socket
from poolcheck.read.pgbouncer.userlist import SecretKind, User, secret_kind
from poolcheck.read.template import has_template
from poolcheck.rule import Rule
from poolcheck.source import Located

_WITH_SCRAM = frozenset({"md5", "scram-sha-256"})
"""Values of auth_type by which clients are asked for SCRAM if their secrets are SCRAM."""
_WITHOUT_FILE = frozenset({"any", "pam"})
"""Values of auth_type by which auth_file is not read."""
_KEEPS_KEYS = (1, 14)
"""The first that logs in to servers with the keys of its clients. NEWS, 1.14.0."""
_KEEPS_FIRST_KEYS_ONLY = (1, 25, 1)
"""The first that keeps the keys of a user's first login, and no later ones."""
_KEEPS_KEYS_APART = (1, 26)
"""The first without both faults. https://github.com/pgbouncer/pgbouncer/pull/1504 and 1612"""


class ScramForcedUser(Rule[PgBouncerConfig]):
    id = "scram-forced-user"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        auth_type = config.effective_text("auth_type")
        if auth_type is None or auth_type.value.lower() in _WITHOUT_FILE or may_have_certificate(config):
            return
        for entry in config.databases:
            user = entry.parameter("user")
            if not entry.in_effect or not entry.is_complete or not may_ask_for_password(entry):
                continue
            if user and not has_template(user.value):
                password = entry.parameter("password")
                if password is None:
                    found = list(self._without_password(config, entry, user))
                else:
                    is_plain = secret_kind(password.value) is SecretKind.PLAIN and not is_on_loopback(entry)
                    found = list(self._with_password(config, user)) if is_plain else []
                yield from found or self._beside_another(config, entry, user)

    def _without_password(self, config: PgBouncerConfig, entry: Entry, user: Located[str]) -> Iterator[Finding]:
        """PgBouncer looks in auth_file for the password, and finds what no password can be made of."""
        own = config.userlist.user(user.value) if config.userlist else None
        if own is None or own.secret.value is not SecretKind.SCRAM:
            return
        way = way_for_itself(config)
        before = f" before {user.value} has logged in itself through {way.name.value}" if way else ""
        yield self.finding(
            user.span,
            f"PgBouncer cannot log in to the server as {user.value} with a SCRAM secret{before}",
            notes=[Note(own.secret.span, f"the secret of {user.value}; the entry has no password=")],
            severity=Severity.WARNING if way or is_on_loopback(entry) else None,
        )

    def _with_password(self, config: PgBouncerConfig, user: Located[str]) -> Iterator[Finding]:
        """A client that logs in with a SCRAM secret leaves its keys where the password is looked for."""
        client = next(clients_with_scram(config, user.value), None)
        if client and mixes_keys(config):
            name = client.name.value
            yield self.finding(
                user.span,
                f"after {name} has logged in with its SCRAM secret, PgBouncer up to 1.25.2 offers the server "
                f"the keys of {name} in place of the password of {user.value}",
                notes=[Note(client.secret.span, f"the secret of {name}")],
                severity=Severity.INFO if config.version is None else Severity.WARNING,
            )

    def _beside_another(self, config: PgBouncerConfig, entry: Entry, user: Located[str]) -> Iterator[Finding]:
        """The keys of a client that comes here first are kept for the user whom the entry names."""
        way, client = way_for_itself(config), next(clients_with_scram(config), None)
        is_hit = config.is_since(_KEEPS_FIRST_KEYS_ONLY) and mixes_keys(config)
        if is_hit and client and way and way.is_complete and may_ask_for_password(way) and not is_on_loopback(way):
            name = client.name.value
            yield self.finding(
                user.span,
                f"once {name} has come to {entry.name.value} first, PgBouncer 1.25.1 and 1.25.2 cannot log in "
                f"as {name} to the server of {way.name.value}",
                notes=[Note(client.secret.span, f"the secret of {name}"), Note(way.name.span, "names no user")],
                severity=Severity.WARNING,
            )


def may_have_certificate(config: PgBouncerConfig) -> bool:
    """Whether PgBouncer may log in to servers by a certificate."""
    return config.effective_text("server_tls_key_file") != ("", None)


def may_ask_for_password(entry: Entry) -> bool:
    """Whether the server is reached by TCP, where few let everybody in."""
    host = entry.parameter("host")
    return host is not None and not has_template(host.value) and not any(map(is_socket, names_of(host)))


def is_on_loopback(entry: Entry) -> bool:
    """Whether the server is on the same machine, where it may trust whoever connects."""
    host = entry.parameter("host")
    return host is not None and any(map(is_near, names_of(host)))


def names_of(host: Located[str]) -> list[str]:
    """The hosts of an entry."""
    return [each.value for each in hosts_of(host)]


def way_for_itself(config: PgBouncerConfig) -> Entry | None:
    """A database whose clients log in to the server as themselves; the keys they leave serve other entries too."""
    auth_type = config.effective_text("auth_type")
    if config.is_before(_KEEPS_KEYS) or (auth_type and auth_type.value.lower() not in {*_WITH_SCRAM, "hba"}):
        return None
    return next((each for each in config.databases if each.in_effect and not each.parameter("user")), None)


def mixes_keys(config: PgBouncerConfig) -> bool:
    """Whether the keys of any client take the place of a forced user's password."""
    auth_type = config.effective_text("auth_type")
    is_known_good = config.is_since(_KEEPS_KEYS_APART)
    asks_for_scram = auth_type is not None and auth_type.value.lower() in _WITH_SCRAM
    return asks_for_scram and not config.is_before(_KEEPS_KEYS) and not is_known_good


def clients_with_scram(config: PgBouncerConfig, user: str | None = None) -> Iterator[User]:
    """Who logs in with a SCRAM secret, but for one user."""
    for each in config.userlist.users if config.userlist else ():
        if each.secret.value is SecretKind.SCRAM and each.name.value != user:
            yield each
