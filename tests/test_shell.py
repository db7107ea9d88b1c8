import pytest

from poolcheck.read.kubernetes.shell import Command, Variable, commands, first_part, literal, script_at


def words(script: str) -> list[list[str | None]]:
    """The words of each command, None for one in which the shell fills something in."""
    return [[literal(word) for word in command.words] for command in commands(script) or ()]


def operators(script: str) -> list[str]:
    return [command.then for command in commands(script) or ()]


def test_commands_follow_one_another() -> None:
    script = "sleep 5 && killall -INT pgbouncer; sleep 60\nexit 0"

    assert words(script) == [["sleep", "5"], ["killall", "-INT", "pgbouncer"], ["sleep", "60"], ["exit", "0"]]
    assert operators(script) == ["&&", ";", "\n", ""]


def test_operators_that_run_things_side_by_side_or_instead_are_told() -> None:
    assert operators("a & b | c || d") == ["&", "|", "||", ""]


def test_quotes_and_backslashes_are_taken_off() -> None:
    assert words("""a 'b  c' "d \\"e\\" \\f" g\\ h '' i"j"'k'""") == [["a", "b  c", 'd "e" \\f', "g h", "", "ijk"]]


def test_comments_blank_lines_and_line_continuations_are_nothing() -> None:
    assert words("# first\n\n  a \\\n  b # c\nd#e") == [["a", "b"], ["d#e"]]


def test_redirections_are_left_out_with_their_targets() -> None:
    assert words("a > /dev/null 2>&1 b < in >>out &> all c") == [["a", "b", "c"]]


def test_variables_keep_their_names_and_defaults() -> None:
    found = commands("""a $B ${C} ${D:-4} ${E-} "x$F" """)

    assert found == (
        Command(
            (
                ("a",),
                (Variable("B", None, False),),
                (Variable("C", None, False),),
                (Variable("D", "4", False),),
                (Variable("E", "", False),),
                ("x", Variable("F", None, True)),
            ),
            "",
        ),
    )


@pytest.mark.parametrize("word", ["$(nproc)", '"$(nproc)"', "$1", "$@", "${A:?why}", "${A##*/}", "$$"])
def test_what_only_the_shell_can_tell_is_not_told(word: str) -> None:
    assert words(f"a {word}") == [["a", None]]


@pytest.mark.parametrize(
    "script",
    [
        "if a; then sleep 60; fi",
        "while a; do sleep 1; done",
        "for i in 1 2; do sleep 1; done",
        "case $1 in a) b;; esac",
        "(sleep 60)",
        "{ sleep 60; }",
        "a() { sleep 60; }",
        "! a",
        "[[ -f x ]] && a",
        "a `b`",
        "cat <<EOF\na\nEOF",
        "a <(b)",
        "a 'b",
        'a "b',
    ],
)
def test_what_is_more_than_a_list_of_commands_is_not_read(script: str) -> None:
    assert commands(script) is None


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("sh -c x", 2),
        ("/bin/bash -lc x", 2),
        ("bash -euo pipefail -c x", 4),
        ("bash --norc -c x", 3),
        ("sh script.sh -c", None),
        ("sh -c", None),
        ("sh", None),
        ("python -c x", None),
    ],
)
def test_a_shell_runs_the_word_behind_its_c_option(command: str, script: int | None) -> None:
    assert script_at(command.split()) == script


@pytest.mark.parametrize("piece", ["'", '"', "$(", "${", "a ", "\\", "''", "${a:-", "$a", '"$(', "> "])
def test_a_hostile_script_costs_no_more_than_its_length(piece: str) -> None:
    commands(piece * 200_000)


@pytest.mark.parametrize(
    ("script", "part"),
    [
        ("sleep 5; while true; do sleep 1; done", "sleep 5; "),
        ("kill -INT 1 && (sleep 5; kill 1)", "kill -INT 1 && "),
        ("stop() { kill 1; }; stop", ""),
        ("sleep 5\nif pidof web; then kill 1; fi", "sleep 5\n"),
        ("echo for you", "echo "),
        ("sleep 5; kill $(pidof web)", "sleep 5; kill $(pidof web)"),
    ],
)
def test_what_comes_first_ends_where_it_may_not_go_on(script: str, part: str) -> None:
    assert first_part(script) == part
