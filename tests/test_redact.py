import re
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolcheck.report.redact import redact, redact_message, writes_secret
from poolcheck.source import Edit, Span

SECRETS = {
    "pgbouncer.ini": """
        shop = host=db password=CANARY port=5432
        shop = host=db password='CANARY' port=5432
        shop = host=db password = CANARY
        ; shop = host=db password=CANARY
        shop = host=db connect_query='ALTER USER app PASSWORD ''CANARY'''
        "app" "CANARY"
        """,
    "deploy.yaml": """
        url: postgres://app:CANARY@db:5432/shop
        url: postgresql+asyncpg://${USER:-app}:CANARY@db/shop
        POSTGRES_PASSWORD: CANARY
        POSTGRES_PASSWORD: "CANARY"  # for now
        apiKey: 'CANARY'
        password: ${PASSWORD:-CANARY}
        args: ["--dsn=${DB_PASSWORD:-CANARY}"]
        - PGPASSWORD=CANARY
        - {name: DB_PASSWORD, value: CANARY}
        - {"name": "DB_PASSWORD", "value": "CANARY"}
        - {user: app, password: CANARY, port: 5432}
        json: "{\\"password\\": \\"CANARY\\"}"
        """,
    "db.py": """
        create_engine("postgresql://app:CANARY@db/shop", pool_size=5)
        connect("host=db password=CANARY", timeout=5)
        connect(host="db", password="CANARY", user="app")
        connect(password=SecretStr("CANARY"))
        connect(password=os.environ.get("X") or "CANARY")
        connect(password=os.getenv("X", "CANARY"))
        os.environ.setdefault("PGPASSWORD", "CANARY")
        settings = {"password": "CANARY", "user": "app"}
        settings["password"] = 'CANARY'
        PASSWORD: Final = rb"CANARY"
        if token == "CANARY":
        url = f"postgresql://{user}:CANARY@{host}/shop"
        # password=CANARY
        """,
}
FORMS = [(path, line) for path, lines in SECRETS.items() for line in dedent(lines).split("\n") if line]
CANARIES = st.from_regex(r"S3[A-Za-z0-9!%&*+./:;<=>?@^_|~#,()\[\]-]{6,12}t", fullmatch=True)


@given(CANARIES)
@pytest.mark.parametrize(("path", "form"), FORMS)
def test_no_secret_is_shown(path: str, form: str, canary: str) -> None:
    text = form.replace("CANARY", canary)

    shown = redact(text, path)

    assert canary not in shown
    assert len(shown) == len(text)


@pytest.mark.parametrize(("path", "form"), FORMS)
def test_what_is_around_a_secret_is_shown(path: str, form: str) -> None:
    before = form.partition("CANARY")[0]

    assert redact(form, path).startswith(before)
    assert "******" in redact(form, path)


