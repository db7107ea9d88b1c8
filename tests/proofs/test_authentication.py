"""Who gets in, and what becomes of passwords on the way, as the rules' pages have it."""

import re
from collections.abc import Iterator
from hashlib import md5
from textwrap import indent

import pytest

from proofs.judged import (
    WHO,
    Texts,
    blamed,
    cleared,
    found,
    logs,
    over_tcp,
    placed,
    skip_before,
    until,
)
from proofs.wire import MD5, SASL, Wire, knock, unix_socket
from servers.client import Refused, Row, connect, query
from servers.client import ask as ask_over
from servers.pgbouncer import PgBouncer, Room, open_room
from servers.postgres import PostgreSQL
from servers.process import folder
from servers.programs import Program

WRONG_TYPE = "server login failed: wrong password type"
SERVER_FAILS = re.compile("server login has been failing|cannot connect to server")
"""What the second client is told where the server has refused PgBouncer."""


def users(**secrets: str) -> Texts:
    """An auth_file."""
    lines = [f'"{name}" "{secret}"\n' for name, secret in secrets.items()]
    return {"userlist.txt": "".join(lines)}


def md5_secret(user: str, password: str) -> str:
    return "md5" + md5((password + user).encode()).hexdigest()


def stored(postgres: PostgreSQL, user: str) -> str:
    """The secret as which a server keeps a password."""
    [row] = postgres.query(f"select rolpassword as secret from pg_authid where rolname = '{user}'")
    return str(row["secret"])


def ask(pooler: PgBouncer, database: str, user: str, password: str = "", statement: str = WHO) -> tuple[Row, ...]:
    return query(pooler.dsn(database, user, password), statement)


def who(pooler: PgBouncer, database: str, user: str, password: str = "") -> str | None:
    """As whom a client works on the server."""
    [row] = ask(pooler, database, user, password)
    return row["who"]


def refusal(pooler: PgBouncer, database: str, user: str, password: str = "", statement: str = WHO) -> str:
    """What a client is told that does not get in, or not what it asks for."""
    with pytest.raises(Refused) as refused:
        ask(pooler, database, user, password, statement)
    return str(refused.value)


def superuser(postgres: PostgreSQL, password: str = "") -> str:
    """A user that may read the secrets of all."""
    name = postgres.new_user(password)
    postgres.query(f"alter role {name} superuser")
    return name


def names(pooler: PgBouncer) -> set[str | None]:
    """The users that it knows."""
    return {row["name"] for row in pooler.show("USERS")}


def test_any_lets_in_invented_names_and_obeys_whoever_calls_himself_an_admin(
    room: Room, postgres: PostgreSQL
) -> None:
    app = postgres.new_user()
    ini = (
        f"[databases]\nshop = host=10.0.0.7 user={app}\n"
        "[pgbouncer]\nlisten_addr = 10.0.0.5\nauth_type = any\nadmin_users = boss\n"
    )
    with blamed("auth-any-or-trust-remote", room, ini, server=postgres) as pooler:
        assert over_tcp(pooler, "shop", "invented", "", WHO) == ({"who": app},)
        assert over_tcp(pooler, "pgbouncer", "boss", "", "PAUSE shop") == ()
        with pytest.raises(Refused, match="admin access needed"):
            over_tcp(pooler, "pgbouncer", "invented", "", "RESUME shop")

    asked, files = ini.replace("= any", "= scram-sha-256\nauth_file = userlist.txt"), users(boss="s3cret")
    with cleared("auth-any-or-trust-remote", room, asked, files, postgres) as pooler:
        for database, user in (("shop", "invented"), ("pgbouncer", "boss")):
            with pytest.raises(Refused, match=r"authentication failed|no password supplied"):
                over_tcp(pooler, database, user, "", "select 1")
        assert over_tcp(pooler, "pgbouncer", "boss", "s3cret", "PAUSE shop") == ()


