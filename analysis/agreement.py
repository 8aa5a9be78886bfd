"""Whether points and what stands under them are what the record says."""

from collections.abc import Iterator

from sqlalchemy import select

from analysis import submission_agreement
from analysis.models import Dispute, Grouping, Point, PointWording
from analysis.services import point_text
from audit import entries
from audit.agreement import Recorded, recorded, unmatched
from core.db import db
from voting.models import Comment


def disagreements() -> Iterator[str]:
    yield from _points()
    yield from _groupings()
    yield from _disputes()
    yield from submission_agreement.disagreements()


def _points() -> Iterator[str]:
    lines = list(recorded("point"))
    latest = {line.said["point"]: line for line in lines}
    rows = db.session.execute(select(Point.public_id, Point.entry_id, Point.withdrawn_at)).all()
    yield from unmatched("point", [row.entry_id for row in rows], latest.values())
    for row in rows:
        line = latest.get(row.public_id)
        if line is not None and bool(line.said.get("withdrawn")) != (row.withdrawn_at is not None):
            yield f"point: {row.public_id} stands or is given up against {line.named}."
    worded = {line.id: line for line in lines if "text_sha256" in line.said}
    wordings = list(db.session.scalars(select(PointWording)))
    yield from unmatched("point_wording", [wording.entry_id for wording in wordings], worded.values())
    for wording in wordings:
        line = worded.get(wording.entry_id)
        said = entries.text_digest(point_text(wording.title, wording.summary))
        if line is not None and line.said["text_sha256"] != said:
            yield f"point_wording: the words of {line.named} are others than those it was recorded with."
    newest = {wording.point_id: wording for wording in sorted(wordings, key=lambda wording: wording.version)}
    for point in db.session.execute(select(Point.id, Point.public_id, Point.title, Point.summary)):
        last = newest.get(point.id)
        if last is None or (last.title, last.summary) != (point.title, point.summary):
            yield f"point: {point.public_id} is shown in other words than it was last recorded with."


def _groupings() -> Iterator[str]:
    latest: dict[int | None, Recorded] = {line.about_id: line for line in recorded("grouping")}
    wanted = select(Grouping.id, Grouping.entry_id, Grouping.stands, Point.public_id, Comment.id.label("comment"))
    rows = db.session.execute(wanted.join(Point).join(Comment)).all()
    yield from unmatched("grouping", [row.entry_id for row in rows], latest.values())
    points = {line.id: line.said["point"] for line in recorded("point")}
    comments = {line.id: line.about_id for line in recorded("comment")}
    for row in rows:
        line = latest.get(row.id)
        if line is None:
            continue
        said = (not line.said.get("withdrawn"), points.get(line.said["point"]), comments.get(line.said["comment"]))
        if said != (row.stands, row.public_id, row.comment):
            yield f"grouping: {row.id} is not what {line.named} says."


def _disputes() -> Iterator[str]:
    latest: dict[int | None, Recorded] = {line.about_id: line for line in recorded("dispute")}
    rows = db.session.execute(select(Dispute.id, Dispute.entry_id, Dispute.outcome)).all()
    yield from unmatched("dispute", [row.entry_id for row in rows], latest.values())
    for row in rows:
        line = latest.get(row.id)
        if line is not None and line.said["state"] != (row.outcome or "raised"):
            yield f"dispute: {row.id} stands otherwise than {line.named} says."
