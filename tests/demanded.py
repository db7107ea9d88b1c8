"""What poolers want from databases, as tests ask for it."""

from typing import NamedTuple

from poolcheck.amount import Amount
from poolcheck.budget.accounts import Kind, budget
from poolcheck.budget.facts import Facts, Owner


class Demanded(NamedTuple):
    """What a pooler may open of the connections that a database accepts, with its reserve."""

    pooler: str
    database: str
    connections: Amount
    accepts: Amount
    owner: Owner


def demanded(facts: Facts) -> list[Demanded]:
    """What each pooler wants from each database, in the order of the poolers."""
    found = {
        part: Demanded(
            part.owner.name, account.limit.name, part.with_reserve.steady, account.limit.accepts, part.owner
        )
        for account in budget(facts).accounts
        if account.limit.kind is Kind.DATABASE
        for part in account.parts
        if part.is_pooler
    }
    return sorted(
        found.values(), key=lambda each: [pooler.owner.name for pooler in facts.poolers].index(each.pooler)
    )
