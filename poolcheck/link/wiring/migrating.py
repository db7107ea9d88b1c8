"""The tools that change schemas and hold a lock in a session, led to a pooler that hands the session on.

Each of them locks outside of a transaction, as its own source has it: golang-migrate 4.19, `database/postgres`;
sqlx 0.8, `sqlx-postgres/src/migrate.rs`; node-pg-migrate 8, `src/runner.ts`; tern, `migrate/migrate.go`; Atlas,
`sql/postgres/driver.go`; Rails 7.2, `ActiveRecord::Migrator#with_advisory_lock`. Of Prisma's schema engine it is
what its documentation and its message say when it waits. Flyway locks inside a transaction; Alembic, Django,
dbmate, Liquibase and Ecto take no such lock, and Airflow keeps one transaction open meanwhile: nothing is said of
those.
"""

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from poolcheck.link.known import Known
from poolcheck.link.wiring.addressed import Addressing
from poolcheck.link.wiring.database_variables import addresses_in
from poolcheck.read.kubernetes.environment import Environment, environment, expand
from poolcheck.read.kubernetes.manifest import Container
from poolcheck.read.kubernetes.shell import commands, literal, script_at
from poolcheck.read.pgbouncer.config import PoolMode
from poolcheck.source import Located, Span
from poolcheck.system.wiring import Addressed, Migration
from poolcheck.value import text_of

_SESSION_LOCK, _TRIED_LOCK = "pg_advisory_lock", "pg_try_advisory_lock"


class _Tool(NamedTuple):
    """How a tool is started: its program, and a word of each of these groups behind it.

    Where others are called so, it is told by its `signs`, options of which it has one. It takes the `lock` unless
    one of the `options` is given, one of the `variables` is set, or the URL has one of the `parameters`.
    `provided` is what no file that is read here tells.
    """

    name: str
    programs: frozenset[str]
    words: tuple[frozenset[str], ...]
    lock: str
    options: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()
    provided: str = ""


def _any(*words: str) -> frozenset[str]:
    return frozenset(words)


_TOOLS = (
    _Tool(
        "golang-migrate",
        _any("migrate", "golang-migrate"),
        (_any("up", "down", "goto", "force", "drop"),),
        _SESSION_LOCK,
        parameters=_any("x-no-lock", "x-lock-strategy"),
        images=_any("migrate/migrate"),
        signs=_any("-path", "--path", "-source", "--source"),
    ),
    _Tool(
        "Prisma Migrate",
        _any("prisma"),
        (_any("migrate"), _any("deploy", "dev", "reset", "resolve")),
        _SESSION_LOCK,
        variables=_any("PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK"),
    ),
    _Tool(
        "Rails",
        _any("rails", "rake"),
        (_any("db:migrate", "db:prepare", "db:rollback"),),
        _TRIED_LOCK,
        provided=", unless database.yml has advisory_locks: false",
    ),
    _Tool("sqlx", _any("sqlx"), (_any("migrate"), _any("run", "revert")), _SESSION_LOCK),
    _Tool(
        "node-pg-migrate",
        _any("node-pg-migrate"),
        (_any("up", "down", "redo"),),
        _TRIED_LOCK,
        options=_any("--no-lock", "--lock=false"),
    ),
    _Tool("tern", _any("tern"), (_any("migrate"),), _SESSION_LOCK),
    _Tool(
        "Atlas",
        _any("atlas"),
        (_any("migrate", "schema"), _any("apply")),
        _SESSION_LOCK,
        images=_any("arigaio/atlas"),
    ),
)
_STARTERS = frozenset(
    {"bun", "bundle", "bunx", "cargo", "exec", "node", "npm", "npx", "pnpm", "run", "time", "x", "yarn"}
)
"""Words before a program that start it."""
_MODES = frozenset({PoolMode.TRANSACTION, PoolMode.STATEMENT})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)


def migrations(known: Known, addressing: Iterable[Addressing]) -> Iterator[Migration]:
    """The tools in containers all of whose addresses lead to poolers that hand sessions on."""
    for one in addressing:
        found = next(_started(one.container, environment(one.workload, one.container, known.objects)), None)
        address = _pooled(one.addresses) if found and not one.may_have_others else None
        if found and address:
            tool, place = found
            yield Migration(tool.name, tool.lock, place, address, tool.provided)


def _pooled(addresses: Sequence[Addressed]) -> Addressed | None:
    """The first of these addresses, if none of them leads anywhere else than to such poolers."""
    for each in addresses:
        mode = each.target.mode if each.target and each.target.pooler else None
        if mode is None or mode.value not in _MODES or each.is_assumed:
            return None
    return addresses[0] if addresses else None


def _started(container: Container, own: Environment) -> Iterator[tuple[_Tool, Span]]:
    image = container.image.value if container.image else ""
    for words, place in _commands(container, own):
        for tool in _TOOLS:
            is_of_image = any(f"/{image.partition(':')[0]}".endswith(f"/{each}") for each in tool.images)
            if _is_run(tool, words, is_of_image=is_of_image) and not _is_disarmed(tool, words, own):
                yield tool, place


def _commands(container: Container, own: Environment) -> Iterator[tuple[list[str], Span]]:
    """The commands that a container runs, each with its words and where it stands."""
    given = (*(container.command or ()), *(container.args or ()))
    words = [Located(text_of(expand(word, own.get)), word.span) for word in given]
    script = script_at([word.value for word in words])
    if script is None:
        if words:
            yield [word.value for word in words], words[0].span
        return
    for command in commands(words[script].value) or ():
        yield [literal(word) or "" for word in command.words], words[script].span


def _is_run(tool: _Tool, words: Sequence[str], *, is_of_image: bool) -> bool:
    at = 0
    while at < len(words) and (_ASSIGNMENT.fullmatch(words[at]) or words[at] in _STARTERS):
        at += 1
    program = os.path.basename(words[at]) if at < len(words) else ""
    rest = words[at + 1 :] if program in tool.programs else (words if is_of_image else None)
    if rest is None or not _has_signs(tool, words):
        return False
    for group in tool.words:
        found = next((number for number, word in enumerate(rest) if word in group), None)
        if found is None:
            return False
        rest = rest[found + 1 :]
    return True


def _has_signs(tool: _Tool, words: Sequence[str]) -> bool:
    return not tool.signs or any(word.partition("=")[0] in tool.signs for word in words)


def _is_disarmed(tool: _Tool, words: Sequence[str], own: Environment) -> bool:
    """Whether it is told to do without its lock."""
    told: Mapping[str, object] = own.variables
    in_urls = (each.address.options for each in addresses_in(own))
    is_in_words = any(parameter in word for parameter in tool.parameters for word in words)
    return (
        not tool.options.isdisjoint(words)
        or any(name in told for name in tool.variables)
        or is_in_words
        or any(not tool.parameters.isdisjoint(options) for options in in_urls)
    )
