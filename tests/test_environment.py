from textwrap import dedent

import pytest

from poolcheck.read.kubernetes.environment import Environment, Layer, Objects, environment, expand
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.source import Located, Source, Span
from poolcheck.value import HOLE, Known, Unknown, Value, text_of

HERE = Span("m.yaml", 0, 0)


def read(text: str, path: str = "m.yaml") -> Manifest:
    [manifest] = (fact for fact in read_manifest(Source(path, text)) if isinstance(fact, Manifest))
    return manifest


def pod(fields: str, namespace: str = "") -> str:
    """A Pod of one container with these fields."""
    lines = "".join(f"      {line}\n" for line in dedent(fields).strip().splitlines())
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: shop{namespace and f', namespace: {namespace}'}}}\n"
        f"spec:\n  containers:\n    - name: web\n{lines}"
    )


def config_map(name: str, data: str, namespace: str = "") -> str:
    metadata = f"{{name: {name}{namespace and f', namespace: {namespace}'}}}"
    return f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\ndata: {{{data}}}\n"


def secret(name: str, data: str) -> str:
    return f"---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{{data}}}\n"


def built(fields: str, *objects: str) -> Environment:
    """The environment of a container with these fields, beside these objects in the same file."""
    manifest = read(pod(fields) + "".join(objects))
    [workload] = manifest.workloads
    return environment(workload, workload.containers[0], Objects([manifest]))


def text(found: Value | None) -> str | None:
    return None if found is None else text_of(found).replace(HOLE, "?")


def test_a_value_is_known_at_the_place_it_is_written() -> None:
    source = pod('env: [{name: HOST, value: "db"}]')
    manifest = read(source)
    [workload] = manifest.workloads

    found = environment(workload, workload.containers[0], Objects([manifest])).get("HOST")

    assert isinstance(found, Known)
    assert [source[place.start : place.end] for place in found.places] == ['"db"']


def test_a_value_from_a_config_map_leads_from_the_reference_to_the_text() -> None:
    source = pod("env: [{name: HOST, valueFrom: {configMapKeyRef: {name: settings, key: host}}}]")
    source += config_map("settings", "host: db")
    manifest = read(source)
    [workload] = manifest.workloads

    found = environment(workload, workload.containers[0], Objects([manifest])).get("HOST")

    assert isinstance(found, Known)
    assert [source[place.start : place.end] for place in found.places] == ["host", "db"]


def test_of_objects_that_are_taken_whole_the_later_overwrites_the_earlier() -> None:
    found = built(
        "envFrom: [{configMapRef: {name: one}}, {configMapRef: {name: two}}]",
        config_map("one", "A: first, B: first"),
        config_map("two", "B: second"),
    )

    assert (text(found.get("A")), text(found.get("B"))) == ("first", "second")


def test_a_prefix_stands_before_every_key() -> None:
    found = built("envFrom: [{prefix: DB_, configMapRef: {name: one}}]", config_map("one", "HOST: db"))

    assert (text(found.get("DB_HOST")), found.get("HOST")) == ("db", None)


def test_keys_that_cannot_be_names_are_left_out() -> None:
    found = built("envFrom: [{configMapRef: {name: one}}]", config_map("one", '"1A": x, "a b": y, a.b-c: z'))

    assert list(found.variables) == ["a.b-c"]


def test_env_overwrites_what_objects_bring() -> None:
    found = built(
        "envFrom: [{configMapRef: {name: one}}]\nenv: [{name: A, value: own}, {name: B}]",
        config_map("one", "A: theirs, B: theirs"),
    )

    assert (text(found.get("A")), text(found.get("B"))) == ("own", "")


def test_of_two_entries_with_one_name_the_last_wins_and_the_first_is_seen_between() -> None:
    found = built("env: [{name: A, value: one}, {name: B, value: $(A)}, {name: A, value: two}]")

    assert (text(found.get("A")), text(found.get("B"))) == ("two", "one")


def test_references_see_what_comes_before_them_only() -> None:
    found = built(
        """
        envFrom: [{configMapRef: {name: one}}]
        env:
        - {name: URL, value: "postgres://$(USER):$(PASSWORD)@$(HOST)/shop"}
        - {name: PASSWORD, value: late}
        """,
        config_map("one", "HOST: db, USER: shop"),
    )

    assert text(found.get("URL")) == "postgres://shop:$(PASSWORD)@db/shop"


def test_a_value_from_an_object_is_not_expanded() -> None:
    found = built(
        "env: [{name: A, value: x}, {name: B, valueFrom: {configMapKeyRef: {name: one, key: b}}}]",
        config_map("one", "b: $(A)"),
    )

    assert text(found.get("B")) == "$(A)"


