"""What is kept of what was published, so that it may be cited: nothing else."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from audit.guard import Audited
from core.db import Model


class Edition(Audited, Model):
    """The report on a theme as it stood for a while. Written once, with a line in the record, and never removed."""

    __tablename__ = "edition"
    __table_args__ = (UniqueConstraint("theme_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    theme_id: Mapped[int] = mapped_column(ForeignKey("theme.id"))
    number: Mapped[int]
    kept_at: Mapped[datetime]
    at_size: Mapped[int]
    content_sha256: Mapped[str]
    """Of what it says, whenever it was said: tells whether anything has changed."""
    sha256: Mapped[str]
    """Of the text to the byte, as it is cited and downloaded. The record has it too."""
    text: Mapped[str] = mapped_column(Text)
    """Everything on the page as JSON. Of what people wrote nothing stands in it, so nothing has to be erased."""
    entry_id: Mapped[str | None]


class EditionStood(Model):
    """Until when the page was last found to say the same. It moves on every hour, which is not worth a line each."""

    __tablename__ = "edition_stood"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    still_at: Mapped[datetime]
