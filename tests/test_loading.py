import pytest

from poolcheck.files import Memory
from poolcheck.read.python.running.loading import loads
from poolcheck.read.python.syntax.module import Project


def is_loaded(text: str) -> bool:
    """Whether a module imports shop/db.py, or shop/between.py does for it."""
    texts = {"app.py": text, "shop/__init__.py": "", "shop/db.py": "", "shop/between.py": "from shop import db\n"}
    module = Project(Memory({path: each.encode() for path, each in texts.items()})).module("app.py")
    assert module
    return loads(module, "shop/db.py")


@pytest.mark.parametrize(
    "text",
    [
        "import shop.db\n",
        "from shop import db as d\n",
        "from shop import between\n",
        "if X:\n    from shop.db import y\n",
    ],
)
def test_what_is_imported_at_once(text: str) -> None:
    assert is_loaded(text)


@pytest.mark.parametrize(
    "text",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop import db\n",
        "def f():\n    from shop import db\n",
        "if __name__ == '__main__':\n    from shop import db\n",
        "import shop\n",
    ],
)
def test_what_is_imported_later_or_not_at_all(text: str) -> None:
    assert not is_loaded(text)
