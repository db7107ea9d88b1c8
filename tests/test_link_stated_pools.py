from textwrap import dedent

from poolcheck.budget.accounts import Account, Kind, budget
from poolcheck.files import Memory
from poolcheck.run import linked
from poolcheck.scale import Situation
from poolcheck.stated import Stated, StatedDatabase, StatedPooler, StatedWorkload

DATABASE = StatedDatabase(hosts=("db.example.com",), max_connections=200)
POOLER = StatedPooler(
    hosts=("pooler:6432",),
    max_client_conn=3000,
    replicas=2,
    server_connections=150,
    connects_to="db.example.com:5432",
)
DEPLOYMENT = """\
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: worker}
    spec:
      replicas: 4
      selector: {matchLabels: {app: worker}}
      template:
        metadata: {labels: {app: worker}}
        spec: {containers: [{name: worker, image: "registry.example/worker:1"}]}
    """


def account(stated: Stated, name: str, kind: Kind, **files: str) -> Account:
    texts = {f"{each}.yaml": dedent(text).encode() for each, text in files.items()} or {"a.py": b"x = 1\n"}
    found = linked(sorted(texts), Memory(texts), stated)
    [one] = budget(found.system.facts).of(name, kind)
    return one


def steady(account: Account) -> tuple[int, int | None]:
    wanted = account.wanted(Situation.STEADY)
    return wanted.low, wanted.high


def test_a_workload_that_no_file_shows_is_counted_as_it_is_stated() -> None:
    workload = StatedWorkload(replicas=460, pool_size=20, connects_to="pooler:6432/queue")
    stated = Stated(databases={"main": DATABASE}, poolers={"proxy": POOLER}, workloads={"worker": workload})

    clients, servers = account(stated, "proxy", Kind.POOLER), account(stated, "main", Kind.DATABASE)

    assert (clients.limit.accepts.low, steady(clients)) == (6000, (9200, 9200))
    assert (servers.limit.accepts.low, steady(servers)) == (197, (300, 300))
    assert servers.wanted(Situation.WORST).high == 300


def test_a_workload_of_another_language_has_the_pods_of_its_manifest() -> None:
    workload = StatedWorkload(processes=2, pool_size=20, connects_to="app@db.example.com:5432/shop")
    stated = Stated(databases={"main": DATABASE}, workloads={"worker": workload})

    found = account(stated, "main", Kind.DATABASE, deploy=DEPLOYMENT)

    assert steady(found) == (4 * 2 * 20, 4 * 2 * 20)
    assert found.wanted(Situation.ROLLOUT).low == 5 * 2 * 20


def test_what_is_stated_of_a_pool_is_believed_over_what_is_seen() -> None:
    code = (
        b'from sqlalchemy import create_engine\nengine = create_engine("postgresql://u@db.example.com:5432/a")\n'
    )
    manifest = (
        dedent(DEPLOYMENT).replace("registry.example/worker:1", "x").replace('"x"', '"x", command: [python, a.py]')
    )
    texts = {"a.py": code, "deploy.yaml": manifest.encode()}
    workload = StatedWorkload(pool_size=3, connects_to="db.example.com:5432")

    seen = linked(sorted(texts), Memory(texts), Stated(databases={"main": DATABASE}))
    told = linked(
        sorted(texts), Memory(texts), Stated(databases={"main": DATABASE}, workloads={"worker": workload})
    )

    assert steady(budget(seen.system.facts).of("main", Kind.DATABASE)[0])[0] == 4 * 15
    assert steady(budget(told.system.facts).of("main", Kind.DATABASE)[0]) == (12, 12)


def test_an_address_that_is_not_stated_leads_nowhere() -> None:
    stated = Stated(databases={"main": DATABASE}, workloads={"worker": StatedWorkload(pool_size=3)})

    assert account(stated, "main", Kind.DATABASE).parts == ()
