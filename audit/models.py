from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Dialect, Index, Integer, LargeBinary, Text, TypeDecorator
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model

BigId = BigInteger().with_variant(Integer, "sqlite")


class Bytes(TypeDecorator[bytes]):
    """Bytes whatever is there: SQLite keeps the text or number that somebody writes past us as just that."""

    impl = LargeBinary
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        return value if value is None or isinstance(value, bytes) else str(value).encode()


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
    body: Mapped[bytes] = mapped_column(Bytes)
    leaf: Mapped[bytes] = mapped_column(Bytes)
    about_kind: Mapped[str | None]
    about_id: Mapped[int | None] = mapped_column(BigId)


class Opening(Model):
    """What a commitment in an entry stands for. Delete it and the commitment stays shut; the chain still verifies."""

    __tablename__ = "opening"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[str] = mapped_column(index=True)
    field: Mapped[str]
    kind: Mapped[str]
    salt: Mapped[bytes] = mapped_column(Bytes)
    text: Mapped[str]


class LogHead(Model):
    """The one row that says how far the log is signed: each checkpoint is put in place of the one it was made from."""

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    origin: Mapped[str]
    size: Mapped[int] = mapped_column(BigId)
    note: Mapped[str | None] = mapped_column(Text)
    """The checkpoint with the log's own signature; None before the first."""
    signed_at: Mapped[datetime | None]
    refusal: Mapped[str | None] = mapped_column(Text)
    """Why the sequencer signs nothing any more, in a sentence; None while all is well."""


class FollowerCursor(Model):
    """How far a follower has read: the number of entries behind it."""

    __tablename__ = "follower_cursor"

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigId)
    moved_at: Mapped[datetime]