def test_trust_lets_in_whoever_calls_himself_by_the_name_of_a_user(room: Room, postgres: PostgreSQL) -> None:
    app = postgres.new_user()
    ini = (
        "[databases]\nshop = host=10.0.0.7\n"
        "[pgbouncer]\nlisten_addr = 10.0.0.5\nauth_type = trust\nauth_file = userlist.txt\nadmin_users = boss\n"
    )
    files = users(**{app: "s3cret", "boss": "s3cret"})
    with blamed("auth-any-or-trust-remote", room, ini, files, postgres) as pooler:
        assert over_tcp(pooler, "shop", app, "", WHO) == ({"who": app},)
        assert over_tcp(pooler, "pgbouncer", "boss", "", "PAUSE shop") == ()
        with pytest.raises(Refused, match=r"no such user|authentication failed"):
            over_tcp(pooler, "shop", "invented", "", WHO)

    with cleared(
        "auth-any-or-trust-remote", room, ini.replace("trust", "scram-sha-256"), files, postgres
    ) as pooler:
        with pytest.raises(Refused, match=r"authentication failed|no password supplied"):
            over_tcp(pooler, "shop", app, "", WHO)
        assert over_tcp(pooler, "shop", app, "s3cret", WHO) == ({"who": app},)


def test_without_auth_file_and_auth_user_nobody_gets_in(room: Room, postgres: PostgreSQL) -> None:
    app = postgres.new_user()
    ini = f"[databases]\nshop = host=10.0.0.7 user={app}\n[pgbouncer]\nauth_type = trust\n"
    with blamed("auth-file-problems", room, ini, server=postgres) as pooler:
        assert pooler.started
        assert "authentication failed" in refusal(pooler, "shop", app)

    with cleared(
        "auth-file-problems", room, f"{ini}auth_file = userlist.txt\n", users(**{app: ""}), postgres
    ) as pooler:
        assert who(pooler, "shop", app) == app


def test_any_turns_everybody_away_where_the_entry_names_no_user(room: Room, postgres: PostgreSQL) -> None:
    app = postgres.new_user()
    ini = f"[databases]\nshop = host=10.0.0.7\naudit = host=10.0.0.7 user={app}\n[pgbouncer]\nauth_type = any\n"
    with blamed("auth-any-without-user", room, ini, server=postgres) as pooler:
        assert pooler.started
        assert "bouncer config error" in refusal(pooler, "shop", app)
        assert logs(pooler, "auth_type=any requires forced user")
        assert who(pooler, "audit", "anyone") == app

    with cleared(
        "auth-any-without-user", room, ini.replace("7\n", f"7 user={app}\n", 1), server=postgres
    ) as pooler:
        assert who(pooler, "shop", "anyone") == app


@pytest.mark.parametrize("line", ["# applications", "etl s3cret"])
def test_nobody_is_known_below_a_line_that_is_none(room: Room, postgres: PostgreSQL, line: str) -> None:
    ops, web = postgres.new_user(), postgres.new_user()
    ini = "[databases]\nshop = host=10.0.0.7\n[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\n"
    bad = {"userlist.txt": f'"{ops}" "s3cret"\n{line}\n"{web}" "s3cret"\n'}
    with blamed("auth-file-problems", room, ini, bad, postgres) as pooler:
        assert logs(pooler, "broken auth file")
        assert web not in names(pooler)
        assert "authentication failed" in refusal(pooler, "shop", web, "s3cret")
        assert who(pooler, "shop", ops, "s3cret") == ops

    mended = {"userlist.txt": bad["userlist.txt"].replace(line, "; applications")}
    with cleared("auth-file-problems", room, ini, mended, postgres) as pooler:
        assert not logs(pooler, "broken auth file")
        assert who(pooler, "shop", web, "s3cret") == web


def test_a_comment_at_the_end_of_the_file_loses_nothing(room: Room, postgres: PostgreSQL) -> None:
    web = postgres.new_user()
    ini = "[databases]\nshop = host=10.0.0.7\n[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\n"
    bad = {"userlist.txt": f'"{web}" "s3cret"\n# managed by the deployment\n'}
    with blamed("auth-file-problems", room, ini, bad, postgres) as pooler:
        assert logs(pooler, "broken auth file")
        assert who(pooler, "shop", web, "s3cret") == web

    mended = {"userlist.txt": bad["userlist.txt"].replace("#", ";")}
    with cleared("auth-file-problems", room, ini, mended, postgres) as pooler:
        assert not logs(pooler, "broken auth file")
        assert who(pooler, "shop", web, "s3cret") == web


