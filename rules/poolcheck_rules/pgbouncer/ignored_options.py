"""Settings that clients ask for when they connect, and that ignore_startup_parameters throws away."""

from collections.abc import Iterator
from itertools import takewhile

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.rule import Rule
from poolcheck.source import Located

_RELIED_ON = frozenset(
    {
        "default_transaction_deferrable",
        "default_transaction_isolation",
        "default_transaction_read_only",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "lock_timeout",
        "role",
        "row_security",
        "search_path",
        "statement_timeout",
        "transaction_timeout",
    }
)
"""What decides which rows a statement sees and writes, or how long it may take."""
_TRACKED_SINCE_1_26 = frozenset({"default_transaction_read_only", "search_path"})
_PASSED_ON = frozenset(
    {"client_encoding", "datestyle", "intervalstyle", "standard_conforming_strings", "timezone"}
)
"""What PgBouncer passes on, though it is to be ignored, up to 1.26.0."""
_OPTIONS = "options"


class IgnoredOptions(Rule[PgBouncerConfig]):
    id = "ignored-options"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        kept = kept_by(config)
        if kept is None:
            return
        for word in ignored_by(config):
            if word.value == _OPTIONS:
                yield self.finding(
                    word.span,
                    "PgBouncer drops settings that clients ask for in options when they connect, and tells nobody",
                    severity=Severity.INFO,
                )
            elif word.value in _RELIED_ON - kept:
                yield self.finding(
                    word.span,
                    f"PgBouncer drops the {word.value} that clients ask for when they connect, and tells nobody",
                )
            elif word.value.lower() in _PASSED_ON and config.is_since((1, 26, 1)):
                yield self.finding(
                    word.span,
                    f"PgBouncer 1.26.1 and later drop the {word.value} that clients ask for when they connect, "
                    "and tell nobody",
                )


def ignored_by(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """The parameters that are ignored, each once, up to what looks like a comment."""
    words = config.words("ignore_startup_parameters") or ()
    before_comment = takewhile(lambda word: word.value[0] not in ";#", words)
    yield from {word.value: word for word in reversed(tuple(before_comment))}.values()


def kept_by(config: PgBouncerConfig) -> frozenset[str] | None:
    """The parameters that PgBouncer keeps for clients though they are to be ignored; None where not known.

    From 1.26.1 on it keeps none.
    """
    tracked = config.words("track_extra_parameters")
    if tracked is None or config.is_since((1, 26, 1)):
        return None if tracked is None else frozenset()
    built_in = _TRACKED_SINCE_1_26 if config.is_since((1, 26)) else frozenset[str]()
    return built_in | {word.value.lower() for word in tracked}
