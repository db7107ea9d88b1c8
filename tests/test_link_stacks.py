"""What is put together here is what `docker-compose config` 1.29.2 prints for the same files."""

from collections.abc import Mapping

import pytest

from poolcheck.files import Memory
from poolcheck.link.network import Origin
from poolcheck.link.pods import Pods
from poolcheck.link.servers import server_in
from poolcheck.link.stacks import Stacks, settled
from poolcheck.read.compose.facts import ComposeFile
from poolcheck.read.compose.services import read_compose
from poolcheck.read.document import Reader
from poolcheck.read.kubernetes.environment import Environment, Objects, environment
from poolcheck.read.kubernetes.manifest import Context, Workload
from poolcheck.source import Source
from poolcheck.value import HOLE, EnvRef, Known, text_of

BASE = """\
services:
  base:
    image: shop
    command: gunicorn app -w 4
    environment: {A: base, B: base, E: parent}
    env_file: [one.env, two.env]
  web:
    extends: {service: base}
    environment: [A=own, "C=${X:-d}", "D=$$HOME", FROM_DOTENV, UNSET]
  other:
    extends: {file: common/services.yml, service: web}
    environment: {P: other}
"""
FILES = {
    "docker-compose.yml": BASE,
    "one.env": 'B=one\nONLY=one\nQ="x y"\n',
    "two.env": "B=two\nTWO=2\nA=two\nONLY=two\n",
    ".env": "FROM_DOTENV=yes\nX=dot\n",
    "common/services.yml": """\
services:
  web: {image: shop, env_file: c.env, environment: {P: common, Q: common}, build: ./ctx}
""",
    "common/c.env": "R=c\n",
}
OVERRIDE = """\
services:
  web:
    command: gunicorn app -w 9
    environment: {A: over, N: new}
    scale: 3
"""


def stacks(files: Mapping[str, str] | str) -> Stacks:
    """The services in these files; a text is all of compose.yaml."""
    texts = {"compose.yaml": files} if isinstance(files, str) else files
    reader = Reader(Memory({path: text.encode() for path, text in texts.items()}))
    readings = filter(None, (reader.read(path) for path in texts if path.endswith((".yml", ".yaml"))))
    return Stacks(fact for reading in readings for fact in reading.facts if isinstance(fact, ComposeFile))


def service(found: Stacks, name: str, path: str = "compose.yaml") -> Workload:
    [workload] = (each for each in found.workloads if (each.name.value, each.span.path) == (name, path))
    return workload


def given(workload: Workload) -> Environment:
    return environment(workload, workload.containers[0], Objects([]))


def variables(workload: Workload) -> dict[str, str]:
    """The variables where nothing is set outside, with `?` for what is not known."""
    found = given(workload).variables.items()
    return {name: text_of(settled(value)).replace("\0", "?") for name, value in found}


def words(workload: Workload) -> list[str]:
    [container] = workload.containers
    return [word.value for word in (*(container.command or ()), *(container.args or ()))]


def test_environment_is_stronger_than_files_and_the_later_of_these_than_the_earlier() -> None:
    assert variables(service(stacks(FILES), "base", "docker-compose.yml")) == {
        "A": "base", "B": "base", "E": "parent", "ONLY": "two", "Q": "x y", "TWO": "2",
    }  # fmt: skip


def test_a_service_has_what_it_extends_and_what_dotenv_puts_in() -> None:
    assert variables(service(stacks(FILES), "web", "docker-compose.yml")) == {
        "A": "own", "B": "base", "C": "dot", "D": "$HOME", "E": "parent", "FROM_DOTENV": "yes",
        "ONLY": "two", "Q": "x y", "TWO": "2", "UNSET": "?",
    }  # fmt: skip


def test_what_is_extended_in_another_folder_has_its_files_there() -> None:
    found = service(stacks(FILES), "other", "docker-compose.yml")

    assert variables(found) == {"P": "other", "Q": "common", "R": "c"}
    assert found.containers[0].context == Context("common/ctx", "Dockerfile", "")


def test_a_file_that_is_only_extended_runs_nothing() -> None:
    assert {each.span.path for each in stacks(FILES).workloads} == {"docker-compose.yml"}


