from collections.abc import Mapping

import pytest

from poolcheck.read.kubernetes.pooler_environment import Given, written_by
from poolcheck.read.kubernetes.pooler_images import READS, Family
from poolcheck.read.kubernetes.pooler_scripts import SCRIPTS, Line
from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.load import read_rendered
from poolcheck.read.pgbouncer.settings import SETTINGS, Scope, Version
from poolcheck.source import Located, Span

IMAGE = Span("deploy.yaml", 1, 2)
REQUIRED = {
    Family.EDOBURU: {"DB_HOST": "db"},
    Family.BRAINSAM: {"DB_HOST": "db"},
    Family.PGBOUNCER: {"DATABASES_HOST": "db"},
    Family.BITNAMI: {"POSTGRESQL_HOST": "db"},
}
UNKNOWN = None


def written(
    family: Family, variables: Mapping[str, str | None], version: Version | None = None, hidden: str = "-"
) -> str | None:
    """What the image makes of an environment; of names that begin like `hidden`, it is not known what is set."""

    def given(name: str) -> Given | None:
        if name in variables:
            value = variables[name]
            return Given(IMAGE, None if value is None else Located(value, IMAGE))
        return Given(IMAGE, None, is_set=False) if name.startswith(hidden) else None

    rendered = written_by(SCRIPTS[family], given, IMAGE, version)
    return rendered.source.text if rendered else None


def read(
    family: Family, variables: Mapping[str, str | None], version: Version | None = None, hidden: str = "-"
) -> PgBouncerConfig:
    def given(name: str) -> Given | None:
        if name in variables:
            value = variables[name]
            return Given(IMAGE, None if value is None else Located(value, IMAGE))
        return Given(IMAGE, None, is_set=False) if name.startswith(hidden) else None

    rendered = written_by(SCRIPTS[family], given, IMAGE, version)
    assert rendered
    [found] = (each for each in read_rendered(rendered, "pgbouncer.ini") if isinstance(each, PgBouncerConfig))
    return found


def settings(config: PgBouncerConfig) -> dict[str, str]:
    return {name: value.value for name, value in config.settings_in_effect.items()}


def databases(config: PgBouncerConfig) -> dict[str, str]:
    return {entry.name.value: entry.text.value for entry in config.databases if entry.in_effect}


@pytest.mark.parametrize(
    ("family", "database", "defaults"),
    [
        (
            Family.EDOBURU,
            {"*": "host=db port=5432 auth_user=postgres"},
            {"listen_port": "5432", "auth_type": "md5", "admin_users": "postgres", "unix_socket_dir": ""},
        ),
        (Family.BRAINSAM, {"*": "host=db port=5432"}, {"listen_addr": "0.0.0.0", "auth_type": "any"}),
        (
            Family.PGBOUNCER,
            {"*": "host=db port=5432 user=${DATABASES_USER}"},
            {"auth_type": "any", "ignore_startup_parameters": "extra_float_digits"},
        ),
        (
            Family.BITNAMI,
            {"postgres": "host=db port=5432"},
            {"listen_port": "6432", "auth_type": "scram-sha-256", "stats_period": "60"},
        ),
    ],
)
def test_what_an_image_is_not_told_it_has_a_default_for(
    family: Family, database: dict[str, str], defaults: dict[str, str]
) -> None:
    config = read(family, REQUIRED[family])

    assert databases(config) == database
    assert defaults.items() <= settings(config).items()
    assert not {"pool_mode", "max_client_conn", "default_pool_size"} & settings(config).keys()


@pytest.mark.parametrize("family", SCRIPTS)
def test_every_setting_goes_into_the_file(family: Family) -> None:
    script, of_names = SCRIPTS[family], dict[str, str | None]()
    for line in script.settings:
        if line.variable and line.when is None:
            of_names[line.variable] = "7"

    config = read(family, {**REQUIRED[family], **of_names})

    found = settings(config)
    assert {line.setting for line in script.settings if line.variable in of_names} <= found.keys()
    assert all(found[line.setting] == "7" for line in script.settings if line.variable in of_names)


