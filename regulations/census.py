"""What a theme listed when it opened, counted once and for all: the whole that its decisions have to add up to."""

from collections.abc import Sequence
from datetime import datetime

import rfc8785
from sqlalchemy import ColumnElement, and_, exists, insert, or_, select

from audit.entries import CensusEntry, text_digest
from audit.services import record
from core.db import db, take_turn
from regulations.models import Census, CensusItem, Regulation, Theme


def themes_to_count(now: datetime) -> list[int]:
    """Themes that have opened, and of which the record doesn't say yet what they listed then."""
    wanted = select(Theme.id).where(Theme.opens_at <= now, ~exists().where(Census.theme_id == Theme.id))
    return list(db.session.scalars(wanted.order_by(Theme.opens_at, Theme.id)))


def take_census(*, theme: Theme, now: datetime) -> Census | None:
    """Count what was listed when the theme opened. Once for each theme, however many workers look."""
    take_turn(f"census {theme.slug}")
    if theme.id not in themes_to_count(now):
        return None
    wanted = select(Regulation.id, Regulation.slug).where(
        Regulation.theme_id == theme.id, Regulation.listed_at <= theme.opens_at
    )
    listed = db.session.execute(wanted).all()
    census = Census(theme=theme, number=len(listed), taken_at=now)
    db.session.add(census)
    body = CensusEntry(
        theme=theme.slug,
        opens=int(theme.opens_at.timestamp()),
        number=len(listed),
        items_sha256=text_digest(census_text([row.slug for row in listed])),
    )
    census.entry_id = record(body, about=[theme, census], now=now).id
    if listed:
        rows = [{"census_id": census.id, "regulation_id": row.id} for row in listed]
        db.session.execute(insert(CensusItem), rows)
    return census


def census_text(slugs: Sequence[str]) -> str:
    """The canonical JSON of what was counted, sorted: the record keeps its digest."""
    return rfc8785.dumps(sorted(slugs)).decode()


def listed_later() -> ColumnElement[bool]:
    """Of regulations joined to their themes: not among those counted. Until they are counted, their day says it."""
    is_counted = exists().where(CensusItem.regulation_id == Regulation.id)
    was_taken = exists().where(Census.theme_id == Theme.id)
    return or_(and_(was_taken, ~is_counted), and_(~was_taken, Regulation.listed_at > Theme.opens_at))
