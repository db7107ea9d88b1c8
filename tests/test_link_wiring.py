"""Where addresses lead that containers are given. What rules say of that, their pages show."""

from textwrap import dedent

import pytest

from poolcheck.files import Memory
from poolcheck.link.link import link
from poolcheck.read.document import Reader
from poolcheck.stated import Stated
from poolcheck.system.whole import System
from poolcheck.system.wiring import Fronted, Wiring

POOLER = """
    services:
      db:
        image: postgres:17
      pooler:
        image: edoburu/pgbouncer:v1.25.1-p0
        environment: {DB_HOST: db, POOL_MODE: transaction}
"""
DIRECT, POOLED = "postgres://shop@db:5432/shop", "postgres://shop@pooler:5432/shop"


def system(files: dict[str, str]) -> System:
    reader = Reader(Memory({path: text.encode() for path, text in files.items()}), [*files])
    read = [reading for path in files if (reading := reader.read(path))]
    return link([fact for each in read for fact in each.facts], files, None, Stated())


def wired(*services: str, **files: str) -> Wiring:
    """The wiring of a Compose file with a server, a pooler before it, and these services."""
    compose = dedent(POOLER) + "".join(f"  {each}\n" for each in services)
    return system({"compose.yaml": compose, **files}).wiring


def fronted(*services: str, **files: str) -> Fronted:
    [found] = wired(*services, **files).fronted
    return found


def service(name: str, image: str = "shop", **variables: str) -> str:
    given = ", ".join(f"{key}: '{value}'" for key, value in variables.items())
    return f"{name}: {{image: {image}, environment: {{{given}}}}}"


def names(found: Fronted) -> tuple[list[str], list[str], list[str]]:
    """The workloads that are pooled, those that stray, and those that have a reason to."""
    sides = (found.pooled, found.strays, found.apart)
    pooled, strays, apart = ([each.workload.name.value for each in side] for side in sides)
    return pooled, strays, apart


def test_addresses_are_parted_by_where_they_lead() -> None:
    found = fronted(
        service("web", DATABASE_URL=POOLED),
        service("worker", DATABASE_URL=DIRECT),
        service("listener", DATABASE_URL=DIRECT),
        service("cache", image="redis"),
    )

    assert (found.pooler.name, found.server.name) == ("pooler", "db")
    assert names(found) == (["web"], ["worker"], ["listener"])


def test_a_workload_is_no_stray_that_uses_the_pooler_as_well() -> None:
    assert names(fronted(service("web", DATABASE_URL=POOLED, WRITE_URL=DIRECT))) == (["web"], [], [])


def test_the_console_of_the_pooler_is_no_database() -> None:
    found = fronted(service("web", DATABASE_URL="postgres://stats@pooler:5432/pgbouncer"))

    assert names(found) == ([], [], [])


def test_a_superuser_is_apart_unless_applications_are_one() -> None:
    as_superuser = "postgres://postgres@{}:5432/shop"

    one = fronted(service("web", DATABASE_URL=POOLED), service("core", DATABASE_URL=as_superuser.format("db")))
    other = fronted(
        service("web", DATABASE_URL=as_superuser.format("pooler")),
        service("core", DATABASE_URL=as_superuser.format("db")),
    )

    assert names(one) == (["web"], [], ["core"])
    assert names(other) == (["web"], ["core"], [])


@pytest.mark.parametrize(
    ("entry", "is_served"),
    [
        ("shop = host=db", True),
        ("web = host=db dbname=shop", True),
        ("shop = host=db dbname=archive", False),
        ("archive = host=db", False),
        ("* = host=db", True),
    ],
)
def test_a_stray_could_have_its_database_from_the_pooler(entry: str, *, is_served: bool) -> None:
    compose = dedent(POOLER).replace(
        "    environment:", "    volumes: ['./p.ini:/etc/pgbouncer/pgbouncer.ini']\n    environment:"
    )
    web = service(
        "web", DATABASE_URL=f"postgres://shop@pooler:6432/{entry.partition(' ')[0].replace('*', 'shop')}"
    )
    text = compose + f"  {web}\n  {service('core', DATABASE_URL=DIRECT)}\n"
    files = {"compose.yaml": text, "p.ini": f"[databases]\n{entry}\n[pgbouncer]\nlisten_port = 6432\n"}

    [found] = system(files).wiring.fronted
    assert [each.workload.name.value for each in found.strays] == (["core"] if is_served else [])


def test_a_default_shows_nothing_for_certain() -> None:
    found = fronted(
        service("web", DATABASE_URL=POOLED), service("core", DATABASE_URL="postgres://shop@${HOST:-db}/shop")
    )

    assert names(found) == (["web"], [], [])
    assert not found.is_all_seen


