from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from audit.models import BigId
from core.db import Model


class Follow(Model):
    """Somebody wants to hear of a regulation, a theme, a department, or whatever a search finds."""

    __tablename__ = "follow"
    __table_args__ = (UniqueConstraint("account_id", "kind", "key"), Index("ix_follow_kind_key", "kind", "key"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[str]
    key: Mapped[str]
    """The slug, or the query string of the search."""
    how: Mapped[str]
    since: Mapped[datetime]


class Hearing(Model):
    """How somebody wants to hear of what concerns them; without a row, once a day."""

    __tablename__ = "hearing"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    how: Mapped[str]
    secret: Mapped[str] = mapped_column(unique=True)
    """In the address that ends all mail with one click, without signing in."""
    bounced_at: Mapped[datetime | None]
    last_digest_at: Mapped[datetime | None]


class Notice(Model):
    """One thing somebody is to hear, kept until the mail that tells it is written."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("account_id", "cause", "kind"), Index("ix_notice_told_due", "told_at", "due_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    cause: Mapped[str]
    kind: Mapped[str]
    regulation_id: Mapped[int | None] = mapped_column(ForeignKey("regulation.id"), index=True)
    because: Mapped[str]
    """took_part or follows: unasked, nobody gets more than three a regulation."""
    words: Mapped[dict[str, Any]] = mapped_column(JSON)
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
