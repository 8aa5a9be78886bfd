"""Keeps the indexes in step with the record: finds the rows an entry is about, and puts their words in."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select

from audit.followers import Step
from core.db import db
from decisions.models import Decision
from regulations.models import Regulation
from regulations.rules import Citation
from search import queries, services
from search.rules import CommentText, Document
from voting.models import Comment, ModerationAct
from voting.rules import CommentStatus
from voting.shown import masked_words

log = logging.getLogger(__name__)


class SearchFollower:
    """What it keeps lies outside the database, and bears being told the same entries twice."""

    name = "search"
    keeps_outside = True

    def follow(self, steps: Sequence[Step], now: datetime) -> None:
        regulations = [step.about_id for step in steps if step.type == "item.version"]
        decisions = [step.about_id for step in steps if step.type == "decision"]
        comments = {step.about_id for step in steps if step.about_kind == Comment.__name__}
        acts = [step.about_id for step in steps if step.type == "moderation"]
        documents = [*_regulations(regulations), *_decisions(decisions)]
        comments |= set(db.session.scalars(select(ModerationAct.comment_id).where(ModerationAct.id.in_(acts))))
        shown, gone = _comments(comments)
        db.session.rollback()
        if documents and not services.put(documents):
            log.warning("The search index is missing or broken; making it anew.")
            rebuild_documents()
        if (shown or gone) and not (services.put_comments(shown) and services.remove_comments(gone)):
            log.warning("The comment index is missing or broken; making it anew.")
            rebuild_comments()

    def forget(self) -> None:
        rebuild_documents()
        rebuild_comments()


def rebuild_documents() -> None:
    def everything() -> Iterator[Document]:
        yield from _regulations(None)
        yield from _decisions(None)
        db.session.rollback()

    services.rebuild(everything())


def rebuild_comments() -> None:
    def everything() -> Iterator[CommentText]:
        yield from _comments(None)[0]
        db.session.rollback()

    services.rebuild_comments(everything())


def _regulations(ids: Sequence[int | None] | None) -> list[Document]:
    wanted = select(
        Regulation.slug, Regulation.kind, Regulation.year, Regulation.number, Regulation.title,
        Regulation.binds, Regulation.sentence, Regulation.summary,
    )  # fmt: skip
    if ids is not None:
        wanted = wanted.where(Regulation.id.in_(ids))
    return [
        Document(
            key=row.slug,
            kind="regulation",
            title=row.title,
            citation=Citation(row.kind, row.year, row.number).official,
            text=f"{row.sentence} {row.binds} {row.summary}",
        )
        for row in db.session.execute(wanted)
    ]


def _decisions(ids: Sequence[int | None] | None) -> list[Document]:
    wanted = select(
        Decision.reference, Decision.outcome, Decision.statement, Decision.reasons, Decision.departure_reason,
        Regulation.kind, Regulation.year, Regulation.number, Regulation.title,
    ).join(Regulation, Regulation.id == Decision.regulation_id)  # fmt: skip
    if ids is not None:
        wanted = wanted.where(Decision.id.in_(ids))
    return [
        Document(
            key=row.reference,
            kind="decision",
            title=row.title,
            citation=Citation(row.kind, row.year, row.number).official,
            text=f"{row.outcome.replace('_', ' ')} {row.statement} {row.reasons} {row.departure_reason}",
        )
        for row in db.session.execute(wanted)
    ]


def _comments(ids: set[int | None] | None) -> tuple[list[CommentText], list[int]]:
    """What may be found, and what may not any more."""
    wanted = select(Comment.id, Comment.regulation_id, Comment.text, Comment.status)
    if ids is not None:
        wanted = wanted.where(Comment.id.in_(ids))
    rows = db.session.execute(wanted).all()
    left = masked_words([row.id for row in rows if row.status == CommentStatus.MASKED])
    shown = [
        CommentText(row.id, row.regulation_id, left.get(row.id, row.text))
        for row in rows
        if row.status == CommentStatus.PUBLISHED or row.id in left
    ]
    gone = {id for id in ids or () if id is not None} - {text.id for text in shown}
    return shown, sorted(gone)


def mend() -> bool:
    """Make anew what is missing or broken; False when nothing was."""
    documents, comments = queries.documents_are_healthy(), queries.comments_are_healthy()
    if not documents:
        rebuild_documents()
    if not comments:
        rebuild_comments()
    return not (documents and comments)