@pytest.mark.parametrize(
    ("more", "is_all_seen"),
    [
        (service("cache", image="redis:7"), True),
        (service("front", image="nginx:1"), True),
        (service("other", image="registry.example/other"), False),
        ("late: {image: other, env_file: missing.env}", False),
        (service("hidden", DATABASE_URL="${SOMEWHERE}"), False),
        (service("elsewhere", DATABASE_URL="postgres://shop@warehouse/shop"), False),
        ("proxy: {image: haproxy:3}", False),
    ],
)
def test_all_is_seen_only_where_each_container_tells(more: str, *, is_all_seen: bool) -> None:
    assert fronted(service("web", DATABASE_URL=DIRECT), more).is_all_seen is is_all_seen


def test_each_address_is_told_where_it_stands() -> None:
    compose = dedent(POOLER) + f"  {service('web', DATABASE_URL=DIRECT)}\n"
    [stray] = system({"compose.yaml": compose}).wiring.fronted[0].strays

    assert compose[stray.place.start : stray.place.end].strip("'") == DIRECT
    assert (stray.by, stray.host, stray.port, stray.database, stray.user) == (
        "DATABASE_URL", "db", 5432, "shop", "shop",
    )  # fmt: skip


def test_without_a_port_the_only_one_of_a_service_counts() -> None:
    text = """
        apiVersion: v1
        kind: Pod
        metadata: {name: pooler, labels: {app: pooler}}
        spec: {containers: [{name: pooler, image: edoburu/pgbouncer, env: [{name: DB_HOST, value: db}]}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: pooler}
        spec: {selector: {app: pooler}, ports: [{port: 6432}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: db, labels: {app: db}}
        spec: {containers: [{name: db, image: "postgres:17"}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: db}
        spec: {selector: {app: db}, ports: [{port: 5432}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web}
        spec: {containers: [{name: web, image: shop, env: [{name: DB_HOST, value: pooler}]}]}
    """
    found = system({"k8s.yaml": dedent(text)}).wiring

    assert names(found.fronted[0]) == (["web"], [], [])
    assert found.unanswered == ()


def test_what_a_patch_may_change_is_not_certain() -> None:
    base = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web}
        spec: {containers: [{name: web, image: shop, env: [{name: DATABASE_URL, value: "postgres://shop@db/shop"}]}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: db}
        spec: {selector: {app: db}, ports: [{port: 5433}]}
    """
    files = {
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        "base/web.yaml": dedent(base),
        "overlays/prod/kustomization.yaml": "resources: [../../base]\npatches: [{path: service.yaml}]\n",
    }

    assert system({"web.yaml": dedent(base)}).wiring.unanswered
    assert system(files).wiring.unanswered == ()


@pytest.mark.parametrize(
    ("command", "tool"),
    [
        ("migrate -path /m -database $DATABASE_URL up", "golang-migrate"),
        ("/usr/local/bin/migrate --source=file://m up 1", "golang-migrate"),
        ("npx prisma migrate deploy", "Prisma Migrate"),
        ("pnpm prisma migrate deploy", "Prisma Migrate"),
        ("bin/rails db:migrate", "Rails"),
        ("bundle exec rake db:migrate", "Rails"),
        ("sqlx migrate run --source m", "sqlx"),
        ("npx node-pg-migrate up", "node-pg-migrate"),
        ("tern migrate -c tern.conf", "tern"),
        ("atlas migrate apply --url $DATABASE_URL", "Atlas"),
        ("""sh -c 'wait-for db && RAILS_ENV=production bundle exec rails db:migrate && puma'""", "Rails"),
    ],
)
def test_a_tool_is_told_by_its_command(command: str, tool: str) -> None:
    text = (
        f'job: {{image: shop, command: "{command.replace("$", "$$")}", environment: {{DATABASE_URL: "{POOLED}"}}}}'
    )

    assert [each.tool for each in wired(text).migrations] == [tool]


@pytest.mark.parametrize(
    "command",
    [
        "migrate -path /m version", "./migrate up", "npx prisma generate", "npx prisma migrate status",
        "rails server",
        "sqlx migrate info", "npx node-pg-migrate up --no-lock", "alembic upgrade head",
        "python manage.py migrate",
        "flyway migrate", "dbmate up", "mix ecto.migrate", "npm run migrate", "goose up", "echo migrate up",
    ],
)  # fmt: skip
def test_other_commands_hold_no_lock_that_is_known_of(command: str) -> None:
    text = f'job: {{image: shop, command: "{command}", environment: {{DATABASE_URL: "{POOLED}"}}}}'

    assert wired(text).migrations == ()


def test_a_migration_with_a_way_of_its_own_is_left_alone() -> None:
    own = f'environment: {{DATABASE_URL: "{POOLED}", DIRECT_URL: "{DIRECT}"}}'

    assert wired(f'job: {{image: shop, command: "npx prisma migrate deploy", {own}}}').migrations == ()
