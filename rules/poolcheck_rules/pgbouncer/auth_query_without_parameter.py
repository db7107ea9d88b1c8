"""An auth_query that does not ask for the user whom PgBouncer looks up, with which nobody is found."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.sql.tokens import Kind, tokens
from poolcheck.rule import Rule
from poolcheck.source import Located

_WITHOUT_QUERIES = frozenset({"any", "ldap", "pam"})
_PARAMETER = "$1"


class AuthQueryWithoutParameter(Rule[PgBouncerConfig]):
    id = "auth-query-without-parameter"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, config: PgBouncerConfig) -> Iterator[Finding]:
        auth_type = config.effective_text("auth_type")
        if auth_type and auth_type.value.lower() in _WITHOUT_QUERIES:
            return
        for query in dict.fromkeys(queries_that_are_run(config)):
            if query.value and not config.is_filled_in(query.value) and not has_parameter(query.value):
                yield self.finding(
                    query.span,
                    f"PgBouncer turns away every client that it looks up: {_PARAMETER}, the client's name, "
                    "is not a parameter of this auth_query, and PostgreSQL refuses it",
                )


def queries_that_are_run(config: PgBouncerConfig) -> Iterator[Located[str]]:
    """The queries that are written out where somebody is there to run them."""
    everywhere, user = config.setting("auth_query"), config.setting("auth_user")
    if everywhere and user and user.value:
        yield everywhere
    for entry in config.databases:
        if entry.in_effect and (entry.parameter("auth_user") or (user and user.value)):
            query = entry.parameter("auth_query") or (everywhere if entry.is_complete else None)
            if query:
                yield query


def has_parameter(query: str) -> bool:
    """Whether a name can be put into a query. One with a quote that never closes may be meant otherwise."""
    return any(
        token.kind is Kind.OPEN or (token.kind is Kind.PLACEHOLDER and token.text == _PARAMETER)
        for token in tokens(query)
    )
