import pytest

from poolcheck.read.compose.facts import ComposeFile, Service
from poolcheck.read.compose.services import read_compose
from poolcheck.source import Source, Span
from poolcheck.value import HOLE, Known, Value, text_of

STACK = """\
# The shop on one machine. Started with: docker compose up -d
name: shop

x-logging: &logging
  logging: {driver: json-file, options: {max-size: 10m}}

services:
  db:
    <<: *logging
    image: postgres:16
    command: ["postgres", "-c", "max_connections=200"]
    volumes:
      - pgdata:/var/lib/postgresql/data
      - ./db/init.sql:/docker-entrypoint-initdb.d/init.sql:ro

  pgbouncer: &pgbouncer
    <<: *logging
    image: edoburu/pgbouncer:v1.23.1-p2
    depends_on:
      db: {condition: service_healthy}
    volumes:
      - ./pgbouncer/pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro
      - type: bind
        source: ./pgbouncer/userlist.txt
        target: /etc/pgbouncer/userlist.txt
        read_only: true
      - /var/log/pgbouncer
    ports: ["6432:6432"]

  pgbouncer-ro:
    <<: *pgbouncer
    command: pgbouncer /etc/pgbouncer/read-only.ini

  api:
    build: {context: ./api}
    image: shop/api:${TAG:-dev}
    extends: {file: common.yaml, service: web}

volumes:
  pgdata: {}
"""


def read(text: str) -> list[ComposeFile]:
    return list(read_compose(Source("compose.yaml", text)))


def services(text: str) -> dict[str, Service]:
    """The services of the only document, by their names."""
    [file] = read(text)
    return {service.name.value: service for service in file.services}


def shown(value: Value | None) -> str | None:
    return None if value is None else text_of(value)


def mounts(service: Service) -> list[tuple[str | None, str | None]]:
    """What stands where: sources with their targets."""
    return [(shown(mount.source), shown(mount.target)) for mount in service.mounts]


def only(field: str, more: str = "") -> Service:
    """A service with one field more than its image."""
    return services(f"services:\n  pgbouncer:\n    image: edoburu/pgbouncer\n{field}{more}")["pgbouncer"]


def test_services_have_names_images_and_places() -> None:
    found = services(STACK)
    name, span = found["pgbouncer"].name, found["pgbouncer"].span

    assert list(found) == ["db", "pgbouncer", "pgbouncer-ro", "api"]
    assert [shown(each.image) for each in found.values()] == [
        "postgres:16",
        "edoburu/pgbouncer:v1.23.1-p2",
        "edoburu/pgbouncer:v1.23.1-p2",
        f"shop/api:{HOLE}",
    ]
    assert STACK[name.span.start : name.span.end] == "pgbouncer"
    assert STACK[span.start : span.end].startswith("<<: *logging\n    image: edoburu")
    image = STACK.index("postgres:16")
    assert found["db"].image == Known("postgres:16", (Span("compose.yaml", image, image + 11),))


def test_a_service_is_built_extends_another_and_has_a_command_of_its_own() -> None:
    found = services(STACK)

    assert [name for name, each in found.items() if each.is_built] == ["api"]
    assert [each.extends.value for each in found.values() if each.extends] == ["web"]
    assert [shown(word) for word in found["db"].command or ()] == ["postgres", "-c", "max_connections=200"]
    assert [shown(word) for word in found["pgbouncer-ro"].command or ()] == [
        "pgbouncer /etc/pgbouncer/read-only.ini"
    ]
    assert found["pgbouncer"].command is None
    assert found["pgbouncer"].entrypoint is None


def test_volumes_are_mounts_with_what_they_bring_from_the_host() -> None:
    assert mounts(services(STACK)["db"]) == [
        (None, "/var/lib/postgresql/data"),
        ("./db/init.sql", "/docker-entrypoint-initdb.d/init.sql"),
    ]
    assert mounts(services(STACK)["pgbouncer-ro"]) == [
        ("./pgbouncer/pgbouncer.ini", "/etc/pgbouncer/pgbouncer.ini"),
        ("./pgbouncer/userlist.txt", "/etc/pgbouncer/userlist.txt"),
        (None, "/var/log/pgbouncer"),
    ]


