"""Whether submissions are what the record says."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select

from analysis.models import Point, Submission, SubmissionPoint
from analysis.papers import wrong_with_paper
from analysis.submission_rules import FROM_A_BALLOT
from analysis.submissions import received_at, submission_text
from audit.agreement import Recorded, recorded, unmatched
from audit.models import Entry, Opening
from core.db import db
from regulations.models import Regulation, Theme
from voting.models import Vote


def disagreements() -> Iterator[str]:
    first: dict[str, Recorded] = {}
    latest: dict[str, Recorded] = {}
    lines = list(recorded("submission"))
    for line in lines:
        first.setdefault(line.said["reference"], line)
        latest[line.said["reference"]] = line
    rows = db.session.execute(_ROWS).all()
    yield from unmatched("submission", [row.Submission.entry_id for row in rows], latest.values())
    points, by_id = _points(), {line.id: line for line in latest.values()}
    for row in rows:
        submission = row.Submission
        if submission.entry_id not in by_id:
            continue
        line = by_id[submission.entry_id]
        for name, value in _said_of(submission, row.theme, row.slug).items():
            if line.said.get(name) != value:
                yield f"submission: {submission.reference} has another {name} than {line.named}."
        if submission.entered_by != first[line.said["reference"]].said["actor"]:
            yield f"submission: {submission.reference} was entered by another office than the record says."
        if submission.file_sha256 and (wrong := wrong_with_paper(submission.file_sha256)):
            yield f"submission: the paper of {submission.reference} in the data folder {wrong}."
        began = first[line.said["reference"]]
        if submission.entered_by != began.said["actor"] or not began.is_of(submission.entered_at):
            yield f"submission: {submission.reference} was entered by another office, or at another time, than it says."
        came_with_a_ballot = began.said["actor"] == FROM_A_BALLOT
        ballot = submission.regulation_id if came_with_a_ballot else None
        if (submission.from_ballot, submission.vote_id is None, row.voted_on) != (
            came_with_a_ballot, not came_with_a_ballot, ballot,
        ):  # fmt: skip
            yield f"submission: {submission.reference} came with a ballot, or did not, against {began.named}."
        if row.text != submission_text(submission, points[submission.id]):
            yield f"submission: {submission.reference} does not say what {line.named} commits to."
    yield from _erased(lines)


def _erased(lines: Sequence[Recorded]) -> Iterator[str]:
    """What no line says was erased is there to be opened, and what was erased is not."""
    there = set(db.session.scalars(_OPENED))
    erased = {line.said["target"] for line in recorded("erasure")}
    for line in lines:
        if line.id in there and line.id in erased:
            yield f"submission: what {line.named} sealed is still there, and was erased."
        elif line.id not in there and line.id not in erased:
            yield f"submission: what {line.named} seals is gone, which no line about an erasure says."


_OPENED = (
    select(Opening.entry_id)
    .join(Entry, Entry.id == Opening.entry_id)
    .where(Entry.type == "submission", Opening.field == "text_commit")
)
_ROWS: Any = (
    select(Submission, Theme.slug.label("theme"), Regulation.slug, Opening.text, Vote.regulation_id.label("voted_on"))
    .join(Theme, Theme.id == Submission.theme_id)
    .outerjoin(Regulation, Regulation.id == Submission.regulation_id)
    .outerjoin(Vote, Vote.id == Submission.vote_id)
    .outerjoin(Opening, (Opening.entry_id == Submission.entry_id) & (Opening.field == "text_commit"))
    .order_by(Submission.id)
)


def _said_of(submission: Submission, theme: str, slug: str | None) -> dict[str, Any]:
    return {
        "reference": submission.reference,
        "theme": theme,
        "item": slug,
        "how": submission.how,
        "capacity": submission.capacity,
        "received": received_at(submission),
        "signatures": submission.signatures,
        "withheld": True if submission.withheld else None,
        "file_sha256": (submission.file_sha256 or None) if not submission.withheld else None,
    }


def _points() -> dict[int, list[str]]:
    wanted = select(SubmissionPoint.submission_id, Point.public_id).join(Point, Point.id == SubmissionPoint.point_id)
    made: dict[int, list[str]] = defaultdict(list)
    for id, public_id in db.session.execute(wanted):
        made[id].append(public_id)
    return made
