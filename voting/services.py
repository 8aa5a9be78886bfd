"""What happens to votes and the reasons given with them. Each change writes its entry; none commits."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select

from accounts import services as accounts
from accounts.models import Account, Organisation
from accounts.queries import standing_of
from accounts.rules import Level, check_capacity
from audit.entries import VoteEntry
from audit.services import record
from core.db import db, take_turn
from core.errors import Clash, RuleBroken
from regulations.models import Regulation
from regulations.rules import Stage
from voting import rules
from voting.models import Comment, Pseudonym, Receipt, Support, Vote, VoteDetail
from voting.queries import comment_by, standing_vote, support_by
from voting.reasons import change_reason, reason_to_stand_behind, say_again, take_back
from voting.receipts import last_receipt, new_receipt
from voting.rules import Ballot, CommentStatus, Details, ReasonKind, offer_of
from voting.sealing import side_of, standing_under, voter_of


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
    accounts.wait_for(voter)
    vote = standing_vote(voter, regulation, hold=True)
    comment, support = comment_by(voter, regulation, hold=True), support_by(voter, regulation, hold=True)
    level, organisation = standing_of(voter, ballot.organisation)
    if vote is not None and _said(vote, comment, support, ballot) == _Said.in_ballot(ballot, level):
        return last_receipt(vote)
    _check_organisations_one_vote(voter, organisation, regulation)
    behind = reason_to_stand_behind(voter, regulation, ballot)

    if vote is None:
        vote = Vote(account=voter, regulation=regulation)
        db.session.add(vote)
    else:
        _leave_pseudonym(vote, organisation, now)
    vote.choice, vote.direction, vote.order = ballot.choice, ballot.direction, ballot.order
    vote.reason_kind, vote.capacity, vote.level = ballot.reason_kind, ballot.capacity, level
    vote.organisation_id = organisation.id if organisation else None
    vote.organisation_name = ballot.organisation if ballot.capacity.speaks_for_organisation else ""
    vote.cast_at = now
    _record_vote(vote, now)
    change_reason(vote, comment, support, ballot, behind, now, demonstration)
    voter.capacity, voter.organisation_name = vote.capacity, vote.organisation_name
    voter.display_name = ballot.display_name or voter.display_name
    return new_receipt(vote, now)


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
    rules.check_not_settled(Stage(regulation.settled) if regulation.settled else None)
    if regulation.theme.frozen_at is not None:
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
    accounts.wait_for(voter)
    vote = standing_vote(voter, regulation, hold=True)
    if vote is None:
        raise RuleBroken("You have no vote on this regulation to withdraw.")
    if vote.choice is None:
        return
    check_taken(regulation, None, now)
    standing = standing_under(vote)
    vote.choice, vote.direction, vote.cast_at = None, None, now
    _record_withdrawal(vote, standing, now)
    comment, support = comment_by(voter, regulation, hold=True), support_by(voter, regulation, hold=True)
    take_back(comment, support, now)


def keep_details(*, voter: Account, regulation: Regulation, details: Details, now: datetime) -> None:
    """What somebody adds to their standing vote, in place of what they added before. Never in the record."""
    check_still_taken(regulation, None, now)
    accounts.wait_for(voter)
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
    """Staff have since confirmed who this voter speaks for: say the same vote again with what is now known of them.

    Where it becomes the organisation's it is another voter's line, so its giver is handed, and mailed, its receipt.
    """
    _take_part(vote.regulation)
    accounts.wait_for(vote.account)
    db.session.refresh(vote)
    level, organisation = standing_of(vote.account, vote.organisation_name)
    if level <= vote.level or vote.choice is None or vote.regulation.theme.frozen_at is not None:
        return
    if organisation and _has_voted(organisation, vote.regulation_id, but_not=vote.account_id):
        return
    _leave_pseudonym(vote, organisation, now)
    vote.level, vote.organisation_id = level, organisation.id if organisation else None
    _record_vote(vote, now)
    say_again(vote, now)
    new_receipt(vote, now)


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


def _leave_pseudonym(vote: Vote, organisation: Organisation | None, now: datetime) -> None:
    """What somebody said for themselves and now says for an organisation, or the reverse, is another voter's vote.

    So it is withdrawn under the one pseudonym before it is cast under the other.
    """
    if vote.choice is None:
        return
    standing = standing_under(vote)
    if standing.organisation_id != (organisation.id if organisation else None):
        _record_withdrawal(vote, standing, now)


def _record_vote(vote: Vote, now: datetime) -> None:
    db.session.flush()
    voter = voter_of(vote)
    said, openings = side_of(vote, kind="vote", field="choice")
    body = VoteEntry(
        item=vote.regulation.slug,
        voter=voter.value,
        capacity=vote.capacity,
        level=vote.level,
        prev=voter.last_entry_id,
        **said,
    )
    _follow(vote, voter, record(body, about=vote, now=now, openings=openings).id)


def _record_withdrawal(vote: Vote, standing: Pseudonym, now: datetime) -> None:
    body = VoteEntry(
        item=vote.regulation.slug,
        voter=standing.value,
        capacity=vote.capacity,
        level=vote.level,
        withdrawn=True,
        prev=standing.last_entry_id,
    )
    _follow(vote, standing, record(body, about=vote, now=now).id)


def _follow(vote: Vote, voter: Pseudonym, entry_id: str) -> None:
    vote.entry_id = voter.last_entry_id = entry_id
    db.session.add(voter)
