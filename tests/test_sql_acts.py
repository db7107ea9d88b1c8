"""What SQL does to a session: PostgreSQL's own parser, pglast, says the same of every statement it accepts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pglast import enums, parse_sql

from poolcheck.read.sql.acts import Act, deeds

NAMES = st.sampled_from(["a", "Abc", '"A b"', '"x""y"', "_1$", "é"])
VALUES = st.sampled_from(["1", "'x'", "on", "DEFAULT", "'a', b", "-1.5"])
BLANKS = st.sampled_from([" ", "\n", " /* SET; */ ", " -- LISTEN\n "])
SHAPES = (
    "SET n = v", "SET n.n TO v", "SET LOCAL n = v", "SET SESSION n TO v", "SET TIME ZONE 'UTC'",
    "SET NAMES 'utf8'", "SET TIME ZONE LOCAL", "SET SCHEMA 'a'", "SET ROLE n", "SET ROLE NONE",
    "SET LOCAL ROLE n", "SET SESSION ROLE n", "SET SESSION AUTHORIZATION n",
    "SET SESSION AUTHORIZATION DEFAULT", "SET LOCAL SESSION AUTHORIZATION n",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET TRANSACTION READ ONLY",
    "SET CONSTRAINTS ALL DEFERRED", "RESET n", "RESET ALL", "RESET ROLE", "RESET SESSION AUTHORIZATION",
    "RESET TIME ZONE", "RESET n.n", "LISTEN n", "UNLISTEN *", "UNLISTEN n", "NOTIFY n", "NOTIFY n, 'x'",
    "PREPARE n AS SELECT 1", "PREPARE n (int) AS SELECT $1", "PREPARE TRANSACTION 'a'", "EXECUTE n",
    "EXECUTE n(1, 2)", "DEALLOCATE n", "DEALLOCATE PREPARE n", "DEALLOCATE ALL", "DEALLOCATE PREPARE ALL",
    "DECLARE n CURSOR WITH HOLD FOR SELECT 1", "DECLARE n NO SCROLL CURSOR WITHOUT HOLD FOR SELECT 1",
    "CLOSE n", "DECLARE n CURSOR FOR SELECT 1", "CLOSE ALL", "CREATE TEMP TABLE n (a int)",
    "CREATE TABLE n (a int)", "CREATE LOCAL TEMPORARY TABLE IF NOT EXISTS n (a int) ON COMMIT DELETE ROWS",
    "DROP TABLE n, n", "CREATE TEMP TABLE n (a int) ON COMMIT DROP",
    "CREATE TEMP TABLE n ON COMMIT PRESERVE ROWS AS SELECT 1", "CREATE UNLOGGED TABLE n (a int)",
    "CREATE TEMP TABLE n ON COMMIT DROP AS SELECT 1", "DROP TABLE IF EXISTS n", "SELECT 1 AS b INTO TEMP n",
    "SELECT 1 AS b INTO TEMPORARY TABLE n FROM t", "SELECT 1 AS b INTO n", "CREATE TEMP VIEW n AS SELECT 1",
    "CREATE OR REPLACE TEMP VIEW n AS SELECT 1", "CREATE TEMP SEQUENCE n",
    "CREATE TEMP RECURSIVE VIEW n (a) AS SELECT 1",
    "CREATE FUNCTION n() RETURNS int LANGUAGE sql AS 'SELECT 1'", "LOAD 'age'", "DISCARD ALL", "DISCARD TEMP",
    "BEGIN", "START TRANSACTION READ ONLY", "COMMIT", "END", "ROLLBACK", "ABORT", "ROLLBACK TO SAVEPOINT n",
    "ROLLBACK WORK TO n", "COMMIT PREPARED 'a'", "ROLLBACK PREPARED 'a'", "SAVEPOINT n", "SELECT 1",
    "UPDATE t SET a = 1", "ALTER ROLE n SET search_path = a", "INSERT INTO t DEFAULT VALUES",
)  # fmt: skip


@st.composite
def written(draw: st.DrawFn) -> str:
    """A statement of one of the shapes, with names, values and blanks put in."""
    words = draw(st.sampled_from(SHAPES)).split(" ")
    parts = {
        "n": NAMES,
        "n,": NAMES.map("{},".format),
        "n.n": st.builds("{}.{}".format, NAMES, NAMES),
        "v": VALUES,
    }
    return draw(BLANKS).join(draw(parts[word]) if word in parts else word for word in words)


def act_of(statement: Any) -> Act:  # noqa: C901, PLR0912 -- one line for each kind of statement
    """What PostgreSQL's parser makes of it."""
    match type(statement).__name__:
        case "VariableSetStmt":
            kinds = enums.VariableSetKind
            if statement.name == "TRANSACTION":
                return Act.OTHER
            if statement.is_local:
                return Act.SET_LOCAL
            if statement.kind in {kinds.VAR_SET_DEFAULT, kinds.VAR_RESET, kinds.VAR_RESET_ALL}:
                return Act.RESET
            is_none = statement.name == "role" and statement.args[0].val.sval == "none"
            return Act.RESET if is_none else Act.SET
        case (
            "ListenStmt" | "UnlistenStmt" | "NotifyStmt" | "PrepareStmt" | "ExecuteStmt" | "DeallocateStmt" as name
        ):
            return Act[name.removesuffix("Stmt").upper()]
        case "DeclareCursorStmt":
            return Act.HOLD if statement.options & enums.CURSOR_OPT_HOLD else Act.OTHER
        case "ClosePortalStmt":
            return Act.CLOSE
        case "CreateStmt" | "CreateSeqStmt":
            is_dropped = getattr(statement, "oncommit", None) == enums.OnCommitAction.ONCOMMIT_DROP
            relation = statement.relation if hasattr(statement, "relation") else statement.sequence
            return Act.TEMP if relation.relpersistence == "t" and not is_dropped else Act.OTHER
        case "CreateTableAsStmt":
            is_dropped = statement.into.onCommit == enums.OnCommitAction.ONCOMMIT_DROP
            return Act.TEMP if statement.into.rel.relpersistence == "t" and not is_dropped else Act.OTHER
        case "ViewStmt":
            return Act.TEMP if statement.view.relpersistence == "t" else Act.OTHER
        case "SelectStmt":
            is_temporary = statement.intoClause and statement.intoClause.rel.relpersistence == "t"
            return Act.TEMP if is_temporary else Act.OTHER
        case "DropStmt" | "LoadStmt" | "DiscardStmt" as name:
            return Act[name.removesuffix("Stmt").upper()]
        case "TransactionStmt":
            ends = enums.TransactionStmtKind
            return {
                ends.TRANS_STMT_BEGIN: Act.BEGIN,
                ends.TRANS_STMT_START: Act.BEGIN,
                ends.TRANS_STMT_COMMIT: Act.COMMIT,
                ends.TRANS_STMT_PREPARE: Act.COMMIT,
                ends.TRANS_STMT_ROLLBACK: Act.ROLLBACK,
            }.get(statement.kind, Act.OTHER)
        case _:
            return Act.OTHER


