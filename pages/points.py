"""One point as everybody reads it: its answers in decisions, and what happened to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from analysis.models import Grouping, Point
from analysis.queries import PointRow
from core.db import db
from core.errors import NotFound
from decisions.models import Answer, Decision


def readable(points: Sequence[PointRow]) -> list[PointRow]:
    """Those that everybody may see: something they can read stands under them, or a decision answered them."""
    ids = [point.id for point in points if not point.is_readable]
    answered = set(db.session.scalars(select(Answer.point_id).where(Answer.point_id.in_(ids)))) if ids else set()
    return [point for point in points if point.is_readable or point.id in answered]


def check_readable(point: Point, row: PointRow) -> None:
    """Raises NotFound. One that was given up stays where reasons stood under it."""
    stood = select(Grouping.id).where(Grouping.point_id == point.id).limit(1)
    if not readable([row]) and (point.withdrawn_at is None or db.session.scalar(stood) is None):
        raise NotFound("There is no such point, or nothing that everybody can read stands under it yet.")


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
