import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.sql.executed import Executed, executed_in
from poolcheck.read.python.syntax.module import Project
from poolcheck.read.sql.acts import Act

BEFORE = """\
from django.db import models, transaction
from django.db.models import QuerySet
from .models import Order
"""
CLASSES = """
class Orders(models.QuerySet):
    def f(self):
        {}
class Customer(models.Model):
    wishes = models.ManyToManyField(Order)
    def f(self):
        {}
class Reader:
    def iterator(self):
        return []
    def f(self):
        {}
"""


def read(text: str) -> list[Executed]:
    """The query sets that a module reads one by one."""
    module = Project(Memory({"shop/views.py": text.encode()}), ["shop/views.py"]).module("shop/views.py")
    assert module
    return [each for each in deep(lambda: list(executed_in(module))) if each.act is Act.CURSOR]


@pytest.mark.parametrize(
    "text",
    [
        "Order.objects.iterator()",
        "Order.objects.paid().late().iterator()",
        "Order._default_manager.iterator()",
        "customer.order_set.iterator()",
        "a.filter(b=1).iterator(chunk_size=9)",
        "page.get_descendants().live().iterator()",
        "orders = Order.objects.all()\norders.iterator()",
        "def f(queryset):\n    queryset.iterator()",
        "def f(orders: QuerySet[Order]):\n    orders.iterator()",
        "def all_orders():\n    return Order.objects.order_by('id')\nall_orders().iterator()",
        "async def f():\n    return [each async for each in Order.objects.aiterator()]",
    ],
)
def test_what_is_a_query_set(text: str) -> None:
    assert len(read(BEFORE + text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "rows.iterator()",
        "pathlib.Path('a').iterator()",
        "{}.iterator()",
        "frame['a'].iterator()",
        "def f(reader: Reader):\n    reader.iterator()",
        "open_orders().iterator()",
        "self.iterator()",
        "Order.objects.select_for_update().iterator()",
        "orders = Order.objects.select_for_update()\norders.iterator()",
        "Order.objects.iterator",
    ],
)
def test_what_is_none_that_needs_a_cursor(text: str) -> None:
    assert read(BEFORE + text) == []


def test_a_method_reads_its_own_objects() -> None:
    found = read(BEFORE + CLASSES.format("self.iterator()", "self.wishes.iterator()", "self.iterator()"))

    assert [each.origin.setting for each in found] == ["DATABASES['default']"] * 2


def test_without_django_nothing_is_a_query_set() -> None:
    assert read("def f(queryset):\n    queryset.filter(a=1).iterator()") == []


@pytest.mark.parametrize(
    ("text", "setting", "is_routed"),
    [
        ("Order.objects.iterator()", "DATABASES['default']", True),
        ("Order.objects.using('logs').iterator()", "DATABASES['logs']", False),
        ("Order.objects.db_manager('logs').all().iterator()", "DATABASES['logs']", False),
        ("LOGS = 'logs'\norders = Order.objects.using(LOGS)\norders.iterator()", "DATABASES['logs']", False),
        ("def f(alias):\n    Order.objects.using(alias).iterator()", None, False),
    ],
)
def test_the_database_is_the_one_that_is_named_or_the_default(
    text: str, setting: str | None, is_routed: bool
) -> None:
    [found] = read(BEFORE + text)

    assert (found.origin.setting, found.origin.is_routed) == (setting, is_routed)


@pytest.mark.parametrize(
    ("text", "is_seen"),
    [
        ("with transaction.atomic():\n    Order.objects.iterator()", True),
        ("with transaction.atomic(using='logs'), a() as b:\n    list(Order.objects.iterator())", True),
        ("@transaction.atomic\ndef f():\n    Order.objects.iterator()", True),
        ("with atoms():\n    Order.objects.iterator()", False),
        ("Order.objects.iterator()", False),
    ],
)
def test_a_transaction_around_is_seen(text: str, is_seen: bool) -> None:
    [found] = read(BEFORE + text)

    assert (found.transaction is not None) is is_seen
