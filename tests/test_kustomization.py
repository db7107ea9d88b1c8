import pytest

from poolcheck.read.kubernetes.generators import read_kustomization
from poolcheck.read.kubernetes.kustomization import ImageChange, Kustomization
from poolcheck.source import Located, Source, Span

COMPONENT = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop
resources:
  - deployment.yaml
  - ../service.yaml
components: [../components/metrics]
configMapGenerator:
  - name: pgbouncer
    files:
      - pgbouncer.ini
      - hba.conf=conf/pgbouncer_hba.conf
  - name: pgbouncer-env
    envs: [params.env]
    literals: [POOL_MODE=transaction]
secretGenerator:
  - name: pgbouncer-users
    files: [secrets/userlist.txt]
images:
  - name: bitnami/pgbouncer
    newTag: 1.24.1
"""
ENV = '# params\nH=1\n\n  I=2\nJ="q"\nK=a # b\nM= x \n'


def read(text: str) -> list[Kustomization]:
    found = read_kustomization(Source("base/kustomization.yaml", text), {"base/params.env": ENV}.get)
    return [each for each in found if isinstance(each, Kustomization)]


def test_files_become_keys_of_config_maps_and_secrets() -> None:
    [found] = read(COMPONENT)

    assert [(each.name.value, each.is_secret) for each in found.generators] == [
        ("pgbouncer", False),
        ("pgbouncer-env", False),
        ("pgbouncer-users", True),
    ]
    assert [[(file.key, file.path.value) for file in each.files] for each in found.generators] == [
        [("pgbouncer.ini", "pgbouncer.ini"), ("hba.conf", "conf/pgbouncer_hba.conf")],
        [],
        [("userlist.txt", "secrets/userlist.txt")],
    ]


def test_settings_of_a_server_come_with_their_text_unless_they_are_secret() -> None:
    text = """
