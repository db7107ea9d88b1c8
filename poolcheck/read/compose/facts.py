"""What a Compose file says about the services that it runs."""

from typing import NamedTuple

from poolcheck.source import Located, Span
from poolcheck.value import Unknown, Value

Variables = tuple[tuple[str, Value], ...]
"""Names with their values, in their order; of a name that comes twice the last counts."""


class Mount(NamedTuple):
    """A file or a folder in the containers of a service.

    `source` is the file or the folder of the host that stands there, relative to the folder of the Compose file;
    None where it is a volume, or what is in it stands in no file. Its `text` is there where it may hold settings
    of a server.
    """

    target: Value
    source: Value | None
    is_read_only: bool = False
    text: Located[str] | None = None


class EnvFile(NamedTuple):
    """A file of variables that a service is given; they are None where the file is not seen.

    Where an example of it is, they are what that says, on the assumption that nobody sets them otherwise.
    """

    path: Value
    variables: Variables | None
    is_example: bool = False

    @property
    def may_have_more(self) -> bool:
        """Whether not all that it sets is seen."""
        return self.variables is None or self.is_example


class Base(NamedTuple):
    """The service that another extends, by its name, in the same file or in one that is named from its folder."""

    name: Located[str]
    file: Located[str] | None


class Build(NamedTuple):
    """What an image is made of: a folder, relative to that of the file, a Dockerfile in it, a stage of that."""

    context: Value
    dockerfile: Value | None
    target: Value | None = None


class Service(NamedTuple):
    """What runs containers.

    It `is_built` where its image is made from a Dockerfile; `image` is then but what that is called. `entrypoint`
    and `command` are None where the image's own hold; either is one text if it is not written as a list. What is
    not set may be set in another file, or in the service that it `extends`. The `environment` is what the file
    itself gives a value, with what `.env` holds put in; `inherited` are the variables whose values only the shell
    knows in which Compose runs. `names` are what it is called in the network besides its own name, `ports` those
    of its containers that are published. `open_files` is how many a process may have open. `started_first` is how
    many containers an update starts at a time before it ends old ones, "0" for all; None where those end first.
    It `knows_other_hosts` where more than the names of services may lead somewhere. It is not started until the
    services that it `waits_for` have ended. It `runs_once` where it is told not to be started again.
    """

    name: Located[str]
    span: Span
    image: Value | None
    is_built: bool
    entrypoint: tuple[Value, ...] | None
    command: tuple[Value, ...] | None
    mounts: tuple[Mount, ...]
    extends: Located[str] | None
    environment: Variables = ()
    inherited: tuple[Located[str], ...] = ()
    env_files: tuple[EnvFile, ...] = ()
    base: Base | None = None
    build: Build | None = None
    replicas: Value | None = None
    names: tuple[str, ...] = ()
    working_dir: Value | None = None
    ports: tuple[Located[int] | Unknown, ...] = ()
    open_files: Located[int] | None = None
    stop_signal: Value | None = None
    stop_grace_period: Value | None = None
    started_first: Located[str] | None = None
    knows_other_hosts: bool = False
    waits_for: tuple[Located[str], ...] = ()
    runs_once: bool = False


class ComposeFile(NamedTuple):
    """The services in one file, and the files that it includes.

    Nothing runs those in a file that is there `for_others` only, to be extended by name. A comment says of the
    lines at `remarked` that something has its own way to a database.
    """

    span: Span
    services: tuple[Service, ...]
    includes: tuple[str, ...] = ()
    for_others: bool = False
    remarked: tuple[Span, ...] = ()
