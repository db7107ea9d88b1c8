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
    by_default,
    compute,
    either,
    entry_of,
    number_of,
    options_of,
    origin_of,
    resolve,
    scalars_of,
    text_of,
    variables_of,
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


def test_what_a_value_may_be_is_told_one_after_the_other() -> None:
    assert options_of(known(5)) == (known(5),)
    assert options_of(Either((known(5), known(7)), (HERE,))) == (known(5), known(7))


def table(**items: int) -> Table:
    return Table(tuple((key, known(item)) for key, item in items.items()), is_complete=True, places=(HERE,))


def test_an_entry_is_there_or_surely_is_not_or_may_be() -> None:
    assert entry_of(table(a=1), "a") == known(1)
    assert entry_of(table(a=1), "b") is None
    assert entry_of(table()._replace(is_complete=False), "b") == Unknown((HERE,))
    assert entry_of(known(5), "a") == Unknown((THERE,))


def test_an_entry_of_one_of_several_dictionaries_may_be_there() -> None:
    one, other = table(a=1, b=2), table(a=3)
    both = Either((one, other), (HERE,))

    assert entry_of(both, "a") == Either((known(1), known(3)), (HERE,))
    assert entry_of(both, "b") == Unknown((HERE,))
    assert entry_of(both, "c") is None


def test_the_variables_of_a_value_are_named_once() -> None:
    size = EnvRef("SIZE", EnvRef("POOL", known("5"), (HERE,)), (HERE,))
    value = Either((compute("int", [size], (HERE,)), size, known(5)), (HERE,))

    assert variables_of(value) == ("SIZE", "POOL")
    assert variables_of(known(5)) == ()
    assert variables_of(None) == ()


def test_a_value_by_default_tells_on_what_it_depends() -> None:
    size = compute("int", [EnvRef("SIZE", known("5"), (HERE,))], (HERE,))

    value, unless = by_default(size)

    assert (number_of(value), unless) == (5, ", unless SIZE is set")
    assert by_default(known(5)) == (known(5), "")
    assert by_default(None) == (None, "")


def test_only_numbers_are_numbers() -> None:
    assert [number_of(known(scalar)) for scalar in (5, 2.5, "5", None)] == [5, 2.5, None, None]
    assert number_of(Known(True, (HERE,))) is None
    assert number_of(None) is None


def test_a_part_of_a_text_is_written_where_the_piece_with_it_is() -> None:
    pieces: list[Value] = [known("postgresql://"), Known("db", (HERE, YONDER)), known("/shop")]

    assert origin_of("db", compute("join", pieces, (HERE,))) == YONDER
    assert origin_of("nowhere", compute("join", pieces, (HERE,))) == HERE


def test_a_piece_of_a_text_that_has_no_place_of_its_own_is_where_the_text_is() -> None:
    pieces = (Known("postgresql://shop:", ()), Unknown(()), Known("@db/shop", ()))

    assert origin_of("db", compute("join", pieces, (HERE,))) == HERE


def test_very_many_dictionaries_are_not_followed() -> None:
    many = [table(a=at) for at in range(60)]

    assert either(many, (HERE,)) == Unknown((HERE,))
