"""What is wrong with what an image writes, or with a configuration in a manifest, is told once.

By the rules for files, but for lines that are refused whatever they say, and for URLs. Each kind of fault once as
somebody may have written it, and as it is right.
"""

from collections.abc import Mapping
from textwrap import dedent, indent

import pytest

from poolcheck.catalog import installed
from poolcheck.config import Configurations, Settings
from poolcheck.files import Memory
from poolcheck.finding import Severity
from poolcheck.run import check

RULES = ("pgbouncer", "engine", "pooler-database-url-unparsable", "pooler-env-emits-invalid-setting")


def told(files: Mapping[str, str]) -> list[tuple[str, Severity, str]]:
    """What is found in configurations: the rule, how severe it is, and what the file has at its place."""
    settings = Settings()._replace(select=RULES, min_severity=Severity.INFO)
    configurations = Configurations({}, isolated=True, override=lambda _: settings)
    memory = Memory({path: text.encode() for path, text in files.items()})
    report = check([*files], memory, installed(), configurations)
    return [
        (each.rule, each.severity, files[each.span.path][each.span.start : each.span.end])
        for each in report.findings
    ]


def container(image: str, **variables: str) -> dict[str, str]:
    """A manifest with a container that has these variables, reached through a Service."""
    env = "".join(f"\n        - name: {name}\n          value: '{value}'" for name, value in variables.items())
    return {
        "pooler.yaml": dedent(
            """\
            apiVersion: v1
            kind: Service
            metadata: {name: pooler}
            spec: {selector: {app: pooler}, ports: [{port: 5432}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: pooler, labels: {app: pooler}}
            spec:
              containers:
                - name: pooler
                  image: %s
                  env:"""
        )
        % image
        + env.replace("\n        ", "\n      ")
        + "\n"
    }


def service(image: str, **variables: str) -> dict[str, str]:
    """The same for Compose."""
    env = "".join(f"\n      {name}: '{value}'" for name, value in variables.items())
    return {"compose.yaml": f"services:\n  pooler:\n    image: {image}\n    environment:{env}\n"}


def config_map(ini: str, style: str = "|") -> dict[str, str]:
    """A pgbouncer.ini in a ConfigMap that a container of edoburu's image is given."""
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: pooler}\ndata:\n  pgbouncer.ini: "
    pod = dedent(
        """\
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: pooler}
        spec:
          containers:
            - name: pooler
              image: edoburu/pgbouncer:v1.25.1-p0
              volumeMounts: [{name: ini, mountPath: /etc/pgbouncer}]
          volumes: [{name: ini, configMap: {name: pooler}}]
        """
    )
    return {"pooler.yaml": f"{head}{style}\n{indent(ini, '    ')}{pod}"}


EDOBURU, HUB = "edoburu/pgbouncer:v1.25.1-p0", "pgbouncer/pgbouncer:1.15.0"
INI = """\
[databases]
shop = host=db.example.com
[pgbouncer]
listen_addr = *
auth_type = scram-sha-256
auth_file = /etc/pgbouncer/userlist.txt
pool_mode = transaction
"""


@pytest.mark.parametrize("given", [container, service])
@pytest.mark.parametrize(
    ("variable", "value", "place"),
    [
        ("POOL_SIZE", "30", "POOL_SIZE"),
        ("TIMEZONE", "UTC", "TIMEZONE"),
        ("CLIENT_ENCODING", "UTF8", "CLIENT_ENCODING"),
    ],
)
def test_variables_of_which_an_image_makes_lines_that_are_refused(
    given: object, variable: str, value: str, place: str
) -> None:
    files = (container if given is container else service)(EDOBURU, DB_HOST="db", **{variable: value})

    [(_, severity, found)] = [each for each in told(files) if each[1] is Severity.ERROR]

    assert (severity, found.strip("'")) in {(Severity.ERROR, place), (Severity.ERROR, value)}


@pytest.mark.parametrize("given", [container, service])
def test_the_variable_that_was_meant(given: object) -> None:
    files = (container if given is container else service)(EDOBURU, DB_HOST="db", DEFAULT_POOL_SIZE="30")

    assert not [each for each in told(files) if each[1] is Severity.ERROR]


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "postgres://u:p@db/app?sslmode=require"),
        ("DATABASE_URLS", "postgres://u:p@db/one,postgres://u:p@db/two?sslmode=require"),
    ],
)
def test_a_url_with_a_query(variable: str, url: str) -> None:
    [(_, _, found)] = [each for each in told(container(EDOBURU, **{variable: url})) if each[1] is Severity.ERROR]

    assert found.strip("'") in url


@pytest.mark.parametrize("url", ["postgres://u:p@db/app", "postgres://u:p@db:5433/app", "postgres://db/app"])
def test_a_url_without_one(url: str) -> None:
    files = container(EDOBURU, DATABASE_URL=url, SERVER_TLS_SSLMODE="require")

    assert not [each for each in told(files) if each[1] is Severity.ERROR]


