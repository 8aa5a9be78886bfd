"""Deleting for good what somebody sent in. Its lines stay in the record; what they sealed, and the paper, go."""

from datetime import datetime

from sqlalchemy import delete, select

from accounts.models import Account
from accounts.rules import Capacity, Role
from analysis.models import Submission, SubmissionPoint
from analysis.submission_rules import Withheld
from analysis.submissions import About, check_may_handle, paper_of, record_submission
from audit.entries import Erasure
from audit.models import Entry, Opening
from audit.services import record
from core.db import db, take_turn
from core.errors import Clash, NotAllowed, RuleBroken
from voting.models import Vote
from voting.rules import ErasureBasis

ERASERS = (Role.OFFICIAL,)
WITH_ITS_SENDER = "the site, as a person was erased"
"""Who withheld a paper that went with whoever had brought it, as the record names it."""


def erase_submission(*, submission: Submission, seen: str, basis: ErasureBasis, by: Account, now: datetime) -> None:
    """For whoever sent it, who asked. Raises Clash unless ``seen`` is its latest line."""
    if by.role not in ERASERS:
        raise NotAllowed("Only officials may delete what somebody sent in.")
    check_may_handle(by, About(submission.theme, submission.regulation))
    take_turn("submissions")
    db.session.refresh(submission, with_for_update=True)
    if submission.entry_id != seen:
        raise Clash("A colleague has changed this since you opened it. Look at it again, then decide.")
    if submission.withheld_because == Withheld.ERASED:
        raise RuleBroken("What this submission said was deleted already.")
    _erase(submission, basis, by.office, now)


def erase_papers_of(account: Account, basis: ErasureBasis, now: datetime) -> None:
    """Those that came with somebody's ballots, also as an organisation's: they may name who wrote or brought them."""
    speaking = [who for who in Capacity if who.speaks_for_organisation]
    wanted = select(Vote).where(Vote.account_id == account.id, Vote.capacity.in_(speaking)).order_by(Vote.id)
    for vote in db.session.scalars(wanted).all():
        submission = paper_of(vote)
        if submission is not None and submission.withheld_because != Withheld.ERASED:
            take_turn("submissions")
            db.session.refresh(submission, with_for_update=True)
            _erase(submission, basis, WITH_ITS_SENDER, now)


def _erase(submission: Submission, basis: ErasureBasis, actor: str, now: datetime) -> None:
    """A last line says that it is counted and shown no more; one more for each earlier line, what became of it.

    The file of its paper, of which no submission speaks then, is for the worker to delete.
    """
    lines = select(Entry.id).where(Entry.about_kind == Submission.__name__, Entry.about_id == submission.id)
    earlier = list(db.session.scalars(lines.where(Entry.type == "submission").order_by(Entry.seq)))
    submission.text = submission.organisation_name = submission.file_name = submission.file_sha256 = ""
    submission.withheld, submission.withheld_because = True, Withheld.ERASED
    db.session.execute(delete(SubmissionPoint).where(SubmissionPoint.submission_id == submission.id))
    db.session.execute(delete(Opening).where(Opening.entry_id.in_(earlier), Opening.field == "text_commit"))
    record_submission(submission, [], actor, now)
    item = submission.regulation.slug if submission.regulation else None
    for line in earlier:
        record(Erasure(target=line, basis=basis, item=item), about=submission, now=now)
