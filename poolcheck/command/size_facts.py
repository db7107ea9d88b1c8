"""What a project says about its database servers, for `poolcheck size`."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from poolcheck.amount import Reason
from poolcheck.budget.facts import DatabaseFacts
from poolcheck.command.project import Budgeted, budgeted
from poolcheck.command.refused import told
from poolcheck.config import Configuration, nearest, read
from poolcheck.read.kubernetes.quantities import cpus
from poolcheck.report.places import Places
from poolcheck.sizing.deployed import Deployed
from poolcheck.sizing.formulas import Given
from poolcheck.sizing.present import Instead, deployed
from poolcheck.source import Located, Span
from poolcheck.toml import place


class Project(NamedTuple):
    """The facts of a project, and the file with the settings that hold for it."""

    budgeted: Budgeted
    configuration: Configuration | None

    @property
    def places(self) -> Places:
        """Where its facts are written."""
        texts: Mapping[str, str] = self.budgeted.texts
        if self.configuration:
            texts = {**texts, self.configuration.path: self.configuration.text}
        return Places(texts, self.budgeted.renderings)

    def servers(self, instead: Instead) -> Iterator[tuple[Deployed, Given | None]]:
        """Each database server as it is deployed, and the cores that it has, where that is said."""
        for database, found in deployed(self.budgeted.facts, instead):
            limit = found.place or self._stated(database, "max_connections")
            yield found._replace(place=limit), self._cores(database)

    def _cores(self, database: DatabaseFacts) -> Given | None:
        if database.cores is not None:
            stated = Reason(f"cores {database.cores} as configured", self._stated(database, "cores"))
            return Given("cores", database.cores, (stated,))
        return self._cpus(database)

    def _stated(self, database: DatabaseFacts, key: str) -> Span | None:
        """Where configuration states something of a server, if it names that."""
        if self.configuration is None:
            return None
        path, text, settings, _ = self.configuration
        if database.owner.name not in settings.databases:
            return None
        prefix = ("tool", "poolcheck") if path.endswith("pyproject.toml") else ()
        return place(path, text, (*prefix, "databases", database.owner.name, key))

    def _cpus(self, database: DatabaseFacts) -> Given | None:
        """The CPUs that the container of a server may use, or has at least."""
        for each in self.budgeted.system.server_containers:
            if each.workload.span == database.owner.span:
                limit, request = each.container.cpu_limit, each.container.cpu_request
                if limit:
                    return _cpus(f"CPU limit {limit.value}", limit)
                if request:
                    return _cpus(f"CPU request {request.value}, and no limit", request)
        return None


def _cpus(text: str, written: Located[str]) -> Given | None:
    number = cpus(written.value)
    return Given("cores", number, (Reason(text, written.span),)) if number else None


def project(options: Namespace) -> Project:
    """The project at the paths that are asked for. Raises Refused."""
    found = budgeted(options)
    path = options.config or (None if options.isolated else nearest(""))
    with told():
        return Project(found, read(path) if path else None)
