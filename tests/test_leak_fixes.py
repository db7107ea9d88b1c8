"""The fixes of leaks: leak_fixes.txt beside this file, all that leaks in leaks.txt, and what they do when run."""

import ast
import asyncio
import inspect
import re
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from itertools import accumulate, product
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.finding import Fix
from poolcheck.read.python.leaks.following.outcome import Outcome
from poolcheck.read.python.leaks.mending.fixes import fix_of
from poolcheck.read.python.leaks.taking.checkouts import Checkout, checkouts_of
from poolcheck.read.python.syntax.module import Project
from poolcheck.source import Source, apply
from recorded_pool import Double, Failed, Names, Record
from test_leaks import BEFORE as BEFORE_SNIPPETS
from test_leaks import snippets

PATH = "shop/app.py"
BEFORE = """import asyncio
from contextlib import closing, contextmanager

import aiopg, asyncpg, psycopg, psycopg2
from psycopg2.pool import ThreadedConnectionPool
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

pool = ThreadedConnectionPool(1, 5, dsn)
new_pool = ConnectionPool(dsn, open=False)
async_pool = AsyncConnectionPool(dsn, open=False)
engine = create_engine("postgresql://db/shop")
async_engine = create_async_engine("postgresql+asyncpg://db/shop")
SessionLocal = sessionmaker(bind=engine)
AsyncSessionLocal = async_sessionmaker(async_engine)

def get_pool() -> ThreadedConnectionPool:
    return pool

"""
LAST_OF_ALL = "\nRegistry = scoped_session(SessionLocal)\n"
"""The end of what all of leaks.txt has before it."""

LEAKING = frozenset(
    {Outcome.NEVER_RELEASED, Outcome.RELEASED_IN_VAIN, Outcome.LEFT_EARLY, Outcome.SKIPPED_ON_EXCEPTION}
)


class Case(NamedTuple):
    """A function that leaks, and what it becomes; None where nothing is offered."""

    title: str
    kind: str
    before: str
    after: str | None

    def __str__(self) -> str:
        return f"{self.kind}: {self.title}"


class Mended(NamedTuple):
    """A checkout that leaks, its fix, and the text that the fix makes; None where there is none."""

    checkout: Checkout
    fix: Fix | None
    text: str | None


def cases() -> Iterator[Case]:
    text = Path(__file__).with_name("leak_fixes.txt").read_text("utf-8")
    _, *parts = re.split(r"^== ", text, flags=re.MULTILINE)
    for part in parts:
        head, _, code = part.partition("\n")
        kind, _, title = head.partition(": ")
        before, _, after = re.sub(r"^# ---.*\n", "", code, flags=re.MULTILINE).partition("\n--\n")
        yield Case(title, kind, before.strip() + "\n", after.strip() + "\n" if after else None)


CASES = [*cases()]
MENDED = [case for case in CASES if case.after]
SAFE = [case for case in CASES if case.kind == "safe"]


@lru_cache(maxsize=1024)
def mended(text: str) -> list[Mended]:
    """What becomes of the connections that leak in a module."""

    def work() -> list[Mended]:
        module = Project(Memory({})).add(Source(PATH, text))
        known = [*checkouts_of(module)]
        leaking = [each for each in known if outcome(each) in LEAKING]
        found = [(each, fix_of(each, module, known)) for each in leaking]
        return [Mended(each, fix, apply(text, fix.edits) if fix else None) for each, fix in found]

    return deep(work)


def outcome(checkout: Checkout) -> Outcome | None:
    return getattr(checkout.fate, "outcome", None)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_made_of_a_function_that_leaks(case: Case) -> None:
    found, *others = mended(BEFORE + case.before)

    assert not others
    assert found.text == (BEFORE + case.after if case.after else None)
    assert kind_of(found.fix) == case.kind


def kind_of(fix: Fix | None) -> str:
    return "none" if fix is None else "safe" if fix.safe else "unsafe"


def of_windows_and_tabs(text: str) -> str:
    return indented_by("\t", text).replace("\n", "\r\n")


def of_long_ago_and_three_blanks(text: str) -> str:
    return indented_by("   ", text).replace("\n", "\r")


