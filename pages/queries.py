"""What the browsing pages ask beyond the lists themselves: facets, near misses, numbers for the home page."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import case, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from accounts.models import Department
from audit.queries import head as log_head
from audit.queries import log_size
from audit.tiles import log_folder
from core.config import ROOT
from core.db import db
from core.paging import PER_PAGE, Page
from decisions.models import Decision
from opendata.queries import RegulationRow, Wanted, joined, narrowed, regulations
from opendata.rules import NO_DECISION
from pages import rules
from pages.rules import Asked, Facet, Slice, how_many
from regulations.models import Regulation, RegulationSector, Theme
from regulations.queries import stage_expression
from regulations.rules import ALL_SECTORS, Citation, Stage
from search.queries import matching as search
from search.rules import citations_in, plain_words

log = logging.getLogger(__name__)


def slices(wanted: Wanted, now: datetime) -> list[Slice]:
    """How many regulations there are of each theme, department, stage and outcome together.

    Narrowed by words and sector alone, so that each facet can be counted under the others from these few rows.
    """
    grouped = (
        joined(
            Theme.slug.label("in_theme"), Theme.title.label("theme_title"), Department.slug.label("of_department"),
            Department.name.label("department_name"), stage_expression(now).label("in_stage"),
            func.coalesce(Decision.outcome, NO_DECISION).label("with_outcome"), func.count().label("n"),
        )
        .group_by("in_theme", "theme_title", "of_department", "department_name", "in_stage", "with_outcome")
    )  # fmt: skip
    common = Wanted(sector=wanted.sector, found=wanted.found, words=wanted.words)
    return [Slice(*row) for row in db.session.execute(narrowed(grouped, common, now))]


def sector_counts(wanted: Wanted, now: datetime) -> tuple[dict[str, int], int]:
    """By sector, and for all sectors: how many regulations are marked so. One marked both ways counts for all alone."""
    for_all = select(RegulationSector.regulation_id).where(RegulationSector.sector == ALL_SECTORS)
    once = case((RegulationSector.sector == ALL_SECTORS, 1), (Regulation.id.in_(for_all), 0), else_=1)
    rows = joined(RegulationSector.sector, func.sum(once)).join(
        RegulationSector, RegulationSector.regulation_id == Regulation.id
    )
    others = Wanted(
        theme=wanted.theme, department=wanted.department, stage=wanted.stage, outcome=wanted.outcome,
        found=wanted.found, words=wanted.words,
    )  # fmt: skip
    counts = {
        row[0]: row[1] for row in db.session.execute(narrowed(rows, others, now).group_by(RegulationSector.sector))
    }
    return counts, counts.pop(ALL_SECTORS, 0)


def near_misses(query: str) -> list[tuple[Citation, str]]:
    """When a query names a citation: listed ones that differ from it by a slip of the finger, with their titles."""
    named = citations_in(query)
    if not named:
        return []
    year, number = (int(part) for part in named[0].split("/")[-2:])
    columns = (Regulation.kind, Regulation.year, Regulation.number, Regulation.title)
    alike = or_(Regulation.year == year, Regulation.number == number)
    rows = db.session.execute(select(*columns).where(alike).order_by(Regulation.id).limit(1000))
    known = [(Citation(row.kind, row.year, row.number), row.title) for row in rows]
    return rules.near_misses(year, number, known)


def some_themes(limit: int = 6) -> list[tuple[str, str]]:
    """A few themes to begin with, the largest first: title and slug."""
    wanted = (
        select(Theme.title, Theme.slug)
        .join(Regulation, Regulation.theme_id == Theme.id)
        .group_by(Theme.id, Theme.title, Theme.slug)
        .order_by(func.count().desc(), Theme.title)
        .limit(limit)
    )
    return [(row.title, row.slug) for row in db.session.execute(wanted)]


def readiness() -> tuple[int | None, list[str]]:
    """The size of the record, and whatever keeps this process from serving visitors, in words."""
    newest = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    published = log_folder().signed_size()  # before the database is asked, which is ahead of it at any moment
    try:
        at = MigrationContext.configure(db.session.connection()).get_current_revision()
        if at != newest:
            return None, [f"The database is at migration {at or 'none'}, and this release needs {newest}."]
        size, signed = log_size(), log_head()
    except SQLAlchemyError:
        log.exception("The database does not answer.")
        return None, ["The database does not answer."]
    if signed is None:
        return size, ["The record has not been opened yet."]
    why = signed.refusal or ""
    if not why and size < published:
        why = (
            f"The database holds {size:,} lines in their places, and {published:,} are signed. It may be an older copy."
        )
    return size, [f"The record is not signed any more, and nothing new is taken. {why}"] if why else []


@dataclass(frozen=True)
class Listing:
    """One page of a list of regulations, with everything that helps to narrow it."""

    page: Page[RegulationRow]
    facets: list[Facet]
    sort: str
    without_filters: int
    """How many there are, or would be if the facets that leave nothing were taken off."""
    any_open: bool
    """Whether votes are taken on any of them."""
    rebuilding: bool
    """True while search is away and only titles were looked through."""


def listing(asked: Asked, now: datetime) -> Listing:
    wanted, parts, rebuilding = _read(asked, now)
    sectors, for_all = sector_counts(wanted, now)
    total = how_many(rules.matching(parts, asked))
    number = min(asked.page, max(1, ceil(total / PER_PAGE)))
    rows = regulations(wanted, now, offset=(number - 1) * PER_PAGE, limit=PER_PAGE) if total else []
    return Listing(
        page=Page(rows, number, total),
        facets=rules.facets(parts, sectors, for_all, asked),
        sort=wanted.sort,
        any_open=any(part.stage == Stage.OPEN for part in rules.matching(parts, asked)),
        without_filters=total or _without_filters(asked, wanted, now),
        rebuilding=rebuilding,
    )


def _without_filters(asked: Asked, wanted: Wanted, now: datetime) -> int:
    if not asked.chosen:
        return 0
    return how_many(rules.matching(slices(replace(wanted, sector=""), now), asked.without_filters()))


def every_row(asked: Asked, now: datetime) -> list[RegulationRow]:
    """The same list whole, in the same order."""
    wanted, _, _ = _read(asked, now)
    return regulations(wanted, now)


def _read(asked: Asked, now: datetime) -> tuple[Wanted, list[Slice], bool]:
    words = plain_words(asked.q)
    found = search(asked.q, "regulation") if words else None
    rebuilding = bool(words) and found is None
    wanted = Wanted(
        theme=asked.theme, department=asked.department, stage=asked.stage, outcome=asked.outcome, sector=asked.sector,
        found=found, words=words if rebuilding else (),
    )  # fmt: skip
    parts = slices(wanted, now)
    sort = rules.sort_of(asked, parts)
    return replace(wanted, sort="title" if rebuilding and sort == "relevance" else sort), parts, rebuilding