@pytest.mark.parametrize(
    "line",
    [
        "max_client_conn = 500 ; clients\n",
        "max_client_conn = 500   # clients\n",
        "tcp_keepalive = 1 ; on\n",
        "pool_mode = transaction ; not session\n",
        "server_idle_timeout = 60 # a minute\n",
    ],
)
def test_a_comment_behind_a_value(line: str) -> None:
    found = told(config_map(INI.replace("pool_mode = transaction\n", "") + line))

    assert ("inline-comment", Severity.ERROR) in {each[:2] for each in found}


@pytest.mark.parametrize(
    "lines",
    [
        "; clients\nmax_client_conn = 500\n",
        "server_check_query = select 1; -- alive\n",
        "server_reset_query = DISCARD ALL; SELECT 1\n",
    ],
)
def test_a_comment_on_a_line_of_its_own_and_semicolons_of_a_statement(lines: str) -> None:
    assert "inline-comment" not in {each[0] for each in told(config_map(INI + lines))}


@pytest.mark.parametrize("host", ["${PGHOST}", "$(PGHOST)"])
def test_a_variable_that_nothing_fills_in(host: str) -> None:
    found = told(config_map(INI.replace("db.example.com", host)))

    assert "unexpanded-variable" in {each[0] for each in found}


def test_a_host_that_is_written_out() -> None:
    assert "unexpanded-variable" not in {each[0] for each in told(config_map(INI))}


def test_a_variable_that_an_init_container_fills_in() -> None:
    files = config_map(INI.replace("db.example.com", "${PGHOST}"))
    made = files["pooler.yaml"].replace(
        "  containers:\n    - name: pooler\n",
        "  initContainers:\n    - name: render\n      image: registry.example/envsubst:1\n"
        "      command: [sh, -c, 'envsubst < /etc/pgbouncer/pgbouncer.ini > /made/pgbouncer.ini']\n"
        "      volumeMounts: [{name: ini, mountPath: /etc/pgbouncer}, {name: made, mountPath: /made}]\n"
        "  containers:\n    - name: pooler\n",
    )
    made = made.replace(
        "[{name: ini, mountPath: /etc/pgbouncer}]\n  volumes: [",
        "[{name: made, mountPath: /etc/pgbouncer}]\n  volumes: [{name: made, emptyDir: {}}, ",
    )

    assert "unexpanded-variable" not in {each[0] for each in told({"pooler.yaml": made})}


def test_a_folded_scalar() -> None:
    found = told(config_map(INI, style=">"))

    assert len(found) == 1
    assert found[0][1] is Severity.ERROR


def test_a_literal_one() -> None:
    assert not [each for each in told(config_map(INI)) if each[1] is Severity.ERROR]


@pytest.mark.parametrize(
    "files",
    [
        container(EDOBURU, DB_HOST="db", AUTH_TYPE="trust"),
        container(EDOBURU, DB_HOST="db", AUTH_TYPE="Trust"),
        container(HUB, DATABASES_HOST="db", DATABASES_USER="shop", DATABASES_PASSWORD="x"),
        container("brainsam/pgbouncer", DB_HOST="db", DB_USER="shop"),
        service(EDOBURU, DB_HOST="db", AUTH_TYPE="trust"),
    ],
)
def test_an_image_that_lets_everybody_in(files: Mapping[str, str]) -> None:
    assert "auth-any-or-trust-remote" in {each[0] for each in told(files)}


@pytest.mark.parametrize(
    "files",
    [
        container(EDOBURU, DB_HOST="db", AUTH_TYPE="scram-sha-256"),
        container(EDOBURU, DB_HOST="db"),
        container(HUB, DATABASES_HOST="db", DATABASES_USER="shop", PGBOUNCER_AUTH_TYPE="scram-sha-256"),
        container(EDOBURU, DB_HOST="db", AUTH_TYPE="trust", LISTEN_ADDR="127.0.0.1"),
    ],
)
def test_an_image_that_asks_who_it_is_or_listens_to_itself(files: Mapping[str, str]) -> None:
    assert "auth-any-or-trust-remote" not in {each[0] for each in told(files)}


@pytest.mark.parametrize(
    "files", [container("brainsam/pgbouncer", DB_HOST="db"), service("brainsam/pgbouncer", DB_HOST="db")]
)
def test_an_image_that_refuses_all_as_no_user_is_forced(files: Mapping[str, str]) -> None:
    assert ("auth-any-without-user", Severity.ERROR) in {each[:2] for each in told(files)}


@pytest.mark.parametrize(
    "files",
    [
        container("brainsam/pgbouncer", DB_HOST="db", DB_USER="shop"),
        container(HUB, DATABASES_HOST="db", DATABASES_USER="shop"),
        container(HUB, DATABASES_HOST="db", PGBOUNCER_AUTH_TYPE="md5", PGBOUNCER_AUTH_FILE="/u/userlist.txt"),
        container("brainsam/pgbouncer", DB_HOST="db", AUTH_TYPE="md5"),
    ],
)
def test_an_image_that_is_told_a_user_or_how_to_tell_them_apart(files: Mapping[str, str]) -> None:
    assert "auth-any-without-user" not in {each[0] for each in told(files)}