def test_where_a_quote_is_missing_the_next_name_becomes_the_password(room: Room, postgres: PostgreSQL) -> None:
    web, batch = postgres.new_user(), postgres.new_user()
    ini = "[databases]\nshop = host=10.0.0.7\n[pgbouncer]\nauth_type = md5\nauth_file = userlist.txt\n"
    bad = {"userlist.txt": f'"{web}" s3cret\n"{batch}" "s3cret"\n'}
    with blamed("auth-file-problems", room, ini, bad, postgres) as pooler:
        assert who(pooler, "shop", web, batch) == web
        assert "authentication failed" in refusal(pooler, "shop", web, "s3cret")
        assert "authentication failed" in refusal(pooler, "shop", batch, "s3cret")

    with cleared("auth-file-problems", room, ini, users(**{web: "s3cret", batch: "s3cret"}), postgres) as pooler:
        assert who(pooler, "shop", web, "s3cret") == web
        assert who(pooler, "shop", batch, "s3cret") == batch


def test_an_md5_secret_in_upper_case_is_the_password_itself(room: Room, postgres: PostgreSQL) -> None:
    web = postgres.new_user()
    ini = "[databases]\nshop = host=10.0.0.7\n[pgbouncer]\nauth_type = md5\nauth_file = userlist.txt\n"
    secret = md5_secret(web, "s3cret")
    written = f"md5{secret[3:].upper()}"
    with blamed("auth-file-problems", room, ini, users(**{web: written}), postgres) as pooler:
        assert who(pooler, "shop", web, written) == web
        assert "authentication failed" in refusal(pooler, "shop", web, "s3cret")

    with cleared("auth-file-problems", room, ini, users(**{web: secret}), postgres) as pooler:
        assert who(pooler, "shop", web, "s3cret") == web


def test_scram_refuses_users_with_an_md5_secret(room: Room, postgres: PostgreSQL) -> None:
    web = postgres.new_user()
    ini = "[databases]\nshop = host=10.0.0.7\n[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\n"
    with blamed("auth-file-problems", room, ini, users(**{web: md5_secret(web, "s3cret")}), postgres) as pooler:
        assert "SASL authentication failed" in refusal(pooler, "shop", web, "s3cret")

    with cleared("auth-file-problems", room, ini, users(**{web: "s3cret"}), postgres) as pooler:
        assert who(pooler, "shop", web, "s3cret") == web


@pytest.mark.parametrize("method", ["plain", "md5", "scram-sha-256"])
def test_an_empty_secret_lets_nobody_in_and_keeps_auth_query_from_being_asked(
    room: Room, postgres: PostgreSQL, method: str
) -> None:
    web, lookup = postgres.new_user(), superuser(postgres)
    postgres.query(f"alter role {web} password 's3cret'")
    ini = (
        "[databases]\nshop = host=10.0.0.7\n"
        f"[pgbouncer]\nauth_type = {method}\nauth_file = userlist.txt\nauth_user = {lookup}\n"
    )
    known = {lookup: "s3cret"}
    with blamed("auth-file-problems", room, ini, users(**known, **{web: ""}), postgres) as pooler:
        assert "authentication failed" in refusal(pooler, "shop", web, "s3cret")

    with cleared("auth-file-problems", room, ini, users(**known), postgres) as pooler:
        assert who(pooler, "shop", web, "s3cret") == web


def test_without_a_password_for_the_forced_user_the_server_refuses_all_clients(
    room: Room, postgres: PostgreSQL
) -> None:
    app = postgres.new_user("s3cret")
    ini = f"[databases]\nshop = host=10.0.0.7 user={app}\n[pgbouncer]\nauth_type = md5\nauth_file = userlist.txt\n"
    with blamed("auth-file-problems", room, ini, users(web="another"), postgres) as pooler:
        assert f'password authentication failed for user "{app}"' in refusal(pooler, "shop", "web", "another")

    files = users(web="another", **{app: "s3cret"})
    with cleared("auth-file-problems", room, ini, files, postgres) as pooler:
        assert who(pooler, "shop", "web", "another") == app


