"""The evidence on one regulation: who chose what, by whom people speak for and how far that is confirmed."""

from dataclasses import dataclass

from sqlalchemy import select

from accounts.rules import Capacity, Level
from core.db import db
from voting.models import TallyCell
from voting.rules import Cell, Tally, add_up


@dataclass(frozen=True)
class Crossed:
    """The folded votes of one capacity at one level."""

    capacity: Capacity
    level: int
    tally: Tally

    @property
    def label(self) -> str:
        return f"{self.capacity.plural}, {Level(self.level).name.replace('_', ' ').lower()}"


def crossed_tally(regulation_id: int) -> list[Crossed]:
    """One tally for each capacity and level that anybody voted in; they add up to the whole."""
    columns = (TallyCell.capacity, TallyCell.level, TallyCell.choice, TallyCell.direction, TallyCell.votes)
    rows = db.session.execute(select(*columns).where(TallyCell.regulation_id == regulation_id, TallyCell.votes > 0))
    cells = [Cell(Capacity(r.capacity), r.level, r.choice, r.direction, r.votes) for r in rows]
    crossed = [
        Crossed(capacity, level, add_up(c for c in cells if c.capacity is capacity and c.level == level))
        for capacity in Capacity
        for level in Level
    ]
    return [part for part in crossed if part.tally.participants]
