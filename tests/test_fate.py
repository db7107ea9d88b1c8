from textwrap import dedent, indent

import pytest

from poolcheck.deep import deep
from poolcheck.files import Memory
from poolcheck.read.python.leaks.following.left import MOST_EXITS
from poolcheck.read.python.leaks.following.outcome import Answer, Fate, Leaving, Outcome
from poolcheck.read.python.leaks.taking.checkouts import Checkout, checkouts_of
from poolcheck.read.python.syntax.module import Project
from poolcheck.source import Source, Span

BEFORE = """
import psycopg2
from contextlib import closing, contextmanager
from psycopg2.pool import ThreadedConnectionPool
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

pool = ThreadedConnectionPool(1, 5, dsn)
engine = create_engine(url)
async_engine = create_async_engine(url)

"""


def function(body: str) -> str:
    return f"{BEFORE}def run(sql, path):\n{indent(dedent(body).strip(), '    ')}\n"


def checkout(text: str) -> Checkout:
    """The first in a module."""
    module = Project(Memory({})).add(Source("shop/db.py", text))
    found, *_ = deep(lambda: list(checkouts_of(module)))
    return found


def fate(text: str) -> Fate:
    found = checkout(text).fate
    assert found
    return found


def outcome(body: str) -> Outcome | None:
    """What becomes of the connection that a function with this body takes."""
    found = checkout(function(body)).fate
    return found.outcome if found else None


def shown(text: str, place: Span | None) -> str | None:
    return text[place.start : place.end] if place else None


@pytest.mark.parametrize(
    "body",
    [
        "conn = pool.getconn()\nconn.cursor().execute(sql)",
        "conn = pool.getconn()\nwith conn, conn.cursor() as cur:\n    cur.execute(sql)\n    return cur.fetchall()",
        "conn: object = pool.getconn()\ncur = conn.cursor()\nreturn [row[0] for row in cur]",
        "conn = pool.getconn()\nif conn and not conn.closed:\n    print(f'{conn}', conn)",
        "conn = pool.getconn()\ndel conn",
        "conn = pool.getconn()\nconn.cursor().execute(sql)\nconn = None",
        "try:\n    conn = pool.getconn()\n    conn.cursor().execute(sql)\nexcept Exception:\n    raise",
        "pool.getconn()",
        "rows = pool.getconn().cursor().fetchall()",
        "with pool.getconn().cursor() as cur:\n    cur.execute(sql)",
        "conn = engine.connect()\nreturn conn.execute(sql).scalar_one()",
        "conn = engine.connect().execution_options(isolation_level='AUTOCOMMIT')\nconn.execute(sql)",
        "conn = engine.connect()\nconn = conn.execution_options(autocommit=True)\nreturn list(conn.execute(sql))",
        "conn = engine.connect()\nsession = Session(bind=conn)\nsession.execute(sql)\nsession.close()",
        "conn = engine.connect()\nfor number, row in enumerate(conn.execute(sql)):\n    print(number, row)",
        "conn = engine.connect()\nreturn pd.DataFrame(conn.execute(sql))",
        "return engine.connect().execute(sql).fetchall()",
        "for row in engine.connect().execute(sql):\n    print(row)",
        "return pd.read_sql(sql, engine.connect())",
        "conn = psycopg2.connect(dsn)\ncur = conn.cursor()\ncur.execute(sql)\ncount = cur.rowcount\nreturn count",
        "db = psycopg2.connect(dsn)\nwith db as conn, conn.cursor() as cur:\n    cur.execute(sql)",
        "cur = psycopg2.connect(dsn).cursor()\ncur.execute(sql)\nreturn cur.fetchall()",
    ],
)
def test_a_connection_that_nothing_gives_back_is_never_released(body: str) -> None:
    assert outcome(body) is Outcome.NEVER_RELEASED


