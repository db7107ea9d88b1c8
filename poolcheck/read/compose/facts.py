"""What a Compose file says about the services that it runs."""

from typing import NamedTuple

from poolcheck.source import Located, Span
from poolcheck.value import Value


class Mount(NamedTuple):
    """A file or a folder in the containers of a service.

    `source` is the file or the folder of the host that stands there, relative to the folder of the Compose file;
    None where it is a volume, or what is in it stands in no file.
    """

    target: Value
    source: Value | None


class Service(NamedTuple):
    """What runs containers.

    It `is_built` where its image is made from a Dockerfile; `image` is then but what that is called. `entrypoint`
    and `command` are None where the image's own hold; either is one text if it is not written as a list. What is
    not set may be set in another file, or in the service that it `extends`. The `environment` is what the file
    itself gives a value.
    """

    name: Located[str]
    span: Span
    image: Value | None
    is_built: bool
    entrypoint: tuple[Value, ...] | None
    command: tuple[Value, ...] | None
    mounts: tuple[Mount, ...]
    extends: Located[str] | None
    environment: tuple[tuple[str, Value], ...] = ()


class ComposeFile(NamedTuple):
    """The services in one file."""

    span: Span
    services: tuple[Service, ...]
