"""Comments in SQLite's FTS5 or in PostgreSQL's tsvector, whichever database the site runs on, behind one face."""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from search import rules
from search.rules import CommentText
from search.writing import one_writer, private_folder

log = logging.getLogger(__name__)

BATCH = 1_000


class CommentIndex(Protocol):
    """What a comment index can do. Writing answers False when only a rebuild helps; reading then raises."""

    def put(self, rows: Iterable[CommentText]) -> bool: ...

    def remove(self, ids: Iterable[int]) -> bool: ...

    def rebuild(self, rows: Iterable[CommentText]) -> None: ...

    def matching(self, query: str, regulation_id: int | None, limit: int) -> list[int]: ...

    def is_healthy(self) -> bool: ...


class SqliteComments:
    """A file of its own, so that neither migrations nor the database's backup need know of it."""

    def __init__(self, path: Path):
        self.path = path
        self._lock = path.with_name(f"{path.name}.lock")

    def put(self, rows: Iterable[CommentText]) -> bool:
        return self._change({row.id: row for row in rows}, ())

    def remove(self, ids: Iterable[int]) -> bool:
        return self._change({}, ids)

    def rebuild(self, rows: Iterable[CommentText]) -> None:
        private_folder(self.path.parent)
        with one_writer(self._lock):
            if not self.is_healthy():
                self._discard()
            try:
                with self._writing() as connection:
                    connection.execute("DROP TABLE IF EXISTS comment_text")
                    connection.execute(
                        "CREATE VIRTUAL TABLE comment_text USING fts5"
                        "(words, regulation, tokenize = 'porter unicode61 remove_diacritics 2')"
                    )
                    for batch in _batches({row.id: row for row in rows}.values()):
                        _insert(connection, batch)
                self._shred()
            except sqlite3.DatabaseError:
                # A fault that the check above could not see: the next attempt starts from nothing.
                if not self.is_healthy():
                    self._discard()
                raise

    def _change(self, rows: dict[int, CommentText], gone: Iterable[int]) -> bool:
        if not self.path.exists():
            return False
        with one_writer(self._lock):
            try:
                with self._writing() as connection:
                    changed = [row for row in rows.values() if not _has(connection, row)]
                    replaced = sum(_forget(connection, id) for id in {*(row.id for row in changed), *gone})
                    _insert(connection, changed)
                if replaced:
                    self._shred()
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorname.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_BUSY")):
                    raise
                log.exception("The index of comments cannot be read and must be rebuilt.")
                return False
        return True

    def matching(self, query: str, regulation_id: int | None, limit: int) -> list[int]:
        with closing(self._connected("ro")) as connection:
            found: list[int] = []
            for joined in _lenient(_asked(query), [" AND ", " OR "]):
                match = f"words : ({joined})"
                if regulation_id is not None:
                    match += f' AND regulation : "r{regulation_id:d}"'
                found = [
                    id
                    for (id,) in connection.execute(
                        "SELECT rowid FROM comment_text WHERE comment_text MATCH ?"
                        " ORDER BY bm25(comment_text, 1.0, 0.0), rowid DESC LIMIT ?",
                        (match, limit),
                    )
                ]
                if found:
                    break
            return found

    def is_healthy(self) -> bool:
        try:
            with closing(self._connected("ro")) as connection:
                connection.execute("SELECT rowid FROM comment_text WHERE comment_text MATCH 'a' LIMIT 1").fetchall()
                return connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
        except sqlite3.Error:
            return False

    def _connected(self, mode: str) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=15, isolation_level=None)
        connection.execute("PRAGMA secure_delete = ON")
        return connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connected("rwc")) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection

    def _shred(self) -> None:
        """What was taken back must not stay readable in the file; FTS5 only marks it deleted until segments merge."""
        with self._writing() as connection:
            connection.execute("INSERT INTO comment_text(comment_text) VALUES ('optimize')")
        with closing(self._connected("rwc")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _discard(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)


def _has(connection: sqlite3.Connection, row: CommentText) -> bool:
    """Said before and unchanged: a follower that starts again repeats much."""
    found = connection.execute("SELECT words, regulation FROM comment_text WHERE rowid = ?", (row.id,)).fetchone()
    return bool(found == (_indexed(row.text), f"r{row.regulation_id}"))


def _forget(connection: sqlite3.Connection, id: int) -> int:
    return connection.execute("DELETE FROM comment_text WHERE rowid = ?", (id,)).rowcount


def _insert(connection: sqlite3.Connection, rows: Sequence[CommentText]) -> None:
    connection.executemany(
        "INSERT INTO comment_text (rowid, words, regulation) VALUES (?, ?, ?)",
        [(row.id, _indexed(row.text), f"r{row.regulation_id}") for row in rows],
    )


class PostgresComments:
    """A table in a schema of its own, which no migration knows; made anew by every rebuild.

    Words are stemmed as English, but the little ones are kept, so that both databases find the same.
    """

    def __init__(self, engine: Callable[[], Engine]):
        self._engine = engine

    def put(self, rows: Iterable[CommentText]) -> bool:
        return self._change({row.id: row for row in rows}, ())

    def remove(self, ids: Iterable[int]) -> bool:
        return self._change({}, ids)

    def rebuild(self, rows: Iterable[CommentText]) -> None:
        with self._engine().begin() as connection:
            _wait_for_turn(connection)
            for statement in SET_UP:
                connection.execute(text(statement))
            for batch in _batches({row.id: row for row in rows}.values()):
                _store(connection, "rebuilt", batch)
            for statement in SWAP:
                connection.execute(text(statement))

    def _change(self, rows: dict[int, CommentText], gone: Iterable[int]) -> bool:
        try:
            with self._engine().begin() as connection:
                _wait_for_turn(connection)
                if not connection.scalar(text("SELECT to_regclass('search.comment_text')")):
                    return False
                connection.execute(
                    text("DELETE FROM search.comment_text WHERE id = ANY(:ids)"), {"ids": list({*rows, *gone})}
                )
                _store(connection, "comment_text", list(rows.values()))
        except ProgrammingError:
            log.exception("The index of comments is not what it should be and must be rebuilt.")
            return False
        return True

    def matching(self, query: str, regulation_id: int | None, limit: int) -> list[int]:
        with self._engine().connect() as connection:
            found: list[int] = []
            for joined in _lenient(_asked(query), [" & ", " | "]):
                found = list(
                    connection.scalars(
                        text(MATCHING),
                        {"query": joined.replace('"', "'"), "regulation": regulation_id, "limit": limit},
                    )
                )
                if found:
                    break
            return found

    def is_healthy(self) -> bool:
        try:
            self.matching("a", None, 1)
        except SQLAlchemyError:
            return False
        return True


SET_UP = (
    "CREATE SCHEMA IF NOT EXISTS search",
    "DROP TABLE IF EXISTS search.rebuilt",
    """DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_ts_dict WHERE dictname = 'stemmed' AND dictnamespace = 'search'::regnamespace) THEN
        CREATE TEXT SEARCH DICTIONARY search.stemmed (TEMPLATE = pg_catalog.snowball, LANGUAGE = english);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_ts_config WHERE cfgname = 'words' AND cfgnamespace = 'search'::regnamespace) THEN
        CREATE TEXT SEARCH CONFIGURATION search.words (COPY = pg_catalog.english);
        ALTER TEXT SEARCH CONFIGURATION search.words ALTER MAPPING REPLACE pg_catalog.english_stem WITH search.stemmed;
    END IF;
END $$""",
    "CREATE TABLE search.rebuilt (id bigint PRIMARY KEY, regulation_id bigint NOT NULL, words tsvector NOT NULL)",
)
SWAP = (
    "CREATE INDEX ON search.rebuilt USING gin (words)",
    "CREATE INDEX ON search.rebuilt (regulation_id)",
    "DROP TABLE IF EXISTS search.comment_text",
    "ALTER TABLE search.rebuilt RENAME TO comment_text",
)
MATCHING = """
    SELECT id FROM search.comment_text, to_tsquery('search.words', :query) AS query
    WHERE words @@ query AND (CAST(:regulation AS bigint) IS NULL OR regulation_id = :regulation)
    ORDER BY ts_rank(words, query, 1) DESC, id DESC LIMIT :limit"""


def _store(connection: Connection, table: str, rows: Sequence[CommentText]) -> None:
    if rows:
        connection.execute(
            text(f"INSERT INTO search.{table} VALUES (:id, :regulation_id, to_tsvector('search.words', :words))"),  # noqa: S608
            [{"id": row.id, "regulation_id": row.regulation_id, "words": _indexed(row.text)} for row in rows],
        )


def _wait_for_turn(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('search.comment_text'))"))


def _indexed(written: str) -> str:
    return " ".join(rules.words_of(written))


def _asked(query: str) -> list[str]:
    return [f'"{word}"' for word in rules.telling_words(rules.plain_words(query))]


def _lenient(words: Sequence[str], joiners: Sequence[str]) -> Iterator[str]:
    """All of the words first; any of them when no text has them all."""
    for joiner in joiners[: len(words)]:
        yield joiner.join(words)


def _batches(rows: Iterable[CommentText]) -> Iterator[list[CommentText]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch
