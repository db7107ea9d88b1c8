"""Which containers of a pod have client pools that count."""

import pytest

from poolcheck.budget.facts import ContainerFacts
from poolcheck.files import Memory
from poolcheck.run import linked
from poolcheck.stated import Stated

ENGINE = (
    'from sqlalchemy import create_engine\n\nengine = create_engine("postgresql://db/shop", pool_size={size})\n'
)
SHARED = """
import os

from sqlalchemy import create_engine

engine = create_engine("postgresql://db/shop", pool_size=int(os.environ.get("SIZE", "5")), max_overflow=0)
"""


def counted(spec: str, **programs: str) -> dict[str, ContainerFacts]:
    """The containers of a pod of this spec that have pools, by their names."""
    texts = {f"{name}/main.py": text for name, text in programs.items()}
    texts["pod.yaml"] = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: shop}}\nspec:\n{spec}"
    files = Memory({path: text.encode() for path, text in texts.items()})
    found = linked([*texts], files, Stated()).system.facts
    return {each.name: each for workload in found.workloads for each in workload.containers if each.name}


def container(name: str, more: str = "", *, workers: int = 1) -> str:
    command = f"[gunicorn, -w, '{workers}', 'main:app']"
    return f"    - {{name: {name}, image: 'registry.example.com/{name}', command: {command}{more}}}\n"


def test_all_containers_of_a_pod_have_their_own_pools() -> None:
    spec = f"  containers:\n{container('web', workers=4)}{container('worker', workers=2)}"

    found = counted(spec, web=ENGINE.format(size=3), worker=ENGINE.format(size=7))

    assert {name: (each.processes.low, each.pools[0].size.low) for name, each in found.items()} == {
        "web": (4, 3 + 10),
        "worker": (2, 7 + 10),
    }


def test_two_containers_of_one_image_have_a_pool_each_as_their_variables_say() -> None:
    spec = "  containers:\n"
    for name, size in (("web", 3), ("worker", 7)):
        more = f", env: [{{name: SIZE, value: '{size}'}}]"
        spec += container(name, more).replace(f"example.com/{name}", "example.com/shop")

    found = counted(spec, shop=SHARED)

    assert {name: each.pools[0].size.low for name, each in found.items()} == {"web": 3, "worker": 7}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [(", restartPolicy: Always", {"web", "agent"}), ("", {"web"}), (", restartPolicy: OnFailure", {"web"})],
)
def test_an_init_container_counts_where_it_runs_for_as_long_as_the_pod(policy: str, expected: set[str]) -> None:
    """Kubernetes, sidecar containers. The others have ended before the containers of the pod start."""
    spec = f"  initContainers:\n{container('agent', policy)}  containers:\n{container('web')}"

    found = counted(spec, web=ENGINE.format(size=3), agent=ENGINE.format(size=7))

    assert {*found} == expected


def test_ephemeral_containers_do_not_count() -> None:
    spec = f"  containers:\n{container('web')}  ephemeralContainers:\n{container('debugger')}"

    found = counted(spec, web=ENGINE.format(size=3), debugger=ENGINE.format(size=7))

    assert {*found} == {"web"}
