from collections.abc import Mapping

import pytest

from poolcheck.link.composed import in_session_mode, prepared_statements, readers
from poolcheck.read.compose.facts import ComposeFile
from poolcheck.read.compose.services import read_compose
from poolcheck.source import Source

INI = "pgbouncer/pgbouncer.ini"
EDOBURU = "image: edoburu/pgbouncer:1.22.1"
MOUNT = "volumes: [./pgbouncer/pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro]"


def read(files: Mapping[str, str] | str, *configs: str) -> dict[str, set[tuple[int, ...] | None]]:
    """The versions that read these configurations, or INI; a text is all of compose.yaml."""
    texts = {"compose.yaml": files} if isinstance(files, str) else files
    found: list[ComposeFile] = []
    for path, text in texts.items():
        found += read_compose(Source(path, text))
    return readers(found, configs or (INI,))


def service(*fields: str, name: str = "pgbouncer") -> str:
    return f"services:\n  {name}:\n" + "".join(f"    {field}\n" for field in fields)


@pytest.mark.parametrize(
    "volume",
    [
        "./pgbouncer/pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini",
        "./pgbouncer/pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro",
        "./pgbouncer:/etc/pgbouncer",
        "./pgbouncer/:/etc/pgbouncer/:ro",
        "${PWD}/pgbouncer:/etc/pgbouncer",
        "$PWD/pgbouncer:/etc/pgbouncer",
        "${CONF:-./pgbouncer}/pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini",
        "./:/etc/",
        "{type: bind, source: ./pgbouncer, target: /etc/pgbouncer, read_only: true}",
        "{type: bind, source: pgbouncer/pgbouncer.ini, target: /etc/pgbouncer/pgbouncer.ini}",
    ],
)
def test_a_volume_brings_a_file_to_where_the_image_reads_it(volume: str) -> None:
    assert read(service(EDOBURU, "volumes:", f"  - {volume}")) == {INI: {(1, 22, 1)}}


@pytest.mark.parametrize("kind", ["configs", "secrets"])
def test_a_config_or_a_secret_brings_it_as_well(kind: str) -> None:
    text = service(EDOBURU, f"{kind}: [{{source: ini_v4, target: /etc/pgbouncer/pgbouncer.ini, mode: 0440}}]")

    assert read(f"{text}{kind}: {{ini_v4: {{file: ./{INI}}}}}\n") == {INI: {(1, 22, 1)}}


def test_a_file_is_beside_the_compose_file() -> None:
    files = {"docker/docker-compose.yml": service(EDOBURU, MOUNT), "docker/other.yml": "services: {}\n"}

    assert read(files) == {}
    assert read(files, f"docker/{INI}") == {f"docker/{INI}": {(1, 22, 1)}}
    assert read({"docker/compose.yaml": service(EDOBURU, MOUNT.replace("./", "../"))}) == {INI: {(1, 22, 1)}}


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("edoburu/pgbouncer:v1.23.1-p2", (1, 23, 1)),
        ("docker.io/edoburu/pgbouncer:v1.25.2-p0@sha256:7d7a27d9e90985cab5cf42256f5c13a3", (1, 25, 2)),
        ("${REGISTRY:-docker.io}/edoburu/pgbouncer:1.22.1", (1, 22, 1)),
        ("edoburu/pgbouncer", None),
        ("edoburu/pgbouncer:latest", None),
        ("edoburu/pgbouncer@sha256:7d7a27d9e90985cab5cf42256f5c13a3", None),
        ("edoburu/pgbouncer:${TAG:-1.23.1}", None),
        ("edoburu/pgbouncer:${TAG}", None),
        ("${POOLER:-edoburu/pgbouncer:1.23.1}", None),
        ("pgbouncer/pgbouncer:1.22", None),
        ("registry.example/platform/pgbouncer:1.22.1", None),
        ("shop/api:1.22.1", None),
    ],
)
def test_the_tag_tells_the_version_where_it_is_proven(image: str, version: tuple[int, ...] | None) -> None:
    assert read(service(f"image: '{image}'", MOUNT)) == {INI: {version}}


@pytest.mark.parametrize(
    ("tag", "version"), [("1.23.1-debian-12-r1", (1, 23, 1)), ("1.22", (1, 22)), ("latest", None)]
)
def test_bitnami_reads_at_its_own_place_only(tag: str, version: tuple[int, ...] | None) -> None:
    image = f"image: bitnami/pgbouncer:{tag}"
    folder = "volumes: [./pgbouncer/:/bitnami/pgbouncer/conf/]"

    assert read(service(image, folder)) == {INI: {version}}
    assert read(service(image, MOUNT)) == {}
    assert read(service(image, "volumes: [./pgbouncer:/opt/bitnami/pgbouncer/conf]")) == {}


