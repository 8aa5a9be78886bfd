"""A record on which something stands everywhere on the pages about evidence, answers and what came after."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Capacity, Role
from analysis.models import Point, Submission
from analysis.submission_rules import How, Received
from analysis.submissions import enter_submission
from core.clock import uk_day
from core.db import db, transaction
from decisions.answers import assign_answer, save_answer
from decisions.milestones import add_milestone
from decisions.models import Decision, Draft
from decisions.rules import Outcome, Proposal, Verdict
from decisions.services import return_draft, save_draft, submit_draft
from decisions.steps import Step
from notices.rules import Followed, FollowHow
from notices.services import follow
from regulations.models import Regulation, Theme
from tests.analysis.making import a_comment, a_point, put, stands_behind
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_department,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    everything_answered,
    settle_the_record,
)
from tests.opendata.points_made import reasons_are_sorted
from voting.models import Comment, Vote
from voting.rules import Choice, Details
from voting.services import keep_details

AFTER = NOON + 30 * DAY
"""When everything has happened."""
CAPACITIES = (Capacity.PUBLIC, Capacity.BUSINESS, Capacity.CHARITY)


@dataclass
class Rich:
    """The names of what stands in it, for addresses."""

    open: Regulation
    waiting: Regulation
    decided: Regulation
    earlier: str
    later: str
    step: int
    point: str
    waiting_point: str
    kim: Account

    @property
    def names(self) -> dict[str, object]:
        return {
            "open": self.open.slug, "waiting": self.waiting.slug, "decided": self.decided.slug,
            "open_theme": self.open.theme.slug, "closed_theme": self.decided.theme.slug,
            "earlier": self.earlier, "later": self.later, "step": self.step, "point": self.point,
            "waiting_point": self.waiting_point,
        }  # fmt: skip


def a_rich_record(many: int, writer: Account) -> Rich:
    """An open regulation, one that waits for its decision and one decided twice, with so many of everything."""
    still_open, closed = a_theme(closes=NOON + 60 * DAY), a_theme(closes=NOON + DAY)
    kim, writer = a_voter(), db.session.merge(writer)
    asked, waiting, decided = a_regulation(still_open), a_regulation(closed), a_regulation(closed)
    others = [a_regulation(closed, department=a_department(f"Department {n}")) for n in range(many)]
    for regulation in (asked, waiting, decided):
        _is_spoken_about(regulation, many, kim, writer)
    for regulation in others:
        a_comment(regulation, "It costs a day a month.", voter=kim)
    for regulation in (asked, waiting, decided, *others):
        with transaction():
            given = {"kind": Followed.REGULATION, "key": regulation.slug, "how": FollowHow.AS_SET, "now": NOON}
            follow(account=db.session.merge(kim), **given)
    reasons_are_sorted(asked)
    a_frozen_theme(closed, now=NOON + 3 * DAY)
    _is_being_answered(decided, many, writer)
    first = a_decision(decided, Outcome.SCRAP)
    _steps_follow(first.reference, many, writer)
    second = a_decision(decided, Outcome.KEEP, now=NOON + 22 * DAY, **_cited(decided))
    step = _steps_follow(second.reference, many, writer)
    for regulation in others[: many // 2]:
        _steps_follow(a_decision(regulation, Outcome.KEEP).reference, 1, writer)
    for regulation in others[many // 2 :]:
        _is_being_decided(regulation, a_member_of_staff(Role.OFFICIAL))
    _is_being_answered(waiting, many, writer)
    _is_being_decided(waiting, writer, **_cited(waiting), submitted=True)
    settle_the_record()
    return Rich(
        asked,
        waiting,
        decided,
        first.reference,
        second.reference,
        step,
        _a_point_of(decided),
        _a_point_of(waiting),
        kim,
    )


def _a_point_of(regulation: Regulation) -> str:
    wanted = select(Point.public_id).where(Point.regulation_id == regulation.id).order_by(Point.id)
    return db.session.scalars(wanted).first() or ""


def _is_spoken_about(regulation: Regulation, many: int, kim: Account, by: Account) -> None:
    """Points with reasons under them, reasons under none, the same words from many, submissions."""
    comments = [a_comment(regulation, "It costs a day a month.", Choice.SCRAP, voter=kim)]
    for n in range(many):
        capacity = CAPACITIES[n % 3]
        named = {"organisation": f"Example {n}"} if capacity is not Capacity.PUBLIC else {}
        comments.append(a_comment(regulation, f"Because of {n}.", Choice.KEEP, capacity=capacity, **named))
        a_comment(regulation, f"Nobody else says {n}.", Choice.IMPROVE)
        a_comment(regulation, "SCRAP IT!", Choice.SCRAP)
        _tells(a_vote(regulation, Choice.SCRAP, text=""), regulation)
    stands_behind(comments[0])
    for n, comment in enumerate(comments):
        point = a_point(regulation, by, title=f"Point {n}")
        put(point, comment, by=by)
        for on in (regulation, None):
            sent = Received(How.LETTER, Capacity.CHARITY, NOON.date(), f"Letter {n} on {regulation.slug}.")
            with transaction():
                enter_submission(
                    theme=db.session.get_one(Theme, regulation.theme_id), regulation=on and db.session.merge(on),
                    received=sent, by=by, now=NOON,
                )  # fmt: skip


def _tells(receipt, regulation: Regulation) -> None:
    with transaction():
        vote = db.session.get_one(Vote, receipt.vote_id)
        told = Details(size_band="1-9", sector="retail", nation="wales", cost_pounds=100)
        keep_details(
            voter=db.session.get_one(Account, vote.account_id), regulation=vote.regulation, details=told, now=NOON
        )


def _is_being_answered(regulation: Regulation, many: int, by: Account) -> None:
    """Some reasons by themselves, the rest through their points, by colleagues."""
    now = NOON + 5 * DAY
    wanted = select(Comment.id).where(Comment.regulation_id == regulation.id, Comment.choice == Choice.IMPROVE)
    for id in db.session.scalars(wanted).all():
        given = {"verdict": Verdict.REJECT, "reasons": "We have weighed this, and say so here.", "version": 0}
        colleague = a_member_of_staff(Role.OFFICIAL)
        with transaction():
            here, comment = db.session.merge(regulation), db.session.get_one(Comment, id)
            save_answer(regulation=here, comment=comment, **given, by=by, now=now)
            assign_answer(
                regulation=here, comment=comment, to=db.session.merge(colleague), instead_of=None, by=by, now=now
            )
    everything_answered(regulation, by=by, now=now)


def _cited(regulation: Regulation) -> dict[str, object]:
    """Reasons, points and submissions to cite, as many as there are."""
    reasons = select(Comment.public_id).where(Comment.regulation_id == regulation.id)
    points = select(Point.public_id).where(Point.regulation_id == regulation.id)
    sent = select(Submission.reference).where(Submission.regulation_id == regulation.id)
    return {
        "cited_comments": tuple(db.session.scalars(reasons.limit(100))),
        "cited_points": tuple(db.session.scalars(points)),
        "cited_submissions": tuple(db.session.scalars(sent)),
    }


def _is_being_decided(regulation: Regulation, by: Account, submitted: bool = False, **given: object) -> None:
    """A draft that came back once with a note and, it may be, waits for approval again."""
    usual = {
        "outcome": Outcome.KEEP, "direction": None, "statement": "It stays as it is, and we say why.",
        "reasons": "These are the reasons, given in full so that those who took part can read them.",
        "departure_reason": "Because the evidence points the other way, as set out here.", "cited_comments": (),
        "other_evidence": "An inspection report of 2025.", "covers": tuple(Capacity),
        "legal_route": "None is needed.", "consultation": False, "responsible": "Example Department, rules unit",
        "due_on": (NOON + 365 * DAY).date(),
    }  # fmt: skip
    now = NOON + 21 * DAY
    everything_answered(regulation, by=by, now=now - DAY)
    proposal = Proposal(**(usual | given))
    with transaction():
        save_draft(regulation=db.session.merge(regulation), proposal=proposal, version=0, by=by, now=now)
    for _ in range(2 if submitted else 0):
        with transaction():
            draft = db.session.scalars(select(Draft).filter_by(regulation_id=regulation.id)).one()
            submit_draft(draft=draft, by=by, now=now)
        if draft.version == 1:
            second = a_member_of_staff(Role.OFFICIAL)
            with transaction():
                draft = db.session.merge(draft)
                return_draft(draft=draft, version=draft.version, note="Say whom it helps.", by=second, now=now)
            with transaction():
                save_draft(regulation=db.session.merge(regulation), proposal=proposal, version=1, by=by, now=now)


def _steps_follow(reference: str, many: int, by: Account) -> int:
    """Steps of which some have missed their day; returns the last one's id."""
    id = 0
    for n in range(many):
        with transaction():
            decision = db.session.scalars(select(Decision).filter_by(reference=reference)).one()
            step = add_milestone(
                decision=decision, step=Step.OTHER, words=f"Step {n}", due_on=uk_day(AFTER) + timedelta(days=n + 1),
                by=by, now=NOON + 23 * DAY,
            )  # fmt: skip
            id = step.id
    return id
