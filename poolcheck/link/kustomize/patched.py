"""Workloads as patches of overlays make them: Kustomize's strategic merge.

Observed with Kustomize 5.5: containers, variables and mounts are merged by their names, what a patch brings stands
first; `command`, `args` and `envFrom` are replaced.
"""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from poolcheck.link.network import same_namespace
from poolcheck.read.kubernetes.kustomization import Kustomization
from poolcheck.read.kubernetes.manifest import Container, Probes, Runs, Workload
from poolcheck.read.kubernetes.stages import may_meet


def patched(workloads: Iterable[Workload], kustomizations: Iterable[Kustomization]) -> Iterator[Workload]:
    """What becomes of whole workloads where a patch of their containers counts; it stands where the patch does."""
    files = {path for each in kustomizations for path in _patch_files(each)}
    patches: dict[tuple[str, str], list[Workload]] = defaultdict(list)
    whole: list[Workload] = []
    for workload in workloads:
        if not workload.is_partial:
            whole.append(workload)
        elif workload.containers and workload.span.path in files:
            patches[workload.kind, workload.name.value].append(workload)
    for workload in whole:
        for patch in patches.get((workload.kind, workload.name.value), ()):
            if _may_patch(patch, workload):
                yield merged(workload, patch)


def _patch_files(kustomization: Kustomization) -> Iterator[str]:
    """The files that a kustomization takes patches from; itself is one."""
    own = kustomization.span.path
    yield own
    for path in kustomization.patches:
        yield posixpath.normpath(posixpath.join(posixpath.dirname(own), path))


def _may_patch(patch: Workload, workload: Workload) -> bool:
    is_near = same_namespace(patch.namespace, workload.namespace) and may_meet(patch.span.path, workload.span.path)
    return is_near and patch.span.path != workload.span.path


def merged(workload: Workload, patch: Workload) -> Workload:
    """A workload as a patch makes it; it stands where the patch does."""
    return workload._replace(
        span=patch.span,
        namespace=patch.namespace or workload.namespace,
        replicas=workload.replicas if patch.replicas is None else patch.replicas,
        max_surge=patch.max_surge or workload.max_surge,
        strategy=patch.strategy or workload.strategy,
        runs=_merged_runs(workload.runs, patch.runs),
        labels=frozenset(dict([*workload.labels, *patch.labels]).items()),
        grace_s=workload.grace_s if patch.grace_s is None else patch.grace_s,
        containers=_merged_containers(workload.containers, patch.containers),
        init_containers=_merged_containers(workload.init_containers, patch.init_containers),
        volumes=tuple({each.name.value: each for each in (*workload.volumes, *patch.volumes)}.values()),
        shares_processes=workload.shares_processes or patch.shares_processes,
        is_spread=workload.is_spread or patch.is_spread,
    )


def _merged_runs(below: Runs | None, above: Runs | None) -> Runs | None:
    if below is None or above is None:
        return below or above
    return Runs(
        below.completions if above.completions is None else above.completions,
        above.suspend or below.suspend,
        above.concurrency or below.concurrency,
        below.fewest if above.fewest is None else above.fewest,
        below.most if above.most is None else above.most,
        above.ended or below.ended,
    )


def _merged_containers(below: Sequence[Container], above: Sequence[Container]) -> tuple[Container, ...]:
    changed = {each.name.value: each for each in above}
    known = {each.name.value for each in below}
    merged = [_merged_container(each, changed[each.name.value]) for each in below if each.name.value in changed]
    added = [each for each in above if each.name.value not in known]
    kept = [each for each in below if each.name.value not in changed]
    return (*merged, *added, *kept)


def _merged_container(below: Container, above: Container) -> Container:
    set_above = {each.name.value for each in above.env}
    mounted = {each.path.value for each in above.mounts}
    return above._replace(
        image=above.image or below.image,
        command=below.command if above.command is None else above.command,
        args=below.args if above.args is None else above.args,
        env=(*above.env, *(each for each in below.env if each.name.value not in set_above)),
        env_from=above.env_from or below.env_from,
        ports=above.ports or below.ports,
        mounts=(*above.mounts, *(each for each in below.mounts if each.path.value not in mounted)),
        pre_stop=above.pre_stop or below.pre_stop,
        restart_policy=above.restart_policy or below.restart_policy,
        context=above.context or below.context,
        probes=Probes(*(own or other for own, other in zip(above.probes, below.probes, strict=True))),
        cpu_limit=above.cpu_limit or below.cpu_limit,
        cpu_request=above.cpu_request or below.cpu_request,
        has_pre_stop=above.has_pre_stop or below.has_pre_stop,
        stop_signal=above.stop_signal or below.stop_signal,
    )
