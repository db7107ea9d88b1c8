"""The way through several poolers: what changes hands, or is not kept apart, at any of them."""

from textwrap import dedent, indent

import pytest

from poolcheck.link.hops import MOST_HOPS, reached
from poolcheck.link.known import Known
from poolcheck.read.kubernetes.objects import read_manifest
from poolcheck.source import Source
from poolcheck.stated import Stated
from poolcheck.system.targets import Target, exchange, sharing


def pooler(name: str, databases: str, settings: str = "pool_mode = session") -> str:
    ini = f"[databases]\n{databases}\n[pgbouncer]\n{settings}\n"
    return (
        dedent("""\
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: NAME}
        data:
          pgbouncer.ini: |
        INI---
        apiVersion: v1
        kind: Pod
        metadata: {name: NAME, labels: {app: NAME}}
        spec:
          volumes: [{name: ini, configMap: {name: NAME}}]
          containers:
            - name: NAME
              image: edoburu/pgbouncer:v1.25.1-p0
              volumeMounts: [{name: ini, mountPath: /etc/pgbouncer}]
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: NAME}
        spec: {selector: {app: NAME}, ports: [{port: 6432}]}
        """)
        .replace("NAME", name)
        .replace("INI", indent(ini, "    "))
    )


def target(*poolers: str, database: str = "shop", user: str = "app") -> Target:
    """Where a client of the first pooler gets."""
    facts = tuple(read_manifest(Source("m.yaml", "".join(poolers))))
    known = Known(facts, ["m.yaml"], Stated())
    return reached(known.poolers[0], database, user, (), known)


def names(found: Target | None) -> list[str]:
    return [found.name, *names(found.behind)] if found else []


TRACKING = "pool_mode = transaction\nmax_prepared_statements = 200"
FORGETTING = "pool_mode = transaction\nmax_prepared_statements = 0"


def test_a_pooler_may_lead_to_another_one() -> None:
    found = target(
        pooler("near", "shop = host=far port=6432 dbname=orders user=web"), pooler("far", "orders = host=db")
    )

    assert names(found) == ["near", "far"]
    assert found.behind
    assert found.behind.entry
    assert (found.behind.entry.name.value, found.behind.user) == ("orders", "web")


def test_a_fallback_leads_to_the_database_that_is_asked_for() -> None:
    found = target(pooler("near", "* = host=far port=6432"), pooler("far", "shop = host=db\norders = host=db"))

    assert found.behind
    assert found.behind.entry
    assert (found.behind.entry.name.value, found.behind.user) == ("shop", "app")


def test_poolers_in_a_circle_are_followed_so_far() -> None:
    found = target(pooler("one", "shop = host=two port=6432"), pooler("two", "shop = host=one port=6432"))

    assert names(found) == ["one", "two", "one", "two"][:MOST_HOPS]


@pytest.mark.parametrize(
    ("first", "second", "shared_at"),
    [
        (TRACKING, TRACKING, None),
        ("pool_mode = session", TRACKING, None),
        (TRACKING, FORGETTING, "far"),
        ("pool_mode = session", FORGETTING, "far"),
        (FORGETTING, TRACKING, "near"),
    ],
)
def test_prepared_statements_meet_where_one_of_the_poolers_does_not_keep_them_apart(
    first: str, second: str, shared_at: str | None
) -> None:
    """Observed with asyncpg 0.32 through two PgBouncers 1.25.2, 800 queries for each of these."""
    found = sharing(
        target(pooler("near", "shop = host=far port=6432", first), pooler("far", "shop = host=db", second))
    )

    assert (found and found.pooler) == shared_at


def test_sessions_change_hands_where_they_do_at_one_of_the_poolers() -> None:
    near = pooler("near", "shop = host=far port=6432")

    assert exchange(target(near, pooler("far", "shop = host=db"))) is None
    found = exchange(target(near, pooler("far", "shop = host=db", TRACKING)))
    assert found
    assert (found.pooler, found.because[0].text) == ("far", "near connects to far")