def test_what_is_built_here_has_no_version_for_its_name() -> None:
    assert read(service("build: ./pgbouncer", MOUNT)) == {INI: {None}}
    assert read(service("build: ./pgbouncer", EDOBURU, MOUNT)) == {INI: {None}}


@pytest.mark.parametrize(
    "volumes",
    [
        "[./pgbouncer/pgbouncer.ini:/etc/pgbouncer.ini]",
        "[./pgbouncer:/app/pgbouncer]",
        "[pgbouncer:/etc/pgbouncer]",
        "[/srv/pgbouncer:/etc/pgbouncer]",
        "[./pgbouncer/userlist.txt:/etc/pgbouncer/userlist.txt]",
        "[./pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini]",
        "['${CONF}/pgbouncer:/etc/pgbouncer']",
        "['./pgbouncer:${TO}']",
        "[./pgbouncer:]",
    ],
)
def test_what_is_not_brought_there_is_not_read(volumes: str) -> None:
    assert read(service(EDOBURU, f"volumes: {volumes}")) == {}


def test_the_innermost_of_two_mounts_is_what_stands_there() -> None:
    ini, other = "pgbouncer/pgbouncer.ini", "pgbouncer/prod.ini"
    both = "volumes: [./pgbouncer:/etc/pgbouncer, ./pgbouncer/prod.ini:/etc/pgbouncer/pgbouncer.ini]"
    hidden = "volumes: [./pgbouncer:/etc, data:/etc/pgbouncer]"

    assert read(service(EDOBURU, both), ini, other) == {other: {(1, 22, 1)}}
    assert read(service(EDOBURU, hidden), "pgbouncer/pgbouncer/pgbouncer.ini") == {}


def test_a_command_names_what_is_read() -> None:
    folder, command = "volumes: [./pgbouncer:/etc/pgbouncer]", "command: pgbouncer /etc/pgbouncer/read-only.ini"
    script = 'entrypoint: ["/bin/sh", "-c", "exec pgbouncer /etc/pgbouncer/read-only.ini"]'
    configs = (INI, "pgbouncer/read-only.ini")

    assert read(service(EDOBURU, folder, command), *configs) == {"pgbouncer/read-only.ini": {(1, 22, 1)}}
    assert read(service(EDOBURU, folder, script), *configs) == {"pgbouncer/read-only.ini": {(1, 22, 1)}}


def test_two_services_may_read_one_file() -> None:
    old = service(EDOBURU, MOUNT)
    new = "  pgbouncer-new:\n    image: edoburu/pgbouncer:v1.25.2-p0\n    " + MOUNT + "\n"
    built = f"  pgbouncer-new:\n    build: .\n    {MOUNT}\n"

    assert read(old + new) == {INI: {(1, 22, 1), (1, 25, 2)}}
    assert read(old + built) == {INI: {(1, 22, 1), None}}


def test_files_of_one_folder_may_be_put_together() -> None:
    base = service(EDOBURU, "environment: {DB_HOST: db}")
    override = service(MOUNT)

    assert read({"compose.yaml": base, "compose.prod.yaml": override}) == {INI: {(1, 22, 1)}}
    assert read({"compose.prod.yaml": override}) == {INI: {None}}
    assert read({"other/compose.yaml": base, "compose.prod.yaml": override}) == {INI: {None}}


def test_a_file_that_changes_the_image_leaves_two_versions() -> None:
    released = service("image: edoburu/pgbouncer:v1.25.1-p0")
    elsewhere = service("image: edoburu/pgbouncer:v1.25.1-p0", name="letta-pgbouncer")

    assert read({"compose.yaml": service(EDOBURU, MOUNT), "release.yaml": released}) == {
        INI: {(1, 22, 1), (1, 25, 1)}
    }
    assert read({"compose.yaml": service(EDOBURU, MOUNT), "release.yaml": elsewhere}) == {INI: {(1, 22, 1)}}


def test_files_for_two_stages_have_a_version_and_a_file_each() -> None:
    production = service("image: edoburu/pgbouncer:v1.25.1-p0", MOUNT.replace("pgbouncer.ini:", "prod.ini:", 1))
    files = {"compose.yaml": service(EDOBURU, MOUNT), "compose.prod.yaml": production}

    assert read(files, INI, "pgbouncer/prod.ini") == {INI: {(1, 22, 1)}, "pgbouncer/prod.ini": {(1, 25, 1)}}


