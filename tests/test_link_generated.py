from collections.abc import Sequence
from textwrap import dedent

import pytest

from demanded import demanded
from poolcheck.link.link import link
from poolcheck.read.compose.services import read_compose
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.rendered import Renderings
from poolcheck.source import Source
from poolcheck.stated import Stated
from poolcheck.system.whole import System

PATH = "deploy.yaml"


def manifest(fields: str, *objects: str, kind: str = "Pod") -> str:
    """A pod with a container that has these fields, and objects beside it."""
    container = dedent(fields).strip().replace("\n", "\n      ")
    volumes = "  volumes: [{name: config, configMap: {name: config}}, {name: scratch, emptyDir: {}}]\n"
    text = (
        f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: pooler}}\nspec:\n{volumes}"
        f"  containers:\n    - name: main\n      {container}\n"
    )
    return "---\n".join([text, *map(dedent, objects)])


def system(*texts: str, path: str = PATH) -> System:
    facts = [
        fact
        for number, text in enumerate(texts)
        for fact in read_manifest(Source(f"{number}-{path}" if number else path, text))
    ]
    return link(facts, [path], None, Stated())


def configs(found: System) -> Sequence[PgBouncerConfig]:
    return [fact for fact in found.documents if isinstance(fact, PgBouncerConfig)]


def settings(text: str) -> dict[str, str] | None:
    """The settings in effect of the one pooler; None where they are not seen."""
    [pooler] = system(text).poolers
    return (
        {name: value.value for name, value in pooler.config.settings_in_effect.items()} if pooler.config else None
    )


EDOBURU = """
    image: edoburu/pgbouncer:v1.23.1-p2
    env:
    - {name: DB_HOST, value: db}
    - {name: POOL_MODE, value: transaction}
"""


def test_an_image_writes_its_configuration_from_the_environment() -> None:
    found = system(manifest(EDOBURU))

    [config] = configs(found)
    [pooler] = found.poolers
    assert pooler.config == config
    assert config.version == (1, 23, 1)
    assert pooler.mode
    assert pooler.mode.value == "transaction"
    assert (pooler.accepts.low, pooler.accepts.high) == (100, 100)


def test_every_value_is_at_the_place_that_says_so() -> None:
    text = manifest(EDOBURU)
    [config] = configs(system(text))
    assert config.rendered
    places = Renderings([config.rendered])
    setting = next(each for each in config.settings if each.name.value == "pool_mode")
    by_default = next(each for each in config.settings if each.name.value == "auth_type")

    told = [places.written(each.span) for each in (setting.name, setting.value, by_default.value)]

    assert [text[start:end] for _, start, end in told] == [
        "POOL_MODE",
        "transaction",
        "edoburu/pgbouncer:v1.23.1-p2",
    ]


def test_values_come_from_config_maps_and_of_secrets_nothing_is_told() -> None:
    text = manifest(
        """
        image: edoburu/pgbouncer
        envFrom: [{configMapRef: {name: sizes}}]
        env:
        - {name: DB_HOST, valueFrom: {secretKeyRef: {name: db, key: host}}}
        - {name: POOL_MODE, valueFrom: {configMapKeyRef: {name: sizes, key: mode}}}
        """,
        """\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: sizes}
        data: {mode: transaction, DEFAULT_POOL_SIZE: "30"}
        """,
        """\
        apiVersion: v1
        kind: Secret
        metadata: {name: db}
        stringData: {host: CANARY}
        """,
    )

    found = settings(text)

    assert found
    assert (found["pool_mode"], found["default_pool_size"]) == ("transaction", "30")
    assert "CANARY" not in configs(system(text))[0].text


def test_what_an_object_may_set_that_no_file_shows_is_not_known() -> None:
    text = manifest(EDOBURU + "    envFrom: [{secretRef: {name: elsewhere}}]\n")
    [config] = configs(system(text))

    assert config.effective_integer("default_pool_size") is None
    assert config.pool_mode() is not None


CONFIG = """\
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: config}
    data:
      KEY: "x"
"""
FOLDER = "volumeMounts: [{name: config, mountPath: /etc/pgbouncer}]\n"


@pytest.mark.parametrize(
    ("fields", "is_written"),
    [
        (EDOBURU, True),
        (EDOBURU + "    args: [pgbouncer, /etc/pgbouncer/pgbouncer.ini]\n", True),
        (EDOBURU + "    command: [/entrypoint.sh]\n", True),
        (EDOBURU + "    command: [pgbouncer, /etc/pgbouncer/pgbouncer.ini]\n", False),
        (EDOBURU + "    args: [pgbouncer, /srv/pgbouncer.ini]\n", False),
        (EDOBURU + f"    {FOLDER}", False),
        (EDOBURU + "    volumeMounts: [{name: scratch, mountPath: /etc/pgbouncer}]\n", True),
        (
            EDOBURU
            + "    volumeMounts: [{name: config, mountPath: /etc/pgbouncer/users.txt, subPath: users.txt}]\n",
            True,
        ),
        (
            EDOBURU
            + "    volumeMounts: [{name: x, mountPath: /etc/pgbouncer/pgbouncer.ini, subPath: pgbouncer.ini}]\n",
            False,
        ),
        ("    image: edoburu/pgbouncer\n", False),
        ("    image: registry.example/pgbouncer\n    env: [{name: DB_HOST, value: db}]\n", False),
    ],
)
def test_a_script_writes_it_where_it_runs_and_no_file_may_be_there(fields: str, *, is_written: bool) -> None:
    assert (settings(manifest(fields, CONFIG.replace("KEY", "other.ini"))) is not None) is is_written


