"""What the images of a project run, as their Dockerfiles tell, and the scripts that are put into them."""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import NamedTuple, TypeAlias

from poolcheck.link.built import contexts_told
from poolcheck.read.kubernetes.commands import Scripts
from poolcheck.read.kubernetes.dockerfile import DockerImage, read_dockerfile
from poolcheck.read.kubernetes.manifest import Container, Context, Workload
from poolcheck.read.kubernetes.pooler_images import pooler_image
from poolcheck.read.template import has_template
from poolcheck.source import Located, Source
from poolcheck.value import HOLE, Lookup, Value

_OF_OTHERS = frozenset(
    {
        "adminer", "alpine", "busybox", "caddy", "clickhouse-server", "curl", "elasticsearch", "envoy", "flower",
        "grafana", "haproxy", "jaeger", "kafka", "keycloak", "kubectl", "mailhog", "mariadb", "memcached", "minio",
        "mongo", "mysql", "nginx", "node", "opensearch", "otel-collector", "pgadmin4", "pgvector", "postgis",
        "postgres", "postgresql", "prometheus", "python", "rabbitmq", "redis", "timescaledb", "traefik", "valkey",
        "zookeeper",
    }
)  # fmt: skip
"""Images that a project takes from elsewhere."""
_PLAIN = frozenset({"alpine", "buildpack-deps", "debian", "pypy", "python", "scratch", "ubuntu"})
"""Official images that tell no server how many processes to start."""
_OFFICIAL = re.compile(r"(?:docker\.io/)?(?:library/)?(?P<name>[a-z-]+)(?:[:@].*)?")
_BESIDE = ("", "docker", "deploy", "build", "scripts", "bin", "compose/production/django")
"""Where in a folder the scripts for its image usually are."""


class Run(NamedTuple):
    """A container with the command of its image where it has none of its own, and what that may read."""

    container: Container
    environment: Lookup
    scripts: Scripts


Text: TypeAlias = Callable[[str], str | None]
"""Gives the text of a file of the project by its path; None where there is none."""


def image_in(context: Context, text: Text) -> DockerImage | None:
    """What the Dockerfile of a context makes; None where there is none, or it is a template of one."""
    path = posixpath.normpath(posixpath.join(context.folder, context.dockerfile))
    found = text(path)
    return (
        read_dockerfile(Source(path, found), context.target) if found is not None and "{%" not in found else None
    )