def test_an_auth_user_without_a_password_lets_nobody_in(room: Room, postgres: PostgreSQL) -> None:
    web, lookup = postgres.new_user("s3cret"), superuser(postgres, "another")
    ini = (
        "[databases]\nshop = host=10.0.0.7\n"
        f"[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\nauth_user = {lookup}\n"
    )
    with blamed("auth-file-problems", room, ini, users(ops="s3cret"), postgres) as pooler:
        with knock(pooler, "shop", web):
            assert pooler.server.says(f'password authentication failed for user "{lookup}"')
        assert SERVER_FAILS.search(refusal(pooler, "shop", web, "s3cret"))

    with cleared("auth-file-problems", room, ini, users(**{lookup: "another"}), postgres) as pooler:
        assert who(pooler, "shop", web, "s3cret") == web


def test_a_scram_secret_of_auth_user_is_no_password_before_auth_user_has_come_itself(
    room: Room, postgres: PostgreSQL
) -> None:
    web, lookup = postgres.new_user("s3cret"), superuser(postgres, "another")
    ini = (
        "[databases]\nshop = host=10.0.0.7\naudit = host=10.0.0.7\n"
        f"[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\nauth_user = {lookup}\n"
    )
    files = users(**{lookup: stored(postgres, lookup)})
    with blamed("auth-file-problems", room, ini, files, postgres) as pooler:
        with knock(pooler, "shop", web):
            assert pooler.server.says("cannot do SCRAM authentication: password is SCRAM secret")
        assert SERVER_FAILS.search(refusal(pooler, "shop", web, "s3cret"))
        assert who(pooler, "audit", lookup, "another") == lookup
        assert who(pooler, "audit", web, "s3cret") == web

    with cleared("auth-file-problems", room, ini, users(**{lookup: "another"}), postgres) as pooler:
        assert who(pooler, "shop", web, "s3cret") == web


def test_an_admin_whom_the_file_does_not_know_is_not_looked_up(room: Room, postgres: PostgreSQL) -> None:
    boss, lookup = postgres.new_user("s3cret"), superuser(postgres)
    ini = (
        "[databases]\nshop = host=10.0.0.7\n"
        "[pgbouncer]\nauth_type = md5\nauth_file = userlist.txt\n"
        f"auth_user = {lookup}\nadmin_users = {boss}\n"
    )
    files = users(**{lookup: "another"})
    with blamed("auth-file-problems", room, ini, files, postgres) as pooler:
        assert who(pooler, "shop", boss, "s3cret") == boss
        if room.program.version >= (1, 19):
            assert "bouncer config error" in refusal(pooler, "pgbouncer", boss, "s3cret")
        else:
            with knock(pooler, "pgbouncer", boss) as client:
                assert client.is_left_waiting()

    known = users(**{lookup: "another", boss: "s3cret"})
    with cleared("auth-file-problems", room, ini, known, postgres) as pooler:
        assert ask(pooler, "pgbouncer", boss, "s3cret", "SHOW VERSION")


def test_with_auth_dbname_an_admin_is_looked_up(room: Room, postgres: PostgreSQL) -> None:
    skip_before(room.program, (1, 19), "auth_dbname is known")
    boss, lookup = postgres.new_user("s3cret"), superuser(postgres)
    ini = (
        "[databases]\nshop = host=10.0.0.7\n"
        "[pgbouncer]\nauth_type = md5\nauth_file = userlist.txt\n"
        f"auth_user = {lookup}\nauth_dbname = shop\nadmin_users = {boss}\n"
    )
    with cleared("auth-file-problems", room, ini, users(**{lookup: "another"}), postgres) as pooler:
        assert ask(pooler, "pgbouncer", boss, "s3cret", "SHOW VERSION")


