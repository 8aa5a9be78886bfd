"""Hiding a comment by a public rule, and showing it again. Nothing is deleted; the record says who, when and why."""

from datetime import datetime

from accounts.models import Account
from accounts.rules import Role
from audit.entries import ModerationEntry
from audit.services import Sealed, record
from core.db import db
from core.errors import NotAllowed, RuleBroken
from voting.models import Comment, ModerationAct
from voting.rules import CommentStatus, ModerationRule

MODERATORS = (Role.MODERATOR, Role.ADMINISTRATOR)


def hide_comment(*, comment: Comment, rule: ModerationRule, reason: str, by: Account, now: datetime) -> ModerationAct:
    _check_moderator(by, reason)
    if comment.status != CommentStatus.PUBLISHED:
        raise RuleBroken("This comment is not published, so there is nothing to hide.")
    comment.status = CommentStatus.HIDDEN
    return _act(comment, "hide", rule, reason, by, now)


def show_comment(*, comment: Comment, rule: ModerationRule, reason: str, by: Account, now: datetime) -> ModerationAct:
    _check_moderator(by, reason)
    if comment.status != CommentStatus.HIDDEN:
        raise RuleBroken("This comment is not hidden.")
    comment.status = CommentStatus.PUBLISHED
    return _act(comment, "restore", rule, reason, by, now)


def _check_moderator(by: Account, reason: str) -> None:
    if by.role not in MODERATORS:
        raise NotAllowed("Only moderators may hide or restore a comment.")
    if len(reason) < 10:
        raise RuleBroken("Say in a sentence why. It is published with the rule.", field="reason")


def _act(comment: Comment, action: str, rule: ModerationRule, reason: str, by: Account, now: datetime) -> ModerationAct:
    sealed = Sealed.of("moderation-reason", reason)
    act = ModerationAct(comment_id=comment.id, action=action, rule=rule, reason=reason, office=by.office, done_at=now)
    db.session.add(act)
    body = ModerationEntry(
        item=comment.regulation.slug,
        target=comment.entry_id or "",
        action=action,
        rule=rule,
        actor=by.office,
        reason_commit=sealed.commit,
    )
    act.entry_id = record(body, about=[act, comment], now=now, openings={"reason_commit": sealed}).id
    return act
