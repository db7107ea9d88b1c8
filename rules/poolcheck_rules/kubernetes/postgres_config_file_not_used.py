"""A configuration, or a variable for max_connections, that the image postgres is given and does not look at."""

import posixpath
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity, one_for_each_place
from poolcheck.read.kubernetes.manifest import EnvVar
from poolcheck.rule import Rule
from poolcheck.system.containers import ServerContainer
from poolcheck.system.whole import System
from poolcheck.value import Known


class PostgresConfigFileNotUsed(Rule[System]):
    id = "postgres-config-file-not-used"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        yield from one_for_each_place(
            finding
            for server in system.server_containers
            if is_of_library(server) and not may_be_set_up(server)
            for finding in (*self.files(server), *self.variables(server))
        )

    def files(self, server: ServerContainer) -> Iterator[Finding]:
        """The configurations that nothing tells the server to read."""
        if "config_file" in server.given:
            return
        for path in server.configurations:
            if not is_read(path.value, server):
                yield self.finding(
                    path.span,
                    f"{server.workload.name.value} does not read {path.value}: PostgreSQL reads the "
                    "postgresql.conf in its data folder, unless config_file names another",
                )

    def variables(self, server: ServerContainer) -> Iterator[Finding]:
        """The variables that are for other images."""
        if "max_connections" in server.given:
            return
        for variable in server.container.env:
            if variable.name.value in OF_OTHERS and is_own(variable, server):
                yield self.finding(
                    variable.name.span,
                    f"{variable.name.value} does nothing: the image {image(server)} does not know it",
                )


OF_OTHERS = frozenset({"POSTGRES_MAX_CONNECTIONS", "POSTGRESQL_MAX_CONNECTIONS"})
"""Variables for max_connections, of the images of Bitnami and Red Hat, or of nobody's."""
LIBRARY = ("library/postgres", "postgis/postgis", "pgvector/pgvector")
"""The image of Docker's library and those made from it, which have its entrypoint."""
SCRIPTS = "/docker-entrypoint-initdb.d"
READ = ("/var/lib/postgresql", "/usr/share/postgresql", "/usr/local/share/postgresql")
"""Where the data are, and where initdb has its samples from."""


def image(server: ServerContainer) -> str:
    """The name of the image without its tag."""
    written = server.container.image.value if server.container.image else ""
    folder, slash, last = written.partition("@")[0].rpartition("/")
    return folder + slash + last.partition(":")[0]


def is_of_library(server: ServerContainer) -> bool:
    """Whether it runs an image that is as Docker's library has it."""
    name = image(server)
    is_short = name in {"postgres", "docker.io/postgres"}
    return not server.is_built and (is_short or any(f"/{name}".endswith(f"/{each}") for each in LIBRARY))


def may_be_set_up(server: ServerContainer) -> bool:
    """Whether something else may put a configuration where it is read, or set what it likes."""
    container = server.container
    if server.is_out_of_sight or container.has_post_start:
        return True
    if any(is_script(mount.path.value) for mount in container.mounts):
        return True
    volumes = {mount.volume.value for mount in container.mounts} - {""}
    others = (mount.volume.value for each in server.workload.init_containers for mount in each.mounts)
    return any(each in volumes for each in others)


def is_script(path: str) -> bool:
    """Whether a mount may bring scripts that run before the first start, and not only SQL."""
    is_there = path == SCRIPTS or path.startswith(f"{SCRIPTS}/")
    return is_there and not path.endswith((".sql", ".sql.gz"))


def is_read(path: str, server: ServerContainer) -> bool:
    """Whether a file is where the server, or initdb, looks for it."""
    data = server.environment.variables.get("PGDATA")
    folders = [*READ, *([str(data.scalar)] if isinstance(data, Known) else [])]
    is_hidden = data is not None and not isinstance(data, Known)
    return is_hidden or any(path.startswith(f"{posixpath.normpath(folder)}/") for folder in folders)


def is_own(variable: EnvVar, server: ServerContainer) -> bool:
    """Whether it stands in the container itself, and is not there for all that share a block."""
    path, start, end = server.workload.span
    place = variable.name.span
    return place.path == path and start <= place.start < end
