"""Servers and poolers, and where poolers lead."""

from typing import TYPE_CHECKING, NamedTuple

from poolcheck.amount import Amount, difference, exactly, product
from poolcheck.budget.facts import Owner
from poolcheck.read.pgbouncer.config import Effective, Entry, PgBouncerConfig, PoolMode, Version
from poolcheck.scale import Replicas
from poolcheck.source import Located, Span

if TYPE_CHECKING:
    from poolcheck.read.kubernetes.manifest import Container, DisruptionBudget, Workload


ONE = exactly(1)


class Server(NamedTuple):
    """A PostgreSQL, MySQL or MariaDB server.

    Of its limit, `max_connections`, so many are `kept_back` for superusers and operators. `place` is where the
    limit is written, or the server is; None where no file shows it. It closes sessions that are idle for
    `idle_session_timeout_s`, where that is stated. `settings` are all that tell it something, by name; None where
    there may be more than the project shows.
    """

    name: str
    max_connections: Amount
    kept_back: Amount
    place: Span | None
    idle_session_timeout_s: Effective[float] | None = None
    owner: Owner | None = None
    cores: int | None = None
    settings: tuple[tuple[str, Located[str]], ...] | None = None

    @property
    def accepts(self) -> Amount:
        """The connections that it has for applications."""
        return (
            self.max_connections if self.kept_back.most == 0 else difference(self.max_connections, self.kept_back)
        )

    def times(self, number: Amount) -> "Server":
        """So many servers under one name."""
        limit, kept_back = product(number, self.max_connections), product(number, self.kept_back)
        return self._replace(max_connections=limit, kept_back=kept_back)


class Pooler(NamedTuple):
    """A PgBouncer, all its processes together.

    `config` is None where its settings are not seen; `mode` is then what configuration states. `accepts` are the
    client connections that all processes accept together, `each_accepts` those of one, `place` is where that is
    written, or the pooler is. `prepared_statements` is how many protocol-level prepared statements it keeps for
    each server connection, None where that is not known. Some poolers of providers are none that `is_pgbouncer`.
    `replicas` are its pods where they are seen, each with so many processes `in_pod`.
    """

    name: str
    place: Span | None
    config: PgBouncerConfig | None
    version: Version | None
    processes: Amount
    accepts: Amount
    each_accepts: Amount
    mode: Effective[PoolMode] | None
    prepared_statements: Effective[int] | None
    owner: Owner | None = None
    is_pgbouncer: bool = True
    replicas: Replicas | None = None
    in_pod: Amount = ONE


class Demand(NamedTuple):
    """The databases of a pooler's whose connections are opened to a server, or to another pooler."""

    pooler: Pooler
    found: Server | Pooler
    entries: tuple[Entry, ...]


class PoolerPods(NamedTuple):
    """A container that runs a pooler, of a workload that is written out, and how many pods there are of it.

    It `is_central` where the pods are there for it, and not for what it is beside. `pooler` is what is known of it
    where it `is_pgbouncer`. `budgets` are those that pick its pods; it `may_have_others` where one is there of
    which that is not told. It `may_differ` where an overlay may change more of it than is seen; what is seen of
    that are the containers that are laid over it, `patches`.
    """

    workload: "Workload"
    container: "Container"
    pods: Amount
    pooler: Pooler | None
    is_pgbouncer: bool
    is_central: bool
    budgets: "tuple[DisruptionBudget, ...]" = ()
    may_have_others: bool = False
    may_differ: bool = False
    patches: "tuple[Container, ...]" = ()
