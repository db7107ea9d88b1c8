from textwrap import indent

import pytest

from poolcheck.amount import Amount, Reason, exactly
from poolcheck.link.poolers import (
    Found,
    completed,
    entry_for,
    found_in,
    pooler_alone,
    pooler_of,
    stated_pooler,
    wanted_by,
)
from poolcheck.read.kubernetes.environment import Objects
from poolcheck.read.kubernetes.manifest import Manifest
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.read.pgbouncer.config import PgBouncerConfig, PoolMode, Version, read_pgbouncer
from poolcheck.source import Source
from poolcheck.stated import StatedPooler
from poolcheck.system import Owner, Pooler

PODS = Reason("2 pods of pgbouncer")
INI = """
[databases]
shop = host=db user=shop
[pgbouncer]
default_pool_size = 20
max_client_conn = 1000
"""


def config(text: str) -> PgBouncerConfig:
    return next(fact for fact in read_pgbouncer(Source("p.ini", text)) if isinstance(fact, PgBouncerConfig))


def pooler(
    settings: str = "", databases: str = "shop = host=db user=shop", version: Version | None = (1, 25)
) -> Pooler:
    text = f"[databases]\n{databases}\n[pgbouncer]\ndefault_pool_size = 20\nmax_client_conn = 1000\n{settings}"
    alone = pooler_alone(config(text)._replace(version=version))
    return alone._replace(processes=exactly(2, PODS))


def wanted(
    settings: str = "", databases: str = "shop = host=db user=shop", version: Version | None = (1, 25)
) -> Amount:
    """What a PgBouncer of two processes wants for all its databases."""
    found = pooler(settings, databases, version)
    assert found.config
    return wanted_by(found, [entry for entry in found.config.databases if entry.in_effect])


def ends(amount: Amount) -> tuple[int, int, int | None]:
    """What there surely is, the low end and the high."""
    return amount.surely, amount.low, amount.high


def found(container: str, *objects: str) -> Found | None:
    """What a container with these fields runs, beside these objects."""
    text = f"""
apiVersion: v1
kind: Pod
metadata: {{name: pooler}}
spec:
  volumes: [{{name: config, configMap: {{name: config}}}}]
  containers:
    - {{name: main, {container}}}
"""
    facts = read_manifest(Source("m.yaml", text + "".join(objects)))
    manifest = next(fact for fact in facts if isinstance(fact, Manifest))
    [workload] = manifest.workloads
    return found_in(workload, workload.containers[0], Objects([manifest]))


def config_map(**data: str) -> str:
    entries = "".join(f"  {key}.ini: |\n{indent(text.lstrip(), '    ')}" for key, text in data.items())
    return f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config}}\ndata:\n{entries}"


MOUNT = "volumeMounts: [{name: config, mountPath: /etc/pgbouncer}]"


def test_a_pooler_is_told_by_its_image_with_its_version_and_by_what_is_mounted() -> None:
    by_image = found("image: 'edoburu/pgbouncer:v1.23.1-p2'")
    by_file = found(f"image: registry.example/platform/pooler, {MOUNT}", config_map(pgbouncer=INI))

    assert by_image
    assert (by_image.version, by_image.config) == ((1, 23, 1), None)
    assert by_file
    assert by_file.version is None
    assert by_file.config
    assert [entry.name.value for entry in by_file.config.databases] == ["shop"]


@pytest.mark.parametrize(
    "image",
    ["postgres:16", "ghcr.io/postgresml/pgcat:v1.2.0", "bitnami/pgpool:4", "yandex/odyssey", "proxysql/proxysql"],
)
def test_what_is_no_pgbouncer_is_none(image: str) -> None:
    assert found(f"image: '{image}'") is None


def test_one_key_of_a_config_map_is_mounted_alone() -> None:
    mount = "volumeMounts: [{name: config, mountPath: /etc/pgbouncer/pgbouncer.ini, subPath: pgbouncer-ro.ini}]"
    data = config_map(**{"pgbouncer": INI, "pgbouncer-ro": INI.replace("shop", "readers")})

    one, both = (
        found(f"image: edoburu/pgbouncer, {mount}", data),
        found(f"image: edoburu/pgbouncer, {MOUNT}", data),
    )

    assert one
    assert one.config
    assert [entry.name.value for entry in one.config.databases] == ["readers"]
    assert both
    assert both.config is None