@pytest.mark.parametrize(
    "body",
    [
        "return pool.getconn()",
        "conn = pool.getconn()\nreturn conn, conn.cursor()",
        "conn = pool.getconn()\nreturn {'conn': conn}",
        "conn = pool.getconn()\nreturn dict(conn=conn)",
        "conn = pool.getconn()\nreturn conn or None",
        "conn = pool.getconn()\nother = conn if sql else None\nreturn other",
        "conn = pool.getconn()\nreturn conn.cursor()",
        "conn = pool.getconn()\nreturn conn.cursor().execute",
        "conn = engine.connect()\nreturn conn.execute(sql)",
        "conn = engine.connect()\nresult = conn.execute(sql)\nreturn result",
        "conn = engine.connect()\nreturn enumerate(conn.execute(sql))",
        "conn = engine.connect()\nreturn pd.read_sql(sql, conn, chunksize=100)",
        "conn = engine.connect()\nsession = Session(conn)\nreturn session",
        "result = engine.connect().execute(sql)\nreturn result",
        "return inspect(engine.connect())",
        "cur = psycopg2.connect(dsn).cursor()\nreturn cur",
        "db = psycopg2.connect(dsn)\nwith db as conn:\n    return conn",
        "conn = pool.getconn()\nyield conn",
    ],
)
def test_a_connection_that_is_returned_is_somebody_elses(body: str) -> None:
    assert outcome(body) is None


@pytest.mark.parametrize(
    "body",
    [
        "path.conn = pool.getconn()",
        "conn = pool.getconn()\npath.conn = conn",
        "path.conn = conn = pool.getconn()",
        "conn = pool.getconn()\npath['conn'] = conn",
        "conn = pool.getconn()\npath.append(conn)",
        "conn = pool.getconn()\nsetattr(path, 'conn', conn)",
        "conn = pool.getconn()\nstack.callback(pool.putconn, conn)",
        "conn = psycopg2.connect(dsn)\natexit.register(conn.close)",
        "conn = psycopg2.connect(dsn)\npath.execute = conn.cursor().execute",
        "global conn\nconn = psycopg2.connect(dsn)",
        "conn = pool.getconn()\nThread(target=run, args=(conn,)).start()",
        "conn = pool.getconn()\nexecutor.submit(run, conn)",
        "conn = pool.getconn()\nhandle(conn)",
        "conn = pool.getconn()\nrepository = Repository(conn)",
        "conn = pool.getconn()\ndef later():\n    pool.putconn(conn)\nreturn later",
        "conn = pool.getconn()\npath.run = lambda: conn.cursor()",
        "conn = psycopg2.connect(dsn)\nother = conn\nother.close()",
        "conn = psycopg2.connect(dsn)\ncur = conn.cursor()\ncur.connection.close()",
        "conns = [psycopg2.connect(dsn) for _ in path]",
    ],
)
def test_a_connection_that_is_stored_or_handed_over_is_not_judged(body: str) -> None:
    assert outcome(body) is None


@pytest.mark.parametrize(
    "body",
    [
        "conn = pool.getconn()\ntry:\n    conn.cursor().execute(sql)\nfinally:\n    pool.putconn(conn)",
        "conn = None\ntry:\n    conn = pool.getconn()\nfinally:\n    if conn:\n        pool.putconn(conn)",
        "try:\n    conn = psycopg2.connect(dsn)\nexcept Exception:\n    return False\nelse:\n    conn.close()",
        "conn = psycopg2.connect(dsn)\nconn.close()",
        "psycopg2.connect(dsn).close()",
        "with closing(psycopg2.connect(dsn)) as conn, conn:\n    conn.cursor().execute(sql)",
        "with engine.connect() as conn:\n    conn.execute(sql)",
        "conn = engine.connect()\nwith conn:\n    conn.execute(sql)",
        "conn = engine.connect()\nwith closing(conn):\n    conn.execute(sql)",
    ],
)
def test_a_connection_that_is_given_back_is_well(body: str) -> None:
    assert outcome(body) is None


@pytest.mark.parametrize(
    "body",
    [
        "conn = pool.getconn()\nif sql:\n    pool.putconn(conn)",
        "conn = pool.getconn()\nif not sql:\n    return None\nconn.cursor().execute(sql)\npool.putconn(conn)",
        "conn = pool.getconn()\nif conn.closed:\n    pool.putconn(conn, close=True)\n    conn = pool.getconn(key)",
    ],
)
def test_a_connection_that_only_some_path_gives_back_is_left_on_the_others(body: str) -> None:
    assert outcome(body) is Outcome.LEFT_EARLY


