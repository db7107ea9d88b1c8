"""No output shows what is secret in manifests and Compose files, whatever is wrong beside it."""

import io
import json
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from poolcheck.cli import main
from poolcheck.options import DRAWINGS, FORMATS
from poolcheck.report.redact import redact

CANARY = "cAn4ry-S3cret"
INI = f"""\
[databases]
shop = host=db user=app password={CANARY} pool_mode=transactoin
[pgbouncer]
listen_addr = *
pool_mode = {CANARY}
auth_type = scram-sha-256
auth_file = /etc/pgbouncer/userlist.txt
"""
FILES = {
    "deploy.yaml": f"""\
apiVersion: v1
kind: Pod
metadata: {{name: pooler}}
spec:
  containers:
    - name: url
      image: edoburu/pgbouncer:v1.23.1-p2
      env:
        - {{name: DATABASE_URL, value: "postgres://app:{CANARY}@db/shop?sslmode=require"}}
        - {{name: ADMIN_PASSWORD, value: {CANARY}}}
        - {{name: POOL_SIZE, value: "5"}}
    - name: parts
      image: brainsam/pgbouncer
      envFrom: [{{secretRef: {{name: settings}}}}]
      env:
        - {{name: DB_HOST, valueFrom: {{secretKeyRef: {{name: settings, key: host}}}}}}
        - {{name: DB_PASSWORD, value: "{CANARY}"}}
        - name: POOL_MODE
          valueFrom: {{secretKeyRef: {{name: settings, key: mode}}}}
        - name: AUTH_QUERY
          value: "SELECT 'password={CANARY}'"
        - {{name: AUTH_TYPE, value: anyy}}
    - name: query
      image: bitnami/pgbouncer:1.22.1
      env:
        - {{name: POSTGRESQL_PASSWORD, value: {CANARY}}}
        - {{name: PGBOUNCER_SET_DATABASE_PASSWORD, value: "yes"}}
        - {{name: PGBOUNCER_POOL_MODE, value: transactoin}}
        - {{name: PGBOUNCER_DSN_0, value: "shop=host=db port=x password={CANARY}"}}
---
apiVersion: v1
kind: Secret
metadata: {{name: settings}}
stringData:
  host: {CANARY}
  mode: {CANARY}
  MAX_CLIENT_CONN: {CANARY}
---
apiVersion: v1
kind: Secret
metadata: {{name: encoded}}
data:
  pgbouncer.ini: {b64encode(INI.encode()).decode()}
  userlist.txt: {b64encode(f'"app" "{CANARY}" x'.encode()).decode()}
  password: {b64encode(CANARY.encode()).decode()}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: quoted}}
data:
  pgbouncer.ini: "[databases]\\nshop = host=db password={CANARY} pool_mode=transactoin\\n[pgbouncer]\\n"
  userlist.txt: |
    "app" "{CANARY}"
    # "other" "{CANARY}"
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: block}}
data:
  pgbouncer.ini: |
    [databases]
    shop = host=db user=app password={CANARY} pool_mode=transactoin
    [pgbouncer]
    auth_file = /etc/pgbouncer/userlist.txt
    auth_query = SELECT 1 /* password={CANARY} */
    pool_mode = transactoin
  userlist.txt: |
    "app" "{CANARY}"
    # "other" "{CANARY}"
""",
    "compose.yaml": f"""\
services:
  pooler:
    image: edoburu/pgbouncer:v1.23.1-p2
    env_file: [pooler.env]
    environment:
      DB_HOST: db
      DB_USER: app
      TIMEZONE: UTC
      POOL_MODE: transactoin
      DB_PASSWORD: {CANARY}
      ADMIN_PASSWORD: ${{SECRET:-{CANARY}}}
  other:
    image: edoburu/pgbouncer
    environment:
      - DATABASE_URL=postgres://app:{CANARY}@db/shop?x=y
    configs: [{{source: ini, target: /srv/pgbouncer.ini}}]
configs:
  ini:
    content: |
      [databases]
      shop = host=db password={CANARY} pool_mode=transactoin
      [pgbouncer]
      listen_addr = *
""",
    "chart/Chart.yaml": "apiVersion: v2\nname: pgbouncer\nversion: 1.0.0\n",
    "chart/values.yaml": f"""\
image: {{repository: edoburu/pgbouncer, tag: v1.23.1-p2}}
config:
  adminPassword: {CANARY}
  databases:
    shop: {{host: db, password: {CANARY}, pool_mode: transactoin}}
    other: {{connect_query: "SELECT 'password={CANARY}'", pool_size: x, password: {CANARY}}}
  pgbouncer:
    pool_mode: transactoin
    auth_query: SELECT 1 /* password={CANARY} */
    unknown_password: {CANARY}
  userlist: {{app: {CANARY}}}
""",
    "pooler.env": f"DB_PASSWORD={CANARY}\nDATABASE_URL=postgres://app:{CANARY}@db/shop\n",
    "app.py": (
        "import os\nfrom sqlalchemy import create_engine\n"
        'engine = create_engine(os.environ["DATABASE_URL"], pool_size=500)\n'
    ),
}
ENCODED = b64encode(CANARY.encode()).decode()


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)


