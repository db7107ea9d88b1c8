"""A comment behind a value, of which it becomes a part: PgBouncer knows comments only on lines of their own."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Severity
from poolcheck.read.pgbouncer.config import FALLBACK, Entry, PgBouncerConfig, PoolMode, Setting
from poolcheck.read.pgbouncer.settings import Kind, Scope, known
from poolcheck.read.pgbouncer.sql import comment_behind
from poolcheck.rule import Rule
from poolcheck.source import Edit, Located, Span

_IN_A_WORD = re.compile(r"[;#][ \t]*[^ \t].*")
_AT_THE_START = r"^[;#][ \t]+[^ \t].*"
_BEHIND_A_BLANK = re.compile(rf"{_AT_THE_START}|(?<=[ \t])[;#](?![0-9]+$)[ \t]*[^ \t].*")
_REFUSED = re.compile(r"(?:^|(?<=[ \t]))[;#].*")

_ONE_WORD = frozenset({Kind.INT, Kind.UNSIGNED, Kind.BOOL, Kind.ENUM, Kind.SECONDS})
_FREE_TEXT = frozenset({"auth_ldap_options", "login_notify_message"})
_QUERIES = frozenset({"auth_query", "server_check_query", "server_reset_query"})
_RIGHTS = {"admin_users": "may administer it", "stats_users": "may read its statistics"}


class InlineComment(Rule[PgBouncerConfig]):
    id = "inline-comment"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        for setting in config.settings:
            if comment := comment_in(setting, config):
                severity, harm = harm_of(setting.name.value, comment.value, config)
                fix = moved_up(comment, setting.value, config)
                yield self.finding(comment.span, f"PgBouncer {harm}", severity=severity, fix=fix)
        for kind, entries in (("database", config.databases), ("user", config.users), ("peer", config.peers)):
            for entry in entries:
                if entry.comment:
                    fix = moved_up(entry.comment, entry.text, config)
                    yield self.finding(entry.comment.span, f"PgBouncer {harm_to(kind, entry)}", fix=fix)


def comment_in(setting: Setting, config: PgBouncerConfig) -> Located[str] | None:
    """The part of a value that is a comment to everybody but PgBouncer."""
    name, (text, (path, start, _)) = setting.name.value, setting.value
    if config.is_filled_in(text):
        return None
    if name in _QUERIES and setting.in_effect:
        found = comment_behind(text, is_reset_query=name == "server_reset_query")
    else:
        found = pattern.search(text) if (pattern := pattern_for(setting)) else None
    return Located(found[0], Span(path, start + found.start(), start + found.end())) if found else None


def pattern_for(setting: Setting) -> re.Pattern[str] | None:
    """What can only be a comment in this setting; None where it cannot be told from a value that is meant."""
    name = setting.name.value
    fact = known(Scope.PGBOUNCER, name)
    if fact is None:
        return None
    if fact.kind in _ONE_WORD:
        return _IN_A_WORD
    if not setting.in_effect or name in _FREE_TEXT:
        return None
    if fact.kind is Kind.HOSTS or name == "user":
        return _REFUSED
    return _BEHIND_A_BLANK


def harm_of(name: str, comment: str, config: PgBouncerConfig) -> tuple[Severity, str]:
    """What the comment does to a setting of [pgbouncer]."""
    fact = known(Scope.PGBOUNCER, name)
    kind = fact.kind if fact else Kind.STRING
    if kind in _ONE_WORD or kind is Kind.HOSTS or name == "user":
        return Severity.ERROR, f"takes the comment for part of {name} and does not start"
    if kind is Kind.PATH:
        return Severity.ERROR, f"takes the comment for part of the path in {name}"
    if name in _RIGHTS and re.search(r"[, \t]\w", comment):
        return Severity.ERROR, f"takes each word of the comment for a user who {_RIGHTS[name]}"
    if name == "server_reset_query" and resets(config):
        return Severity.ERROR, "sends the comment with server_reset_query, which fails and resets nothing"
    if name in {"auth_query", "server_check_query"}:
        return Severity.WARNING, f"sends the comment with {name}, which fails"
    return Severity.WARNING, f"takes the comment for part of {name}"


def resets(config: PgBouncerConfig) -> bool:
    """Whether PgBouncer is seen to send server_reset_query: in session mode, or because it always does."""
    always = config.effective_integer("server_reset_query_always")
    in_session = any(mode and mode.value is PoolMode.SESSION for mode in config.pool_modes())
    return in_session or bool(always and always.value)


def harm_to(kind: str, entry: Entry) -> str:
    """What the comment does to an entry; that of the fallback is not read before a client needs it."""
    harm = "refuses the clients it is for" if entry.name.value == FALLBACK else "does not start"
    return f"takes the comment for part of {kind} {entry.name.value} and {harm}"


def moved_up(comment: Located[str], value: Located[str], config: PgBouncerConfig) -> Fix | None:
    """The comment on a line of its own above, indented alike; None where the value is nothing else."""
    kept = value.value[: comment.span.start - value.span.start].rstrip(" \t")
    if not kept:
        return None
    line, place = config.line(comment.span)
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    line_break = "\r\n" if line.endswith("\r\n") else "\n"
    above = Edit(place._replace(end=place.start), f"{indent}{comment.value}{line_break}")
    cut = Edit(comment.span._replace(start=value.span.start + len(kept)), "")
    return Fix("Move the comment to a line of its own", (above, cut))
