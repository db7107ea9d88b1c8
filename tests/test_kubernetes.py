import pickle
from textwrap import dedent

import pytest

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.kubernetes.manifest import (
    Container,
    DataEntry,
    EnvFrom,
    ExecHook,
    FieldRef,
    KeyRef,
    Manifest,
    ResourceRef,
    SleepHook,
    Workload,
)
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.template import is_filled_in
from poolcheck.read.yaml.scalars import ScalarKind
from poolcheck.source import Located, Source, Span, apply
from poolcheck.value import Unknown

Fact = Manifest | PgBouncerConfig | SyntaxFault


def facts(text: str) -> list[Fact]:
    return list(read_manifest(Source("m.yaml", text)))


def read(text: str) -> Manifest:
    [manifest] = (fact for fact in facts(text) if isinstance(fact, Manifest))
    return manifest


def pod(spec: str) -> Workload:
    """A Pod with this spec."""
    head = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n"
    [workload] = read(head + "".join(f"  {line}\n" for line in dedent(spec).strip().splitlines())).workloads
    return workload


def container(fields: str) -> Container:
    """A container with these fields, in a Pod."""
    lines = [f"  {line}" for line in dedent(fields).strip().splitlines()]
    return pod("\n".join(["containers:", "- name: web", *lines])).containers[0]


def values(located: tuple[Located[str], ...] | None) -> list[str] | None:
    return None if located is None else [each.value for each in located]


@pytest.mark.parametrize(
    ("version", "kind", "path"),
    [
        ("apps/v1", "Deployment", ["spec", "template"]),
        ("extensions/v1beta1", "Deployment", ["spec", "template"]),
        ("apps/v1beta2", "StatefulSet", ["spec", "template"]),
        ("apps/v1", "DaemonSet", ["spec", "template"]),
        ("apps/v1", "ReplicaSet", ["spec", "template"]),
        ("v1", "ReplicationController", ["spec", "template"]),
        ("batch/v1", "Job", ["spec", "template"]),
        ("batch/v1beta1", "CronJob", ["spec", "jobTemplate", "spec", "template"]),
        ("argoproj.io/v1alpha1", "Rollout", ["spec", "template"]),
        ("keda.sh/v1alpha1", "ScaledJob", ["spec", "jobTargetRef", "template"]),
        ("v1", "Pod", []),
    ],
)
def test_every_kind_that_runs_pods_is_a_workload(version: str, kind: str, path: list[str]) -> None:
    nested = "".join(f"{{{key}: " for key in path) + "{spec: {containers: [{name: web}]}}" + "}" * len(path)
    text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: shop, namespace: prod}}\n{nested[1:-1]}\n"

    [workload] = read(text).workloads

    assert (str(workload.kind), workload.name.value, workload.namespace and workload.namespace.value) == (
        kind,
        "shop",
        "prod",
    )
    assert [each.name.value for each in workload.containers] == ["web"]


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("serving.knative.dev/v1", "Service"),
        ("apps.kruise.io/v1", "StatefulSet"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("v1", "Deployment"),
        ("{{ .x }}", "Deployment"),
    ],
)
def test_the_same_kind_of_another_group_is_another_thing(version: str, kind: str) -> None:
    assert facts(f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: shop}}\n") == []


def test_the_objects_of_all_documents_and_lists_are_in_the_manifest() -> None:
    manifest = read(
        dedent("""\
            apiVersion: v1
            kind: List
            items:
              - {apiVersion: v1, kind: Service, metadata: {name: one}}
              - apiVersion: v1
                kind: List
                items: [{apiVersion: v1, kind: Service, metadata: {name: two}}]
              - {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: no}}
            ---
            apiVersion: v1
            kind: ConfigMapList
            items:
              - metadata: {name: three}
            ---
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "four"}}
            """)
    )

    assert [service.name.value for service in manifest.services] == ["one", "two"]
    assert [config_map.name.value for config_map in manifest.config_maps] == ["three"]
    assert [secret.name.value for secret in manifest.secrets] == ["four"]


def test_a_list_of_itself_is_refused() -> None:
    [fault] = facts("apiVersion: v1\nkind: List\nitems: &all\n  - kind: List\n    items: *all\n")

    assert isinstance(fault, SyntaxFault)
    assert fault.message.startswith("not read: its aliases")