@pytest.mark.parametrize("family", SCRIPTS)
def test_all_settings_are_pgbouncers_but_for_those_by_which_an_image_does_not_start(family: Family) -> None:
    known = {*SETTINGS[Scope.PGBOUNCER]}
    odd = {line.setting for line in SCRIPTS[family].settings} - known

    assert odd == ({"pool_size", "timezone"} if family is Family.EDOBURU else set())


@pytest.mark.parametrize("family", SCRIPTS)
def test_an_image_that_writes_a_file_has_a_place_for_one_that_is_brought(family: Family) -> None:
    assert family in READS


@pytest.mark.parametrize("family", [Family.EDOBURU, Family.BRAINSAM, Family.PGBOUNCER])
def test_without_a_host_nothing_is_written(family: Family) -> None:
    assert written(family, {}) is None
    assert written(family, dict.fromkeys(REQUIRED[family], "")) is None


def test_of_names_that_an_image_does_not_read_nothing_is_written() -> None:
    assert written(Family.PGBOUNCER, {"DATABASES_HOST": "db", "POOL_MODE": "transaction"}) == written(
        Family.PGBOUNCER, {"DATABASES_HOST": "db"}
    )


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("postgres://app:CANARY@db:6000/shop", {"shop": "host=db port=6000 auth_user=app"}),
        ("postgresql://app:CANARY@db/shop", {"shop": "host=db port=5432 auth_user=app"}),
        ("postgres://app@db/shop", {"shop": "host=db port=5432 auth_user=app"}),
        ("postgres://db:6000", {"*": "host=db port=6000 auth_user=postgres"}),
        ("postgres://app:CAN@ARY@db/shop", {"shop": "host=db port=5432 auth_user=app"}),
        ("not a url", {}),
    ],
)
def test_edoburus_takes_a_url_apart_and_leaves_out_the_password(url: str, database: dict[str, str]) -> None:
    config = read(Family.EDOBURU, {"DATABASE_URL": url, "DB_HOST": "elsewhere"})

    assert databases(config) == database
    assert "CAN" not in config.text


def test_edoburus_takes_several_urls_since_1_24_1_and_a_port_stays_until_the_next() -> None:
    urls = {"DATABASE_URLS": "postgres://db:6000/one,postgres://app@other/two", "DATABASE_URL": "postgres://x/y"}

    assert databases(read(Family.EDOBURU, urls)) == {
        "one": "host=db port=6000 auth_user=postgres",
        "two": "host=other port=6000 auth_user=app",
    }
    assert databases(read(Family.EDOBURU, urls, (1, 23, 1))) == {"y": "host=x port=5432 auth_user=postgres"}


def test_the_query_of_a_url_makes_a_line_that_is_refused() -> None:
    config = read(Family.EDOBURU, {"DATABASE_URL": "postgres://app:CANARY@db/shop?sslmode=require"})

    assert [refusal.reason for refusal in config.malformed] == [
        "PgBouncer refuses this line: '?' cannot be part of a name"
    ]


def test_an_encoding_stands_on_a_line_of_its_own() -> None:
    config = read(Family.EDOBURU, {"DB_HOST": "db", "CLIENT_ENCODING": "UTF8"})

    assert databases(config)["client_encoding"] == "UTF8"
    assert config.databases[1].fault


@pytest.mark.parametrize(("version", "is_known"), [((1, 20, 1), False), ((1, 21, 0), True), (None, True)])
def test_an_image_writes_no_setting_that_it_has_not_heard_of(version: Version | None, *, is_known: bool) -> None:
    config = read(Family.EDOBURU, {"DB_HOST": "db", "MAX_PREPARED_STATEMENTS": "100"}, version)

    assert ("max_prepared_statements" in settings(config)) is is_known


def test_what_older_images_make_of_a_variable_is_not_known() -> None:
    old = read(Family.EDOBURU, {"DB_HOST": "db", "DB_USER": "app"}, (1, 20, 1))
    bitnami = read(Family.BITNAMI, {}, (1, 17, 0))

    assert not old.databases[0].is_complete
    assert old.databases[0].parameter("auth_user", "user") is None
    assert bitnami.is_unknown("auth_type")
    assert settings(read(Family.BITNAMI, {"PGBOUNCER_AUTH_TYPE": "md5"}, (1, 17, 0)))["auth_type"] == "md5"


