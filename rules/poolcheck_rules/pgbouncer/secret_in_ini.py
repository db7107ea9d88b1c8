"""A password written out in a pgbouncer.ini, where everybody reads it who reads the file."""

import re
from collections.abc import Iterator

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.stages import stages
from poolcheck.read.pgbouncer.config import Entry, PgBouncerConfig
from poolcheck.read.pgbouncer.hosts import hosts_of, is_near
from poolcheck.read.template import has_template, is_placeholder
from poolcheck.rule import Rule
from poolcheck.source import Located, Span
from poolcheck.system.whole import System

_STANDS_FOR_ONE = re.compile(
    r"""\W* | <.*> | \{.*\} | \[.*\] | [A-Z][A-Z0-9]*_[A-Z0-9_]+ | (?i: .* (?:
        \.\.\. | \*\*\* | xxx | change[-_ ]?(?:me|this|it) | your | example | placeholder | redacted | replace
      | insert | fill[-_ ]?in | todo | fixme | dummy | [-_]here\b
    ) .* )""",
    re.VERBOSE,
)
"""Text that is there to be replaced, such as `<password>`, `CHANGE_ME`, `your-password-here` and `DB_PASSWORD`."""
_OBVIOUS = re.compile(
    r".*(?:pass|secret).*|pw|[0-9]{1,6}|admin|app|db|demo|dev|development|local|pgbouncer|postgres"
    r"|postgresql|root|test|testing",
    re.IGNORECASE,
)
_NOT_IN_PRODUCTION = frozenset({"ci", "demo", "development", "example", "local", "sandbox", "test"})


class SecretInIni(Rule[System]):
    id = "secret-in-ini"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, system: System) -> Iterator[Finding]:
        configs = [config for config in system.documents if isinstance(config, PgBouncerConfig)]
        holders = holders_of(system, configs)
        for config in configs:
            holder = holders.get(config.span, "file")
            for entry in config.databases if holder != "Secret" else ():
                password = written_out(entry)
                if password:
                    where = "a ConfigMap" if holder == "ConfigMap" else "this file"
                    yield self.finding(
                        password.span,
                        f"{whose(entry)} is written out in {where}",
                        severity=Severity.INFO if is_for_trial(entry, password) else None,
                    )


def holders_of(system: System, configs: list[PgBouncerConfig]) -> dict[Span, str]:
    """The kinds of the objects that configurations are in, by the places of those that are in one."""
    if not any(config.is_embedded for config in configs):
        return {}
    from poolcheck.read.kubernetes.manifest import Manifest

    manifests = [each for each in system.documents if isinstance(each, Manifest)]
    found = [
        *(("ConfigMap", entry) for each in manifests for held in each.config_maps for entry in held.data),
        *(("Secret", entry) for each in manifests for held in each.secrets for entry in held.data),
    ]
    return {entry.config.span: kind for kind, entry in found if entry.config}


def written_out(entry: Entry) -> Located[str] | None:
    """The password of an entry, where it is neither filled in nor to be replaced."""
    password = next((value for name, value in entry.parameters if name.value == "password"), None)
    if password is None or has_template(password.value) or is_placeholder(password.value):
        return None
    return None if _STANDS_FOR_ONE.fullmatch(password.value) else password


def whose(entry: Entry) -> str:
    """Whose password it is."""
    user = entry.parameter("user")
    return f"the password of {user.value}" if user and not has_template(user.value) else "a password"


def is_for_trial(entry: Entry, password: Located[str]) -> bool:
    """Whether it hardly protects anything: a server on the machine itself, an obvious word, a file for tests."""
    host = entry.parameter("host")
    if host is None or all(is_near(each.value) for each in hosts_of(host)):
        return True
    names = (entry.name, entry.parameter("user"), entry.parameter("dbname"))
    is_a_name = password.value.lower() in {name.value.lower() for name in names if name}
    is_obvious = is_a_name or _OBVIOUS.fullmatch(password.value) is not None
    return is_obvious or bool(stages(password.span.path) & _NOT_IN_PRODUCTION)