def test_documents_of_other_kinds_are_not_read_and_have_no_faults() -> None:
    assert facts("apiVersion: v1\nkind: Role\nrules: [\n") == []


@pytest.mark.parametrize(
    "lines", ["spec: {{ spec }}{{ more }}", "$(\nif x; then", "spec:\n  image: @IMAGE@", "<% if x %>"]
)
def test_a_document_that_is_yaml_only_when_it_is_filled_in_has_no_faults(lines: str) -> None:
    found = facts(f"apiVersion: v1\nkind: Pod\n{lines}\n")

    assert not any(isinstance(fact, SyntaxFault) for fact in found)


def test_a_broken_document_is_told_and_does_not_hide_the_others() -> None:
    broken, manifest = facts("kind: Pod\nspec: [\n---\napiVersion: v1\nkind: Service\nmetadata: {name: shop}\n")

    assert isinstance(broken, SyntaxFault)
    assert isinstance(manifest, Manifest)
    assert [service.name.value for service in manifest.services] == ["shop"]


@pytest.mark.parametrize(
    ("written", "replicas"),
    [
        ("", None),
        ("replicas:", None),
        ("replicas: 3", 3),
        ("replicas: {{ .Values.replicas }}", Unknown),
        ("replicas: ${REPLICAS}", Unknown),
        ('replicas: "3"', Unknown),
    ],
)
def test_a_count_is_a_number_or_unset_or_unknown(written: str, replicas: object) -> None:
    [workload] = read(f"apiVersion: apps/v1\nkind: Deployment\nspec:\n  paused: false\n  {written}\n").workloads

    found = workload.replicas

    assert found is replicas or getattr(found, "value", type(found)) == replicas


def test_the_replicas_of_a_job_are_its_parallelism() -> None:
    job = "apiVersion: batch/v1\nkind: Job\nspec: {parallelism: 4}\n"
    cron_job = "apiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {parallelism: 5}}}\n"

    found = [workload.replicas for workload in read(f"{job}---\n{cron_job}").workloads]

    assert [each.value for each in found if isinstance(each, Located)] == [4, 5]


@pytest.mark.parametrize(
    ("kind", "spec", "surge"),
    [
        ("Deployment", "strategy: {rollingUpdate: {maxSurge: 50%}}", "50%"),
        ("Deployment", "strategy: {rollingUpdate: {maxSurge: 2}}", "2"),
        ("Deployment", "strategy: {type: Recreate}", "0"),
        ("Deployment", "replicas: 1", None),
        ("DaemonSet", "updateStrategy: {rollingUpdate: {maxSurge: 1}}", "1"),
        ("StatefulSet", "updateStrategy: {rollingUpdate: {maxSurge: 1}}", None),
    ],
)
def test_a_rollout_may_start_more_pods(kind: str, spec: str, surge: str | None) -> None:
    [workload] = read(f"apiVersion: apps/v1\nkind: {kind}\nspec:\n  {spec}\n").workloads

    assert (workload.max_surge and workload.max_surge.value) == surge


@pytest.mark.parametrize(
    ("kind", "spec", "strategy", "surge"),
    [
        ("Deployment", "strategy: {type: RollingUpdate}", "RollingUpdate", None),
        ("Deployment", "strategy: {type: Recreate}", "Recreate", "0"),
        ("Deployment", "replicas: 1", None, None),
        ("DaemonSet", "updateStrategy: {type: OnDelete, rollingUpdate: {maxSurge: 1}}", "OnDelete", None),
        ("StatefulSet", "updateStrategy: {type: RollingUpdate}", None, None),
        ("Rollout", "strategy: {blueGreen: {}}", "blueGreen", "100%"),
        ("Rollout", "strategy: {canary: {maxSurge: 1}}", None, "1"),
        ("Rollout", "strategy: {canary: {maxSurge: 1, trafficRouting: {}}}", "trafficRouting", "100%"),
    ],
)
def test_a_strategy_has_a_name(kind: str, spec: str, strategy: str | None, surge: str | None) -> None:
    version = "argoproj.io/v1alpha1" if kind == "Rollout" else "apps/v1"

    [workload] = read(f"apiVersion: {version}\nkind: {kind}\nspec:\n  {spec}\n").workloads

    assert (workload.strategy and workload.strategy.value) == strategy
    assert (workload.max_surge and workload.max_surge.value) == surge


