import pytest

from poolcheck.link.inis import places
from poolcheck.read.kubernetes.pooler_images import pooler_image

USUAL = "/etc/pgbouncer/pgbouncer.ini"
BITNAMI = "/bitnami/pgbouncer/conf/pgbouncer.ini"


@pytest.mark.parametrize(
    ("image", "place"),
    [
        ("edoburu/pgbouncer:1.23.1", USUAL),
        ("bitnami/pgbouncer:1.23.1", BITNAMI),
        ("bitnamilegacy/pgbouncer:1.23.1", BITNAMI),
        ("crunchydata/crunchy-pgbouncer:ubi8-1.22-1", "/etc/pgbouncer/~postgres-operator.ini"),
    ],
)
def test_every_image_has_its_place(image: str, place: str) -> None:
    assert places(pooler_image(image), []) == {place}


@pytest.mark.parametrize("image", ["registry.example/platform/pgbouncer:1", "api:1"])
def test_an_image_of_ones_own_may_have_any(image: str) -> None:
    assert {USUAL, BITNAMI} < places(pooler_image(image), [])


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (["pgbouncer", "/etc/pgbouncer/read-only.ini"], {"/etc/pgbouncer/read-only.ini"}),
        (["pgbouncer -v /etc/ro.ini"], {"/etc/ro.ini"}),
        (
            ["/bin/sh", "-c", "cp '/tmpl/a.ini' /etc/b.ini;exec pgbouncer /etc/b.ini"],
            {"/tmpl/a.ini", "/etc/b.ini"},
        ),
        (["pgbouncer", "--config=/etc/ro.ini"], {"/etc/ro.ini"}),
        (["/bin/sh", "/entrypoint.sh"], {USUAL}),
        (["pgbouncer", "$(DIR)/ro.ini"], {USUAL}),
        (["cat /etc/pgbouncer/pgbouncer.ini.tmpl"], {USUAL}),
    ],
)
def test_a_command_may_name_another(command: list[str], named: set[str]) -> None:
    assert places(pooler_image("edoburu/pgbouncer:1.23.1"), command) == named
