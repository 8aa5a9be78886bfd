"""The figures counted once more, one thing after the other in plain Python, to hold the database's count against."""

from dataclasses import dataclass, field

from sqlalchemy import select

from analysis.models import Grouping, Point, Submission, SubmissionPoint
from core.db import db
from decisions.models import Answer, Decision
from pages.figures import EVERY_THEME
from pages.figures_queries import figures
from regulations.models import Regulation, Theme
from voting.models import Comment, ModerationAct


def naive_recount() -> dict[str, dict[str, int]]:
    """One thing after the other, in plain Python."""
    counts: dict[str, dict[str, int]] = {EVERY_THEME: {}}
    for theme in db.session.scalars(select(Theme)):
        counts[theme.slug] = {}
        for regulation in theme.regulations:
            for name in figures_of_regulation(regulation, theme):
                for slug in (theme.slug, EVERY_THEME):
                    counts[slug][name] = counts[slug].get(name, 0) + 1
            for comment in db.session.scalars(select(Comment).filter_by(regulation_id=regulation.id)):
                for name in figures_of_comment(comment, theme):
                    for slug in (theme.slug, EVERY_THEME):
                        counts[slug][name] = counts[slug].get(name, 0) + 1
        for submission in db.session.scalars(select(Submission).filter_by(theme_id=theme.id)):
            for name, number in figures_of_submission(submission, theme).items():
                for slug in (theme.slug, EVERY_THEME):
                    counts[slug][name] = counts[slug].get(name, 0) + number
    return counts


def standing(regulation_id: int) -> Decision | None:
    all_of_them = db.session.scalars(select(Decision).filter_by(regulation_id=regulation_id)).all()
    superseded = {decision.supersedes_id for decision in all_of_them}
    (last,) = [decision for decision in all_of_them if decision.id not in superseded] or [None]
    return last


def figures_of_regulation(regulation: Regulation, theme: Theme) -> list[str]:
    decision = standing(regulation.id)
    became = decision.outcome if decision else regulation.settled or "undecided"
    if regulation.listed_at <= theme.opens_at:
        return ["at_opening", became]
    return ["listed_later"] + ["listed_later_decided"] * (became != "undecided")


def figures_of_comment(comment: Comment, theme: Theme) -> list[str]:
    if comment.status in ("withdrawn", "erased"):
        return ["comments_received", "erased"] + ["withdrawn"] * (comment.status == "withdrawn")
    if comment.status == "hidden":
        acts = db.session.scalars(select(ModerationAct).filter_by(comment_id=comment.id).order_by(ModerationAct.id))
        hidden_at = list(acts)[-1].done_at
        was_published = theme.split == "shown" or (theme.frozen_at is not None and theme.frozen_at <= hidden_at)
        return ["comments_received", "hidden" if was_published else "withheld"]
    if theme.split == "kept" and theme.frozen_at is None:
        return ["comments_received", "pending"]
    return ["comments_received", "published", "answered" if is_answered(comment) else "awaiting"]


def figures_of_submission(submission: Submission, theme: Theme) -> dict[str, int]:
    waits = theme.split == "kept" and theme.frozen_at is None
    word = "withheld" if submission.withheld_because else "pending" if waits else "readable"
    counted = {"submissions_received": 1, f"submissions_{word}": 1, "signatures": submission.signatures or 0}
    if word == "readable":
        counted[f"submissions_{'answered' if is_answered_submission(submission) else 'awaiting'}"] = 1
    return counted


def made_in(submission: Submission) -> list[Point]:
    wanted = select(Point).join(SubmissionPoint).where(SubmissionPoint.submission_id == submission.id)
    return list(db.session.scalars(wanted))


def is_answered_submission(submission: Submission) -> bool:
    answers = db.session.scalars(select(Answer).where(Answer.point_id.in_([point.id for point in made_in(submission)])))
    return any(answer.decision == standing(answer.decision.regulation_id) for answer in answers)


def is_answered(comment: Comment) -> bool:
    decision = standing(comment.regulation_id)
    if decision is None:
        return False
    answers = db.session.scalars(select(Answer).filter_by(decision_id=decision.id)).all()
    under = db.session.scalars(select(Grouping).filter_by(comment_id=comment.id, version=comment.version, stands=True))
    points = {grouping.point_id for grouping in under}
    return any(answer.comment_id == comment.id or answer.point_id in points for answer in answers)


@dataclass
class Seen:
    """What can't change once it was seen: an answer while its decision stands, and what a theme opened with."""

    published: set[int] = field(default_factory=set)
    told: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By comment: the decision that answered it when it was published, and the version it answered."""
    told_senders: dict[int, int] = field(default_factory=dict)
    """By submission: the decision that answered it when it was published."""
    opened_with: dict[str, int] = field(default_factory=dict)

    def look_again(self) -> None:
        self._answers()
        counted = {row.slug: row.at_opening for row in figures() if row.census}
        assert counted == counted | self.opened_with
        self.opened_with = counted

    def _answers(self) -> None:
        decisions = {regulation: standing(regulation) for regulation in db.session.scalars(select(Regulation.id))}
        new = {decision.id for decision in decisions.values() if decision} - self.published
        for comment in db.session.scalars(select(Comment)):
            decision = decisions[comment.regulation_id]
            if decision is None:
                continue
            this = (decision.id, comment.version)
            if decision.id in new and is_answered(comment):
                self.told[comment.id] = this
            assert is_answered(comment) or self.told.get(comment.id) != this, f"comment {comment.id} lost its answer"
        for sent in db.session.scalars(select(Submission).where(Submission.regulation_id.is_not(None))):
            decision = decisions[sent.regulation_id]
            if decision is None or sent.withheld_because == "erased":
                continue
            if decision.id in new and is_answered_submission(sent):
                self.told_senders[sent.id] = decision.id
            answered = is_answered_submission(sent)
            assert answered or self.told_senders.get(sent.id) != decision.id, f"{sent.reference} lost its answer"
        self.published |= new
