import pytest

from poolcheck.read.kubernetes.pooler_images import Family, PoolerImage, pooler_image


@pytest.mark.parametrize(
    ("image", "known"),
    [
        ("edoburu/pgbouncer:v1.25.1-p0", PoolerImage(Family.EDOBURU, (1, 25, 1))),
        ("docker.io/edoburu/pgbouncer:1.22.1@sha256:0123", PoolerImage(Family.EDOBURU, (1, 22, 1))),
        ("registry:5000/proxy/bitnami/pgbouncer:1.22.0-debian-11-r7", PoolerImage(Family.BITNAMI, (1, 22, 0))),
        ("ghcr.io/cloudnative-pg/pgbouncer:1.25.1-15", PoolerImage(Family.CLOUDNATIVE_PG, (1, 25, 1))),
        ("crunchydata/crunchy-pgbouncer:ubi8-1.22-1", PoolerImage(Family.CRUNCHY, (1, 22))),
        ("ghcr.io/zalando/postgres-operator/pgbouncer:v2.0.1", PoolerImage(Family.ZALANDO, None)),
        ("pgbouncer/pgbouncer:1.15.0", PoolerImage(Family.PGBOUNCER, None)),
        ("registry.example/platform/pgbouncer:1.22", PoolerImage(Family.OTHER_PGBOUNCER, None)),
        ("ghcr.io/postgresml/pgcat:v1.2.0", PoolerImage(Family.PGCAT, None)),
        (
            "percona/percona-postgresql-operator:2.5.0-ppg16.4-pgbouncer1.23.1",
            PoolerImage(Family.PERCONA, (1, 23, 1)),
        ),
        ("ghcr.io/pgdogdev/pgdog:main", PoolerImage(Family.PGDOG, None)),
        ("supabase/supavisor:2.0", PoolerImage(Family.SUPAVISOR, None)),
    ],
)
def test_an_image_is_told_by_the_end_of_its_name(image: str, known: PoolerImage) -> None:
    assert pooler_image(image) == known


@pytest.mark.parametrize(
    "image",
    [
        "edoburu/pgbouncer:${TAG:-1.23.1}",
        "edoburu/pgbouncer:v$VERSION-p0",
        'edoburu/pgbouncer:{{ .Values.tag | default "1.23.1" }}',
        "edoburu/pgbouncer:1.23.1-$(PATCH)",
    ],
)
def test_a_tag_that_is_filled_in_elsewhere_says_none(image: str) -> None:
    assert pooler_image(image) == PoolerImage(Family.EDOBURU, None)


def test_a_registry_may_be_filled_in() -> None:
    assert pooler_image("${REGISTRY:-docker.io}/edoburu/pgbouncer:v1.23.1-p2") == PoolerImage(
        Family.EDOBURU, (1, 23, 1)
    )


@pytest.mark.parametrize("tag", ["", ":latest", ":master-9", ":2.0.1", ":0.9", "@sha256:1.22", ":" + "9" * 5_000])
def test_a_tag_without_a_version_of_pgbouncer_says_none(tag: str) -> None:
    assert pooler_image(f"edoburu/pgbouncer{tag}") == PoolerImage(Family.EDOBURU, None)


@pytest.mark.parametrize(
    "image",
    [
        "bitnami/pgbouncer-exporter:v0.7",
        "example/mypgbouncer",
        "postgres:17",
        "pgbouncer/web",
        "percona/percona-postgresql-operator:2.5.0",
        "{{ .x }}",
        "",
    ],
)
def test_other_images_are_no_poolers(image: str) -> None:
    assert pooler_image(image) is None
