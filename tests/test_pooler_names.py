"""What the variables of images mean to one another."""

import pytest

from poolcheck.read.kubernetes.pooler_images import Family, is_of_docker_hub
from poolcheck.read.kubernetes.pooler_names import CALLED, meaning_of, read_by, variables_for
from poolcheck.read.kubernetes.pooler_scripts import SCRIPTS


@pytest.mark.parametrize(
    ("variable", "meaning"),
    [
        ("POOL_MODE", "pool_mode"),
        ("PGBOUNCER_POOL_MODE", "pool_mode"),
        ("PGBOUNCER_PORT", "listen_port"),
        ("PGBOUNCER_LISTEN_PORT", "listen_port"),
        ("DATABASES_HOST", "host"),
        ("POSTGRES_HOST", "host"),
        ("DB_USER", "user"),
        ("DATABASE_URL", "URL"),
        ("PGBOUNCER_MAX_CLIENT_CONNECTIONS", "max_client_conn"),
        ("PGB_MAX_CLIENT_CONN", "max_client_conn"),
        ("TRANSACTION_TIMEOUT", "transaction_timeout"),
    ],
)
def test_what_a_variable_is_for(variable: str, meaning: str) -> None:
    assert meaning_of(variable) == meaning


@pytest.mark.parametrize(
    "variable", ["USER", "VERBOSE", "TIMEZONE", "LOG_LEVEL", "TZ", "PGHOST", "PGBOUNCER_USER"]
)
def test_what_may_be_for_anything(variable: str) -> None:
    assert meaning_of(variable) is None


@pytest.mark.parametrize(
    ("family", "meaning", "names"),
    [
        (Family.EDOBURU, "listen_port", ("LISTEN_PORT",)),
        (Family.BITNAMI, "listen_port", ("PGBOUNCER_PORT",)),
        (Family.BITNAMI, "pool_size", ("PGBOUNCER_DEFAULT_POOL_SIZE",)),
        (Family.PGBOUNCER, "pool_mode", ("PGBOUNCER_POOL_MODE", "DATABASES_POOL_MODE")),
        (Family.EDOBURU, "transaction_timeout", ()),
    ],
)
def test_from_which_variables_an_image_takes_a_setting(
    family: Family, meaning: str, names: tuple[str, ...]
) -> None:
    assert variables_for(family, meaning) == names


@pytest.mark.parametrize("family", SCRIPTS)
def test_each_image_with_a_script_has_a_name_and_reads_what_it_is_told_by(family: Family) -> None:
    meanings = {meaning for name in read_by(family) if (meaning := meaning_of(name))}

    assert CALLED[family].endswith("pgbouncer")
    assert {name for meaning in meanings for name in variables_for(family, meaning)} <= read_by(family)


@pytest.mark.parametrize(
    "image",
    [
        "pgbouncer/pgbouncer",
        "docker.io/pgbouncer/pgbouncer:1.15.0",
        "registry.example/docker.io/pgbouncer/pgbouncer",
        "mirror.example:5000/pgbouncer/pgbouncer@sha256:1234",
    ],
)
def test_an_image_of_docker_hub(image: str) -> None:
    assert is_of_docker_hub(image)


@pytest.mark.parametrize("image", ["registry.example/pgbouncer/pgbouncer", "ghcr.io/shop/pgbouncer/pgbouncer:7"])
def test_an_image_of_somebodys_own(image: str) -> None:
    assert not is_of_docker_hub(image)