def shows_none(text: str) -> bool:
    return CANARY not in text and CANARY.lower() not in text.lower() and ENCODED[:12] not in text


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_shows_a_secret(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--isolated", "--no-cache", "--min-severity", "info", "--output-format", form, "."])

    out, err = capsys.readouterr()
    assert "transactoin" in out
    assert shows_none(out)
    assert shows_none(err)


@pytest.mark.parametrize("form", FORMATS)
def test_no_stream_shows_a_secret(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ini = INI.replace(f"pool_mode = {CANARY}", "pool_mode = sesion")
    name = {"name": "j"}
    as_json = {"apiVersion": "v1", "kind": "Secret", "metadata": name, "stringData": {"pgbouncer.ini": ini}}
    stream = f"{json.dumps(as_json)}\n---\n# Source: shop/templates/all.yaml\n{FILES['deploy.yaml']}"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stream.encode())))

    main(["check", "--isolated", "--no-cache", "--min-severity", "info", "--output-format", form, "-"])

    out, err = capsys.readouterr()
    assert "transactoin" in out
    assert shows_none(out)
    assert shows_none(err)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("status", [0, 1], ids=["rendered", "refused"])
def test_nothing_rendered_shows_a_secret(
    form: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = f"Error: postgres://app:{CANARY}@db/shop: map[password:{CANARY}] password={CANARY}"
    helm = tmp_path / "bin" / "helm"
    helm.parent.mkdir()
    helm.write_text(
        f"#!{sys.executable}\nimport sys\nprint({FILES['deploy.yaml']!r})\n"
        f"print({said!r}, file=sys.stderr)\nsys.exit({status})\n"
    )
    helm.chmod(0o755)
    monkeypatch.setenv("PATH", str(helm.parent))

    main(["check", "--isolated", "--render", "--min-severity", "info", "--output-format", form, "."])

    out, err = capsys.readouterr()
    assert "helm-template.yaml" in out
    assert shows_none(out)
    assert shows_none(err)


@pytest.mark.parametrize(
    "command",
    [
        *(["budget", "--output-format", form, "--facts", "facts.json"] for form in ("text", "json", "markdown")),
        *(["map", "--output-format", form] for form in DRAWINGS),
        *(["size", "--cores", "4", "--output-format", form, "."] for form in ("text", "json")),
    ],
    ids=" ".join,
)
def test_no_budget_shows_a_secret(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main([*command, "--isolated"])

    out, err = capsys.readouterr()
    assert shows_none(out)
    assert shows_none(err)
    assert not Path("facts.json").exists() or shows_none(Path("facts.json").read_text())


@pytest.mark.parametrize("path", FILES)
def test_no_answer_to_why_shows_a_secret(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    for number, line in enumerate(FILES[path].splitlines(), 1):
        if CANARY in line or "pgbouncer.ini:" in line or "create_engine(" in line:
            main(["why", "--isolated", f"{path}:{number}"])

    out, err = capsys.readouterr()
    assert shows_none(out)
    assert shows_none(err)


def test_the_values_of_a_secret_are_hidden_even_where_nothing_tells_their_form() -> None:
    text = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Secret
    stringData:
      host: CANARY
      key: |
        CANARY
      pgbouncer.ini: |
        [pgbouncer]
        pool_mode = session
    data:
      more: CANARY
"""

    shown = redact(text, "m.yaml")

    assert "CANARY" not in shown
    assert "pool_mode = session" in shown
    assert len(shown) == len(text)
