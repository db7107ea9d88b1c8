import pytest

from poolcheck.read.kubernetes.manifest import ExecHook, SleepHook
from poolcheck.read.kubernetes.stopping import Deed, Hook, Pause, Shutdown, Signal, hook_of
from poolcheck.source import Located, Span

NOWHERE = Span("m.yaml", 0, 0)


def hook(*words: str) -> Hook:
    found = hook_of(ExecHook(tuple(Located(word, NOWHERE) for word in words)))
    assert found
    return found


@pytest.mark.parametrize(
    ("script", "deeds"),
    [
        ("sleep 10; kill -INT 1", [Pause(10), Signal("INT")]),
        ("sleep 1m 5 && killall -s SIGTERM pgbouncer", [Pause(65), Signal("TERM")]),
        ("exec kill -15 $(pidof pgbouncer)", [Signal("TERM")]),
        ("pkill --signal=QUIT pgbouncer", [Signal("QUIT")]),
        ("kill 1", [Signal("TERM")]),
        ("kill -n 2 1", [Signal("INT")]),
        ("kill -HUP 1; kill -0 1", [None, None]),
        ("sleep $SECONDS", [Pause(None)]),
        ("psql pgbouncer -c 'shutdown wait_for_clients;'", [Shutdown("WAIT_FOR_CLIENTS")]),
        ("psql -h db -c SHUTDOWN", [Shutdown("")]),
        ("psql pgbouncer -c 'PAUSE'; /drain", [None, None]),
    ],
)
def test_a_hook_does_one_thing_after_the_other(script: str, deeds: list[Deed]) -> None:
    found = hook("/bin/sh", "-c", script)

    assert (list(found.deeds), found.is_whole) == (deeds, True)


def test_of_a_script_with_a_loop_only_what_comes_before_it_is_told() -> None:
    found = hook("sh", "-c", "sleep 5; kill -INT 1; while pidof pgbouncer; do sleep 1; done")

    assert (found.deeds, found.is_whole) == ((Pause(5), Signal("INT")), False)


def test_a_command_without_a_shell_is_one_deed() -> None:
    assert hook("kill", "-INT", "1").deeds == (Signal("INT"),)
    assert hook("sleep", "15").deeds == (Pause(15),)


def test_the_sleep_of_the_api_is_a_pause() -> None:
    found = hook_of(SleepHook(Located(20, NOWHERE)))

    assert found == Hook((Pause(20),), NOWHERE, is_whole=True)
    assert hook_of(None) is None