def test_a_value_that_is_not_known_is_none_and_what_may_be_set_is_not_at_its_default() -> None:
    config = read(Family.EDOBURU, {"DB_HOST": "db", "POOL_MODE": UNKNOWN}, hidden="DEFAULT_")

    assert config.pool_mode() is None
    assert config.effective_integer("default_pool_size") is None
    assert config.effective_integer("listen_port")
    assert config.setting("auth_type")


def test_what_is_surely_set_counts_below_what_may_be() -> None:
    config = read(Family.EDOBURU, {"DB_HOST": "db", "DEFAULT_POOL_SIZE": "7"}, hidden="")

    size = config.effective_integer("default_pool_size")
    assert size
    assert size.value == 7
    assert config.effective_integer("max_client_conn") is None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PGBOUNCER_SET_DATABASE_USER": "yes"}, "host=db port=5432 user=postgres"),
        ({"PGBOUNCER_SET_DATABASE_USER": "no", "POSTGRESQL_USERNAME": "app"}, "host=db port=5432"),
        ({"PGBOUNCER_SET_DATABASE_USER": UNKNOWN}, "host=db port=5432 ${POSTGRESQL_USERNAME}"),
        ({"POSTGRESQL_DATABASE": "shop"}, "host=db port=5432 dbname=shop"),
        ({"PGBOUNCER_DATABASE": "*", "POSTGRESQL_DATABASE": "shop"}, "host=db port=5432"),
        ({"PGBOUNCER_AUTH_USER": "look"}, "host=db port=5432 auth_user=look"),
        ({"PGBOUNCER_CONNECT_QUERY": "SET x = 1"}, "host=db port=5432 connect_query='SET x = 1'"),
        ({"POSTGRESQL_PORT_FILE": "/run/port"}, "host=db port=${POSTGRESQL_PORT}"),
    ],
)
def test_bitnamis_has_one_database_with_what_it_is_told(variables: dict[str, str | None], expected: str) -> None:
    config = read(Family.BITNAMI, {"POSTGRESQL_HOST": "db", **variables})

    assert [*databases(config).values()] == [expected]


def test_bitnamis_has_the_databases_of_numbered_variables_up_to_the_first_gap() -> None:
    names = {
        "PGBOUNCER_DSN_0": "a=host=one port=1",
        "PGBOUNCER_DSN_1": "b=host=two",
        "PGBOUNCER_DSN_3": "c=host=x",
    }

    found = databases(read(Family.BITNAMI, names))

    assert found == {
        "postgres": "host=postgresql port=5432",
        "a": "host=one port=1",
        "b": "host=two",
    }


def test_bitnamis_cuts_a_value_at_its_first_colon() -> None:
    config = read(Family.BITNAMI, {"PGBOUNCER_SERVER_RESET_QUERY": "SELECT 'a:b'"})

    assert settings(config)["server_reset_query"] == "SELECT 'a"


def test_bitnamis_names_certificates_only_where_tls_is_on() -> None:
    off = read(Family.BITNAMI, {"PGBOUNCER_CLIENT_TLS_CERT_FILE": "/cert"})
    on = read(
        Family.BITNAMI, {"PGBOUNCER_CLIENT_TLS_CERT_FILE": "/cert", "PGBOUNCER_CLIENT_TLS_SSLMODE": "require"}
    )

    assert "client_tls_cert_file" not in settings(off)
    assert settings(on)["client_tls_cert_file"] == "/cert"


def test_the_variables_of_a_script_are_all_it_looks_at() -> None:
    script = SCRIPTS[Family.EDOBURU]

    assert {"DB_HOST", "DATABASE_URL", "CLIENT_ENCODING", "POOL_MODE"} <= script.variables
    assert "DB_PASSWORD" not in {line.variable for line in script.parameters}
    assert Line("x", "").variable not in script.variables
