from functools import partial

import pytest

from poolcheck.files import Memory
from poolcheck.read.pgbouncer.config import Absent, Part, PgBouncerConfig
from poolcheck.read.pgbouncer.includes import in_folder, in_project
from poolcheck.read.pgbouncer.load import MOST_INCLUDES, load
from poolcheck.source import Located, Source, Span

MAIN = "pgbouncer.ini"


def config(**texts: str) -> PgBouncerConfig:
    """The configuration in `main`, with the other texts as files that can be included, called `a.ini` for `a`."""
    files = Memory({f"{name}.ini": text.encode() for name, text in texts.items()})
    text = texts["main"]
    part = Part(Source(MAIN, text), Span(MAIN, 0, len(text)))
    return load(part, partial(in_folder, files, ""))


def in_effect(read: PgBouncerConfig) -> dict[str, tuple[str, str]]:
    return {name: (value.value, value.span.path) for name, value in read.settings_in_effect.items()}


def test_what_is_included_stands_where_it_is_included() -> None:
    read = config(main="[pgbouncer]\na = 1\nb = 1\n%include x.ini\na = 3\n", x="a = 2\nb = 2\n")

    assert in_effect(read) == {"a": ("3", MAIN), "b": ("2", "x.ini")}
    assert [part.source.path for part in read.parts] == [MAIN, "x.ini"]


def test_an_included_section_goes_on_behind_the_include() -> None:
    read = config(main="[pgbouncer]\n%include x.ini\nweb = pool_size=5\n", x="[users]\napp = pool_size=4\n")

    assert [user.name.value for user in read.users] == ["app", "web"]
    assert not read.settings


def test_an_included_header_undoes_what_stands_above() -> None:
    read = config(
        main="[pgbouncer]\npool_mode = session\n%include x.ini\n", x="[pgbouncer]\nmax_client_conn = 5\n"
    )
    (mode, _) = read.settings

    assert mode.reset_by == Located("pgbouncer", Span("x.ini", 0, 11))
    assert not mode.in_effect
    assert in_effect(read) == {"max_client_conn": ("5", "x.ini")}


def test_a_header_keeps_what_has_no_default() -> None:
    read = config(main="[pgbouncer]\nauth_file = users\nauth_type = any\n[pgbouncer]\n")

    assert in_effect(read) == {"auth_file": ("users", MAIN)}


def test_a_line_is_replaced_by_the_next_of_its_name() -> None:
    read = config(main="[pgbouncer]\na = 1\na = 2\na = 3\n")

    places = [setting.name for setting in read.settings]
    assert [setting.replaced_by for setting in read.settings] == [places[1], places[2], None]


def test_a_database_in_place_of_another_keeps_its_user_and_password() -> None:
    read = config(
        main="[databases]\nx = host=a user=app password=p pool_size=5\nx = host=b\nx = host=c user=web\n"
    )
    first, second, third = read.databases

    assert [entry.in_effect for entry in read.databases] == [False, False, True]
    assert second.parameter("user") == first.parameter("user")
    assert second.parameter("password") == first.parameter("password")
    assert second.parameter("pool_size") is None
    assert third.parameter("password") is None


def test_the_fallback_keeps_nothing() -> None:
    read = config(main="[databases]\n* = host=a user=app\n* = host=b\n")

    assert read.databases[1].parameter("user") is None


def test_peers_are_told_apart_by_their_numbers() -> None:
    read = config(main="[peers]\n1 = host=a\n01 = host=b\n2 = host=c\n")

    assert [peer.in_effect for peer in read.peers] == [False, True, True]


def test_each_file_ends_at_its_first_nul() -> None:
    read = config(main="[pgbouncer]\n%include x.ini\nb = 2\n", x="a = 1\n\0\nc = 3\n")

    assert in_effect(read) == {"a": ("1", "x.ini"), "b": ("2", MAIN)}
    assert read.nuls == (Span("x.ini", 6, 7),)


def test_what_stands_before_any_header_is_astray() -> None:
    read = config(main="a = 1\n[pgbouncer]\nb = 2\n")

    assert [name.value for name, _ in read.strays] == ["a"]


def test_ten_levels_are_followed_and_no_more() -> None:
    texts = {f"f{at}": f"a{at} = 1\n%include f{at + 1}.ini\n" for at in range(1, 12)}

    read = config(main="[pgbouncer]\n%include f1.ini\n", **texts)

    assert "a10" in read.settings_in_effect
    assert "a11" not in read.settings_in_effect
    assert [refusal.written.span.path for refusal in read.malformed] == ["f10.ini"]