@pytest.mark.parametrize(
    ("key", "command", "is_written"),
    [
        ("userlist.txt", "", True),
        ("pgbouncer.ini", "", False),
        ("userlist.txt", "args: [/opt/bitnami/scripts/pgbouncer/run.sh]", True),
        ("userlist.txt", "args: [bash]", False),
    ],
)
def test_bitnamis_looks_for_each_of_its_files(key: str, command: str, *, is_written: bool) -> None:
    fields = f"""
        image: bitnami/pgbouncer:1.22.1
        volumeMounts: [{{name: config, mountPath: /bitnami/pgbouncer/conf}}]
        {command}
    """

    found = settings(manifest(fields, CONFIG.replace("KEY", key)))

    assert (found is not None and "listen_port" in found) is is_written


def test_a_patch_does_not_show_what_else_is_set() -> None:
    patch = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: pooler}\nspec:\n  template:\n    spec:\n"
        "      containers:\n      - name: main\n        image: edoburu/pgbouncer\n"
        "        env: [{name: DB_HOST, value: db}]\n"
    )

    [pooler] = system(patch).poolers
    assert pooler.config
    assert pooler.config.effective_integer("max_client_conn") is None


def test_two_containers_that_share_an_image_by_an_anchor_have_a_configuration_each() -> None:
    text = """
        apiVersion: v1
        kind: Pod
        metadata: {name: pooler}
        spec:
          containers:
          - {name: one, image: &image edoburu/pgbouncer, env: [{name: DB_HOST, value: a}]}
          - {name: two, image: *image, env: [{name: DB_HOST, value: b}]}
    """

    found = configs(system(dedent(text)))

    assert [config.databases[0].text.value.split()[0] for config in found] == ["host=a", "host=b"]
    assert len({config.span for config in found}) == 2


def test_a_compose_service_has_one_too() -> None:
    text = """
        services:
          pooler:
            image: bitnami/pgbouncer:1.22.1
            environment:
              - POSTGRESQL_HOST=db
              - PGBOUNCER_DEFAULT_POOL_SIZE=${SIZE:-80}
          db:
            image: postgres:16
            command: postgres -c max_connections=50
    """
    source = Source("compose.yaml", dedent(text))

    found = link(read_compose(source, lambda _: None), [source.path], None, Stated())

    [demand] = demanded(found.facts)
    assert (demand.pooler, demand.database) == ("pooler", "db")
    assert demand.connections.low == 80
    assert demand.connections.ceiling is None
    assert [reason.assumption for reason in demand.connections.because if reason.assumption] == [
        "the variables of compose.yaml are left at their defaults"
    ]


def test_what_is_wrong_with_the_form_of_a_line_is_told_with_it() -> None:
    fields = """
        image: edoburu/pgbouncer
        env: [{name: DATABASE_URL, value: 'postgres://db/shop?sslmode=require'}]
    """

    found = system(manifest(fields))

    assert [type(each).__name__ for each in found.documents] == ["Manifest", "SyntaxFault", "PgBouncerConfig"]


@pytest.mark.parametrize(
    ("folder", "mode"), [("/bitnami/pgbouncer/conf", "session"), ("/etc/pgbouncer", "transaction")]
)
def test_a_file_where_the_image_does_not_look_for_it_is_none(folder: str, mode: str) -> None:
    fields = f"""
        image: bitnami/pgbouncer:1.22.1
        env: [{{name: PGBOUNCER_POOL_MODE, value: transaction}}]
        volumeMounts: [{{name: config, mountPath: {folder}}}]
    """
    ini = CONFIG.replace('KEY: "x"', 'pgbouncer.ini: "[databases]\\nshop = host=db\\n[pgbouncer]\\n"')

    [pooler] = system(manifest(fields, ini)).poolers

    assert pooler.mode
    assert pooler.mode.value == mode


def test_what_an_overlay_may_change_is_not_known() -> None:
    fields = EDOBURU + "    - {name: DEFAULT_POOL_SIZE, value: '7'}\n"
    base = manifest(fields)
    patch = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: pooler}\nspec:\n  containers:\n  - name: main\n"
        "    env: [{name: POOL_MODE, value: session}, {name: MAX_PREPARED_STATEMENTS, value: '100'}]\n"
    )

    config = next(pooler.config for pooler in system(base, patch).poolers if pooler.config)

    assert config.pool_mode() is None
    assert config.effective_integer("max_prepared_statements") is None


def test_a_pool_mode_that_may_be_set_makes_no_assumption_of_numbers() -> None:
    text = """
        services:
          pooler:
            image: edoburu/pgbouncer
            environment: {DB_HOST: db, POOL_MODE: "${MODE:-transaction}", MAX_CLIENT_CONN: "20"}
    """
    source = Source("compose.yaml", dedent(text))

    [pooler] = link(read_compose(source, lambda _: None), [source.path], None, Stated()).poolers

    assert pooler.mode
    assert pooler.mode.value == "transaction"
    assert not pooler.accepts.is_assumed
