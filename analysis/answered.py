"""What the decision that stands on a regulation has answered, as the record says: this floor knows no decisions."""

import json
from dataclasses import dataclass, field

from sqlalchemy import select

from analysis.models import Grouping, Point, Submission
from audit.agreement import recorded_on
from audit.models import Entry, Opening
from audit.queries import read
from core.db import db
from regulations.models import Regulation
from voting.models import Comment


@dataclass
class Answered:
    """The points and the comments that a decision answers, by the ids of their rows, and where its line stands."""

    points: set[int] = field(default_factory=set)
    comments: set[int] = field(default_factory=set)
    at: int = 0

    def holds(self, grouping: Grouping) -> bool:
        """Whether a reason has its answer through this point: it was given here, or by now stands nowhere else."""
        if grouping.point_id not in self.points or not grouping.stands or grouping.version != grouping.comment.version:
            return False
        put_at = db.session.scalar(select(Entry.seq).where(Entry.id == grouping.entry_id))
        if put_at is not None and put_at < self.at:
            return True
        return self._was_given_to(grouping.comment) and not self.reaches(grouping.comment, besides=grouping)

    def _was_given_to(self, comment: Comment) -> bool:
        """Through any point that it stood under when the decision was published, wherever it stands by now."""
        placed = select(Grouping.id).where(
            Grouping.comment_id == comment.id, Grouping.point_id.in_(self.points), Grouping.version == comment.version
        )
        lines = select(Entry.about_id, Entry.body).where(
            Entry.about_kind == Grouping.__name__, Entry.about_id.in_(placed), Entry.type == "grouping",
            Entry.seq < self.at,
        )  # fmt: skip
        latest = {line.about_id: read(line.body) for line in db.session.execute(lines.order_by(Entry.seq))}
        return any(not said.get("withdrawn") for said in latest.values())

    def reaches(self, comment: Comment, *, besides: Grouping) -> bool:
        """Whether a reason has an answer of its own, or through another point it counts under."""
        db.session.flush()
        wanted = select(Grouping.id).where(
            Grouping.comment_id == comment.id, Grouping.id != besides.id, Grouping.stands.is_(True),
            Grouping.version == comment.version, Grouping.point_id.in_(self.points),
        )  # fmt: skip
        return comment.id in self.comments or db.session.scalar(wanted.limit(1)) is not None

    def was_given_to(self, submission: Submission) -> bool:
        """Whether a submission made an answered point when the decision was published."""
        lines = select(Opening.text).join(Entry, Entry.id == Opening.entry_id)
        wanted = lines.where(
            Entry.about_kind == Submission.__name__, Entry.about_id == submission.id, Entry.type == "submission",
            Opening.field == "text_commit", Entry.seq < self.at,
        )  # fmt: skip
        text = db.session.scalar(wanted.order_by(Entry.seq.desc()).limit(1))
        return text is not None and not self._names.isdisjoint(json.loads(text)["points"])

    @property
    def _names(self) -> set[str]:
        return set(db.session.scalars(select(Point.public_id).where(Point.id.in_(self.points))))


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


def answered_for_now(regulation: Regulation) -> Answered:
    """The same, kept from changing until the commit: no decision is published between looking and acting."""
    db.session.refresh(regulation, with_for_update=True)
    return answered_on(regulation)