@pytest.mark.parametrize(
    ("version", "kind", "spec", "runs"),
    [
        ("batch/v1", "Job", "{completions: 4, suspend: true}", [4, "true", None, None, None]),
        ("batch/v1", "Job", "{}", [None] * 5),
        (
            "batch/v1",
            "CronJob",
            "{concurrencyPolicy: Forbid, suspend: false, jobTemplate: {spec: {completions: 4}}}",
            [4, "false", "Forbid", None, None],
        ),
        (
            "keda.sh/v1alpha1",
            "ScaledJob",
            "{minReplicaCount: 1, maxReplicaCount: 9, jobTargetRef: {completions: 4}}",
            [4, None, None, 1, 9],
        ),
    ],
)
def test_a_job_tells_when_its_pods_run(version: str, kind: str, spec: str, runs: list[int | str | None]) -> None:
    [workload] = read(f"apiVersion: {version}\nkind: {kind}\nspec: {spec}\n").workloads

    assert workload.runs
    completions, suspend, concurrency, fewest, most, _ = workload.runs
    found = (completions, suspend, concurrency, fewest, most)
    assert [each.value if isinstance(each, Located) else None for each in found] == runs


def test_a_service_picks_pods_by_a_part_of_their_labels() -> None:
    manifest = read(
        dedent("""\
            apiVersion: v1
            kind: Service
            metadata: {name: shop}
            spec:
              type: ClusterIP
              selector: {app: shop}
              ports:
                - {port: 5432, targetPort: 6432}
                - {port: 80, targetPort: http, name: web}
                - {port: 81}
            ---
            apiVersion: apps/v1
            kind: Deployment
            spec: {template: {metadata: {labels: {app: shop, tier: web}}}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: database}
            spec: {type: ExternalName, externalName: db.example.com}
            """)
    )
    shop, database = manifest.services

    assert shop.selector is not None
    assert shop.selector <= manifest.workloads[0].labels
    assert [port.port.value for port in shop.ports] == [5432, 80, 81]
    assert [port.target and port.target.value for port in shop.ports] == [6432, "http", None]
    assert (database.selector, database.external_name and database.external_name.value) == (None, "db.example.com")


def test_an_autoscaler_tells_the_pods_of_its_target() -> None:
    text = (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: shop}\n"
        "spec: {scaleTargetRef: {kind: Deployment, name: shop}, minReplicas: 2, maxReplicas: 8}\n"
    )

    [found] = read(text).autoscalers

    assert (found.target_kind and found.target_kind.value, found.target_name and found.target_name.value) == (
        "Deployment",
        "shop",
    )
    assert [each.value for each in (found.min_replicas, found.max_replicas) if isinstance(each, Located)] == [2, 8]


def test_a_container_is_told_field_by_field() -> None:
    found = container("""
        image: registry.example/shop:1.4
        command: [gunicorn, -w, 4]
        args:
        - app:app
        ports:
        - {containerPort: 8000, name: http}
        volumeMounts:
        - {mountPath: /etc/shop, name: config, subPath: shop.ini}
        restartPolicy: Always
    """)

    assert found.image
    assert found.image.value == "registry.example/shop:1.4"
    assert (values(found.command), values(found.args)) == (["gunicorn", "-w", "4"], ["app:app"])
    assert [(port.number.value, port.name and port.name.value) for port in found.ports] == [(8000, "http")]
    assert [(mount.path.value, mount.sub_path and mount.sub_path.value) for mount in found.mounts] == [
        ("/etc/shop", "shop.ini")
    ]
    assert found.restart_policy
    assert found.restart_policy.value == "Always"


def test_a_command_that_is_left_out_is_the_images() -> None:
    found = container("args: null")

    assert (found.command, found.args) == (None, None)


def test_a_command_that_a_template_fills_in_is_a_word_of_the_template() -> None:
    found = container("command: {{ .Values.command }}\nargs: [{{ .Values.one }}, two]")

    assert (values(found.command), values(found.args)) == (["{{ .Values.command }}"], ["{{ .Values.one }}", "two"])


def test_variables_have_values_or_sources() -> None:
    found = container("""
        env:
        - {name: A, value: "1"}
        - {name: B, value: 4}
        - {name: C, valueFrom: {configMapKeyRef: {name: settings, key: c, optional: true}}}
        - {name: D, valueFrom: {secretKeyRef: {name: database, key: password}}}
        - {name: E, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: F, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
        - {name: G, valueFrom: {{ .Values.source }}}
        - {name: H}
        - {name: I, value: null}
    """)

    assert [variable.name.value for variable in found.env] == list("ABCDEFGHI")
    assert [variable.value and (variable.value.text, variable.value.kind) for variable in found.env[:2]] == [
        ("1", ScalarKind.STRING),
        ("4", ScalarKind.INTEGER),
    ]
    sources = [variable.source for variable in found.env[2:7]]
    assert [type(source) for source in sources] == [KeyRef, KeyRef, FieldRef, ResourceRef, Unknown]
    assert [(source.is_secret, source.optional) for source in sources if isinstance(source, KeyRef)] == [
        (False, True),
        (True, False),
    ]
    assert [(variable.value, variable.source) for variable in found.env[7:]] == [(None, None), (None, None)]


def test_variables_come_from_whole_objects_too() -> None:
    found = container("""
        envFrom:
        - {prefix: DB_, secretRef: {name: database}}
        - {configMapRef: {name: settings, optional: true}}
    """)

    assert [
        (source.is_secret, source.name.value, source.prefix, source.optional)
        for source in found.env_from
        if isinstance(source, EnvFrom)
    ] == [(True, "database", "DB_", False), (False, "settings", "", True)]


@pytest.mark.parametrize(
    "fields",
    [
        "env: {{ .Values.env }}",
        "env:\n- {{ .Values.one }}\n- {name: A, value: b}",
        "envFrom: {{ .Values.from }}",
        "env:\n- $patch: replace",
    ],
)
def test_variables_that_the_file_does_not_show_are_unknown(fields: str) -> None:
    assert [type(source) for source in container(fields).env_from] == [Unknown]


@pytest.mark.parametrize(
    ("hook", "found"),
    [
        ("exec: {command: [sleep, 60]}", ExecHook),
        ("sleep: {seconds: 60}", SleepHook),
        ("httpGet: {path: /stop}", type(None)),
        ("exec: {}", type(None)),
    ],
)
def test_a_hook_runs_a_command_or_sleeps(hook: str, found: type) -> None:
    assert type(container(f"lifecycle: {{preStop: {{{hook}}}}}").pre_stop) is found


def test_that_there_is_a_hook_is_told_of_those_too_that_are_not_understood() -> None:
    assert container("lifecycle: {preStop: {httpGet: {path: /stop}}, stopSignal: SIGINT}").has_pre_stop
    assert not container("lifecycle: {stopSignal: SIGINT}").has_pre_stop


def test_a_probe_runs_a_command_or_asks_over_the_network() -> None:
    found = container("""
        livenessProbe: {exec: {command: [psql, -c, select 1]}}
        readinessProbe: {tcpSocket: {port: 5432}}
        startupProbe: null
    """).probes

    assert found.liveness
    assert values(found.liveness.command) == ["psql", "-c", "select 1"]
    assert found.readiness
    assert found.readiness.command is None
    assert found.startup is None


def test_a_container_has_a_limit_of_cpu() -> None:
    found = container("resources: {limits: {cpu: 2}, requests: {cpu: 100m}}").cpu_limit

    assert found
    assert found.value == "2"


@pytest.mark.parametrize(
    ("spec", "is_spread"),
    [
        ("affinity: {podAntiAffinity: {}}", True),
        ("topologySpreadConstraints: [{maxSkew: 1}]", True),
        ("containers: [{name: web, ports: [{containerPort: 80, hostPort: 80}]}]", True),
        ("affinity: '{{ .Values.affinity }}'", True),
        ("affinity: {nodeAffinity: {}}", False),
        ("affinity: null", False),
        ("nodeSelector: {disk: fast}", False),
    ],
)
def test_pods_may_be_kept_apart(spec: str, is_spread: bool) -> None:
    assert pod(spec).is_spread is is_spread


def test_containers_may_share_their_processes() -> None:
    assert pod("shareProcessNamespace: true").shares_processes
    assert pod("hostPID: true").shares_processes
    assert not pod("hostNetwork: true").shares_processes


