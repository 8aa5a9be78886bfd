"""Whose work a regulation is: that of its department's people, and of offices that belong to no department.

Only officials and analysts are bound to a department; what moderators and administrators do is the same everywhere.
"""

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import aliased

from accounts.models import Account
from accounts.rules import Role
from core.db import db
from core.errors import NotAllowed
from regulations.models import Regulation, Theme
from regulations.queries import regulation_with

BOUND = (Role.OFFICIAL, Role.ANALYST)
_listed = aliased(Regulation)


def bound_to(account: Account) -> int | None:
    """The department whose regulations alone are somebody's work; None where all are."""
    return account.post.department_id if account.post and account.role in BOUND else None


def may_work_on(account: Account, regulation: Regulation) -> bool:
    return bound_to(account) in (None, regulation.department_id)


def check_may_work_on(account: Account, regulation: Regulation) -> None:
    """Raises NotAllowed where another department's work would be done."""
    if not may_work_on(account, regulation):
        raise NotAllowed(
            f"{regulation.department.name} is responsible for this regulation, and your office belongs to another "
            "department."
        )


def regulation_to_work_on(slug: str, account: Account) -> Regulation:
    """Raises NotFound, and NotAllowed where it is another department's."""
    regulation = regulation_with(slug)
    check_may_work_on(account, regulation)
    return regulation


def check_may_work_on_all_of(account: Account, theme: Theme) -> None:
    """For what touches every regulation of a theme. Raises NotAllowed where one is another department's."""
    if theme.slug in themes_shared_with_others(bound_to(account)):
        raise NotAllowed(
            "Other departments’ regulations are in this theme too, so an office without a department, or an "
            "administrator, does this for all of them."
        )


def themes_shared_with_others(department: int | None) -> set[str]:
    """The slugs of themes in which a regulation is another department's; none for who is bound to no department."""
    return set((db.session.scalar(slugs_shared_with_others(department)) or "").split())


def slugs_shared_with_others(department: int | None) -> Select[str]:
    """The same with spaces between them, as a part of a larger question."""
    theirs = select(Theme.slug).join(Regulation, Regulation.theme_id == Theme.id).distinct()
    each = theirs.where(false() if department is None else Regulation.department_id != department).subquery()
    return select(func.coalesce(func.aggregate_strings(each.c.slug, " "), ""))


def themes_of_department(department: int) -> set[str]:
    """The slugs of themes in which it has a regulation."""
    own = select(Theme.slug).join(Regulation, Regulation.theme_id == Theme.id)
    return set(db.session.scalars(own.where(Regulation.department_id == department).distinct()))


def check_may_work_on_some_of(account: Account, theme: Theme) -> None:
    """For what is about a theme as a whole. Raises NotAllowed where none of its regulations is one's own."""
    department = bound_to(account)
    if department is not None and theme.slug not in themes_of_department(department):
        raise NotAllowed("None of this theme’s regulations is your department’s.")


def of_department(department: int | None) -> ColumnElement[bool]:
    """Of regulations in a query: those of one department, or all."""
    return true() if department is None else Regulation.department_id == department


def touches_department(department: int | None) -> ColumnElement[bool]:
    """Of what is about a regulation or, where there is none, a whole theme: both outer joined in a query."""
    if department is None:
        return true()
    in_theme = select(_listed.id).where(_listed.theme_id == Theme.id, _listed.department_id == department)
    return or_(Regulation.department_id == department, and_(Regulation.id.is_(None), exists(in_theme)))
