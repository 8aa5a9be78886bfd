"""The texts that lines of the record stand for, and which of them may be read by all."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select

from audit.models import Entry, Opening
from core.db import db
from pages.trail import Told
from regulations.models import Regulation, Theme
from regulations.rules import Split
from voting.models import Comment
from voting.rules import CommentStatus

ALWAYS_PUBLIC = {("moderation", "reason_commit"), ("window", "reason_commit")}
WORDS = {
    "body_commit": "The reason given",
    "reason_commit": "Why this was done",
    "commit": "Which way it went",
}


@dataclass(frozen=True)
class Opened:
    """A text that anybody may hold against the line that commits to it."""

    words: str
    field: str
    kind: str
    text: str
    salt: str


@dataclass(frozen=True)
class Openings:
    """What may be read of what a line commits to. ``shut`` says in a sentence why a text is not there."""

    opened: list[Opened]
    shut: str = ""
    newer_id: str = ""
    """Where the same person's reason stands now."""


def public_openings(told: Told) -> Openings:
    """A reason is open while it stands as published; what a kept split hides is open once the count is final."""
    line = told.line
    if not any(field.endswith("commit") for field in line.said):
        return Openings([])
    wanted = (
        select(Opening, Theme.split, Theme.frozen_at, Comment.status, Comment.entry_id.label("stands_in"))
        .join(Entry, Entry.id == Opening.entry_id)
        .outerjoin(Regulation, Regulation.slug == Entry.item)
        .outerjoin(Theme, Theme.id == Regulation.theme_id)
        .outerjoin(Comment, and_(Entry.about_kind == Comment.__name__, Comment.id == Entry.about_id))
        .where(Opening.entry_id == line.id)
        .order_by(Opening.id)
    )
    opened, shut, newer = [], "", ""
    rows = db.session.execute(wanted).all()
    for row in rows:
        why_not, stands_in = _why_shut(line.type, line.id, row)
        if not why_not:
            opened.append(_opened(row.Opening))
        else:
            shut, newer = why_not, stands_in
    if not rows:
        shut = "The text this line stands for has been erased. The line itself stays."
    return Openings(opened, shut, newer)


def _why_shut(type: str, entry_id: str, row: Any) -> tuple[str, str]:
    field = row.Opening.field
    if (type, field) in ALWAYS_PUBLIC:
        return "", ""
    if row.split == Split.KEPT and row.frozen_at is None:
        return "Which way people went, and why, is kept until the count is final.", ""
    if type != "comment" or field == "commit":
        return "", ""
    if row.status == CommentStatus.HIDDEN:
        return "A moderator hid this reason, so its text is not shown.", ""
    if row.status == CommentStatus.WITHDRAWN:
        return "This reason was taken back, so its text is not shown.", ""
    if row.stands_in != entry_id:
        return "This reason was written anew since, so its earlier text is not shown.", row.stands_in
    return "", ""


def _opened(opening: Opening) -> Opened:
    return Opened(
        WORDS.get(opening.field, opening.field), opening.field, opening.kind, opening.text, opening.salt.hex()
    )  # fmt: skip
