import pickle
from typing import TypeVar

import pytest

from poolcheck.read.fault import SyntaxFault
from poolcheck.read.pgbouncer.config import Effective, Part, PgBouncerConfig, PoolMode
from poolcheck.read.pgbouncer.load import read_embedded, read_pgbouncer
from poolcheck.source import Located, Source, Span

T = TypeVar("T")

PATH = "pgbouncer.ini"


def facts(text: str, path: str = PATH) -> list[PgBouncerConfig | SyntaxFault]:
    return list(read_pgbouncer(Source(path, text)))


def config(text: str) -> PgBouncerConfig:
    (found,) = (fact for fact in facts(text) if isinstance(fact, PgBouncerConfig))
    return found


def faults(text: str) -> list[tuple[str, str]]:
    found = [fact for fact in facts(text) if isinstance(fact, SyntaxFault)]
    return [(text[fault.span.start : fault.span.end], fault.message) for fault in found]


def place(text: str, part: str) -> Span:
    return Span(PATH, text.index(part), text.index(part) + len(part))


def value(found: Effective[T] | Located[T] | None) -> T | None:
    return found.value if found else None


def test_settings_are_found_with_their_places() -> None:
    text = "; é🐘\r\n[pgbouncer]\r\n\tlisten_port\t= 6432\r\n"

    (setting,) = config(text).settings

    assert setting.name == Located("listen_port", place(text, "listen_port"))
    assert setting.value == Located("6432", place(text, "6432"))
    assert setting.in_effect


def test_of_a_setting_that_is_repeated_the_last_is_in_effect() -> None:
    read = config("[pgbouncer]\npool_mode = session\npool_mode = statement\n")

    assert [setting.in_effect for setting in read.settings] == [False, True]
    assert value(read.setting("pool_mode")) == "statement"


def test_a_second_header_undoes_what_has_a_default_and_keeps_the_rest() -> None:
    read = config(
        "[pgbouncer]\nlisten_addr = *\nauth_file = users.txt\n[users]\n[pgbouncer]\nmax_client_conn = 7\n"
    )

    assert [setting.in_effect for setting in read.settings] == [False, True, True]
    assert read.setting("listen_addr") is None
    assert value(read.setting("auth_file")) == "users.txt"


def test_of_a_database_that_is_repeated_the_last_is_in_effect() -> None:
    read = config("[databases]\nshop = host=a pool_size=7\n[pgbouncer]\n[databases]\nshop = host=b\n")

    assert [entry.in_effect for entry in read.databases] == [False, True]


def test_of_a_parameter_that_is_repeated_the_last_counts() -> None:
    (shop,) = config("[databases]\nshop = pool_size=3 host=a pool_size=4\n").databases

    assert value(shop.parameter("pool_size")) == "4"
    assert shop.parameter("port") is None


def test_numbers_are_those_that_pgbouncer_makes_of_them() -> None:
    read = config("[pgbouncer]\nlisten_port = 0x20\nmax_packet_size = -1\nserver_lifetime = inf\npkt_buf = 4k\n")

    assert value(read.integer("listen_port")) == 32
    assert value(read.integer("max_packet_size")) == 4294967295
    assert value(read.seconds("server_lifetime")) == 0
    assert read.integer("pkt_buf") is None
    assert read.integer("max_client_conn") is None


def test_the_effective_number_of_a_setting_that_is_unset_is_its_default_and_has_no_place() -> None:
    read = config("[pgbouncer]\n")

    assert read.effective_integer("default_pool_size") == Effective(20, None)
    assert read.effective_integer("unix_socket_mode") == Effective(0o777, None)


def test_versions_differ_about_a_default() -> None:
    read = config("[pgbouncer]\n")

    assert read.effective_integer("max_prepared_statements") is None
    assert read._replace(version=(1, 23)).effective_integer("max_prepared_statements") == Effective(0, None)
    assert read._replace(version=(1, 24)).effective_integer("max_prepared_statements") == Effective(200, None)


