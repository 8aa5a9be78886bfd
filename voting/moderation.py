"""Hiding a comment, or words of it, by a public rule, and showing it again.

Nothing is deleted; the record says who, when and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from accounts.models import Account
from accounts.rules import Capacity, Role
from audit.entries import ModerationEntry
from audit.services import Sealed, record
from core.db import db
from core.errors import Clash, NotAllowed, NotFound, RuleBroken
from regulations.models import Regulation, Theme
from regulations.rules import Split
from voting.models import Comment, ModerationAct
from voting.rules import PUBLIC, CommentStatus, ModerationRule, covered

MODERATORS = (Role.MODERATOR, Role.ADMINISTRATOR)
_SHUT = (CommentStatus.HIDDEN, CommentStatus.MASKED)
_GONE = (CommentStatus.WITHDRAWN, CommentStatus.ERASED)


@dataclass(frozen=True)
class ToModerate:
    """A comment as moderators see it, its text included when it is hidden. ``choice`` is empty while it is sealed."""

    public_id: str
    status: str
    text: str
    who: str
    choice: str
    written_at: datetime
    entry_id: str
    slug: str
    title: str
    rule: str
    office: str
    changed_since: bool
    """Its author has written over it since it was hidden or masked."""


def comments_to_moderate(*, status: str, slug: str, offset: int, limit: int) -> list[ToModerate]:
    """The newest first, with the last act on each."""
    any_act = aliased(ModerationAct)
    last = select(func.max(any_act.id)).where(any_act.comment_id == Comment.id).scalar_subquery()
    columns: Any = select(
        Comment.public_id, Comment.status, Comment.text, Comment.display_name, Comment.organisation_name,
        Comment.capacity, Comment.choice, Comment.written_at, Comment.entry_id, Regulation.slug, Regulation.title,
        Theme.split, Theme.frozen_at, ModerationAct.rule, ModerationAct.office, ModerationAct.target,
    )  # fmt: skip
    wanted = _moderated(columns, status, slug).outerjoin(ModerationAct, ModerationAct.id == last)
    rows = db.session.execute(wanted.order_by(Comment.written_at.desc(), Comment.id.desc()).offset(offset).limit(limit))
    return [_to_moderate(row) for row in rows]


def count_to_moderate(*, status: str, slug: str) -> int:
    return db.session.scalar(_moderated(select(func.count(Comment.id)), status, slug)) or 0


def _moderated(columns: Select[Any], status: str, slug: str) -> Select[Any]:
    wanted = (
        columns.select_from(Comment)
        .join(Regulation, Regulation.id == Comment.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .where(Comment.status.not_in(_GONE))
    )
    if status:
        wanted = wanted.where(Comment.status == status)
    return wanted.where(Regulation.slug == slug) if slug else wanted


def _to_moderate(row: Any) -> ToModerate:
    who = ", ".join(filter(None, (row.display_name, row.organisation_name, Capacity(row.capacity).label)))
    sealed = row.split == Split.KEPT and row.frozen_at is None
    return ToModerate(
        row.public_id, row.status, row.text, who, "" if sealed else row.choice, row.written_at, row.entry_id,
        row.slug, row.title, ModerationRule(row.rule).label if row.rule else "", row.office or "",
        row.status in _SHUT and is_changed_since(row.target, row.entry_id),
    )  # fmt: skip


def is_changed_since(target: str | None, entry_id: str | None) -> bool:
    """Whether a comment's line is no more the one a moderator acted on; of the oldest acts that is not known."""
    return target is not None and target != entry_id


def comment_to_moderate(public_id: str, *, seen: str | None = None) -> Comment:
    """The comment, held until the commit where ``seen`` says which line of the record the moderator has read.

    Raises NotFound, and Clash when its author has changed it since.
    """
    wanted = select(Comment).filter_by(public_id=public_id)
    comment = db.session.scalar(wanted if seen is None else wanted.with_for_update(of=Comment))
    if comment is None or comment.status in _GONE:
        raise NotFound("There is no such comment, or its author has taken it back or had it erased.")
    if seen is not None and seen != comment.entry_id:
        raise Clash("The author has changed this comment since you opened it. Read it again below before you decide.")
    return comment


def acts_on(comment: Comment) -> list[ModerationAct]:
    return list(db.session.scalars(select(ModerationAct).filter_by(comment_id=comment.id).order_by(ModerationAct.id)))


def hide_comment(*, comment: Comment, rule: ModerationRule, reason: str, by: Account, now: datetime) -> ModerationAct:
    _check_moderator(by, reason)
    if comment.status not in PUBLIC:
        raise RuleBroken("This comment is not published, so there is nothing to hide.")
    comment.status = CommentStatus.HIDDEN
    return _act(comment, "hide", rule, reason, by, now)


def show_comment(*, comment: Comment, rule: ModerationRule, reason: str, by: Account, now: datetime) -> ModerationAct:
    _check_moderator(by, reason)
    if comment.status not in _SHUT:
        raise RuleBroken("This comment is not hidden.")
    comment.status = CommentStatus.PUBLISHED
    return _act(comment, "restore", rule, reason, by, now)


def mask_comment(
    *, comment: Comment, words: Sequence[str], rule: ModerationRule, reason: str, by: Account, now: datetime
) -> ModerationAct:
    """Cover words that break a rule and publish the rest, which the record commits to. The whole text is kept."""
    _check_moderator(by, reason)
    if comment.status not in (*PUBLIC, CommentStatus.HIDDEN):
        raise RuleBroken("There is nothing here to cover.")
    left = Sealed.of("comment", covered(comment.text, words))
    comment.status = CommentStatus.MASKED
    return _act(comment, "mask", rule, reason, by, now, left)


def _check_moderator(by: Account, reason: str) -> None:
    if by.role not in MODERATORS:
        raise NotAllowed("Only moderators may hide, mask or restore a comment.")
    if len(reason) < 10:
        raise RuleBroken("Say in a sentence why. It is published with the rule.", field="reason")


def _act(
    comment: Comment,
    action: str,
    rule: ModerationRule,
    reason: str,
    by: Account,
    now: datetime,
    left: Sealed | None = None,
) -> ModerationAct:
    sealed = Sealed.of("moderation-reason", reason)
    act = ModerationAct(
        comment_id=comment.id, action=action, rule=rule, reason=reason, office=by.office, target=comment.entry_id,
        done_at=now,
    )  # fmt: skip
    db.session.add(act)
    body = ModerationEntry(
        item=comment.regulation.slug,
        target=comment.entry_id or "",
        action=action,
        rule=rule,
        actor=by.office,
        reason_commit=sealed.commit,
        body_commit=left.commit if left else None,
    )
    openings = {"reason_commit": sealed} | ({"body_commit": left} if left else {})
    act.entry_id = record(body, about=[act, comment], now=now, openings=openings).id
    return act
