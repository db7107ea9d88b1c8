from textwrap import indent

import pytest

from poolcheck.amount import Reason, exactly
from poolcheck.budget.facts import Owner
from poolcheck.link.deployed import Found, found_in, pooler_of
from poolcheck.link.kustomize.kustomized import Kustomized
from poolcheck.read.kubernetes.environment import Objects
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.read.pgbouncer.config import PoolMode
from poolcheck.source import Source

PODS = Reason("3 pods of pooler")
INI = """
[databases]
shop = host=db user=shop
[pgbouncer]
default_pool_size = 20
max_client_conn = 1000
"""


VOLUMES = "  volumes: [{name: config, configMap: {name: config}}]"


def found(container: str, *objects: str, volumes: str = VOLUMES) -> Found | None:
    """What a container with these fields runs, beside these objects."""
    text = f"""
apiVersion: v1
kind: Pod
metadata: {{name: pooler}}
spec:
{volumes}
  containers:
    - {{name: main, {container}}}
"""
    facts = read_manifest(Source("m.yaml", text + "".join(objects)))
    manifest = next(fact for fact in facts if isinstance(fact, Manifest))
    [workload] = manifest.workloads
    return found_in(workload, workload.containers[0], Objects([manifest]), Kustomized((), (), {}))


def config_map(**data: str) -> str:
    entries = "".join(f"  {key}.ini: |\n{indent(text.lstrip(), '    ')}" for key, text in data.items())
    return f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config}}\ndata:\n{entries}"


MOUNT = "volumeMounts: [{name: config, mountPath: /etc/pgbouncer}]"


def test_a_pooler_is_told_by_its_image_with_its_version_and_by_what_is_mounted() -> None:
    by_image = found("image: 'edoburu/pgbouncer:v1.23.1-p2'")
    by_file = found(f"image: registry.example/platform/pooler, {MOUNT}", config_map(pgbouncer=INI))

    assert by_image
    assert (by_image.version, by_image.config) == ((1, 23, 1), None)
    assert by_file
    assert by_file.version is None
    assert by_file.config
    assert [entry.name.value for entry in by_file.config.databases] == ["shop"]


@pytest.mark.parametrize(
    "image",
    ["postgres:16", "ghcr.io/postgresml/pgcat:v1.2.0", "bitnami/pgpool:4", "yandex/odyssey", "proxysql/proxysql"],
)
def test_what_is_no_pgbouncer_is_none(image: str) -> None:
    assert found(f"image: '{image}'") is None


TWO = config_map(**{"pgbouncer": INI, "pgbouncer-ro": INI.replace("shop", "readers")})


@pytest.mark.parametrize(
    ("container", "read"),
    [
        (f"image: edoburu/pgbouncer, {MOUNT}", "shop"),
        (f"image: edoburu/pgbouncer, command: [pgbouncer, /etc/pgbouncer/pgbouncer-ro.ini], {MOUNT}", "readers"),
        (f"image: edoburu/pgbouncer, args: ['pgbouncer -q /etc/pgbouncer/pgbouncer-ro.ini'], {MOUNT}", "readers"),
        (
            "image: edoburu/pgbouncer, volumeMounts:"
            " [{name: config, mountPath: /etc/pgbouncer/pgbouncer.ini, subPath: pgbouncer-ro.ini}]",
            "readers",
        ),
        ("image: bitnami/pgbouncer, volumeMounts: [{name: config, mountPath: /bitnami/pgbouncer/conf/}]", "shop"),
        (f"image: registry.example/pooler, {MOUNT}", "shop"),
    ],
)
def test_of_the_keys_of_a_config_map_one_is_read(container: str, read: str) -> None:
    made = found(container, TWO)

    assert made
    assert made.config
    assert [entry.name.value for entry in made.config.databases] == [read]


@pytest.mark.parametrize("folder", ["/opt", "/etc/pgbouncer/conf.d"])
def test_which_of_several_is_read_at_no_place_that_is_known_is_not_told(folder: str) -> None:
    made = found(f"image: edoburu/pgbouncer, volumeMounts: [{{name: config, mountPath: {folder}}}]", TWO)

    assert made
    assert made.config is None
    assert len(made.configs) == 2


def test_a_key_may_become_a_file_of_another_name() -> None:
    items = "[{key: pgbouncer-ro.ini, path: conf/pgbouncer.ini}]"
    volumes = f"  volumes: [{{name: config, configMap: {{name: config, items: {items}}}}}]"
    folder = "volumeMounts: [{name: config, mountPath: /etc/pgbouncer, subPath: conf}]"
    elsewhere = "volumeMounts: [{name: config, mountPath: /etc/pgbouncer, subPath: more}]"

    made, none = (
        found(f"image: edoburu/pgbouncer, {mount}", TWO, volumes=volumes) for mount in (folder, elsewhere)
    )

    assert made
    assert made.config
    assert [entry.name.value for entry in made.config.databases] == ["readers"]
    assert none
    assert none.configs == ()


def test_a_pooler_accepts_what_all_its_processes_do() -> None:
    mounted = found(f"image: 'edoburu/pgbouncer:v1.25.1-p0', {MOUNT}", config_map(pgbouncer=INI))
    assert mounted

    made = pooler_of(mounted, exactly(3, PODS), Owner("Pod", "pooler"))

    assert (made.name, made.accepts.low, made.accepts.low_sum) == ("pooler", 3000, "3 × 1000")
    assert made.each_accepts.low == 1000
    assert made.mode
    assert made.mode.value is PoolMode.SESSION