@given(written())
def test_what_a_statement_does_is_what_postgresql_takes_it_for(text: str) -> None:
    (deed,) = deeds(text)
    ((parsed,),) = [(raw.stmt,) for raw in parse_sql(text)]

    assert deed.act is act_of(parsed)


@given(written())
def test_the_name_is_the_one_that_postgresql_sees(text: str) -> None:
    (deed,) = deeds(text)
    statement: Any = parse_sql(text)[0].stmt
    seen = {
        "VariableSetStmt": "name", "ListenStmt": "conditionname", "UnlistenStmt": "conditionname",
        "NotifyStmt": "conditionname", "PrepareStmt": "name", "ExecuteStmt": "name",
        "DeclareCursorStmt": "portalname",
    }.get(type(statement).__name__)  # fmt: skip
    name = getattr(statement, seen) if seen else None

    if name and deed.name != "*" and deed.act is not Act.OTHER:
        assert (deed.name or "").lower().replace(" ", "_") == name.lower().replace(" ", "_")


@given(st.lists(written() | st.text(max_size=10) | st.sampled_from(["'", "set_config(", "\0", "{x}"]), max_size=5))
def test_deeds_stand_where_they_say_in_any_text(parts: list[str]) -> None:
    text = ";".join(parts)

    assert all(0 <= deed.start < deed.end <= len(text) for deed in deeds(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT pg_advisory_lock(1)", [(Act.LOCK, "pg_advisory_lock")]),
        ("SELECT pg_catalog.pg_try_advisory_lock_shared($1)", [(Act.LOCK, "pg_try_advisory_lock_shared")]),
        ("SELECT pg_advisory_unlock(1)", [(Act.UNLOCK, "pg_advisory_unlock")]),
        ("SELECT pg_advisory_unlock_all()", [(Act.UNLOCK, "pg_advisory_unlock_all")]),
        ("SELECT pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(2)", [(Act.OTHER, "")]),
        ("SELECT set_config('App.Tenant', %s, false)", [(Act.SET, "app.tenant")]),
        ("SELECT set_config('a', :b, 'f')", [(Act.SET, "a")]),
        ("SELECT set_config('a', format('%s', x), true)", [(Act.SET_LOCAL, "a")]),
        ("SELECT set_config(%s, %s, false)", [(Act.SET, None)]),
        ("SELECT set_config('a', NULL, false)", [(Act.RESET, "a")]),
        ("SELECT set_config('a', '1', %s)", [(Act.OTHER, "")]),
        ("INSERT INTO t VALUES (currval('s'))", [(Act.SEQUENCE, "currval")]),
        ("SELECT 'pg_advisory_lock(1)' -- lastval()", [(Act.OTHER, "")]),
        ("CREATE VIEW v AS SELECT lastval()", [(Act.OTHER, "")]),
        ("CREATE FUNCTION f() RETURNS void AS $$ SET x = 1; LISTEN y $$ LANGUAGE sql", [(Act.OTHER, "")]),
        ("SET search_path TO {schema}", [(Act.SET, "search_path")]),
        ("SET \0 = 1", [(Act.SET, None)]),
        ("LISTEN {}", [(Act.LISTEN, None)]),
        ("LISTEN a\0", [(Act.LISTEN, None)]),
        ("SET \0_a = 1", [(Act.SET, None)]),
        ('LISTEN "orders_\0"', [(Act.LISTEN, None)]),
        ("SET a = 1; SELECT 1; RESET a;", [(Act.SET, "a"), (Act.OTHER, ""), (Act.RESET, "a")]),
        ("RESET ALL; DISCARD ALL; DEALLOCATE ALL", [(Act.RESET, "*"), (Act.DISCARD, "*"), (Act.DEALLOCATE, "*")]),
        ("SET a = 'x", []),
        # Of other databases.
        ("SET NOCOUNT ON", [(Act.OTHER, "")]),
        ("SET GLOBAL max_connections = 1", [(Act.OTHER, "")]),
        ("SET @x := 1", [(Act.OTHER, "")]),
        ("PREPARE q FROM 'SELECT 1'", [(Act.OTHER, "")]),
        ("EXECUTE sp_who 'x'", [(Act.OTHER, "")]),
    ],
)
def test_what_a_text_does(text: str, expected: list[tuple[Act, str | None]]) -> None:
    assert [(deed.act, deed.name) for deed in deeds(text)] == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  SET SESSION\n statement_timeout = 0 ", "SET SESSION\n statement_timeout"),
        ("SELECT 1 FROM pg_advisory_lock(1)", "pg_advisory_lock"),
        ("CREATE TEMP TABLE IF NOT EXISTS t (a int)", "CREATE TEMP TABLE IF NOT EXISTS t"),
        ("SELECT a INTO TEMP t FROM b", "INTO TEMP t"),
    ],
)
def test_where_a_deed_is_written(text: str, shown: str) -> None:
    (deed,) = deeds(text)

    assert text[deed.start : deed.end] == shown
