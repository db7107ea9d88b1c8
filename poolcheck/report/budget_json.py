"""The connection budget as one JSON document; version 1 may grow and does not change."""

from collections.abc import Iterable
from itertools import groupby
from typing import TextIO, TypeAlias

from poolcheck import __version__
from poolcheck.amount import Amount, difference
from poolcheck.budget.accounts import Account, Budget, Limit
from poolcheck.budget.parts import Part
from poolcheck.budget.told import message
from poolcheck.budget.verdicts import verdict_on
from poolcheck.report.places import Places
from poolcheck.report.redact import redact_message
from poolcheck.scale import Scale, Situation

VERSION = 1

Object: TypeAlias = dict[str, object]


def print_budget(budget: Budget, places: Places, stream: TextIO) -> None:
    """Writes the document."""
    import json

    stream.write(json.dumps(document(budget, places), ensure_ascii=False, indent=2) + "\n")


def document(budget: Budget, places: Places) -> Object:
    """The limits, each with what is wanted of it in every deployment, and what is not known."""
    limits = groupby(budget.accounts, key=lambda account: account.limit)
    return {
        "version": VERSION,
        "poolcheck": __version__,
        "limits": [_limit(limit, accounts, places) for limit, accounts in limits],
        "unknown": [
            {"what": each.what, "why": each.why, "place": places.line(each.place) or None}
            for each in budget.unknown
        ],
    }


def _limit(limit: Limit, accounts: Iterable[Account], places: Places) -> Object:
    return {
        "kind": limit.kind.value,
        "id": limit.id,
        "name": limit.name,
        "place": places.line(limit.place) or None,
        "has": _amount(limit.has, places),
        "kept_back": _amount(limit.kept_back, places),
        "accepts": _amount(limit.accepts, places),
        "in_each_pod": limit.in_pod,
        "deployments": [_deployment(account, places) for account in accounts if account.parts],
    }


def _deployment(account: Account, places: Places) -> Object:
    """What is wanted together: in each situation, with the reserve, and what is left of what is accepted."""
    verdict = verdict_on(account)
    together = Scale(*map(account.wanted, Situation))
    return {
        "stages": sorted(account.stages),
        "namespace": account.namespace,
        "parts": [_part(part, places) for part in account.parts],
        "together": _scale(together, places),
        "together_with_reserve": _scale(
            Scale(*(account.wanted(each, with_reserve=True) for each in Situation)), places
        ),
        "left": _scale(together.each(lambda wanted: difference(account.limit.accepts, wanted)), places),
        "over": verdict
        and {
            "severity": verdict.severity.value,
            "situation": verdict.why.situation.value,
            "with_reserve": verdict.why.with_reserve,
            "by": verdict.over.wanted - verdict.over.allowed,
            "message": redact_message(message(verdict)),
        },
    }


def _part(part: Part, places: Places) -> Object:
    return {
        "id": part.id,
        "name": part.owner.name,
        "kind": "pooler" if part.is_pooler else "workload",
        "pool": None if part.is_pooler else part.title,
        "connections": _scale(part.connections, places),
        "with_reserve": _scale(part.with_reserve, places),
    }


def _scale(scale: Scale, places: Places) -> Object:
    return {situation.value: _amount(scale.at(situation), places) for situation in Situation}


def _amount(amount: Amount, places: Places) -> Object:
    """A number: its ends, null where it has none, how it comes about, and why."""
    return {
        "low": amount.low,
        "high": amount.high,
        "sum": amount.low_sum if amount.low == amount.high else f"{amount.low_sum} to {amount.most_sum}",
        "assumptions": list(dict.fromkeys(each.assumption for each in amount.because if each.assumption)),
        "because": [
            {"text": redact_message(each.text), "place": places.line(each.span) or None}
            for each in dict.fromkeys(amount.because)
        ],
    }
