from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import Account
from audit.guard import Audited
from audit.models import BigId
from core.db import Model
from regulations.models import Regulation


class Draft(Model):
    """A decision being written: internal, and not on the record until it is approved and published."""

    __tablename__ = "draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"), unique=True)
    version: Mapped[int] = mapped_column(default=1)
    status: Mapped[str]
    outcome: Mapped[str | None]
    direction: Mapped[str | None]
    statement: Mapped[str] = mapped_column(default="")
    reasons: Mapped[str] = mapped_column(default="")
    departure_reason: Mapped[str] = mapped_column(default="")
    covers: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """The capacities to which departure_reason answers too."""
    departures: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """For other capacities a reason of their own."""
    cited_comments: Mapped[list[Any]] = mapped_column(JSON, default=list)
    cited_points: Mapped[list[Any]] = mapped_column(JSON, default=list)
    cited_submissions: Mapped[list[Any]] = mapped_column(JSON, default=list)
    documents: Mapped[str] = mapped_column(Text, default="")
    other_evidence: Mapped[str] = mapped_column(default="")
    written_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    submitted_at: Mapped[datetime | None]
    return_note: Mapped[str] = mapped_column(default="")
    legal_route: Mapped[str] = mapped_column(default="")
    consultation: Mapped[bool | None]
    """Whether a formal consultation follows."""
    responsible: Mapped[str] = mapped_column(default="")
    due_on: Mapped[date | None]
    """The day by which what was decided is to be done."""
    review_on: Mapped[date | None]
    publish_at: Mapped[datetime | None]
    """None to publish as soon as a second official approves."""
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    approved_at: Mapped[datetime | None]
    approved_digest: Mapped[str] = mapped_column(default="")
    """Of everything the approved page said, evidence included."""
    changed_at: Mapped[datetime]

    regulation: Mapped[Regulation] = relationship()
    written_by: Mapped[Account] = relationship(foreign_keys=[written_by_id])
    approved_by: Mapped[Account | None] = relationship(foreign_keys=[approved_by_id])


class DraftVersion(Model):
    """What a draft said once, and the note with which it came back: internal, and kept after publication."""

    __tablename__ = "draft_version"
    __table_args__ = (Index("ix_draft_version_regulation_decision", "regulation_id", "decision_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    """What it became in the end; None while that is still being written."""
    version: Mapped[int]
    words: Mapped[dict[str, Any]] = mapped_column(JSON)
    written_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    written_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text, default="")
    noted_by: Mapped[str] = mapped_column(default="")
    noted_at: Mapped[datetime | None]


class Decision(Audited, Model):
    """A published decision. Never edited: a later one supersedes it, and both stay."""

    __tablename__ = "decision"
    __table_args__ = (CheckConstraint("decided_by <> approved_by", name="second_official_approves"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"), index=True)
    outcome: Mapped[str] = mapped_column(index=True)
    direction: Mapped[str | None]
    statement: Mapped[str]
    reasons: Mapped[str]
    departure_reason: Mapped[str] = mapped_column(default="")
    evidence: Mapped[list[Any]] = mapped_column(JSON)
    tally: Mapped[dict[str, Any]] = mapped_column(JSON)
    comparison: Mapped[str]
    comparison_sentence: Mapped[str]
    agrees_with_vote: Mapped[bool | None]
    comparisons: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """By capacity: the word, the sentence and whether it agrees."""
    legal_route: Mapped[str] = mapped_column(default="")
    consultation: Mapped[bool | None]
    responsible: Mapped[str] = mapped_column(default="")
    due_on: Mapped[date | None]
    review_on: Mapped[date | None]
    at_size: Mapped[int] = mapped_column(BigId)
    """Of the record, when the count became final."""
    evidence_at_size: Mapped[int | None] = mapped_column(BigId)
    """Of the record, when what is cited was frozen; None on decisions older than this."""
    decided_by: Mapped[str]
    approved_by: Mapped[str]
    published_at: Mapped[datetime] = mapped_column(index=True)
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"), unique=True)
    entry_id: Mapped[str | None]
    demonstration: Mapped[bool] = mapped_column(default=False)

    regulation: Mapped[Regulation] = relationship()


class AnswerDraft(Model):
    """An answer being written, to a point or to one comment: internal until its decision is published."""

    __tablename__ = "answer_draft"
    __table_args__ = (
        CheckConstraint("(point_id IS NULL) <> (comment_id IS NULL)", name="answers_one_thing"),
        UniqueConstraint("point_id"),
        UniqueConstraint("comment_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"), index=True)
    point_id: Mapped[int | None] = mapped_column(ForeignKey("point.id"))
    comment_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id"))
    verdict: Mapped[str | None]
    reasons: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)
    assigned_to_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    written_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    changed_at: Mapped[datetime]


class AnswerVersion(Model):
    """What an answer said at each saving: internal, and kept after publication."""

    __tablename__ = "answer_version"
    __table_args__ = (UniqueConstraint("answer_draft_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    answer_draft_id: Mapped[int] = mapped_column(ForeignKey("answer_draft.id"))
    version: Mapped[int]
    verdict: Mapped[str | None]
    reasons: Mapped[str] = mapped_column(Text)
    written_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    written_at: Mapped[datetime]


class Answer(Audited, Model):
    """What a published decision answers to a point, or to one comment that stands under none."""

    __tablename__ = "answer"
    __table_args__ = (
        CheckConstraint("(point_id IS NULL) <> (comment_id IS NULL)", name="answers_one_thing"),
        UniqueConstraint("decision_id", "point_id"),
        UniqueConstraint("decision_id", "comment_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"))
    point_id: Mapped[int | None] = mapped_column(ForeignKey("point.id"), index=True)
    comment_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id"), index=True)
    point_title: Mapped[str] = mapped_column(default="")
    """The point's words as they were answered."""
    behind: Mapped[int] = mapped_column(default=0)
    """How many people stood behind the point when it was answered."""
    verdict: Mapped[str]
    reasons: Mapped[str] = mapped_column(Text)
    entry_id: Mapped[str | None]

    decision: Mapped[Decision] = relationship()


class Milestone(Audited, Model):
    """A step towards what was decided, with its day."""

    __tablename__ = "milestone"
    __table_args__ = (Index("ix_milestone_state_due", "state", "due_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"), index=True)
    step: Mapped[str]
    words: Mapped[str] = mapped_column(default="")
    """What this step is, in the office's own words."""
    due_on: Mapped[date]
    state: Mapped[str]
    instrument: Mapped[str] = mapped_column(default="")
    """What did it: the citation or the address of the instrument."""
    reason: Mapped[str] = mapped_column(Text, default="")
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]
    entry_id: Mapped[str | None]
    demonstration: Mapped[bool] = mapped_column(default=False)

    decision: Mapped[Decision] = relationship()


class MilestoneAct(Model):
    """What one line of the record says of a step. It stays readable when the step moves on."""

    __tablename__ = "milestone_act"

    id: Mapped[int] = mapped_column(primary_key=True)
    milestone_id: Mapped[int] = mapped_column(ForeignKey("milestone.id"), index=True)
    state: Mapped[str]
    due_on: Mapped[date]
    moved_from: Mapped[date | None]
    """The day it was due by before this act moved it."""
    words: Mapped[str]
    instrument: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    done_by: Mapped[str]
    done_at: Mapped[datetime]
    entry_id: Mapped[str] = mapped_column(unique=True)

    milestone: Mapped[Milestone] = relationship()
