"""The services of Compose files, put together as Compose does, as workloads.

The Compose specification: 13-merge.md, 05-services.md (extends, env_file, environment), 14-include.md.
"""

import posixpath
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from poolcheck.amount import Amount, Reason, exactly, product
from poolcheck.link.network import Origin
from poolcheck.read.compose.facts import Build, ComposeFile, Mount, Service
from poolcheck.read.kubernetes import manifest
from poolcheck.read.kubernetes.launcher_table import LAUNCHERS
from poolcheck.read.kubernetes.manifest import (
    Container,
    Context,
    Count,
    EnvVar,
    Given,
    Runs,
    Workload,
    WorkloadKind,
)
from poolcheck.read.kubernetes.stages import may_meet
from poolcheck.source import Located, Span
from poolcheck.value import HOLE, EnvRef, Known, Unknown, Value, resolve, text_of

_READ_UNASKED = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""What Compose reads where no file is named; of several the first."""
_ON_TOP_UNASKED = frozenset(name.replace(".y", ".override.y") for name in _READ_UNASKED)
_LONGEST_CHAIN = 10
_OF_LAUNCHERS = frozenset(
    name for each in LAUNCHERS for name in (*each.processes_env, *each.threads_env, each.options_env)
)


class _Stack(NamedTuple):
    """Services that Compose runs together, by their names, and what else the file includes.

    `below` is the file that it is on top of, which has the services that it says nothing of.
    """

    path: str
    services: Mapping[str, Service]
    includes: frozenset[str]
    below: str = ""


class Stacks:
    """The services of a project's Compose files, as workloads of one container each.

    A file that leaves out what a service needs is one on top of that which Compose reads unasked. With and without
    it are two ways to run the same services.
    """

    def __init__(self, files: Iterable[ComposeFile]) -> None:
        self._files = {file.span.path: file for file in sorted(files, key=lambda each: not each.for_others)}
        self._placed = {path: _placed_services(file) for path, file in self._files.items()}
        self._services: dict[Span, Service] = {}
        self._stack_of: dict[Span, _Stack] = {}
        self._named: dict[str, list[tuple[_Stack, Workload]]] = defaultdict(list)
        for stack in self._stacks():
            self._add(stack)
        found = dict.fromkeys(each for named in self._named.values() for _, each in named)
        self.workloads = tuple(sorted(found, key=lambda each: (each.span.path, each.span.start)))

    def service(self, workload: Workload) -> Service | None:
        """The service that a workload is; None where it is none. Its paths are from the project's folder."""
        return self._services.get(workload.name.span) if workload.kind is WorkloadKind.SERVICE else None

    def called(self) -> Iterator[tuple[str, Workload]]:
        """All services by all names that they have."""
        yield from ((name, workload) for name, named in self._named.items() for _, workload in named)

    def leads_to(self, host: str, origin: Origin) -> Workload | None:
        """The service that a service calls by this name; None where the project does not tell for certain."""
        own = self._stack_of.get(origin.workload.name.span) if origin.workload else None
        if own is None:
            return None
        named = [(stack, each) for stack, each in self._named.get(host, ()) if may_meet(stack.path, own.path)]
        together = [each for stack, each in named if stack.path == own.path]
        together = together or [each for stack, each in named if stack.path == own.below]
        if not together:
            folder = posixpath.dirname(own.path)
            together = [
                each
                for stack, each in named
                if stack.path in own.includes or posixpath.dirname(stack.path) == folder
            ]
        return together[0] if len(together) == 1 else None

    def as_written(self, amount: Amount, workload: Workload | None) -> Amount:
        """A number of processes; an assumption where variables that may be set have a part in it."""
        service = self.service(workload) if workload else None
        if service is None or not any(map(_is_assumed, _telling(service))):
            return amount
        path = service.name.span.path
        reason = Reason(f"variables of {path}", assumption=f"the variables of {path} are left at their defaults")
        return product(exactly(1, reason), amount)

    def _stacks(self) -> Iterator[_Stack]:
        """What Compose may run: each file that is whole, and each that is not on top of the one beside it."""
        for path in sorted(path for path, file in self._files.items() if not file.for_others):
            folder, name = posixpath.split(path)
            beside = (posixpath.join(folder, each) for each in _READ_UNASKED)
            base = next((each for each in beside if each in self._placed), None)
            own = self._whole(path)
            is_on_top = name in _ON_TOP_UNASKED or any(not _is_whole(each) for each in own.values())
            services = own
            is_on_top = is_on_top and base != path
            if is_on_top and base:
                below = self._whole(base)
                services = {key: _merged(below[key], each) if key in below else each for key, each in own.items()}
            included = (posixpath.normpath(posixpath.join(folder, each)) for each in self._files[path].includes)
            yield _Stack(path, services, frozenset(included), base if is_on_top and base else "")

    def _whole(self, path: str) -> dict[str, Service]:
        """The services of a file with what they extend."""
        return {name: self._extended(service, path, 0) for name, service in self._placed[path].items()}

    def _extended(self, service: Service, path: str, depth: int) -> Service:
        if service.base is None or depth > _LONGEST_CHAIN:
            return service
        name, file = service.base
        folder = posixpath.dirname(path)
        path = posixpath.normpath(posixpath.join(folder, file.value)) if file else path
        below = self._placed.get(path, {}).get(name.value)
        if below is None:
            return service
        return _merged(self._extended(below, path, depth + 1), service)

    def _add(self, stack: _Stack) -> None:
        waited_for = {each.value: each for service in stack.services.values() for each in service.waits_for}
        for service in stack.services.values():
            workload = _workload(service)
            ended = waited_for.get(service.name.value)
            if ended or service.runs_once:
                workload = workload._replace(runs=Runs(ended=ended))
            self._services[workload.name.span] = service
            self._stack_of[workload.name.span] = stack
            for name in dict.fromkeys((service.name.value, *service.names)):
                self._named[name].append((stack, workload))


