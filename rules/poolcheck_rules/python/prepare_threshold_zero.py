"""psycopg told to prepare every statement at once, where preparing none was meant."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Fix, Note, Severity
from poolcheck.read.python.libraries.constructor import Library
from poolcheck.read.python.pools.client_pool import ClientPool
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule
from poolcheck.source import Edit
from poolcheck.system.clients import Client
from poolcheck.system.targets import exchange, sharing
from poolcheck.system.whole import System
from poolcheck.value import Known, number_of


class PrepareThresholdZero(Rule[System]):
    id = "prepare-threshold-zero"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        for client in system.clients:
            threshold = client.pool.driver_argument("prepare_threshold")
            is_psycopg = client.pool.driver in {"psycopg", None} and not is_bound_by_django(client.pool)
            if threshold is None or number_of(threshold) != 0 or not is_psycopg or client.pool.role is Role.TEST:
                continue
            shared = sharing(client.target)
            message = "prepare_threshold=0 prepares every statement when it is first executed; None prepares none"
            notes = [Note(place, "the 0 is written here") for place in client.pool.written_at(threshold)]
            notes += [Note(reason.span, reason.text) for reason in shared.because if reason.span] if shared else []
            is_plain = len(threshold.places) == 1
            fix = Fix("Write None", (Edit(threshold.places[0], "None"),), safe=bool(shared and shared.is_certain))
            yield self.finding(
                client.pool.used_at(threshold),
                message,
                notes=notes,
                fix=fix if is_plain else None,
                severity=severity_of(client),
            )


def is_bound_by_django(pool: ClientPool) -> bool:
    """Whether Django puts the parameters into each statement itself, so that none is ever prepared."""
    if pool.constructor.library is not Library.DJANGO:
        return False
    binding = pool.driver_argument("server_side_binding")
    return not (isinstance(binding, Known) and binding.scalar)


def severity_of(client: Client) -> Severity:
    """Certain harm behind a pooler that shares servers; advice where that keeps statements; else a warning."""
    shared, pooler = sharing(client.target), client.target and client.target.pooler
    if shared:
        return Severity.ERROR if shared.is_certain else Severity.WARNING
    return Severity.INFO if pooler and pooler.prepared_statements and exchange(client.target) else Severity.WARNING
