"""What happens to votes and the reasons given with them. Each change writes its entry; none commits."""

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import select

from accounts.models import Account, Organisation
from accounts.queries import known_by, standing_of
from accounts.rules import Level, check_capacity
from audit import entries
from audit.entries import CommentEntry, SupportEntry, VoteEntry
from audit.services import Sealed, record
from core.db import db, take_turn
from core.errors import Clash, RuleBroken
from regulations.models import Regulation
from regulations.rules import Split
from voting import rules
from voting.models import Comment, ModerationAct, Pseudonym, Receipt, Support, Vote, VoteDetail
from voting.offers import supportable
from voting.queries import comment_by, standing_vote, support_by
from voting.rules import Ballot, CommentStatus, Details, ReasonKind, offer_of


def cast_vote(
    *,
    voter: Account,
    regulation: Regulation,
    ballot: Ballot,
    now: datetime,
    given_at: datetime | None = None,
    demonstration: bool = False,
) -> Receipt:
    """Cast, or change, a person's one vote on a regulation, with the reason they give.

    ``given_at`` is when a ballot that waited for its address was filled in: it may be confirmed a day after the close.
    The same ballot again changes nothing and gives the receipt it gave before.
    """
    check_still_taken(regulation, given_at, now)
    check_capacity(ballot.capacity, ballot.organisation)
    _wait_for_this_person(voter)
    vote = standing_vote(voter, regulation, hold=True)
    comment, support = comment_by(voter, regulation, hold=True), support_by(voter, regulation, hold=True)
    level, organisation = standing_of(voter, ballot.organisation)
    if vote is not None and _said(vote, comment, support, ballot) == _Said.in_ballot(ballot, level):
        return last_receipt(vote)
    _check_organisations_one_vote(voter, organisation, regulation)
    behind = _reason_to_stand_behind(voter, regulation, ballot)

    if vote is None:
        vote = Vote(account=voter, regulation=regulation)
        db.session.add(vote)
    vote.choice, vote.direction, vote.order = ballot.choice, ballot.direction, ballot.order
    vote.reason_kind, vote.capacity, vote.level = ballot.reason_kind, ballot.capacity, level
    vote.organisation_id = organisation.id if organisation else None
    vote.organisation_name = ballot.organisation if ballot.capacity.speaks_for_organisation else ""
    vote.cast_at = now
    _record_vote(vote, now)
    _change_reason(vote, comment, support, ballot, behind, now, demonstration)
    voter.capacity, voter.organisation_name = vote.capacity, vote.organisation_name
    voter.display_name = ballot.display_name or voter.display_name
    return _new_receipt(vote, now)


def check_still_taken(regulation: Regulation, given_at: datetime | None, now: datetime) -> None:
    """Refuses what comes too early or too late, and anything on a regulation that was settled otherwise."""
    _take_part(regulation)
    check_taken(regulation, given_at, now)


def _take_part(regulation: Regulation) -> None:
    """Keep the theme's count from becoming final until the commit, and see whether it has meanwhile."""
    take_turn(f"theme {regulation.theme_id}", shared=True)
    db.session.refresh(regulation.theme)


def check_taken(regulation: Regulation, given_at: datetime | None, now: datetime) -> None:
    """The same for a page that only looks, and so need not wait for whoever is making a count final."""
    if regulation.settled or regulation.theme.frozen_at is not None:
        raise rules.VotingClosed("Votes are not taken on this regulation: its count is final.")
    if given_at is None:
        rules.check_window(regulation.theme.window, now)
    else:
        rules.check_confirmation(regulation.theme.window, given_at, now)


def withdraw_vote(*, voter: Account, regulation: Regulation, now: datetime) -> None:
    """Take a vote back, and its reason with it. The row stays, so that the chain of this voter's entries does.

    A second click finds nothing left to withdraw, which is what its sender wanted.
    """
    _take_part(regulation)
    _wait_for_this_person(voter)
    vote = standing_vote(voter, regulation, hold=True)
    if vote is None:
        raise RuleBroken("You have no vote on this regulation to withdraw.")
    if vote.choice is None:
        return
    check_taken(regulation, None, now)
    vote.choice, vote.direction, vote.cast_at = None, None, now
    _record_vote(vote, now)
    comment, support = comment_by(voter, regulation, hold=True), support_by(voter, regulation, hold=True)
    if comment is not None:
        _withdraw_comment(comment, now)
    if support is not None:
        _withdraw_support(support, now)


