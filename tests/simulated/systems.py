"""Small systems: what runs in them, the files that say so, and strategies that make them up."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent, indent

from hypothesis import strategies as st

DATABASES = ("orders", "stock")
USERS = ("web", "jobs")
DATABASE = "postgres"
POOLER = "pgbouncer"


@dataclass(frozen=True)
class Pods:
    """How many pods there are, and how they are replaced; None where the manifest leaves it out.

    An autoscaler keeps them to `autoscaled`, the fewest and the most.
    """

    kind: str = "Deployment"
    replicas: int | None = None
    autoscaled: tuple[int, int] | None = None
    is_recreated: bool = False
    max_surge: str | None = None
    max_unavailable: str | None = None
    completions: int | None = None

    @property
    def fewest(self) -> int:
        """What there is of them while nothing happens."""
        if self.autoscaled:
            return self.autoscaled[0]
        number = 1 if self.replicas is None else self.replicas
        return number if self.completions is None else min(number, self.completions)

    @property
    def most(self) -> int:
        """What there is of them at the autoscaler's maximum."""
        return self.autoscaled[1] if self.autoscaled else self.fewest


@dataclass(frozen=True)
class App:
    """A program whose processes have a pool each, which connect to the database or through the pooler."""

    name: str
    pods: Pods
    processes: int
    pool: tuple[int, int]
    is_pooled: bool
    database: str
    user: str
    is_psycopg: bool = False

    @property
    def pool_size(self) -> int:
        """The connections of a full pool."""
        return sum(self.pool)


@dataclass(frozen=True)
class Entry:
    """A line of [databases]."""

    name: str
    user: str | None = None
    pool_size: int | None = None
    reserve: int | None = None
    max_db_connections: int | None = None


@dataclass(frozen=True)
class User:
    """A line of [users]."""

    name: str
    pool_size: int | None = None
    max_user_connections: int | None = None


@dataclass(frozen=True)
class Pooler:
    """A PgBouncer."""

    pods: Pods
    entries: tuple[Entry, ...]
    users: tuple[User, ...] = ()
    max_client_conn: int = 1000
    default_pool_size: int = 20
    reserve: int = 0
    max_db_connections: int = 0
    max_user_connections: int = 0

    def entry(self, name: str) -> Entry:
        """The entry for a database."""
        return next(each for each in self.entries if each.name == name)

    def user(self, name: str) -> User:
        """What is said of a user."""
        return next((each for each in self.users if each.name == name), User(name))


@dataclass(frozen=True)
class System:
    """Programs in front of one database, some of them behind one pooler."""

    apps: tuple[App, ...]
    pooler: Pooler | None
    max_connections: int = 100

    def written(self) -> dict[str, str]:
        """The files that say all of this."""
        texts = {"k8s/postgres.yaml": _postgres(self.max_connections)}
        if self.pooler:
            texts["k8s/pgbouncer.yaml"] = _pooler(self.pooler)
        for app in self.apps:
            texts[f"k8s/{app.name}.yaml"] = _app(app)
            texts[f"{app.name}/main.py"] = _program(app)
        return texts


def _workload(name: str, pods: Pods, container: str, more: str = "") -> str:
    fields: list[str] = []
    if pods.kind == "Job":
        fields += [] if pods.replicas is None else [f"parallelism: {pods.replicas}"]
        fields += [] if pods.completions is None else [f"completions: {pods.completions}"]
    else:
        fields += [f"selector: {{matchLabels: {{app: {name}}}}}"]
        fields += [] if pods.replicas is None else [f"replicas: {pods.replicas}"]
    if pods.is_recreated:
        fields.append("strategy: {type: Recreate}")
    elif pods.max_surge is not None or pods.max_unavailable is not None:
        told = {"maxSurge": pods.max_surge, "maxUnavailable": pods.max_unavailable}
        rolling = ", ".join(f"{key}: {value}" for key, value in told.items() if value is not None)
        fields.append(f"strategy: {{type: RollingUpdate, rollingUpdate: {{{rolling}}}}}")
    version = "batch/v1" if pods.kind == "Job" else "apps/v1"
    autoscaler = ""
    if pods.autoscaled:
        fewest, most = pods.autoscaled
        autoscaler = dedent(f"""\
            ---
            apiVersion: autoscaling/v2
            kind: HorizontalPodAutoscaler
            metadata: {{name: {name}}}
            spec:
              scaleTargetRef: {{apiVersion: {version}, kind: {pods.kind}, name: {name}}}
              minReplicas: {fewest}
              maxReplicas: {most}
            """)
    head = f"apiVersion: {version}\nkind: {pods.kind}\nmetadata: {{name: {name}}}\nspec:\n"
    template = f"template:\n  metadata: {{labels: {{app: {name}}}}}\n  spec:\n"
    pod = f"containers:\n{indent(container, '  ')}{more}"
    body = "".join(f"{each}\n" for each in fields) + template + indent(pod, "    ")
    return head + indent(body, "  ") + autoscaler


def _service(name: str, port: int) -> str:
    return dedent(f"""\
        ---
        apiVersion: v1
        kind: Service
        metadata: {{name: {name}}}
        spec:
          selector: {{app: {name}}}
          ports: [{{port: {port}}}]
        """)


def _postgres(max_connections: int) -> str:
    container = dedent(f"""\
        - name: {DATABASE}
          image: postgres:16.4
          args: ["-c", "max_connections={max_connections}"]
          ports: [{{containerPort: 5432}}]
        """)
    return _workload(DATABASE, Pods("StatefulSet", 1), container) + _service(DATABASE, 5432)


