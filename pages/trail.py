"""Reading the record as a story: single lines with what surrounds them, and a day's votes added up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, union_all

from audit.models import Entry, Opening
from audit.queries import COLUMNS, Line, line
from core.clock import in_uk
from core.db import db
from pages.gathered import Gathered, gathered_sentence
from pages.sentences import ACTORS, Around, Sentence, how_many, sentence
from regulations.models import Regulation, Theme
from regulations.rules import Stage
from search.rules import citations_in
from voting.models import DayTally
from voting.tallying import GATHERED

NEWS, DAYS = ("decision", "milestone", "item.version", "stage"), ("due", "overdue")
ABOUT_THEMES = ("theme", "window", "census", "due", "overdue", "edition")
HOUR = 3600
ACTS = 500
UNFOLDED_AT_MOST = 40


@dataclass(frozen=True)
class Told:
    """One line of the record with its sentence. ``at`` is the hour it was written, by the clock in the UK."""

    line: Line
    title: str
    says: Sentence

    @property
    def at(self) -> datetime:
        return in_uk(self.line.at)


@dataclass(frozen=True)
class Folded:
    """All votes, reasons and supports that one day brought on a regulation, by the type of their lines."""

    day: date
    gathered: dict[str, Gathered]
    lines: Sequence[Told] = ()
    """Empty when there are too many to show at once."""

    @property
    def number(self) -> int:
        return sum(part.lines for part in self.gathered.values())

    @property
    def text(self) -> str:
        return " ".join(f"{gathered_sentence(t, self.gathered[t])}." for t in GATHERED if t in self.gathered)


@dataclass(frozen=True)
class Place:
    """Where the trail of one regulation is found in the record."""

    item: str
    theme_id: int


@dataclass(frozen=True)
class Wanted:
    """Which lines of the record to list, the newest first."""

    type: str = ""
    actor: str = ""
    item: str = ""
    day: date | None = None
    place: Place | None = None


def _told_rows() -> Any:
    """Entries with the titles and the public reason that their sentences need."""
    theme_id = func.coalesce(Regulation.theme_id, case((Entry.about_kind == Theme.__name__, Entry.about_id)))
    return (
        select(*COLUMNS, Regulation.title, Theme.title.label("theme_title"), Opening.text.label("reason"))
        .outerjoin(Regulation, Regulation.slug == Entry.item)
        .outerjoin(Theme, Theme.id == theme_id)
        .outerjoin(Opening, and_(Opening.entry_id == Entry.id, Opening.field == "reason_commit"))
    )


def _told(row: Any, demonstration: bool) -> Told:
    read = line(row)
    around = Around(row.title or "", row.theme_title or "", row.reason or "", demonstration)
    return Told(read, row.title or row.theme_title or "", sentence(read.type, read.said, around))


def told(entry_id: str, *, demonstration: bool) -> Told:
    """One line that exists, with or without its place."""
    return _told(db.session.execute(_told_rows().where(Entry.id == entry_id)).one(), demonstration)


def _filters(wanted: Wanted) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = [Entry.idx.is_not(None)]
    if wanted.type:
        filters.append(Entry.type == wanted.type)
    if wanted.actor:
        filters.append(Entry.type.in_(ACTORS[wanted.actor][1]))
    if wanted.item:
        filters.append(Entry.item == wanted.item)
    if wanted.day:
        begins, ends = hours_of(wanted.day)
        filters.append(and_(Entry.t >= begins, Entry.t < ends))
    if wanted.place:
        filters.append(or_(Entry.item == wanted.place.item, _of_theme(wanted.place)))
    return filters


def _of_theme(place: Place) -> ColumnElement[bool]:
    return and_(
        Entry.type.in_(ABOUT_THEMES), Entry.about_kind == Theme.__name__, Entry.about_id == place.theme_id
    )  # fmt: skip


def lines(wanted: Wanted, *, limit: int, before: int | None = None, demonstration: bool = False) -> list[Told]:
    """The newest lines that have their place, those before a given one if told so."""
    filters = _filters(wanted) + ([Entry.idx < before] if before is not None else [])
    if wanted.actor and not wanted.type:
        filters = [Entry.seq.in_(_newest_of_each(ACTORS[wanted.actor][1], filters, limit))]
    rows = _told_rows().where(*filters).order_by(Entry.idx.desc()).limit(limit)
    return [_told(row, demonstration) for row in db.session.execute(rows)]


def _newest_of_each(types: Sequence[str], filters: Sequence[ColumnElement[bool]], limit: int) -> Any:
    """So few of each type by themselves, as sorting all lines of rare types together would read every line there is."""
    of_each = [
        select(Entry.seq).where(Entry.type == type, *filters).order_by(Entry.idx.desc()).limit(limit).subquery()
        for type in types
    ]
    return union_all(*(select(part.c.seq) for part in of_each))


def news(slugs: Select[str], *, limit: int, demonstration: bool = False) -> list[Told]:
    """What moved on for some regulations, or for their themes' due days, the newest first: a stage only as the last."""
    themes = select(Regulation.theme_id).where(Regulation.slug.in_(slugs))
    placed = Entry.idx.is_not(None)
    about_them = _newest_of_each(NEWS, (placed, Entry.item.in_(slugs)), limit)
    of_themes = (placed, Entry.about_kind == Theme.__name__, Entry.about_id.in_(themes))
    of_either = or_(Entry.seq.in_(about_them), Entry.seq.in_(_newest_of_each(DAYS, of_themes, limit)))
    rows = _told_rows().where(of_either).order_by(Entry.idx.desc())
    told = [_told(row, demonstration) for row in db.session.execute(rows)]
    return [one for one in told if one.line.type != "stage" or one.line.said.get("stage") == Stage.DONE][:limit]