def test_a_connection_that_is_used_where_it_is_taken_and_kept_by_nothing_goes_back_by_itself() -> None:
    driver = outcome("psycopg2.connect(dsn)")
    raw = outcome("engine.raw_connection().cursor().execute(sql)")
    unused = outcome("engine.connect()")
    transaction = outcome("with engine.connect().begin():\n    pass")

    assert [driver, raw, unused, transaction] == [None] * 4


def test_an_asynchronous_call_that_is_not_awaited_takes_nothing() -> None:
    text = f"{BEFORE}async def run(sql):\n    conn = async_engine.connect()\n    async with conn:\n        pass\n"

    assert checkout(text).fate is None


def test_an_asynchronous_call_that_is_awaited_is_judged() -> None:
    text = f"{BEFORE}async def run(sql):\n    conn = await async_engine.connect()\n    await conn.execute(sql)\n"

    assert fate(text).outcome is Outcome.NEVER_RELEASED


@pytest.mark.parametrize(
    "body",
    [
        "with pool.getconn() as conn:\n    conn.cursor().execute(sql)",
        "with pool.getconn():\n    pass",
        "with pool.getconn() as conn:\n    load(conn)",
        "with psycopg2.connect(dsn) as conn, conn.cursor() as cur:\n    cur.execute(sql)",
        "with psycopg2.connect(dsn) as conn:\n    yield conn",
        "with closing(pool.getconn()) as conn:\n    conn.cursor().execute(sql)",
        "conn = pool.getconn()\ntry:\n    conn.cursor().execute(sql)\nfinally:\n    conn.close()",
        "conn = pool.getconn()\nwith closing(conn):\n    conn.cursor().execute(sql)",
    ],
)
def test_a_release_that_does_not_give_back_is_in_vain(body: str) -> None:
    assert outcome(body) is Outcome.RELEASED_IN_VAIN


@pytest.mark.parametrize(
    "body",
    [
        "with pool.getconn() as conn:\n    pool.putconn(conn)",
        "with pool.getconn() as conn:\n    return conn",
        "with psycopg2.connect(dsn) as conn:\n    path.conn = conn",
        "with psycopg2.connect(dsn) as conn:\n    release(conn)",
        "with psycopg2.connect(dsn) as conn:\n    pass\nconn.close()",
        "conn = pool.getconn()\ntry:\n    work(sql)\nfinally:\n    conn.close()\n    pool.putconn(conn)",
    ],
)
def test_a_release_in_vain_that_another_makes_up_for_is_well(body: str) -> None:
    assert outcome(body) is None


def test_a_release_in_vain_is_told_at_its_place() -> None:
    text = function("conn = pool.getconn()\nconn.cursor().execute(sql)\nconn.close()")

    assert shown(text, fate(text).decided_at) == "conn.close()"


@pytest.mark.parametrize(
    "body",
    [
        "conn = pool.getconn()\nconn.cursor().execute(sql)\npool.putconn(conn)",
        "conn = pool.getconn()\nwith conn.cursor() as cur:\n    cur.execute(sql)\npool.putconn(conn)",
        "conn = pool.getconn()\ncur = cursor_of(conn)\nrows = cur.fetchall()\npool.putconn(conn)\nreturn rows",
        "conn = pool.getconn()\nself._load(conn)\npool.putconn(conn)",
        "conn = engine.connect()\nfor row in conn.execute(sql):\n    print(row)\nconn.close()",
        "conn = engine.connect()\nframe.to_sql('orders', conn)\nconn.close()",
        "conn = psycopg2.connect(dsn)\nwith conn:\n    conn.cursor().execute(sql)\nconn.close()",
        "try:\n    conn = pool.getconn()\n    read_all(conn)\n    pool.putconn(conn)\nexcept Exception:\n    pass",
        "for each in path:\n    conn = pool.getconn()\n    conn.cursor().execute(each)\n    pool.putconn(conn)",
    ],
)
def test_a_release_behind_a_statement_that_asks_the_server_is_skipped_by_its_exception(body: str) -> None:
    assert outcome(body) is Outcome.SKIPPED_ON_EXCEPTION


