"""Rendering with tools: those that are installed, and ones that say what those were seen to say."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from poolcheck import render
from poolcheck.cli import main

INI = "[databases]\nshop = host=db\n[pgbouncer]\nlisten_addr = *\npool_mode = POOL_MODE\nauth_type = cert\n"
CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "chart/values.yaml": "mode: transactoin\n",
    "chart/templates/configmap.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  pgbouncer.ini: |\n"
        + "".join(f"    {line}\n" for line in INI.replace("POOL_MODE", "{{ .Values.mode }}").splitlines())
    ),
}
"""What is said of it depends on its values."""
RENDERED = (
    "---\n# Source: shop/templates/configmap.yaml\n"
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n  pgbouncer.ini: |\n"
    + "".join(f"    {line}\n" for line in INI.replace("POOL_MODE", "transactoin").splitlines())
)
"""What Helm 3.17 makes of it."""
OVERLAYS = {
    "base/kustomization.yaml": (
        "resources: [namespace.yaml]\nconfigMapGenerator:\n- name: pgbouncer\n  files: [pgbouncer.ini]\n"
    ),
    "base/namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
    "base/pgbouncer.ini": INI.replace("POOL_MODE", "transactoin"),
    "overlays/prod/kustomization.yaml": "namespace: shop\nresources: [../../base]\n",
}
BUILT = (
    "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n---\napiVersion: v1\ndata:\n  pgbouncer.ini: |\n"
    + "".join(f"    {line}\n" for line in INI.replace("POOL_MODE", "transactoin").splitlines())
    + "kind: ConfigMap\nmetadata:\n  name: pgbouncer-5g6h7k2m4t\n  namespace: shop\n"
)
"""What Kustomize 5.5 makes of them."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def put(texts: Mapping[str, str]) -> None:
    """Writes files."""
    for name, text in texts.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, **programs: str) -> None:
    """Makes programs, of statements of Python, the only ones there are. What they are called with is kept."""
    place = folder / "bin"
    place.mkdir()
    for name, statements in programs.items():
        program = place / name
        kept = f"import json, sys; json.dump(sys.argv[1:], open({str(place / f'{name}.json')!r}, 'w'))"
        program.write_text(f"#!{sys.executable}\n{kept}\n{statements}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(place))


def called(folder: Path, name: str) -> list[str]:
    """The arguments that a program was called with."""
    arguments: list[str] = json.loads((folder / "bin" / f"{name}.json").read_text())
    return arguments


def printing(text: str) -> str:
    return f"print({text!r}, end='')"


def lines(*arguments: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    main(
        [
            "check",
            "--isolated",
            "--quiet",
            "--select",
            "unknown-value,engine",
            "--output-format",
            "concise",
            *arguments,
        ]
    )
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def test_nothing_is_run_unasked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(folder, monkeypatch, helm="raise SystemExit(1)", kustomize="raise SystemExit(1)")
    put(CHART)

    assert lines(".", capsys=capsys) == []
    assert not list((folder / "bin").glob("*.json"))


def test_a_chart_is_judged_as_helm_renders_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(folder, monkeypatch, helm=printing(RENDERED))
    put(CHART)

    [found] = lines("--render", capsys=capsys)

    assert found.startswith("chart/helm-template.yaml:13:17: error unknown-value")
    assert called(folder, "helm") == ["template", "shop", "./chart", "--skip-tests"]


def test_a_finding_names_the_template(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(folder, monkeypatch, helm=printing(RENDERED))
    put(CHART)

    main(["check", "--isolated", "--render", "--select", "unknown-value"])

    assert "rendered from shop/templates/configmap.yaml" in capsys.readouterr().out


def test_the_overlay_is_built_and_its_parts_are_not_judged_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(folder, monkeypatch, kustomize=printing(BUILT))
    put(OVERLAYS)

    [found] = lines("--render", capsys=capsys)

    assert found.startswith("overlays/prod/kustomize-build.yaml:13:17: error unknown-value")
    assert called(folder, "kustomize") == ["build", "./overlays/prod"]


def test_kubectl_builds_where_kustomize_itself_is_not_installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(folder, monkeypatch, kubectl=printing(BUILT))
    put(OVERLAYS)

    assert len(lines("--render", capsys=capsys)) == 1
    assert called(folder, "kubectl") == ["kustomize", "./overlays/prod"]


def test_charts_in_a_chart_and_libraries_are_not_rendered_by_themselves(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(folder, monkeypatch, helm=printing(""))
    put(CHART)
    put({f"chart/charts/sub/{name.removeprefix('chart/')}": text for name, text in CHART.items()})
    put({"library/Chart.yaml": "apiVersion: v2\nname: library\ntype: library\n"})

    assert lines("--render", capsys=capsys) == []
    assert called(folder, "helm")[2] == "./chart"


def test_a_tool_that_is_not_installed_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(folder, monkeypatch)
    put(CHART)

    assert main(["check", "--isolated", "--render"]) == 2
    assert capsys.readouterr().err == "poolcheck: helm is not installed, which --render needs for chart\n"


def test_no_tool_is_asked_for_where_there_is_nothing_to_render(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(folder, monkeypatch)
    put({"pgbouncer.ini": INI.replace("POOL_MODE", "session")})

    assert lines("--render", capsys=capsys) == []


def test_what_cannot_be_rendered_is_a_finding_and_is_judged_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    complaint = (
        "Error: execution error at (shop/templates/configmap.yaml:4:11): a mode is required\n\nUse --debug\n"
    )
    install(folder, monkeypatch, helm=f"sys.stderr.write({complaint!r}); raise SystemExit(1)")
    put(CHART)
    put({"chart/templates/other.yaml": CHART["chart/templates/configmap.yaml"].replace("{{ .Values.mode }}", "x")})

    assert lines("--render", capsys=capsys) == [
        "chart/helm-template.yaml:1:1: error unreadable-file cannot be read: `helm template` fails: "
        "execution error at (shop/templates/configmap.yaml:4:11): a mode is required",
        "chart/templates/other.yaml:11:17: error unknown-value PgBouncer does not start: pool_mode is session, "
        "transaction or statement, not 'x'",
    ]


def test_what_a_tool_quotes_of_an_object_is_not_repeated(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    complaint = "Error: missing metadata.name in object {{v1 Secret} map[stringData:map[key:cAn4ry]]}"
    install(folder, monkeypatch, kustomize=f"sys.stderr.write({complaint!r}); raise SystemExit(1)")
    put(OVERLAYS)

    [_, found] = lines("--render", capsys=capsys)

    assert found.endswith("`kustomize build` fails: missing metadata.name in object …")


def test_a_tool_may_not_take_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(render, "LONGEST_S", 0.5)
    install(folder, monkeypatch, helm="import time; time.sleep(60)")
    put(CHART)

    [found] = lines("--render", capsys=capsys)

    assert found.endswith("cannot be read: `helm template` takes longer than 0.5 seconds")


@pytest.mark.parametrize("option", ["--fix", "--diff"])
def test_what_is_rendered_cannot_be_mended(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(CHART)

    assert main(["check", "--isolated", "--render", option]) == 2
    assert "stands in no file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["-x", "a b", "$(touch ran)", "; touch ran"])
def test_no_folder_is_taken_for_anything_else(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(folder, monkeypatch, helm=printing(RENDERED))
    put({f"{name}/{path}": text for path, text in CHART.items()})

    assert len(lines("--render", ".", capsys=capsys)) == 1
    assert called(folder, "helm")[2] == f"./{name}/chart"
    assert not Path("ran").exists()


@pytest.mark.skipif(shutil.which("helm") is None, reason="Helm is not installed")
def test_helm_itself_renders_it_so(capsys: pytest.CaptureFixture[str]) -> None:
    put(CHART)

    [found] = lines("--render", capsys=capsys)

    assert found.startswith("chart/helm-template.yaml:13:17: error unknown-value")


@pytest.mark.skipif(shutil.which("helm") is None, reason="Helm is not installed")
def test_helm_itself_complains_so(capsys: pytest.CaptureFixture[str]) -> None:
    put(CHART)
    put({"chart/templates/other.yaml": 'x: {{ required "a name is required" .Values.name }}\n'})

    [found, *_] = lines("--render", capsys=capsys)

    assert "`helm template` fails: execution error at (shop/templates/other.yaml:1:6): a name is required" in found


@pytest.mark.skipif(
    not (shutil.which("kustomize") or shutil.which("kubectl")), reason="Kustomize is not installed"
)
def test_kustomize_itself_builds_it_so(capsys: pytest.CaptureFixture[str]) -> None:
    put(OVERLAYS)

    [found] = lines("--render", capsys=capsys)

    assert found.startswith("overlays/prod/kustomize-build.yaml:13:17: error unknown-value")


POOLER = {
    "pooler/Chart.yaml": "apiVersion: v2\nname: pgbouncer\nversion: 1.0.0\n",
    "pooler/templates/configmap.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  pgbouncer.ini: |
    [databases]
{{- range $name, $parameters := .Values.config.databases }}
    {{ $name }} ={{ range $key, $value := $parameters }} {{ $key }}={{ $value }}{{ end }}
{{- end }}
    [pgbouncer]
    listen_addr = *
    auth_file = /etc/pgbouncer/userlist.txt
{{- range $name, $value := .Values.config.pgbouncer }}
    {{ $name }} = {{ $value }}
{{- end }}
""",
    "pooler/values.yaml": """\
config:
  databases:
    shop: {host: db, pool_mode: transactoin}
    "*": {host: db, port: 5432}
  pgbouncer:
    auth_type: scram
    max_clients: 500
    server_lifetime: 1h
    max_client_conn: 10000000
    unix_socket_mode: 0777
    log_connections: yes
    default_pool_size: "20 # each"
    reserve_pool_size: null
""",
}
"""A chart of the kind whose values are known, and values of which most are faulty."""


def errors(*arguments: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    main(["check", "--isolated", "--fail-on", "never", "--quiet", "--output-format", "concise", *arguments])
    found = capsys.readouterr().out.splitlines()
    return {line.partition(" error ")[2] for line in found if " error " in line}


@pytest.mark.skipif(shutil.which("helm") is None, reason="Helm is not installed")
def test_whatever_is_told_of_values_is_told_of_what_helm_itself_makes_of_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(POOLER)

    told, rendered = errors(capsys=capsys), errors("--render", capsys=capsys)

    assert {each.partition(" ")[0] for each in told} == {
        "inline-comment",
        "time-with-unit",
        "unknown-setting",
        "unknown-value",
    }
    assert told < rendered
