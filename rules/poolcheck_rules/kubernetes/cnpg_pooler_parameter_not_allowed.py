"""A setting of PgBouncer or a pool mode that CloudNativePG does not allow in a Pooler."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.managed import Managed, Parameter
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.operator_settings import HANDED_ON
from poolcheck.read.pgbouncer.settings import scopes_of
from poolcheck.rule import Rule
from poolcheck.source import Located

MODES = frozenset({"session", "transaction"})


class CnpgPoolerParameterNotAllowed(Rule[Manifest]):
    id = "cnpg-pooler-parameter-not-allowed"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        for managed in manifest.managed:
            if managed.kind != "Pooler":
                continue
            for parameter in managed.parameters:
                if parameter.name.value not in HANDED_ON:
                    yield self.finding(
                        parameter.name.span,
                        f"CloudNativePG 1.30 refuses {parameter.name.value} in a Pooler{likely(parameter)}",
                        severity=severity_of(parameter),
                    )
            if (mode := pool_mode(managed)) and mode.value not in MODES:
                yield self.finding(
                    mode.span,
                    f"CloudNativePG refuses the pool mode {mode.value}: it knows session and transaction",
                )


def severity_of(parameter: Parameter) -> Severity | None:
    """How sure it is that the object is refused: a later CloudNativePG may know what PgBouncer gets later."""
    is_known = scopes_of(parameter.name.value) or likely(parameter)
    return None if is_known else Severity.WARNING


def likely(parameter: Parameter) -> str:
    """What is meant by a name that PgBouncer does not know either, as the end of a sentence."""
    from difflib import get_close_matches

    name = parameter.name.value
    close = [] if scopes_of(name) else get_close_matches(name.lower(), sorted(HANDED_ON), n=1, cutoff=0.8)
    return f", and knows {close[0]}" if close else ""


def pool_mode(managed: Managed) -> Located[str] | None:
    """The pool mode that the object writes out."""
    statements = (each for pooler in managed.poolers for each in pooler.statements)
    return next((each.value for each in statements if each.name.value == "pool_mode"), None)
