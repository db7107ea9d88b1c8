"""Parameters that an application asks for when it connects, and that its pooler refuses or drops."""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum, auto
from typing import TYPE_CHECKING, NamedTuple

from poolcheck.amount import Reason
from poolcheck.finding import Finding, Fix, Note, Severity, one_for_each_place
from poolcheck.read.pgbouncer.config import Version
from poolcheck.read.python.libraries.drivers import DRIVERS
from poolcheck.read.python.pools.asked import PGOPTIONS, Asked, asked_by
from poolcheck.read.sql.parameters import is_parameter
from poolcheck.rule import Rule
from poolcheck.source import Edit, Span
from poolcheck.system.clients import Client, operands
from poolcheck.system.poolers import Pooler
from poolcheck.system.targets import Sharing, exchange
from poolcheck.system.whole import System, SystemWithLinks

if TYPE_CHECKING:
    from poolcheck.read.python.pools.client_pool import ClientPool

KEPT_FOR_CLIENTS: Mapping[str, Version] = {
    "application_name": (1, 3),
    "client_encoding": (1, 3),
    "datestyle": (1, 3),
    "intervalstyle": (1, 20),
    "standard_conforming_strings": (1, 3),
    "timezone": (1, 3),
}
"""What PgBouncer sets again for each client, and since when."""
KEPT_IF_REPORTED: Mapping[str, Version] = {
    "default_transaction_read_only": (1, 26),
    "session_authorization": (1, 26),
}
"""The same, where the server reports it, as all that are maintained do."""
REPORTED_SINCE_18 = "search_path"
SETTINGS = frozenset(each.asks for each in DRIVERS.values() if each.asks)
READS_OPTIONS: Version = (1, 20)
TRACKS_REPORTED: Version = (1, 26)
IGNORES_FIRST: Version = (1, 26, 1)
"""The first that drops what is in ignore_startup_parameters though it could keep it."""

CONVENIENCES = frozenset(
    {
        "application_name",
        "client_min_messages",
        "extra_float_digits",
        "geqo",
        "jit",
        "plan_cache_mode",
        "tcp_keepalives_idle",
    }
)
"""What an application hardly relies on."""


class Fate(StrEnum):
    """What becomes of a parameter. It is `OPEN` where that is a matter of what is not seen."""

    KEPT = auto()
    REFUSED = auto()
    DROPPED = auto()
    OPEN = auto()


class Outcome(NamedTuple):
    """What becomes of a parameter with one pooler, and where its configuration says so."""

    fate: Fate
    because: Span | None = None
    unless: str = ""


class TxmodeStartupParameter(Rule[SystemWithLinks]):
    id = "txmode-startup-parameter"
    severity = Severity.ERROR
    since = "0.1"

    def check(self, system: SystemWithLinks) -> Iterator[Finding]:
        clients = [client for client in system.clients if client.is_in_use]
        yield from one_for_each_place(found for client in clients for found in self.of_client(client, system))

    def of_client(self, client: Client, system: System) -> Iterator[Finding]:
        """What is wrong with one pool in one workload."""
        if shared := exchange(client.target):
            for asked in asked_by(client.pool, client.pgoptions):
                yield from self.of_asked(asked, client, shared, system)

    def of_asked(self, asked: Asked, client: Client, shared: Sharing, system: System) -> Iterator[Finding]:
        """What becomes of some of what is asked for together."""
        outcomes = {name: outcome_of(name, client, in_options=asked.in_options) for name in asked.names}
        for fate in (Fate.REFUSED, Fate.DROPPED):
            found = {name: each for name, each in outcomes.items() if each.fate is fate}
            if found:
                sure = {name: each for name, each in found.items() if not each.unless}
                yield self.told(asked, fate, sure or found, client, shared, system)
                return

    def told(
        self,
        asked: Asked,
        fate: Fate,
        outcomes: Mapping[str, Outcome],
        client: Client,
        shared: Sharing,
        system: System,
    ) -> Finding:
        """The finding about parameters of one fate."""
        pool, what = client.pool, f"{listed(outcomes)} in {asked.setting}"
        pooler = client.target.name if client.target else "a pooler"
        unless = next((each.unless for each in outcomes.values() if each.unless), "")
        if fate is Fate.REFUSED:
            message = f"{pool.title} asks for {what} when it connects, and {pooler} refuses clients that do"
        else:
            message = f"{pool.title} asks for {what} when it connects, and {pooler} drops that and tells nobody"
        place = place_of(asked, pool)
        because = [*shared.because, *(Reason("it is to be ignored", span) for span in spans(outcomes))]
        edit = without(asked, outcomes, pool, system)
        return self.finding(
            place,
            f"{message}{unless}{shared.provided}",
            notes=[*written_at(asked, pool), *operands(because, place)],
            fix=Fix("Ask for it no more: ALTER ROLE … SET does it instead", (edit,), safe=False) if edit else None,
            severity=severity_of(fate, outcomes, is_certain=shared.is_certain and not unless),
        )