def settled(value: Value) -> Value:
    """A value where every variable that is not known is left at its default."""
    return resolve(value, _unset)


def _unset(_: str) -> None:
    """The environment in which nobody sets anything."""


def _placed_services(file: ComposeFile) -> dict[str, Service]:
    folder = posixpath.dirname(file.span.path)
    return {service.name.value: _placed(service, folder) for service in file.services}


def _placed(service: Service, folder: str) -> Service:
    """A service whose paths are from the project's folder and not from that of its file."""
    build = service.build
    if build:
        build = build._replace(context=_in_project(build.context, folder))
    mounts = (each._replace(source=each.source and _in_project(each.source, folder)) for each in service.mounts)
    return service._replace(build=build, mounts=tuple(mounts))


def _in_project(path: Value, folder: str) -> Value:
    text = text_of(resolve(path, {"PWD": Known(".", ())}.get))
    if HOLE in text or text.startswith(("/", "~")) or "://" in text:
        return Unknown(path.places)
    return Known(posixpath.normpath(posixpath.join(folder, text)), path.places)


def _is_whole(service: Service) -> bool:
    return service.image is not None or service.is_built


def _merged(below: Service, above: Service) -> Service:
    """A service on top of another: variables and mounts one by one, commands and the image as a whole."""
    build = above.build
    if build and below.build:
        dockerfile, target = below.build.dockerfile, below.build.target
        build = Build(build.context, build.dockerfile or dockerfile, build.target or target)
    inherited = {each.value for each in above.inherited}
    variables = {name: value for name, value in below.environment if name not in inherited}
    told = {name for name, _ in above.environment}
    return above._replace(
        image=below.image if above.image is None else above.image,
        is_built=above.is_built or below.is_built,
        entrypoint=below.entrypoint if above.entrypoint is None else above.entrypoint,
        command=below.command if above.command is None else above.command,
        mounts=tuple({text_of(each.target): each for each in (*below.mounts, *above.mounts)}.values()),
        environment=tuple({**variables, **dict(above.environment)}.items()),
        inherited=(*(each for each in below.inherited if each.value not in told), *above.inherited),
        env_files=(*below.env_files, *above.env_files),
        build=build or below.build,
        replicas=below.replicas if above.replicas is None else above.replicas,
        names=(*below.names, *above.names),
        working_dir=below.working_dir if above.working_dir is None else above.working_dir,
        ports=(*below.ports, *above.ports),
        open_files=above.open_files or below.open_files,
        started_first=above.started_first or below.started_first,
        knows_other_hosts=above.knows_other_hosts or below.knows_other_hosts,
        waits_for=(*below.waits_for, *above.waits_for),
        runs_once=above.runs_once or below.runs_once,
    )


