"""Keeping the indexes: put, remove, rebuild. Called with an app context, by followers of the record and by commands.

Writers wait for one another, in whichever process they are, so don't call these inside a ``transaction()``.
``put`` and ``remove`` may be repeated at will. They answer False when the index is missing or broken; a rebuild is
then due, and the follower must not take what it put as done.
``rebuild`` takes an iterable and starts reading it once no other writer can come between: give it a generator that
reads the database when it is first asked, and nothing put in the meantime is lost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flask import Flask, current_app
from sqlalchemy import Engine, make_url

from search.comment_index import CommentIndex, PostgresComments, SqliteComments
from search.document_index import DocumentIndex
from search.rules import CommentText, Document


@dataclass(frozen=True)
class Indexes:
    documents: DocumentIndex
    comments: CommentIndex


def init_app(app: Flask) -> None:
    """Reads DATA_DIR and SQLALCHEMY_DATABASE_URI; touches neither disk nor database yet."""
    folder = Path(app.config["DATA_DIR"])
    on_postgres = make_url(app.config["SQLALCHEMY_DATABASE_URI"]).get_backend_name() == "postgresql"
    app.extensions["search"] = Indexes(
        documents=DocumentIndex(folder / "search"),
        comments=PostgresComments(_engine) if on_postgres else SqliteComments(folder / "comments.fts.sqlite"),
    )


def indexes() -> Indexes:
    return cast(Indexes, current_app.extensions["search"])


def put(documents: Iterable[Document]) -> bool:
    return indexes().documents.put(documents)


def remove(keys: Iterable[str]) -> bool:
    return indexes().documents.remove(keys)


def rebuild(documents: Iterable[Document]) -> None:
    indexes().documents.rebuild(documents)


def put_comments(rows: Iterable[CommentText]) -> bool:
    return indexes().comments.put(rows)


def remove_comments(ids: Iterable[int]) -> bool:
    return indexes().comments.remove(ids)


def rebuild_comments(rows: Iterable[CommentText]) -> None:
    indexes().comments.rebuild(rows)


def _engine() -> Engine:
    return cast(Engine, current_app.extensions["sqlalchemy"].engine)
