"""Writing the record: open it, add an entry to the caller's transaction, give entries their places."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from graphlib import TopologicalSorter
from itertools import groupby, pairwise
from random import SystemRandom
from typing import Any

from sqlalchemy import bindparam, insert, select, true, update

from audit import entries, guard, queries
from audit.entries import Body
from audit.merkle import leaf_hash
from audit.models import Entry, LogHead, Opening
from audit.tiles import log_folder
from core.db import db, take_turn
from core.errors import Clash, Unavailable

BATCH = 1_000
_ENTRIES, _OPENINGS = (model.metadata.tables[model.__tablename__] for model in (Entry, Opening))
_INSERT_ENTRY, _INSERT_OPENINGS = insert(_ENTRIES), insert(_OPENINGS)
GIVEN_BY_PEOPLE = ("vote", "comment", "support")
NOT_TAKEN = (
    "The public record cannot be signed at the moment, so nothing is taken that would have to stand in it. "
    "Its keepers have been told. Everything can still be read; please come back later."
)


class NotOpened(RuntimeError):
    """Nothing can be recorded before the log itself is opened."""


@dataclass(frozen=True)
class Written:
    """What was recorded, as its author needs it: the entry's id, by which later entries refer to it."""

    id: str
    t: int


@dataclass(frozen=True)
class Sealed:
    """A text that stands in an entry only as a commitment, with the salt that opens it."""

    kind: str
    text: str
    salt: bytes

    @classmethod
    def of(cls, kind: str, text: str) -> "Sealed":
        return cls(kind, text, secrets.token_bytes(32))

    @property
    def commit(self) -> str:
        return entries.commitment(self.kind, self.salt, self.text)


def open_log(*, origin: str, log_key: str, promise_key: str, demonstration: bool, now: datetime) -> None:
    """Write the first line. Raises Clash on a record that has one already."""
    if queries.is_opened():
        raise Clash("This record is open already.")
    db.session.add(LogHead(id=1, origin=origin, size=0))
    db.session.flush()
    _write(entries.LogOpen(origin=origin, log_key=log_key, promise_key=promise_key, demonstration=demonstration), now)


def record(body: Body, *, about: Any, now: datetime, openings: dict[str, Sealed] | None = None) -> Written:
    """Add an entry to the caller's transaction: it lands, or fails, with the change it speaks of.

    ``about`` is the changed row, or rows where one act changes several; followers find the first by the entry.
    ``openings`` gives, by field name, what the entry's commitments stand for.
    """
    rows = list(about) if isinstance(about, list | tuple) else [about]
    db.session.flush()  # the rows need their ids
    written = _write(body, now, about=rows[0])
    for row in rows:
        guard.note_recorded(db.session(), row)
    if openings:
        opened = [
            {"entry_id": written.id, "field": name, "kind": sealed.kind, "salt": sealed.salt, "text": sealed.text}
            for name, sealed in openings.items()
        ]
        db.session.connection().execute(_INSERT_OPENINGS, opened)
    return written


def record_many(model: type[Any], rows: Sequence[dict[str, Any]], bodies: Sequence[Body], *, now: datetime) -> None:
    """Insert many new rows of an audited model together with the entry of each, in two statements."""
    if len(rows) != len(bodies):
        raise ValueError("Every row needs its entry.")
    if not rows:
        return
    t = _time(now)
    with guard.writing_rows_with_entries():
        ids = db.session.scalars(insert(model).returning(model.id, sort_by_parameter_order=True), rows).all()
    written = [
        _columns(body, t) | {"about_kind": model.__name__, "about_id": id} for body, id in zip(bodies, ids, strict=True)
    ]
    with guard.writing_rows_with_entries():
        db.session.execute(insert(Entry), written)


def check_writable() -> None:
    """Raises Unavailable while the record cannot be signed: then nothing is taken that would have to stand in it."""
    _writing()


def origin_and_leaf(entry_id: str) -> tuple[str, bytes]:
    """What a promise speaks of: the log, and the leaf hash of an entry, most often one just written."""
    writing = _writing()
    leaf = writing.leaves.get(entry_id)
    if leaf is None:
        leaf = db.session.scalars(select(Entry.leaf).where(Entry.id == entry_id)).one()
    return writing.origin, leaf


_LAST = select(Entry.idx, Entry.t).where(Entry.idx.is_not(None)).order_by(Entry.idx.desc()).limit(1).subquery()
_HEAD_AND_LAST = (
    select(LogHead.origin, LogHead.refusal, _LAST.c.idx, _LAST.c.t.label("latest"))
    .select_from(LogHead)
    .outerjoin(_LAST, true())
)
"""Built once, as are the statements that write: every vote waits for them."""