def _pooler(pooler: Pooler) -> str:
    container = dedent(f"""\
        - name: {POOLER}
          image: edoburu/pgbouncer:v1.25.1-p0
          ports: [{{containerPort: 6432}}]
          volumeMounts: [{{name: config, mountPath: /etc/pgbouncer}}]
        """)
    volumes = "volumes:\n  - name: config\n    configMap: {name: pgbouncer}\n"
    ini = dedent("""\
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: pgbouncer}
        data:
          pgbouncer.ini: |
        """) + indent(_ini(pooler), "    ")
    return _workload(POOLER, pooler.pods, container, volumes) + _service(POOLER, 6432) + ini


def _ini(pooler: Pooler) -> str:
    lines = ["[databases]"]
    for entry in pooler.entries:
        told = {
            "user": entry.user,
            "pool_size": entry.pool_size,
            "reserve_pool_size": entry.reserve,
            "max_db_connections": entry.max_db_connections,
        }
        lines.append(f"{entry.name} = host={DATABASE} port=5432{_options(told)}")
    if pooler.users:
        lines.append("[users]")
    for user in pooler.users:
        told = {"pool_size": user.pool_size, "max_user_connections": user.max_user_connections}
        lines.append(f"{user.name} ={_options(told)}")
    lines += [
        "[pgbouncer]",
        "listen_addr = 0.0.0.0",
        "listen_port = 6432",
        "pool_mode = transaction",
        f"max_client_conn = {pooler.max_client_conn}",
        f"default_pool_size = {pooler.default_pool_size}",
        f"reserve_pool_size = {pooler.reserve}",
        f"max_db_connections = {pooler.max_db_connections}",
        f"max_user_connections = {pooler.max_user_connections}",
        "so_reuseport = 0",
    ]
    return "".join(f"{line}\n" for line in lines)


def _options(told: Mapping[str, str | int | None]) -> str:
    return "".join(f" {key}={value}" for key, value in told.items() if value is not None)


def _app(app: App) -> str:
    container = dedent(f"""\
        - name: {app.name}
          image: registry.example.com/{app.name}
          command: ["gunicorn", "-w", "{app.processes}", "main:app"]
        """)
    return _workload(app.name, app.pods, container)


def _program(app: App) -> str:
    host = f"{POOLER}:6432" if app.is_pooled else f"{DATABASE}:5432"
    url = f"{app.user}@{host}/{app.database}"
    size, overflow = app.pool
    if app.is_psycopg:
        return dedent(f"""\
            from psycopg_pool import ConnectionPool

            pool = ConnectionPool("postgresql://{url}", min_size=0, max_size={size + overflow}, open=True)
            """)
    return dedent(f"""\
        from sqlalchemy import create_engine

        engine = create_engine("postgresql+psycopg2://{url}", pool_size={size}, max_overflow={overflow})
        """)


@st.composite
def rolled(draw: st.DrawFn, most: int = 4) -> Pods:
    """Pods of some kind."""
    replicas = draw(st.one_of(st.none(), st.integers(1, most)))
    kind = draw(st.sampled_from(["Deployment"] * 4 + ["StatefulSet", "Job"]))
    autoscaled = None
    if kind != "Job" and draw(st.booleans()):
        fewest = draw(st.integers(1, most))
        autoscaled = fewest, draw(st.integers(fewest, most + 2))
    if kind == "Job":
        return Pods(kind, replicas, completions=draw(st.one_of(st.none(), st.integers(1, most))))
    if kind == "StatefulSet":
        return Pods(kind, replicas, autoscaled)
    share = st.sampled_from([None, "0", "1", "2", "25%", "50%", "100%"])
    surge, unavailable = draw(share), draw(share)
    if surge == "0" and unavailable == "0":
        unavailable = None
    is_recreated = draw(st.sampled_from([False, False, True]))
    return Pods(kind, replicas, autoscaled, is_recreated, surge, unavailable)


_LIMITS = st.sampled_from([0, 0, 0, 2, 5])


@st.composite
def poolers(draw: st.DrawFn) -> Pooler:
    """A PgBouncer with one or two databases."""
    maybe = st.one_of(st.none(), st.integers(1, 4))
    names = DATABASES[: draw(st.integers(1, 2))]
    entries = tuple(
        Entry(
            name,
            draw(st.sampled_from([None, None, "owner"])),
            draw(maybe),
            draw(maybe),
            draw(st.sampled_from([None, None, 3, 6])),
        )
        for name in names
    )
    users = tuple(
        User(name, draw(maybe), draw(maybe)) for name in (*USERS, "owner") if draw(st.integers(0, 3)) == 0
    )
    pods = draw(rolled(3).filter(lambda each: each.kind == "Deployment"))
    return Pooler(
        pods, entries, users,
        max_client_conn=draw(st.sampled_from([1000, 1000, 6])),
        default_pool_size=draw(st.integers(1, 4)),
        reserve=draw(st.integers(0, 2)),
        max_db_connections=draw(_LIMITS),
        max_user_connections=draw(_LIMITS),
    )  # fmt: skip


@st.composite
def systems(draw: st.DrawFn) -> System:
    """One to three programs, in front of a database or of a PgBouncer."""
    pooler = draw(st.one_of(st.none(), poolers()))
    databases = [entry.name for entry in pooler.entries] if pooler else [*DATABASES]
    apps = tuple(
        App(
            name,
            draw(rolled()),
            draw(st.integers(1, 3)),
            (draw(st.integers(1, 3)), draw(st.integers(0, 2))),
            pooler is not None and draw(st.integers(0, 3)) > 0,
            draw(st.sampled_from(databases)),
            draw(st.sampled_from(USERS)),
            draw(st.booleans()),
        )
        for name in ("api", "worker", "admin")[: draw(st.integers(1, 3))]
    )
    return System(apps, pooler, draw(st.sampled_from([20, 60, 100])))