@pytest.mark.parametrize("filled_in", ["${SIZE}", "{{ size }}", "<%= size %>", "$(SIZE)", "$SIZE", "%{ size }"])
def test_a_setting_that_a_template_fills_in_is_unknown(filled_in: str) -> None:
    read = config(f"[pgbouncer]\ndefault_pool_size = {filled_in}\n")

    assert read.is_unknown("default_pool_size")
    assert read.setting("default_pool_size") is None
    assert read.effective_integer("default_pool_size") is None


@pytest.mark.parametrize("gap", ["%include local.ini", "{{ extra }}", "{% if x %}"])
def test_only_what_is_set_behind_a_gap_is_known(gap: str) -> None:
    read = config(f"[pgbouncer]\nmax_client_conn = 7\n{gap}\nlisten_port = 6432\n")

    assert [read.is_unknown(name) for name in ("max_client_conn", "listen_port", "pool_mode")] == [
        True,
        False,
        True,
    ]
    assert read.pool_mode() is None


def test_a_gap_among_the_databases_brings_no_settings_in() -> None:
    read = config("[pgbouncer]\nmax_client_conn = 7\n[databases]\n{% for x in y %}\n")

    assert not read.is_unknown("max_client_conn")


def test_a_file_without_the_section_may_be_an_include_so_nothing_is_known_to_be_unset() -> None:
    read = config("[databases]\nshop = host=db\n")

    assert read.is_unknown("pool_mode")
    assert read.pool_size(read.databases[0]) is None


def test_a_file_for_another_program_says_nothing() -> None:
    assert facts("[program:pgbouncer]\ncommand: pgbouncer\nautostart: true\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "[pgbouncer]\npooler1 ansible_host=10.0.0.7\n[pgbouncer:vars]\npool_size=40\n",
        "[databases]\ndb1\n[pgbouncer]\n10.0.0.7\n",
        "[pgbouncer]\nhost = 10.0.0.7\nport = 6432\nuser = app\nlogfile = client.log\n[redis]\nhost = cache\n",
    ],
)
def test_a_section_called_pgbouncer_alone_makes_no_pgbouncer_ini(text: str) -> None:
    assert facts(text, "deploy/hosts.ini") == []


@pytest.mark.parametrize(
    "text", ["[pgbouncer]\npool_mode = session\n", "[databases]\nshop = host=db dbname=shop\n[pgbouncer]\n"]
)
def test_what_only_pgbouncer_knows_makes_a_pgbouncer_ini_of_any_name(text: str) -> None:
    assert len(facts(text, "deploy/pooler.ini")) == 1


def test_a_file_of_the_usual_name_is_pgbouncers_whatever_is_wrong_with_it() -> None:
    assert len(facts("[pgbouncer]\nPOOL_MODE: session\n", "deploy/pgbouncer-eu.ini")) == 2


def test_a_header_in_the_wrong_case_is_still_meant_for_pgbouncer() -> None:
    assert [header.value for header in config("[PgBouncer]\npool_mode = session\n").headers] == ["PgBouncer"]


@pytest.mark.parametrize(
    ("entry", "word", "mode"),
    [
        ("host=a pool_mode=Statement", "Statement", PoolMode.STATEMENT),
        ("host=a", "TRANSACTION", PoolMode.TRANSACTION),
        ("user=batch", "session", PoolMode.SESSION),
        ("user=web pool_mode=statement", "statement", PoolMode.STATEMENT),
    ],
)
def test_the_pool_mode_of_a_user_counts_before_that_of_the_database_and_of_all(
    entry: str, word: str, mode: PoolMode
) -> None:
    text = (
        f"[users]\nbatch = pool_mode=session\n[databases]\nshop = {entry}\n[pgbouncer]\npool_mode = TRANSACTION\n"
    )
    read = config(text)._replace(version=(1, 23))

    assert read.pool_mode(read.databases[0]) == Effective(mode, place(text, word))


def test_the_pool_mode_of_a_user_whom_a_database_names_depends_on_the_version() -> None:
    read = config(
        "[users]\nbatch = pool_mode=session\n[databases]\nshop = user=batch pool_mode=statement\n[pgbouncer]\n"
    )
    (shop,) = read.databases

    assert read.pool_mode(shop) is None
    assert value(read._replace(version=(1, 22)).pool_mode(shop)) is PoolMode.STATEMENT
    assert value(read._replace(version=(1, 23)).pool_mode(shop)) is PoolMode.SESSION


