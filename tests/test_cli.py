import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from poolcheck import __version__
from poolcheck.cli import COMMANDS, main

PACKS = Path(__file__).parent / "packs"
SHOP = Path(__file__).parents[1] / "fixtures" / "shop"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def start(*arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "poolcheck", *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | (env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The line on standard error; nothing is on standard output."""
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"poolcheck {__version__}\n"


def test_without_a_command_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])

    assert ended.value.code == 2
    assert all(f"\n  {command} " in said for said in [capsys.readouterr().err] for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_says_what_each_option_is_for(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    help_text = capsys.readouterr().out
    assert ended.value.code == 0
    assert help_text.startswith(f"usage: poolcheck {command} ")
    assert COMMANDS[command].about in help_text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chek"], "there is no command 'chek'; did you mean 'check'?"),
        (
            ["lint-everything"],
            "there is no command 'lint-everything'; there are check, explain, explain-config, why, budget, size,"
            " map, rules, config",
        ),
        (["."], "there is no command '.'; did you mean `poolcheck check .`?"),
        (["check", "--selct", "x"], "there is no option '--selct'; did you mean '--select'?"),
        (["check", "--min-severty=info"], "there is no option '--min-severty'; did you mean '--min-severity'?"),
        (["check", "--sel", "pgbouncer"], "there is no option '--sel'; did you mean '--select'?"),
        (["explain", "inline-comment", "b"], "'b' is one too many"),
        (["explain"], "the following arguments are required: RULE"),
        (["check", "--config", "a", "--isolated"], "argument --isolated: not allowed with argument --config"),
        (["check", "--fail-on", "eror"], "argument --fail-on: invalid choice: 'eror'"),
        (
            ["check", "--target", "pgbouncer"],
            "argument --target: 'pgbouncer' is not NAME=VERSION with NAME one of pgbouncer, postgres, mysql",
        ),
        (["check", "--target", "redis=7"], "argument --target: 'redis=7' is not NAME=VERSION"),
        (["check", "--target", "pgbouncer=latest"], "argument --target: 'pgbouncer=latest' is not NAME=VERSION"),
        (
            ["check", "--output-format", "sarf"],
            "argument --output-format: 'sarf' is not FORMAT or FORMAT=FILE with FORMAT one of full, concise, json",
        ),
        (["check", "--output-format", "json="], "argument --output-format: 'json=' is not FORMAT or FORMAT=FILE"),
    ],
)
def test_a_mistake_in_the_arguments_is_told_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(arguments)

    line = said(capsys)
    assert status == 2
    assert line.startswith(f"poolcheck: {told}")
    assert line.count("\n") == 1


def test_paths_may_stand_between_options(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.ini").write_text("[pgbouncer]\npool_mode = session ; a\n")
    Path("b.ini").write_text("[pgbouncer]\npool_mode = session ; b\n")

    main(["check", "a.ini", "--quiet", "b.ini", "--output-format", "concise"])

    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == ["a.ini", "b.ini"]


def test_a_rule_that_fails_is_named_with_what_it_looked_at(
    put_rule: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    put_rule("PgBouncerConfig", "yield self.finding(subject.span, str(1 / 0))")
    Path("pgbouncer.ini").write_text("[pgbouncer]\n")

    status = main(["check", "pgbouncer.ini"])

    assert status == 2
    assert said(capsys) == (
        "poolcheck: rule house-rule failed on pgbouncer.ini: ZeroDivisionError('division by zero') "
        "(--verbose shows where)\n"
    )


def test_with_verbose_it_shows_where_a_rule_failed(
    put_rule: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    put_rule("PgBouncerConfig", "yield self.finding(subject.span, str(1 / 0))")
    Path("pgbouncer.ini").write_text("[pgbouncer]\n")

    status = main(["check", "--verbose", "pgbouncer.ini"])

    shown = said(capsys)
    assert status == 2
    assert 'house_rule.py", line 16, in check' in shown
    assert shown.endswith(
        "poolcheck: rule house-rule failed on pgbouncer.ini: ZeroDivisionError('division by zero')\n"
    )


@pytest.mark.parametrize("command", [["check"], ["rules"], ["explain", "never-ready"]])
def test_a_broken_rule_pack_is_named(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("pgbouncer.ini").write_text("[pgbouncer]\n")
    monkeypatch.setattr(sys, "path", [str(PACKS / "broken"), *sys.path])

    status = main(command)

    assert status == 2
    assert said(capsys).startswith(
        "poolcheck: rule pack 'broken': cannot import broken_rules.never_ready: ModuleNotFoundError("
    )


def test_a_reader_that_goes_away_ends_it_without_a_word() -> None:
    with start("check", str(SHOP)) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.close()

        told = run.stderr.read()

    assert (run.returncode, told) == (141, b"")


def test_a_full_disk_behind_standard_output_is_told() -> None:
    with open("/dev/full", "wb") as full:
        run = subprocess.run(
            [sys.executable, "-m", "poolcheck", "check", str(SHOP)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert (run.returncode, run.stderr) == (2, b"poolcheck: No space left on device\n")


@pytest.mark.parametrize(
    ("subject", "path", "text"),
    [("PgBouncerConfig", "pgbouncer.ini", "[pgbouncer]\n"), ("PythonModule", "a.py", "import psycopg2\n")],
)
def test_an_interrupt_ends_it_in_one_line(
    subject: str, path: str, text: str, put_rule: Callable[[str, str], None]
) -> None:
    put_rule(subject, "Path('asleep').touch(); time.sleep(20); yield self.finding(subject.span, 'awake')")
    Path(path).write_text(text)
    with start("check", path) as run:
        while not Path("asleep").exists():
            assert run.poll() is None
            time.sleep(0.02)

        run.send_signal(signal.SIGINT)

        out, err = run.communicate(timeout=10)
    assert (run.returncode, out, err) == (130, b"", b"poolcheck: interrupted\n")


@pytest.mark.parametrize("form", ["full", "concise"])
def test_what_the_terminal_cannot_show_is_replaced(form: str) -> None:
    with start("check", "--output-format", form, str(SHOP), env={"PYTHONIOENCODING": "ascii"}) as run:
        out, err = run.communicate()

    assert (run.returncode, err) == (1, b"")
    assert b"pgbouncer accepts 2 ? 200 = 400 client connections" in out


def test_json_is_utf_8_whatever_the_terminal_shows() -> None:
    with start("check", "--output-format", "json", str(SHOP), env={"PYTHONIOENCODING": "latin-1"}) as run:
        out, _ = run.communicate()

    assert "pgbouncer accepts 2 × 200 = 400 client connections" in out.decode("utf-8")
