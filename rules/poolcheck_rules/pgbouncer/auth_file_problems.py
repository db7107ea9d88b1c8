"""An auth_file that PgBouncer does not read as it is meant, or that lacks somebody it needs."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.pgbouncer.config import FALLBACK, Effective, Entry, PgBouncerConfig
from poolcheck.read.pgbouncer.hosts import hosts_of, is_near
from poolcheck.read.pgbouncer.settings import Scope
from poolcheck.read.pgbouncer.userlist import SecretKind, Userlist
from poolcheck.read.template import has_template
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span

_CHECKS_PASSWORDS = frozenset({"md5", "plain", "scram-sha-256"})
_NEEDS_THE_FILE = _CHECKS_PASSWORDS | {"cert", "trust"}
"""Values of auth_type by which nobody is let in whom neither auth_file nor auth_query knows."""
_READS_NO_FILE = frozenset({"any", "pam"})
_OPERATOR = "pgbouncer"
"""The console lets this name in over the Unix socket, from the account that PgBouncer runs under."""
_MOST_NAMES = 3


class AuthFileProblems(Rule[PgBouncerConfig]):
    id = "auth-file-problems"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        auth_type = config.effective_text("auth_type")
        if auth_type is None or auth_type.value.lower() in _READS_NO_FILE:
            return
        if config.userlist is None:
            yield from self._nobody_known(config, auth_type)
            return
        yield from self._misread(config.userlist)
        if auth_type.value.lower() in _CHECKS_PASSWORDS:
            yield from self._refused(config, config.userlist, auth_type)
        if auth_type.value.lower() != "trust":
            yield from self._without_password(config, config.userlist)
        if auth_type.value.lower() in _NEEDS_THE_FILE:
            yield from self._no_admin(config, config.userlist)

    def _nobody_known(self, config: PgBouncerConfig, auth_type: Effective[str]) -> Iterator[Finding]:
        place = auth_type.span or header_of(config)
        if place and auth_type.value.lower() in _NEEDS_THE_FILE and knows_nobody(config):
            yield self.finding(
                place, "neither auth_file nor auth_user is set: PgBouncer knows no user and lets no client in"
            )

    def _misread(self, userlist: Userlist) -> Iterator[Finding]:
        """What PgBouncer makes of the file is not what stands in it."""
        for user in userlist.users:
            if user.runs_on:
                yield self.finding(
                    user.name.span, "this line lacks a double quote, and PgBouncer takes the next one in the file"
                )
        if userlist.fault:
            span, reason = userlist.fault
            is_comment = any(hash_sign.start == span.start for hash_sign in userlist.hashes)
            yield self.finding(
                span,
                f"PgBouncer stops reading here: {reason}{lost(userlist)}",
                fix=with_semicolons(userlist) if is_comment else None,
                severity=Severity.INFO if is_comment and not userlist.unread else None,
            )

    def _refused(
        self, config: PgBouncerConfig, userlist: Userlist, auth_type: Effective[str]
    ) -> Iterator[Finding]:
        """Secrets that no password matches."""
        for_servers = names_for_servers(config)
        for name, user in {user.name.value: user for user in userlist.users if not user.runs_on}.items():
            kind = user.secret.value
            if user.looks_hashed:
                yield self.finding(
                    user.secret.span, f"PgBouncer takes this for the password of {name}: it is no valid hash"
                )
            elif name in for_servers:
                continue
            elif kind is SecretKind.EMPTY:
                yield self.finding(user.secret.span, f"{name} cannot log in: no password matches an empty secret")
            elif kind is SecretKind.MD5 and auth_type.value.lower() == "scram-sha-256":
                notes = [Note(auth_type.span, "which lets nobody in by MD5")] if auth_type.span else []
                message = f"{name} cannot log in: auth_type is scram-sha-256, and this is an MD5 secret"
                yield self.finding(user.secret.span, message, notes=notes)

    def _without_password(self, config: PgBouncerConfig, userlist: Userlist) -> Iterator[Finding]:
        """Users as whom PgBouncer logs in to servers that will ask it for a password."""
        if config.effective_text("server_tls_key_file") != ("", None):
            return
        for user in dict.fromkeys(logged_in_as(config)):
            own = userlist.user(user.value)
            if userlist.lacks(user.value):
                message = f"PgBouncer logs in to the server as {user.value}, and auth_file has no password for it"
                yield self.finding(user.span, message, severity=Severity.WARNING)
            elif own and own.secret.value is SecretKind.SCRAM and user in [*auth_users(config)]:
                yield self.finding(
                    user.span,
                    f"PgBouncer cannot run auth_query as {user.value} before {user.value} has logged in itself",
                    notes=[Note(own.secret.span, "a SCRAM secret does not say the password")],
                    severity=Severity.WARNING,
                )

    def _no_admin(self, config: PgBouncerConfig, userlist: Userlist) -> Iterator[Finding]:
        admins = config.words("admin_users")
        if not admins or may_look_up_admins(config) or any(admin.value == _OPERATOR for admin in admins):
            return
        if all(userlist.lacks(admin.value) for admin in admins):
            place = admins[0].span._replace(end=admins[-1].span.end)
            who = named([admin.value for admin in admins])
            yield self.finding(
                place, f"auth_file does not know {who}: no admin can log in by password", severity=Severity.INFO
            )


def header_of(config: PgBouncerConfig) -> Span | None:
    """The header under which a setting would stand that is not set."""
    return next((header.span for header in reversed(config.headers) if header.value == Scope.PGBOUNCER), None)


def knows_nobody(config: PgBouncerConfig) -> bool:
    """Whether a whole configuration names no place that users are known from."""
    databases = [entry for entry in config.databases if entry.in_effect]
    places = (config.effective_text("auth_file"), config.effective_text("auth_user"))
    if any(place is None or place.value for place in places) or not databases:
        return False
    # 1.18 trusts whom [users] names.
    return not config.users and all(entry.is_complete and not entry.parameter("auth_user") for entry in databases)


def lost(userlist: Userlist) -> str:
    """Who is not read, as the end of a sentence."""
    return f"; it does not know {named([user.value for user in userlist.unread])}" if userlist.unread else ""


def named(names: list[str]) -> str:
    """Names in words, not too many of them."""
    names = list(dict.fromkeys(names))
    if len(names) > _MOST_NAMES:
        names = [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more"]
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def with_semicolons(userlist: Userlist) -> Fix:
    """All lines that begin with # as comments."""
    return Fix("Begin the comment with ;", tuple(Edit(span, ";") for span in userlist.hashes))


