"""A pooler whose liveness probe asks the database behind it, so that it is restarted when that is slow."""

import os.path
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from poolcheck.finding import Finding, Severity
from poolcheck.read.kubernetes.manifest import Container, Manifest
from poolcheck.read.kubernetes.pooler_containers import family_of, is_pgbouncer, running_containers
from poolcheck.read.kubernetes.pooler_images import Family
from poolcheck.read.kubernetes.shell import Command, Variable, Word, commands, literal, script_at
from poolcheck.read.template import has_template
from poolcheck.rule import Rule
from poolcheck.source import Span

_OWN = frozenset({"pgbouncer", "pgcat"})
"""The databases that the poolers answer for themselves."""
_VALUED = "cdfFhLopPRTUv"
"""The options of psql that a value follows."""
_LONG = {"--dbname": "d", "--username": "U", "--host": "h", "--command": "c", "--port": "p", "--file": "f"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_DBNAME = re.compile(r"\bdbname\s*=\s*'?(?P<name>[\w.-]+)")
_BEFORE = frozenset({"env", "exec", "timeout"})


class Asked(NamedTuple):
    """The database that a probe asks, "" where it is not told which, and the place that says so."""

    database: str
    span: Span


class PoolerLivenessUsesDatabase(Rule[Manifest]):
    id = "pooler-liveness-uses-database"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        for workload in manifest.workloads:
            for container in running_containers(workload):
                if not is_pgbouncer(container) and family_of(container) is not Family.PGCAT:
                    continue
                if (asked := asked_in(container)) and asked.database not in _OWN:
                    which = f"database {asked.database}" if asked.database else "the database"
                    yield self.finding(
                        asked.span,
                        f"the livenessProbe of {container.name.value} asks {which}: when that does not answer, "
                        "the pooler is restarted and all its clients are cut off",
                    )


def asked_in(container: Container) -> Asked | None:
    """The database that the liveness of a container hangs on; None where it is none, or not told."""
    words = container.probes.liveness.command if container.probes.liveness else None
    if words is None:
        return None
    variables = {each.name.value: each.value.text for each in container.env if each.value}
    if container.env_from:
        variables.setdefault("PGDATABASE", "$(PGDATABASE)")
    at = script_at([word.value for word in words])
    if at is not None:
        found = next(psql_calls(commands(words[at].value) or ()), None)
        database = database_of(texts_of(found, variables), variables) if found else None
        return None if database is None else Asked(database, words[at].span)
    texts = [None if "$(" in word.value or has_template(word.value) else word.value for word in words]
    database = database_of(texts, variables) if is_psql([(text,) for text in texts]) else None
    return None if database is None else Asked(database, words[-1].span)


def psql_calls(script: Sequence[Command]) -> Iterator[Sequence[Word]]:
    """The calls of psql with whose failure a script fails."""
    for at, command in enumerate(script):
        if is_psql(command.words) and counts(script[at:]):
            yield command.words


def is_psql(words: Sequence[Word]) -> bool:
    """Whether a command is psql, perhaps behind `timeout 5` and variables that are set for it."""
    texts = [literal(word) for word in words]
    for text in texts:
        name = os.path.basename(text or "")
        if name == "psql":
            return True
        if not (name in _BEFORE or text is None or _ASSIGNMENT.fullmatch(text) or text[:1] in "-0123456789"):
            return False
    return False


def counts(script: Sequence[Command]) -> bool:
    """Whether what a script returns hangs on its first command."""
    for at, command in enumerate(script):
        if at + 1 == len(script):
            return command.then != "&"
        if command.then == "||":
            return fails([literal(word) for word in script[at + 1].words])
        if command.then not in {"&&", "|"}:
            return False
    return False


def fails(words: Sequence[str | None]) -> bool:
    """Whether a command is there to fail: `false`, `exit 1`."""
    return words == ["false"] or (words[:1] == ["exit"] and words[1:] not in ([], ["0"]))


def texts_of(words: Sequence[Word], variables: Mapping[str, str]) -> list[str | None]:
    """The words of a command with the variables of the container filled in; None where that is not told."""
    return [text_of(word, variables) for word in words]


def text_of(word: Word, variables: Mapping[str, str]) -> str | None:
    """A word with its variables filled in."""
    parts: list[str] = []
    for part in word:
        text = variables.get(part.name, part.default) if isinstance(part, Variable) else part
        if text is None or "$(" in text or has_template(text):
            return None
        parts.append(text)
    return "".join(parts)


def database_of(texts: Sequence[str | None], variables: Mapping[str, str]) -> str | None:
    """The database that a call of psql asks, "" where it is not told which; None where it may be the pooler's own.

    The admin console knows no SELECT.
    """
    start = next(at for at, text in enumerate(texts) if os.path.basename(text or "") == "psql")
    set_before = dict(text.split("=", 1) for text in texts[:start] if text and _ASSIGNMENT.fullmatch(text))
    options, operands = parsed(texts[start + 1 :])
    named = options.get("d", operands[0] if operands else None)
    if named is None and "d" not in options and not operands:
        named = {**variables, **set_before}.get("PGDATABASE") or options.get("U")
    is_told = named and "$(" not in named and not has_template(named)
    if named and is_told and (found := name_in(named)):
        return found
    return "" if (options.get("c") or "").lower().startswith("select") else None


def parsed(texts: Sequence[str | None]) -> tuple[dict[str, str | None], list[str | None]]:
    """The options of psql with their values, and its operands."""
    options: dict[str, str | None] = {}
    operands: list[str | None] = []
    left = list(texts)
    while left:
        text = left.pop(0)
        if text is None or not text.startswith("-") or text == "-":
            operands.append(text)
        elif text.startswith("--"):
            name, is_set, value = text.partition("=")
            if name in _LONG:
                options[_LONG[name]] = value if is_set else left.pop(0) if left else None
        else:
            letters = text[1:]
            at = next((at for at, letter in enumerate(letters) if letter in _VALUED), None)
            if at is not None:
                options[letters[at]] = letters[at + 1 :] or (left.pop(0) if left else None)
    return options, operands


def name_in(named: str) -> str | None:
    """The database in a name, a URL or a list of parameters."""
    if "://" in named:
        try:
            return urlsplit(named).path.strip("/") or None
        except ValueError:
            return None
    if "=" in named:
        found = _DBNAME.search(named)
        return found["name"] if found else None
    return named
