import pytest

from poolcheck.read.pgbouncer.c_number import leading, seconds, signed, unsigned


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("20", 20),
        ("+20", 20),
        ("-5", -5),
        ("0x20", 32),
        ("020", 16),
        ("0", 0),
        ("\v25", 25),
        ("2147483648", -2147483648),
        ("4294967303", 7),
        ("99999999999999999999", -1),
        ("-99999999999999999999", 0),
    ],
)
def test_a_setting_is_read_in_the_base_it_is_written_in_and_keeps_32_bits(text: str, number: int) -> None:
    assert signed(text) == number


@pytest.mark.parametrize("text", ["", "08", "0x", "20k", "20.0", "1_000", "- 5", "'20'", "٣"])
def test_a_setting_that_is_no_number_to_its_end_is_refused(text: str) -> None:
    assert signed(text) is None


@pytest.mark.parametrize(
    ("text", "number"), [("-1", 4294967295), ("4294967297", 1), ("99999999999999999999", 4294967295)]
)
def test_an_unsigned_setting_wraps_around(text: str, number: int) -> None:
    assert unsigned(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("10k", 10), ("10.9", 10), ("1e2", 1), ("0x20", 0), ("020", 20), ("-5", -5), ("abc", 0), ("", 0), (" 7", 7)],
)
def test_in_a_connection_string_a_number_ends_where_its_digits_end(text: str, number: int) -> None:
    assert leading(text) == number


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("0.5", 0.5),
        (".5", 0.5),
        ("5.", 5),
        ("1e3", 1000),
        ("0x10", 16),
        ("0x1p4", 16),
        ("010", 10),
        ("-0", 0),
        ("10e12", 10e12),
        ("inf", 0),
        ("Infinity", 0),
        ("1e30", 0),
        ("nan", 2**63 / 1e6),
    ],
)
def test_a_time_is_kept_in_microseconds(text: str, time: float) -> None:
    assert seconds(text) == time


@pytest.mark.parametrize("text", ["", "-1", "30s", "30 min", "1,5", "1_0", ".", "1e400", "0x1p99999", "-inf"])
def test_a_time_with_a_unit_a_sign_or_too_large_for_a_double_is_refused(text: str) -> None:
    assert seconds(text) is None


def test_numbers_as_long_as_a_file_are_read_at_once() -> None:
    digits = "9" * 1_000_000

    assert (signed(digits), leading(digits), seconds(digits)) == (-1, -1, None)