def test_a_pooler_accepts_what_all_its_processes_do() -> None:
    mounted = found(f"image: 'edoburu/pgbouncer:v1.25.1-p0', {MOUNT}", config_map(pgbouncer=INI))
    assert mounted

    made = pooler_of(mounted, exactly(3, PODS), Owner("Pod", "pooler"))

    assert (made.name, made.accepts.low, made.accepts.low_sum) == ("pooler", 3000, "3 × 1000")
    assert made.each_accepts.low == 1000
    assert made.mode
    assert made.mode.value is PoolMode.SESSION


def test_without_a_number_a_process_accepts_a_hundred_clients() -> None:
    alone = pooler_alone(config("[databases]\nshop = host=db\n[pgbouncer]\nlisten_port = 6432\n"))

    assert alone.each_accepts.low == 100
    assert [reason.text for reason in alone.each_accepts.because] == ["max_client_conn 100 by default"]


def test_of_a_configuration_alone_one_process_is_assumed() -> None:
    alone = pooler_alone(config(INI))

    assert (alone.accepts.low, alone.accepts.ceiling) == (1000, None)
    assert [each.assumption for each in alone.accepts.because if each.assumption] == [
        "one process runs with p.ini"
    ]


def test_processes_that_share_a_port_may_be_any_number() -> None:
    assert pooler("so_reuseport = 0").accepts.is_open is False
    assert pooler_alone(config(INI + "so_reuseport = 1\n")).accepts.is_open


def test_the_limit_is_not_known_where_another_file_may_set_it() -> None:
    assert pooler_alone(config(INI + "%include /etc/pgbouncer/more.ini\n")).accepts.is_open


@pytest.mark.parametrize(
    ("version", "setting", "kept"),
    [
        ((1, 20), "", 0),
        ((1, 23), "", 0),
        ((1, 24), "", 200),
        (None, "", None),
        ((1, 25), "max_prepared_statements = 0", 0),
        (None, "max_prepared_statements = 100", 100),
    ],
)
def test_prepared_statements_are_kept_by_version_and_setting(
    version: Version | None, setting: str, kept: int | None
) -> None:
    tracked = pooler_alone(config(INI + setting)._replace(version=version)).prepared_statements

    assert (tracked and tracked.value) == kept


def test_a_pool_wants_its_size_in_every_process() -> None:
    assert (ends(wanted()), wanted().low_sum) == ((40, 40, 40), "2 × 20")
    assert ends(wanted(databases="shop = host=db user=shop pool_size=30")) == (60, 60, 60)


def test_pools_of_several_databases_add_up() -> None:
    found = wanted(databases="shop = host=db user=shop\naudit = host=db user=audit pool_size=5")

    assert (ends(found), found.low_sum) == ((50, 50, 50), "2 × (20 + 5)")


def test_the_reserve_counts_and_is_not_sure_to_be_in_use() -> None:
    found = wanted("reserve_pool_size = 5")

    assert (ends(found), found.low_sum) == ((40, 50, 50), "2 × (20 + 5)")
    assert [reason.assumption for reason in found.because if reason.assumption] == ["the reserve is in use"]


def test_a_reserve_that_is_switched_off_does_not_count() -> None:
    assert ends(wanted("reserve_pool_size = 5\nreserve_pool_timeout = 0")) == (40, 40, 40)


def test_a_database_that_names_no_user_has_a_pool_for_each_that_logs_in() -> None:
    found = wanted(databases="shop = host=db")

    assert (ends(found), found.most) == ((40, 40, None), 40)


def test_a_fallback_has_a_pool_at_least_where_it_is_alone() -> None:
    assert ends(wanted(databases="* = host=db")) == (40, 40, None)
    assert ends(wanted(databases="* = host=db\nshop = host=db user=shop")) == (40, 40, None)


def test_a_database_may_be_limited() -> None:
    assert ends(wanted("max_db_connections = 15")) == (30, 30, 30)
    assert ends(wanted(databases="shop = host=db user=shop max_db_connections=15")) == (30, 30, 30)
    assert ends(wanted("max_db_connections = 15", "shop = host=db user=shop max_db_connections=18")) == (
        36,
        36,
        36,
    )
    assert ends(wanted("max_db_connections = 15", "shop = host=db user=shop max_db_connections=0")) == (30, 30, 30)


def test_a_limit_of_the_database_is_all_that_several_users_may_open() -> None:
    found = wanted("max_db_connections = 50", "shop = host=db")

    assert ends(found) == (40, 40, 100)
    assert [reason.most for reason in found.because if reason.most] == ["max_db_connections 50 is reached"]