def test_an_exception_that_is_passed_on_skips_the_release() -> None:
    text = function("""
        conn = pool.getconn()
        try:
            conn.cursor().execute(sql)
        except Exception:
            conn.rollback()
            raise
        pool.putconn(conn)
    """)

    assert fate(text).outcome is Outcome.SKIPPED_ON_EXCEPTION


def test_an_exception_before_the_try_skips_its_finally() -> None:
    text = function("""
        conn = pool.getconn()
        cur = conn.cursor()
        cur.execute("SET LOCAL work_mem = '1GB'")
        try:
            cur.execute(sql)
        finally:
            pool.putconn(conn)
    """)

    found = fate(text)

    assert found.outcome is Outcome.SKIPPED_ON_EXCEPTION
    assert shown(text, found.decided_at) == """cur.execute("SET LOCAL work_mem = '1GB'")"""
    assert shown(text, found.release) == "pool.putconn(conn)"


def test_what_stands_behind_a_try_that_only_takes_the_connection_is_judged_with_it() -> None:
    body = """
        try:
            conn = psycopg2.connect(dsn)
        except psycopg2.OperationalError:
            return None
        conn.cursor().execute(sql)
        conn.close()
    """

    assert outcome(body) is Outcome.SKIPPED_ON_EXCEPTION


def test_the_else_of_a_try_that_takes_the_connection_is_judged_with_it() -> None:
    body = """
        try:
            conn = psycopg2.connect(dsn)
        except psycopg2.OperationalError:
            return None
        else:
            conn.cursor().execute(sql)
            conn.close()
    """

    assert outcome(body) is Outcome.SKIPPED_ON_EXCEPTION


@pytest.mark.parametrize(
    "between",
    [
        "conn.autocommit = True\ncur = conn.cursor()",
        "conn.set_session(readonly=True)\nconn.rollback()",
        "log.debug('%s', conn)\nprint(len(sql), isinstance(conn, object))",
        "session = sessionmaker(bind=conn)",
        "total = compute(sql)",
    ],
)
def test_nothing_is_skipped_where_nothing_asks_the_server(between: str) -> None:
    assert outcome(f"conn = pool.getconn()\n{between}\npool.putconn(conn)") is None


@pytest.mark.parametrize("handler", ["except Exception:", "except psycopg2.Error as error:", "except:"])
def test_an_exception_that_is_caught_before_the_release_does_not_skip_it(handler: str) -> None:
    body = f"""
        conn = pool.getconn()
        try:
            conn.cursor().execute(sql)
        {handler}
            conn.rollback()
        pool.putconn(conn)
    """

    assert outcome(body) is None


def test_what_a_handler_is_handed_it_may_give_back() -> None:
    body = """
        conn = pool.getconn()
        try:
            conn.cursor().execute(sql)
        except Exception:
            discard(conn)
            raise
        pool.putconn(conn)
    """

    assert outcome(body) is None


@pytest.mark.parametrize(
    ("leaving", "expected"), [("return None", Leaving.RETURNING), ("raise ValueError", Leaving.RAISING)]
)
def test_another_way_out_is_told(leaving: str, expected: Leaving) -> None:
    text = function(
        f"conn = pool.getconn()\nif sql:\n    {leaving}\nconn.cursor().execute(sql)\npool.putconn(conn)"
    )

    found = fate(text)

    assert found.outcome is Outcome.LEFT_EARLY
    assert [(shown(text, each.span), each.how) for each in found.left] == [(leaving, expected)]
    assert shown(text, found.release) == "pool.putconn(conn)"


def test_a_generator_is_said_to_be_left_and_not_to_leak_on_an_exception() -> None:
    body = "conn = pool.getconn()\nif sql:\n    yield sql\nconn.cursor().execute(sql)\npool.putconn(conn)"

    assert outcome(body) is Outcome.CANCELLED


def test_leaving_a_loop_that_is_in_between_is_no_way_out() -> None:
    body = """
        conn = pool.getconn()
        cur = conn.cursor()
        while True:
            cur.execute(sql)
            if not cur.fetchone():
                break
        pool.putconn(conn)
    """

    assert outcome(body) is Outcome.SKIPPED_ON_EXCEPTION


