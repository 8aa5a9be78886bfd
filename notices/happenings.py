"""What the record's lines mean for those who are to hear: whom each concerns, and what it is found by."""

import math
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from accounts.models import Department
from audit.followers import Step
from core.db import db
from decisions.models import Decision
from decisions.rules import Outcome
from notices.audience import Decided, Happening, Keys, outcome_of
from notices.models import Follow
from notices.rules import MOST_KEPT, Followed, Kind
from notices.searches import searches_that_find
from regulations.models import DueChange, Regulation, Theme
from regulations.rules import Stage
from voting.models import Comment

_later = aliased(Decision)


def happenings(steps: Sequence[Step], now: datetime) -> Iterator[Happening]:
    """Only reads. In the order of the record; what was listed together is told together, at the first line of it."""
    listed: dict[str, list[Step]] = {}
    for step in steps:
        if step.type == "item.version":
            listed.setdefault(step.said["theme"], []).append(step)
    for step in steps:
        if step.type == "item.version":
            together = listed.pop(step.said["theme"], None)
            if together:
                yield from _listed(step.said["theme"], together)
        elif step.type in ("decision", "milestone", "stage"):
            yield from _on_regulation(step)
        elif step.type == "erasure" and step.about_kind == Comment.__name__:
            yield from _on_erased(step, now)
        elif step.type in ("overdue", "due"):
            yield from _on_due_day(step)
        elif step.type == "theme":
            words = {"theme": step.said["theme"]}
            yield Happening(step.id, Kind.THEME, {Followed.THEMES: [""]}, words=words)


def _on_regulation(step: Step) -> Iterator[Happening]:
    kind = _kind(step)
    regulation = db.session.scalar(select(Regulation).filter_by(slug=step.item)) if kind else None
    if kind is None or regulation is None:
        return
    if kind is Kind.DONE and regulation.settled != Stage.DONE:
        return  # it was opened again meanwhile
    decided = _decided(step.id) if kind is Kind.DECISION else None
    if kind is Kind.DECISION and decided is None:
        return  # a later decision has taken its place already, and is told
    yield Happening(
        cause=step.id,
        kind=kind,
        follows=_followers_of([regulation.id], just_decided=kind is Kind.DECISION),
        took_part_in=[regulation.id] if kind in (Kind.DECISION, Kind.DONE) else (),
        regulation_id=regulation.id,
        words=_words(step),
        decided=decided,
    )


def _decided(entry_id: str) -> Decided | None:
    standing = ~exists().where(_later.supersedes_id == Decision.id)
    wanted = select(Decision.outcome, outcome_of().label("in_full")).where(Decision.entry_id == entry_id, standing)
    row = db.session.execute(wanted).one_or_none()
    return Decided(row.in_full, row.outcome in (Outcome.SCRAP, Outcome.IMPROVE)) if row else None


def _on_erased(step: Step, now: datetime) -> Iterator[Happening]:
    """Told to those who stood behind the reason, once for all its lines, and only while they can give another.

    Not to followers: of what one person asked to have deleted, the place where it stood says enough.
    """
    comment = db.session.get(Comment, step.about_id)
    if comment is None or comment.erasure_entry_id is None:
        return
    regulation, theme = comment.regulation, comment.regulation.theme
    if regulation.settled is not None or theme.frozen_at is not None or not theme.window.is_open(now):
        return
    yield Happening(
        cause=comment.erasure_entry_id,
        kind=Kind.ERASURE,
        follows={},
        stood_behind=comment.id,
        regulation_id=regulation.id,
        words={"comment": comment.id},
        until=theme.closes_at,
    )


def _kind(step: Step) -> Kind | None:
    """A stage is told only where it ends the story: each of the others comes with a line of its own."""
    if step.type == "decision":
        return Kind.DECISION
    if step.type == "milestone":
        was_put_off = step.said.get("due", 0) > step.said.get("moved_from", math.inf)
        return Kind.SLIPPAGE if step.said["state"] == "missed" or was_put_off else Kind.MILESTONE
    return Kind.DONE if step.said["stage"] == Stage.DONE else None


def _words(step: Step) -> dict[str, object]:
    """What the mail needs of the line itself; the rest is read when it is written."""
    return {name: step.said[name] for name in ("step",) if name in step.said}


def _on_due_day(step: Step) -> Iterator[Happening]:
    """A day that is moved is told to followers; one that went by to all who still wait, the first time unasked."""
    theme = db.session.scalar(select(Theme).filter_by(slug=step.said["theme"]))
    if theme is None:
        return
    change = db.session.scalar(select(DueChange).filter_by(entry_id=step.id))
    waiting = select(Regulation.id).where(Regulation.theme_id == theme.id, Regulation.settled.is_(None))
    overdue = step.type == "overdue"
    first = overdue and change is not None and not _was_overdue_before(change)
    words = {"theme": theme.slug, "due": step.said["due"], "undecided": step.said.get("undecided", 0)}
    yield Happening(
        cause=step.id,
        kind=Kind.OVERDUE if overdue else Kind.EXTENDED,
        follows=_followers_of(list(db.session.scalars(waiting))) | {Followed.THEME: [theme.slug]},
        took_part_in=waiting if first else (),
        words=words,
    )


def _was_overdue_before(change: DueChange) -> bool:
    earlier = select(DueChange.id).where(
        DueChange.theme_id == change.theme_id, DueChange.act == change.act, DueChange.id < change.id
    )
    return db.session.scalar(earlier.limit(1)) is not None


def _listed(theme: str, steps: Sequence[Step]) -> Iterator[Happening]:
    """For each way of following by itself, since a department's followers hear of its own regulations alone."""
    if db.session.scalar(select(Follow.id).limit(1)) is None:
        return
    wanted = select(Regulation.id, Regulation.slug, Department.slug.label("department")).join(Department)
    rows = db.session.execute(wanted.where(Regulation.id.in_([step.about_id for step in steps]))).all()
    parts: dict[tuple[Followed, str], list[str]] = {(Followed.THEME, theme): [row.slug for row in rows]}
    for row in rows:
        parts.setdefault((Followed.DEPARTMENT, row.department), []).append(row.slug)
    slugs = {row.id: row.slug for row in rows}
    for key, ids in searches_that_find(list(slugs)).items():
        parts[Followed.SEARCH, key] = [slug for id, slug in slugs.items() if id in ids]
    for (kind, key), found in parts.items():
        words = {"theme": theme, "slugs": found[:MOST_KEPT], "number": len(found)}
        yield Happening(f"{steps[0].id} {kind} {key}", Kind.LISTED, {kind: [key]}, words=words)


def _followers_of(regulation_ids: Collection[int], *, just_decided: bool = False) -> Keys:
    these = select(Regulation.slug).where(Regulation.id.in_(regulation_ids))
    themes = select(Theme.slug).join(Regulation).where(Regulation.id.in_(regulation_ids))
    departments = select(Department.slug).join(Regulation).where(Regulation.id.in_(regulation_ids))
    return {
        Followed.REGULATION: these,
        Followed.THEME: themes,
        Followed.DEPARTMENT: departments,
        Followed.SEARCH: list(searches_that_find(regulation_ids, just_decided=just_decided)),
    }