def test_a_scram_secret_is_no_password_of_the_forced_user_before_he_has_come_himself(
    room: Room, postgres: PostgreSQL
) -> None:
    app = postgres.new_user("s3cret")
    ini = (
        f"[databases]\nshop = host=10.0.0.7 user={app}\naudit = host=10.0.0.7 user={app}\n"
        "reports = host=10.0.0.7\n"
        "[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\n"
    )
    files = users(web="another", **{app: stored(postgres, app)})
    with blamed("scram-forced-user", room, ini, files, postgres) as pooler:
        assert WRONG_TYPE in refusal(pooler, "shop", "web", "another")
        assert who(pooler, "reports", app, "s3cret") == app
        assert who(pooler, "audit", "web", "another") == app
    with blamed("scram-forced-user", room, ini, files, postgres) as pooler:
        assert WRONG_TYPE in refusal(pooler, "shop", app, "s3cret")
        if keeps_keys_of_first_logins_only(room):
            assert WRONG_TYPE in refusal(pooler, "reports", app, "s3cret")
        else:
            assert who(pooler, "reports", app, "s3cret") == app

    files = users(web="another", **{app: "s3cret"})
    with cleared("scram-forced-user", room, ini, files, postgres) as pooler:
        assert who(pooler, "shop", "web", "another") == app
        assert who(pooler, "shop", app, "s3cret") == app


def keeps_keys_of_first_logins_only(room: Room) -> bool:
    """Whether this PgBouncer keeps the keys that a client with a SCRAM secret brings when it comes first, only."""
    return (1, 25, 1) <= room.program.version < (1, 26)


def test_a_client_with_a_scram_secret_spoils_the_password_of_the_forced_user_before_1_26(
    room: Room, postgres: PostgreSQL
) -> None:
    app, web = postgres.new_user("s3cret"), postgres.new_user("another")
    ini = (
        f"[databases]\nshop = host=10.0.0.7 user={app} password=s3cret\n"
        "[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\nserver_login_retry = 0.1\n"
    )
    files = users(batch="third", **{web: stored(postgres, web)})
    if room.program.version >= (1, 26):
        with cleared("scram-forced-user", room, ini, files, postgres) as pooler:
            assert who(pooler, "shop", web, "another") == app
            assert who(pooler, "shop", "batch", "third") == app
        return
    with blamed("scram-forced-user", room, ini, files, postgres) as pooler:
        failed = f'password authentication failed for user "{app}"'
        assert failed in refusal(pooler, "shop", web, "another")
        until(
            lambda: refusal(pooler, "shop", "batch", "third") and pooler.server.output.count(f"FATAL {failed}") > 1
        )
    with blamed("scram-forced-user", room, ini, files, postgres) as pooler:
        assert who(pooler, "shop", "batch", "third") == app

    files = users(batch="third", **{web: stored(postgres, web), app: "s3cret"})
    with cleared("scram-forced-user", room, ini.replace(" password=s3cret", ""), files, postgres) as pooler:
        assert who(pooler, "shop", web, "another") == app
        assert who(pooler, "shop", "batch", "third") == app


@pytest.mark.parametrize("secret", ["password=s3cret", ""])
def test_a_client_with_a_scram_secret_is_spoiled_by_a_forced_user_in_1_25_1_and_1_25_2(
    room: Room, postgres: PostgreSQL, secret: str
) -> None:
    app, web = postgres.new_user("s3cret"), postgres.new_user("another")
    ini = (
        f"[databases]\nshop = host=10.0.0.7 user={app} {secret}\nreports = host=10.0.0.7\n"
        "[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\nserver_login_retry = 0.1\n"
    )
    files = users(**{app: "s3cret", web: stored(postgres, web)})
    is_spoiled, keeps_apart = keeps_keys_of_first_logins_only(room), room.program.version >= (1, 26)
    judged = blamed if is_spoiled or (secret and not keeps_apart) else cleared
    with judged("scram-forced-user", room, ini, files, postgres) as pooler:
        if secret and not keeps_apart:
            assert "password authentication failed" in refusal(pooler, "shop", web, "another")
        else:
            assert who(pooler, "shop", web, "another") == app
        if is_spoiled:
            assert WRONG_TYPE in refusal(pooler, "reports", web, "another")
        else:
            assert who(pooler, "reports", web, "another") == web


