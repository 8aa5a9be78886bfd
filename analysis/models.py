from datetime import date, datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from audit.guard import Audited
from audit.models import BigId
from core.db import Model
from regulations.models import Regulation, Theme
from voting.models import Comment


class Point(Audited, Model):
    """One distinct argument that people make about a regulation, in staff's words. ``few`` gathers the rest."""

    __tablename__ = "point"
    __table_args__ = (
        Index("ix_point_regulation_withdrawn", "regulation_id", "withdrawn_at"),
        Index(
            "uq_point_few_regulation", "regulation_id", unique=True,
            sqlite_where=text("few AND withdrawn_at IS NULL"), postgresql_where=text("few AND withdrawn_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"))
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(Text, default="")
    few: Mapped[bool] = mapped_column(Boolean, default=False)
    version: Mapped[int] = mapped_column(default=1)
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    entry_id: Mapped[str | None]
    demonstration: Mapped[bool] = mapped_column(default=False)

    regulation: Mapped[Regulation] = relationship()


class PointWording(Model):
    """What a point said under one line of the record. Earlier words stay readable when it is worded anew."""

    __tablename__ = "point_wording"

    id: Mapped[int] = mapped_column(primary_key=True)
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id"), index=True)
    version: Mapped[int]
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(Text, default="")
    worded_by: Mapped[str]
    worded_at: Mapped[datetime]
    entry_id: Mapped[str] = mapped_column(unique=True)


class Grouping(Audited, Model):
    """Staff have put a comment under a point. The row stays when it is taken out again."""

    __tablename__ = "grouping"
    __table_args__ = (
        UniqueConstraint("comment_id", "point_id"),
        Index("ix_grouping_point_stands", "point_id", "stands"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"))
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id"))
    stands: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)
    """The version of the comment that was read. Once its author changes it, it has to be read again."""
    put_by: Mapped[str]
    put_at: Mapped[datetime]
    entry_id: Mapped[str | None]

    comment: Mapped[Comment] = relationship()
    point: Mapped[Point] = relationship()


class Dispute(Audited, Model):
    """A comment's author says it was put in the wrong place, which asks for a second look."""

    __tablename__ = "dispute"
    __table_args__ = (Index("ix_dispute_settled", "settled_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    grouping_id: Mapped[int] = mapped_column(ForeignKey("grouping.id"), index=True)
    raised_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default="")
    entry_id: Mapped[str | None]

    grouping: Mapped[Grouping] = relationship()


class Submission(Audited, Model):
    """What came by email, letter, phone, workshop or petition, entered by staff. Never added to votes."""

    __tablename__ = "submission"
    __table_args__ = (
        CheckConstraint("(how = 'petition') = (signatures IS NOT NULL)", name="petitions_count_signatures"),
        Index("ix_submission_regulation_id", "regulation_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    theme_id: Mapped[int] = mapped_column(ForeignKey("theme.id"), index=True)
    regulation_id: Mapped[int | None] = mapped_column(ForeignKey("regulation.id"))
    """None where it is about the whole theme."""
    how: Mapped[str]
    capacity: Mapped[str]
    organisation_name: Mapped[str] = mapped_column(default="")
    received_on: Mapped[date]
    text: Mapped[str] = mapped_column(Text, default="")
    withheld: Mapped[bool] = mapped_column(default=False)
    withheld_because: Mapped[str] = mapped_column(default="")
    signatures: Mapped[int | None]
    file_name: Mapped[str] = mapped_column(default="")
    file_sha256: Mapped[str] = mapped_column(default="")
    """The digest of the paper, which lies under this name in DATA_DIR/papers."""
    from_ballot: Mapped[bool] = mapped_column(default=False)
    vote_id: Mapped[int | None] = mapped_column(ForeignKey("vote.id"), unique=True)
    """The ballot it came with. Private."""
    digest: Mapped[str] = mapped_column(index=True)
    """Of everything that was imported, so that the same imported twice adds nothing; at random for a ballot's paper.

    Private: without a salt, whoever guesses a withheld text could find it confirmed here.
    """
    entered_by: Mapped[str]
    entered_at: Mapped[datetime]
    entry_id: Mapped[str | None]
    demonstration: Mapped[bool] = mapped_column(default=False)

    theme: Mapped[Theme] = relationship()
    regulation: Mapped[Regulation | None] = relationship()


class SubmissionPoint(Model):
    """A submission makes a point."""

    __tablename__ = "submission_point"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id"), primary_key=True, index=True)
