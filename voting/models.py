from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import Account
from audit.guard import Audited
from audit.models import BigId
from core.db import Model
from regulations.models import Regulation
from voting.rules import CommentStatus, offer_of

_CHOICES = "choice IS NULL OR choice IN ('scrap', 'improve', 'keep')"
_DIRECTION = "(choice = 'improve') = (direction IS NOT NULL) OR choice IS NULL"


class PendingBallot(Model):
    """A ballot on its way: kept between the two screens and until its address is confirmed. Counted nowhere."""

    __tablename__ = "pending_ballot"
    __table_args__ = (Index("ix_pending_ballot_email_given", "email", "given_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    secret: Mapped[str] = mapped_column(unique=True)
    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"), index=True)
    choice: Mapped[str | None]
    direction: Mapped[str | None]
    reason_kind: Mapped[str | None]
    text: Mapped[str] = mapped_column(default="")
    supports: Mapped[str] = mapped_column(default="")
    order: Mapped[str] = mapped_column("ballot_order")
    capacity: Mapped[str | None]
    organisation: Mapped[str] = mapped_column(default="")
    display_name: Mapped[str] = mapped_column(default="")
    email: Mapped[str | None]
    begun_at: Mapped[datetime] = mapped_column(index=True)
    given_at: Mapped[datetime | None]

    regulation: Mapped[Regulation] = relationship(lazy="joined")


class Vote(Audited, Model):
    """One person's standing vote on one regulation. Changing it replaces it; a withdrawn one has no choice."""

    __tablename__ = "vote"
    __table_args__ = (
        UniqueConstraint("account_id", "regulation_id"),
        Index(
            "uq_vote_organisation_regulation", "organisation_id", "regulation_id", unique=True,
            sqlite_where=text("organisation_id IS NOT NULL AND choice IS NOT NULL"),
            postgresql_where=text("organisation_id IS NOT NULL AND choice IS NOT NULL"),
        ),
        Index("ix_vote_regulation_order", "regulation_id", "ballot_order", "choice"),
        Index("ix_vote_order_choice", "ballot_order", "choice"),
        CheckConstraint(_CHOICES, name="known_choice"),
        CheckConstraint(_DIRECTION, name="improve_says_which_way"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    choice: Mapped[str | None]
    direction: Mapped[str | None]
    reason_kind: Mapped[str]
    capacity: Mapped[str]
    level: Mapped[int]
    organisation_name: Mapped[str] = mapped_column(default="")
    order: Mapped[str] = mapped_column("ballot_order")
    cast_at: Mapped[datetime]
    entry_id: Mapped[str | None]

    account: Mapped[Account] = relationship()
    regulation: Mapped[Regulation] = relationship()


class VoteDetail(Model):
    """What somebody chose to add about themselves and the cost, never published with their name or vote."""

    __tablename__ = "vote_detail"

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), primary_key=True)
    subject: Mapped[str | None]
    clause: Mapped[str] = mapped_column(default="")
    cost_pounds: Mapped[int | None]
    cost_hours: Mapped[int | None]
    size_band: Mapped[str | None]
    sector: Mapped[str | None]
    nation: Mapped[str | None]


class Pseudonym(Model):
    """Who an entry's ``voter`` or ``author`` is, with the salt that proves it and the identity as it was then.

    A person's, or an organisation's, whichever colleague votes for it. Once salt and identity are erased, the value
    alone stays, and nobody can show any more whose it was.
    """

    __tablename__ = "pseudonym"
    __table_args__ = (
        UniqueConstraint("account_id", "regulation_id", "kind"),
        UniqueConstraint("organisation_id", "regulation_id", "kind"),
        CheckConstraint("(account_id IS NULL) <> (organisation_id IS NULL)", name="one_bearer"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"), index=True)
    kind: Mapped[str]
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    identity: Mapped[str | None]
    value: Mapped[str] = mapped_column(unique=True)
    last_entry_id: Mapped[str | None] = mapped_column(unique=True)
    """Of a voter's pseudonym, the last vote line under it, which the next one follows."""


class Comment(Audited, Model):
    """A reason somebody wrote for their choice."""

    __tablename__ = "comment"
    __table_args__ = (
        UniqueConstraint("account_id", "regulation_id"),
        Index("ix_comment_shown", "regulation_id", "status", "choice", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    choice: Mapped[str]
    direction: Mapped[str | None]
    text: Mapped[str]
    capacity: Mapped[str]
    level: Mapped[int]
    display_name: Mapped[str] = mapped_column(default="")
    organisation_name: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default=CommentStatus.PUBLISHED)
    version: Mapped[int] = mapped_column(default=1)
    """Rises when it comes to say something else, so that nobody is held to words they never stood behind."""
    written_at: Mapped[datetime]
    entry_id: Mapped[str | None]
    erased_at: Mapped[datetime | None]
    erasure_basis: Mapped[str | None]
    erasure_entry_id: Mapped[str | None]
    """The line that says its words were erased."""
    demonstration: Mapped[bool] = mapped_column(default=False)

    regulation: Mapped[Regulation] = relationship()

    @property
    def offer(self) -> str:
        return offer_of(self.public_id, self.version)


class Support(Audited, Model):
    """Somebody stands behind a reason that another gave."""

    __tablename__ = "support"
    __table_args__ = (
        UniqueConstraint("account_id", "regulation_id"),
        Index("ix_support_comment_stands", "comment_id", "stands"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"))
    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    stands: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)
    """The version of the comment they stand behind. Once that has changed, they count behind it no more."""
    entry_id: Mapped[str | None]

    comment: Mapped[Comment] = relationship()

    @property
    def is_of_words_since_changed(self) -> bool:
        return self.stands and self.version != self.comment.version


class ModerationAct(Audited, Model):
    """A comment was hidden by a public rule, or shown again. The text is kept either way."""

    __tablename__ = "moderation_act"

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), index=True)
    action: Mapped[str]
    rule: Mapped[str]
    reason: Mapped[str]
    office: Mapped[str]
    target: Mapped[str | None]
    """The comment's line in the record as the moderator read it."""
    done_at: Mapped[datetime]
    entry_id: Mapped[str | None]


class Receipt(Model):
    """A page only its holder can find, which says what was counted and where it stands in the record."""

    __tablename__ = "receipt"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    secret: Mapped[str] = mapped_column(unique=True)
    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), index=True)
    entry_id: Mapped[str] = mapped_column(unique=True)
    promise: Mapped[str] = mapped_column(Text, default="")
    """The signed promise that this entry will be in the log by a given time; empty on receipts older than promises."""
    made_at: Mapped[datetime]

    vote: Mapped[Vote] = relationship()


class AssistedAnswer(Model):
    """How an answer without email came, and which office entered it, so that a doubt can be followed up. Private."""

    __tablename__ = "assisted_answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), index=True)
    entry_id: Mapped[str] = mapped_column(unique=True)
    how: Mapped[str]
    received_on: Mapped[date | None]
    office: Mapped[str]
    entered_at: Mapped[datetime]


class TallyCell(Model):
    """Derived by a follower of the record: how many standing votes of each kind a regulation has."""

    __tablename__ = "tally_cell"

    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"), primary_key=True)
    capacity: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    choice: Mapped[str] = mapped_column(primary_key=True)
    direction: Mapped[str] = mapped_column(primary_key=True)
    votes: Mapped[int]


class TallyTotal(Model):
    """Derived likewise: one row a regulation, so that lists can sort and show it without adding up."""

    __tablename__ = "tally_total"
    __table_args__ = (Index("ix_tally_total_participants", "participants"),)

    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"), primary_key=True)
    participants: Mapped[int] = mapped_column(default=0)
    scrap: Mapped[int] = mapped_column(default=0)
    improve: Mapped[int] = mapped_column(default=0)
    improve_lighter: Mapped[int] = mapped_column(default=0)
    improve_clearer: Mapped[int] = mapped_column(default=0)
    improve_stricter: Mapped[int] = mapped_column(default=0)
    improve_other: Mapped[int] = mapped_column(default=0)
    keep: Mapped[int] = mapped_column(default=0)
    reasons: Mapped[int] = mapped_column(default=0)
    comments: Mapped[int] = mapped_column(default=0)


class DayTally(Model):
    """Derived likewise: what each day brought on a regulation, by what its lines say, for telling its story."""

    __tablename__ = "day_tally"

    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(primary_key=True)
    side: Mapped[str] = mapped_column(primary_key=True)
    taken_back: Mapped[bool] = mapped_column(primary_key=True)
    again: Mapped[bool] = mapped_column(primary_key=True)
    lines: Mapped[int]


class CommentTally(Model):
    """Derived likewise: how many stand behind a comment besides its author."""

    __tablename__ = "comment_tally"
    __table_args__ = (Index("ix_comment_tally_supports", "supports"),)

    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), primary_key=True)
    supports: Mapped[int]


class FrozenTally(Audited, Model):
    """The final count of a regulation, recorded when nothing more could be added to it."""

    __tablename__ = "frozen_tally"

    id: Mapped[int] = mapped_column(primary_key=True)
    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"), unique=True)
    at_size: Mapped[int] = mapped_column(BigId)
    frozen_at: Mapped[datetime]
    entry_id: Mapped[str | None]