def test_a_disruption_budget_picks_pods_by_labels_or_in_a_way_that_is_not_told() -> None:
    head = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: shop}\nspec:\n  minAvailable: 50%\n"
    by_labels = "  selector: {matchLabels: {app: shop}}\n"
    otherwise = "  selector: {matchLabels: {app: shop}, matchExpressions: [{key: tier, operator: Exists}]}\n"

    [told] = read(head + by_labels).disruption_budgets
    [untold] = read(head + otherwise).disruption_budgets

    assert (told.min_available and told.min_available.value, told.max_unavailable) == ("50%", None)
    assert told.selector == frozenset({("app", "shop")})
    assert untold.selector is None


def test_volumes_hold_objects_or_some_of_their_keys() -> None:
    found = pod("""
        volumes:
        - {name: a, configMap: {name: settings}}
        - {name: b, secret: {secretName: users, items: [{key: list, path: userlist.txt}]}}
        - {name: c, projected: {sources: [{configMap: {name: one}}, {secret: {name: two}}]}}
        - {name: d, emptyDir: {}}
    """).volumes

    assert [volume.name.value for volume in found] == ["a", "b", "c", "d"]
    sources = [[(source.is_secret, source.name.value, source.items) for source in each.sources] for each in found]
    assert sources == [
        [(False, "settings", None)],
        [(True, "users", (("list", "userlist.txt"),))],
        [(False, "one", None), (True, "two", None)],
        [],
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apiVersion: v1\nkind: Pod\nspec:\n  containers: []\n", "spec:\n  grace: 9\n  containers: []\n"),
        ("apiVersion: v1\nkind: Pod\nspec: {containers: []}\n", "spec: {grace: 9, containers: []}\n"),
        ("apiVersion: v1\r\nkind: Pod\r\nspec:\r\n    a: 1\r\n", "spec:\r\n    grace: 9\r\n    a: 1\r\n"),
    ],
)
def test_a_key_can_be_put_into_the_spec_of_a_pod(text: str, expected: str) -> None:
    [workload] = read(text).workloads

    assert workload.pod
    assert apply(text, [workload.pod.insertion("grace: 9")]).endswith(expected)
    assert text[workload.pod.key.start : workload.pod.key.end] == "spec"


@pytest.mark.parametrize(
    ("spec", "is_partial"),
    [
        ("selector: {}\n  template: {spec: {containers: [{name: web, image: shop}]}}", False),
        ("template: {spec: {containers: [{name: web, image: shop}]}}", True),
        ("selector: {}\n  template: {spec: {containers: [{name: web}]}}", True),
        ("selector: {}\n  replicas: 3", True),
        ("selector: {}\n  template: {spec: {containers: [{name: web, image: shop, args: ['{{ x }}']}]}}", True),
    ],
)
def test_a_patch_or_a_template_is_no_whole_object(spec: str, is_partial: bool) -> None:
    [workload] = read(f"apiVersion: apps/v1\nkind: Deployment\nspec:\n  {spec}\n").workloads

    assert workload.is_partial is is_partial


def test_config_maps_keep_their_texts_and_secrets_only_what_is_not_encoded() -> None:
    manifest = read(
        dedent("""\
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            data: {host: db, workers: 4, empty: ~}
            binaryData: {logo: AAAA}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: users}
            data: {password: c2VjcmV0, host: b2xk}
            stringData: {host: db}
            """)
    )

    [config_map], [secret] = manifest.config_maps, manifest.secrets

    assert texts(config_map.data) == {"host": "db", "workers": "4", "empty": "", "logo": None}
    assert texts(secret.data) == {"password": None, "host": "db"}


def texts(data: tuple[DataEntry, ...]) -> dict[str, str | None]:
    return {entry.key.value: entry.value and entry.value.value for entry in data}


INI = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: pooler}
data:
  other.ini: |
    [other]
  pgbouncer.ini: |
    [databases]
    shop = host=orders
    what is this
    [pgbouncer]
    pool_mode = transaction