def test_a_user_may_be_limited_in_all_databases() -> None:
    both = "shop = host=db user=shop\naudit = host=db user=shop"

    assert ends(wanted("max_user_connections = 25", both)) == (50, 50, 50)
    assert ends(wanted("max_user_connections = 25", both.replace("user=shop\n", "user=audit\n"))) == (80, 80, 80)


def test_users_who_log_in_are_limited_each() -> None:
    found = wanted("max_user_connections = 15", "shop = host=db")

    assert (ends(found), found.most) == ((30, 30, None), 30)


def test_what_users_says_of_a_user_counts_for_databases_that_name_the_user_from_1_23_on() -> None:
    users = "[users]\nshop = max_user_connections=5\n"

    assert ends(wanted(users)) == (10, 10, 10)
    assert ends(wanted(users, version=None)) == (10, 10, 10)
    assert ends(wanted(users, version=(1, 22))) == (40, 40, 40)


def test_who_logs_in_may_be_a_user_that_users_limits() -> None:
    small, limited = "[users]\nweb = pool_size=5\n", "[users]\nweb = max_user_connections=8\n"

    assert wanted(small, "shop = host=db").low == 10
    assert wanted(limited, "shop = host=db\naudit = host=db").low == 16
    assert wanted(small, "shop = host=db").most == 40


def test_a_limit_that_is_not_known_leaves_nothing_proven() -> None:
    by_include = wanted("%include /etc/pgbouncer/more.ini")
    by_template = wanted(databases="shop = host=db user=shop max_db_connections={{ limit }}")

    assert ends(by_include)[:2] == (0, 0)
    assert ends(by_template) == (0, 0, 40)
    assert "max_db_connections sets no limit" in [reason.most for reason in by_template.because]


def test_there_are_never_more_servers_than_clients() -> None:
    assert ends(wanted("max_client_conn = 8")) == (16, 16, 16)


def test_many_users_do_not_make_a_pool_for_each_client() -> None:
    found = wanted("max_client_conn = 1000", "shop = host=db")

    assert found.most == 40


def test_a_pool_size_of_nothing_is_one_connection_before_1_24_and_no_limit_since() -> None:
    assert ends(wanted("default_pool_size = 0", version=(1, 23))) == (2, 2, 2)
    assert ends(wanted("default_pool_size = 0", version=(1, 25))) == (2, 2, None)


def test_a_pooler_whose_configuration_is_not_seen_may_want_anything() -> None:
    assert ends(wanted_by(stated_pooler("main", StatedPooler()), [])) == (0, 0, None)


@pytest.mark.parametrize(
    ("databases", "asked", "entry"),
    [
        ("shop = host=a", "shop", "shop"),
        ("shop = host=a\n* = host=b", "audit", "*"),
        ("shop = host=a", "audit", None),
        ("shop = host=a", None, "shop"),
        ("shop = host=a\naudit = host=b", None, None),
    ],
)
def test_clients_get_the_entry_of_their_database(databases: str, asked: str | None, entry: str | None) -> None:
    found = entry_for(config(f"[databases]\n{databases}\n[pgbouncer]\nlisten_port = 6432\n"), asked)

    assert (found and found.name.value) == entry


def test_a_stated_pooler_has_what_is_stated() -> None:
    found = stated_pooler("main", StatedPooler(pool_mode="transaction", version="1.20", max_client_conn=500))

    assert (found.name, found.accepts.low, found.version) == ("main", 500, (1, 20))
    assert found.mode
    assert found.mode.value is PoolMode.TRANSACTION
    assert found.prepared_statements
    assert found.prepared_statements.value == 0


def test_what_is_stated_completes_what_is_seen_and_never_replaces_it() -> None:
    stated = StatedPooler(pool_mode="transaction", version="1.25", max_client_conn=500)
    seen = found("image: 'edoburu/pgbouncer:v1.23.1-p2'")
    assert seen

    blind = completed(pooler_of(seen, exactly(2, PODS), Owner("Pod", "pooler")), stated)
    full = completed(pooler("pool_mode = session"), stated)

    assert (blind.version, blind.accepts.low, blind.mode and blind.mode.value) == ((1, 23, 1), 1000, "transaction")
    assert (full.version, full.mode and full.mode.value) == ((1, 25), "session")