PLAIN_QUERY = "SELECT usename, passwd FROM pg_shadow WHERE usename=$1"
MENDED_QUERY = (
    "SELECT usename, CASE WHEN valuntil < now() THEN NULL ELSE passwd END FROM pg_shadow WHERE usename=$1"
)


def test_auth_query_lets_in_by_an_expired_password_unless_it_asks(room: Room, postgres: PostgreSQL) -> None:
    lookup = superuser(postgres)
    ini = (
        "[databases]\nshop = host=10.0.0.7\n"
        "[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\n"
        f"auth_user = {lookup}\nauth_query = {PLAIN_QUERY}\n"
    )
    files = users(**{lookup: "s3cret"})
    with blamed("auth-query-weak", room, ini, files, postgres) as pooler:
        assert has_got_in_after_expiry(pooler, postgres)

    with cleared("auth-query-weak", room, ini.replace(PLAIN_QUERY, MENDED_QUERY), files, postgres) as pooler:
        assert not has_got_in_after_expiry(pooler, postgres)


@pytest.mark.parametrize("condition", ["", " WHERE usename='$1'", " WHERE usename=$2"])
def test_with_an_auth_query_without_parameter_nobody_is_found(
    room: Room, postgres: PostgreSQL, condition: str
) -> None:
    app, lookup = postgres.new_user("s3cret"), superuser(postgres)
    query = "SELECT usename, passwd FROM pg_shadow"
    ini = (
        "[databases]\nshop = host=10.0.0.7\n"
        "[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\n"
        f"auth_user = {lookup}\nauth_query = {query}"
    )
    files, told = (
        users(**{lookup: "s3cret"}),
        re.compile("bouncer config error|unexpected response from login query"),
    )
    with blamed("auth-query-without-parameter", room, f"{ini}{condition}\n", files, postgres) as pooler:
        assert told.search(refusal(pooler, "shop", app, "s3cret"))

    with cleared("auth-query-without-parameter", room, f"{ini} WHERE usename=$1\n", files, postgres) as pooler:
        assert who(pooler, "shop", app, "s3cret") == app


def test_the_default_auth_query_asks_for_expiry_from_1_24_1_on(room: Room, postgres: PostgreSQL) -> None:
    lookup = superuser(postgres)
    ini = (
        "[databases]\nshop = host=10.0.0.7\n"
        f"[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\nauth_user = {lookup}\n"
    )
    is_mended = room.program.version >= (1, 24, 1)
    judged = cleared if is_mended else blamed
    with judged("auth-query-weak", room, ini, users(**{lookup: "s3cret"}), postgres) as pooler:
        asks = "validuntil" in (pooler.settings()["auth_query"] or "").lower()
        assert asks == is_mended or room.program.is_packaged
        assert has_got_in_after_expiry(pooler, postgres) != asks


def has_got_in_after_expiry(pooler: PgBouncer, postgres: PostgreSQL) -> bool:
    """Whether a user whose password has expired meanwhile is let in, whom the server itself refuses."""
    web = postgres.new_user("s3cret")
    assert who(pooler, "shop", web, "s3cret") == web
    postgres.query(f"alter role {web} valid until '2020-01-01'")
    with pytest.raises(Refused, match="password authentication failed"):
        query(postgres.dsn(user=web, password="s3cret"), WHO)
    try:
        return who(pooler, "shop", web, "s3cret") == web
    except Refused as error:
        assert "SASL authentication failed" in str(error)  # noqa: PT017
        return False


def test_an_md5_secret_is_good_for_a_server_that_asks_for_md5_and_for_no_other(
    room: Room, postgres: PostgreSQL
) -> None:
    of_md5, of_scram = postgres.new_user("s3cret", "md5"), postgres.new_user("s3cret")
    ini = (
        "[databases]\nshop = host=10.0.0.7\n"
        "[pgbouncer]\nlisten_addr = 10.0.0.5\nauth_type = md5\nauth_file = userlist.txt\n"
    )
    files = users(**{user: md5_secret(user, "s3cret") for user in (of_md5, of_scram)})
    with blamed("md5-auth", room, ini, files, postgres) as pooler:
        assert asks_for(pooler, of_md5) == asks_for(pooler, of_scram) == MD5
        assert who(pooler, "shop", of_md5, "s3cret") == of_md5
        assert WRONG_TYPE in refusal(pooler, "shop", of_scram, "s3cret")

    files = users(**{of_scram: stored(postgres, of_scram)})
    with cleared("md5-auth", room, ini, files, postgres) as pooler:
        assert asks_for(pooler, of_scram) == SASL
        assert who(pooler, "shop", of_scram, "s3cret") == of_scram