"""


def test_a_pgbouncer_ini_in_a_config_map_is_read_where_it_lies() -> None:
    manifest, config, fault = facts(INI)

    assert isinstance(manifest, Manifest)
    assert isinstance(config, PgBouncerConfig)
    assert isinstance(fault, SyntaxFault)
    assert [entry.config for entry in manifest.config_maps[0].data] == [None, config]
    mode = config.setting("pool_mode")
    assert mode
    assert INI[mode.span.start : mode.span.end] == "transaction"
    assert INI[fault.span.start :].startswith("what is this")


@pytest.mark.parametrize(
    ("key", "text", "is_read"),
    [
        ("pgbouncer.ini", "|\n    pool_mode = session", True),
        ("my.conf", "|\n    [PgBouncer]\n    pool_mode = session", True),
        ("my.conf", "|\n    # [pgbouncer]", False),
        ("pgbouncer.ini", ">\n    [pgbouncer]", True),
        ("pgbouncer.ini", '"[pgbouncer]"', True),
        ("my.conf", "'[pgbouncer]\n\n    pool_mode = session'", True),
        ("userlist.txt", '|\n    "pgbouncer" "secret"', False),
    ],
)
def test_what_looks_like_a_pgbouncer_ini_is_one(key: str, text: str, is_read: bool) -> None:
    found = facts(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: pooler}}\nstringData:\n  {key}: {text}\n")

    assert any(isinstance(fact, PgBouncerConfig) for fact in found) is is_read


def test_facts_survive_pickling() -> None:
    manifest = read(INI)

    assert pickle.loads(pickle.dumps(manifest)) == manifest


def test_an_object_without_a_name_is_read() -> None:
    [workload] = read("apiVersion: v1\nkind: Pod\nspec: {}\n").workloads

    assert workload.name == Located("", Span("m.yaml", 0, 0))


@pytest.mark.parametrize("text", ["{{ .Values.x }}", "a {% if b %}", "${HOST}", "a${B:-c}d"])
def test_what_is_filled_in_later_is_told(text: str) -> None:
    assert is_filled_in(text)


@pytest.mark.parametrize("text", ["", "plain", "$(HOST)", "$HOST", "{a}", "100%"])
def test_what_the_kubelet_or_nobody_fills_in_is_not(text: str) -> None:
    assert not is_filled_in(text)


def test_twenty_thousand_documents_are_read_in_linear_time() -> None:
    document = '---\napiVersion: v1\nkind: ConfigMap\ndata: {shop.ini: "[shop]"}\n'

    assert len(read(document * 20_000).config_maps) == 20_000


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("20", ScalarKind.INTEGER),
        ("1e3", ScalarKind.FLOAT),
        ("off", ScalarKind.BOOLEAN),
        ("{a: 1}", ScalarKind.COLLECTION),
        ("[1, 2]", ScalarKind.COLLECTION),
    ],
)
def test_what_the_api_refuses_in_a_config_map_is_told(value: str, kind: ScalarKind) -> None:
    [config_map] = read(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{A: {value}}}\n"
    ).config_maps
    [entry] = config_map.data

    assert entry.mistaken
    assert (entry.mistaken.text, entry.mistaken.kind) == (value, kind)


@pytest.mark.parametrize("value", ["'20'", "20m", "", "null", "12:30", "${A}", "{{ .Values.a }}"])
def test_what_the_api_takes_in_a_config_map_is_not_told(value: str) -> None:
    [config_map] = read(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  A: {value}\n"
    ).config_maps

    assert [entry.mistaken for entry in config_map.data] == [None]


def test_a_secret_is_refused_for_what_is_encoded_too() -> None:
    [secret] = read("apiVersion: v1\nkind: Secret\ndata: {A: 5432}\nstringData: {B: true}\n").secrets

    assert [entry.mistaken and entry.mistaken.kind for entry in secret.data] == [
        ScalarKind.INTEGER,
        ScalarKind.BOOLEAN,
    ]


def test_a_scaled_object_without_triggers_is_partial() -> None:
    whole, part = read(
        """
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: a}
spec: {scaleTargetRef: {name: a}, triggers: [{type: cpu}]}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: a}
spec: {minReplicaCount: 1}
"""
    ).autoscalers

    assert (whole.is_partial, part.is_partial) == (False, True)


def test_a_hook_beside_the_command_is_seen() -> None:
    [container] = pod("containers: [{name: a, lifecycle: {postStart: {exec: {command: [cp, a, b]}}}}]").containers

    assert container.has_post_start