configMapGenerator: [{name: postgres, files: [main.conf=conf/postgresql.conf, gone.conf, readme.md]}]
secretGenerator: [{name: hidden, files: [conf/postgresql.conf]}]
"""
    files = {"base/conf/postgresql.conf": "max_connections = 200\n", "base/readme.md": "…"}
    [found] = read_kustomization(Source("base/kustomization.yaml", text), files.get)
    assert isinstance(found, Kustomization)

    shown = [[(file.key, file.text) for file in each.files] for each in found.generators]
    written = Located("max_connections = 200\n", Span("base/conf/postgresql.conf", 0, 22))
    assert shown == [
        [("main.conf", written), ("gone.conf", None), ("readme.md", None)],
        [("postgresql.conf", None)],
    ]


def test_everything_has_its_place() -> None:
    [found] = read(COMPONENT)
    span = found.generators[0].files[1].path.span

    assert found.span == Span("base/kustomization.yaml", 0, len(COMPONENT))
    assert COMPONENT[span.start : span.end] == "hba.conf=conf/pgbouncer_hba.conf"


def test_resources_are_what_is_built_from() -> None:
    [found] = read(COMPONENT)

    assert [each.value for each in found.resources] == [
        "deployment.yaml",
        "../service.yaml",
        "../components/metrics",
    ]


@pytest.mark.parametrize(
    ("change", "image", "changed"),
    [
        (("bitnami/pgbouncer", None, "1.24.1", None), "bitnami/pgbouncer", "bitnami/pgbouncer:1.24.1"),
        (("bitnami/pgbouncer", None, "1.24.1", None), "bitnami/pgbouncer:1.22.0", "bitnami/pgbouncer:1.24.1"),
        (("bitnami/pgbouncer", None, "1.24.1", None), "bitnami/pgbouncer@sha256:0", "bitnami/pgbouncer:1.24.1"),
        (("a:5000/pgbouncer", None, "2", None), "a:5000/pgbouncer:1", "a:5000/pgbouncer:2"),
        (("pooler", "edoburu/pgbouncer", "1.24.1", None), "pooler:dev", "edoburu/pgbouncer:1.24.1"),
        (("pooler", "edoburu/pgbouncer", None, None), "pooler:1.23.1", "edoburu/pgbouncer:1.23.1"),
        (("pooler", None, None, "sha256:0"), "pooler:1.23.1", "pooler@sha256:0"),
        (("pooler", None, "2", None), "my/pooler:1", "my/pooler:1"),
        (("pgbouncer", None, "2", None), "", ""),
    ],
)
def test_images_of_a_name_are_changed(
    change: tuple[str, str | None, str | None, str | None], image: str, changed: str
) -> None:
    assert ImageChange(*change).of(image) == changed


def test_a_tag_is_read_as_it_is_written() -> None:
    [found] = read("images: [{name: pgbouncer, newTag: 1.20}]")

    assert found.images == (ImageChange("pgbouncer", None, "1.20", None),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "configMapGenerator: {}\n",
        "configMapGenerator: [1, {}, {name: a}, {name: b, files: 1}, {name: c, files: [[]]}]\n",
        "images: [1, {}, {newTag: 1}]\nresources: deployment.yaml\nsecretGenerator:\n",
        "[a]",
        "\tname: x",
    ],
)
def test_what_is_odd_is_left_out(text: str) -> None:
    files = [file for found in read(text) for generator in found.generators for file in generator.files]

    assert files == []


def test_aliases_that_stand_for_too_much_are_not_followed() -> None:
    assert read("a: &a {<<: *a}\nconfigMapGenerator: [{<<: *a}]\n") == []


def data(fields: str) -> dict[str, str | None]:
    """What a generated ConfigMap holds, with None for what is not read."""
    [found] = read(f"configMapGenerator:\n  - name: app\n    {fields}\n")
    [generator] = found.generators
    return {entry.key.value: entry.value and entry.value.value for entry in generator.data}


def test_literals_lose_their_quotes_and_lines_of_files_keep_them() -> None:
    """Observed with Kustomize 5.5."""
    literals = "literals: [A=1, 'B=x y', 'C=\"q\"', \"D='s'\", E=, F=a=b, 'G= lead']"

    assert data(literals) == {"A": "1", "B": "x y", "C": "q", "D": "s", "E": "", "F": "a=b", "G": " lead"}
    assert data("envs: [params.env]") == {"H": "1", "I": "2", "J": '"q"', "K": "a # b", "M": " x "}


def test_a_file_of_variables_that_is_not_seen_leaves_a_generator_incomplete() -> None:
    [seen, unseen] = (
        read(f"configMapGenerator: [{{name: a, envs: [{name}]}}]")[0] for name in ("params.env", "hidden.env")
    )

    assert seen.generators[0].is_complete
    assert not unseen.generators[0].is_complete


def test_patches_written_in_the_file_are_partial_workloads_at_their_places() -> None:
    text = """\
patches:
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: api}
      spec: {template: {spec: {containers: [{name: api, args: [-w, "7"]}]}}}
"""
    [manifest] = (
        each for each in read_kustomization(Source("k.yaml", text)) if not isinstance(each, Kustomization)
    )
    [workload] = manifest.workloads

    assert workload.is_partial
    assert text[workload.name.span.start : workload.name.span.end] == "api"


def test_files_of_patches_are_told() -> None:
    [found] = read(
        "patchesStrategicMerge: [a.yaml]\npatches: [{path: b.yaml}]\npatchesJson6902: [{path: c.yaml}]\n"
    )

    assert found.patches == ("a.yaml", "b.yaml", "c.yaml")


@pytest.mark.parametrize(
    ("field", "is_plain"),
    [
        ("namespace: shop", True),
        ("configMapGenerator: [{name: a, literals: [A=1]}]", True),
        ("secretGenerator: [{name: a, behavior: create, literals: [A=1]}]", True),
        ("images: [{name: b, newTag: '2'}]", True),
        ("images: [{name: b, newName: c}]", False),
        ("configMapGenerator: [{name: a, behavior: merge, literals: [A=1]}]", False),
        ("patches: [{path: p.yaml}]", False),
        ("patchesStrategicMerge: [p.yaml]", False),
        ("components: [../c]", False),
        ("replacements: [{path: r.yaml}]", False),
        ("transformers: [t.yaml]", False),
    ],
)
def test_an_overlay_is_plain_where_nothing_in_it_changes_a_container(field: str, is_plain: bool) -> None:
    [found] = read(f"resources: [../base]\nreplicas: [{{name: api, count: 5}}]\n{field}\n")

    assert found.is_plain == is_plain
