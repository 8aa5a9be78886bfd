from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey
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
    cited_comments: Mapped[list[Any]] = mapped_column(JSON, default=list)
    other_evidence: Mapped[str] = mapped_column(default="")
    written_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    submitted_at: Mapped[datetime | None]
    return_note: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime]

    regulation: Mapped[Regulation] = relationship()
    written_by: Mapped[Account] = relationship()


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
    at_size: Mapped[int] = mapped_column(BigId)
    decided_by: Mapped[str]
    approved_by: Mapped[str]
    published_at: Mapped[datetime] = mapped_column(index=True)
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"), unique=True)
    entry_id: Mapped[str | None]
    demonstration: Mapped[bool] = mapped_column(default=False)

    regulation: Mapped[Regulation] = relationship()
