"""What Kubernetes manifests say about workloads, their environment and the objects they refer to."""

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.kubernetes.managed import Managed
from poolcheck.read.yaml.scalars import ScalarKind
from poolcheck.source import Edit, Located, Span
from poolcheck.value import Unknown, Value

if TYPE_CHECKING:
    from poolcheck.read.pgbouncer.config import PgBouncerConfig

Count: TypeAlias = Located[int] | Unknown | None
"""A whole number; None where the object leaves it to its default, Unknown where it is written but not told."""

Labels: TypeAlias = frozenset[tuple[str, str]]
"""Names with their values. A selector picks the labels that it is a subset of."""


class WorkloadKind(StrEnum):
    """The objects that run pods."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"
    REPLICA_SET = "ReplicaSet"
    REPLICATION_CONTROLLER = "ReplicationController"
    JOB = "Job"
    CRON_JOB = "CronJob"
    POD = "Pod"
    POOLER = "Pooler"
    ROLLOUT = "Rollout"
    SCALED_JOB = "ScaledJob"
    SERVICE = "Compose service"


class Written(NamedTuple):
    """A value as it is written, and what the API is given for it, which must be a string."""

    text: str
    kind: ScalarKind
    span: Span


class KeyRef(NamedTuple):
    """One key of a ConfigMap or a Secret; where it is optional, nothing is set if there is no such key."""

    is_secret: bool
    name: Located[str]
    key: Located[str]
    optional: bool


class FieldRef(NamedTuple):
    """A field of the pod, such as `status.podIP`."""

    path: Located[str]


class ResourceRef(NamedTuple):
    """A request or a limit of a container, such as `limits.cpu`."""

    resource: Located[str]


class Given(NamedTuple):
    """What is worked out already, by Compose: nothing is expanded in it."""

    value: Value


EnvSource: TypeAlias = KeyRef | FieldRef | ResourceRef | Given


class EnvVar(NamedTuple):
    """A variable that a container's `env` sets, to a value or from a source; to nothing where both are None."""

    name: Located[str]
    value: Written | None
    source: EnvSource | Unknown | None


class EnvFrom(NamedTuple):
    """A ConfigMap or Secret of which every key becomes a variable, its name behind the prefix."""

    is_secret: bool
    name: Located[str]
    prefix: str
    optional: bool


class Port(NamedTuple):
    """A port that a container names."""

    number: Located[int]
    name: Located[str] | None


class Mount(NamedTuple):
    """A volume in a container's file system; only one file or folder of it where there is a `sub_path`.

    In place of a volume it may be a file of the project, of which the `text` is seen.
    """

    path: Located[str]
    sub_path: Located[str] | None
    volume: Located[str]
    text: Located[str] | None = None


class ExecHook(NamedTuple):
    """A command that runs in the container before it is told to stop."""

    command: tuple[Located[str], ...]


class SleepHook(NamedTuple):
    """A pause before the container is told to stop."""

    seconds: Located[int]


class Probe(NamedTuple):
    """A check that the kubelet makes of a container; by a `command` in it, or else over the network.

    `port` is that to which it connects and no more, by number or name.
    """

    command: tuple[Located[str], ...] | None
    span: Span
    port: Located[int] | Located[str] | None = None


class Probes(NamedTuple):
    """The checks of a container: whether it is restarted, whether it gets clients, whether it has started."""

    liveness: Probe | None = None
    readiness: Probe | None = None
    startup: Probe | None = None


class Context(NamedTuple):
    """What an image is made of: a folder of the project, a Dockerfile in it, a stage of that if not the last."""

    folder: str
    dockerfile: str
    target: str


class Container(NamedTuple):
    """A container. `command` and `args` are None where the image's own hold.

    In `env_from`, Unknown stands for variables that the file does not show. `context` is what the image is made
    of, where that is seen. It `has_pre_stop` where there is any such hook, `pre_stop` is one that is understood;
    it `has_post_start` where one runs beside its command.
    """

    name: Located[str]
    image: Located[str] | None
    command: tuple[Located[str], ...] | None
    args: tuple[Located[str], ...] | None
    env: tuple[EnvVar, ...]
    env_from: tuple[EnvFrom | Unknown, ...]
    ports: tuple[Port, ...]
    mounts: tuple[Mount, ...]
    pre_stop: ExecHook | SleepHook | None
    restart_policy: Located[str] | None
    context: Context | None = None
    probes: Probes = Probes()
    cpu_limit: Located[str] | None = None
    has_pre_stop: bool = False
    stop_signal: Located[str] | None = None
    has_post_start: bool = False
    cpu_request: Located[str] | None = None


class VolumeSource(NamedTuple):
    """A ConfigMap or Secret whose keys are files of a volume: all, or those in `items` with their paths."""

    is_secret: bool
    name: Located[str]
    items: tuple[tuple[str, str], ...] | None


class Volume(NamedTuple):
    """A volume of a pod, and the ConfigMaps and Secrets in it. It may begin as an empty folder, or be claimed."""

    name: Located[str]
    sources: tuple[VolumeSource, ...]
    is_empty: bool = False
    is_claim: bool = False