def _workload(service: Service) -> Workload:
    place = service.span
    return Workload(
        WorkloadKind.SERVICE,
        service.name,
        namespace=None,
        span=place,
        replicas=_count(service.replicas),
        max_surge=_surge(service),
        labels=frozenset(),
        grace_s=None,
        containers=(_container(service),),
        init_containers=(),
        volumes=(),
        pod=None,
        is_partial=not _is_whole(service),
    )


def _surge(service: Service) -> Located[str] | None:
    """How many containers more an update starts, as Kubernetes would be told."""
    at_a_time = service.started_first
    return at_a_time._replace(value="100%") if at_a_time and at_a_time.value == "0" else at_a_time


def _count(value: Value | None) -> Count:
    if value is None:
        return None
    text = text_of(value)
    return Located(int(text), value.places[-1]) if text.isdecimal() else Unknown(value.places)


def _container(service: Service) -> Container:
    place = service.span
    hidden = [each for each in service.env_files if each.may_have_more]
    return Container(
        name=service.name,
        image=_text(service.image, place) if service.image is not None else None,
        command=_words(service.entrypoint, place),
        args=_words(service.command, place),
        env=tuple(_variables(service)),
        env_from=tuple(Unknown(each.path.places) for each in hidden),
        ports=(),
        mounts=tuple(_mounts(service.mounts, place)),
        pre_stop=None,
        restart_policy=None,
        context=_context(service.build),
    )


def _words(written: Sequence[Value] | None, place: Span) -> tuple[Located[str], ...] | None:
    """The words of a command; what is one text, it parts as a shell does. Nothing in them is put in any more."""
    if written is None:
        return None
    words = [_text(each, place) for each in written]
    if len(words) == 1:
        words = [Located(part, words[0].span) for part in _parted(words[0].value)]
    return tuple(Located(word.value.replace("$", "$$"), word.span) for word in words)


def _text(value: Value, otherwise: Span) -> Located[str]:
    """A value as text where every variable that is not known is left at its default."""
    return Located(text_of(settled(value)), _last(value.places, otherwise))


def _parted(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _variables(service: Service) -> Iterator[EnvVar]:
    """The variables of a service: the later of its files is the stronger, its own `environment` the strongest."""
    found: dict[str, Value] = {}
    for file in service.env_files:
        if file.variables is None:
            found = {name: Unknown(file.path.places) for name in found}
        else:
            found.update(file.variables)
    found.update(service.environment)
    found.update({name.value: Unknown((name.span,)) for name in service.inherited})
    for name, value in found.items():
        yield EnvVar(Located(name, _last(value.places, service.span)), None, Given(value))


def _mounts(mounts: Iterable[Mount], place: Span) -> Iterator[manifest.Mount]:
    for mount in mounts:
        yield manifest.Mount(_text(mount.target, place), None, Located("", place), mount.text)


def _context(build: Build | None) -> Context | None:
    """What an image is made of; None where that is not seen."""
    if build is None or not isinstance(build.context, Known):
        return None
    dockerfile = text_of(settled(build.dockerfile)) if build.dockerfile is not None else "Dockerfile"
    target = text_of(settled(build.target)) if build.target is not None else ""
    return None if HOLE in dockerfile + target else Context(str(build.context.scalar), dockerfile, target.lower())


def _telling(service: Service) -> Iterator[Value]:
    """What tells how many processes a service starts."""
    yield from service.entrypoint or ()
    yield from service.command or ()
    yield from (value for name, value in service.environment if name in _OF_LAUNCHERS)


def _is_assumed(value: Value) -> bool:
    """Whether it is left at its default where a variable is not set."""
    if isinstance(value, EnvRef):
        return value.default is not None
    return not isinstance(value, Known | Unknown)


def _last(places: Sequence[Span], otherwise: Span) -> Span:
    return places[-1] if places else otherwise