def test_a_missing_optional_key_leaves_what_was_there() -> None:
    found = built(
        """
        envFrom: [{configMapRef: {name: one}}]
        env: [{name: A, valueFrom: {configMapKeyRef: {name: one, key: none, optional: true}}}]
        """,
        config_map("one", "A: there"),
    )

    assert text(found.get("A")) == "there"


@pytest.mark.parametrize(
    "source",
    [
        "{configMapKeyRef: {name: one, key: none}}",
        "{configMapKeyRef: {name: elsewhere, key: a}}",
        "{configMapKeyRef: {name: elsewhere, key: a, optional: true}}",
        "{secretKeyRef: {name: elsewhere, key: a}}",
        "{fieldRef: {fieldPath: status.podIP}}",
        "{resourceFieldRef: {resource: limits.cpu}}",
        "{{ .Values.source }}",
    ],
)
def test_what_the_project_does_not_show_is_unknown(source: str) -> None:
    found = built(f"env:\n- name: A\n  valueFrom: {source}", config_map("one", "a: x"))

    assert isinstance(found.get("A"), Unknown)
    assert found.is_complete


@pytest.mark.parametrize("value", ["${HOST}", "{{ .Values.host }}", "a{{ .x }}b"])
def test_a_value_that_is_filled_in_is_unknown(value: str) -> None:
    assert isinstance(built(f"env:\n- name: A\n  value: {value}").get("A"), Unknown)


def test_an_object_that_is_not_in_the_project_may_set_anything() -> None:
    found = built(
        """
        envFrom: [{configMapRef: {name: one}}, {prefix: DB_, secretRef: {name: elsewhere}}]
        env: [{name: DB_NAME, value: shop}]
        """,
        config_map("one", "DB_HOST: db, HOST: db"),
    )

    assert not found.is_complete
    assert isinstance(found.get("DB_HOST"), Unknown)
    assert isinstance(found.get("DB_PORT"), Unknown)
    assert (text(found.get("HOST")), text(found.get("DB_NAME")), found.get("PORT")) == ("db", "shop", None)


def test_a_template_among_the_variables_may_set_anything() -> None:
    found = built("env:\n- {{ .Values.more }}\n- {name: A, value: x}")

    assert (text(found.get("A")), text(found.get("B"))) == ("x", "?")


@pytest.mark.parametrize("name", ["ORDERS_SERVICE_HOST", "ORDERS_SERVICE_PORT_HTTP", "ORDERS_PORT_5432_TCP_ADDR"])
def test_the_address_of_a_service_is_set_by_the_kubelet(name: str) -> None:
    assert isinstance(built("env: []").get(name), Unknown)


def test_a_port_of_ones_own_is_not_set() -> None:
    assert built("env: []").get("DB_PORT") is None


def test_what_has_anything_of_a_secret_in_it_is_secret() -> None:
    found = built(
        """
        envFrom: [{prefix: ALL_, secretRef: {name: users}}, {configMapRef: {name: one}}]
        env:
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: users, key: password}}}
        - {name: URL, value: "postgres://shop:$(PASSWORD)@db/shop"}
        - {name: COPY, value: $(URL)}
        - {name: HOST, value: db}
        - {name: ALL_HOST, value: db}
        """,
        secret("users", "password: geheim, HOST: db"),
        config_map("one", "A: x"),
    )

    assert text(found.get("URL")) == "postgres://shop:geheim@db/shop"
    secrets = {name for name in found.variables if found.is_secret(name)}
    assert secrets == {"PASSWORD", "URL", "COPY", "ALL_password"}


def test_the_known_parts_of_a_value_stay_known() -> None:
    found = built(
        """
        env:
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: elsewhere, key: password}}}
        - {name: URL, value: "postgres://shop:$(PASSWORD)@pgbouncer:6432/shop"}
        """
    )

    assert text(found.get("URL")) == "postgres://shop:?@pgbouncer:6432/shop"


def test_an_object_is_looked_for_in_the_file_then_the_folder_then_the_project() -> None:
    variables = "".join(
        f"\n- {{name: {name}, valueFrom: {{configMapKeyRef: {{name: {name}, key: value}}}}}}" for name in "abc"
    )
    manifests = [
        read(pod(f"env:{variables}") + config_map("a", "value: file"), "app/deploy.yaml"),
        read(config_map("a", "value: folder") + config_map("b", "value: folder"), "app/config.yaml"),
        read(config_map("b", "value: project") + config_map("c", "value: project"), "base/config.yaml"),
        read(config_map("c", "value: other"), "other/config.yaml"),
    ]
    [workload] = manifests[0].workloads

    found = environment(workload, workload.containers[0], Objects(manifests))

    assert [text(found.get(name)) for name in "abc"] == ["file", "folder", "?"]


