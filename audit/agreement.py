"""Whether the entries in the database are what the tiles and the signed checkpoint say, and reading them in bulk.

Every floor with audited rows has such a module: it yields a sentence for each row that is not what the record says.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Row, select

from audit import entries
from audit.merkle import leaf_hash
from audit.models import Entry, LogHead, Opening
from audit.notes import BadNote, Checkpoint, note_text
from audit.queries import read
from audit.tiles import WIDTH, LogFolder, MissingTile
from core.db import db

AT_A_TIME = 2_000


@dataclass(frozen=True)
class Recorded:
    """One entry in bulk. ``idx`` is None while it waits for its place."""

    id: str
    idx: int | None
    said: dict[str, Any]
    about_kind: str | None
    about_id: int | None

    @property
    def named(self) -> str:
        """How a disagreement names it."""
        return f"line {self.idx:,} ({self.id})" if self.idx is not None else f"the waiting line {self.id}"

    def is_of(self, moment: datetime | None) -> bool:
        """Whether this line was written at a moment: in its hour, or in the next one where that had begun."""
        return moment is not None and self.said["t"] - entries.HOUR <= entries.hour_of(moment) <= self.said["t"]


_COLUMNS = (Entry.id, Entry.idx, Entry.body, Entry.about_kind, Entry.about_id)


def recorded_on(item: str, *types: str) -> list[Recorded]:
    """Entries of some types on one regulation, in the order they were written."""
    wanted = select(*_COLUMNS).where(Entry.item == item, Entry.type.in_(types)).order_by(Entry.seq)
    return [_recorded(row) for row in db.session.execute(wanted)]


def recorded(*types: str, below: int | None = None, since: int | None = None) -> Iterator[Recorded]:
    """Entries of some types: those below a place in their order; those at or after one, with all that wait; or all."""
    wanted = select(*_COLUMNS).where(Entry.type.in_(types))
    if below is not None:
        wanted = wanted.where(Entry.idx < below).order_by(Entry.idx)
    elif since is not None:
        wanted = wanted.where((Entry.idx >= since) | Entry.idx.is_(None)).order_by(Entry.seq)
    else:
        wanted = wanted.order_by(Entry.seq)
    for row in streamed(wanted):
        yield _recorded(row)


def _recorded(row: Any) -> Recorded:
    return Recorded(row.id, row.idx, read(row.body), row.about_kind, row.about_id)


def streamed(wanted: Any) -> Iterator[Row[Any]]:
    """Rows some thousand at a time, so that a long record does not have to fit into memory."""
    return iter(db.session.execute(wanted.execution_options(yield_per=AT_A_TIME)))


def disagreements(folder: LogFolder) -> Iterator[str]:
    """Where entries, their openings and the head in the database are not what was signed."""
    size = yield from _head(folder)
    yield from _entries(folder, size)
    yield from _openings()


def _head(folder: LogFolder) -> Generator[str, None, int]:
    """Yields what is wrong; returns how many entries the published checkpoint speaks for."""
    published = folder.checkpoint()
    if published is None:
        return 0
    try:
        checkpoint = Checkpoint.read(note_text(published))
    except BadNote as wrong:
        yield f"checkpoint: what was published cannot be read. {wrong}"
        return 0
    head = db.session.execute(select(LogHead.origin, LogHead.size, LogHead.note)).one_or_none()
    if head is None:
        yield "log_head: the row that says how far the log is signed is missing."
    elif head.origin != checkpoint.origin or head.size < checkpoint.size or not head.note:
        says = f"{head.size:,} lines are signed, and the published checkpoint {checkpoint.size:,}"
        yield f"log_head: the database says that {says}."
    elif head.size == checkpoint.size and not head.note.startswith(note_text(published) + "\n"):
        yield "log_head: the last checkpoint in the database is not the one that was published."
    return checkpoint.size


def _entries(folder: LogFolder, size: int) -> Iterator[str]:
    columns = (Entry.id, Entry.idx, Entry.t.label("hour"), Entry.type, Entry.item, Entry.body, Entry.leaf)
    expected, published = 0, _Published(folder, size)
    placed = select(*columns).where(Entry.idx.is_not(None)).order_by(Entry.idx)
    waiting = select(*columns).where(Entry.idx.is_(None)).order_by(Entry.seq)
    for row in chain(streamed(placed), streamed(waiting)):
        where = f"line {row.idx:,}" if row.idx is not None else f"the waiting line {row.id}"
        if row.idx is not None and row.idx != expected:
            if row.idx < expected:
                yield f"entry: {where} stands twice."
            else:
                yield f"entry: line {expected:,} is missing, and {row.idx - expected:,} in all before line {row.idx:,}."
        expected = expected if row.idx is None else row.idx + 1
        yield from (f"entry: {where} {wrong}" for wrong in _wrong_with(row))
        if row.idx is not None and row.idx < size and (wrong := published.differs(row.idx, row.body)):
            yield f"entry: {where} {wrong}"
    if expected < size:
        yield f"entry: lines {expected:,} to {size - 1:,} were signed and are missing from the database."


def _wrong_with(row: Any) -> Iterator[str]:
    if leaf_hash(row.body) != row.leaf:
        yield "does not have the digest that is kept with it."
    try:
        said = read(row.body)
        told = (said["id"], said["t"], said["type"], said.get("item"))
    except (ValueError, TypeError, KeyError):
        yield "cannot be read."
        return
    if told != (row.id, row.hour, row.type, row.item):
        yield "is not listed under the id, hour, type and item that it names."
    if row.type not in entries.ALL:
        yield f"is of the type {row.type}, which nothing here writes."


@dataclass
class _Published:
    """The entries of the published tiles, one bundle at a time, as they are asked for in their order."""

    folder: LogFolder
    size: int
    n: int = -1
    bundle: list[bytes] | None = None

    def differs(self, idx: int, body: bytes) -> str:
        n, at = divmod(idx, WIDTH)
        if n != self.n:
            self.n = n
            try:
                self.bundle = self.folder.entries(n, min(WIDTH, self.size - n * WIDTH))
            except MissingTile:
                self.bundle = None
        if self.bundle is None:
            return "cannot be compared, as its tile is missing or cut short."
        return "" if self.bundle[at] == body else "is not what the published tile holds."


def _openings() -> Iterator[str]:
    """Every text with its salt has to open a commitment that stands in its line."""
    columns = (Opening.entry_id, Opening.field, Opening.kind, Opening.salt, Opening.text, Entry.body)
    wanted = select(*columns).outerjoin(Entry, Entry.id == Opening.entry_id).order_by(Opening.id)
    for row in streamed(wanted):
        said = read(row.body) if row.body is not None else {}
        if said.get(row.field) != entries.commitment(row.kind, row.salt, row.text):
            yield f"opening: the text kept for {row.field} of line {row.entry_id} is not what the line commits to."


def unmatched(table: str, rows: Iterable[str | None], lines: Iterable[Recorded]) -> Iterator[str]:
    """Every row names its line, and every line has its row: rows by the id of the line they name."""
    wanted = {line.id: line for line in lines}
    seen: set[str] = set()
    for entry_id in rows:
        if entry_id is None or entry_id not in wanted:
            yield f"{table}: a row names {entry_id or 'no line'}, which the record does not have."
        elif entry_id in seen:
            yield f"{table}: two rows name {wanted[entry_id].named}."
        seen.add(entry_id or "")
    for id in wanted.keys() - seen:
        yield f"{table}: the row of {wanted[id].named} is missing."
