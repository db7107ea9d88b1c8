"""Whatever PgBouncer refuses of a configuration, some rule tells of it as an error, and of nothing else."""

import re
from functools import partial
from typing import NamedTuple

import pytest

from poolcheck.catalog import installed
from poolcheck.config import Configurations, Settings
from poolcheck.files import Format, Memory
from poolcheck.finding import Finding, Severity
from poolcheck.read.fault import SyntaxFault
from poolcheck.read.pgbouncer.config import PgBouncerConfig, Version
from poolcheck.read.pgbouncer.includes import in_project
from poolcheck.read.pgbouncer.load import read_pgbouncer
from poolcheck.read.pgbouncer.refusal import Cause, Refusal
from poolcheck.read.pgbouncer.settings import Scope, written
from poolcheck.read.pgbouncer.startup import for_version
from poolcheck.read.text import decode
from poolcheck.run import check
from poolcheck.source import Source, Span
from poolcheck.stated import Versions

_REFUSES = re.compile(r"does not start|refuses this")

VERSIONS: list[Version | None] = [(1, 16), (1, 18), (1, 21), (1, 25, 2), (1, 26, 1), None]

MAIN = "pgbouncer.ini"
SECTIONS = "[databases]\nshop = host=10.0.0.7\n[pgbouncer]\n"
ENTRY = "[pgbouncer]\npool_mode = session\n[databases]\nshop = "

REFUSED: list[str | dict[str, str]] = [
    f"{SECTIONS}pool_mode: session\n",
    f"{SECTIONS}pool mode = session\nsecond line\n\nthird = 3\n[users\n",
    f"{SECTIONS}'pool_mode = session\n",
    f"{ENTRY}host=10.0.0.7 and more\n",
    f"{ENTRY}host='10.0.0.7\n",
    f"\ufeff{SECTIONS}",
    f"{SECTIONS}\u00a0pool_mode = session\n",
    f"{SECTIONS}default_pool_size = 20\rmax_client_conn = 50\n",
    f"{SECTIONS}pool_mode = session\rmax_client_conn = 50\n",
    "[databases]\rshop = host=10.0.0.7\r[pgbouncer]\rpool_mode = session\r",
    f'{SECTIONS}"pool_mode" = session\n',
    f'{ENTRY}host=10.0.0.7 "port"=5432\n',
    f"{SECTIONS}'pool_mode' = session\n[users]\n'a b' = pool_size=5\n",
    "[Databases]\nshop = host=10.0.0.7\n[ pgbouncer ]\n",
    f"{SECTIONS}[logging]\nlog_connections = 0\n",
    f"{SECTIONS}[peers]\n1 = host=10.0.0.7 port=6432\n",
    "pool_mode = session\n; and\nmax_client_conn = 500\n",
    f"pool_mode = session\n{SECTIONS}",
    "[databases]\nshop = host=10.0.0.7\n",
    "",
    f"{SECTIONS}default_pool_sise = 20\nPOOL_MODE = session\n",
    f"{ENTRY}host=10.0.0.7 sslmode=require s3cret=x ?=1\n",
    f"{SECTIONS}pool_size = 20\n",
    f"{ENTRY}host=10.0.0.7 default_pool_size=20 query_timeout=5\n[users]\napp = max_db_connections=5\n",
    f"{SECTIONS}suspend_timeout = 10\npool_mode = session\n",
    f"{SECTIONS}login_notify_message = x\nmax_prepared_statements = 100\ntransaction_timeout = 5\n",
    f"{ENTRY}host=10.0.0.7 reserve_pool_size=5 query_wait_timeout=5\n[users]\napp = pool_size=5\n",
    f"{SECTIONS}pool_mode = session ; Django\ndefault_pool_size = 20;x\nserver_lifetime = # none\n",
    f"{SECTIONS}listen_addr = 127.0.0.1 ;\nuser = pgbouncer #1\n",
    f"{ENTRY}host=10.0.0.7 # the main one\n[users]\napp = pool_mode=session ; batch\n",
    f"{SECTIONS}log_connections = off\ntcp_keepalive = True\n",
    f"{SECTIONS}server_lifetime = 1h\ntcp_keepidle = 2m\n",
    f"{SECTIONS}default_pool_size = 08\n",
    f'{SECTIONS}default_pool_size = "20"\nmax_client_conn = 1,000\nserver_lifetime = -1\npkt_buf =\n',
    f"{SECTIONS}min_pool_size =\u00a05\nlisten_port == 6432\nlog_stats = 'yes'\n",
    f"{SECTIONS}pool_mode = transactions\nauth_type = ldap\nserver_tls_sslmode =\n",
    f'{ENTRY}host=10.0.0.7 pool_mode="session"\n[users]\napp = pool_mode=tx\n',
    f'{ENTRY}host=10.0.0.7 port=default\nother = port="5432"\nthird = port=0\n',
    f"{ENTRY}host=10.0.0.7 port= pool_mode= user=app\nshop = port= dbname=x\n",
    f"{ENTRY}host=10.0.0.7 password=\nother = host=10.0.0.7 password='' user=app\n",
    f"{ENTRY}host=10.0.0.7, 10.0.0.8\n",
    f"{ENTRY}postgresql://app:s3cret@10.0.0.7/shop\nother = postgres://10.0.0.7/shop?sslmode=require\n",
    f"{ENTRY}host=10.0.0.7\npgbouncer = host=10.0.0.7\n{'d' * 64} = host=10.0.0.7\n",
    f"{SECTIONS}auth_dbname = pgbouncer\n",
    f"{SECTIONS}[peers]\na = host=10.0.0.7\n65536 = host=10.0.0.8\n2 = port=6432\n",
    f'{SECTIONS}%include "tuning.ini"\n%include conf.d/*.ini\n%include tuning.ini ; per host\n',
    {MAIN: f"{SECTIONS}%include tuning.ini\n", "tuning.ini": "max_client_conn = 500\n%include pgbouncer.ini\n"},
    {
        MAIN: f"{SECTIONS}%include tuning.ini\n",
        "tuning.ini": "max_client_conn = 5k\npool_mode = tx ; x\nmax = 1\n",
    },
    {MAIN: f"{SECTIONS}%include tuning.ini\n", "tuning.ini": "\ufeffmax_client_conn = 5\n[User]\napp = x\n"},
    {MAIN: "%include tuning.ini\n[pgbouncer]\n", "tuning.ini": "max_client_conn = 5\n"},
    {
        MAIN: "[databases]\n%include users.ini\nshop = host=10.0.0.7\n[pgbouncer]\n",
        "users.ini": "[users]\napp = pool_mode=session\n",
    },
    f"{SECTIONS}auth_type = cert\n",
    f"{SECTIONS}client_tls_sslmode = require\n",
    f"{SECTIONS}client_tls_sslmode = verify-full\nclient_tls_key_file = a\nclient_tls_cert_file = b\n",
    f"{SECTIONS}server_tls_sslmode = require\nserver_tls_protocols = tls1.2\n",
    f"{SECTIONS}listen_addr = 127.0.0.1 ::1\n",
    f"{SECTIONS}unix_socket_dir =\n",
]
"""At least one for each cause; some are refused by some versions only."""