def test_a_file_that_includes_itself_is_refused_at_once() -> None:
    read = config(main="[pgbouncer]\n%include x.ini\n", x="%include y.ini\n", y="%include x.ini\na = 1\n")

    (refusal,) = read.malformed
    assert refusal.written.span.path == "y.ini"
    assert "a" in read.settings_in_effect


def test_files_that_include_each_other_many_times_are_not_followed_for_ever() -> None:
    texts = {f"f{at}": f"%include f{at + 1}.ini\n" * 9 for at in range(1, 9)}

    read = config(main="[pgbouncer]\n%include f1.ini\na = 1\n", f9="b = 1\n", **texts)

    assert len(read.includes) <= 9 * MOST_INCLUDES
    assert "a" in read.settings_in_effect


def test_what_a_gap_may_set_is_unknown_and_what_follows_is_not() -> None:
    text = "[pgbouncer]\na = 1\n{{ more }}\nb = 2\n"

    read = config(main=text)

    assert read.is_unknown("a")
    assert read.is_unknown("pool_mode")
    assert not read.is_unknown("b")


def test_a_header_behind_a_gap_makes_known_again_what_it_sets_back() -> None:
    read = config(main="[pgbouncer]\n{{ more }}\n[pgbouncer]\n")

    assert not read.is_unknown("pool_mode")
    assert read.is_unknown("auth_file"), "it has no default to be set back to"


def test_nothing_is_a_template_in_what_is_taken_as_it_stands() -> None:
    text = "[pgbouncer]\npool_mode = {{ mode }}\n{{ more }}\n"
    part = Part(Source(MAIN, text), Span(MAIN, 0, len(text)))

    read = load(part, partial(in_folder, Memory({}), ""), is_literal=True)

    assert not read.gaps
    assert not read.is_unknown("pool_mode")
    assert [refusal.written.value for refusal in read.malformed] == ["{{ more }}"]


def path(text: str) -> Located[str]:
    return Located(text, Span(MAIN, 0, len(text)))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("x.ini", "etc/x.ini"),
        ("./sub/../x.ini", "etc/x.ini"),
        ("/srv/y.ini", "/srv/y.ini"),
        ("none.ini", Absent.MISSING),
        ("", Absent.MISSING),
        ("sub", Absent.FOLDER),
        ("X.ini", Absent.MISSING),
        ('"x.ini"', Absent.MISSING),
    ],
)
def test_a_pgbouncer_started_in_a_folder_looks_there(name: str, found: str | Absent) -> None:
    files = Memory({"etc/x.ini": b"", "etc/sub/z.ini": b"", "/srv/y.ini": b"", "x.ini": b""})

    inclusion = in_folder(files, "etc", path(name))

    assert (inclusion.found.source.path if isinstance(inclusion.found, Part) else inclusion.found) == found


@pytest.mark.parametrize(
    ("name", "found", "is_assumed"),
    [
        ("deploy/x.ini", "deploy/x.ini", False),
        ("x.ini", "deploy/x.ini", True),
        ("/etc/pgbouncer/x.ini", "deploy/x.ini", False),
        ("/etc/pgbouncer/conf.d/y.ini", "deploy/conf.d/y.ini", False),
        ("/etc/pgbouncer/none.ini", Absent.UNSEEN, False),
        ("none.ini", Absent.UNSEEN, False),
        ("../outside.ini", Absent.UNSEEN, False),
        ("conf.d/*.ini", Absent.MISSING, False),
        ("x.ini ; more", Absent.MISSING, False),
        ("conf.d", Absent.FOLDER, False),
        ("", Absent.MISSING, False),
    ],
)
def test_where_a_pgbouncer_is_started_may_be_unknown(name: str, found: str | Absent, is_assumed: bool) -> None:
    files = Memory({"deploy/x.ini": b"", "deploy/conf.d/y.ini": b"", "../outside.ini": b""})

    inclusion = in_project(files, "deploy/pgbouncer.ini", path(name))

    assert (inclusion.found.source.path if isinstance(inclusion.found, Part) else inclusion.found) == found
    assert inclusion.is_assumed == is_assumed


def test_what_lies_beside_a_configuration_is_found_wherever_that_is() -> None:
    files = Memory({"../etc/x.ini": b"", "../y.ini": b""})

    beside, above = (in_project(files, "../etc/pgbouncer.ini", path(name)) for name in ("x.ini", "../y.ini"))

    assert isinstance(beside.found, Part)
    assert above.found is Absent.UNSEEN
