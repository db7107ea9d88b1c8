import pytest

from poolcheck.link.hosted import hosted


@pytest.mark.parametrize(
    ("host", "port", "mode", "kept"),
    [
        ("aws-0-eu-central-1.pooler.supabase.com", 5432, "session", None),
        ("aws-0-eu-central-1.pooler.supabase.com", 6543, "transaction", 0),
        ("db.abcdefgh.supabase.co", 6543, "transaction", None),
        ("ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech", 5432, "transaction", 1000),
        ("shop.postgres.database.azure.com", 6432, "transaction", 0),
    ],
)
def test_some_hosts_are_poolers_by_their_providers_documentation(
    host: str, port: int, mode: str, kept: int | None
) -> None:
    found = hosted(host, port)

    assert found
    assert found.mode
    assert found.mode.value == mode
    assert (found.prepared_statements and found.prepared_statements.value) == kept


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("db.abcdefgh.supabase.co", 5432),
        ("ep-cool-darkness-123456.us-east-2.aws.neon.tech", 5432),
        ("shop.proxy-abcdefgh.eu-central-1.rds.amazonaws.com", 5432),
        ("shop.postgres.database.azure.com", 5432),
        ("pgbouncer", 6432),
    ],
)
def test_most_hosts_are_none(host: str, port: int) -> None:
    assert hosted(host, port) is None