def indented_by(step: str, text: str) -> str:
    return re.sub(r"^(?: {4})+", lambda found: step * (len(found.group()) // 4), text, flags=re.MULTILINE)


@pytest.mark.parametrize("case", MENDED, ids=str)
@pytest.mark.parametrize("changed", [of_windows_and_tabs, of_long_ago_and_three_blanks])
def test_the_style_of_the_file_is_kept(case: Case, changed: Callable[[str], str]) -> None:
    found, *_ = mended(changed(BEFORE + case.before))

    assert found.text == changed(BEFORE + (case.after or ""))


@pytest.mark.parametrize("case", MENDED, ids=str)
def test_a_last_line_may_lack_its_line_break(case: Case) -> None:
    found, *_ = mended(BEFORE + case.before.rstrip("\n"))

    assert found.text == BEFORE + (case.after or "").rstrip("\n")


def test_a_file_may_begin_with_a_mark() -> None:
    case = SAFE[0]

    found, *_ = mended("\ufeff" + BEFORE + case.before)

    assert found.text == "\ufeff" + BEFORE + (case.after or "")


IMPORTS = {
    "import os\nimport psycopg2\n": "import os\nimport psycopg2\nfrom contextlib import closing\n",
    "import os\n\nimport psycopg2\n": "import os\nfrom contextlib import closing\n\nimport psycopg2\n",
    "import os\nfrom pathlib import Path\n\nimport psycopg2\n": (
        "import os\nfrom contextlib import closing\nfrom pathlib import Path\n\nimport psycopg2\n"
    ),
    "import psycopg2  # the driver\n": "from contextlib import closing\n\nimport psycopg2  # the driver\n",
    '"""Loads."""\n\nfrom __future__ import annotations\n\nimport psycopg2\n': (
        '"""Loads."""\n\nfrom __future__ import annotations\n\nfrom contextlib import closing\n\nimport psycopg2\n'
    ),
    "#!/usr/bin/env python\n# Loads.\nimport psycopg2\n": (
        "#!/usr/bin/env python\n# Loads.\nfrom contextlib import closing\n\nimport psycopg2\n"
    ),
    "from contextlib import contextmanager\nimport psycopg2\n": (
        "from contextlib import closing, contextmanager\nimport psycopg2\n"
    ),
    "from contextlib import ExitStack, aclosing\nimport psycopg2\n": (
        "from contextlib import ExitStack, aclosing, closing\nimport psycopg2\n"
    ),
    "from contextlib import (\n    aclosing,  # later\n    contextmanager,\n)\nimport psycopg2\n": (
        "from contextlib import (\n    aclosing,  # later\n    closing,\n    contextmanager,\n)\nimport psycopg2\n"
    ),
    "from contextlib import (\n    ExitStack,\n)\nimport psycopg2\n": (
        "from contextlib import (\n    ExitStack,\n    closing,\n)\nimport psycopg2\n"
    ),
    "import contextlib\nimport psycopg2\n": "import contextlib\nimport psycopg2\n",
    "from contextlib import closing as ending\nimport psycopg2\n": (
        "from contextlib import closing as ending\nimport psycopg2\n"
    ),
    "from contextlib import *\nimport psycopg2\n": "from contextlib import *\nimport psycopg2\n",
}
CALLED = {"import contextlib\n": "contextlib.closing", "closing as ending": "ending"}


@pytest.mark.parametrize(("before", "after"), IMPORTS.items())
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_what_a_fix_needs_is_imported(before: str, after: str, line_break: str) -> None:
    function = "def run(dsn):\n    with {}psycopg2.connect(dsn){} as conn{}:\n        conn.cursor().execute(1)\n"
    name = next((name for part, name in CALLED.items() if part in before), "closing")

    found, *_ = mended(f"{before}\n{function.format('', '', '')}".replace("\n", line_break))

    expected = f"{after}\n{function.format(f'{name}(', ')', ', conn')}"
    assert found.text == expected.replace("\n", line_break)


@pytest.mark.parametrize(
    "taken",
    [
        "from shop import closing\n",
        "def closing(day): ...\n",
        "closing = 18\n",
        "try:\n    import closing\nexcept ImportError: ...\n",
    ],
)
def test_no_name_is_imported_that_means_something_else(taken: str) -> None:
    function = "def run(dsn):\n    with psycopg2.connect(dsn) as conn:\n        conn.cursor().execute(1)\n"

    found, *_ = mended(f"import psycopg2\n{taken}\n{function}")

    assert found.fix is None


def leaking() -> Iterator[Case]:
    """What leaks in leaks.txt."""
    for snippet in snippets():
        if snippet.fates != ("fine",):
            yield Case(snippet.title, snippet.fates[0], BEFORE_SNIPPETS + snippet.code, None)


@pytest.mark.parametrize("case", [*leaking()], ids=str)
def test_what_is_mended_leaks_no_more_and_is_otherwise_as_it_was(case: Case) -> None:
    text, leaks = case.before, outcomes(case.before)
    while made := next((each for each in mended(text) if each.text), None):
        assert made.fix
        assert made.text
        assert texts_in(made.text) == texts_in(text)
        assert {*lines_of(text)} - {*lines_of(made.text)} <= replaced(text, made.fix)
        leaks -= Counter([outcome(made.checkout)])
        assert outcomes(made.text) == leaks
        text = made.text


def outcomes(text: str) -> Counter[Outcome | None]:
    """How often the connections that leak in a module come to what end."""
    return Counter(outcome(each.checkout) for each in mended(text))


def texts_in(text: str) -> list[str]:
    """The texts that strings are worth."""
    nodes = ast.walk(ast.parse(text))
    return sorted(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def replaced(text: str, fix: Fix) -> set[str]:
    """The lines that a fix writes something else into, without their indentation."""
    written = [edit.span for edit in fix.edits if edit.text.strip() or edit.span.end > edit.span.start]
    lines = text.splitlines(keepends=True)
    starts = accumulate((len(line) for line in lines), initial=0)
    return {
        line.strip()
        for start, line in zip(starts, lines, strict=False)
        if any(span.start < start + len(line) and start <= span.end for span in written)
    }


class Ran(NamedTuple):
    """What came of a run, and of each connection that it took: how often it was given back."""

    result: str
    given_back: tuple[int, ...]


@pytest.mark.parametrize("case", SAFE, ids=str)
def test_a_safe_fix_changes_nothing_but_that_all_is_given_back(case: Case) -> None:
    assert has_given_back_more(case.before, case.after or "")


@pytest.mark.parametrize("case", [*leaking()], ids=str)
def test_so_does_each_safe_fix_of_what_leaks(case: Case) -> None:
    for made in mended(case.before):
        if made.fix and made.fix.safe and made.text and "def run(" in made.text:
            assert has_given_back_more(*(each.partition(LAST_OF_ALL)[2] for each in (case.before, made.text)))


def has_given_back_more(before: str, after: str) -> bool:
    """Whether that is so in some run, of all that there may be; and nothing else is otherwise in any."""
    is_leaking = False
    for fails_at, failure, is_true in product(range(MOST_FAILURES), (Failed, KeyError), (True, False)):
        first = ran(before, Record(fails_at, failure, is_true=is_true))
        second = ran(after, Record(fails_at, failure, is_true=is_true))
        assert second.result == first.result
        assert second.given_back == tuple(count or 1 for count in first.given_back)
        is_leaking |= second != first
    return is_leaking


MOST_FAILURES = 30
"""More calls than this no case makes."""


def ran(code: str, record: Record) -> Ran:
    """What comes of the function `run` in a piece of code, or of the method of its last class."""
    space = Names(record)
    exec(compile(code, PATH, "exec"), space)
    kinds = [each for each in space.values() if isinstance(each, type)]
    function = space.get("run") or getattr(kinds[-1](), "run", None)
    assert callable(function)
    arguments = [Double(name, record) for name in inspect.signature(function).parameters]
    try:
        result = repr(finished(function(*arguments)))
    except (Failed, KeyError, ValueError) as error:
        result = type(error).__name__
    return Ran(result, tuple(record.released.count(number) for number in range(1, record.taken + 1)))


def finished(result: object) -> object:
    """What a coroutine returns; what a context manager lends is used."""
    if inspect.iscoroutine(result):
        return asyncio.run(cast("Coroutine[object, object, object]", result))
    if hasattr(result, "gen"):
        with cast("AbstractContextManager[Double]", result) as lent:
            lent.used()
        return None
    return result
