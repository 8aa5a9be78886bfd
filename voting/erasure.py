"""Deleting what is held of a person. The lines of the record stay as they are; what opens them, and names, goes."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from sqlalchemy import delete, func, select, update

from accounts import services as accounts
from accounts.models import Account
from audit.entries import Erasure
from audit.models import Entry, Opening
from audit.services import record
from core.db import db
from core.errors import NotAllowed
from core.mail import LAST, forget_mails_to, write_mail
from regulations.models import Regulation, Theme
from voting.models import (
    AssistedAnswer,
    Comment,
    ModerationAct,
    PendingBallot,
    Pseudonym,
    Receipt,
    Vote,
    VoteDetail,
)
from voting.rules import CommentStatus, ErasureBasis
from voting.services import withdraw_vote


@dataclass(frozen=True)
class Held:
    """How much of somebody there is to delete, for the page that asks them once more."""

    votes: int
    open_votes: int
    """Those that are withdrawn first."""
    comments: int


def held_of(account: Account, now: datetime) -> Held:
    return Held(
        votes=_how_many(Vote.account_id == account.id, Vote.choice.is_not(None)),
        open_votes=len(_in_open_windows(account, now)),
        comments=_how_many(Comment.account_id == account.id, Comment.text != ""),
    )


def erase_along(app: Flask, erase: Callable[[Account, ErasureBasis, datetime], None]) -> None:
    """Let a floor above this one delete what it holds of a person, in the same transaction."""
    app.extensions.setdefault("erased_with_a_person", []).append(erase)


def check_may_be_erased(account: Account) -> None:
    if account.post is not None:
        raise NotAllowed(
            f"You hold the office {account.office}, and acts in its name have to be answered for. "
            "While you hold it nothing can be deleted. Ask whoever runs this site to end it first."
        )


def erase_person(*, account: Account, basis: ErasureBasis, now: datetime) -> None:
    """Delete for good who somebody is, what they wrote, and what could show which lines of the record are theirs.

    Votes in open windows are withdrawn first. Those in closed windows stand, under pseudonyms that nobody can open any
    more. Where a theme keeps its split, the salts of its votes stay: without them nobody could count the votes again,
    and they open to a choice and nothing else. An organisation's pseudonym is the organisation's, and stays too.
    """
    check_may_be_erased(account)
    if account.email:
        accounts.take_address_turn(account.email)
    _withdraw_open_votes(account, now)
    accounts.wait_for(account)
    _withdraw_open_votes(account, now)  # what another tab gave while this one waited
    _erase_comments(account, basis, now)
    _erase_pseudonyms(account, basis, now)
    votes = select(Vote.id).where(Vote.account_id == account.id).scalar_subquery()
    for private in (VoteDetail, Receipt, AssistedAnswer):
        db.session.execute(delete(private).where(private.vote_id.in_(votes)))
    for erase in current_app.extensions.get("erased_with_a_person", ()):
        erase(account, basis, now)
    if account.email:
        db.session.execute(delete(PendingBallot).where(PendingBallot.email == account.email))
        forget_mails_to(account.email)
        _say_that_it_is_done(account.email, basis, now)
    accounts.forget_person(account=account)


def _say_that_it_is_done(email: str, basis: ErasureBasis, now: datetime) -> None:
    """Also for whom an operator erases, who sees no page. The address stays in the outbox until the letter is taken."""
    write_mail(
        to=email, cause=secrets.token_hex(16), kind=LAST, subject="What we held about you is deleted",
        template="erased", now=now, because=basis.because.replace("the person", "you"),
    )  # fmt: skip


def _withdraw_open_votes(account: Account, now: datetime) -> None:
    for regulation in _in_open_windows(account, now):
        withdraw_vote(voter=account, regulation=regulation, now=now)


def _how_many(*conditions: object) -> int:
    return db.session.scalar(select(func.count()).where(*conditions)) or 0  # type: ignore[arg-type]


def _in_open_windows(account: Account, now: datetime) -> list[Regulation]:
    wanted = (
        select(Regulation)
        .join(Vote, Vote.regulation_id == Regulation.id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .where(
            Vote.account_id == account.id, Vote.choice.is_not(None), Regulation.settled.is_(None),
            Theme.frozen_at.is_(None), Theme.opens_at <= now, Theme.closes_at > now,
        )
    )  # fmt: skip
    return list(db.session.scalars(wanted.order_by(Theme.id, Regulation.id)))


def _erase_comments(account: Account, basis: ErasureBasis, now: datetime) -> None:
    """Every text they ever gave, those they had replaced or taken back among them, with a line for each."""
    held = select(Comment).filter_by(account_id=account.id).order_by(Comment.id)
    for comment in db.session.scalars(_as_it_is_now(held)).all():
        lines = _lines_with_words(comment)
        if not lines:
            continue
        acts = select(ModerationAct.entry_id).where(ModerationAct.comment_id == comment.id)
        masks = db.session.scalars(select(Opening.entry_id).where(Opening.entry_id.in_(acts), _OF_WORDS)).all()
        db.session.execute(delete(Opening).where(Opening.entry_id.in_([*lines, *masks]), _OF_REASONS))
        for line in lines:
            entry = Erasure(target=line, basis=basis, item=comment.regulation.slug)
            comment.erasure_entry_id = record(entry, about=comment, now=now).id
        comment.text = comment.display_name = comment.organisation_name = ""
        comment.erased_at, comment.erasure_basis = now, basis
        if comment.status != CommentStatus.WITHDRAWN:
            comment.status = CommentStatus.ERASED


def _as_it_is_now(wanted: Any) -> Any:
    """Read again after waiting, and kept from others until the commit: a moderator may be at it too."""
    return wanted.with_for_update().execution_options(populate_existing=True)


_OF_WORDS = Opening.field == "body_commit"
_OF_REASONS = Opening.field.in_(("body_commit", "commit"))


def _lines_with_words(comment: Comment) -> list[str]:
    """The lines that still open to words of this comment, oldest first, so that the last one stands in the row."""
    wanted = (
        select(Entry.id)
        .join(Opening, Opening.entry_id == Entry.id)
        .where(Entry.about_kind == Comment.__name__, Entry.about_id == comment.id, _OF_WORDS)
    )
    return list(db.session.scalars(wanted.order_by(Entry.seq)))


def _erase_pseudonyms(account: Account, basis: ErasureBasis, now: datetime) -> None:
    """The value alone stays, so that no line is left without one; nobody can show any more whose it is."""
    own = _as_it_is_now(select(Vote).filter_by(account_id=account.id).order_by(Vote.id))
    votes = {vote.regulation_id: vote for vote in db.session.scalars(own)}
    of_voters = select(Pseudonym).filter_by(account_id=account.id, kind="voter").order_by(Pseudonym.id)
    for pseudonym in db.session.scalars(_as_it_is_now(of_voters)).all():
        vote = votes[pseudonym.regulation_id]
        if vote.organisation_id is None:
            vote.organisation_name = ""
        entry = Erasure(target=pseudonym.last_entry_id or "", basis=basis, item=vote.regulation.slug)
        record(entry, about=vote, now=now)
    gone = update(Pseudonym).where(Pseudonym.account_id == account.id).values(salt=None, identity=None)
    db.session.execute(gone)
