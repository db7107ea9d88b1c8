import pytest

from poolcheck.read.python.interest import mentions_a_pool


@pytest.mark.parametrize(
    "text",
    [
        "async def f(s: AsyncSession): await asyncio.gather(a(s), b(s))",
        "from celery import shared_task\nimport asyncio\n",
        "Base.metadata.create_all(bind=engine)",
    ],
)
def test_a_file_that_uses_sessions_at_the_same_time_or_in_other_processes_is_read(text: str) -> None:
    assert mentions_a_pool(text.encode())


@pytest.mark.parametrize(
    "text", ["async def f(s: AsyncSession): ...", "from celery import shared_task", "create_all()"]
)
def test_one_word_of_them_does_not_suffice(text: str) -> None:
    assert not mentions_a_pool(text.encode())
