import pytest

from poolcheck.read.pgbouncer.settings import SETTINGS, Kind, Scope, known, scopes_of


def test_a_default_that_a_release_changed_is_unknown_until_the_release_is_known() -> None:
    setting = known(Scope.PGBOUNCER, "max_prepared_statements")

    assert setting is not None
    assert [setting.default_in(version) for version in (None, (1, 21), (1, 23, 1), (1, 24), (1, 25, 2))] == [
        None,
        "0",
        "0",
        "200",
        "200",
    ]


def test_a_default_that_never_changed_is_known_without_a_release() -> None:
    setting = known(Scope.PGBOUNCER, "default_pool_size")

    assert setting is not None
    assert setting.default_in(None) == "20"


def test_a_default_that_changed_long_ago_is_known_without_a_release() -> None:
    setting = known(Scope.PGBOUNCER, "query_wait_timeout")

    assert setting is not None
    assert [setting.default_in(version) for version in (None, (1, 6, 1), (1, 7), (1, 25))] == [
        "120",
        "0",
        "120",
        "120",
    ]


@pytest.mark.parametrize(
    ("name", "reloadable"),
    [("pool_mode", [True, True]), ("listen_port", [False, False]), ("client_tls_key_file", [False, True])],
)
def test_a_reload_changes_what_the_release_lets_it(name: str, reloadable: list[bool]) -> None:
    setting = known(Scope.PGBOUNCER, name)

    assert setting is not None
    assert [setting.is_reloadable_in(version) for version in ((1, 15), (1, 16, 1))] == reloadable


def test_a_release_has_what_came_with_it_or_before() -> None:
    setting = known(Scope.PGBOUNCER, "peer_id")

    assert setting is not None
    assert [setting.is_in(version) for version in ((1, 18), (1, 19), (1, 19, 1))] == [False, True, True]
    assert setting.is_in(None)


def test_a_release_has_not_what_was_taken_away_before() -> None:
    setting = known(Scope.PGBOUNCER, "suspend_timeout")

    assert setting is not None
    assert [setting.is_in(version) for version in ((1, 25, 2), (1, 26), (1, 26, 1), None)] == [
        True,
        False,
        False,
        False,
    ]
    assert not setting.is_gone_in((1, 25, 2))


def test_a_name_may_belong_to_several_scopes() -> None:
    assert scopes_of("pool_size") == (Scope.DATABASE, Scope.USER, Scope.PEER)
    assert scopes_of("pool_mode") == (Scope.PGBOUNCER, Scope.DATABASE, Scope.USER)
    assert scopes_of("sslmode") == ()


def test_a_name_is_looked_up_as_it_is_written() -> None:
    assert known(Scope.PGBOUNCER, "POOL_MODE") is None


def test_the_table_has_every_setting() -> None:
    names = {name for settings in SETTINGS.values() for name in settings}

    assert {scope: len(settings) for scope, settings in SETTINGS.items()} == {
        Scope.PGBOUNCER: 101,
        Scope.DATABASE: 23,
        Scope.USER: 10,
        Scope.PEER: 3,
    }
    assert len(names) == 113


@pytest.mark.parametrize("scope", Scope)
def test_words_are_listed_for_enumerations_and_for_nothing_else(scope: Scope) -> None:
    for setting in SETTINGS[scope].values():
        assert (setting.kind is Kind.ENUM) == bool(setting.values)
        assert setting.default is None or not setting.values or setting.default in setting.values


@pytest.mark.parametrize("scope", Scope)
def test_a_default_is_within_its_bounds(scope: Scope) -> None:
    for setting in SETTINGS[scope].values():
        if setting.minimum is not None or setting.maximum is not None:
            default = int(setting.default or 0)
            assert setting.minimum is None or setting.minimum <= default, setting.name
            assert setting.maximum is None or default <= setting.maximum, setting.name
