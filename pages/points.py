"""One point as everybody reads it: its answers in decisions, and what happened to it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from core.db import db
from decisions.models import Answer, Decision


@dataclass(frozen=True)
class Answered:
    """What a published decision answered to a point, in the words the point had then."""

    reference: str
    published_at: datetime
    verdict: str
    reasons: str
    point_title: str
    behind: int
    entry_id: str


def answers_to(point_id: int) -> list[Answered]:
    """The newest first."""
    wanted = (
        select(
            Decision.reference, Decision.published_at, Answer.verdict, Answer.reasons, Answer.point_title,
            Answer.behind, Answer.entry_id,
        )
        .join(Decision, Decision.id == Answer.decision_id)
        .where(Answer.point_id == point_id)
    )  # fmt: skip
    return [Answered(**row._mapping) for row in db.session.execute(wanted.order_by(Answer.id.desc()))]
