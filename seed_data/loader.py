"""Reads the catalogue of real regulations, checks every row, and lists it under its themes."""

import csv
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from accounts.models import Department
from core.clock import day_begins, uk_day
from core.db import db, transaction
from regulations.census import take_census
from regulations.models import Theme
from regulations.rules import DAYS_TO_DECIDE, Citation, Split, ThemeKind, Window
from regulations.services import Listing, list_regulations, list_theme

FOLDER = Path(__file__).parent
CATALOGUE = FOLDER / "catalogue"
LISTED_BY = "The operator"
SHORTEST_WINDOW = 21
SOURCES = {
    "official-text": "Seen in an official text",
    "cross-checked": "Seen in two independent public texts",
    "public-reference": "Seen in one public text",
    "editors": "Known to the editors; not yet checked",
}


class BadSeed(ValueError):
    """A row of the catalogue is not as it must be; the message names file and line."""


@dataclass(frozen=True)
class SeedRow:
    """One regulation of the catalogue, as its file gives it."""

    citation: Citation
    title: str
    department: str
    in_force: str
    binds: str
    sentence: str
    summary: str
    sectors: tuple[str, ...]
    spent: str
    checked_on: str
    source: str


@dataclass(frozen=True)
class SeedTheme:
    """A theme with its regulations. ``opens`` and ``closes`` are days from the day of loading."""

    slug: str
    title: str
    kind: ThemeKind
    summary: str
    on_the_table: str
    off_the_table: str
    split: Split
    opens: int
    closes: int
    decided: bool
    days_to_decide: int
    rows: tuple[SeedRow, ...]

    def window_from(self, now: datetime) -> Window:
        """As in the demonstration: some in the past, some to come. The last day belongs to the window to its end."""
        today = uk_day(now)
        last = today + timedelta(days=self.closes)
        return Window(day_begins(today + timedelta(days=self.opens)), day_begins(last + timedelta(days=1)))

    def honest_window_from(self, now: datetime) -> Window:
        """For a site with real people: nothing has a past that nobody lived. What would be over opens today instead."""
        if self.opens > 0:
            return self.window_from(now)
        last = uk_day(now) + timedelta(days=max(self.closes, SHORTEST_WINDOW))
        return Window(now, day_begins(last + timedelta(days=1)))


def catalogue() -> list[SeedTheme]:
    """Every theme with its checked rows. Raises BadSeed."""
    themes = tomllib.loads((FOLDER / "themes.toml").read_text("utf-8"))
    seeds = [_theme(slug, given) for slug, given in themes.items()]
    seen: dict[str, str] = {}
    for seed in seeds:
        for row in seed.rows:
            if row.citation.slug in seen:
                raise BadSeed(f"{row.citation.official} stands in both {seen[row.citation.slug]} and {seed.slug}.")
            seen[row.citation.slug] = seed.slug
    return seeds


def _theme(slug: str, given: dict[str, object]) -> SeedTheme:
    path = CATALOGUE / f"{slug}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = tuple(_row(row, f"{path.name}, line {line}") for line, row in enumerate(csv.DictReader(file), start=2))
    return SeedTheme(
        slug=slug,
        title=str(given["title"]),
        kind=ThemeKind(str(given["kind"])),
        summary=str(given["summary"]),
        on_the_table=str(given["on_the_table"]),
        off_the_table=str(given["off_the_table"]),
        split=Split(str(given.get("split", Split.SHOWN))),
        opens=int(str(given["opens"])),
        closes=int(str(given["closes"])),
        decided=bool(given.get("decided", False)),
        days_to_decide=int(str(given.get("days_to_decide", DAYS_TO_DECIDE))),
        rows=rows,
    )


def _row(row: dict[str, str], where: str) -> SeedRow:
    citation = Citation.read(row["type"], row["year"], row["number"])
    if row["link"] != citation.link:
        raise BadSeed(f"{where}: the link does not lead to {citation.official}.")
    if row["source"] not in SOURCES:
        raise BadSeed(f"{where}: {row['source']!r} is not a known source.")
    if not re.fullmatch(r"not checked|\d{4}-\d\d-\d\d", row["checked_on"]):
        raise BadSeed(f"{where}: checked_on is a date or 'not checked'.")
    if not re.fullmatch(r"|\d{4}(-\d\d-\d\d)?", row["in_force"]):
        raise BadSeed(f"{where}: in_force is a year, a date or empty.")
    for name in ("title", "department", "binds", "sentence", "summary"):
        if not row[name].strip():
            raise BadSeed(f"{where}: {name} is empty.")
    return SeedRow(
        citation=citation,
        title=row["title"],
        department=row["department"],
        in_force=row["in_force"],
        binds=row["binds"],
        sentence=row["sentence"],
        summary=row["summary"],
        sectors=tuple(filter(None, row["sectors"].split(";"))),
        spent=row["spent"],
        checked_on=row["checked_on"],
        source=row["source"],
    )


def load_catalogue_if_missing(now: datetime) -> int:
    """List every theme that is not there yet, open or upcoming; returns how many were."""
    seeds = catalogue()
    with transaction():
        there = set(db.session.scalars(select(Theme.slug)))
        missing = [seed for seed in seeds if seed.slug not in there]
        for seed in missing:
            theme = list_seed(seed, seed.honest_window_from(now), now)
            if theme.window.is_open(now):
                take_census(theme=theme, now=now)
    return len(missing)


def list_seed(seed: SeedTheme, window: Window, now: datetime, by: str = LISTED_BY) -> Theme:
    """Put one theme of the catalogue on the site, within the caller's transaction."""
    theme = list_theme(
        slug=seed.slug,
        title=seed.title,
        kind=seed.kind,
        summary=seed.summary,
        on_the_table=seed.on_the_table,
        off_the_table=seed.off_the_table,
        split=seed.split,
        days_to_decide=seed.days_to_decide,
        window=window,
        by=by,
        now=now,
    )
    departments = _departments({row.department for row in seed.rows})
    list_regulations(theme=theme, listings=_listings(seed.rows, departments), now=now)
    return theme


def _departments(names: set[str]) -> dict[str, Department]:
    known = {found.name: found for found in db.session.scalars(select(Department).where(Department.name.in_(names)))}
    for name in sorted(names - known.keys()):
        known[name] = Department(slug=re.sub(r"[^a-z]+", "-", name.lower()).strip("-"), name=name)
        db.session.add(known[name])
    db.session.flush()
    return known


def _listings(rows: Sequence[SeedRow], departments: dict[str, Department]) -> list[Listing]:
    return [
        Listing(
            citation=row.citation,
            title=row.title,
            department=departments[row.department],
            binds=row.binds,
            sentence=row.sentence,
            summary=row.summary,
            checked_on=row.checked_on,
            source=row.source,
            in_force=row.in_force,
            spent=row.spent,
            sectors=row.sectors,
        )
        for row in rows
    ]