@pytest.mark.parametrize("name", ["docker-compose.override.yml", "docker-compose.prod.yml"])
def test_a_file_on_top_of_another_changes_what_it_says(name: str) -> None:
    found = service(stacks({**FILES, name: OVERRIDE}), "web", name)
    told = variables(found)

    assert words(found) == ["gunicorn", "app", "-w", "9"]
    assert found.replicas is not None
    assert (told["A"], told["B"], told["N"], told["C"]) == ("over", "base", "new", "dot")


def test_a_file_that_is_not_seen_may_set_anything() -> None:
    text = "services: {web: {image: shop, env_file: [hidden.env], environment: {A: 1}}}"

    found = given(service(stacks(text), "web"))

    assert not found.is_complete
    assert text_of(found.get("A")) == "1"
    assert found.get("B") is not None


def test_what_a_hidden_file_may_set_again_is_not_known() -> None:
    text = "services: {web: {image: shop, env_file: [one.env, hidden.env]}}"

    assert variables(service(stacks({"compose.yaml": text, "one.env": "A=1"}), "web")) == {"A": "?"}


@pytest.mark.parametrize("example", ["hidden.env.example", "hidden.env.sample", "hidden.env.dist"])
def test_a_file_that_is_not_seen_sets_by_default_what_its_example_does(example: str) -> None:
    text = "services: {web: {image: shop, env_file: [hidden.env], environment: {A: 1}}}"

    found = given(service(stacks({"compose.yaml": text, example: "A=3\nB=2\n"}), "web"))

    assert text_of(found.get("A")) == "1"
    assert isinstance(value := found.get("B"), EnvRef)
    assert text_of(settled(value)) == "2"
    assert not found.is_complete


def test_what_the_example_of_dotenv_puts_in_is_a_default() -> None:
    text = "services: {web: {image: shop, environment: {A: '${HOST}:${PORT-5432}/${NAME}'}}}"

    found = service(stacks({"compose.yaml": text, ".env.example": "HOST=db\nPORT=\n"}), "web")

    assert variables(found) == {"A": "db:/?"}
    assert text_of(given(found).get("A")) == f"{HOLE}:{HOLE}/{HOLE}"


def test_an_example_says_nothing_of_a_file_that_is_seen() -> None:
    text = "services: {web: {image: shop, env_file: one.env, environment: {A: '$B'}}}"
    files = {"one.env": "X=1", "one.env.example": "Y=2", ".env": "B=3", ".env.example": "B=4"}

    assert variables(service(stacks({"compose.yaml": text, **files}), "web")) == {"A": "3", "X": "1"}


def test_a_default_stays_one_until_somebody_asks_for_it() -> None:
    found = given(service(stacks("services: {web: {image: shop, environment: {N: '${N-5}'}}}"), "web"))

    assert isinstance(value := found.get("N"), EnvRef)
    assert isinstance(settled(value), Known)


@pytest.mark.parametrize(
    ("fields", "started"),
    [
        ("command: uvicorn main:app --workers 4", ["uvicorn", "main:app", "--workers", "4"]),
        ("command: [sh, -c, 'exec gunicorn -w $$N']", ["sh", "-c", "exec gunicorn -w $$N"]),
        ("command: sh -c 'a && b'", ["sh", "-c", "a && b"]),
        ("command: gunicorn -w ${N:-3}", ["gunicorn", "-w", "3"]),
        ("entrypoint: [tini, --]\n    command: [a, b]", ["tini", "--", "a", "b"]),
    ],
)
def test_a_command_is_parted_as_a_shell_does_and_nothing_is_expanded_in_it(
    fields: str, started: list[str]
) -> None:
    found = stacks(f"services:\n  web:\n    image: shop\n    {fields}\n")

    assert words(service(found, "web")) == started


def test_services_call_each_other_by_their_names_and_aliases() -> None:
    found = stacks(
        "services: {web: {image: shop}, db: {image: postgres:16, container_name: shop_db,"
        " networks: {back: {aliases: [database]}}}}"
    )
    origin = Origin("compose.yaml", service(found, "web"))

    names = ("db", "shop_db", "database", "redis")
    reached = [found.leads_to(host, origin) for host in names]

    assert [each and each.name.value for each in reached] == ["db", "db", "db", None]


