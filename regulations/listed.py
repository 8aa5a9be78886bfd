"""Regulations with all that is told of them, as their lines in the record commit to it. Read in bulk."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import exists, select

from accounts.models import Department
from audit.models import Entry
from core.db import db
from regulations.models import Regulation, RegulationSector
from regulations.services import Listed, listing_text

_moved_on = exists().where(Entry.item == Regulation.slug, Entry.type == "stage")
COLUMNS: tuple[Any, ...] = (
    Regulation.id, Regulation.title, Regulation.sentence, Regulation.summary, Regulation.binds, Regulation.in_force,
    Regulation.link, Regulation.checked_on, Regulation.source, Regulation.settled, Regulation.settled_because,
    Department.slug.label("department"), _moved_on.label("moved_on"),
)  # fmt: skip
"""Select them from regulations that are outer joined to their departments."""


def sectors_of(regulation_ids: Iterable[int] | None = None) -> defaultdict[int, list[str]]:
    """Of some regulations, or of all."""
    wanted = select(RegulationSector.regulation_id, RegulationSector.sector)
    if regulation_ids is not None:
        wanted = wanted.where(RegulationSector.regulation_id.in_(list(regulation_ids)))
    found: defaultdict[int, list[str]] = defaultdict(list)
    for id, sector in db.session.execute(wanted):
        found[id].append(sector)
    return found


def text_of(row: Any, sectors: Iterable[str]) -> str:
    """Of a row with COLUMNS. What was settled with no line that moved it on was listed as spent."""
    listed = Listed(
        title=row.title, sentence=row.sentence, summary=row.summary, binds=row.binds, in_force=row.in_force,
        link=row.link, department=row.department or "", sectors=list(sectors), checked_on=row.checked_on,
        source=row.source, spent=row.settled_because if row.settled and not row.moved_on else None,
    )  # fmt: skip
    return listing_text(listed)


def texts_of(regulation_ids: Iterable[int]) -> dict[int, str]:
    ids = list(regulation_ids)
    sectors = sectors_of(ids)
    rows = select(*COLUMNS).outerjoin(Department, Department.id == Regulation.department_id)
    return {row.id: text_of(row, sectors[row.id]) for row in db.session.execute(rows.where(Regulation.id.in_(ids)))}
