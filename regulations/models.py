from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, composite, mapped_column, relationship

from accounts.models import Department
from audit.guard import Audited
from core.db import Model
from regulations.rules import DAYS_TO_DECIDE, Citation, Split, Stage, Window, stage_of


class Theme(Audited, Model):
    """A subject on which regulations are asked about together, within one window."""

    __tablename__ = "theme"
    __table_args__ = (CheckConstraint("closes_at > opens_at", name="closes_after_it_opens"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    kind: Mapped[str]
    summary: Mapped[str]
    on_the_table: Mapped[str]
    off_the_table: Mapped[str]
    split: Mapped[str] = mapped_column(default=Split.SHOWN)
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime] = mapped_column(index=True)
    closed_early_because: Mapped[str] = mapped_column(default="")
    days_to_decide: Mapped[int] = mapped_column(default=DAYS_TO_DECIDE)
    """After the close. A day that was moved since stands in decision_due_at alone."""
    decision_due_at: Mapped[datetime]
    frozen_at: Mapped[datetime | None]

    window: Mapped[Window] = composite(Window, "opens_at", "closes_at")
    regulations: Mapped[list["Regulation"]] = relationship(back_populates="theme")


class Regulation(Audited, Model):
    """One instrument, listed under one theme."""

    __tablename__ = "regulation"
    __table_args__ = (Index("ix_regulation_theme_settled", "theme_id", "settled"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    year: Mapped[int]
    number: Mapped[int]
    title: Mapped[str]
    theme_id: Mapped[int] = mapped_column(ForeignKey("theme.id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    in_force: Mapped[str] = mapped_column(default="")
    binds: Mapped[str]
    sentence: Mapped[str]
    summary: Mapped[str]
    link: Mapped[str]
    checked_on: Mapped[str]
    source: Mapped[str]
    settled: Mapped[str | None]
    settled_because: Mapped[str] = mapped_column(default="")
    listed_at: Mapped[datetime] = mapped_column(index=True)

    theme: Mapped[Theme] = relationship(back_populates="regulations")
    department: Mapped[Department] = relationship()
    sectors: Mapped[list["RegulationSector"]] = relationship(cascade="all, delete-orphan")

    @property
    def citation(self) -> Citation:
        return Citation(self.kind, self.year, self.number)

    def stage(self, now: datetime) -> Stage:
        return stage_of(Stage(self.settled) if self.settled else None, self.theme.window, now)


class RegulationSector(Model):
    """One of the lines of business a regulation bears on."""

    __tablename__ = "regulation_sector"
    __table_args__ = (PrimaryKeyConstraint("regulation_id", "sector"), Index("ix_regulation_sector_sector", "sector"))

    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"))
    sector: Mapped[str]


class DueChange(Audited, Model):
    """The day on which a theme's decisions fall due was moved, or went by with decisions missing."""

    __tablename__ = "due_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    theme_id: Mapped[int] = mapped_column(ForeignKey("theme.id"), index=True)
    act: Mapped[str]
    """extended or overdue."""
    due_at: Mapped[datetime]
    """The day that holds after this act; of an overdue, the day that went by."""
    undecided: Mapped[int]
    reason: Mapped[str] = mapped_column(default="")
    by: Mapped[str]
    done_at: Mapped[datetime]
    entry_id: Mapped[str | None]

    theme: Mapped[Theme] = relationship()


class Census(Audited, Model):
    """The regulations a theme listed when it opened, counted once: what is listed later is in no denominator."""

    __tablename__ = "census"

    id: Mapped[int] = mapped_column(primary_key=True)
    theme_id: Mapped[int] = mapped_column(ForeignKey("theme.id"), unique=True)
    number: Mapped[int]
    taken_at: Mapped[datetime]
    entry_id: Mapped[str | None]

    theme: Mapped[Theme] = relationship()


class CensusItem(Model):
    """A regulation was among those counted. The line's digest is of all of them."""

    __tablename__ = "census_item"

    regulation_id: Mapped[int] = mapped_column(ForeignKey("regulation.id"), primary_key=True)
    census_id: Mapped[int] = mapped_column(ForeignKey("census.id"), index=True)