def keep_details(*, voter: Account, regulation: Regulation, details: Details, now: datetime) -> None:
    """What somebody adds to their standing vote, in place of what they added before. Never in the record."""
    check_still_taken(regulation, None, now)
    _wait_for_this_person(voter)
    vote = standing_vote(voter, regulation, hold=True)
    if vote is None or vote.choice is None:
        raise RuleBroken("You have no vote on this regulation to which this could be added.")
    row = db.session.get(VoteDetail, vote.id)
    if row is None:
        row = VoteDetail(vote_id=vote.id)
        db.session.add(row)
    for name, value in asdict(details).items():
        setattr(row, name, value)


def raise_level(*, vote: Vote, now: datetime) -> None:
    """Staff have since confirmed who this voter speaks for: say the same vote again with what is now known of them."""
    _take_part(vote.regulation)
    _wait_for_this_person(vote.account)
    db.session.refresh(vote)
    level, organisation = standing_of(vote.account, vote.organisation_name)
    if level <= vote.level or vote.choice is None or vote.regulation.theme.frozen_at is not None:
        return
    if organisation and _has_voted(organisation, vote.regulation_id, but_not=vote.account_id):
        return
    vote.level, vote.organisation_id = level, organisation.id if organisation else None
    _record_vote(vote, now)
    comment = comment_by(vote.account, vote.regulation, hold=True)
    if comment is not None and comment.status == CommentStatus.PUBLISHED:
        comment.level, comment.organisation_name = level, _name_to_show(vote)
        _record_comment(comment, now)


@dataclass(frozen=True)
class _Said:
    """What a vote with its reason amounts to, to tell a change from a second click."""

    choice: str
    direction: str | None
    reason_kind: str
    text: str
    supports: str
    capacity: str
    organisation: str
    level: int
    display_name: str

    @classmethod
    def in_ballot(cls, ballot: Ballot, level: Level) -> "_Said":
        shown = ballot.display_name if ballot.reason_kind is ReasonKind.WRITTEN else ""
        organisation = ballot.organisation if ballot.capacity.speaks_for_organisation else ""
        return cls(
            ballot.choice, ballot.direction, ballot.reason_kind, ballot.text, ballot.supports,
            ballot.capacity, organisation, level, shown,
        )  # fmt: skip


def _said(vote: Vote | None, comment: Comment | None, support: Support | None, ballot: Ballot) -> _Said | None:
    if vote is None or vote.choice is None:
        return None
    written = comment if comment is not None and comment.status != CommentStatus.WITHDRAWN else None
    behind = ""
    if support is not None and support.stands:
        behind = offer_of(support.comment.public_id, support.version)
        if ballot.supports == support.comment.public_id and not support.is_of_words_since_changed:
            behind = ballot.supports
    return _Said(
        vote.choice, vote.direction, vote.reason_kind, written.text if written else "", behind,
        vote.capacity, vote.organisation_name, vote.level, written.display_name if written else "",
    )  # fmt: skip


def _wait_for_this_person(voter: Account) -> None:
    """Two clicks of one person take turns, so that the second finds what the first did."""
    db.session.execute(select(Account.id).where(Account.id == voter.id).with_for_update(of=Account.__table__))


def _has_voted(organisation: Organisation, regulation_id: int, but_not: int) -> bool:
    wanted = select(Vote.id).where(
        Vote.organisation_id == organisation.id,
        Vote.regulation_id == regulation_id,
        Vote.choice.is_not(None),
        Vote.account_id != but_not,
    )
    return db.session.scalar(wanted) is not None


def _check_organisations_one_vote(voter: Account, organisation: Organisation | None, regulation: Regulation) -> None:
    if organisation is not None and _has_voted(organisation, regulation.id, but_not=voter.id):
        raise Clash(
            "A colleague has already voted for this organisation on this regulation. It has one vote.",
            field="organisation",
        )


def _record_vote(vote: Vote, now: datetime) -> None:
    if vote.regulation.theme.split == Split.KEPT and vote.choice is not None:
        sealed = Sealed.of("vote", f"{vote.choice}:{vote.direction or ''}")
        said: dict[str, Any] = {"commit": sealed.commit}
        openings = {"commit": sealed}
    else:
        said = {"choice": vote.choice, "direction": vote.direction}
        openings = {}
    body = VoteEntry(
        item=vote.regulation.slug,
        voter=_pseudonym(vote, "voter"),
        capacity=vote.capacity,
        level=vote.level,
        withdrawn=True if vote.choice is None else None,
        prev=vote.entry_id,
        **said,
    )
    vote.entry_id = record(body, about=vote, now=now, openings=openings).id


