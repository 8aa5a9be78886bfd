"""Who may decide on what: officials, each on their own department's regulations, or on all from a central office."""

from accounts.models import Account
from accounts.rules import Role
from core.errors import NotAllowed
from regulations.models import Regulation


def check_decider(account: Account, regulation: Regulation) -> None:
    """Raises NotAllowed. An office without a department is a central one."""
    if account.role != Role.OFFICIAL:
        raise NotAllowed("Only officials may write and approve decisions.")
    check_department(account, regulation)


def check_department(account: Account, regulation: Regulation) -> None:
    """Raises NotAllowed where another department's work would be done."""
    own = department_of(account)
    if own is not None and own != regulation.department_id:
        raise NotAllowed(
            f"{regulation.department.name} decides on this regulation, and your office belongs to another department."
        )


def department_of(account: Account) -> int | None:
    return account.post.department_id if account.post else None
