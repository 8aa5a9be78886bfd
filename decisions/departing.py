"""Which decisions differ from what most people of one capacity asked for, asked of the database as of a row."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, false

from accounts.rules import Capacity
from decisions.models import Decision
from decisions.rules import Comparison


def departs_from(capacity: str) -> ColumnElement[bool]:
    """Of none where there is no such capacity."""
    if capacity not in set(Capacity):
        return false()
    return Decision.comparisons[capacity]["comparison"].as_string() == Comparison.DIFFERS.value


def departures_in(comparisons: Mapping[str, Any]) -> dict[Capacity, str]:
    """By capacity the sentence that says how far, such as "Differs from the largest group of businesses, 44 of 98"."""
    said = {who: comparisons.get(who) for who in Capacity}
    return {who: how["sentence"] for who, how in said.items() if how and how["comparison"] == Comparison.DIFFERS}
