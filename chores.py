"""What the site does by itself as days go by. Each act has a transaction of its own; see `flask worker`."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import current_app

from audit.services import check_writable
from core import clock
from core.db import db, transaction
from core.errors import Unavailable
from decisions import milestones, reviews
from decisions.models import Decision, Milestone
from pages import editions
from regulations import census, due
from regulations.models import Theme

log = logging.getLogger(__name__)


def note_what_went_by() -> None:
    """Put on the record what themes that opened list, which days came or went by, and the reviews that were promised.

    One that fails is logged and keeps no other waiting. While the record cannot be signed nothing is noted; the days
    are found again afterwards.
    """
    try:
        check_writable()
    except Unavailable:
        return
    now = clock.now()
    for what, kind, found, note in _CHORES:
        for id in found(now):
            db.session.rollback()
            try:
                with transaction():
                    note(db.session.get_one(kind, id), now)
            except Exception:
                log.exception("%s could not be noted (%s).", what, id)


def _keep(theme: Theme, now: datetime) -> None:
    site = current_app.config["SITE"]
    editions.keep_edition(theme=theme, site_url=site.url, demonstration=site.demonstration, now=now)


_CHORES: tuple[tuple[str, type[Any], Callable[[datetime], list[int]], Callable[[Any, datetime], object]], ...] = (
    (
        "What a theme listed when it opened", Theme, census.themes_to_count,
        lambda theme, now: census.take_census(theme=theme, now=now),
    ),
    (
        "That a theme is overdue", Theme, due.themes_newly_overdue,
        lambda theme, now: due.note_overdue(theme=theme, now=now),
    ),
    (
        "The review that a decision promised", Decision, lambda now: reviews.reviews_to_plan(),
        lambda decision, now: reviews.plan_review(decision=decision, now=now),
    ),
    (
        "That the day of a review has come", Milestone, reviews.reviews_come,
        lambda step, now: reviews.note_review(milestone=step, now=now),
    ),
    (
        "That the day of a step went by", Milestone, milestones.newly_missed,
        lambda step, now: milestones.miss_milestone(milestone=step, now=now),
    ),
    ("What the report on a theme says now", Theme, editions.themes_to_keep, lambda theme, now: _keep(theme, now)),
)  # fmt: skip
"""What is looked for, in which rows, how they are found, and what is written of each."""
