import pytest

from poolcheck.amount import Amount, between, exactly
from poolcheck.budget.accounts import Account, Budget, Kind, Limit
from poolcheck.budget.facts import Owner
from poolcheck.budget.parts import Part, deployments, together
from poolcheck.budget.told import who
from poolcheck.budget.verdicts import verdicts
from poolcheck.scale import always
from poolcheck.source import Span


def part(
    name: str,
    number: int | Amount,
    *,
    path: str = "m.yaml",
    stages: str = "",
    namespace: str | None = None,
    choice: str = "",
) -> Part:
    owner = Owner("Deployment", name, Span(path, 0, 9), frozenset(stages.split()), namespace)
    connections = always(exactly(number) if isinstance(number, int) else number)
    return Part(name, owner, "engine", choice, connections, connections)


def sums(*parts: Part) -> list[tuple[int, int]]:
    """The ends of what comes together in each deployment, the largest first."""
    found = (together(each.parts, lambda part: part.connections.steady) for each in deployments(parts))
    return sorted(((each.low, each.most) for each in found), reverse=True)


def wanted(*parts: Part) -> int | None:
    """What is wanted in the deployment of which a verdict on a limit of 100 speaks."""
    limit = Limit(Kind.DATABASE, "db", "db", None, exactly(100), exactly(0))
    found = Budget(tuple(Account(limit, each.parts) for each in deployments(parts)), ())
    return next((verdict.over.wanted for verdict in verdicts(found)), None)


def test_workloads_add_up() -> None:
    [found] = deployments([part("api", 30), part("worker", 12)])

    assert together(found.parts, lambda part: part.connections.steady).low_sum == "30 + 12"


def test_what_opens_nothing_is_left_out() -> None:
    [found] = deployments([part("api", 30), part("worker", 0)])

    assert [each.id for each in found.parts] == ["api"]
    assert list(deployments([part("worker", 0)])) == []


def test_what_may_open_any_number_is_there_and_in_no_sentence() -> None:
    limit = Limit(Kind.DATABASE, "db", "db", None, exactly(10), exactly(0))
    [found] = deployments([part("api", 30), part("worker", between(0, None))])

    assert [each.id for each in found.parts] == ["api", "worker"]
    assert Account(limit, found.parts).names == ("api",)


def test_one_workload_that_is_written_down_twice_is_deployed_once() -> None:
    assert sums(part("api", 30, path="k8s/a.yaml"), part("api", 50, path="old/a.yaml"), part("web", 5)) == [
        (35, 55)
    ]


def test_workloads_of_several_kinds_may_have_one_name() -> None:
    job = part("api", 12)._replace(owner=Owner("Job", "api"))

    assert sums(part("api", 30), job) == [(42, 42)]


def test_of_pools_that_take_each_others_place_one_is_made() -> None:
    assert sums(part("api", 30, choice="a"), part("api", 50, choice="a"), part("api", 5, choice="b")) == [(35, 55)]


def test_what_is_for_different_stages_is_never_added_up() -> None:
    found = sums(part("api", 30, stages="staging"), part("web", 50, stages="production"), part("all", 7))

    assert found == [(57, 57), (37, 37), (7, 7)]


def test_a_stage_within_a_stage_adds_up_with_it() -> None:
    assert sums(part("api", 30, stages="production"), part("new", 5, stages="production canary"))[0] == (35, 35)


def test_namespaces_behind_one_name_are_never_added_up() -> None:
    assert sums(part("api", 30, namespace="a"), part("web", 50, namespace="b"), part("all", 7)) == [
        (57, 57),
        (37, 37),
        (7, 7),
    ]


def test_a_stage_and_a_namespace_may_meet() -> None:
    assert sums(part("api", 30, stages="production"), part("web", 50, namespace="a"))[0] == (80, 80)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("a", "a"),
        ("a b", "a and b"),
        ("a b c d", "a, b, c and d"),
        ("a b c d e f", "a, b, c and 3 others"),
    ],
)
def test_a_sentence_names_only_so_many_workloads(names: str, words: str) -> None:
    assert who(tuple(names.split())) == words


def test_the_strongest_verdict_is_one_that_is_certain_or_else_the_largest() -> None:
    perhaps = part("api", between(50, 900), stages="staging")
    certain = part("api", 200, stages="production")
    less = part("api", between(50, 120), stages="qa")

    assert wanted(perhaps, certain, less) == 200
    assert wanted(perhaps, less) == 900
    assert wanted(part("api", 100)) is None
    assert wanted() is None
