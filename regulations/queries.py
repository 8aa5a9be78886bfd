"""Asking about themes and regulations. Lists come as plain rows, never as mapped objects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import joinedload

from core.db import db
from core.errors import NotFound
from regulations.models import Regulation, RegulationSector, Theme
from regulations.rules import Split, Stage, Window


def theme_with(slug: str) -> Theme:
    """Raises NotFound."""
    theme = db.session.scalar(select(Theme).filter_by(slug=slug))
    if theme is None:
        raise NotFound("There is no theme at this address.")
    return theme


def regulation_with(slug: str) -> Regulation:
    """With its theme and department. Raises NotFound."""
    wanted = (
        select(Regulation).filter_by(slug=slug).options(joinedload(Regulation.theme), joinedload(Regulation.department))
    )
    regulation = db.session.scalar(wanted)
    if regulation is None:
        raise NotFound("There is no regulation at this address.")
    return regulation


def regulation_and_sectors(slug: str) -> tuple[Regulation, list[str]]:
    """The same with the sectors it bears on, asked for at once."""
    sectors = (
        select(func.aggregate_strings(RegulationSector.sector, ","))
        .where(RegulationSector.regulation_id == Regulation.id)
        .scalar_subquery()
    )
    wanted = select(Regulation, sectors).where(Regulation.slug == slug)
    row = db.session.execute(
        wanted.options(joinedload(Regulation.theme), joinedload(Regulation.department))
    ).one_or_none()
    if row is None:
        raise NotFound("There is no regulation at this address.")
    return row[0], sorted(row[1].split(",")) if row[1] else []


def stage_expression(now: datetime) -> ColumnElement[str]:
    """rules.stage_of in SQL; a test holds the two against each other."""
    return case(
        (Regulation.settled.is_not(None), Regulation.settled),
        (Theme.opens_at > now, literal(Stage.UPCOMING.value)),
        (Theme.closes_at > now, literal(Stage.OPEN.value)),
        else_=literal(Stage.UNDER_CONSIDERATION.value),
    )


@dataclass(frozen=True)
class ThemeRow:
    id: int
    slug: str
    title: str
    kind: str
    summary: str
    split: Split
    window: Window
    decision_due_at: datetime
    frozen_at: datetime | None
    regulations: int
    decided: int
    stage: Stage
    """upcoming, open, under_consideration, or decided once nothing in it waits for a decision"""


def themes(now: datetime) -> list[ThemeRow]:
    """All themes with how many regulations each lists and has settled; open ones first, the soonest to close first."""
    counts = (
        select(
            Regulation.theme_id,
            func.count().label("regulations"),
            func.count(Regulation.settled).label("settled"),
            func.sum(case((Regulation.settled == Stage.ALREADY_SPENT, 1), else_=0)).label("spent"),
        )
        .group_by(Regulation.theme_id)
        .subquery()
    )
    wanted = select(
        Theme.id, Theme.slug, Theme.title, Theme.kind, Theme.summary, Theme.split, Theme.opens_at, Theme.closes_at,
        Theme.decision_due_at, Theme.frozen_at,
        func.coalesce(counts.c.regulations, 0).label("regulations"),
        func.coalesce(counts.c.settled, 0).label("settled"),
        func.coalesce(counts.c.spent, 0).label("spent"),
    ).outerjoin(counts, counts.c.theme_id == Theme.id)  # fmt: skip
    rows = [_theme_row(row, now) for row in db.session.execute(wanted)]
    return sorted(rows, key=lambda row: (_ORDER[row.stage], row.window.closes, row.title))


_ORDER = {Stage.OPEN: 0, Stage.UPCOMING: 1, Stage.UNDER_CONSIDERATION: 2, Stage.DECIDED: 3}


def _theme_row(row: Any, now: datetime) -> ThemeRow:
    window = Window(row.opens_at, row.closes_at)
    stage = window.stage(now)
    if stage is Stage.UNDER_CONSIDERATION and row.settled == row.regulations:
        stage = Stage.DECIDED
    return ThemeRow(
        row.id, row.slug, row.title, row.kind, row.summary, Split(row.split), window, row.decision_due_at,
        row.frozen_at, row.regulations, row.settled - row.spent, stage,
    )  # fmt: skip