def test_the_next_round_of_the_loop_that_takes_the_connection_is_a_way_out() -> None:
    text = function("""
        for each in path:
            conn = pool.getconn()
            conn.cursor().execute(each)
            if each == sql:
                continue
            pool.putconn(conn)
    """)

    found = fate(text)

    assert found.outcome is Outcome.LEFT_EARLY
    assert [(shown(text, each.span), each.how) for each in found.left] == [("continue", Leaving.LOOPING)]


@pytest.mark.parametrize(
    "loop",
    [
        "while True:\n    conn.cursor().execute(sql)",
        "while True:\n    if sql:\n        continue\n    for each in path:\n        break\n    conn.commit()",
        "for message in consumer:\n    conn.cursor().execute(message)",
        "for notify in self.client.listen():\n    conn.cursor().execute(sql)",
    ],
)
def test_a_function_that_goes_on_for_ever_keeps_its_connection(loop: str) -> None:
    assert outcome(f"conn = psycopg2.connect(dsn)\n{loop}") is None


@pytest.mark.parametrize(
    "body",
    [
        "conn = psycopg2.connect(dsn)\nwhile True:\n    if not conn.cursor().fetchone():\n        break",
        "conn = psycopg2.connect(dsn)\nwhile True:\n    return conn.cursor().fetchone()",
        "while True:\n    conn = psycopg2.connect(dsn)\n    conn.cursor().execute(sql)",
    ],
)
def test_a_loop_that_ends_or_takes_one_connection_after_the_other_keeps_none(body: str) -> None:
    assert outcome(body) is Outcome.NEVER_RELEASED


def test_a_connection_that_listens_is_kept() -> None:
    assert outcome("conn = psycopg2.connect(dsn)\nconn.add_listener('orders', run)") is None


def context_manager(body: str) -> str:
    return f"{BEFORE}@contextmanager\ndef lend():\n{indent(dedent(body).strip(), '    ')}\n"


def test_what_is_done_with_a_lent_connection_raises_at_the_yield() -> None:
    text = context_manager("conn = pool.getconn()\nyield conn, conn.cursor()\npool.putconn(conn)")

    found = fate(text)

    assert found.outcome is Outcome.SKIPPED_ON_EXCEPTION
    assert shown(text, found.decided_at) == "yield conn, conn.cursor()"


def test_a_context_manager_that_never_gives_back_what_it_lends() -> None:
    text = context_manager("conn = pool.getconn()\nyield conn.cursor()")

    assert fate(text).outcome is Outcome.NEVER_RELEASED


def test_a_context_manager_that_gives_back_in_finally_is_well() -> None:
    text = context_manager("conn = pool.getconn()\ntry:\n    yield conn\nfinally:\n    pool.putconn(conn)")

    assert checkout(text).fate is None


def test_what_another_generator_yields_it_may_not_get_back() -> None:
    assert outcome("conn = pool.getconn()\nyield conn\npool.putconn(conn)") is None


def test_where_a_handler_leaves_with_the_connection_is_told() -> None:
    text = function("""
        conn = pool.getconn()
        try:
            conn.cursor().execute(sql)
            pool.putconn(conn)
        except Exception:
            return False
    """)

    found = fate(text)

    assert found.outcome is Outcome.SKIPPED_ON_EXCEPTION
    assert [(shown(text, each.span), each.how) for each in found.left] == [("return False", Leaving.RETURNING)]


def test_the_end_of_a_function_is_told_by_its_last_statement() -> None:
    text = function("conn = pool.getconn()\nif sql:\n    pool.putconn(conn)\nprint(sql)")

    found = fate(text)

    assert [(shown(text, each.span), each.how) for each in found.left] == [("print(sql)", Leaving.ENDING)]


def test_a_connection_that_another_takes_the_place_of_is_told() -> None:
    text = function("conn = pool.getconn()\nif sql:\n    conn = pool.getconn(1)\npool.putconn(conn)")

    found = fate(text)

    assert found.outcome is Outcome.LEFT_EARLY
    assert [(shown(text, each.span), each.how) for each in found.left] == [
        ("conn = pool.getconn(1)", Leaving.OVERWRITING)
    ]


