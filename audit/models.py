from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model

BigId = BigInteger().with_variant(Integer, "sqlite")


class Entry(Model):
    """One line of the record. Written once with its change; the sequencer alone gives it its place, ``idx``."""

    __tablename__ = "entry"
    __table_args__ = (
        Index("ix_entry_item_idx", "item", "idx"),
        Index("ix_entry_type_idx", "type", "idx"),
        Index("ix_entry_t_idx", "t", "idx"),
    )

    seq: Mapped[int] = mapped_column(BigId, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    idx: Mapped[int | None] = mapped_column(BigId, unique=True)
    t: Mapped[int] = mapped_column(BigId)
    type: Mapped[str]
    item: Mapped[str | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    about_kind: Mapped[str | None]
    about_id: Mapped[int | None] = mapped_column(BigId)


class Opening(Model):
    """What a commitment in an entry stands for. Delete it and the commitment stays shut; the chain still verifies."""

    __tablename__ = "opening"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[str] = mapped_column(index=True)
    field: Mapped[str]
    kind: Mapped[str]
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    text: Mapped[str]


class FollowerCursor(Model):
    """How far a follower has read: the number of entries behind it."""

    __tablename__ = "follower_cursor"

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigId)
    moved_at: Mapped[datetime]
