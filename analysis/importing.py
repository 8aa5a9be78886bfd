"""Importing submissions row by row: what each column holds, what is wrong with which row, and all of them or none."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from accounts.models import Account
from accounts.rules import Capacity
from analysis.beside import BesidePaper, Papers, no_papers
from analysis.models import Point, Submission
from analysis.submission_forms import paper_name
from analysis.submission_rules import (
    RULES_TO_WITHHOLD,
    How,
    Received,
    Withheld,
    check_day,
    check_organisation,
    check_signatures,
    check_text,
)
from analysis.submissions import (
    About,
    add_submissions,
    check_may_enter,
    check_may_handle,
    digest_of,
    points_meant,
    references,
    submission_of,
)
from analysis.tables import Table, Wrong
from core.clock import uk_day
from core.db import db, take_turn
from core.errors import NotAllowed, RuleBroken
from regulations.models import Regulation, Theme
from regulations.rules import Citation

COLUMNS = {
    "how": f"How it came: {', '.join(How)}. Needed.",
    "capacity": f"Who it is from: {', '.join(Capacity)}. Needed.",
    "organisation": "Name of the organisation, which is shown. Empty for members of the public.",
    "received_on": "Day on which it came, such as 2026-03-01 or 01/03/2026. Needed.",
    "regulation": "The regulation it is about: its number or short name, such as SI 1992/2792 or uksi-1992-2792.",
    "theme": "Short name of the theme, where it is about a whole theme and no single regulation.",
    "text": "What it says. Needed, unless a file says it.",
    "points": "Points it makes, by their titles or ids, with semicolons between them.",
    "signatures": "Number of signatures. Needed for a petition, and for nothing else.",
    "withheld_because": f"Empty where it can be shown; or one of {', '.join(RULES_TO_WITHHOLD)}.",
    "number": "Your own number for it, so that two that are alike are not taken for one.",
    "file": "Its paper, a PDF beside the table, by its path from there, such as in/letter-17.pdf. Empty without one.",
}
NEEDED = ("how", "capacity", "received_on")
SPREADSHEETS_COUNT_FROM = date(1899, 12, 30)


@dataclass(frozen=True)
class Ready:
    row: int
    theme: Theme
    regulation: Regulation | None
    received: Received
    paper: BesidePaper | None = None

    @cached_property
    def digest(self) -> str:
        slug, paper = self.regulation.slug if self.regulation else "", self.paper.digest if self.paper else ""
        return digest_of(self.theme.slug, slug, self.received, paper)


@dataclass(frozen=True)
class Prepared:
    """What an import would do."""

    ready: Sequence[Ready] = ()
    wrong: Sequence[Wrong] = ()
    known: Sequence[int] = ()
    """Rows that were entered before, or stand in the file twice: they add nothing."""


class ImportRefused(RuleBroken):
    """Nothing was imported, as some rows are not right."""

    def __init__(self, wrong: Sequence[Wrong]):
        super().__init__(f"Nothing was imported: {len(wrong):,} things have to be put right first.", field="file")
        self.wrong = wrong


def prepare(
    table: Table,
    *,
    now: datetime,
    by: Account | None = None,
    theme: Theme | None = None,
    regulation: Regulation | None = None,
    papers: Papers | None = None,
) -> Prepared:
    """``theme`` or ``regulation`` is what rows are about that name neither; ``by`` is None for the operator.

    Papers are looked through here, which takes a while: before a transaction, and not only within it.
    """
    heads = list(_wrong_columns(table, theme is not None or regulation is not None))
    if heads:
        return Prepared(wrong=heads)
    reader = _Reader(uk_day(now), theme, regulation, by, papers or Papers(no_papers))
    misread = {(one.row, one.column) for one in table.wrong}
    ready, wrong, known, digests = [], [*table.wrong], [], set(db.session.scalars(select(Submission.digest)))
    for number, cells in table.rows:
        row = reader.read(number, cells)
        if row is None:
            wrong += [one for one in reader.wrong if (one.row, one.column) not in misread]
        elif row.digest in digests:
            known.append(number)
        else:
            digests.add(row.digest)
            ready.append(row)
    return Prepared(ready, sorted(wrong, key=lambda one: one.row), known)


def import_rows(
    *,
    table: Table,
    by: Account | None,
    now: datetime,
    theme: Theme | None = None,
    regulation: Regulation | None = None,
    papers: Papers | None = None,
    demonstration: bool = False,
) -> Prepared:
    """Enter every row, or none: raises ImportRefused with what is wrong. ``by`` is None for the operator."""
    check_may_enter(by)
    take_turn("submissions")
    prepared = prepare(table, now=now, by=by, theme=theme, regulation=regulation, papers=papers)
    if prepared.wrong:
        raise ImportRefused(prepared.wrong)
    free, entered = references(now), []
    for row in prepared.ready:
        about = About(row.theme, row.regulation)
        submission = submission_of(
            about, row.received, reference=next(free), digest=row.digest, by=by, now=now, demonstration=demonstration
        )
        if row.paper:
            submission.file_name, submission.file_sha256 = paper_name(row.paper.name), row.paper.digest
        entered.append((submission, points_meant(row.regulation, row.received.points)))
    add_submissions(entered, now)
    return prepared


def _wrong_columns(table: Table, about_given: bool) -> Iterator[Wrong]:
    for column in table.columns:
        if column not in COLUMNS:
            yield Wrong(
                0, f"Column “{column or '(empty)'}”", f"is not known here. Use these names: {', '.join(COLUMNS)}."
            )
    missing = [name for name in NEEDED if name not in table.columns]
    if not {"text", "file"} & set(table.columns):
        missing.append("text")
    if not about_given and not {"regulation", "theme"} & set(table.columns):
        missing.append("regulation")
    for name in missing:
        yield Wrong(0, f"Column {_quoted(name)}", f"is missing. {COLUMNS[name]}")


class _CellWrong(Exception):
    pass


@dataclass
class _Reader:
    today: date
    theme: Theme | None
    regulation: Regulation | None
    by: Account | None
    papers: Papers
    wrong: list[Wrong] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.allowed: dict[int | str, str] = {}
        self.themes = {theme.slug: theme for theme in db.session.scalars(select(Theme))}
        self.regulations: dict[str, Regulation] = {}
        for listed in db.session.scalars(select(Regulation).options(joinedload(Regulation.theme))):
            self.regulations |= {name.lower(): listed for name in _names(listed)}
        self.points: dict[int, dict[str, str]] = {}
        wanted = select(Point.regulation_id, Point.public_id, Point.title).where(Point.withdrawn_at.is_(None))
        for about, public_id, title in db.session.execute(wanted):
            self.points.setdefault(about, {}).update({public_id: public_id, title.casefold(): public_id})

    def read(self, number: int, cells: Mapping[str, str]) -> Ready | None:
        """None where something is wrong, which then stands in ``wrong``."""
        self.wrong = []
        said = {name: cells.get(name, "") for name in COLUMNS}

        def cell(column: str, read: Callable[[str], Any]) -> Any:
            try:
                return read(said[column])
            except (_CellWrong, RuleBroken) as wrong:
                self.wrong.append(Wrong(number, column, str(wrong)))

        about = cell("regulation", lambda _: self._own(self._about(said)))
        how = cell("how", lambda written: How(_one_of(written, How)))
        capacity = cell("capacity", lambda written: Capacity(_one_of(written, Capacity)))
        received = Received(
            how=how,
            capacity=capacity,
            received_on=cell("received_on", self._day),
            signatures=cell("signatures", lambda written: _signatures(written, how)),
            withheld=cell("withheld_because", _withheld),
            points=cell("points", lambda written: self._points(written, about[1])) if about else (),
            organisation=cell("organisation", lambda written: _organisation(written, capacity)),
            text=cell("text", lambda written: _what_it_says(written, has_paper=bool(said["file"]))),
            own_number=said["number"],
        )
        paper = cell("file", self._paper)
        return None if self.wrong else Ready(number, about[0], about[1], received, paper)

    def _day(self, written: str) -> date:
        day = _day(written)
        check_day(day, self.today)
        return day

    def _paper(self, written: str) -> BesidePaper | None:
        try:
            return self.papers.named(written) if written else None
        except RuleBroken as refused:
            raise _CellWrong(f"{_quoted(written)}: {refused.message}") from None

    def _about(self, said: Mapping[str, str]) -> tuple[Theme, Regulation | None]:
        named, theme = " ".join(said["regulation"].lower().split()), said["theme"].lower().strip()
        if named:
            if named not in self.regulations:
                raise _CellWrong(
                    f"{_quoted(said['regulation'])} is not listed here. Write its number, such as SI 1992/2792."
                )
            return self.regulations[named].theme, self.regulations[named]
        if theme:
            if theme not in self.themes:
                raise _CellWrong(f"There is no theme {_quoted(theme)}. Write one of: {', '.join(sorted(self.themes))}.")
            return self.themes[theme], None
        if self.regulation is not None:
            return self.regulation.theme, self.regulation
        if self.theme is not None:
            return self.theme, None
        raise _CellWrong("is empty, and so is theme. Write the number of the regulation it is about.")

    def _own(self, about: tuple[Theme, Regulation | None]) -> tuple[Theme, Regulation | None]:
        key = about[1].department_id if about[1] else about[0].slug
        if key not in self.allowed:
            try:
                check_may_handle(self.by, About(*about))
                self.allowed[key] = ""
            except NotAllowed as refused:
                self.allowed[key] = refused.message
        if self.allowed[key]:
            raise _CellWrong(self.allowed[key])
        return about

    def _points(self, written: str, regulation: Regulation | None) -> tuple[str, ...]:
        known = self.points.get(regulation.id, {}) if regulation else {}
        names = [name.strip() for name in written.split(";") if name.strip()]
        for name in names:
            if name.casefold() not in known:
                raise _CellWrong(f"{_quoted(name)} is no point of it. Write titles or ids as its page gives them.")
        return tuple(dict.fromkeys(known[name.casefold()] for name in names))


def _day(written: str) -> date:
    plain = written
    if found := re.fullmatch(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})", written):
        plain = f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}"
    try:
        return date.fromisoformat(plain.partition("T")[0])
    except ValueError:
        raise _CellWrong(f"{_quoted(written)} is no day. {_meant(plain)}") from None


def _meant(written: str) -> str:
    """Spreadsheets count days, and show the count where a cell is no longer known to be a day."""
    if re.fullmatch(r"[34][0-9]{4}(\.[0-9]+)?", written):
        day = SPREADSHEETS_COUNT_FROM + timedelta(days=int(written[:5]))
        return f"A spreadsheet may mean {day} by it: format its column as dates, or write {day}."
    return "Write one such as 2026-03-01."


def _signatures(written: str, how: How | None) -> int | None:
    plain = written.replace(",", "").strip()
    if plain and not re.fullmatch("[0-9]{1,9}", plain):
        raise _CellWrong(f"{_quoted(written)} is no number. Write it in figures, such as 1200.")
    number = int(plain) if plain else None
    if how is not None:
        check_signatures(how, number)
    return number


def _organisation(written: str, capacity: Capacity | None) -> str:
    name = " ".join(written.split())
    if capacity is not None:
        check_organisation(name, capacity)
    return name


def _what_it_says(written: str, *, has_paper: bool) -> str:
    if not written and not has_paper:
        raise _CellWrong(COLUMNS["text"])
    check_text(written, has_paper=has_paper)
    return written


def _withheld(written: str) -> Withheld | None:
    return Withheld(_one_of(written, RULES_TO_WITHHOLD)) if written else None


def _one_of(written: str, words: Sequence[str] | type[How] | type[Capacity]) -> str:
    plain = written.strip().lower().replace(" ", "_").replace("-", "_")
    if plain not in tuple(words):
        said = f"{_quoted(written)} is not known." if written else "is empty."
        raise _CellWrong(f"{said} Write one of: {', '.join(words)}.")
    return plain


def _names(regulation: Regulation) -> Iterator[str]:
    citation: Citation = regulation.citation
    yield from (citation.slug, str(citation), citation.official)


def _quoted(written: str) -> str:
    return f"“{written[:60]}{'…' if len(written) > 60 else ''}”"