def turns(body: str) -> list[tuple[str | None, Answer] | None]:
    """Where the ways to the places turn away from the release where it is left."""
    text = function(body)
    return [each.turn and (shown(text, each.turn.span), each.turn.answer) for each in fate(text).left]


@pytest.mark.parametrize(
    ("between", "turn"),
    [
        ("if not sql:\n    return None", ("not sql", Answer.TRUE)),
        ("if sql:\n    print(sql)\nelse:\n    return None", ("sql", Answer.FALSE)),
        (
            "if path:\n    print(path)\nif sql:\n    if path:\n        print(sql)\n    return None",
            ("sql", Answer.TRUE),
        ),
        ("while sql:\n    return None", ("sql", Answer.TRUE)),
        ("for each in path:\n    return None", ("path", Answer.MORE)),
        ("for each in path:\n    if each:\n        break\nelse:\n    return None", ("path", Answer.NO_MORE)),
        ("match sql:\n    case 'a':\n        return None", ("'a'", Answer.MATCH)),
        ("try:\n    if sql:\n        return None\nfinally:\n    print(sql)", ("sql", Answer.TRUE)),
    ],
)
def test_the_test_is_told_whose_answer_leads_away_from_the_release(between: str, turn: tuple[str, Answer]) -> None:
    assert turns(f"conn = pool.getconn()\n{between}\npool.putconn(conn)") == [turn]


def test_where_no_case_matches_the_last_one_is_told() -> None:
    body = """
        conn = pool.getconn()
        match sql:
            case 1:
                pool.putconn(conn)
            case 2:
                pool.putconn(conn)
    """

    assert turns(body) == [("2", Answer.NO_MATCH)]


def test_a_loop_that_takes_the_connection_anew_gives_back_none_that_was_left() -> None:
    body = """
        for each in path:
            conn = pool.getconn()
            if each:
                pool.putconn(conn)
                continue
            raise ValueError
    """

    assert turns(body) == [("each", Answer.FALSE)]


def test_no_test_is_told_of_what_nothing_releases() -> None:
    assert turns("conn = pool.getconn()\nconn.commit()\nif sql:\n    return 1\nreturn 2") == [None, None]


def test_so_many_ways_out_are_told_and_no_more() -> None:
    returns = "".join(f"if sql == {number}:\n    return {number}\n" for number in range(9))

    assert len(turns(f"conn = pool.getconn()\n{returns}")) == MOST_EXITS


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        ("except Exception:\n    return False", "Exception"),
        ("except (ValueError, psycopg2.Error) as error:\n    print(error)", "(ValueError, psycopg2.Error)"),
        ("except:\n    pass", "except"),
        ("except Exception:\n    raise", None),
    ],
)
def test_the_handler_is_told_that_ends_the_exception(handler: str, expected: str | None) -> None:
    text = function(f"conn = pool.getconn()\ntry:\n    conn.commit()\n    pool.putconn(conn)\n{handler}\n")

    found = fate(text)

    assert found.outcome is Outcome.SKIPPED_ON_EXCEPTION
    assert (shown(text, found.handler) or "").strip("()") == (expected or "").strip("()")


def test_what_is_cancelled_is_told_with_the_await_and_the_release() -> None:
    text = (
        f"{BEFORE}async def run(sql):\n    conn = await async_engine.connect()\n    try:\n"
        "        await conn.execute(sql)\n    except Exception:\n        pass\n    await conn.close()\n"
    )

    found = fate(text)

    assert found.outcome is Outcome.CANCELLED
    assert found.is_advice
    assert shown(text, found.decided_at) == "await conn.execute(sql)"
    assert shown(text, found.release) == "conn.close()"


def test_a_pool_that_is_given_what_another_lent_is_told() -> None:
    text = function("conn = pool.getconn()\nother.putconn(conn)").replace(
        "engine =", "other = ThreadedConnectionPool(1, 5, dsn)\nengine ="
    )

    found = fate(text)

    assert found.outcome is Outcome.RELEASED_ELSEWHERE
    assert not found.is_advice
    assert shown(text, found.decided_at) == "other.putconn(conn)"
