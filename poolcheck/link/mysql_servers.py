"""The MySQL and MariaDB servers of a project, and how many connections each accepts."""

import re
from collections.abc import Iterator

from poolcheck.amount import Amount, Reason, between, exactly
from poolcheck.link.servers import image_name, is_out_of_sight, mounted_below, on_command_line, value_in
from poolcheck.read.kubernetes.environment import Environment, Objects, environment
from poolcheck.read.kubernetes.manifest import Container, Workload
from poolcheck.source import Located
from poolcheck.system.poolers import Server
from poolcheck.value import Known

DEFAULT_LIMIT = 151
"""max_connections of MySQL 8 and MariaDB, without the one that is kept for an administrator."""

_IMAGES = frozenset({"mariadb", "mariadb-galera", "mysql", "mysql-server", "percona", "percona-server"})
_FLAGS = ("MYSQL_EXTRA_FLAGS", "MARIADB_EXTRA_FLAGS")
"""What Bitnami's images take options of the server from."""
_FOLDERS = ("/etc/mysql", "/etc/my.cnf", "/etc/my.cnf.d", "/opt/bitnami/mysql/conf", "/opt/bitnami/mariadb/conf")
_PROGRAMS = frozenset({"mariadbd", "mysqld", "mysqld_safe", "docker-entrypoint.sh"})
_LINE = re.compile(
    r"^[ \t]*(?:\[(?P<section>[^\]\n]*)\]|max[_-]connections[ \t]*=[ \t]*(?P<value>[^\s#]+))", re.MULTILINE
)
_OF_SERVERS = re.compile(r"mysqld.*|mariadb.*|server|galera")


def is_mysql(container: Container) -> bool:
    """Whether the image of a container is a MySQL or MariaDB server."""
    return image_name(container) in _IMAGES


def mysql_server_in(workload: Workload, container: Container, objects: Objects) -> Server:
    """The server that a container runs."""
    own = environment(workload, container, objects)
    written = next(iter(_limits(workload, container, own, objects)), None)
    place = written.span if written else (container.image or container.name).span
    return Server(workload.name.value, _limit(written, container, own), exactly(0), place)


def _limits(
    workload: Workload, container: Container, own: Environment, objects: Objects
) -> Iterator[Located[str]]:
    """What max_connections is set to, the strongest first."""
    given = [value for name, value in on_command_line(container, own) if name == "max_connections"]
    yield from reversed(given)
    for name in _FLAGS:
        yield from _in_flags(own, name)
    for folder in _FOLDERS:
        for file in mounted_below(folder, workload, container, objects):
            yield from reversed([*_in_file(file)])


def _in_flags(own: Environment, name: str) -> Iterator[Located[str]]:
    flags = own.get(name)
    if isinstance(flags, Known):
        for flag in reversed(str(flags.scalar).split()):
            option, sign, value = flag.partition("=")
            if sign and option.lstrip("-").replace("-", "_") == "max_connections":
                yield Located(value, flags.places[-1])


def _in_file(file: Located[str]) -> Iterator[Located[str]]:
    """What the sections say that are the server's."""
    section = ""
    for line in _LINE.finditer(file.value):
        section = line["section"] or section
        if line["value"] and _OF_SERVERS.fullmatch(section):
            yield value_in(line, file)


def _limit(written: Located[str] | None, container: Container, own: Environment) -> Amount:
    if written:
        is_known = written.value.isdecimal()
        text = f"max_connections {written.value}"
        return exactly(int(written.value), Reason(text, written.span)) if is_known else between(0, None)
    has_files = any(mount.path.value.startswith(_FOLDERS) for mount in container.mounts)
    if has_files or is_out_of_sight(container, own, _PROGRAMS) or any(own.get(name) for name in _FLAGS):
        return between(0, None)
    span = container.image.span if container.image else None
    text = f"max_connections {DEFAULT_LIMIT} by default"
    return exactly(DEFAULT_LIMIT, Reason(text, span, "max_connections is left at its default"))