def test_services_of_files_that_are_run_together_call_each_other() -> None:
    found = stacks(
        {
            "a/compose.yaml": "include: [../infra/compose.yml]\nservices: {web: {image: shop}}",
            "infra/compose.yml": "services: {db: {image: postgres:16}}",
            "b/compose.yaml": "services: {web: {image: shop}}",
        }
    )
    reached = [
        found.leads_to("db", Origin(path, service(found, "web", path)))
        for path in ("a/compose.yaml", "b/compose.yaml")
    ]

    assert [each and each.name.value for each in reached] == ["db", None]


@pytest.mark.parametrize(
    ("build", "context"),
    [
        ("./api", Context("deploy/api", "Dockerfile", "")),
        ("..", Context(".", "Dockerfile", "")),
        (
            "{context: ../api, dockerfile: docker/Dockerfile, target: Prod}",
            Context("api", "docker/Dockerfile", "prod"),
        ),
        ("${SRC:-../api}", Context("api", "Dockerfile", "")),
        ("${SRC}", None),
        ("https://example.com/shop.git", None),
    ],
)
def test_an_image_is_made_of_a_folder_from_where_the_file_is(build: str, context: Context | None) -> None:
    found = stacks({"deploy/compose.yaml": f"services:\n  api:\n    build: {build}\n"})

    assert service(found, "api", "deploy/compose.yaml").containers[0].context == context


def test_a_service_that_extends_itself_ends() -> None:
    found = stacks("services:\n  a: {extends: {service: b}}\n  b: {extends: {service: a}, image: x}\n")

    assert [each.name.value for each in found.workloads] == ["a", "b"]


@pytest.mark.parametrize(
    ("volumes", "limit"),
    [
        ("volumes: [./conf/pg.conf:/etc/pg.conf]", 40),
        ("volumes: [{type: bind, source: conf/pg.conf, target: /etc/pg.conf}]", 40),
        ("configs: [{source: settings, target: /etc/pg.conf}]", 40),
        ("volumes: [./conf:/etc]", None),
        ("volumes: ['${CONF}/pg.conf:/etc/pg.conf']", None),
        ("volumes: [./gone.conf:/etc/pg.conf]", None),
        ("volumes: [./conf/pg.conf:/etc/other.conf]", None),
        ("secrets: [{source: settings, target: /etc/pg.conf}]", None),
    ],
)
def test_a_server_has_the_settings_of_the_file_that_it_is_given(volumes: str, limit: int | None) -> None:
    text = f"""
services:
  db:
    image: postgres:16
    command: postgres -c config_file=/etc/pg.conf
    {volumes}
configs: {{settings: {{file: conf/pg.conf}}}}
secrets: {{settings: {{file: conf/pg.conf}}}}
"""
    files = {"compose.yaml": text, "conf/pg.conf": "max_connections = 40\n"}
    workload = service(stacks(files), "db")

    found = server_in(workload, workload.containers[0], Objects([]))

    assert found.max_connections.high == limit
    assert found.place
    assert found.place.path == ("conf/pg.conf" if limit else "compose.yaml")


def test_what_an_update_starts_first_is_that_of_the_file_on_top_or_else_of_the_one_below() -> None:
    below = (
        "services:\n  api:\n    image: api\n    deploy: {update_config: {order: start-first, parallelism: 2}}\n"
    )
    above = "services:\n  api:\n    deploy: {update_config: {order: start-first, parallelism: 3}}\n"
    other = "services:\n  api:\n    deploy: {replicas: 3}\n"

    found = [
        service(stacks({"compose.yaml": below, "compose.override.yaml": text}), "api", "compose.override.yaml")
        for text in (above, other)
    ]

    assert [each.max_surge and each.max_surge.value for each in found] == ["3", "2"]


def test_a_service_that_is_not_started_again_or_is_waited_for_is_there_for_a_while_or_not_at_all() -> None:
    """The Compose specification, restart and depends_on: service_completed_successfully."""
    text = """\
services:
  seed: {image: a, restart: "no", deploy: {replicas: 2}}
  migrate: {image: a}
  api:
    image: a
    restart: always
    depends_on: {migrate: {condition: service_completed_successfully}, seed: {condition: service_started}}
"""
    found = Stacks(read_compose(Source("compose.yaml", text)))
    pods = Pods([], {})

    counts = {each.name.value: pods.of(each) for each in found.workloads}

    assert {name: (number.low, number.high) for name, number in counts.items()} == {
        "seed": (0, 2),
        "migrate": (0, 0),
        "api": (1, 1),
    }
    assert [each.most for each in counts["seed"].because] == ["seed is running"]