def all_lines(wanted: Wanted, *, demonstration: bool, batch: int = 1_000) -> Iterator[Told]:
    """Every line, the newest first, read a thousand at a time."""
    before = None
    while read := lines(wanted, limit=batch, before=before, demonstration=demonstration):
        yield from read
        before = read[-1].line.idx


def count_lines(wanted: Wanted) -> int:
    return db.session.scalar(select(func.count()).select_from(Entry).where(*_filters(wanted))) or 0


def item_named(asked: str) -> str:
    """The slug of the regulation somebody means, by its slug or its citation however written; else what they wrote."""
    for citation in citations_in(asked):
        *series, year, number = citation.split("/")
        meant = select(Regulation.slug).where(Regulation.year == int(year), Regulation.number == int(number))
        if series:
            meant = meant.where(Regulation.kind == series[0])
        if slug := db.session.scalar(meant.order_by(Regulation.id).limit(1)):
            return slug
    return asked


def neighbours(idx: int) -> dict[int, str]:
    """The ids of the lines just before and just after a place."""
    wanted = select(Entry.idx, Entry.id).where(Entry.idx.in_([idx - 1, idx + 1]))
    return {row.idx: row.id for row in db.session.execute(wanted)}


def acts(place: Place, *, limit: int, demonstration: bool) -> list[Told]:
    """The newest lines on a regulation and its theme's window, but for votes, reasons and supports."""
    newest = [
        select(Entry.seq)
        .where(condition, Entry.idx.is_not(None))
        .order_by(Entry.idx.desc())
        .limit(2 * limit)
        .subquery()
        for condition in (and_(Entry.item == place.item, Entry.type.not_in(GATHERED)), _of_theme(place))
    ]
    wanted = union_all(*(select(part.c.seq) for part in newest))
    rows = _told_rows().where(Entry.seq.in_(wanted)).order_by(Entry.idx.desc()).limit(2 * limit)
    return with_its_stage([_told(row, demonstration) for row in db.session.execute(rows)])[:limit]


def with_its_stage(acts: Sequence[Told]) -> list[Told]:
    """The same acts, each stage that a decision set told in the line of that decision instead of one of its own."""
    set_by: dict[tuple[Any, ...], list[Told]] = {}
    for act in acts:
        if act.line.type == "stage":
            set_by.setdefault((act.line.at, act.line.item, act.line.said["actor"]), []).append(act)
    told, folded = [], set()
    for act in acts:
        decided_by = (act.line.at, act.line.item, act.line.said.get("approver"))
        if act.line.type == "decision" and set_by.get(decided_by):
            stage = set_by[decided_by].pop(0)
            folded.add(stage.line.id)
            word = stage.line.said["stage"].replace("_", " ")
            act = replace(act, says=replace(act.says, detail=f"{act.says.detail} The stage was set to {word}."))
        told.append(act)
    return [act for act in told if act.line.id not in folded]