def asks_for(pooler: PgBouncer, user: str) -> int | None:
    """As what it asks a client for the password."""
    with knock(pooler, "shop", user) as client:
        return client.hears().asks_for


def test_a_refused_entry_is_logged_with_its_password(room: Room, postgres: PostgreSQL) -> None:
    app = postgres.new_user("Tr0ub4dor&3")
    ini = (
        f"[databases]\nshop = host=10.0.0.7 user={app} password=Tr0ub4dor&3 bogus=1\n"
        "[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\n"
    )
    files = users(**{app: "Tr0ub4dor&3"})
    with blamed("secret-in-ini", room, ini, server=postgres) as pooler:
        assert not pooler.started
        assert logs(pooler, "password=Tr0ub4dor&3")

    ini = ini.replace(" password=Tr0ub4dor&3", "")
    with cleared("secret-in-ini", room, ini, files, postgres) as pooler:
        assert not pooler.started
        assert not logs(pooler, "Tr0ub4dor&3")
    with cleared("secret-in-ini", room, ini.replace(" bogus=1", ""), files, postgres) as pooler:
        assert who(pooler, "shop", app, "Tr0ub4dor&3") == app


def test_who_only_watches_can_disconnect_clients_until_1_25_2(room: Room) -> None:
    ini = (
        "[databases]\nshop = host=127.0.0.1\n"
        "[pgbouncer]\nauth_type = scram-sha-256\nauth_file = userlist.txt\n"
        "admin_users = ops\nstats_users = exporter\n"
    )
    files, is_open = users(ops="s3cret", exporter="s3cret"), (1, 24) <= room.program.version < (1, 25, 2)
    if is_open and room.program.is_packaged:
        pytest.skip(f"{room.program}: the distribution may have mended it")
    judged = blamed if is_open else cleared
    with judged("known-vulnerable", room, ini, files) as pooler:
        watched = connect(pooler.dsn("pgbouncer", "ops", "s3cret"))
        [client] = [row for row in pooler.show("CLIENTS") if row["user"] == "ops"]
        kill = f"KILL_CLIENT {client.get('id', '1')}"
        if is_open:
            assert ask(pooler, "pgbouncer", "exporter", "s3cret", kill) == ()
            with pytest.raises(Refused, match="admin forced disconnect"):
                ask_over(watched, "SHOW VERSION")
        else:
            needed = "admin access needed" if room.program.version >= (1, 24) else "invalid command"
            assert needed in refusal(pooler, "pgbouncer", "exporter", "s3cret", kill)
            assert ask_over(watched, "SHOW VERSION")
        watched.finish()

    with cleared("known-vulnerable", room, ini.replace("stats_users = exporter\n", ""), files) as pooler:
        assert "not allowed" in refusal(pooler, "pgbouncer", "exporter", "s3cret")


@pytest.mark.parametrize(
    ("ignored", "has_no_end"),
    [
        ("extra_float_digits", True),
        ("options", True),
        ("options,geqo", True),
        ("extra_float_digits, options", False),
        ("", False),
    ],
)
def test_from_1_20_to_1_26_0_the_search_for_a_parameter_without_a_name_has_no_end(
    room: Room, ignored: str, has_no_end: bool
) -> None:
    if (1, 26) <= room.program.version < (1, 26, 1):
        pytest.skip(f"{room.program}: not seen")
    is_open = has_no_end and (1, 20) <= room.program.version < (1, 26, 1)
    ini = (
        "[databases]\nshop = host=127.0.0.1\n"
        f"[pgbouncer]\nlisten_addr = 10.0.0.5\nauth_type = plain\nignore_startup_parameters = {ignored}\n"
    )
    told = found("known-vulnerable", {"pgbouncer.ini": ini}, room.program)
    assert any("CVE-2026-107349" in message for message in told) == is_open
    with (
        room.start(placed(ini, room)) as pooler,
        Wire(unix_socket(pooler)) as client,
        Wire(unix_socket(pooler)) as other,
    ):
        client.login("shop", "web", options="-c=")
        other.login("shop", "web")
        assert other.is_left_waiting(0.5) == is_open


MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: pgbouncer
data:
  pgbouncer.ini: |
{ini}
---
apiVersion: v1
kind: Pod
metadata:
  name: pgbouncer
spec:
  containers:
    - name: pgbouncer
      image: edoburu/pgbouncer:v1.24.1-p1
      env:
        - name: DB_HOST
          value: 127.0.0.1
      volumeMounts:
        - name: config
          mountPath: /etc/pgbouncer/pgbouncer.ini
          subPath: pgbouncer.ini
  volumes:
    - name: config
      configMap: {name: pgbouncer}
"""


def manifest(ini: str) -> Texts:
    """A pod whose environment says DB_HOST, and the text in its ConfigMap."""
    return {"pgbouncer.yaml": MANIFEST.replace("{ini}", indent(ini, "    "))}


@pytest.fixture
def knowing_db_host(room: Room) -> Iterator[Room]:
    """A room in which DB_HOST is in the environment of PgBouncer."""
    with folder() as place:
        program = place / "pgbouncer"
        program.write_text(f'#!/bin/sh\nexport DB_HOST=127.0.0.1\nexec {room.program.path} "$@"\n')
        program.chmod(0o755)
        with open_room(Program(program, room.program.version)) as opened:
            yield opened


@pytest.mark.parametrize("host", ["${DB_HOST}", "$(DB_HOST)", "$DB_HOST"])
def test_a_variable_of_the_environment_is_looked_up_as_a_name(
    knowing_db_host: Room, postgres: PostgreSQL, host: str
) -> None:
    room, app = knowing_db_host, postgres.new_user()
    ini = (
        f"[databases]\nshop = host={host} port={postgres.port} dbname=postgres user={app}\n"
        "[pgbouncer]\nauth_type = any\n"
    )
    assert found("unexpanded-variable", manifest(ini), room.program)
    with room.start(placed(ini, room)) as pooler, knock(pooler, "shop", "anyone") as client:
        assert until(lambda: [row["hostname"] for row in pooler.show("DNS_HOSTS")]) == [host]
        assert client.is_left_waiting()

    ini = ini.replace(host, "127.0.0.1")
    assert found("unexpanded-variable", manifest(ini), room.program) == []
    with room.start(placed(ini, room)) as pooler:
        assert who(pooler, "shop", "anyone") == app


def test_variables_are_text_in_passwords_names_and_numbers(knowing_db_host: Room, postgres: PostgreSQL) -> None:
    room, app = knowing_db_host, postgres.new_user("127.0.0.1")
    ini = (
        f"[databases]\nshop = host=10.0.0.7 user={app} password=${{DB_HOST}}\n"
        "[pgbouncer]\nauth_type = any\nadmin_users = ${DB_HOST}\n"
    )
    with room.start(placed(ini, room, postgres)) as pooler:
        assert f'password authentication failed for user "{app}"' in refusal(pooler, "shop", "anyone")
        assert ask(pooler, "pgbouncer", "${DB_HOST}", statement="PAUSE shop") == ()
        assert "admin access needed" in refusal(pooler, "pgbouncer", "127.0.0.1", statement="RESUME shop")
    with room.start(placed(ini.replace("${DB_HOST}", "127.0.0.1"), room, postgres)) as pooler:
        assert who(pooler, "shop", "anyone") == app
        assert ask(pooler, "pgbouncer", "127.0.0.1", statement="PAUSE shop") == ()

    with room.start(placed(f"{ini}default_pool_size = ${{DB_HOST}}\n", room, postgres)) as pooler:
        assert not pooler.started
        assert logs(pooler, 'invalid value "${DB_HOST}"')