def names_for_servers(config: PgBouncerConfig) -> set[str]:
    """Users who may be in auth_file only for PgBouncer to log in to servers."""
    forced = (entry.parameter("user") for entry in config.databases if entry.in_effect)
    return {user.value for user in (*forced, *auth_users(config)) if user}


def auth_users(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """Who runs auth_query."""
    for entry in config.databases:
        if entry.in_effect and (own := entry.parameter("auth_user")):
            yield own
    if everywhere := config.setting("auth_user"):
        yield everywhere


def logged_in_as(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """The users whose passwords are looked for in auth_file, for servers on other machines."""
    everywhere = config.setting("auth_user")
    for entry in config.databases:
        if not entry.in_effect or not entry.is_complete:
            continue
        user, password = entry.parameter("user"), entry.parameter("password")
        if password is None and is_elsewhere(entry):
            yield from written_out(user)
        asked = asked_by(config, entry)
        if asked and is_elsewhere(asked):
            yield from written_out(entry.parameter("auth_user") or everywhere)


def written_out(user: Located[str] | None) -> Iterator[Located[str]]:
    """The user, where there is one and no template stands for the name."""
    if user and not has_template(user.value):
        yield user


def asked_by(config: PgBouncerConfig, entry: Entry) -> Entry | None:
    """The database in which the clients of an entry are looked up; None where that is not known."""
    if config.is_unknown("auth_dbname"):
        return None
    written = entry.parameter("auth_dbname") or config.setting("auth_dbname")
    if written is None:
        return entry
    entries = {each.name.value: each for each in config.databases if each.in_effect}
    return entries.get(written.value) or entries.get(FALLBACK)


def is_elsewhere(entry: Entry) -> bool:
    """Whether the server is on another machine, where it hardly lets PgBouncer in without a password."""
    host = entry.parameter("host")
    return (
        host is not None
        and not has_template(host.value)
        and not any(is_near(each.value) for each in hosts_of(host))
    )


def may_look_up_admins(config: PgBouncerConfig) -> bool:
    """Whether auth_query may know the admins, which it is asked in a database of its own only, or [users] may."""
    has_database = config.effective_text("auth_dbname") != ("", None)
    return (has_database and config.effective_text("auth_user") != ("", None)) or bool(config.users)
