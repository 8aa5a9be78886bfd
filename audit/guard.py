"""Refuses a commit that changes an audited row without a word in the record."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Delete, Engine, Insert, TextClause, Update, event
from sqlalchemy.orm import Session

from audit.models import Entry

_flushing: ContextVar[bool] = ContextVar("flushing", default=False)
_entries_come_along: ContextVar[bool] = ContextVar("entries_come_along", default=False)
_placing_entries: ContextVar[bool] = ContextVar("placing_entries", default=False)
_WRITES = re.compile(
    r"\b(?:insert\s+into|update(?:\s+only)?|delete\s+from(?:\s+only)?|replace\s+into)\s+(?:\"?\w+\"?\.)?\"?(\w+)",
    re.IGNORECASE,
)


class Audited:
    """Mix into a model whose every change must be recorded."""

    tables: set[str] = set()

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        if table := cls.__dict__.get("__tablename__"):
            Audited.tables.add(table)


class SilentChange(RuntimeError):
    pass


def note_recorded(session: Session, row: object) -> None:
    """The caller has recorded what it did to ``row``; called by audit.services alone."""
    session.info.setdefault("recorded", set()).add(_name(row))


@contextmanager
def writing_rows_with_entries() -> Iterator[None]:
    """Lets a bulk statement through; for record_many() alone, which writes the entries itself."""
    token = _entries_come_along.set(True)
    try:
        yield
    finally:
        _entries_come_along.reset(token)


@contextmanager
def placing_entries() -> Iterator[None]:
    """Lets the sequencer, and nobody else, give entries their places."""
    token = _placing_entries.set(True)
    try:
        yield
    finally:
        _placing_entries.reset(token)


def _name(row: Any) -> tuple[str, int]:
    return type(row).__name__, row.id


@event.listens_for(Session, "before_flush")
def _begin_flush(session: Session, context: object, instances: object) -> None:
    for row in set(session.dirty) | set(session.deleted):
        if isinstance(row, Entry) and (row in session.deleted or session.is_modified(row)):
            raise SilentChange("Entries are written once and never changed.")
    _flushing.set(True)


@event.listens_for(Session, "after_flush")
def _note_changes(session: Session, context: object) -> None:
    _flushing.set(False)
    touched = set(session.new) | set(session.deleted) | {row for row in session.dirty if session.is_modified(row)}
    for row in touched:
        if isinstance(row, Audited):
            session.info.setdefault("unrecorded", set()).add(_name(row))


@event.listens_for(Session, "before_commit")
def _refuse_silence(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    recorded = session.info.pop("recorded", set())
    silent = session.info.pop("unrecorded", set()) - recorded
    if silent:
        raise SilentChange(f"changed without an entry in the record: {sorted(silent)}")


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous: object) -> None:
    _flushing.set(False)
    if getattr(previous, "nested", False):
        return
    session.info.pop("recorded", None)
    session.info.pop("unrecorded", None)


@event.listens_for(Engine, "before_execute")
def _refuse_bulk(connection: Any, statement: Any, multiparams: Any, params: Any, options: Any) -> None:
    if _flushing.get() or _entries_come_along.get():
        return
    table = None
    if isinstance(statement, Insert | Update | Delete):
        table = getattr(statement.table, "name", None)
    elif isinstance(statement, TextClause) and (written := _WRITES.search(statement.text)):
        table = written[1]
    if table == Entry.__tablename__ and not _placing_entries.get():
        raise SilentChange("Entries are written once and never changed.")
    if table in Audited.tables:
        raise SilentChange(f"A bulk statement on {table} says nothing in the record; use record_many().")