def test_a_service_that_extends_another_may_change_its_image() -> None:
    newer = "  newer:\n    extends: {service: pgbouncer}\n    image: edoburu/pgbouncer:v1.25.1-p0\n"
    same = "  replica:\n    extends: pgbouncer\n    environment: {LOG_STATS: 0}\n"

    assert read(service(EDOBURU, MOUNT) + newer) == {INI: {(1, 22, 1), (1, 25, 1)}}
    assert read(service(EDOBURU, MOUNT) + same) == {INI: {(1, 22, 1)}}


def test_a_whole_project_as_people_write_it() -> None:
    text = """\
version: "3.9"

services:
  postgres:
    image: postgres:16-alpine
    container_name: erp_postgres
    environment:
      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set it in .env}
    volumes:
      - postgres_data:/var/lib/postgresql/data
      - ./postgres/10-pgbouncer-auth.sh:/docker-entrypoint-initdb.d/10-pgbouncer-auth.sh:ro

  pgbouncer:
    image: edoburu/pgbouncer:1.22.1-p0
    container_name: erp_pgbouncer
    restart: unless-stopped
    entrypoint: ["/bin/sh", "/entrypoint.sh"]
    volumes:
      - ./pgbouncer/pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro
      - ./pgbouncer/entrypoint.sh:/entrypoint.sh:ro
      - ./certs/pgbouncer:/etc/pgbouncer/certs:ro
    depends_on:
      postgres:
        condition: service_healthy
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -h 127.0.0.1 -p 6432 -U erp || exit 1"]

  pgbouncer-exporter:
    image: prometheuscommunity/pgbouncer-exporter:v0.7.0
    command: --pgBouncer.connectionString="postgres://stats@pgbouncer:6432/pgbouncer?sslmode=disable"

  backend:
    build: {context: ./backend, dockerfile: Dockerfile}
    volumes: ["./:/app"]
    environment:
      DATABASE_URL: postgresql://erp:${POSTGRES_PASSWORD}@pgbouncer:6432/erp

volumes:
  postgres_data:
"""

    assert read(text, INI, "pgbouncer.ini") == {INI: {(1, 22, 1)}}


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        (("environment: {DB_HOST: postgres, POOL_MODE: session}",), {"pgbouncer"}),
        (("environment:", "  - DB_HOST=postgres", "  - PGBOUNCER_POOL_MODE=Session"), {"pgbouncer"}),
        (('environment: ["POOL_MODE=${POOL_MODE:-session}"]',), {"pgbouncer"}),
        (("environment: {POOL_MODE: transaction}",), set[str]()),
        (("environment: {POOL_MODE: null}",), set[str]()),
        (("environment: [POOL_MODE]",), set[str]()),
        (('environment: ["POOL_MODE=${POOL_MODE}"]',), set[str]()),
        (("env_file: .env",), set[str]()),
    ],
)
def test_an_environment_tells_a_pooler_to_pool_sessions(fields: tuple[str, ...], names: set[str]) -> None:
    files = read_compose(Source("compose.yaml", service(EDOBURU, *fields)))

    assert in_session_mode(files) == names


def test_services_of_one_name_may_disagree_about_the_pool_mode() -> None:
    modes = ("session", "transaction")
    files = [
        file
        for mode in modes
        for file in read_compose(Source(f"{mode}.yaml", service(f"environment: {{POOL_MODE: {mode}}}")))
    ]

    assert in_session_mode(files) == set()


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        (("environment: {POOL_MODE: transaction, MAX_PREPARED_STATEMENTS: 100}",), {"pgbouncer": 100}),
        (("environment: [PGBOUNCER_MAX_PREPARED_STATEMENTS=0]",), {"pgbouncer": 0}),
        (
            ('environment: ["MAX_PREPARED_STATEMENTS=${KEPT}"]', "image: edoburu/pgbouncer:latest"),
            {"pgbouncer": 200},
        ),
        (("environment: {POOL_MODE: transaction}", "image: bitnami/pgbouncer:1.24.1"), {"pgbouncer": 200}),
        (("environment: {POOL_MODE: transaction}", "image: bitnami/pgbouncer:1.23.1"), {"pgbouncer": 0}),
        (("environment: {POOL_MODE: transaction}", "image: shop/postgres"), dict[str, int]()),
    ],
)
def test_an_environment_tells_how_many_prepared_statements_a_pooler_keeps(
    fields: tuple[str, ...], kept: dict[str, int]
) -> None:
    files = read_compose(Source("compose.yaml", service(*fields)))

    assert prepared_statements(files) == kept
