from textwrap import indent

import pytest

from poolcheck.amount import Reason, exactly
from poolcheck.link.deployed import Found, found_in, pooler_of
from poolcheck.read.kubernetes.environment import Objects
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.read.pgbouncer.config import PoolMode
from poolcheck.source import Source
from poolcheck.system import Owner

PODS = Reason("3 pods of pooler")
INI = """
[databases]
shop = host=db user=shop
[pgbouncer]
default_pool_size = 20
max_client_conn = 1000
"""


def found(container: str, *objects: str) -> Found | None:
    """What a container with these fields runs, beside these objects."""
    text = f"""
apiVersion: v1
kind: Pod
metadata: {{name: pooler}}
spec:
  volumes: [{{name: config, configMap: {{name: config}}}}]
  containers:
    - {{name: main, {container}}}
"""
    facts = read_manifest(Source("m.yaml", text + "".join(objects)))
    manifest = next(fact for fact in facts if isinstance(fact, Manifest))
    [workload] = manifest.workloads
    return found_in(workload, workload.containers[0], Objects([manifest]))


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


def test_one_key_of_a_config_map_is_mounted_alone() -> None:
    mount = "volumeMounts: [{name: config, mountPath: /etc/pgbouncer/pgbouncer.ini, subPath: pgbouncer-ro.ini}]"
    data = config_map(**{"pgbouncer": INI, "pgbouncer-ro": INI.replace("shop", "readers")})

    one, both = (
        found(f"image: edoburu/pgbouncer, {mount}", data),
        found(f"image: edoburu/pgbouncer, {MOUNT}", data),
    )

    assert one
    assert one.config
    assert [entry.name.value for entry in one.config.databases] == ["readers"]
    assert both
    assert both.config is None


def test_a_pooler_accepts_what_all_its_processes_do() -> None:
    mounted = found(f"image: 'edoburu/pgbouncer:v1.25.1-p0', {MOUNT}", config_map(pgbouncer=INI))
    assert mounted

    made = pooler_of(mounted, exactly(3, PODS), Owner("Pod", "pooler"))

    assert (made.name, made.accepts.low, made.accepts.low_sum) == ("pooler", 3000, "3 × 1000")
    assert made.each_accepts.low == 1000
    assert made.mode
    assert made.mode.value is PoolMode.SESSION
