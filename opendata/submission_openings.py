"""Which submissions may be read just now, and below a size of the record: told once for both, as for reasons."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from analysis.models import Submission
from audit.models import Entry
from audit.queries import read
from core.db import db
from regulations.models import Theme
from regulations.rules import Split

KEPT, WITHHELD, ERASED = "kept", "withheld", "erased"
FIELD = ("submission", "text_commit")


@dataclass(frozen=True)
class Shut:
    """Why what a submission says is not to be read, and the line of the act that took it away."""

    because: str
    by: str | None


def why_shut(*, kept: bool, withheld_by: str | None, erased_by: str | None) -> Shut | None:
    """``kept`` says that its theme keeps its split and the count is not final."""
    if erased_by is not None:
        return Shut(ERASED, erased_by)
    if withheld_by is not None:
        return Shut(WITHHELD, withheld_by)
    return Shut(KEPT, None) if kept else None


def why_shut_now(reference: str, line: str) -> Shut | None:
    wanted = select(Submission.id, Submission.withheld, Submission.entry_id, Theme.split, Theme.frozen_at)
    row = db.session.execute(wanted.join(Theme).where(Submission.reference == reference)).one_or_none()
    if row is None:
        return None
    kept = row.split == Split.KEPT and row.frozen_at is None
    return why_shut(kept=kept, withheld_by=row.entry_id if row.withheld else None, erased_by=_erasure_of(row.id, line))


def _erasure_of(submission_id: int, line: str) -> str | None:
    acts = select(Entry.body).where(
        Entry.type == "erasure", Entry.about_kind == Submission.__name__, Entry.about_id == submission_id
    )
    return next((said["id"] for said in map(read, db.session.scalars(acts)) if said["target"] == line), None)


@dataclass
class SentIn:
    """How every submission stands after the lines taken in so far, which come in their order in the record."""

    references: dict[str, str] = field(default_factory=dict)
    """By the id of each of its lines."""
    themes: dict[str, str] = field(default_factory=dict)
    withheld: dict[str, str | None] = field(default_factory=dict)
    final: set[str] = field(default_factory=set)
    """Themes whose count is final."""

    def take(self, id: str, said: dict[str, Any]) -> None:
        reference = said["reference"]
        self.references[id], self.themes[reference] = reference, said["theme"]
        self.withheld[reference] = id if said.get("withheld") else None

    def why_shut(self, id: str, splits: dict[str, str], erased_by: str | None) -> Shut | None:
        reference = self.references.get(id, "")
        theme = self.themes.get(reference, "")
        kept = splits.get(theme) == Split.KEPT and theme not in self.final
        return why_shut(kept=kept, withheld_by=self.withheld.get(reference), erased_by=erased_by)

    def takes_away(self, said: dict[str, Any]) -> bool:
        """Whether a later line withholds what may still be read here."""
        return bool(said.get("withheld")) and self.withheld.get(said["reference"], "") is None
