"""Who may decide on what: officials, each on the regulations that are their department's work."""

from sqlalchemy import or_, select

from accounts.models import Account, Post
from accounts.rules import Role
from core.db import db
from core.errors import NotAllowed
from decisions.models import Draft
from decisions.versions import parts_written_by, versions_of
from regulations.models import Regulation
from regulations.responsible import check_may_work_on


def check_decider(account: Account, regulation: Regulation) -> None:
    """Raises NotAllowed."""
    if account.role != Role.OFFICIAL:
        raise NotAllowed("Only officials may write and approve decisions.")
    check_may_work_on(account, regulation)


def may_approve(draft: Draft) -> bool:
    """Whether anybody may: an official of the department or of none, of whose words none stand in the draft."""
    wanted = select(Post.account_id).where(
        Post.role == Role.OFFICIAL,
        or_(Post.department_id.is_(None), Post.department_id == draft.regulation.department_id),
        Post.account_id != draft.written_by_id,
    )
    versions = versions_of(draft)
    return any(not parts_written_by(account, versions) for account in db.session.scalars(wanted))


def who_approves(draft: Draft) -> str:
    """What its author is told while it waits."""
    if may_approve(draft):
        return "It waits on the desks of those who may."
    return (
        f"Nobody may yet: every other official of {draft.regulation.department.name}, and of no department, has words "
        "of their own in it, or there is none. Ask an administrator to appoint a second official."
    )
