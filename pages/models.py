"""What pages keep: nothing but what was published and may be cited."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model


class Edition(Model):
    """The report on a theme as it stood for a while. Never changed but for how long it stood, and never removed."""

    __tablename__ = "edition"
    __table_args__ = (UniqueConstraint("theme_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    theme_id: Mapped[int] = mapped_column(ForeignKey("theme.id"))
    number: Mapped[int]
    kept_at: Mapped[datetime]
    still_at: Mapped[datetime]
    """When the page was last found to say the same."""
    at_size: Mapped[int]
    content_sha256: Mapped[str]
    """Of what it says, whenever it was said: tells whether anything has changed."""
    sha256: Mapped[str]
    """Of the text to the byte, as it is cited and downloaded."""
    text: Mapped[str] = mapped_column(Text)
    """Everything on the page as JSON. Of what people wrote nothing stands in it, so nothing has to be erased."""