@pytest.mark.parametrize(
    "text",
    [
        "- name: DB_PASSWORD\n  value: CANARY\n",
        "- name: DB_PASSWORD\r\n  value: 'CANARY'\r\n",
        '- name: "DB_PASSWORD"\n  # for now\n  value: CANARY\n',
        "- value: CANARY\n  name: DB_PASSWORD\n",
        '"name": "DB_PASSWORD",\n"value": "CANARY"\n',
        "password: |\n  CANARY\n\n  CANARY\nuser: app\n",
        "- password: >-  # folded\n    CANARY\n",
        "kind: Secret\ndata:\n  url: CANARY\n  pgbouncer.ini: |\n    CANARY\n",
    ],
)
def test_a_secret_may_stand_on_another_line_than_its_name(text: str) -> None:
    shown = redact(text, "deploy.yaml")

    assert shown == re.sub(r"CANARY", "******", text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pgbouncer.ini", "shop = host=db password=${PASSWORD} port=5432"),
        ("pgbouncer.ini", "shop = host=db password= user=app"),
        ("pgbouncer.ini", "shop = host=db password='' user=app"),
        ("pgbouncer.ini", "tokens = host=db port=5432"),
        ("pgbouncer.ini", "auth_query = SELECT usename, passwd FROM pg_shadow WHERE usename=$1"),
        ("pgbouncer.ini", "auth_type = password"),
        ("pgbouncer.ini", '"${DB_USER}" "${DB_PASSWORD}"'),
        ("deploy.yaml", "url: postgres://$(DB_USER):$(DB_PASSWORD)@db:5432/shop"),
        ("deploy.yaml", "url: http://db:5432/shop"),
        ("deploy.yaml", "password: {{ .Values.password }}"),
        ("deploy.yaml", "password: ${PASSWORD:?}"),
        ("deploy.yaml", "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef: {name: db-secret, key: password}"),
        ("deploy.yaml", "secretName: pgbouncer-auth\npasswordFile: /run/secrets/x"),
        ("deploy.yaml", "automountServiceAccountToken: false\npassword: null\ntoken: ''"),
        ("deploy.yaml", "kind: ConfigMap\ndata:\n  pool_size: '5'"),
        ("db.py", 'connect(password=os.environ["DB_PASSWORD"], user=os.getenv("PGPASSWORD"))'),
        ("db.py", "connect(password=settings.password, token=token)"),
        ("db.py", 'connect(f"host=db password={password}", dsn=f"postgres://u:{quote(pw)}@db/shop")'),
        ("db.py", 'def connect(password: str, user: str = "app") -> None: ...'),
        ("db.py", 'FIELDS = ("password", "user")'),
        ("db.py", 'class Token:\n    """What a client shows."""\n'),
        ("db.py", "# Pass 'user' as well"),
    ],
)
def test_what_only_speaks_of_a_secret_is_shown(path: str, text: str) -> None:
    assert redact(text, path) == text


def test_a_template_that_has_a_default_is_hidden_whole() -> None:
    assert "hunter2" not in redact('password: {{ .Values.password | default "hunter2" }}', "deploy.yaml")


@given(st.text(alphabet="password=:'\" \n\t\\{}$@/#-|[](),vlue"), st.sampled_from(["a.py", "a.yaml", "a.ini"]))
def test_every_place_stays_where_it_was(text: str, path: str) -> None:
    shown = redact(text, path)

    assert len(shown) == len(text)
    assert [
        before for before, after in zip(text, shown, strict=True) if before != after and before.isspace()
    ] == []


@pytest.mark.parametrize(
    "piece", ["password=", "password: x, ", "://a:", "${", '"', "'", "{{", "# password\n", " "]
)
@pytest.mark.parametrize("path", ["a.py", "a.yaml"])
def test_a_line_of_many_megabytes_is_read_once(path: str, piece: str) -> None:
    text = piece * (400_000 // len(piece))

    assert len(redact(text, path)) == len(text)


def test_messages_that_quote_a_secret_do_not_show_it() -> None:
    assert redact_message("`host=db password=hunter2` has no port") == "`host=db password=*******` has no port"
    assert redact_message("cannot parse postgres://app:hunter2@db") == "cannot parse postgres://app:*******@db"


def test_messages_that_only_speak_of_a_secret_stay_as_they_are() -> None:
    message = "unexpected token: `password=` is empty, the secret: db-auth"

    assert redact_message(message) == message


def test_an_edit_may_write_a_secret() -> None:
    text = "shop = host=db password=hunter2"
    start = text.index("hunter2")

    assert writes_secret(Edit(Span("a.ini", start, len(text)), "'hunter2'"), text)
    assert writes_secret(Edit(Span("a.ini", 0, len(text)), f"{text} port=5432"), text)
    assert not writes_secret(Edit(Span("a.ini", 0, 0), "; moved\n"), text)
    assert not writes_secret(Edit(Span("a.ini", start, len(text)), ""), text)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('"web" "s3cret"', '"web" ********'),
        ('"web" s3cret', '"web" ******'),
        ("batch s3cret", "batch ******"),
        ("; web s3cret", "; web s3cret"),
        ("# web", "# web"),
    ],
)
def test_in_an_auth_file_all_behind_the_name_is_secret_with_quotes_or_without(line: str, shown: str) -> None:
    assert redact(f"{line}\n", "etc/userlist.txt") == f"{shown}\n"
