"""Whether points and what stands under them are what the record says."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from analysis import submission_agreement
from analysis.models import Dispute, Grouping, Point, PointWording
from analysis.rules import FEW_SUMMARY, FEW_TITLE
from analysis.services import point_text
from audit import entries
from audit.agreement import Recorded, recorded, unmatched
from core.db import db
from regulations.models import Regulation
from voting.models import Comment

RAISED = "raised"
"""The state of an objection that waits, which has no outcome yet."""


def disagreements() -> Iterator[str]:
    yield from _points()
    yield from _groupings()
    yield from _disputes()
    yield from submission_agreement.disagreements()


def _points() -> Iterator[str]:
    lines = list(recorded("point"))
    first, latest = {line.said["point"]: line for line in reversed(lines)}, {line.said["point"]: line for line in lines}
    worded = {line.id: line for line in lines if "text_sha256" in line.said}
    times = Counter(line.said["point"] for line in worded.values())
    rows = db.session.execute(select(Point, Regulation.slug).join(Regulation).order_by(Point.id)).all()
    yield from unmatched("point", [row.Point.entry_id for row in rows], latest.values())
    by_id = {line.id: line for line in latest.values()}
    for point, slug in rows:
        line = by_id.get(point.entry_id or "")
        if line is None:
            continue
        withdrawn = point.withdrawn_at is not None
        if not line.is_of(point.changed_at) or (withdrawn and not line.is_of(point.withdrawn_at)):
            yield f"point: {point.public_id} was last changed at another time than {line.named}."
        if bool(line.said.get("withdrawn")) != withdrawn:
            yield f"point: {point.public_id} stands or is given up against {line.named}."
        name = line.said["point"]
        began = first[name]
        said = (name, line.said["item"], began.said["actor"], times[name])
        if said != (point.public_id, slug, point.made_by, point.version) or not began.is_of(point.made_at):
            yield f"point: {point.public_id} was made otherwise than {began.named} says, or worded more or less often."
        if point.few != gathers_few(began.said):
            yield f"point: {point.public_id} gathers what few people raised, or does not, against {began.named}."
    yield from _wordings([row.Point for row in rows], worded)


def gathers_few(first: Mapping[str, Any]) -> bool:
    """By a point's first line. Those from before lines said so are known by the words every such group was given."""
    told: bool = first.get("few", first.get("text_sha256") == _FEW)
    return told


_FEW = entries.text_digest(point_text(FEW_TITLE, FEW_SUMMARY))


def _wordings(points: Sequence[Point], worded: Mapping[str, Recorded]) -> Iterator[str]:
    named = {point.id: point.public_id for point in points}
    numbers, times = {}, Counter[str]()
    for each in worded.values():
        times[each.said["point"]] += 1
        numbers[each.id] = times[each.said["point"]]
    wordings = list(db.session.scalars(select(PointWording)))
    yield from unmatched("point_wording", [wording.entry_id for wording in wordings], worded.values())
    for wording in wordings:
        line = worded.get(wording.entry_id)
        if line is None:
            continue
        if line.said["text_sha256"] != entries.text_digest(point_text(wording.title, wording.summary)):
            yield f"point_wording: the words of {line.named} are others than those it was recorded with."
        if (line.said["point"], line.said["actor"]) != (named.get(wording.point_id), wording.worded_by):
            yield f"point_wording: the words of {line.named} are shown as another point's, or another office's."
        if wording.version != numbers[line.id] or not line.is_of(wording.worded_at):
            yield f"point_wording: the words of {line.named} are shown in another order, or as of another time."
    newest = {wording.point_id: wording for wording in sorted(wordings, key=lambda wording: wording.version)}
    for point in points:
        last = newest.get(point.id)
        if last is None or (last.title, last.summary) != (point.title, point.summary):
            yield f"point: {point.public_id} is shown in other words than it was last recorded with."


def _groupings() -> Iterator[str]:
    lines = list(recorded("grouping"))
    latest = {line.about_id: line for line in lines}
    put = {line.about_id: line for line in lines if not line.said.get("withdrawn")}
    wanted = select(Grouping, Point.public_id, Comment.id, Comment.entry_id, Comment.version)
    rows = db.session.execute(wanted.outerjoin(Point).outerjoin(Comment).order_by(Grouping.id)).all()
    yield from unmatched("grouping", [row.Grouping.entry_id for row in rows], latest.values())
    by_id = {line.id: line for line in latest.values()}
    points = {line.id: line.said["point"] for line in recorded("point")}
    comments = {line.id: line.about_id for line in recorded("comment")}
    for grouping, point, comment, words, version in rows:
        line = by_id.get(grouping.entry_id or "")
        if line is None:
            continue
        told = (not line.said.get("withdrawn"), points.get(line.said["point"]), comments.get(line.said["comment"]))
        if (line.about_id, *told) != (grouping.id, grouping.stands, point, comment):
            yield f"grouping: {grouping.id} is not what {line.named} says."
        began = put.get(grouping.id)
        if began is None or began.said["actor"] != grouping.put_by or not began.is_of(grouping.put_at):
            yield f"grouping: {grouping.id} was put there by another office, or at another time, than the record says."
        elif began.said["comment"] == words and grouping.version != version:
            yield f"grouping: {grouping.id} is about other words than {began.named}."


def _disputes() -> Iterator[str]:
    lines = list(recorded("dispute"))
    first = {line.about_id: line for line in reversed(lines)}
    latest = {line.about_id: line for line in lines}
    by_id = {line.id: line for line in latest.values()}
    rows = list(db.session.scalars(select(Dispute).order_by(Dispute.id)))
    yield from unmatched("dispute", [row.entry_id for row in rows], latest.values())
    groupings = {line.id: line.about_id for line in recorded("grouping")}
    for row in rows:
        line = by_id.get(row.entry_id or "")
        if line is None:
            continue
        settled = line.said["state"] != RAISED
        said = (line.about_id, line.said["state"], settled, line.said.get("actor") or "")
        if said != (row.id, row.outcome or RAISED, row.settled_at is not None, row.settled_by):
            yield f"dispute: {row.id} stands otherwise than {line.named} says."
        if groupings.get(line.said["grouping"]) != row.grouping_id:
            yield f"dispute: {row.id} is about another reason, or another point, than {line.named}."
        if not first[line.about_id].is_of(row.raised_at) or (settled and not line.is_of(row.settled_at)):
            yield f"dispute: {row.id} was raised or settled at another time than its lines were written."