@pytest.mark.parametrize(
    ("databases", "modes"),
    [
        ("a = host=x\nb = host=x pool_mode=statement", ["transaction", "statement", "session"]),
        ("a = host=x user=u", ["transaction"]),
        ("", ["transaction"]),
    ],
)
def test_the_modes_of_all_pools_are_those_of_databases_and_of_users_who_log_in(
    databases: str, modes: list[str]
) -> None:
    read = config(
        f"[databases]\n{databases}\n[users]\nv = pool_mode=session\nw = pool_size=3\n"
        "[pgbouncer]\npool_mode = transaction\n"
    )

    assert [value(mode) for mode in read.pool_modes()] == modes


def test_the_pool_mode_that_is_built_in_has_no_place() -> None:
    assert config("[pgbouncer]\n").pool_mode() == Effective(PoolMode.SESSION, None)


@pytest.mark.parametrize(
    ("entry", "size"),
    [
        ("host=a pool_size=10k", 10),
        ("host=a pool_size=0", 0),
        ("host=a pool_size=-1", 50),
        ("host=a", 50),
        ("user=batch pool_size=10", 5),
        ("user=${USER} pool_size=10", None),
        ("host=a pool_size={{ size }}", None),
        ("host=a {{ extra }}", None),
    ],
)
def test_the_size_of_a_pool_is_that_of_the_user_the_database_or_all(entry: str, size: int | None) -> None:
    read = config(
        f"[databases]\nshop = {entry}\n[users]\nbatch = pool_size=5\n[pgbouncer]\ndefault_pool_size = 50\n"
    )

    assert value(read.pool_size(read.databases[0])) == size


def test_the_reserve_of_a_database_has_two_names() -> None:
    read = config(
        "[databases]\na = reserve_pool=3\nb = reserve_pool=3 reserve_pool_size=4\nc = host=x\n[pgbouncer]\n"
    )

    assert [value(read.reserve_pool_size(entry)) for entry in read.databases] == [3, 4, 0]


def test_a_string_that_pgbouncer_refuses_is_a_fault_and_its_password_is_not_told() -> None:
    text = "[databases]\nshop = host=db password=s3cret word\n[pgbouncer]\n"

    assert faults(text) == [("word", "PgBouncer refuses this entry: this word is no key=value pair")]


def test_the_string_of_the_fallback_is_not_read_when_pgbouncer_starts() -> None:
    text = "[databases]\n* = host=db and more\n[pgbouncer]\n"

    assert faults(text) == []
    assert config(text).databases[0].fault is not None


def test_a_user_called_like_the_fallback_is_one_user_and_is_read() -> None:
    assert faults("[users]\n* = and more\n[pgbouncer]\n") == [
        ("and", "PgBouncer refuses this entry: this word is no key=value pair")
    ]


def test_a_line_is_given_whole_with_its_line_break() -> None:
    text = "[pgbouncer]\r\n  pool_mode = session\r\nsyslog = 1"
    read = config(text)

    assert read.line(place(text, "session")) == Located(
        "  pool_mode = session\r\n", place(text, "  pool_mode = session\r\n")
    )
    assert read.line(place(text, "1")).value == "syslog = 1"


def test_a_part_of_a_file_is_read_with_the_offsets_of_the_file() -> None:
    before = "größe: 🐘\npgbouncer.ini: |\n"
    block = "  [pgbouncer]\n  pool_mode = session\n"
    text = f"{before}{block}other: x\n"

    (read,) = read_embedded(Part(Source(PATH, text), Span(PATH, len(before), len(before) + len(block))), PATH)

    assert isinstance(read, PgBouncerConfig)
    assert read.text == block
    assert read.pool_mode() == Effective(PoolMode.SESSION, place(text, "session"))
    assert read.line(place(text, "session")) == Located(
        "  pool_mode = session\n", place(text, "  pool_mode = session\n")
    )


def test_a_configuration_can_be_pickled() -> None:
    read = config("[databases]\nshop = host=db\n[pgbouncer]\npool_mode = session\n")

    assert pickle.loads(pickle.dumps(read)) == read