def folded_days(place: Place) -> list[Folded]:
    """Votes, reasons and supports on a regulation, added up by the day in the UK, the newest day first."""
    wanted = (
        select(DayTally.day, DayTally.type, DayTally.side, DayTally.taken_back, DayTally.again, DayTally.lines)
        .join(Regulation, Regulation.id == DayTally.regulation_id)
        .where(Regulation.slug == place.item)
    )
    days: dict[date, dict[str, Gathered]] = {}
    for row in db.session.execute(wanted):
        gathered = days.setdefault(row.day, {}).setdefault(row.type, Gathered())
        gathered.add(row.side, row.lines, taken_back=row.taken_back, again=row.again)
    return [Folded(day, days[day]) for day in sorted(days, reverse=True)]


def unfold(place: Place, folds: Sequence[Folded], *, demonstration: bool) -> list[Folded]:
    """Puts the single lines into those days that have few enough of them."""
    small = [fold.day for fold in folds if fold.number <= UNFOLDED_AT_MOST]
    if not small:
        return list(folds)
    rows = (
        _told_rows()
        .where(Entry.item == place.item, Entry.type.in_(GATHERED), Entry.idx.is_not(None))
        .where(Entry.t >= hours_of(min(small))[0], Entry.t < hours_of(max(small))[1])
        .order_by(Entry.idx.desc())
        .limit(UNFOLDED_AT_MOST * len(folds))
    )
    of_day: dict[date, list[Told]] = {}
    for row in db.session.execute(rows):
        one = _told(row, demonstration)
        of_day.setdefault(one.at.date(), []).append(one)
    read = {day: told for day, told in of_day.items() if day in small}
    return [
        replace(fold, lines=read[fold.day]) if len(read.get(fold.day, ())) == fold.number else fold for fold in folds
    ]


def hours_of(day: date) -> tuple[int, int]:
    """The first second of a day in the UK and of the day after, in seconds since 1970."""

    def midnight(on: date) -> int:
        utc = datetime(on.year, on.month, on.day, tzinfo=UTC)
        offset = in_uk(utc - timedelta(hours=1)).utcoffset() or timedelta(0)
        return int((utc - offset).timestamp())

    return midnight(day), midnight(day + timedelta(days=1))


def together(told: Sequence[Told], folds: Sequence[Folded]) -> list[Told | Folded]:
    """Both, the newest first. Within a day single acts come before what people gave.

    Places within an hour are shuffled, so there the order of the story is that of TOLD_LAST.
    """
    days: list[tuple[date, int, int, int, Told | Folded]] = [(fold.day, 0, 0, 0, fold) for fold in folds]
    for one in told:
        days.append((one.at.date(), one.at.hour + 1, _rank(one.line.type), one.line.idx or 0, one))
    return [found[-1] for found in sorted(days, key=lambda found: found[:-1], reverse=True)]


def left_out(items: Sequence[Told | Folded]) -> str:
    """What a shortened story leaves out: "12 earlier votes on 3 days, and more", or nothing when it leaves nothing."""
    days = [item for item in items if isinstance(item, Folded)]
    votes = [day.gathered["vote"].given for day in days if "vote" in day.gathered and day.gathered["vote"].given]
    if not votes:
        return "There is more" if items else ""
    counted = f"{how_many(sum(votes), 'earlier vote')} on {how_many(len(votes), 'day')}"
    only_votes = len(days) == len(items) and sum(day.number for day in days) == sum(votes)
    return counted if only_votes else f"{counted}, and more"


TOLD_LAST = ("theme", "window", "item.version", "census", "tally", "stage", "decision")


def _rank(type: str) -> int:
    return TOLD_LAST.index(type) if type in TOLD_LAST else len(TOLD_LAST)
