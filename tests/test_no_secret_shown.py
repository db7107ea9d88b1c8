"""No output shows what is secret in manifests and Compose files, whatever is wrong beside it."""

from base64 import b64encode
from pathlib import Path

import pytest

from poolcheck.cli import FORMATS, main
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