@pytest.mark.parametrize(
    ("volume", "mount"),
    [
        ("../conf:/etc/pgbouncer", ("../conf", "/etc/pgbouncer")),
        ("/srv/pgbouncer:/etc/pgbouncer:ro,z", ("/srv/pgbouncer", "/etc/pgbouncer")),
        ("~/pgbouncer:/etc/pgbouncer", ("~/pgbouncer", "/etc/pgbouncer")),
        ("pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini", (None, "/etc/pgbouncer/pgbouncer.ini")),
        ("${CONF}/pgbouncer.ini:/etc/pgbouncer.ini", (f"{HOLE}/pgbouncer.ini", "/etc/pgbouncer.ini")),
        ("{type: volume, source: data, target: /data}", (None, "/data")),
        ("{type: tmpfs, target: /run}", (None, "/run")),
        ("{type: bind, source: ./conf, target: /etc/pgbouncer}", ("./conf", "/etc/pgbouncer")),
        ("{type: bind, source: conf, target: /etc/pgbouncer}", ("conf", "/etc/pgbouncer")),
    ],
)
def test_only_paths_are_of_the_host(volume: str, mount: tuple[str | None, str]) -> None:
    assert mounts(only(f"    volumes:\n      - {volume}\n")) == [mount]


@pytest.mark.parametrize(
    ("field", "target"),
    [
        ("configs: [ini]", "/ini"),
        ("configs: [{source: ini, target: /etc/pgbouncer/pgbouncer.ini}]", "/etc/pgbouncer/pgbouncer.ini"),
        ("configs: [{source: ini}]", "/ini"),
        ("secrets: [ini]", "/run/secrets/ini"),
        ("secrets: [{source: ini, target: pgbouncer.ini, mode: 0400}]", "/run/secrets/pgbouncer.ini"),
        ("secrets: [{source: ini, target: /etc/pgbouncer/pgbouncer.ini}]", "/etc/pgbouncer/pgbouncer.ini"),
    ],
)
def test_configs_and_secrets_are_mounts(field: str, target: str) -> None:
    kind = field.partition(":")[0]

    found = only(f"    {field}\n", f"{kind}: {{ini: {{file: ./pgbouncer.ini}}}}\n")

    assert mounts(found) == [("./pgbouncer.ini", target)]


def test_a_config_whose_content_is_written_out_is_the_compose_file() -> None:
    found = only("    configs: [ini]\n", "configs: {ini: {content: '[pgbouncer]'}}\n")

    assert mounts(found) == [("compose.yaml", "/ini")]


@pytest.mark.parametrize("stated", ["external: true", "environment: INI", "name: x"])
def test_a_config_that_is_no_file_brings_none(stated: str) -> None:
    assert mounts(only("    configs: [ini]\n", f"configs: {{ini: {{{stated}}}}}\n")) == [(None, "/ini")]


def test_what_is_merged_and_tagged_counts() -> None:
    text = "services:\n  pgbouncer:\n    image: !override edoburu/pgbouncer:1.22.1\n    command: !reset null\n"

    found = services(text)["pgbouncer"]

    assert shown(found.image) == "edoburu/pgbouncer:1.22.1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "services:\n",
        "services: [postgres]\n",  # of GitLab
        "services:\n  pgbouncer: edoburu/pgbouncer\n",
        "services:\n  - name: pgbouncer\n    image: edoburu/pgbouncer\n",
        "jobs: {test: {services: {pgbouncer: {image: edoburu/pgbouncer}}}}\n",
        "services:\n\tpgbouncer: {}\n",
        "services: {{ services }}\n",
        "services: &s\n  <<: *s\n",
    ],
)
def test_what_is_no_compose_file_holds_no_services_and_no_fault(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize("value", ["[]", "{}", "1", "null", "text", "[1, [2], {a: b}]", "{a: [b]}", "*x", "!x y"])
@pytest.mark.parametrize(
    "field", ["image", "build", "command", "entrypoint", "volumes", "configs", "secrets", "extends", "nothing"]
)
def test_no_value_of_a_field_is_too_odd(field: str, value: str) -> None:
    found = read(f"x: &x [1]\nservices:\n  pgbouncer:\n    {field}: {value}\nconfigs: {value}\nsecrets: {value}\n")

    assert [service.name.value for file in found for service in file.services] == ["pgbouncer"]


def test_aliases_that_stand_for_too_much_are_not_followed() -> None:
    bomb = "x0: &x0 {image: a, volumes: ['a:/a']}\n"
    bomb += "".join(f"x{n}: &x{n} {{{', '.join(f'k{m}: *x{n - 1}' for m in range(10))}}}\n" for n in range(1, 9))

    found = read(f"{bomb}services:\n  a: {{<<: *x8}}\n  b: {{image: {'[' * 500}\n")

    assert found == []


def test_a_service_is_told_how_it_is_stopped() -> None:
    found = services(
        "services: {web: {image: web, stop_signal: SIGINT, stop_grace_period: 1m}, db: {image: db}}\n"
    )

    assert [text_of(each) for each in (found["web"].stop_signal, found["web"].stop_grace_period) if each] == [
        "SIGINT",
        "1m",
    ]
    assert (found["db"].stop_signal, found["db"].stop_grace_period) == (None, None)
