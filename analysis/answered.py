"""What the decision that stands on a regulation has answered, as the record says: this floor knows no decisions."""

from dataclasses import dataclass, field

from sqlalchemy import select

from analysis.models import Grouping, Point
from audit.agreement import recorded_on
from audit.models import Entry
from core.db import db
from regulations.models import Regulation
from voting.models import Comment


@dataclass
class Answered:
    """The points and the comments that a decision answers, by the ids of their rows, and where its line stands."""

    points: set[int] = field(default_factory=set)
    comments: set[int] = field(default_factory=set)
    at: int = 0

    def reached(self, grouping: Grouping) -> bool:
        """Whether the answer to a point was given to a reason that stood under it, in the words it still has."""
        if grouping.point_id not in self.points or not grouping.stands or grouping.version != grouping.comment.version:
            return False
        put_at = db.session.scalar(select(Entry.seq).where(Entry.id == grouping.entry_id))
        return put_at is not None and put_at < self.at

    def reaches(self, comment: Comment, *, besides: Grouping) -> bool:
        """Whether a reason has an answer of its own, or through another point it counts under."""
        db.session.flush()
        wanted = select(Grouping.id).where(
            Grouping.comment_id == comment.id, Grouping.id != besides.id, Grouping.stands.is_(True),
            Grouping.version == comment.version, Grouping.point_id.in_(self.points),
        )  # fmt: skip
        return comment.id in self.comments or db.session.scalar(wanted.limit(1)) is not None


def answered_on(regulation: Regulation) -> Answered:
    """Nothing while there is no decision."""
    lines = recorded_on(regulation.slug, "decision", "answer")
    decisions = [line for line in lines if line.said["type"] == "decision"]
    if not decisions:
        return Answered()
    given = [line.said for line in lines if line.said.get("decision") == decisions[-1].id]
    ids = {said[name] for said in given for name in ("point", "comment") if name in said}
    answered = Answered(at=db.session.scalars(select(Entry.seq).where(Entry.id == decisions[-1].id)).one())
    for row in db.session.execute(select(Entry.about_kind, Entry.about_id).where(Entry.id.in_(ids))):
        if row.about_kind == Point.__name__:
            answered.points.add(row.about_id)
        elif row.about_kind == Comment.__name__:
            answered.comments.add(row.about_id)
    return answered
