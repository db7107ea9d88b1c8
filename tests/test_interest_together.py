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


@pytest.mark.parametrize(
    "text",
    [
        "session = self.edb_session()\nsession.execute(query)\n",
        "db = await get_session_sync()\ndb.commit()\n",
        "session = session_class()()\nfound = session.scalars(query)\n",
        "session: Session = Database.create_session(expire_on_commit=False)\nsession.query(User)\n",
    ],
)
def test_a_file_that_takes_a_session_of_whatever_is_called_so_is_read(text: str) -> None:
    assert mentions_a_pool(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "session = requests.Session()\nsession.get(url)\n",
        "def run(session):\n    session.execute(query)\n",
        "session_id = request.session_id\nqueue.execute(session_id)\n",
    ],
)
def test_a_file_that_is_given_one_or_takes_another_is_not(text: str) -> None:
    assert not mentions_a_pool(text.encode())
