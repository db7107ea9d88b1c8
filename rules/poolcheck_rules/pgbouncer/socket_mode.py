"""A mode of the Unix socket that PgBouncer reads as decimal, or that lets all in where no password is asked."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located

_DIGITS = re.compile(r"[1-7]?[0-7]{3}")
_ALL_BITS = 0o777
_WRITE = {"the owner": 0o200, "the group": 0o020, "everybody else": 0o002}
"""Who needs which bit to connect."""


class SocketMode(Rule[PgBouncerConfig]):
    id = "socket-mode"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        folder = config.settings_in_effect.get("unix_socket_dir")
        written, mode = config.setting("unix_socket_mode"), config.effective_integer("unix_socket_mode")
        if folder and (not folder.value or folder.value.startswith("@")):
            return
        if written and mode and mode.value > _ALL_BITS and _DIGITS.fullmatch(written.value):
            yield self.decimal(written, mode.value)
        elif mode and mode.value & _WRITE["everybody else"] and (auth := open_method(config)):
            yield self.finding(
                mode.span or auth.span,
                f"every account of this machine logs in without a password: the socket's mode is {mode.value:04o}"
                f"{'' if mode.span else ' by default'}",
                notes=[Note(auth.span, f"auth_type is {auth.value}")] if mode.span else [],
                severity=Severity.WARNING if mode.span else Severity.INFO,
            )

    def decimal(self, written: Located[str], mode: int) -> Finding:
        """The finding about a mode that lacks its leading 0."""
        meant = int(written.value, 8)
        shut_out = [who for who, bit in _WRITE.items() if meant & bit and not mode & bit]
        let_in = [who for who, bit in _WRITE.items() if mode & bit and not meant & bit]
        harms = [f"{verb} {listed(who)}" for verb, who in (("shuts out", shut_out), ("lets in", let_in)) if who]
        return self.finding(
            written.span,
            f"PgBouncer reads {written.value} as decimal, which {listed([f'is mode {mode:04o}', *harms])}",
            fix=Fix(f"Write 0{written.value}", (Edit(written.span, f"0{written.value}"),)),
            severity=None if harms else Severity.WARNING,
        )


def open_method(config: PgBouncerConfig) -> Located[str] | None:
    """The method that asks for no password, where nothing but the socket's mode keeps anybody out."""
    auth = config.setting("auth_type")
    if auth is None or config.is_embedded or config.listens_on() != () or config.is_unknown("unix_socket_dir"):
        return None
    knows_users = any(name in config.settings_in_effect for name in ("auth_file", "auth_user"))
    lets_in = {"any", "trust"} if knows_users else {"any"}
    return auth if auth.value.lower() in lets_in else None


def listed(parts: list[str]) -> str:
    """Parts of a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
