import pytest

from poolcheck.amount import Reason
from poolcheck.finding import Finding, Severity, one_for_each_place
from poolcheck.link.poolers import pooler_alone, stated_pooler
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.read.pgbouncer.load import read_pgbouncer
from poolcheck.source import Source, Span
from poolcheck.stated import StatedPooler
from poolcheck.system.clients import operands
from poolcheck.system.poolers import Pooler
from poolcheck.system.targets import Target, sharing

HOST = Reason("engine connects to db", Span("db.py", 5, 7), "db leads to pgbouncer")


def pooler(text: str, version: Version | None = (1, 25)) -> Pooler:
    facts = read_pgbouncer(Source("p.ini", text))
    config = next(fact for fact in facts if isinstance(fact, PgBouncerConfig))
    return pooler_alone(config._replace(version=version))


def target(pooler: Pooler | None, *, is_certain: bool = True, among: tuple[Pooler, ...] = ()) -> Target:
    return Target(pooler, None, None, is_certain=is_certain, because=(HOST,), among=among)


def ini(mode: str = "transaction", kept: str = "max_prepared_statements = 0") -> str:
    return f"[databases]\nshop = host=db\n[pgbouncer]\npool_mode = {mode}\n{kept}\n"


SHARING = pooler(ini())
SESSION = pooler(ini("session"))
KEEPING = pooler(ini(kept="max_prepared_statements = 100"))


def test_prepared_statements_meet_where_connections_change_hands_and_nothing_keeps_them_apart() -> None:
    found = sharing(target(SHARING))

    assert found
    assert found.is_certain
    assert [reason.text for reason in found.because] == [
        "engine connects to db",
        "server connections change hands after each transaction",
        "prepared statements are not kept apart",
    ]


@pytest.mark.parametrize(
    "harmless",
    [
        None,
        target(None),
        target(SESSION),
        target(KEEPING),
        target(pooler(ini(kept=""), (1, 24))),
        target(pooler(ini("{{ mode }}"))),
        target(stated_pooler("main", StatedPooler())),
        target(stated_pooler("main", StatedPooler(pool_mode="transaction", version="1.25"))),
        target(SESSION, is_certain=False),
        target(KEEPING, is_certain=False),
        target(pooler(ini("{{ mode }}")), is_certain=False),
        target(None, is_certain=False, among=(SESSION, KEEPING)),
    ],
)
def test_nothing_is_shared_where_sessions_keep_connections_or_statements_are_kept_apart(
    harmless: Target | None,
) -> None:
    assert sharing(harmless) is None


def test_a_database_may_have_a_mode_of_its_own() -> None:
    mixed = pooler(ini().replace("host=db", "host=db pool_mode=session"))
    assert mixed.config

    entry = mixed.config.databases[0]

    assert sharing(target(mixed)._replace(entry=entry)) is None


def mode(text: str, user: str | None = None, database: str | None = None) -> str | None:
    """The pool mode that a client gets."""
    found = pooler(text)
    assert found.config
    entry = next((each for each in found.config.databases if each.name.value == database), None)
    asked = target(found)._replace(entry=entry, user=user).mode
    return asked and asked.value


def test_where_the_database_is_not_known_all_must_have_one_mode() -> None:
    one = "[databases]\nshop = host=db\naudit = host=db\n[pgbouncer]\npool_mode = transaction\n"
    mixed = one.replace("audit = host=db", "audit = host=db pool_mode=session")

    assert mode(one) == "transaction"
    assert mode(mixed) is None
    assert (mode(mixed, database="shop"), mode(mixed, database="audit")) == ("transaction", "session")


def test_a_user_who_logs_in_may_have_a_mode_that_counts_more() -> None:
    text = (
        "[databases]\nshop = host=db\n[users]\nreport = pool_mode=session\n[pgbouncer]\npool_mode = transaction\n"
    )

    assert mode(text, "report", "shop") == "session"
    assert mode(text, "web", "shop") == "transaction"
    assert mode(text, None, "shop") is None
    assert mode(text.replace("host=db", "host=db user=app"), None, "shop") == "transaction"


@pytest.mark.parametrize("version", [(1, 16), (1, 20), (1, 21), (1, 23)])
def test_a_version_that_keeps_no_statements_unless_told_is_certain(version: Version) -> None:
    found = sharing(target(pooler(ini(kept=""), version)))

    assert found
    assert found.is_certain


def test_a_version_that_is_not_known_may_keep_statements() -> None:
    found = sharing(target(pooler(ini(kept=""), None)))

    assert found
    assert found.provided == ", and before 1.24 PgBouncer does not keep them apart by default"


def test_what_is_only_likely_says_what_must_hold() -> None:
    only = sharing(target(SHARING, is_certain=False))
    several = sharing(target(None, is_certain=False, among=(SESSION, SHARING)))
    none = sharing(target(None, is_certain=False))

    assert [found and found.provided for found in (only, several, none)] == [", if db leads to pgbouncer"] * 3


def test_what_a_target_is_called() -> None:
    assert target(SHARING).name == "p.ini"
    assert target(None).name == "a pooler"


def finding(start: int, severity: Severity, message: str = "") -> Finding:
    return Finding("rule", "system", severity, Span("db.py", start, start + 1), message)


def test_at_one_place_the_most_severe_finding_is_left() -> None:
    found = [
        finding(1, Severity.WARNING, "first"),
        finding(1, Severity.ERROR, "second"),
        finding(1, Severity.ERROR, "third"),
        finding(2, Severity.WARNING, "other"),
    ]

    assert [each.message for each in one_for_each_place(found)] == ["second", "other"]


def test_operands_are_noted_once_and_not_at_the_place_of_the_finding() -> None:
    here, there = Span("m.yaml", 1, 2), Span("m.yaml", 5, 6)
    reasons = [
        Reason("limit", here),
        Reason("pool_size 5", there),
        Reason("pool_size 5", there),
        Reason("nowhere"),
    ]

    assert [(note.span, note.message) for note in operands(reasons, here)] == [(there, "pool_size 5")]
