"""Whether themes, their windows, and regulations with their stages are what the record says."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from accounts.models import Department
from audit.agreement import Recorded, recorded, streamed, unmatched
from audit.entries import text_digest
from audit.models import Entry, Opening
from core.db import db
from regulations import rules
from regulations.census import census_text
from regulations.due import EXTENDED
from regulations.listed import COLUMNS, sectors_of, text_of
from regulations.models import Census, CensusItem, DueChange, Regulation, Theme
from regulations.rules import Citation, Stage
from regulations.services import theme_text


def disagreements() -> Iterator[str]:
    yield from _themes()
    yield from _due_changes()
    yield from _censuses()
    yield from _regulations()


def _themes() -> Iterator[str]:
    listed: dict[str, Recorded] = {}
    windows: dict[str, Recorded] = {}
    moved: dict[str, int] = {}
    for line in recorded("theme", "window", "due"):
        slug = line.said["theme"]
        if line.said["type"] == "due":
            moved[slug] = line.said["due"]
            continue
        (listed if line.said["type"] == "theme" else windows)[slug] = line
        moved.pop(slug, None)  # a window set anew sets its own day
    themes = {theme.slug: theme for theme in db.session.scalars(select(Theme))}
    for slug in sorted(listed.keys() - themes.keys()):
        yield f"theme: {slug}, listed by {listed[slug].named}, is missing."
    for slug, theme in sorted(themes.items()):
        if slug not in listed:
            yield f"theme: {slug} was never listed on the record."
            continue
        line = listed[slug]
        kept = {"kind": theme.kind, "split": theme.split, "text_sha256": text_digest(theme_text(theme))}
        if any(line.said.get(name) != value for name, value in kept.items()):
            yield f"theme: {slug} is not what {line.named} says."
        yield from _window(theme, windows.get(slug), moved.get(slug))


def _window(theme: Theme, line: Recorded | None, due: int | None) -> Iterator[str]:
    if line is None:
        yield f"theme: the record sets no window for {theme.slug}."
        return
    kept = (int(theme.opens_at.timestamp()), int(theme.closes_at.timestamp()))
    if kept != (line.said["opens"], line.said["closes"]):
        yield f"theme: {theme.slug} opens or closes at another time than {line.named} says."
    because = ""
    if line.said["act"] == "closed_early":
        reason = select(Opening.text).where(Opening.entry_id == line.id, Opening.field == "reason_commit")
        because = db.session.scalar(reason) or ""
    if theme.closed_early_because != because:
        yield f"theme: why {theme.slug} was closed early is not what {line.named} stands for."
    days = line.said.get("days", rules.DAYS_TO_DECIDE)
    if theme.days_to_decide != days:
        yield f"theme: decisions on {theme.slug} are due in another number of days than {line.named} says."
    if due is None and theme.decision_due_at != rules.due_after(theme.window, days):
        yield f"theme: the day by which {theme.slug} is to be decided does not follow from its close."
    if due is not None and int(theme.decision_due_at.timestamp()) != due:
        yield f"theme: the day by which {theme.slug} is to be decided is not the one it was last moved to."


def _due_changes() -> Iterator[str]:
    """That a day was moved, or went by: one row for each such line."""
    lines = {line.id: line for line in recorded("due", "overdue")}
    wanted = (
        select(DueChange, Theme.slug, Opening.text)
        .outerjoin(Theme, Theme.id == DueChange.theme_id)
        .outerjoin(Opening, (Opening.entry_id == DueChange.entry_id) & (Opening.field == "reason_commit"))
        .order_by(DueChange.id)
    )
    rows = db.session.execute(wanted).all()
    yield from unmatched("due_change", [row.DueChange.entry_id for row in rows], lines.values())
    for change, slug, reason in rows:
        line = lines.get(change.entry_id or "")
        if line is None:
            continue
        kept = {
            "type": "due" if change.act == EXTENDED else "overdue",
            "theme": slug,
            "due": int(change.due_at.timestamp()),
            "actor": change.by or None,
            "undecided": change.undecided or None,
        }
        if any(line.said.get(name) != value for name, value in kept.items()) or change.reason != (reason or ""):
            yield f"due_change: what is kept of the day {slug} is to be decided by is not what {line.named} says."
        if not line.is_of(change.done_at):
            yield f"due_change: the day {slug} is to be decided by was moved at another time than {line.named}."


def _censuses() -> Iterator[str]:
    """What each theme listed when it opened: one row for each line, and the regulations whose digest it holds."""
    lines = {line.id: line for line in recorded("census")}
    counted: dict[int, list[str]] = {}
    items = select(CensusItem.census_id, Regulation.slug).outerjoin(
        Regulation, Regulation.id == CensusItem.regulation_id
    )
    for census_id, slug in db.session.execute(items):
        counted.setdefault(census_id, []).append(slug or "")
    wanted = select(Census, Theme.slug, Theme.opens_at).outerjoin(Theme, Theme.id == Census.theme_id)
    rows = db.session.execute(wanted.order_by(Census.id)).all()
    yield from unmatched("census", [row.Census.entry_id for row in rows], lines.values())
    for census, slug, opens_at in rows:
        line = lines.get(census.entry_id or "")
        if line is None:
            continue
        kept = {
            "theme": slug,
            "opens": int(opens_at.timestamp()) if opens_at else None,
            "number": census.number,
            "items_sha256": text_digest(census_text(counted.pop(census.id, []))),
        }
        differs = any(line.said.get(name) != value for name, value in kept.items())
        if differs or not line.is_of(census.taken_at):
            yield f"census: what {slug} listed when it opened is kept otherwise than {line.named} counts it."
    if counted:
        yield f"census_item: {sum(map(len, counted.values())):,} rows belong to no census."


def _regulations() -> Iterator[str]:
    first: dict[str, Recorded] = {}
    versions: dict[str, Recorded] = {}
    stages: dict[str, Recorded] = {}
    for line in recorded("item.version", "stage"):
        (versions if line.said["type"] == "item.version" else stages)[line.said["item"]] = line
        if line.said["type"] == "item.version":
            first.setdefault(line.said["item"], line)
    columns: Any = (
        *COLUMNS, Regulation.slug, Regulation.kind, Regulation.year, Regulation.number, Regulation.listed_at,
        Theme.slug.label("theme"),
    )  # fmt: skip
    wanted = select(*columns).outerjoin(Theme, Theme.id == Regulation.theme_id)
    wanted = wanted.outerjoin(Department, Department.id == Regulation.department_id).order_by(Regulation.slug)
    unseen, sectors = set(versions), sectors_of()
    for row in streamed(wanted):
        unseen.discard(row.slug)
        listing, stage = versions.get(row.slug), stages.get(row.slug)
        if listing is None:
            yield f"regulation: {row.slug} was never listed on the record."
            continue
        words = text_digest(text_of(row, sectors[row.id]))
        if (row.theme, words) != (listing.said["theme"], listing.said["text_sha256"]):
            yield f"regulation: {row.slug} is not what {listing.named} says."
        if Citation(row.kind, row.year, row.number).slug != row.slug:
            yield f"regulation: {row.slug} is cited as another one."
        if not first[row.slug].is_of(row.listed_at):
            yield f"regulation: {row.slug} was listed at another time than {first[row.slug].named}."
        if stage is not None and row.settled != stage.said["stage"]:
            yield f"regulation: the stage of {row.slug} is not what {stage.named} says."
        if stage is None and row.settled not in (None, Stage.ALREADY_SPENT):  # spent ones are listed as such
            yield f"regulation: {row.slug} is {row.settled} in the database, and no line says so."
    for slug in sorted(unseen):
        yield f"regulation: {slug}, listed by {versions[slug].named}, is missing."
    named = select(Entry.item).where(Entry.item.is_not(None), Entry.item.not_in(select(Regulation.slug))).distinct()
    for item in db.session.scalars(named.order_by(Entry.item)):
        if item not in versions:
            yield f"entry: lines are about {item}, which was never listed."
