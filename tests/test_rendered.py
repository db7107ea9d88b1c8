import pytest

from poolcheck.read.pgbouncer.config import PgBouncerConfig
from poolcheck.read.pgbouncer.load import read_rendered
from poolcheck.read.pgbouncer.rendered import Piece, Rendered, Renderings, file_of
from poolcheck.source import Span

IMAGE = Span("deploy.yaml", 5, 9)
NAME = Span("deploy.yaml", 20, 29)
VALUE = Span("deploy.yaml", 40, 53)
PIECES = (
    Piece("[pgbouncer]\n", IMAGE, mere_form=True),
    Piece("pool_mode", NAME),
    Piece(" = ", NAME, mere_form=True),
    Piece("transaction", VALUE),
    Piece("\n", NAME, mere_form=True),
    Piece("log_stats = 0", IMAGE, is_forced=True),
)
RENDERED = Rendered(IMAGE, PIECES)
PATH = RENDERED.source.path


def config(rendered: Rendered = RENDERED) -> PgBouncerConfig:
    [found] = (each for each in read_rendered(rendered, "pgbouncer.ini") if isinstance(each, PgBouncerConfig))
    return found


def test_it_is_read_as_a_file_of_its_own_that_no_file_can_be_mistaken_for() -> None:
    found = config()

    mode = found.setting("pool_mode")
    assert mode
    assert mode.value == "transaction"
    assert mode.span.path == PATH
    assert file_of(PATH) == "deploy.yaml"
    assert found.is_embedded
    assert found.is_generated
    assert found.line(mode.span).value == "pool_mode = transaction\n"


def test_a_place_is_that_of_the_piece_it_is_in() -> None:
    found, places = config(), Renderings([RENDERED])
    setting = found.settings[0]

    assert places.written(setting.name.span) == NAME
    assert places.written(setting.value.span) == VALUE
    assert places.written(found.headers[0].span) == IMAGE
    assert places.written(Span("other.ini", 1, 2)) == Span("other.ini", 1, 2)


@pytest.mark.parametrize(
    ("text", "place", "part"),
    [
        ("transaction", Span("m.yaml", 40, 51), Span("m.yaml", 45, 48)),
        ("transaction", Span("m.yaml", 40, 53), Span("m.yaml", 46, 49)),
        ("transaction", Span("m.yaml", 40, 80), Span("m.yaml", 40, 80)),
    ],
    ids=["plain", "quoted", "escaped"],
)
def test_a_part_of_a_piece_is_told_where_the_characters_are_those_of_the_file(
    text: str, place: Span, part: Span
) -> None:
    rendered = Rendered(IMAGE, (Piece(text, place),))

    assert Renderings([rendered]).written(Span(rendered.source.path, 5, 8)) == part


def test_what_goes_over_several_pieces_is_at_the_first_that_says_anything() -> None:
    start = len(PIECES[0].text)

    assert Renderings([RENDERED]).written(Span(PATH, 0, start + 30)) == NAME
    assert Renderings([RENDERED]).written(Span(PATH, 10_000, 10_001)) == IMAGE


def test_what_nobody_can_change_is_told_apart() -> None:
    places = Renderings([RENDERED])
    end = len(RENDERED.source.text)

    assert places.is_forced(Span(PATH, end - 1, end))
    assert not places.is_forced(Span(PATH, 15, 16))
    assert not places.is_forced(NAME)


def test_words_of_a_text_that_nobody_may_quote_are_taken_out_of_messages_about_it() -> None:
    text = "[databases]\nshop = host=canary.internal password=CANARY\n[pgbouncer]\npool_mode = transaction\n"
    secret = Rendered(IMAGE, (Piece(text, VALUE),), is_secret=True, key="other")
    places, at = Renderings([secret, RENDERED]), Span(secret.source.path, 0, 1)

    told = places.without_secrets("canary.internal:5432 takes 'CANARY' in pool_mode transaction", [at])

    assert told == "***:5432 takes '***' in pool_mode transaction"
    assert places.without_secrets("CANARY", [NAME, Span("other.py", 0, 1)]) == "CANARY"
