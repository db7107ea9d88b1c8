import re
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolcheck.read.python.interest import NAMES, anchored, mentions_a_pool
from poolcheck.read.python.libraries.constructors import BY_NAME

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
SAMPLE = sorted(LIBRARY.glob("*.py"))[::5]
PIECES = st.sampled_from([*NAMES, *(name[:-1] for name in NAMES), *(name[1:] for name in NAMES), " ", "q", "\n"])


@given(st.lists(PIECES, max_size=6).map("".join))
def test_the_prefilter_finds_what_a_plain_search_finds(text: str) -> None:
    assert mentions_a_pool(text.encode()) == any(name in text for name in NAMES)


@given(st.lists(st.text("abz_(", min_size=1, max_size=4), min_size=1, max_size=4), st.text("abz_(", max_size=12))
def test_anchored_names_are_found_where_an_alternation_finds_them(names: list[str], text: str) -> None:
    found = re.search(anchored(names), text)

    assert (found is not None) == any(name in text for name in names)


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_the_prefilter_agrees_with_a_plain_search_on_the_standard_library(path: Path) -> None:
    data = path.read_bytes()

    assert mentions_a_pool(data) == any(name.encode() in data for name in NAMES)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_file_that_makes_a_pool_is_read_however_it_is_imported(name: str) -> None:
    package, _, last = name.rpartition(".")
    folder, _, module = package.rpartition(".")
    texts = [f"import {package}\n{name}()", f"from {package} import {last}\n{last}()"]
    texts += [f"from {folder} import {module}\n{module}.{last}()"] if folder else []

    assert [text for text in texts if not mentions_a_pool(text.encode())] == []


@pytest.mark.parametrize("text", ["", "import redis", "pool_size=5", "SELECT 1", "connection.close()"])
def test_a_file_that_makes_none_is_not_read(text: str) -> None:
    assert not mentions_a_pool(text.encode())
