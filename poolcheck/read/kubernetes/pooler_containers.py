"""The containers in which poolers run, and what their pods are there for."""

import re
from collections.abc import Iterator

from poolcheck.read.kubernetes.manifest import Container, Workload, WorkloadKind
from poolcheck.read.kubernetes.pooler_images import OTHER_POOLERS, Family, pooler_image
from poolcheck.read.kubernetes.stages import stages

_COMPANION = re.compile(
    r"export|metric|monitor|telemetry|otel|reload|fluent|promtail|filebeat|\bvector\b|logg?ing|vault|istio|envoy|linkerd"
    r"|cloud-?sql|cloud_sql|gce-proxy|auth-proxy|stunnel|tailscale"
)
"""What the names and the images of those say that serve a pooler, and not the other way round."""
_CASUAL = frozenset({"ci", "demo", "development", "local", "preview", "sandbox", "test"})
"""The stages in which nobody minds when a pooler is away."""
_LASTING = frozenset(
    {WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET, WorkloadKind.REPLICA_SET, WorkloadKind.ROLLOUT}
)
_STAGE_LABELS = re.compile(r"(?:^|[/.-])(?:env|environment|stage|tier)$")


def running_containers(workload: Workload) -> Iterator[Container]:
    """The containers that run as long as the pod does, native sidecars among them."""
    yield from workload.containers
    yield from filter(is_native_sidecar, workload.init_containers)


def is_native_sidecar(container: Container) -> bool:
    """Whether an init container runs on beside those behind it, and is stopped after them."""
    return container.restart_policy is not None and container.restart_policy.value == "Always"


def is_pooler(container: Container) -> bool:
    """Whether it runs a pooler's image, or is given a pgbouncer.ini to read."""
    return family_of(container) is not None


def is_pgbouncer(container: Container) -> bool:
    """Whether it runs PgBouncer."""
    family = family_of(container)
    return family is not None and family not in OTHER_POOLERS


def family_of(container: Container) -> Family | None:
    """The image that a pooler runs, or that it runs a PgBouncer in another; None where it runs none."""
    if container.image and (image := pooler_image(container.image.value)):
        return image.family
    read = [*(container.command or ()), *(container.args or ())]
    for mount in container.mounts:
        read += [mount.path, *([mount.sub_path] if mount.sub_path else [])]
    is_given_one = any("pgbouncer.ini" in text.value for text in read) and not is_companion(container)
    return Family.OTHER_PGBOUNCER if is_given_one else None


def is_casual(workload: Workload) -> bool:
    """Whether it is for development or tests, as its file, its names or its labels tell."""
    namespace = workload.namespace.value if workload.namespace else ""
    told = [workload.span.path, workload.name.value, namespace]
    told += [value for name, value in workload.labels if _STAGE_LABELS.search(name)]
    return any(stages(each) & _CASUAL for each in told)


def is_to_last(workload: Workload) -> bool:
    """Whether its pods are to be there all the time, for others who mind when they are not."""
    return workload.kind in _LASTING and not is_casual(workload)


def is_companion(container: Container) -> bool:
    """Whether it serves a pooler beside it: exports its metrics, reloads it, leads it to its database."""
    image = container.image.value if container.image else ""
    return _COMPANION.search(f"{container.name.value} {image}".lower()) is not None
