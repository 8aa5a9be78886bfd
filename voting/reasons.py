"""The reason given with a vote: written, stood behind, or taken back. Each change writes its entry; none commits."""

import secrets
from datetime import datetime

from sqlalchemy import select

from accounts.models import Account, Organisation
from audit.entries import CommentEntry, SupportEntry
from audit.services import Sealed, record
from core.db import db
from core.errors import RuleBroken
from regulations.models import Regulation
from voting.models import Comment, ModerationAct, Support, Vote
from voting.offers import supportable
from voting.queries import comment_by
from voting.rules import Ballot, CommentStatus, ReasonKind
from voting.sealing import pseudonym_of, side_of


def change_reason(
    vote: Vote,
    comment: Comment | None,
    support: Support | None,
    ballot: Ballot,
    behind: Comment | None,
    now: datetime,
    demonstration: bool,
) -> None:
    if ballot.reason_kind is ReasonKind.WRITTEN:
        if support is not None:
            _withdraw_support(support, now)
        _write_comment(vote, comment, ballot, now, demonstration)
        return
    if comment is not None:
        _withdraw_comment(comment, now)
    if behind is not None:
        _stand_behind(vote, support, behind, now)
    elif support is not None:
        _withdraw_support(support, now)


def _write_comment(vote: Vote, comment: Comment | None, ballot: Ballot, now: datetime, demonstration: bool) -> None:
    if comment is None:
        comment = Comment(
            public_id=secrets.token_hex(8),
            regulation=vote.regulation,
            account_id=vote.account_id,
            demonstration=demonstration,
        )
        db.session.add(comment)
    elif _says_something_else(comment, ballot):
        comment.version += 1
    status = _status_still(comment)
    comment.choice, comment.direction, comment.text = ballot.choice, ballot.direction, ballot.text
    comment.capacity, comment.level, comment.display_name = ballot.capacity, vote.level, ballot.display_name
    comment.organisation_name = _name_to_show(vote)
    comment.status = status
    comment.written_at = now
    _record_comment(comment, now)


def _says_something_else(comment: Comment, ballot: Ballot) -> bool:
    """What was taken back and is written anew may be the same words, but nobody stood behind them since."""
    before = (comment.text, comment.choice, comment.direction)
    return comment.status == CommentStatus.WITHDRAWN or before != (ballot.text, ballot.choice, ballot.direction)


def _status_still(comment: Comment) -> CommentStatus:
    """Only moderators show again what they hid or masked, whatever its author writes over it, gone or not."""
    if comment.status != CommentStatus.WITHDRAWN:
        return CommentStatus(comment.status or CommentStatus.PUBLISHED)
    last = select(ModerationAct.action).where(ModerationAct.comment_id == comment.id).order_by(ModerationAct.id.desc())
    shut = {"hide": CommentStatus.HIDDEN, "mask": CommentStatus.MASKED}
    return shut.get(db.session.scalar(last.limit(1)) or "", CommentStatus.PUBLISHED)


def _name_to_show(vote: Vote) -> str:
    """Of an organisation that staff confirmed, the name they confirmed and not what the voter typed."""
    organisation = db.session.get(Organisation, vote.organisation_id) if vote.organisation_id else None
    return organisation.name if organisation else vote.organisation_name


def _record_comment(comment: Comment, now: datetime) -> None:
    db.session.flush()
    body = Sealed.of("comment", comment.text)
    said, openings = side_of(comment, kind="comment-vote", field="vote")
    entry = CommentEntry(
        item=comment.regulation.slug,
        author=pseudonym_of(comment.account_id, comment.regulation, "author"),
        capacity=comment.capacity,
        body_commit=body.commit,
        prev=comment.entry_id,
        **said,
    )
    comment.entry_id = record(entry, about=comment, now=now, openings=openings | {"body_commit": body}).id


def _withdraw_comment(comment: Comment, now: datetime) -> None:
    if comment.status == CommentStatus.WITHDRAWN:
        return
    comment.status = CommentStatus.WITHDRAWN
    entry = CommentEntry(
        item=comment.regulation.slug,
        author=pseudonym_of(comment.account_id, comment.regulation, "author"),
        capacity=comment.capacity,
        withdrawn=True,
        prev=comment.entry_id,
    )
    comment.entry_id = record(entry, about=comment, now=now).id


def reason_to_stand_behind(voter: Account, regulation: Regulation, ballot: Ballot) -> Comment | None:
    if ballot.reason_kind is not ReasonKind.SUPPORTED:
        return None
    comment = supportable(ballot.supports, regulation, ballot.choice)
    if comment is None:
        raise RuleBroken(
            "That reason was changed or taken away since you chose it. Choose again, or write your own.",
            field="supports",
        )
    if comment.account_id == voter.id:
        raise RuleBroken("That reason is your own. Write it again if you want to keep it.", field="supports")
    return comment


def _stand_behind(vote: Vote, support: Support | None, comment: Comment, now: datetime) -> None:
    if support is None:
        support = Support(regulation_id=vote.regulation_id, account_id=vote.account_id)
        db.session.add(support)
    elif support.stands and (support.comment_id, support.version) == (comment.id, comment.version):
        return
    elif support.stands:
        _withdraw_support(support, now)
    support.comment, support.version, support.stands = comment, comment.version, True
    _record_support(support, vote.regulation, now)


def _withdraw_support(support: Support, now: datetime) -> None:
    if support.stands:
        support.stands = False
        _record_support(support, support.comment.regulation, now)


def _record_support(support: Support, regulation: Regulation, now: datetime) -> None:
    entry = SupportEntry(
        item=regulation.slug,
        comment=support.comment.entry_id or "",
        author=pseudonym_of(support.account_id, regulation, "author"),
        withdrawn=None if support.stands else True,
        prev=support.entry_id,
    )
    support.entry_id = record(entry, about=support, now=now).id


def take_back(comment: Comment | None, support: Support | None, now: datetime) -> None:
    """Whatever reason somebody gave, none of it stands any more."""
    if comment is not None:
        _withdraw_comment(comment, now)
    if support is not None:
        _withdraw_support(support, now)


def say_again(vote: Vote, now: datetime) -> None:
    """The same reason, with what is now known of who gave it."""
    comment = comment_by(vote.account, vote.regulation, hold=True)
    if comment is not None and comment.status == CommentStatus.PUBLISHED:
        comment.level, comment.organisation_name = vote.level, _name_to_show(vote)
        _record_comment(comment, now)