class Opening(NamedTuple):
    """Where a mapping begins: the key that it stands at, the place of its first key, and what parts its keys."""

    key: Span
    first: Span
    separator: str

    def insertion(self, entry: str) -> Edit:
        """The edit that makes an entry the mapping's first."""
        return Edit(self.first, f"{entry}{self.separator}")


RECREATE = "Recreate"
"""The strategy that ends all pods before it starts new ones."""


class Runs(NamedTuple):
    """When a Job's pods run: how many must complete, whether it is to `suspend` them.

    Of what makes Jobs, the `concurrency` is whether one may run beside another; KEDA keeps `fewest` to `most`.
    Where something says that it waits until they have `ended`, they run beside nothing.
    """

    completions: Count = None
    suspend: Located[str] | None = None
    concurrency: Located[str] | None = None
    fewest: Count = None
    most: Count = None
    ended: Located[str] | None = None


class Workload(NamedTuple):
    """What runs pods.

    `replicas` are the pods at once, for a Job its parallelism. `max_surge` is how many more a rollout may start,
    as a number or a percentage, and "0" where the `strategy` is Recreate. `grace_s` is
    terminationGracePeriodSeconds. What is not set in an object that `is_partial`, a patch or a template, may be
    set elsewhere. The containers of a pod that `shares_processes` see those of one another; one that `is_spread`
    says which pods it is kept away from. The `annotations` are those of its pods.
    """

    kind: WorkloadKind
    name: Located[str]
    namespace: Located[str] | None
    span: Span
    replicas: Count
    max_surge: Located[str] | None
    labels: Labels
    grace_s: Count
    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...]
    volumes: tuple[Volume, ...]
    pod: Opening | None
    is_partial: bool
    shares_processes: bool = False
    is_spread: bool = False
    annotations: Labels = frozenset()
    strategy: Located[str] | None = None
    runs: Runs | None = None


class ServicePort(NamedTuple):
    """A port of a Service and the container's behind it, by number or name; None where they are the same."""

    name: Located[str] | None
    port: Located[int]
    target: Located[int] | Located[str] | None


class Service(NamedTuple):
    """A name in the network for the pods that its selector picks. `balancer_class` makes its load balancer.

    It `has_any_port` where more than its `ports` may lead somewhere: some are not told, or it only names the pods.
    """

    name: Located[str]
    namespace: Located[str] | None
    span: Span
    selector: Labels | None
    ports: tuple[ServicePort, ...]
    type: Located[str] | None
    external_name: Located[str] | None
    annotations: Labels = frozenset()
    session_affinity: Located[str] | None = None
    balancer_class: Located[str] | None = None
    has_any_port: bool = False


class DataEntry(NamedTuple):
    """A key of a ConfigMap or a Secret.

    `value` is None where it is encoded. `config` is what it holds that is a pgbouncer.ini, `faults` are lines of
    it that PgBouncer refuses. `block` is a literal block of a server's settings as the file has it, indented.
    `mistaken` is what the API is given and refuses, as it is no string.
    """

    key: Located[str]
    value: Located[str] | None
    span: Span
    config: "PgBouncerConfig | None" = None
    faults: tuple[SyntaxFault, ...] = ()
    block: Located[str] | None = None
    mistaken: Written | None = None


class ConfigMap(NamedTuple):
    """Settings under keys."""

    name: Located[str]
    namespace: Located[str] | None
    span: Span
    data: tuple[DataEntry, ...]


class Secret(NamedTuple):
    """Settings under keys that nothing may print. Values in `data` are encoded and not kept."""

    name: Located[str]
    namespace: Located[str] | None
    span: Span
    data: tuple[DataEntry, ...]


class Autoscaler(NamedTuple):
    """A HorizontalPodAutoscaler, or a ScaledObject of KEDA's: how many pods its target may have.

    `by_default` are the fewest and the most where it tells nothing; the most is None where it must tell. It
    `is_partial` where more of it may stand elsewhere.
    """

    name: Located[str]
    namespace: Located[str] | None
    span: Span
    target_kind: Located[str] | None
    target_name: Located[str] | None
    min_replicas: Count
    max_replicas: Count
    by_default: tuple[int, int | None] = (1, None)
    is_partial: bool = False


class DisruptionBudget(NamedTuple):
    """How many of the pods with these labels may be missing while nodes are drained, as numbers or percentages.

    The selector is None where it picks by more than labels, or nothing.
    """

    name: Located[str]
    namespace: Located[str] | None
    span: Span
    selector: Labels | None
    min_available: Located[str] | None
    max_unavailable: Located[str] | None


Object: TypeAlias = Workload | Service | ConfigMap | Secret | Autoscaler | DisruptionBudget | Managed


class Manifest(NamedTuple):
    """The objects in one file, those in lists too.

    A comment says of the lines at `remarked` that something has its own way to a database.
    """

    span: Span
    workloads: tuple[Workload, ...]
    services: tuple[Service, ...]
    config_maps: tuple[ConfigMap, ...]
    secrets: tuple[Secret, ...]
    autoscalers: tuple[Autoscaler, ...]
    managed: tuple[Managed, ...] = ()
    disruption_budgets: tuple[DisruptionBudget, ...] = ()
    remarked: tuple[Span, ...] = ()
