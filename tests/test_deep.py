import sys
import threading
from _thread import interrupt_main

import pytest

from poolcheck.deep import deep


def down(levels: int) -> int:
    return 1 + down(levels - 1) if levels else 0


def test_what_the_function_returns_comes_back() -> None:
    assert deep(lambda: [1, 2]) == [1, 2]


def test_what_the_function_raises_comes_back() -> None:
    error = ValueError("no")

    def fail() -> None:
        raise error

    with pytest.raises(ValueError, match="no") as caught:
        deep(fail)

    assert caught.value is error


def test_there_is_room_to_recurse() -> None:
    assert deep(lambda: down(15_000)) == 15_000


def test_what_recurses_without_end_is_an_error_and_no_crash() -> None:
    with pytest.raises(RecursionError):
        deep(lambda: down(1_000_000))


def test_the_limits_of_the_process_are_left_as_they_were() -> None:
    before = sys.getrecursionlimit(), threading.stack_size()

    deep(lambda: down(10))

    assert (sys.getrecursionlimit(), threading.stack_size()) == before


def test_an_interrupt_ends_the_waiting() -> None:
    over = threading.Event()

    def work() -> None:
        interrupt_main()
        over.wait(10)

    with pytest.raises(KeyboardInterrupt):
        deep(work)

    over.set()