def test_an_object_of_another_stage_is_another_object() -> None:
    manifests = [
        read(pod("envFrom: [{configMapRef: {name: two}}, {configMapRef: {name: one}}]"), "prod/app/deploy.yaml"),
        read(config_map("one", "A: prod"), "prod/config.yaml"),
        read(config_map("one", "A: staging") + config_map("two", "B: staging"), "staging/config.yaml"),
    ]
    [workload] = manifests[0].workloads

    found = environment(workload, workload.containers[0], Objects(manifests))

    assert (text(found.get("A")), text(found.get("B"))) == ("prod", "?")


def test_what_an_object_leaves_out_another_of_its_name_may_add() -> None:
    manifests = [
        read(pod("envFrom: [{configMapRef: {name: one}}]"), "overlays/prod/deploy.yaml"),
        read(config_map("one", "A: overlay"), "overlays/prod/config.yaml"),
        read(config_map("one", "A: base, B: base"), "base/config.yaml"),
    ]
    [workload] = manifests[0].workloads

    found = environment(workload, workload.containers[0], Objects(manifests))

    assert (text(found.get("A")), text(found.get("B"))) == ("overlay", "?")


def test_an_object_of_another_namespace_is_another_object() -> None:
    manifest = read(
        pod("envFrom: [{configMapRef: {name: one}}]", "prod")
        + config_map("one", "A: test", "test")
        + config_map("one", "A: prod", "prod")
    )
    [workload] = manifest.workloads

    found = environment(workload, workload.containers[0], Objects([manifest]))

    assert text(found.get("A")) == "prod"


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        ("$(A)", "x"),
        ("a$(A)b$(A)", "axbx"),
        ("$(NONE)", "$(NONE)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$x"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
        ("$($(A))", "$($(A))"),
        ("$()", "$()"),
        ("", ""),
    ],
)
def test_references_are_expanded_as_the_kubelet_does(written: str, expanded: str) -> None:
    found = expand(Located(written, HERE), {"A": Known("x", ())}.get)

    assert found == Known(expanded, (HERE,))


def test_a_hundred_thousand_open_references_cost_no_more_than_their_length() -> None:
    written = "$(" * 100_000

    assert expand(Located(written, HERE), {"A": Known("x", ())}.get) == Known(written, (HERE,))


def generated(path: str, text: str, *places: str, is_first: bool = True) -> Layer:
    """A ConfigMap `one` that is made by a kustomization.yaml at a path for what is at these places."""
    [made] = read(config_map("one", text), path).config_maps
    return Layer(made, is_first, True, places)


def layered(*layers: Layer, path: str = "base/m.yaml") -> Environment:
    manifest = read(pod("envFrom: [{configMapRef: {name: one}}]"), path)
    [workload] = manifest.workloads
    return environment(workload, workload.containers[0], Objects([manifest], layers))


def test_what_kustomize_makes_is_found_by_the_name_of_its_generator() -> None:
    found = layered(generated("base/kustomization.yaml", "A: one", "base/m.yaml"))

    assert text(found.get("A")) == "one"
    assert found.is_complete


def test_what_an_overlay_lays_over_it_may_be_otherwise() -> None:
    """Observed with Kustomize 5.5: `behavior: merge`."""
    base = generated("base/kustomization.yaml", "A: one, B: one", "base/m.yaml")
    overlay = generated("prod/kustomization.yaml", "A: nine, B: one, C: new", "base", is_first=False)

    found = layered(base, overlay)

    assert [text(found.get(name)) for name in "ABC"] == ["?", "one", "?"]


def test_what_is_patched_beside_an_overlay_has_what_the_overlay_makes() -> None:
    base = generated("base/kustomization.yaml", "A: one, B: one", "base/m.yaml", "prod")
    overlay = generated("prod/kustomization.yaml", "A: nine, C: new", "base", is_first=False)

    found = layered(base, overlay, path="prod/patch.yaml")

    assert [text(found.get(name)) for name in "ABC"] == ["nine", "one", "new"]


def test_what_is_made_for_others_is_not_found() -> None:
    found = layered(generated("other/kustomization.yaml", "A: one", "other/m.yaml"))

    assert not found.is_complete
