"""Where the values of a configuration are written, and what may be shown of them."""

from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.effective import InEffect
from poolcheck.report.positions import Position, Positions
from poolcheck.report.redact import redact, redact_message
from poolcheck.source import Located, Span


class Written:
    """The texts of a configuration and of what it includes."""

    def __init__(self, config: PgBouncerConfig) -> None:
        self._main = config.span.path
        texts = {part.source.path: part.source.text for part in config.parts}
        self._positions = {path: Positions(text) for path, text in texts.items()}
        # The names of secrets are told by their form, in the file or outside of it.
        self._redacted = {path: redact(text, "pgbouncer.ini") for path, text in texts.items()}
        self._texts = texts

    def position(self, span: Span) -> Position:
        """The line and the column at which a place begins."""
        return self._positions[span.path].position(span.start)

    def end(self, span: Span) -> Position:
        """The line and the column behind a place."""
        return self._positions[span.path].position(span.end)

    def line(self, span: Span) -> str:
        """A place as `line 5`, with the path in place of the word where it is in what is included."""
        line = self.position(span).line
        return f"line {line}" if span.path == self._main else f"{span.path}:{line}"

    def value(self, value: InEffect) -> str | None:
        """A value with `*` for what is secret in it."""
        if value.value is None:
            return None
        return redact_message(value.value if value.span is None else self._shown(value.value, value.span))

    def text(self, written: Located[str]) -> str:
        """What is written at a place with `*` for what is secret in it."""
        return redact_message(self._shown(written.value, written.span))

    def _shown(self, value: str, span: Span) -> str:
        """What the file shows in place of a value, where a part of it is secret."""
        is_secret = (
            self._redacted[span.path][span.start : span.end] != self._texts[span.path][span.start : span.end]
        )
        return self._redacted[span.path][span.start : span.end] if is_secret else value
