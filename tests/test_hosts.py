import pytest

from poolcheck.read.pgbouncer.hosts import hosts_of, is_address, is_far, is_near, is_public, is_socket
from poolcheck.source import Edit, Located, Span, apply


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", []),
        ("*", ["*"]),
        ("127.0.0.1,::1", ["127.0.0.1", "::1"]),
        (" db1 , db2\t", ["db1", "db2"]),
        (",db1,,db2,", ["db1", "db2"]),
        ("db1 db2", ["db1 db2"]),
    ],
)
def test_hosts_stand_between_commas_without_the_blanks_around_them(text: str, hosts: list[str]) -> None:
    found = hosts_of(Located(text, Span("pgbouncer.ini", 0, len(text))))

    assert [host.value for host in found] == hosts


def test_a_host_knows_its_place() -> None:
    text = "host=db1, db1"

    found = hosts_of(Located("db1, db1", Span("pgbouncer.ini", 5, 13)))

    assert apply(text, [Edit(host.span, f"<{host.value}>") for host in found]) == "host=<db1>, <db1>"


@pytest.mark.parametrize("host", ["*", "0.0.0.0", "::", "fe80::1%eth0", "localhost", "db-1.example.org", "127.1"])
def test_an_address_is_a_number_or_a_name_or_all(host: str) -> None:
    assert is_address(host)


@pytest.mark.parametrize("host", ["localhost:6432", "[::1]", "127.0.0.1 ::1", "/tmp", "10.0.0.7#", "'*'", "@pgb"])
def test_what_can_be_neither_is_no_address(host: str) -> None:
    assert not is_address(host)


@pytest.mark.parametrize("host", ["/var/run/postgresql", "@pgbouncer"])
def test_a_socket_lies_in_a_folder_or_in_the_abstract_namespace(host: str) -> None:
    assert is_socket(host)
    assert is_near(host)
    assert not is_far(host)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.8.9.10",
        "127.1",
        "::1",
        "::ffff:127.0.0.1",
        "localhost",
        "LocalHost",
        "localhost.",
        "ip6-localhost",
        "db.localhost",
        "host.docker.internal",
    ],
)
def test_the_loopback_is_near_by_all_its_names(host: str) -> None:
    assert is_near(host)
    assert not is_far(host)


@pytest.mark.parametrize("host", ["*", "0.0.0.0", "::", "10.0.0.7", "192.0.2.1", "fd00::2", "::ffff:10.0.0.7"])
def test_all_addresses_and_those_of_a_network_are_far(host: str) -> None:
    assert is_far(host)
    assert not is_near(host)


@pytest.mark.parametrize(
    "host", ["db", "db.example.org", "localhost.example.org", "{{ host }}", "127", "10.0.0.7:5432"]
)
def test_a_name_is_neither_near_nor_far(host: str) -> None:
    assert not is_near(host)
    assert not is_far(host)


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("1.2.3.4", True),
        ("::ffff:1.2.3.4", True),
        ("10.0.0.7", False),
        ("172.16.3.4", False),
        ("100.64.0.1", False),
        ("169.254.1.1", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("2606:4700::1", False),
        ("db.example.org", False),
        ("*", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(host: str, *, public: bool) -> None:
    assert is_public(host) is public