class Images:
    """The Dockerfiles of a project, each read when somebody asks."""

    def __init__(self, paths: Iterable[str], workloads: Iterable[Workload], text: Text) -> None:
        paths = tuple(paths)
        self._text = text
        self._paths = paths
        self._folder = posixpath.commonpath([posixpath.dirname(path) for path in paths]) if paths else ""
        self._folders = {folder for path in paths for folder in _above(path)} | {""}
        self._named: dict[str, list[str]] = {}
        for folder in sorted(self._folders):
            self._named.setdefault(posixpath.basename(folder), []).append(folder)
        containers = [each for workload in workloads for each in (*workload.containers, *workload.init_containers)]
        self._own = {name for each in containers if (name := _image_name(each)) and _may_be_ours(each)}
        self._built = [(name, each.context) for each in containers if (name := _image_name(each)) and each.context]
        self._images: dict[Context, DockerImage | None] = {}
        self._told: dict[str, Context] | None = None

    def _is_inside(self, path: str) -> bool:
        """Whether a file is below the working directory, or among what is looked at."""
        return not path.startswith("..") or path.startswith(f"{self._folder}/")

    def run(self, container: Container, names: Iterable[str], environment: Lookup) -> Run:
        """What a container runs; `names` are what the folder may be called in which its source is."""
        names = tuple(names)
        context, image = self._made_of(container, names)
        scripts = partial(self._script, context, image, names)
        if image is None:
            return Run(container, environment, scripts)
        return Run(with_image(container, image), partial(_variable, environment, image.environment), scripts)

    def is_seen(self, container: Container, names: Iterable[str]) -> bool:
        """Whether all is seen that the image of a container may tell a server, also of what it is made from."""
        _, image = self._made_of(container, tuple(names))
        found = _OFFICIAL.fullmatch(image.base) if image and image.base else None
        return found is not None and found["name"] in _PLAIN

    def sources_of(self, container: Container, names: Iterable[str], path: str) -> Iterator[str]:
        """What a file of a container may be a copy of; a relative path is in the folder its image works in."""
        context, image = self._made_of(container, tuple(names))
        if context and image and (image.folder or path.startswith("/")):
            # From which folder an image is built where no Compose file says so, nobody knows but who builds it.
            folders = [context.folder] if container.context else [context.folder, *_folders_above(context.folder)]
            sources = list(image.sources_of(posixpath.normpath(posixpath.join(image.folder or "/", path))))
            for folder in folders:
                for source in sources:
                    yield posixpath.normpath(posixpath.join(folder, source))

    def _made_of(self, container: Container, names: tuple[str, ...]) -> tuple[Context | None, DockerImage | None]:
        context = container.context or self._guessed(container, names)
        return context, self._image(context) if context else None

    def _image(self, context: Context) -> DockerImage | None:
        if context not in self._images:
            self._images[context] = image_in(context, self._text)
        return self._images[context]

    def _guessed(self, container: Container, names: tuple[str, ...]) -> Context | None:
        """The Dockerfile that the image is said to be built of, or that in the folder that is called like it.

        Of several it is the nearest, and where there is none the project's only one.
        """
        if not _may_be_ours(container):
            return None
        if self._told is None:
            self._told = contexts_told(self._paths, self._text, self._built)
        told = self._told.get(_image_name(container))
        if told and self._image(told):
            return told
        folders = dict.fromkeys(folder for name in names if name for folder in self._named.get(name, ()))
        found = [each for folder in folders if self._image(each := Context(folder, "Dockerfile", ""))]
        if len(found) > 1:
            found = _nearest(found, posixpath.dirname(container.name.span.path))
        if len(found) == 1:
            return found[0]
        if found or self._own != {_image_name(container)}:
            return None
        alone = (Context(folder, "Dockerfile", "") for folder in dict.fromkeys((self._folder, "")))
        return next((each for each in alone if self._image(each) is not None), None)

    def _script(
        self, context: Context | None, image: DockerImage | None, names: tuple[str, ...], path: str
    ) -> Source | None:
        """The script that a container has under a path: the one of the project that is called so."""
        base = posixpath.basename(path)
        copied = [each for each in (image.copies if image else ()) if posixpath.basename(each) == base]
        folder = context.folder if context else None
        named = [each for name in names if name for each in self._named.get(name, ())]
        folders = [folder] if folder is not None else [*named, self._folder]
        inside = [path.lstrip("/"), *(posixpath.join(each, base) for each in _BESIDE)]
        for own in folders:
            for each in (*copied, *inside):
                at = posixpath.normpath(posixpath.join(own, each))
                text = self._text(at) if self._is_inside(at) else None
                if text is not None and _is_script(at, text):
                    return Source(at, text)
        return None


def _nearest(contexts: Sequence[Context], folder: str) -> list[Context]:
    """Those with the most folders in common with another; of several the one right in what they have in common."""
    common = {each: _common(each.folder, folder) for each in contexts}
    nearest = max(common.values(), key=_depth)
    found = [each for each in contexts if _depth(common[each]) == _depth(nearest)]
    return [each for each in found if posixpath.dirname(each.folder) == nearest] if len(found) > 1 else found


def _common(one: str, other: str) -> str:
    alike = takewhile(lambda names: names[0] == names[1], zip(one.split("/"), other.split("/"), strict=False))
    return "/".join(name for name, _ in alike)


def _depth(folder: str) -> int:
    return len(folder.split("/")) if folder else 0


def with_image(container: Container, image: DockerImage) -> Container:
    """A container with what its image runs: a `command` of its own leaves nothing of the image's."""
    if container.command is not None:
        return container
    command = _literal(image.command) if container.args is None else container.args
    return container._replace(command=_literal(image.entrypoint), args=command)


def _literal(words: tuple[Located[str], ...] | None) -> tuple[Located[str], ...] | None:
    """Words in which nothing is expanded."""
    return words and tuple(Located(word.value.replace("$", "$$"), word.span) for word in words)


def _variable(environment: Lookup, of_image: Mapping[str, Value], name: str) -> Value | None:
    """A variable of the container, or else of its image."""
    found = environment(name)
    return of_image.get(name) if found is None else found


def _is_script(path: str, text: str) -> bool:
    """Whether it is one of the shell's."""
    first = text.partition("\n")[0]
    if first.startswith("#!"):
        return "sh" in first.rpartition("/")[2]
    return path.endswith(".sh")


def _may_be_ours(container: Container) -> bool:
    """Whether an image may be made in the project."""
    if container.image is None:
        return container.context is not None
    name = _image_name(container)
    is_seen = bool(name) and HOLE not in name and not has_template(name)
    return is_seen and name not in _OF_OTHERS and pooler_image(container.image.value) is None


def _image_name(container: Container) -> str:
    image = container.image.value if container.image else ""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _above(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _folders_above(folder: str) -> Iterator[str]:
    """The folders around one, up to the project's own."""
    if folder:
        yield from _above(folder)
        yield ""
