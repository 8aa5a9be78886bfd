"""What the site knows about a theme before it closes: what waits, who was not heard, who decides next."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from accounts.models import Department, Post
from accounts.rules import Capacity, Role
from analysis.models import Submission
from analysis.submission_rules import How, Withheld
from core.db import db
from decisions.desk import rewritten
from regulations.models import Regulation, Theme
from voting.models import Vote
from voting.tallying import waiting_in


@dataclass(frozen=True)
class Decides:
    """A department, with how many of a theme's regulations it will decide on and how many officials it has."""

    name: str
    regulations: int
    officials: int


@dataclass(frozen=True)
class BeforeClosing:
    unconfirmed: int
    """Ballots given that wait for their address to be confirmed."""
    rewritten: int
    """Reasons that a moderator hid or covered and that their authors have changed since."""
    entered: list[tuple[str, int]]
    """What was entered beside the ballots, by the way it came."""
    papers: int
    """Of those, how many nobody has looked at."""
    silent: list[str]
    """The capacities in which nobody has voted."""
    departments: list[Decides]
    central: int
    """Officials who belong to no department and may decide on every regulation."""


def before_closing(theme: Theme, now: datetime) -> BeforeClosing:
    ways, papers = _entered(theme.id)
    departments, central = _who_decides(theme.id)
    heard = select(Vote.capacity).join(Regulation, Regulation.id == Vote.regulation_id)
    spoke = set(db.session.scalars(heard.where(Regulation.theme_id == theme.id, Vote.choice.is_not(None)).distinct()))
    return BeforeClosing(
        unconfirmed=waiting_in(theme.id, now),
        rewritten=db.session.scalar(rewritten(theme.id)) or 0,
        entered=ways,
        papers=papers,
        silent=[capacity.plural for capacity in Capacity if capacity not in spoke],
        departments=departments,
        central=central,
    )


def _entered(theme_id: int) -> tuple[list[tuple[str, int]], int]:
    wanted = select(
        Submission.how, func.count(), func.count().filter(Submission.withheld_because == Withheld.WAITING)
    ).where(Submission.theme_id == theme_id)
    found = {row[0]: (row[1], row[2]) for row in db.session.execute(wanted.group_by(Submission.how))}
    return [(how.label, found[how][0]) for how in How if how in found], sum(papers for _, papers in found.values())


def _who_decides(theme_id: int) -> tuple[list[Decides], int]:
    """Departments with regulations that nobody has settled, and how many officials belong to each and to none."""
    theirs = select(Regulation.department_id, func.count().label("number")).group_by(Regulation.department_id)
    regulations = theirs.where(Regulation.theme_id == theme_id, Regulation.settled.is_(None)).subquery()
    officials = (
        select(Post.department_id, func.count().label("number"))
        .where(Post.role == Role.OFFICIAL)
        .group_by(Post.department_id)
        .subquery()
    )
    central = select(func.count()).where(Post.role == Role.OFFICIAL, Post.department_id.is_(None)).scalar_subquery()
    rows = db.session.execute(
        select(Department.name, regulations.c.number, func.coalesce(officials.c.number, 0), central)
        .join(regulations, regulations.c.department_id == Department.id)
        .outerjoin(officials, officials.c.department_id == Department.id)
        .order_by(regulations.c.number.desc(), Department.name)
    ).all()
    return [Decides(row[0], row[1], row[2]) for row in rows], rows[0][3] if rows else 0
