from poolcheck.source import Span
from poolcheck.value import (
    HOLE,
    Computed,
    Either,
    EnvRef,
    Known,
    Table,
    Unknown,
    Value,
    compute,
    either,
    resolve,
    scalars_of,
    text_of,
)

HERE, THERE, YONDER = (Span("app.py", at, at + 1) for at in range(3))


def known(scalar: str | int | float | None) -> Known:
    return Known(scalar, (THERE,))


def nothing(name: str) -> None:
    """An environment in which nothing is set."""


def test_known_values_are_worked_out() -> None:
    assert compute("+", [known(2), known(3)], (HERE,)) == Known(5, (HERE,))


def test_a_conversion_remembers_where_its_value_comes_from() -> None:
    assert compute("int", [known("20")], (HERE,)) == Known(20, (HERE, THERE))


def test_what_cannot_be_worked_out_is_unknown() -> None:
    assert compute("int", [known("twenty")], (HERE,)) == Unknown((HERE,))
    assert compute("//", [known(1), known(0)], (HERE,)) == Unknown((HERE,))
    assert compute("+", [known("a"), known(1)], (HERE,)) == Unknown((HERE,))


def test_enormous_results_are_not_followed() -> None:
    assert compute("*", [known(2**40), known(2**40)], (HERE,)) == Unknown((HERE,))
    assert compute("*", [known("a"), known(10**9)], (HERE,)) == Unknown((HERE,))
    assert compute("join", [known("a" * 60_000), known("b" * 60_000)], (HERE,)) == Unknown((HERE,))


def test_a_variable_is_put_in_once_its_environment_is_known() -> None:
    size = compute("int", [EnvRef("POOL_SIZE", None, (HERE,))], (HERE,))

    found = resolve(size, lambda name: Known("20", (YONDER,)) if name == "POOL_SIZE" else None)

    assert found == Known(20, (HERE, HERE, YONDER))


def test_a_variable_that_is_not_set_has_its_default() -> None:
    assert resolve(EnvRef("POOL_SIZE", known(5), (HERE,)), nothing) == Known(5, (HERE, THERE))


def test_a_variable_that_is_not_set_and_has_no_default_is_unknown() -> None:
    assert resolve(EnvRef("POOL_SIZE", None, (HERE,)), nothing) == Unknown((HERE,))


def test_the_first_true_value_counts() -> None:
    assert compute("or", [known(0), known(5)], (HERE,)) == Known(5, (HERE, THERE))


def test_whether_a_variable_is_true_shows_when_it_is_put_in() -> None:
    value = compute("or", [EnvRef("URL", known(None), (HERE,)), known("postgresql://db/orders")], (HERE,))

    assert isinstance(value, Computed)
    assert text_of(resolve(value, nothing)) == "postgresql://db/orders"


def test_branches_that_agree_are_one_value() -> None:
    assert either([known(5), known(5)], (HERE,)) == known(5)
    assert scalars_of(either([known(5), known(7)], (HERE,))) == (5, 7)


def test_true_and_one_are_not_the_same_value() -> None:
    assert isinstance(either([known(1), Known(True, (THERE,))], (HERE,)), Either)


def test_an_unknown_branch_leaves_the_whole_unknown() -> None:
    assert scalars_of(either([known(5), Unknown((HERE,))], (HERE,))) is None


def test_a_text_shows_its_known_parts() -> None:
    parts: list[Value] = [known("postgresql://"), Unknown((HERE,)), known("@pgbouncer:6432/"), known("orders")]

    assert text_of(compute("join", parts, (HERE,))) == f"postgresql://{HOLE}@pgbouncer:6432/orders"


def test_values_of_very_many_parts_are_not_followed() -> None:
    value: Value = EnvRef("X", known(1), (HERE,))
    for _ in range(60):
        value = compute("+", [value, value], (HERE,))

    assert value == Unknown((HERE,))


def test_the_entries_of_a_dictionary_are_resolved() -> None:
    table = Table((("pool_size", EnvRef("POOL_SIZE", known(5), (HERE,))),), is_complete=True, places=(HERE,))

    found = resolve(table, nothing)

    assert isinstance(found, Table)
    assert dict(found.items) == {"pool_size": Known(5, (HERE, THERE))}
