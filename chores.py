"""What the site does by itself as days go by. Each act has a transaction of its own; see `flask worker`."""

import logging

from audit.services import check_writable
from core import clock
from core.db import db, transaction
from core.errors import Unavailable
from decisions import milestones
from decisions.models import Milestone
from regulations import due
from regulations.models import Theme

log = logging.getLogger(__name__)


def note_what_went_by() -> None:
    """Put on the record which days went by: those of decisions that are missing, and of steps that are not done.

    One that fails is logged and keeps no other waiting. While the record cannot be signed nothing is noted; the days
    are found again afterwards.
    """
    try:
        check_writable()
    except Unavailable:
        return
    now = clock.now()
    for theme_id in due.themes_newly_overdue(now):
        db.session.rollback()
        try:
            with transaction():
                due.note_overdue(theme=db.session.get_one(Theme, theme_id), now=now)
        except Exception:
            log.exception("That theme %s is overdue could not be noted.", theme_id)
    for milestone_id in milestones.newly_missed(now):
        db.session.rollback()
        try:
            with transaction():
                milestones.miss_milestone(milestone=db.session.get_one(Milestone, milestone_id), now=now)
        except Exception:
            log.exception("That the day of step %s went by could not be noted.", milestone_id)