def _change_reason(
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
    hidden = _is_hidden_still(comment)
    comment.choice, comment.direction, comment.text = ballot.choice, ballot.direction, ballot.text
    comment.capacity, comment.level, comment.display_name = ballot.capacity, vote.level, ballot.display_name
    comment.organisation_name = _name_to_show(vote)
    comment.status = CommentStatus.HIDDEN if hidden else CommentStatus.PUBLISHED
    comment.written_at = now
    _record_comment(comment, now)


def _says_something_else(comment: Comment, ballot: Ballot) -> bool:
    """What was taken back and is written anew may be the same words, but nobody stood behind them since."""
    before = (comment.text, comment.choice, comment.direction)
    return comment.status == CommentStatus.WITHDRAWN or before != (ballot.text, ballot.choice, ballot.direction)


def _is_hidden_still(comment: Comment) -> bool:
    """Only moderators show again what they hid, whatever its author writes over it, and whether or not it was gone."""
    if comment.status != CommentStatus.WITHDRAWN:
        return comment.status == CommentStatus.HIDDEN
    last = select(ModerationAct.action).where(ModerationAct.comment_id == comment.id).order_by(ModerationAct.id.desc())
    return db.session.scalar(last.limit(1)) == "hide"


def _name_to_show(vote: Vote) -> str:
    """Of an organisation that staff confirmed, the name they confirmed and not what the voter typed."""
    organisation = db.session.get(Organisation, vote.organisation_id) if vote.organisation_id else None
    return organisation.name if organisation else vote.organisation_name


def _record_comment(comment: Comment, now: datetime) -> None:
    body = Sealed.of("comment", comment.text)
    openings = {"body_commit": body}
    if comment.regulation.theme.split == Split.KEPT:
        side = Sealed.of("comment-vote", f"{comment.choice}:{comment.direction or ''}")
        openings["commit"] = side
        said: dict[str, Any] = {"commit": side.commit}
    else:
        said = {"vote": comment.choice, "direction": comment.direction}
    entry = CommentEntry(
        item=comment.regulation.slug,
        author=_pseudonym(comment, "author"),
        capacity=comment.capacity,
        body_commit=body.commit,
        prev=comment.entry_id,
        **said,
    )
    comment.entry_id = record(entry, about=comment, now=now, openings=openings).id


def _withdraw_comment(comment: Comment, now: datetime) -> None:
    if comment.status == CommentStatus.WITHDRAWN:
        return
    comment.status = CommentStatus.WITHDRAWN
    entry = CommentEntry(
        item=comment.regulation.slug,
        author=_pseudonym(comment, "author"),
        capacity=comment.capacity,
        withdrawn=True,
        prev=comment.entry_id,
    )
    comment.entry_id = record(entry, about=comment, now=now).id


def _reason_to_stand_behind(voter: Account, regulation: Regulation, ballot: Ballot) -> Comment | None:
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
        author=_pseudonym_of(support.account_id, regulation, "author"),
        withdrawn=None if support.stands else True,
        prev=support.entry_id,
    )
    support.entry_id = record(entry, about=support, now=now).id


def _pseudonym(row: Vote | Comment, kind: str) -> str:
    db.session.flush()
    return _pseudonym_of(row.account_id, row.regulation, kind)


def _pseudonym_of(account_id: int, regulation: Regulation, kind: str) -> str:
    """Computed at the first act on an item and kept: a later change of address must not split a person in two."""
    known = db.session.scalar(
        select(Pseudonym.value).filter_by(account_id=account_id, regulation_id=regulation.id, kind=kind)
    )
    if known is not None:
        return known
    account = db.session.get_one(Account, account_id)
    identity = {**known_by(account), "item": regulation.slug}
    salt = secrets.token_bytes(32)
    value = entries.pseudonym(kind, salt, identity)
    db.session.add(
        Pseudonym(
            account_id=account_id, regulation_id=regulation.id, kind=kind, salt=salt, value=value,
            identity=rfc8785.dumps(identity).decode(),
        )
    )  # fmt: skip
    return value


def _new_receipt(vote: Vote, now: datetime) -> Receipt:
    receipt = Receipt(secret=secrets.token_hex(16), vote_id=vote.id, entry_id=vote.entry_id or "", made_at=now)
    db.session.add(receipt)
    db.session.flush()
    return receipt


def last_receipt(vote: Vote) -> Receipt:
    wanted = select(Receipt).where(Receipt.vote_id == vote.id).order_by(Receipt.id.desc()).limit(1)
    return db.session.scalars(wanted).one()
