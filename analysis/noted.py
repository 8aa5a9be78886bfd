"""Reasons of which staff agreed that they belong elsewhere, and that keep their answer until the next decision."""

from sqlalchemy import ColumnElement, exists

from analysis.models import Dispute, Grouping
from analysis.rules import Outcome


def is_noted() -> ColumnElement[bool]:
    """Of a grouping in a query: its author objected since it was put there, and that was noted."""
    found = exists().where(
        Dispute.grouping_id == Grouping.id, Dispute.outcome == Outcome.NOTED, Dispute.raised_at >= Grouping.put_at
    )
    return found.correlate_except(Dispute)
