"""The database handle, and the one place in the code base that commits."""

import fcntl
import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, Engine, MetaData, TypeDecorator, event, func, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import DeclarativeBase, registry

from core.errors import Clash

log = logging.getLogger(__name__)

BUSY_MILLISECONDS = 15_000
READERS_MILLISECONDS = 100
GAVE_WAY = ("40001", "40P01")
"""PostgreSQL: a serialization failure, and a deadlock that was broken at this writer's cost."""


class UtcDateTime(TypeDecorator[datetime]):
    """Moments are aware and in UTC in the code, and naive UTC in both databases, so that they compare the same."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    registry = registry(
        type_annotation_map={datetime: UtcDateTime},
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": True})

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


@contextmanager
def transaction() -> Iterator[None]:
    """Commit the block's work as one, or none of it.

    What was read before is let go and read again inside: on SQLite a read that turns into a write fails at once
    when another process has written in between, so a writer waits its turn first and only then begins.
    Raises Clash when the database refuses the change, RuntimeError when nested or when changes are pending.
    """
    session = db.session()
    if session.info.get("in_transaction"):
        raise RuntimeError("transaction() does not nest: only the outermost caller commits.")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("Changes were made before transaction() began; they would be lost.")
    session.rollback()
    session.info["in_transaction"] = True
    try:
        with _writers_turn():
            session.connection(execution_options={"writer": True})
            yield
            session.commit()
    except IntegrityError as error:
        session.rollback()
        log.warning("The database refused a write: %s %s", type(error.orig).__name__, _constraint(error))
        # What the database says may hold addresses, which belong in no log.
        raise Clash("Something changed while you were writing. Please try again.") from None
    except OperationalError as error:
        session.rollback()
        if getattr(error.orig, "sqlstate", None) not in GAVE_WAY:
            raise
        log.warning("The database let another writer go first: %s", type(error.orig).__name__)
        raise Clash("Something changed while you were writing. Please try again.") from error
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop("in_transaction", None)


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything read in the block is of one moment, whatever others write meanwhile. For reading alone."""
    session = db.session()
    if session.info.get("in_transaction"):
        raise RuntimeError("A snapshot is taken before transaction() begins, not within it.")
    session.rollback()
    if db.engine.dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        yield
    finally:
        session.rollback()


def _constraint(error: IntegrityError) -> str:
    """Which promise of the tables would have been broken, without the values."""
    told = getattr(error.orig, "diag", None)
    return told.constraint_name or "" if told else str(error.orig)


def take_turn(what: str, *, shared: bool = False) -> None:
    """Within a transaction, wait until nobody else holds ``what``; several may hold it shared.

    On SQLite a transaction() is alone anyway. On PostgreSQL this is an advisory lock, let go at the end.
    """
    if db.engine.dialect.name == "postgresql":
        key = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)
        lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        db.session.execute(select(lock(key)))


@contextmanager
def _writers_turn() -> Iterator[None]:
    """On SQLite writers queue on a file lock: the kernel wakes them in turn; the database's own wait is a lottery."""
    if db.engine.dialect.name != "sqlite":
        yield
        return
    path = Path(current_app.config["DATA_DIR"]) / "writers.lock"
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def empty_write_ahead_log() -> None:
    """What was erased can be read in SQLite's write-ahead log until that is emptied, which it never is by itself.

    Where somebody is reading just now nothing is waited for; the next time does it. End your own session before.
    """
    if db.engine.dialect.name != "sqlite":
        return
    with _writers_turn():
        connection = db.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={READERS_MILLISECONDS}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        finally:
            connection.close()


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, record: Any) -> None:
    if "sqlite" not in type(connection).__module__:
        return
    connection.isolation_level = None  # SQLAlchemy, not pysqlite, says when a transaction begins
    # What is erased must not stay readable in freed pages.
    for pragma in (
        "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON",
        f"busy_timeout={BUSY_MILLISECONDS}",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin(connection: Any) -> None:
    if connection.dialect.name == "sqlite":
        writer = connection.get_execution_options().get("writer")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")