def outcome_of(name: str, client: Client, *, in_options: bool) -> Outcome:
    """What becomes of a parameter, whichever of the poolers it is that the client may get to."""
    target = client.target
    poolers = [target.pooler] if target and target.pooler else target.among if target else ()
    if not poolers:
        # That nobody knows what it is, is told anyway.
        return with_unseen(name, None, in_options=in_options)
    outcomes = [with_one(name, pooler, in_options=in_options) for pooler in poolers]
    fates = {each.fate for each in outcomes}
    return outcomes[0] if len(fates) == 1 else Outcome(Fate.OPEN)


def with_one(name: str, pooler: Pooler, *, in_options: bool) -> Outcome:
    """What becomes of a parameter with one pooler."""
    config, version = pooler.config, pooler.version or (pooler.config.version if pooler.config else None)
    if not pooler.is_pgbouncer:
        return Outcome(Fate.OPEN)
    if config is None:
        found = with_unseen(name, version, in_options=in_options)
        return found._replace(unless=found.unless or ", unless it is told to ignore them")
    ignored, tracked = config.words("ignore_startup_parameters"), config.words("track_extra_parameters")
    if ignored is None or tracked is None:
        return Outcome(Fate.OPEN)
    place = next((each.span for each in ignored if each.value in {name, "options" if in_options else name}), None)
    if version and in_options and version < READS_OPTIONS:
        place = next((each.span for each in ignored if each.value == "options"), None)
        return Outcome(Fate.DROPPED, place) if place else Outcome(Fate.REFUSED)
    lower, own = name.lower(), next((each.span for each in ignored if each.value == name), None)
    if own and version and version >= IGNORES_FIRST:
        return Outcome(Fate.DROPPED, own)
    if is_kept(lower, version):
        return Outcome(Fate.KEPT)
    if not (version and version < READS_OPTIONS) and lower in {each.value.lower() for each in tracked}:
        return Outcome(Fate.OPEN)
    if place:
        return Outcome(Fate.DROPPED, place)
    return refused(lower, version)


def with_unseen(name: str, version: Version | None, *, in_options: bool) -> Outcome:
    """What becomes of a parameter where no configuration is seen: what is not refused there is dropped."""
    if version and in_options and version < READS_OPTIONS:
        return Outcome(Fate.REFUSED)
    return Outcome(Fate.KEPT) if is_kept(name.lower(), version) else refused(name.lower(), version)


def is_kept(name: str, version: Version | None) -> bool:
    """Whether PgBouncer keeps a parameter for each client by itself; the newest where the version is not known."""
    since = KEPT_FOR_CLIENTS.get(name) or KEPT_IF_REPORTED.get(name)
    return since is not None and (version is None or version >= since)


def refused(name: str, version: Version | None) -> Outcome:
    """That a parameter is refused, unless both are so new that the server tells of it."""
    if name != REPORTED_SINCE_18 or (version and version < TRACKS_REPORTED):
        return Outcome(Fate.REFUSED)
    return Outcome(Fate.REFUSED, unless=", unless PgBouncer is 1.26 or later and PostgreSQL 18 or later")


def listed(names: Collection[str]) -> str:
    """Names as words of a sentence."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def spans(outcomes: Mapping[str, Outcome]) -> tuple[Span, ...]:
    """Where configurations say what becomes of parameters."""
    return tuple(dict.fromkeys(each.because for each in outcomes.values() if each.because))


def place_of(asked: Asked, pool: "ClientPool") -> Span:
    """Where it is asked for; the call where a variable does, or the address."""
    is_elsewhere = asked.setting == PGOPTIONS or is_in_address(asked, pool)
    return pool.callee if is_elsewhere else pool.used_at(asked.value)


def written_at(asked: Asked, pool: "ClientPool") -> Iterator[Note]:
    """Where it is written, if that is not where it is asked for. A note at the address says where it leads."""
    place = asked.value.places[-1]
    if place != place_of(asked, pool) and not is_in_address(asked, pool):
        yield Note(place, f"{asked.setting} is set here")


def is_in_address(asked: Asked, pool: "ClientPool") -> bool:
    """Whether it is asked for in the connection string."""
    address = pool.given(pool.constructor.address)
    return address is not None and address.places == asked.value.places


def severity_of(fate: Fate, names: Collection[str], *, is_certain: bool) -> Severity:
    """Advice where nobody misses what is dropped, or the server would not know it."""
    missed = [name for name in names if is_parameter(name.lower()) and name.lower() not in CONVENIENCES]
    if fate is Fate.DROPPED and not missed:
        return Severity.INFO
    return Severity.ERROR if fate is Fate.REFUSED and is_certain else Severity.WARNING


def without(asked: Asked, names: Collection[str], pool: "ClientPool", system: System) -> Edit | None:
    """The call or the dictionary without the setting, where nothing is in it that is kept."""
    from poolcheck.read.python.syntax.edits import without_argument, without_entry

    module, used = system.module(pool.span.path), asked.value.places[0]
    is_whole = set(names) == set(asked.names) and not is_in_address(asked, pool)
    if module is None or not is_whole or used.path != pool.span.path:
        return None
    if asked.setting in pool.arguments:
        return without_argument(module.module, pool.span, asked.setting)
    is_entry = pool.constructor.driver_arguments and asked.setting in SETTINGS
    return without_entry(module.module, used) if is_entry else None
