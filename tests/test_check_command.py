import io
import json
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from poolcheck.cli import main

SHOP = Path(__file__).parents[1] / "fixtures" / "shop"

INI = "[pgbouncer]\npool_mode = session ; for now\n"
MENDED = "[pgbouncer]\n; for now\npool_mode = session\n"
MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: pgbouncer
data:
  pgbouncer.ini: |
    [pgbouncer] unix_socket_dir = /run
    pool_mode = session ; for now
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(texts: Mapping[str, str]) -> None:
    """Writes files."""
    for name, text in texts.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def pipe(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a text on standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def lines(*arguments: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What a check prints, one line a finding."""
    main(["check", "--quiet", "--output-format", "concise", *arguments])
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def document(*arguments: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    main(["check", "--output-format", "json", *arguments])
    read: dict[str, Any] = json.loads(capsys.readouterr().out)
    return read


def run(*arguments: str, hash_seed: int = 0) -> bytes:
    """What a process of its own prints."""
    return subprocess.run(
        [sys.executable, "-m", "poolcheck", "check", *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": str(hash_seed)},
        stdout=subprocess.PIPE,
        check=False,
    ).stdout


# What is found, and the exit status


def test_nothing_found_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    put({"a.ini": MENDED})

    assert main(["check"]) == 0
    assert capsys.readouterr().out == "No problems found in 1 file.\n"


def test_something_found_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    put({"a.ini": INI})

    assert main(["check"]) == 1
    assert capsys.readouterr().out == dedent("""\
        error[inline-comment]: PgBouncer takes the comment for part of pool_mode and does not start
         --> a.ini:2:21
          |
        2 | pool_mode = session ; for now
          |                     ^^^^^^^^^
          |
          = help: Move the comment to a line of its own (applied by `--fix`)

        Found 1 problem (1 error) in 1 file.
        1 fixable with `--fix`.
        """)


@pytest.mark.parametrize(
    ("text", "options", "status"),
    [
        (INI, ["--exit-zero"], 0),
        (INI, ["--fail-on", "never"], 0),
        (INI, ["--fail-on", "error"], 1),
        (INI, ["--ignore", "inline-comment"], 0),
        ("[pgbouncer]\nquery_wait_timeout = 0\n", [], 1),
        ("[pgbouncer]\nquery_wait_timeout = 0\n", ["--fail-on", "error"], 0),
        ("[pgbouncer]\nquery_wait_timeout = 0\n", ["--min-severity", "error"], 0),
        ("; poolcheck: ignore[boolean-word]\n[pgbouncer]\n", ["--min-severity", "info"], 0),
        ("; poolcheck: ignore[boolean-word]\n[pgbouncer]\n", ["--min-severity", "info", "--fail-on", "info"], 1),
        ("; poolcheck: ignore[boolean-word]\n[pgbouncer]\n", ["--fail-on", "info"], 0),
    ],
)
def test_the_status_is_1_for_what_is_reported_and_severe_enough(
    text: str, options: list[str], status: int
) -> None:
    put({"a.ini": text})

    assert main(["check", *options]) == status


def test_exit_zero_does_not_hide_that_it_could_not_check() -> None:
    assert main(["check", "--exit-zero", "nowhere"]) == 2


@pytest.mark.parametrize(
    ("select", "found"),
    [
        (["--select", "inline-comment"], ["inline-comment"]),
        (["--select", "pgbouncer"], ["inline-comment", "query-wait-timeout-off"]),
        (["--select", "kubernetes,engine"], []),
        (["--select", "kubernetes", "--extend-select", "inline-comment"], ["inline-comment"]),
        (["--ignore", "inline-comment"], ["query-wait-timeout-off"]),
        (["--ignore", "pgbouncer"], []),
        (["--ignore", "pgbouncer", "--select", "inline-comment"], ["inline-comment"]),
    ],
)
def test_rules_are_chosen_by_name_and_by_group(
    select: list[str], found: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    put({"a.ini": f"{INI}query_wait_timeout = 0\n"})

    assert [line.split()[2] for line in lines(*select, capsys=capsys)] == found


@pytest.mark.parametrize("option", ["--select", "--extend-select", "--ignore"])
def test_a_rule_that_does_not_exist_is_told(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["check", option, "boolean-word,inline-coment"])

    told = "poolcheck: no rule or group is called 'inline-coment'; did you mean 'inline-comment'?\n"
    assert (status, *capsys.readouterr()) == (2, "", told)


def test_a_version_on_the_command_line_is_judged_for(capsys: pytest.CaptureFixture[str]) -> None:
    put({"a.ini": "[databases]\nshop = host=db\n[pgbouncer]\npool_mode = transaction\n"})
    rule = ("--select", "prepared-statements-off")

    assert lines(*rule, capsys=capsys) == []
    assert len(lines(*rule, "--target", "pgbouncer=1.22", capsys=capsys)) == 1


# Files that cannot be read or parsed


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.py", b"import psycopg2\nname = '\xff'\n", "a.py:2:9: error unreadable-file byte 0xff is not utf-8"),
        ("a.py", b"# coding: klingon\nimport psycopg2\n", "a.py:1:1: error unreadable-file cannot be read: "),
        ("a.yaml", b"kind: Service\napiVersion: v1\nx: \xff\n", "a.yaml:3:4: error unreadable-file byte 0xff is"),
        ("a.py", b"import psycopg2\ndef f(:\n", "a.py:2:7: error invalid-syntax invalid syntax"),
        ("a.yaml", b"kind: Service\napiVersion: v1\nx: [1\n", "a.yaml:4:1: error invalid-syntax not YAML: "),
        (
            "pgbouncer.ini",
            b"[pgbouncer]\npool_mode: session\n",
            "pgbouncer.ini:2:1: error invalid-syntax PgBouncer ",
        ),
    ],
)
def test_bad_bytes_and_bad_syntax_are_findings_at_their_place(
    name: str, content: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(name).write_bytes(content)
    put({"z.ini": INI})

    found = lines(capsys=capsys)

    assert [line.partition(":")[0] for line in found] == [name, "z.ini"]
    assert found[0].startswith(told)


def test_bytes_that_are_no_text_do_not_bother_pgbouncer(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.ini").write_bytes(b"[pgbouncer]\n; caf\xe9\npool_mode = session ; caf\xe9\n")

    assert [line.partition(" ")[0] for line in lines(capsys=capsys)] == ["a.ini:3:21:"]


def test_a_file_that_is_named_and_cannot_be_read_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    os.symlink("nowhere", "link.ini")
    os.mkfifo("pipe.py")

    assert lines("link.ini", "pipe.py", capsys=capsys) == [
        "link.ini:1:1: error unreadable-file cannot be read: No such file or directory",
        "pipe.py:1:1: error unreadable-file cannot be read: not a regular file",
    ]


def test_the_run_goes_on_without_what_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("a.ini")
    put({"b.ini": INI})

    assert [line.partition(":")[0] for line in lines("a.ini", "b.ini", capsys=capsys)] == ["a.ini", "b.ini"]


def test_a_folder_called_like_a_file_is_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    put({"x.py/a.ini": INI})

    assert [line.partition(":")[0] for line in lines("x.py", capsys=capsys)] == ["x.py/a.ini"]


def test_a_path_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    put({"a.ini": INI})

    status = main(["check", "a.ini", "nowhere"])

    assert (status, *capsys.readouterr()) == (2, "", "poolcheck: nowhere: no such file or folder\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("closed").mkdir(mode=0)

    status = main(["check", "closed"])

    assert (status, *capsys.readouterr()) == (2, "", "poolcheck: closed: cannot be read: Permission denied\n")


def test_a_folder_with_nothing_to_check_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    put({"docs/notes.md": ""})

    status = main(["check", "docs"])

    out, err = capsys.readouterr()
    assert (status, out) == (0, "No problems found in 0 files.\n")
    assert err == "poolcheck: nothing to check in docs: no .ini, .yaml, .yml or .py files\n"


# Settings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("selct = []\n", "1:1: unknown setting 'selct'; did you mean 'select'?"),
        ("select = [\n", "2:1: not TOML: Invalid value (at end of document)"),
        ('select = ["pgbuncer"]\n', "1:1: no rule or group is called 'pgbuncer'; did you mean 'pgbouncer'?"),
        ("\n[rules.inline-comment]\nstrict = true\n", "3:1: inline-comment has no option 'strict'"),
        ("[rules.inline-coment]\n", "1:2: no rule is called 'inline-coment'; did you mean 'inline-comment'?"),
        ('extend-exclude = ["!"]\n', "1:1: '!' is no pattern"),
        ("per-file-ignores = { '[z-a]' = [] }\n", "1:1: '[z-a]' is no pattern"),
    ],
)
def test_a_mistake_in_the_settings_is_told_with_its_place(
    text: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put({"poolcheck.toml": text, "a.ini": INI})

    status = main(["check"])

    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith(f"poolcheck: poolcheck.toml:{told}")


def test_every_mistake_in_the_settings_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    put({"poolcheck.toml": "selct = []\n[target]\npgbouncer = 1.22\n"})

    main(["check"])

    assert [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()] == [
        "poolcheck.toml:1:1",
        "poolcheck.toml:3:1",
    ]


@pytest.mark.parametrize(("path", "why"), [("no.toml", "No such file or directory"), (".", "Is a directory")])
def test_settings_that_cannot_be_read_are_refused(path: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["check", "--config", path])

    assert (status, *capsys.readouterr()) == (2, "", f"poolcheck: {path}: cannot be read: {why}\n")


def test_settings_can_be_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    put({"poolcheck.toml": 'ignore = ["inline-comment"]\n', "a.ini": INI})

    assert lines(capsys=capsys) == []
    assert len(lines("--isolated", capsys=capsys)) == 1


def test_patterns_in_settings_count_from_their_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = 'extend-exclude = ["/deploy/old*"]\nper-file-ignores = { "deploy/b.ini" = ["pgbouncer"] }\n'
    put({"poolcheck.toml": settings, "deploy/old.ini": INI, "deploy/b.ini": INI, "deploy/c.ini": INI})
    expected = [
        "c.ini:2:21: error inline-comment PgBouncer takes the comment for part of pool_mode and does not start"
    ]

    assert lines(capsys=capsys) == [f"deploy/{line}" for line in expected]
    monkeypatch.chdir("deploy")
    assert lines(capsys=capsys) == expected


# Output


def test_the_report_can_go_to_several_places(capsys: pytest.CaptureFixture[str]) -> None:
    put({"a.ini": INI})

    main(
        ["check", "--output-format", "concise", "--output-format", "json=out.json", "--output-format", "full=log"]
    )

    assert capsys.readouterr().out.startswith("a.ini:2:21: error inline-comment ")
    assert json.loads(Path("out.json").read_text())["summary"]["error"] == 1
    assert Path("log").read_text().startswith("error[inline-comment]: ")


@pytest.mark.parametrize("path", ["no-such-folder/out.json", "/dev/full"])
def test_a_report_that_cannot_be_written_is_told(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["check", "--output-format", f"json={path}"])

    assert status == 2
    assert f"poolcheck: {path}: cannot be written: No " in capsys.readouterr().err


def test_the_json_document_is_to_the_letter(capsys: pytest.CaptureFixture[str]) -> None:
    put({"deploy/pgbouncer.ini": INI})

    read = document(capsys=capsys)

    [finding] = read["findings"]
    assert list(read) == ["version", "poolcheck", "findings", "summary"]
    assert read["version"] == 1
    assert read["summary"] == {"files": 1, "error": 1, "warning": 0, "info": 0, "suppressed": 0}
    assert len(finding.pop("fingerprint")) == 32
    assert finding == {
        "rule": "inline-comment",
        "group": "pgbouncer",
        "severity": "error",
        "message": "PgBouncer takes the comment for part of pool_mode and does not start",
        "path": "deploy/pgbouncer.ini",
        "start": {"line": 2, "column": 21},
        "end": {"line": 2, "column": 30},
        "notes": [],
        "fix": {
            "title": "Move the comment to a line of its own",
            "safe": True,
            "edits": [
                {
                    "path": "deploy/pgbouncer.ini",
                    "start": {"line": 2, "column": 1},
                    "end": {"line": 2, "column": 1},
                    "text": "; for now\n",
                },
                {
                    "path": "deploy/pgbouncer.ini",
                    "start": {"line": 2, "column": 20},
                    "end": {"line": 2, "column": 30},
                    "text": "",
                },
            ],
        },
        "help": None,
    }


def test_suppressed_findings_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    put({"a.ini": INI.replace("pool_mode", "; poolcheck: ignore[inline-comment] soon\npool_mode")})

    assert document(capsys=capsys)["summary"] == {"files": 1, "error": 0, "warning": 0, "info": 0, "suppressed": 1}


@pytest.mark.parametrize("form", ["json", "full", "concise"])
def test_two_runs_print_the_same_bytes(folder: Path, form: str) -> None:
    shutil.copytree(SHOP, folder, dirs_exist_ok=True)
    paths = ["deploy", "services/api", "services/worker", "deploy/api.yaml"]
    first = run("--output-format", form, *paths)

    assert first
    for seed in (1, 2):
        assert run("--output-format", form, *random.Random(seed).sample(paths, 4), hash_seed=seed) == first


def test_statistics_count_each_rule(capsys: pytest.CaptureFixture[str]) -> None:
    put({"a.ini": f"{INI}query_wait_timeout = 0\nauth_type = md5 ; legacy\n"})

    status = main(["check", "--statistics", "--quiet"])

    assert (status, capsys.readouterr().out) == (1, "2 error   inline-comment\n1 warning query-wait-timeout-off\n")


def test_the_files_that_would_be_looked_at_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    put(
        {
            "b.py": "",
            "a.ini": INI,
            "deploy/c.yaml": "",
            "venv/d.py": "",
            "notes.md": "",
            "poolcheck.toml": 'extend-exclude = ["b.*"]',
        }
    )

    status = main(["check", "--show-files"])

    assert (status, capsys.readouterr().out) == (0, "a.ini\ndeploy/c.yaml\n")


def test_what_git_ignores_can_be_looked_at_too(capsys: pytest.CaptureFixture[str]) -> None:
    put({"build/a.ini": INI})
    Path(".gitignore").write_text("build/\n")

    assert lines(capsys=capsys) == []
    assert len(lines("--no-respect-gitignore", capsys=capsys)) == 1


# Standard input


def test_an_unsaved_text_is_checked_in_its_project(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = (
        "from psycopg2.pool import ThreadedConnectionPool\n\npool = ThreadedConnectionPool(1, 4, 'dbname=shop')\n"
    )
    put({"pool.py": module, "app.py": "saved = True\n"})
    pipe("from pool import pool\n\n\ndef count():\n    conn = pool.getconn()\n    conn.cursor()\n", monkeypatch)

    assert lines("--select", "connection-never-released", "--stdin-filename", "app.py", capsys=capsys) == [
        "app.py:5:12: error connection-never-released nothing in count() gives back what pool.getconn() takes: "
        "after 4 such calls getconn() raises PoolError: connection pool exhausted"
    ]


def test_with_an_unsaved_text_only_its_file_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put({"a.ini": INI, "b.ini": INI, "c.ini": f"; poolcheck: ignore-file[inline-comment] soon\n{INI}"})
    pipe(MENDED, monkeypatch)

    read = document("--stdin-filename", "a.ini", capsys=capsys)

    assert read["findings"] == []
    assert read["summary"]["suppressed"] == 0


@pytest.mark.parametrize("paths", [[], ["-"], ["deploy"]])
def test_the_file_of_an_unsaved_text_need_not_exist(
    paths: Sequence[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put({"deploy/b.ini": INI})
    pipe(INI, monkeypatch)

    found = lines("--stdin-filename", str(Path.cwd() / "new/pgbouncer.ini"), *paths, capsys=capsys)

    assert [line.partition(":")[0] for line in found] == ["new/pgbouncer.ini"]


@pytest.mark.parametrize(("text", "mended"), [(INI, MENDED), (MENDED, MENDED), ("", ""), ("no ini\n", "no ini\n")])
def test_the_mended_text_goes_to_standard_output_and_the_report_to_standard_error(
    text: str, mended: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put({"a.ini": "as it was\n", "b.ini": INI})
    pipe(text, monkeypatch)

    main(["check", "--fix", "--stdin-filename", "a.ini"])

    out, err = capsys.readouterr()
    assert out == mended
    assert " in 2 files.\n" in err
    assert (Path("a.ini").read_text(), Path("b.ini").read_text()) == ("as it was\n", INI)


def test_a_stream_of_manifests_is_checked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put({"a.ini": INI})
    pipe(f"---\nkind: Service\napiVersion: v1\n---\n{MANIFEST}", monkeypatch)

    assert [line.split()[:3] for line in lines("-", capsys=capsys)] == [["-:12:25:", "error", "inline-comment"]]


def test_a_stream_of_manifests_is_linked_with_the_files_besides_it(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(SHOP / "services", folder / "services")
    pipe("---\n".join(path.read_text() for path in sorted((SHOP / "deploy").glob("*.yaml"))), monkeypatch)

    found = lines("--select", "system", "-", "services", capsys=capsys)

    assert any(line.startswith("-:") and "client-connections-exceed-pooler" in line for line in found)
    assert any(line.startswith("services/api/shop/db.py:") for line in found)


def test_a_stream_of_manifests_can_be_mended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(MANIFEST, monkeypatch)

    status = main(["check", "--fix", "-"])

    out, err = capsys.readouterr()
    assert (status, err) == (0, "Fixed 1 problem.\nNo problems found in 1 file.\n")
    assert out == MANIFEST.replace("    pool_mode = session ; for now", "    ; for now\n    pool_mode = session")


# Mending


def test_safe_fixes_are_made(capsys: pytest.CaptureFixture[str]) -> None:
    put({"a.ini": f"{INI}query_wait_timeout = 0\n"})

    status = main(["check", "--fix"])

    assert status == 1
    assert Path("a.ini").read_text() == f"{MENDED}query_wait_timeout = 0\n"
    assert capsys.readouterr().out.endswith(
        "Fixed 1 problem.\nFound 1 problem (1 warning) in 1 file.\n1 fixable with `--fix --unsafe-fixes`.\n"
    )


def test_unsafe_fixes_are_made_when_asked_for() -> None:
    put({"a.ini": f"{INI}query_wait_timeout = 0\n"})

    status = main(["check", "--fix", "--unsafe-fixes"])

    assert (status, Path("a.ini").read_text()) == (0, f"{MENDED}query_wait_timeout = 120\n")


def test_only_rules_that_are_selected_mend() -> None:
    put({"a.ini": INI})

    main(["check", "--fix", "--ignore", "inline-comment"])

    assert Path("a.ini").read_text() == INI


def test_a_diff_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    put({"a.ini": INI})

    status = main(["check", "--diff", "--fix"])

    assert (status, Path("a.ini").read_text()) == (1, INI)
    assert capsys.readouterr().out == (
        "--- a.ini\n+++ a.ini\n@@ -1,2 +1,3 @@\n [pgbouncer]\n-pool_mode = session ; for now\n"
        "+; for now\n+pool_mode = session\n"
    )


def test_a_diff_without_changes_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    put({"a.ini": "[pgbouncer]\nquery_wait_timeout = 0\n"})

    assert main(["check", "--diff"]) == 0
    assert capsys.readouterr().out == ""


def test_line_ends_and_bytes_stay_as_they_are() -> None:
    Path("a.ini").write_bytes(b"[pgbouncer]\r\n; caf\xe9\r\npool_mode = session ; x\r\n")

    main(["check", "--fix"])

    assert Path("a.ini").read_bytes() == b"[pgbouncer]\r\n; caf\xe9\r\n; x\r\npool_mode = session\r\n"


INCLUDES = {
    "deploy/pgbouncer.ini": "[pgbouncer]\n%include tune.conf\n%include users.ini\n",
    "deploy/tune.conf": "idle_transaction_timeout = 5min\n",
    "deploy/users.ini": "[users]\napp = pool_size=5\n",
}


def test_what_is_included_is_checked_and_mended_as_part_of_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    put(INCLUDES)

    found = lines("--select", "time-with-unit", capsys=capsys)
    main(["check", "--select", "time-with-unit", "--fix"])

    assert [each.partition(" ")[0] for each in found] == ["deploy/tune.conf:1:28:"]
    assert Path("deploy/tune.conf").read_text() == "idle_transaction_timeout = 300\n"


def test_what_is_included_is_no_configuration_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    put({**INCLUDES, "deploy/pgbouncer-users.ini": "[users]\napp = pool_size=5\n"})
    put({"deploy/pgbouncer.ini": "[pgbouncer]\n%include pgbouncer-users.ini\n[databases]\nx = host=a\n"})

    assert lines("--select", "bad-section-name", capsys=capsys) == []


def test_a_comment_in_what_is_included_suppresses(capsys: pytest.CaptureFixture[str]) -> None:
    put(INCLUDES)
    put({"deploy/tune.conf": "; poolcheck: ignore[time-with-unit] for now\nidle_transaction_timeout = 5min\n"})

    assert lines("--select", "time-with-unit", capsys=capsys) == []


def test_a_full_disk_leaves_the_file_as_it_was(folder: Path) -> None:
    put({"a.ini": INI})

    ran = subprocess.run(
        [sys.executable, "-m", "poolcheck", "check", "--fix"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4, 4)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", "poolcheck: a.ini: not mended: File too large\n")
    assert [path.name for path in folder.iterdir()] == ["a.ini"]
    assert Path("a.ini").read_text() == INI


def test_a_file_and_a_link_to_it_are_mended_once() -> None:
    put({"b.ini": INI})
    os.symlink("b.ini", "a.ini")

    assert main(["check", "--fix"]) == 0
    assert os.path.islink("a.ini")
    assert Path("b.ini").read_text() == MENDED


def test_a_file_that_changes_while_it_is_checked_is_left_alone(
    put_rule: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    put({"a.ini": INI})
    put_rule("PgBouncerConfig", "Path('a.ini').write_text('new'); yield from ()")

    status = main(["check", "--fix", "a.ini"])

    told = "poolcheck: a.ini: not mended: changed while it was being checked\n"
    assert (status, *capsys.readouterr()) == (2, "", told)
    assert Path("a.ini").read_text() == "new"


LEASES = """\
from psycopg2.pool import ThreadedConnectionPool

pool = ThreadedConnectionPool(1, 5, "host=db.example.com")


def connect():
    conn = pool.getconn()
    conn.autocommit = True
    return conn


def keep(conns, key):
    conns[key] = pool.getconn()


def lose():
    pool.getconn()
"""


def test_verbose_tells_why_nothing_is_said_of_a_connection(capsys: pytest.CaptureFixture[str]) -> None:
    put({"shop/leases.py": LEASES, "shop/a.py": LEASES, "deploy/pgbouncer.ini": INI})

    main(["check", "--verbose", "--output-format", "concise", "--select", "connection-never-released", "."])

    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 3
    assert err == (
        "shop/a.py:7:12: pool.getconn(): returned to the caller at 9:12\n"
        "shop/a.py:13:18: pool.getconn(): kept in a container\n"
        "shop/leases.py:7:12: pool.getconn(): returned to the caller at 9:12\n"
        "shop/leases.py:13:18: pool.getconn(): kept in a container\n"
    )


def test_without_verbose_nothing_is_told_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    put({"shop/leases.py": LEASES})

    assert len(lines("--select", "connection-never-released", ".", capsys=capsys)) == 1


def test_verbose_tells_of_the_file_on_standard_input_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put({"shop/leases.py": LEASES, "shop/a.py": LEASES})
    pipe(LEASES, monkeypatch)

    main(["check", "--verbose", "--quiet", "--stdin-filename", "shop/a.py", "."])

    assert all(line.startswith("shop/a.py:") for line in capsys.readouterr().err.splitlines())
