import time

import pytest

from poolcheck.read.compose.interpolation import interpolated, parts_of
from poolcheck.read.compose.interpolation import put_in as known_put_in
from poolcheck.source import Located, Span
from poolcheck.value import HOLE, Known, Value, resolve, text_of


def value(text: str) -> Value:
    return interpolated(Located(text, Span("compose.yaml", 10, 20)))


def put_in(text: str, **variables: str) -> str:
    """A text as it is with these variables, with HOLEs where it is not known."""
    return text_of(resolve(value(text), {name: Known(each, ()) for name, each in variables.items()}.get))


def test_a_text_without_variables_is_known_with_its_place() -> None:
    assert value("edoburu/pgbouncer:1.23.1") == Known("edoburu/pgbouncer:1.23.1", (Span("compose.yaml", 10, 20),))
    assert value("") == Known("", (Span("compose.yaml", 10, 20),))


@pytest.mark.parametrize(
    ("text", "unset", "as_set"),
    [
        ("pgbouncer:${TAG}", f"pgbouncer:{HOLE}", "pgbouncer:1.24.1"),
        ("pgbouncer:$TAG-p0", f"pgbouncer:{HOLE}-p0", "pgbouncer:1.24.1-p0"),
        ("pgbouncer:${TAG:-1.23.1}", "pgbouncer:1.23.1", "pgbouncer:1.24.1"),
        ("pgbouncer:${TAG-1.23.1}", "pgbouncer:1.23.1", "pgbouncer:1.24.1"),
        ("${TAG:-}", "", "1.24.1"),
        ("${TAG:?set a tag}", HOLE, "1.24.1"),
        ("${TAG?}", HOLE, "1.24.1"),
        ("${A:-${TAG:-${B:-1.23.1}}}", "1.23.1", "1.24.1"),
        ("${A:-$TAG}.ini", f"{HOLE}.ini", "1.24.1.ini"),
        ("$$TAG $${TAG} $$", "$TAG ${TAG} $", "$TAG ${TAG} $"),
        ("100$", "100$", "100$"),
        ("$1", "$1", "$1"),
    ],
)
def test_variables_are_put_in_and_defaults_in_place_of_those_that_are_not_set(
    text: str, unset: str, as_set: str
) -> None:
    assert (put_in(text), put_in(text, TAG="1.24.1")) == (unset, as_set)


def test_a_variable_that_is_set_to_nothing_has_its_default_behind_a_colon_only() -> None:
    assert (put_in("${TAG:-1}", TAG=""), put_in("${TAG-1}", TAG="")) == ("1", "")


@pytest.mark.parametrize(
    ("text", "tag", "value"), [("${TAG:+r}", "x", "r"), ("${TAG:+r}", "", ""), ("${TAG:+$TAG-p}", "x", "x-p")]
)
def test_behind_a_plus_stands_what_takes_the_place_of_a_variable_that_is_set(
    text: str, tag: str, value: str
) -> None:
    """compose-go 2, template.Substitute, says the same of each."""
    assert put_in(text, TAG=tag) == value


def test_what_is_known_is_put_in_and_the_rest_keeps_its_default() -> None:
    found = known_put_in(value("${A}/${B:-${A}}/${C}"), {"A": Known("x", ())})

    assert text_of(resolve(found, lambda _: None)) == f"x/x/{HOLE}"
    assert text_of(resolve(found, {"B": Known("b", ()), "C": Known("c", ())}.get)) == "x/b/c"


@pytest.mark.parametrize("text", ["${TAG+1}", "${}", "${1}", "${TAG", "${TAG!}", "${ TAG }"])
def test_what_is_not_understood_is_not_known(text: str) -> None:
    assert put_in(text, TAG="2") == HOLE


def test_colons_inside_of_variables_part_nothing() -> None:
    assert parts_of("./a:/b:ro") == ["./a", "/b", "ro"]
    assert parts_of("${DIR:-./a}/x:${TO:-/b:${C:-c}}:ro") == ["${DIR:-./a}/x", "${TO:-/b:${C:-c}}", "ro"]
    assert parts_of("/data") == ["/data"]
    assert parts_of("${DIR:-./a:/b") == ["${DIR:-./a:/b"]


@pytest.mark.parametrize("text", ["${" * 50_000, "${A:-" * 50_000 + "}" * 50_000, "$" * 100_001, "${A}" * 50_000])
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()

    value(text)
    parts_of(text)

    assert time.process_time() - start < 2