ACCEPTED = [
    SECTIONS,
    f"{SECTIONS}listen_addr = a b\nlisten_addr = 127.0.0.1\nuser = nobody ; x\nuser = nobody\n",
    f"{SECTIONS}pool_mode = Transaction\ndefault_pool_size = 0x20\nserver_lifetime = 1e3\nverbose = -1\n",
    f"{ENTRY}host=10.0.0.7 password=a;b#c user= app pool_size=10k\nshop =\n* = host=10.0.0.8 sslmode=require\n",
    f"{SECTIONS}listen_addr = 127.0.0.1\nauth_file = /etc/users ; x\n",
    f"{SECTIONS}admin_users = a\rpool_size = 5\n\r\rmax_client_conn = 500\r\r\n",
    f"{SECTIONS}job_name = x\0pool_size = 5\n[logging]\n",
    "[pgbouncer] ; all\n[databases] shop = host=10.0.0.7\n[users]\n[databases]\n",
]


class Case(NamedTuple):
    """A configuration as PgBouncer of a version reads it, and what is found in its files."""

    config: PgBouncerConfig
    findings: tuple[Finding, ...]


def case(texts: str | dict[str, str], version: Version | None) -> Case:
    """A configuration of one text, or of several by their paths."""
    named = {MAIN: texts} if isinstance(texts, str) else texts
    files = Memory({path: text.encode() for path, text in named.items()})
    source = Source(MAIN, decode(files.read(MAIN), Format.INI))
    facts = read_pgbouncer(source, partial(in_project, files, MAIN))
    (config,) = (fact for fact in facts if not isinstance(fact, SyntaxFault))
    target = Versions(pgbouncer=written(version) if version else None)
    configurations = Configurations(
        {}, isolated=True, override=lambda _: Settings(target=target, min_severity=Severity.INFO)
    )
    report = check([MAIN], files, installed(), configurations)
    return Case(for_version(config, version), report.findings)


def is_told(refusal: Refusal, told: Case) -> bool:
    """Whether a finding says so where it is; below a header that is refused, the header is enough."""
    place = refusal.written.span
    for header in told.config.headers:
        if header.value == Scope.PEER and told.config.is_before((1, 19)) and is_of_peers(place, told.config):
            place = header.span
    return any(
        finding.severity is severity_of(refusal, told.config) and meets(finding.span, place)
        for finding in told.findings
    )


def severity_of(refusal: Refusal, config: PgBouncerConfig) -> Severity:
    """A setting that was taken away may be for a version that has it."""
    is_for_another = refusal.cause is Cause.NEEDS_OLDER and config.version is None
    return Severity.INFO if is_for_another else Severity.ERROR


def is_of_peers(place: Span, config: PgBouncerConfig) -> bool:
    return any(name.span == place for peer in config.peers for name, _ in peer.parameters)


def meets(marked: Span, place: Span) -> bool:
    """Whether two places share a character; what a file lacks is marked anywhere in it."""
    if marked.path != place.path:
        return False
    is_lacking = place.start == place.end == 0
    return is_lacking or marked == place or (marked.start < place.end and place.start < marked.end)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("texts", [*REFUSED, *ACCEPTED])
def test_every_refusal_is_told_by_a_rule(texts: str | dict[str, str], version: Version | None) -> None:
    told = case(texts, version)

    assert [refusal for refusal in told.config.refusals if not is_told(refusal, told)] == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("texts", [*REFUSED, *ACCEPTED])
def test_nothing_is_said_to_be_refused_that_is_not(texts: str | dict[str, str], version: Version | None) -> None:
    told = case(texts, version)

    said = [finding.message for finding in told.findings if _REFUSES.search(finding.message)]
    assert not said or told.config.refusals


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("texts", ACCEPTED)
def test_the_configurations_that_are_accepted_are(texts: str, version: Version | None) -> None:
    assert case(texts, version).config.refusals == ()


def test_there_is_a_configuration_for_each_cause() -> None:
    found = {
        refusal.cause
        for texts in REFUSED
        for version in VERSIONS
        for refusal in case(texts, version).config.refusals
    }

    assert found == set(Cause)
