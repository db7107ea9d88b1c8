"""How many server connections pools come to together, as the budget has it."""

from proofs.crowd import ANY_USER, IN_TRANSACTIONS, SHOP, crowd, held, listing, servers
from proofs.judged import placed, until
from servers.pgbouncer import Room
from servers.postgres import PostgreSQL


def test_server_connections_of_several_pools_may_be_more_than_clients_at_once(
    room: Room, postgres: PostgreSQL
) -> None:
    other = SHOP.replace("[databases]\nshop", "stock")
    ini = f"{SHOP}\n{other}\n{IN_TRANSACTIONS}max_client_conn = 1\n"

    with room.start(placed(ini, room, postgres)) as pooler:
        for database in ("shop", "stock"):
            assert pooler.query(database, "anyone", "select 1")

        until(lambda: len(servers(pooler)) == 2)


def test_all_users_of_a_database_share_its_limit(room: Room, postgres: PostgreSQL) -> None:
    trusted = IN_TRANSACTIONS.replace("auth_type = any", "auth_type = trust\nauth_file = userlist.txt")
    ini = placed(f"{ANY_USER} max_db_connections=3\n{trusted}default_pool_size = 3\n", room, postgres)
    one, other = postgres.new_user(), postgres.new_user()

    with (
        room.start(ini, listing(one, other)) as pooler,
        crowd(pooler, 5, user=one),
        crowd(pooler, 5, user=other),
    ):
        assert held(pooler, 10) == 3
        assert {row["user"] for row in pooler.show("POOLS")} >= {one, other}