@dataclass(frozen=True)
class _Writing:
    """What all entries of one transaction need to know of the record, asked once: every vote waits for the answer."""

    transaction: Any
    origin: str
    latest: int
    """The hour of the last entry that has its place."""
    leaves: dict[str, bytes]
    """Of the entries written in this transaction, by id."""


def _writing() -> _Writing:
    session = db.session()
    known: _Writing | None = session.info.get("writing")
    if known is not None and known.transaction is session.get_transaction():
        return known
    signed = log_folder().signed_size()  # before the database is asked, which is ahead of it at any moment
    head = db.session.connection().execute(_HEAD_AND_LAST).one_or_none()
    if head is None:
        raise NotOpened("log.open comes first")
    placed = 0 if head.idx is None else head.idx + 1
    # What was taken before the sequencer finds that this is an older copy would be promised, and lost. A page that only
    # reads may see the database as it was a moment ago, so it does not ask.
    if head.refusal or (signed > placed and session.info.get("in_transaction")):
        raise Unavailable(NOT_TAKEN)
    session.info["writing"] = known = _Writing(session.get_transaction(), head.origin, head.latest or 0, {})
    return known


def _write(body: Body, now: datetime, about: Any = None) -> Written:
    columns = _columns(body, _time(now))
    if about is not None:
        columns |= {"about_kind": type(about).__name__, "about_id": about.id}
    with guard.writing_rows_with_entries():  # past the session, which has nothing to remember of a line
        db.session.connection().execute(_INSERT_ENTRY, columns)
    _writing().leaves[columns["id"]] = columns["leaf"]
    return Written(columns["id"], columns["t"])


def _columns(body: Body, t: int) -> dict[str, Any]:
    id = secrets.token_hex(16)
    written = entries.canonical(body, id=id, t=t)
    return {
        "id": id,
        "t": t,
        "type": body.type,
        "item": getattr(body, "item", None),
        "body": written,
        "leaf": leaf_hash(written),
    }


def _time(now: datetime) -> int:
    """The hour, never below what already has its place: the record's time does not run backwards."""
    return max(entries.hour_of(now), _writing().latest)


def sequence_waiting() -> int:
    """Give waiting entries their places, one batch; returns how many. Call inside transaction()."""
    take_turn("sequencer")
    waiting = db.session.execute(
        select(Entry.seq, Entry.id, Entry.t.label("hour"), Entry.type, Entry.body)
        .where(Entry.idx.is_(None))
        .order_by(Entry.seq)
        .limit(BATCH)
    ).all()
    if not waiting:
        return 0
    size = queries.log_size()
    places = [{"its_seq": row.seq, "place": size + n} for n, row in enumerate(_in_order(waiting))]
    with guard.placing_entries():
        db.session.connection().execute(
            update(_ENTRIES).where(_ENTRIES.c.seq == bindparam("its_seq")).values(idx=bindparam("place")), places
        )
    return len(places)


def _in_order(waiting: Sequence[Any]) -> list[Any]:
    """By hour; within the hour nothing before what it refers to, the rest shuffled, so that place links nobody.

    Only what people give is shuffled: of two acts by staff in one hour, such as to hide and to show, the later decides.
    """
    ordered = [row for row in waiting if row.type == entries.LogOpen.type]
    waiting = [row for row in waiting if row.type != entries.LogOpen.type]
    for _, rows in groupby(sorted(waiting, key=lambda row: row.hour), key=lambda row: row.hour):
        ordered.extend(_shuffled_after_what_they_refer_to({row.id: row for row in rows}))
    return ordered


def _shuffled_after_what_they_refer_to(rows: dict[str, Any]) -> list[Any]:
    graph = {id: {earlier for earlier in _refers(row) if earlier in rows} for id, row in rows.items()}
    acts = [id for id, row in rows.items() if row.type not in GIVEN_BY_PEOPLE]
    for earlier, later in pairwise(acts):
        graph[later].add(earlier)
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    ordered: list[Any] = []
    while sorter.is_active():
        ready = list(sorter.get_ready())
        SystemRandom().shuffle(ready)
        ordered.extend(rows[id] for id in ready)
        sorter.done(*ready)
    return ordered


def _refers(row: Any) -> list[str]:
    said = queries.read(row.body)
    named: list[str] = []
    for field in entries.ALL[row.type].refers:
        value = said.get(field, [])
        named.extend(value if isinstance(value, list) else [value])
    return named
